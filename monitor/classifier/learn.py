"""Learning in numpy: sparse rows, several logistic heads at once, calibration.

Everything is seeded and single-threaded, so the same data give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.classifier.features import Batch, Ints
from monitor.classifier.tables import Array, Floats, Spec

_TEXTS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Rows:
    """Features of many texts: `index` (features,), text after text; `start` (texts + 1,)."""

    index: npt.NDArray[np.int32]
    start: Ints
    buckets: int

    @classmethod
    def of(cls, spec: Spec, texts: Sequence[str]) -> Rows:
        """The features that a table sees of normalised texts."""
        indexes: list[npt.NDArray[np.int32]] = []
        counts: list[Ints] = []
        for low in range(0, len(texts), _TEXTS_AT_ONCE):
            grams = spec.grams(Batch.of(texts[low : low + _TEXTS_AT_ONCE]))
            text_of = np.concatenate([np.repeat(np.arange(g.counts.size), g.counts) for g in grams])
            order = np.argsort(text_of, kind="stable")
            indexes.append(np.concatenate([g.index for g in grams])[order].astype(np.int32))
            counts.append(np.sum([g.counts for g in grams], axis=0))
        return cls(np.concatenate(indexes), _starts(np.concatenate(counts)), 1 << spec.bits)

    def take(self, texts: Ints) -> Rows:
        """The rows of some texts, in the order asked for."""
        counts = self.start[texts + 1] - self.start[texts]
        start = _starts(counts)
        position = np.arange(start[-1]) + np.repeat(self.start[texts] - start[:-1], counts)
        return Rows(self.index[position], start, self.buckets)

    def scale(self) -> Floats:
        """What each feature of a text counts, (texts,)."""
        return np.asarray(1 / np.sqrt(np.maximum(np.diff(self.start), 1)))

    def dot(self, weights: Array) -> Floats:
        """Weights (heads, buckets) applied: (texts, heads)."""
        found = np.zeros((self.start.size - 1, weights.shape[0]))
        filled = np.flatnonzero(np.diff(self.start))
        for head in range(weights.shape[0]) if filled.size else ():
            found[filled, head] = np.add.reduceat(weights[head][self.index], self.start[filled])
        return found * self.scale()[:, None]

    def spread(self, errors: Floats, head: int) -> npt.NDArray[np.float32]:
        """The gradient of one head, (buckets,), from the errors (texts, heads)."""
        each = np.repeat(errors[:, head] * self.scale(), np.diff(self.start))
        return np.bincount(self.index, weights=each, minlength=self.buckets).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Pace:
    """How to train: passes, step, texts a step, pull towards zero; the same for dense features."""

    passes: int
    step: float
    texts: int
    pull: float
    dense_step: float = 0.03
    dense_pull: float = 1e-2


@dataclass(frozen=True, slots=True)
class Heads:
    """What was learned: `sparse` one (heads, buckets) a table, `dense` (features, heads), `bias` (heads,)."""

    sparse: list[npt.NDArray[np.float32]]
    dense: Floats
    bias: Floats

    def logits(self, tables: Sequence[Rows], dense: Floats) -> Floats:
        """Raw logits of rows of the same kind as were trained on, (texts, heads)."""
        found = self.bias + dense @ self.dense
        for rows, weights in zip(tables, self.sparse, strict=True):
            found = found + rows.dot(weights)
        return found


def fit(tables: Sequence[Rows], dense: Floats, wanted: Array, weight: Array, pace: Pace, seed: int) -> Heads:
    """Train logistic heads with AdaGrad.

    `dense` (texts, features) may have no columns. `wanted` (texts, heads) is 0, 1 or NaN where nobody knows;
    `weight` (texts, heads). The step shrinks to nothing over the passes.
    """
    known = ~np.isnan(wanted)
    goal = np.where(known, wanted, 0.0)
    force = np.where(known, weight, 0.0)
    rate = np.clip((goal * force).sum(0) / np.maximum(force.sum(0), 1e-9), 1e-4, 1 - 1e-4)
    heads = Heads(
        [np.zeros((goal.shape[1], rows.buckets), np.float32) for rows in tables],
        np.zeros((dense.shape[1], goal.shape[1])),
        np.log(rate / (1 - rate)),
    )
    seen = [np.full(weights.shape, 1e-4, np.float32) for weights in heads.sparse]
    seen_dense = np.full(heads.dense.shape, 1e-4)
    shuffle = np.random.default_rng(seed)
    for done in range(pace.passes):
        left = 1 - done / pace.passes
        order = shuffle.permutation(goal.shape[0])
        for low in range(0, order.size, pace.texts):
            texts = order[low : low + pace.texts]
            batch = [rows.take(texts) for rows in tables]
            logits = heads.logits(batch, dense[texts])
            errors = (sigmoid(logits) - goal[texts]) * force[texts]
            heads.bias[:] -= 0.02 * left * errors.mean(0)
            slope = dense[texts].T @ errors + pace.dense_pull * pace.texts * heads.dense
            seen_dense += slope * slope
            heads.dense[:] -= pace.dense_step * left * slope / np.sqrt(seen_dense)
            for rows, weights, past in zip(batch, heads.sparse, seen, strict=True):
                _step(rows, errors, weights, past, pace.step * left, pace.pull * pace.texts)
    return heads


def _step(
    rows: Rows,
    errors: Floats,
    weights: npt.NDArray[np.float32],
    past: npt.NDArray[np.float32],
    step: float,
    pull: float,
) -> None:
    for head in range(weights.shape[0]):
        slope = rows.spread(errors, head)
        slope += np.float32(pull) * weights[head]
        past[head] += slope * slope
        weights[head] -= np.float32(step) * slope / np.sqrt(past[head])


def sigmoid(logits: Array) -> Floats:
    """Probabilities of logits."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))))


def calibrate(logits: Floats, truth: Array, weight: Array) -> Floats:
    """Platt's fit: (columns + 1,) slopes and offset that turn logits (texts, columns) into probabilities."""
    columns = np.hstack([logits, np.ones((logits.shape[0], 1))])
    ridge = np.full(columns.shape[1], 1e-2)
    ridge[-1] = 1e-6

    def loss(at: Floats) -> float:
        raw = columns @ at
        return float((weight * (np.logaddexp(0, raw) - truth * raw)).sum() + (ridge * at * at).sum() / 2)

    found = np.zeros(columns.shape[1])
    for _ in range(40):
        guess = sigmoid(columns @ found)
        slope = columns.T @ ((guess - truth) * weight) + ridge * found
        bend = (columns * (guess * (1 - guess) * weight)[:, None]).T @ columns + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while size > 1e-4 and loss(found - size * step) > loss(found):  # a full step may leap over the valley
            size /= 2
        found = found - size * step
    return np.asarray(found)


def _starts(counts: Ints) -> Ints:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
