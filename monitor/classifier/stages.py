"""The two stages of training: public heads on public comments, school heads on written lines in their company."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.classifier.concepts import Concepts
from monitor.classifier.corpus import PUBLIC_HEADS, Comment, Corpus, Line, wanted
from monitor.classifier.embedded import HARM, HARMFUL
from monitor.classifier.features import Ints
from monitor.classifier.kinship import word_vectors
from monitor.classifier.learn import Array, Heads, Pace, Rows, auc, calibrate, fit
from monitor.classifier.tables import PUBLIC_SPECS, SCHOOL_SPECS, Floats
from monitor.classifier.text import normalise, tidy
from monitor.classifier.views import Part, parts_of

SCHOOL_HEADS = (*HARMFUL, "complaint", "query", "thanks", "spam", "media", "under_13", HARM)

_AKIN = {"weapon": ("threat",), "threat": ("weapon",), "neglect": ("concern",), "concern": ("neglect",)}
"""What a line of a category may be too: nobody said."""

_FOLDS = 5
_SHOWN = 800  # characters
_COMPANY_WEIGHT = 0.03  # there are many public comments, and they are unlike anything at a school
_TEMPLATE_WEIGHT = 0.3
_LINE_WEIGHT = 1.0  # of a school line in the calibration of a public head, beside a comment
_VECTOR = 64
_PUBLIC_PACE = Pace(passes=3, step=0.2, texts=512, pull=1e-5)
_SCHOOL_PACE = Pace(passes=12, step=0.2, texts=128, pull=5e-5, dense_pull=0.1)


@dataclass(frozen=True, slots=True)
class Public:
    """The public heads. `logits` (comments, heads) are those of `held_out`, which they have not seen.

    `vectors` (buckets, size): what the comments tell about which words are akin.
    """

    heads: Heads
    held_out: tuple[Comment, ...]
    logits: Floats
    vectors: Floats

    def of(self, texts: Sequence[str]) -> Floats:
        """Logits of normalised texts, (texts, heads)."""
        return self.heads.logits([Rows.of(spec, texts) for spec in PUBLIC_SPECS], np.zeros((len(texts), 0)))


@dataclass(frozen=True, slots=True)
class School:
    """The school heads, and the calibration of all heads.

    `parts` are those of the school lines and then of the company; `public_logits` and `logits` are theirs, each
    from heads that had not seen the text. `company` (comments, public heads): what is known of the comments.
    `centre`, `spread`, `public_fit`, `school_fit` as in tables.Model. `vectors`: those of Public, on the scale
    that `heads` were trained on.
    """

    heads: Heads
    vectors: Floats
    centre: Floats
    spread: Floats
    public_fit: Floats
    school_fit: Floats
    parts: tuple[Part, ...]
    public_logits: Floats
    logits: Floats
    company: Floats
    auc: dict[str, float]


def shown(text: str) -> str:
    """What of a text is trained on: its beginning, tidy."""
    return tidy(text[: 2 * _SHOWN])[:_SHOWN]


def train_public(corpus: Corpus, seed: int) -> Public:
    """Train the public heads on the train split and the identity templates."""
    comments = [comment for comment in corpus.comments if not comment.dev]
    everything = (*comments, *corpus.templates)
    texts = [normalise(shown(comment.text)) for comment in everything]
    labels = wanted(everything)
    weight = np.ones(labels.shape)
    weight[len(comments) :] = _TEMPLATE_WEIGHT
    tables = [Rows.of(spec, texts) for spec in PUBLIC_SPECS]
    heads = fit(tables, np.zeros((len(texts), 0)), labels, weight, _PUBLIC_PACE, seed)
    held_out = tuple(comment for comment in corpus.comments if comment.dev)
    public = Public(heads, held_out, np.zeros(0), word_vectors(texts, SCHOOL_SPECS[0].bits, _VECTOR, seed))
    return replace(public, logits=public.of([normalise(shown(comment.text)) for comment in held_out]))


def train_school(corpus: Corpus, public: Public, seed: int, told: Callable[[int, int], None]) -> School:
    """Train the school heads, a fifth of the texts left out each time, then on all; then calibrate.

    Their company is the dev split, which the public heads have not seen: what those say of it must be as
    honest as what they say of the lines.
    """
    labels = wanted(public.held_out)
    chosen = _company(labels)
    lines, company = len(corpus.lines), labels[chosen]
    texts = [line.text for line in corpus.lines] + [public.held_out[i].text for i in chosen]
    lexicon = Concepts.load()
    parts = tuple(part for owner, text in enumerate(texts) for part in parts_of(text, owner, lexicon))
    whole = [
        Part(owner, normalise(shown(text)), lexicon.row(shown(text))) for owner, text in enumerate(texts)
    ]
    heard = public.of([part.text for part in whole])
    calm = heard[lines:][company[:, 0] == 0]
    centre, spread = calm.mean(0), 2 * np.maximum(calm.std(0), 1e-6)
    kin = float(_sums(_tables(whole)[0], public.vectors).std())
    vectors = public.vectors / max(kin, 1e-6)
    heard_parts = public.of([part.text for part in parts])
    views = (
        _Seen.of(whole, vectors, (heard - centre) / spread),
        _Seen.of(parts, vectors, (heard_parts - centre) / spread),
    )
    truth = _truth(corpus.lines, company)
    weight = np.ones(truth.shape)
    weight[lines:] = _COMPANY_WEIGHT
    groups = [line.scenario for line in corpus.lines] + [f"comment {i}" for i in chosen]
    logits, part_logits = _left_out(views, truth, weight, _folds(groups, seed), seed, told)
    return School(
        heads=fit(views[0].tables, views[0].dense, truth, weight, _SCHOOL_PACE, seed),
        vectors=vectors,
        centre=centre,
        spread=spread,
        public_fit=_public_fit(_public_truth(corpus.lines, company), lines, heard, logits),
        school_fit=_school_fit(logits, truth, weight),
        parts=parts,
        public_logits=heard_parts,
        logits=part_logits,
        company=company,
        auc=_areas(truth[:lines], logits[:lines]),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Parts as the school heads see them; `owner` (parts,) the text of each."""

    tables: list[Rows]
    dense: Floats
    owner: Ints

    @classmethod
    def of(cls, parts: Sequence[Part], vectors: Floats, heard: Floats) -> _Seen:
        tables = _tables(parts)
        dense = np.hstack([_sums(tables[0], vectors), heard])
        return cls(tables, dense, np.array([part.owner for part in parts]))

    def take(self, rows: Ints) -> tuple[list[Rows], Floats]:
        return [table.take(rows) for table in self.tables], self.dense[rows]


def _public_truth(lines: Sequence[Line], company: Floats) -> Floats:
    """What the public heads should say of school lines and company, (lines + comments, heads)."""
    above = np.full((len(lines), len(PUBLIC_HEADS)), np.nan)
    for number, line in enumerate(lines):
        if not line.harm:
            above[number] = 0
            continue
        for head in ("threat", "identity_attack"):  # other harm may well insult, but the writers named these
            above[number, PUBLIC_HEADS.index(head)] = 0
        if line.category in PUBLIC_HEADS:
            above[number, [0, PUBLIC_HEADS.index(line.category)]] = 1
    return np.vstack([above, company])


def _company(labels: Floats) -> Ints:
    """Which comments: those known to be harmless, or harmful somehow."""
    return np.flatnonzero((labels == 1).any(1) | (labels[:, 0] == 0))


def _tables(parts: Sequence[Part]) -> list[Rows]:
    plain, classes = [part.text for part in parts], [part.concepts for part in parts]
    return [Rows.of(spec, classes if spec.kind == "concepts" else plain) for spec in SCHOOL_SPECS]


def _left_out(
    views: tuple[_Seen, _Seen],
    truth: Array,
    weight: Array,
    fold: Ints,
    seed: int,
    told: Callable[[int, int], None],
) -> tuple[Floats, Floats]:
    """Logits of whole texts and of parts, each from heads that were trained without its text's fold."""
    whole, parts = views
    found = (np.zeros(truth.shape), np.zeros((parts.owner.size, truth.shape[1])))
    for left_out in range(_FOLDS):
        told(left_out, _FOLDS)
        keep = np.flatnonzero(fold != left_out)
        heads = fit(*whole.take(keep), truth[keep], weight[keep], _SCHOOL_PACE, seed)
        for view, logits in zip(views, found, strict=True):
            out = np.flatnonzero(fold[view.owner] == left_out)
            logits[out] = heads.logits(*view.take(out))
    return found


def _folds(groups: Sequence[str], seed: int) -> Ints:
    """The fold of each text, (texts,); texts of one group share it."""
    _, first, member = np.unique(np.array(groups), return_index=True, return_inverse=True)
    order = np.random.default_rng(seed + 1).permutation(first.size)
    return np.asarray(order[member] % _FOLDS, dtype=np.int64)


def _truth(lines: Sequence[Line], company: Floats) -> Floats:
    """What each school head should say, (lines + comments, heads); NaN where nobody knows."""
    truth = np.zeros((len(lines) + len(company), len(SCHOOL_HEADS)))
    for number, line in enumerate(lines):
        truth[number, -1] = line.harm
        if line.category in SCHOOL_HEADS:
            for other in _AKIN.get(line.category, ()):
                truth[number, SCHOOL_HEADS.index(other)] = np.nan
            truth[number, SCHOOL_HEADS.index(line.category)] = 1
    harmful = (company == 1).any(1)
    below = truth[len(lines) :]
    below[:, -1] = harmful
    below[np.ix_(harmful, range(len(HARMFUL)))] = np.nan
    for head in set(PUBLIC_HEADS) & set(HARMFUL):
        below[:, SCHOOL_HEADS.index(head)] = company[:, PUBLIC_HEADS.index(head)]
    return truth


def _sums(rows: Rows, vectors: Floats) -> Floats:
    found = np.zeros((rows.start.size - 1, vectors.shape[1]))
    filled = np.flatnonzero(np.diff(rows.start))
    found[filled] = np.add.reduceat(vectors[rows.index], rows.start[filled], axis=0)
    return found * rows.scale()[:, None]


def _school_fit(logits: Floats, truth: Array, weight: Array) -> Floats:
    """Slope, weight of the harm head and offset, (school heads, 3)."""
    found = []
    for head in range(len(SCHOOL_HEADS) - 1):
        known = ~np.isnan(truth[:, head])
        found.append(calibrate(logits[known][:, [head, -1]], truth[known, head], weight[known, head]))
    slope, offset = calibrate(logits[:, -1:], truth[:, -1], weight[:, -1])
    return np.array([*found, np.array([slope, 0.0, offset])])


def _public_fit(truth: Floats, lines: int, heard: Floats, logits: Floats) -> Floats:
    """Slope, weight of the harm head, of the school head of the same name, and offset, (public heads, 4).

    The school heads have read harmless school talk, Welsh included; the public heads have not.
    """
    found = np.zeros((len(PUBLIC_HEADS), 4))
    for head, name in enumerate(PUBLIC_HEADS):
        columns = [heard[:, head], logits[:, -1]]
        places = [0, 1, 3]
        if name in SCHOOL_HEADS:
            columns.append(logits[:, SCHOOL_HEADS.index(name)])
            places = [0, 1, 2, 3]
        known = ~np.isnan(truth[:, head])
        weight = np.where(np.arange(len(truth)) < lines, _LINE_WEIGHT, 1.0)[known]
        found[head, places] = calibrate(np.stack(columns, axis=1)[known], truth[known, head], weight)
    return found


def _areas(truth: Floats, logits: Floats) -> dict[str, float]:
    return {name: auc(truth[:, head], logits[:, head]) for head, name in enumerate(SCHOOL_HEADS)}
