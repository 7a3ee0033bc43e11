"""The two stages of training: public heads on public comments, school heads on written lines in their company."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.classifier.concepts import Concepts
from monitor.classifier.corpus import Comment, Corpus, Line, wanted
from monitor.classifier.features import Ints
from monitor.classifier.fits import Logits
from monitor.classifier.heads import HARMFUL, PUBLIC_HEADS, SCHOOL_HEADS
from monitor.classifier.kinship import word_vectors
from monitor.classifier.learn import Heads, Pace, Rows, fit
from monitor.classifier.tables import PUBLIC_SPECS, SCHOOL_SPECS, Array, Floats
from monitor.classifier.text import normalise, tidy
from monitor.classifier.views import Part, parts_of

_AKIN = {"weapon": ("threat",), "threat": ("weapon",), "neglect": ("concern",), "concern": ("neglect",)}
"""What a line of a category may be too: nobody said."""

_FOLDS = 5
_SHOWN = 800  # characters
_COMPANY_WEIGHT = 0.03  # there are many public comments, and they are unlike anything at a school
_TEMPLATE_WEIGHT = 0.3
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
    """The school heads, and what they say of texts that they had not seen.

    `texts` are the school lines and then their company, public comments; `parts` are what is scored of them.
    `whole` and `part` are the logits, each from heads that had not seen the text. `truth` (texts, school heads)
    and `public_truth` (texts, public heads) are 1, 0 or NaN where nobody knows; `weight` (texts, school heads).
    `company` (comments, public heads): what is known of the comments. `groups`: texts that are alike share one.
    `centre`, `spread` as in tables.Model. `vectors`: those of Public, on the scale that `heads` were trained on.
    """

    heads: Heads
    vectors: Floats
    centre: Floats
    spread: Floats
    texts: tuple[str, ...]
    groups: tuple[str, ...]
    parts: tuple[Part, ...]
    whole: Logits
    part: Logits
    truth: Floats
    public_truth: Floats
    weight: Floats
    company: Floats


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
    truth = school_truth(corpus.lines, company)
    weight = np.ones(truth.shape)
    weight[lines:] = _COMPANY_WEIGHT
    groups = [line.scenario for line in corpus.lines] + [f"comment {i}" for i in chosen]
    logits, part_logits = _left_out(views, truth, weight, folds(groups, _FOLDS, seed), seed, told)
    return School(
        heads=fit(views[0].tables, views[0].dense, truth, weight, _SCHOOL_PACE, seed),
        vectors=vectors,
        centre=centre,
        spread=spread,
        texts=tuple(texts),
        groups=tuple(groups),
        parts=parts,
        whole=Logits(heard, logits),
        part=Logits(heard_parts, part_logits),
        truth=truth,
        public_truth=public_truth(corpus.lines, company),
        weight=weight,
        company=company,
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


def public_truth(lines: Sequence[Line], company: Floats) -> Floats:
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


def folds(groups: Sequence[str], number: int, seed: int) -> Ints:
    """The fold of each text, (texts,); texts of one group share it."""
    _, first, member = np.unique(np.array(groups), return_index=True, return_inverse=True)
    order = np.random.default_rng(seed + 1).permutation(first.size)
    return np.asarray(order[member] % number, dtype=np.int64)


def school_truth(lines: Sequence[Line], company: Floats) -> Floats:
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
