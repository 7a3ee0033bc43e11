"""Which words stand in like company, learned from the public comments without their labels.

The school heads have few examples. Through these vectors, what they learn of `dad` also moves `stepdad`. Only the
training needs them: a head that is linear in them is a weight a word again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.classifier.features import Batch, Ints, word_grams
from monitor.classifier.tables import Floats, Weights

_WINDOW = 5
_CONTEXTS = 4000
_RARE = 6
_COMMON = 1e-3  # words more frequent than this count little
_TEXTS_AT_ONCE = 4000


def word_vectors(texts: Sequence[str], bits: int, size: int, seed: int) -> Floats:
    """A vector for every bucket of single words, (2**bits, size); zeros where a word is rare.

    Singular vectors of how much more often than by chance two words stand within five words of each other.
    """
    words = _stream(texts, bits)
    counts = np.bincount(words[words >= 0], minlength=1 << bits)
    ranked = np.argsort(-counts, kind="stable")
    kept = ranked[: int((counts >= _RARE).sum())]
    contexts = kept[:_CONTEXTS]
    vectors = np.zeros((1 << bits, size))
    if contexts.size <= size:
        return vectors
    table = _surprise(_company(words, kept, contexts.size, counts.size))
    found = _leading(table, size, seed)
    found -= found[: min(2000, kept.size)].mean(0)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    share = counts[kept] / counts.sum()
    vectors[kept] = found * (_COMMON / (_COMMON + share))[:, None]
    return vectors


def _stream(texts: Sequence[str], bits: int) -> Ints:
    """All words as buckets, -1 between texts."""
    pieces: list[Ints] = []
    for low in range(0, len(texts), _TEXTS_AT_ONCE):
        (grams,) = word_grams(Batch.of(texts[low : low + _TEXTS_AT_ONCE]), (1,), bits)
        text_of = np.repeat(np.arange(grams.counts.size), grams.counts)
        stream = np.full(grams.index.size + _WINDOW * grams.counts.size, -1, dtype=np.int64)
        stream[np.arange(grams.index.size) + _WINDOW * text_of] = grams.index
        pieces.append(stream)
    return np.concatenate(pieces)


def _company(words: Ints, kept: Ints, contexts: int, buckets: int) -> Weights:
    place = np.full(buckets + 1, -1, dtype=np.int64)  # the last entry answers for -1
    place[kept] = np.arange(kept.size)
    stream = place[words]
    cells = kept.size * contexts
    table = np.zeros(cells, dtype=np.float32)
    for distance in range(1, _WINDOW + 1):
        before, after = stream[:-distance], stream[distance:]
        for one, other in ((before, after), (after, before)):
            both = (one >= 0) & (other >= 0) & (other < contexts)
            seen = np.bincount(one[both] * contexts + other[both], minlength=cells)
            table += seen.astype(np.float32) / np.float32(distance)
    return table.reshape(kept.size, contexts)


def _surprise(table: Weights) -> Weights:
    """Positive pointwise mutual information, in place, with frequent contexts damped."""
    rows = np.maximum(table.sum(1, keepdims=True), 1e-9)
    columns = table.sum(0, keepdims=True) ** 0.75
    columns /= columns.sum()
    with np.errstate(divide="ignore"):
        np.log(table / (rows * np.maximum(columns, 1e-12)), out=table)
    return np.maximum(table, 0, out=table)


def _leading(table: Weights, size: int, seed: int) -> Floats:
    """Left singular vectors times the root of their values, by random projection."""
    probe = np.random.default_rng(seed).standard_normal((table.shape[1], size + 20)).astype(table.dtype)
    basis = table @ probe
    for _ in range(3):
        basis, _ = np.linalg.qr(basis)
        basis, _ = np.linalg.qr(table.T @ basis)
        basis = table @ basis
    basis, _ = np.linalg.qr(basis)
    left, values, _ = np.linalg.svd(basis.T @ table, full_matrices=False)
    return np.asarray((basis @ left)[:, :size] * np.sqrt(values[:size]), dtype=np.float64)
