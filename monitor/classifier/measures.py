"""How good scores are: pure figures of truth (texts,) and scores (texts,)."""

from __future__ import annotations

import numpy as np

from monitor.classifier.tables import Array, Floats


def auc(truth: Array, scores: Array) -> float:
    """Area under the curve; NaN where only one kind is present."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    yes = int((truth > 0).sum())
    no = truth.size - yes
    return float((rank[truth > 0].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else float("nan")


def balanced_accuracy(truth: Array, flagged: Array) -> float:
    """The mean of the share of harmful texts flagged and the share of harmless ones not; NaN where one is missing."""
    bad, good = truth > 0, truth <= 0
    if not bad.any() or not good.any():
        return float("nan")
    return float((flagged[bad].mean() + (~flagged[good]).mean()) / 2)


def recall_at(truth: Array, scores: Array, false_positives: float) -> float:
    """The share of harmful texts above a threshold that at most this share of the harmless ones is above."""
    bad, good = scores[truth > 0], np.sort(scores[truth <= 0])
    if not bad.size or not good.size:
        return float("nan")
    allowed = int(false_positives * good.size)
    return float((bad > good[good.size - 1 - allowed]).mean())


def calibration_error(truth: Array, scores: Array, bins: int = 10) -> float:
    """How far, on average, a score is from how often it is right (equally wide bins, weighted by their size)."""
    if not truth.size:
        return float("nan")
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    number = np.bincount(place, minlength=bins)
    gap: Floats = np.abs(
        np.bincount(place, weights=scores, minlength=bins) - np.bincount(place, weights=truth, minlength=bins)
    )
    return float(gap[number > 0].sum() / truth.size)
