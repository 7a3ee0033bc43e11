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
from monitor.classifier.text import chunks, normalise, tidy

SCHOOL_HEADS = (*HARMFUL, "complaint", "query", "thanks", "spam", "media", HARM)

_FOLDS = 5
_COMPANY_WEIGHT = 0.03  # there are many public comments, and they are unlike anything at a school
_TEMPLATE_WEIGHT = 0.3
_LINE_WEIGHT = 1.0  # of a school line in the calibration of a public head, beside a comment
_VECTOR = 64
_PUBLIC_PACE = Pace(passes=3, step=0.2, texts=512, pull=1e-5)
_SCHOOL_PACE = Pace(passes=12, step=0.1, texts=128, pull=3e-4)


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

    The arrays of logits have one row a school line, then one a comment of the company; each comes from heads
    that had not seen the text. `centre`, `spread`, `public_fit`, `school_fit` as in tables.Model. `vectors`:
    those of Public, on the scale that `heads` were trained on.
    """

    heads: Heads
    vectors: Floats
    centre: Floats
    spread: Floats
    public_fit: Floats
    school_fit: Floats
    public_logits: Floats
    logits: Floats
    company: Floats
    auc: dict[str, float]


def shown(text: str) -> str:
    """What of a text is trained on: its first chunk."""
    return next(chunks(tidy(text)))


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
    texts = [shown(line.text) for line in corpus.lines]
    texts += [shown(public.held_out[i].text) for i in chosen]
    heard = np.vstack([public.of([normalise(t) for t in texts[:lines]]), public.logits[chosen]])
    calm = heard[lines:][company[:, 0] == 0]
    centre, spread = calm.mean(0), 2 * np.maximum(calm.std(0), 1e-6)
    tables = _tables(texts)
    kin = _sums(tables[0], public.vectors)
    size = max(float(kin.std()), 1e-6)
    dense = np.hstack([kin / size, (heard - centre) / spread])
    truth = _truth(corpus.lines, company)
    weight = np.ones(truth.shape)
    weight[lines:] = _COMPANY_WEIGHT
    logits = _left_out(tables, dense, truth, weight, seed, told)
    return School(
        heads=fit(tables, dense, truth, weight, _SCHOOL_PACE, seed),
        vectors=public.vectors / size,
        centre=centre,
        spread=spread,
        public_fit=_public_fit(_public_truth(corpus.lines, company), lines, heard, logits),
        school_fit=_school_fit(logits, truth, weight),
        public_logits=heard,
        logits=logits,
        company=company,
        auc=_areas(truth[:lines], logits[:lines]),
    )


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


def _tables(texts: Sequence[str]) -> list[Rows]:
    lexicon = Concepts.load()
    plain = [normalise(text) for text in texts]
    rows = [lexicon.row(text) for text in texts]
    return [Rows.of(spec, rows if spec.kind == "concepts" else plain) for spec in SCHOOL_SPECS]


def _left_out(
    tables: Sequence[Rows],
    dense: Floats,
    truth: Array,
    weight: Array,
    seed: int,
    told: Callable[[int, int], None],
) -> Floats:
    """Logits of every text, each from heads that were trained without its fold."""
    fold = np.random.default_rng(seed + 1).permutation(len(truth)) % _FOLDS
    logits = np.zeros(truth.shape)
    for left_out in range(_FOLDS):
        told(left_out, _FOLDS)
        keep, out = np.flatnonzero(fold != left_out), np.flatnonzero(fold == left_out)
        kept = [rows.take(keep) for rows in tables]
        heads = fit(kept, dense[keep], truth[keep], weight[keep], _SCHOOL_PACE, seed)
        logits[out] = heads.logits([rows.take(out) for rows in tables], dense[out])
    return logits


def _truth(lines: Sequence[Line], company: Floats) -> Floats:
    """What each school head should say, (lines + comments, heads); NaN where nobody knows."""
    truth = np.zeros((len(lines) + len(company), len(SCHOOL_HEADS)))
    for number, line in enumerate(lines):
        truth[number, -1] = line.harm
        if line.category in SCHOOL_HEADS:
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
