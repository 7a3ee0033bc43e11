"""Hashed n-grams of many texts at once: every letter of the batch goes through numpy together.

A gram's hash depends on its own letters only, never on the batch, so a text has the same features in any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SPACE = 0x20
_IN_WORDS = frozenset("'*’")  # kept inside words: don't, f*ck


@dataclass(frozen=True, slots=True)
class Grams:
    """Features of a batch: `index` (features,), bucket numbers, text after text; `counts` (texts,)."""

    index: Ints
    counts: Ints


@dataclass(frozen=True, slots=True)
class Batch:
    """The code points of many texts in one array, each text with a space before and after it."""

    codes: Hashes
    ends: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> Batch:
        """A batch of normalised texts. Half surrogate pairs are let through: some platforms cut them."""
        joined = " " + "  ".join(texts) + " "
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
        lengths = np.fromiter((len(text) + 2 for text in texts), dtype=np.int64, count=len(texts))
        return cls(codes, np.cumsum(lengths))

    def per_text(self, chosen: npt.NDArray[np.bool_]) -> Ints:
        """How many of the chosen positions lie in each text, (texts,)."""
        running = np.concatenate(([0], np.cumsum(chosen, dtype=np.int64)))
        upto = running[self.ends]
        return np.diff(upto, prepend=0)


def char_grams(batch: Batch, orders: Sequence[int], bits: int) -> list[Grams]:
    """Grams of letters within words (a word's edges count as a space), one Grams an order.

    `orders` ascending, from 2. Buckets are in [0, 2**bits).
    """
    codes = batch.codes
    space = codes == _SPACE
    running = np.concatenate(([0], np.cumsum(space, dtype=np.int64)))
    rolled = codes + np.uint64(1)
    found: list[Grams] = []
    for order in range(2, max(orders) + 1):
        size = max(codes.size - order + 1, 0)
        rolled = rolled[:size] * np.uint64(_BASE) + codes[order - 1 : order - 1 + size]
        if order not in orders:
            continue
        inside = running[order - 1 : order - 1 + size] - running[1 : 1 + size] == 0
        if order == 2:
            inside &= ~(space[:size] & space[1 : 1 + size])
        chosen = np.zeros(codes.size, dtype=np.bool_)
        chosen[:size] = inside
        found.append(Grams(_buckets(rolled[inside], order, bits), batch.per_text(chosen)))
    return found


def word_grams(batch: Batch, orders: Sequence[int], bits: int, *, skip: int = 0) -> list[Grams]:
    """Grams of words, one Grams an order, then one for each distance of pairs with 1 to `skip` words between.

    A word is a run of letters, digits, apostrophes and stars; a picture sign stands alone. `orders` from 1.
    """
    first, last = _word_edges(batch)
    words = _span_hashes(batch, first, last)
    text_of = np.searchsorted(batch.ends, first, side="right")
    texts = batch.ends.size
    found: list[Grams] = []
    rolled = words
    for order in range(1, max(orders) + 1):
        if order > 1:
            rolled = rolled[: words.size - order + 1] * np.uint64(_BASE) + words[order - 1 :]
        if order in orders:
            found.append(_same_text(rolled, text_of, order - 1, texts, 64 + order, bits))
    for gap in range(2, skip + 2):
        pairs = words[: max(words.size - gap, 0)] * np.uint64(_BASE) + words[gap:]
        found.append(_same_text(pairs, text_of, gap, texts, 128, bits))
    return found


def _same_text(hashes: Hashes, text_of: Ints, reach: int, texts: int, salt: int, bits: int) -> Grams:
    start = text_of[: hashes.size]
    whole = start == text_of[reach : reach + hashes.size]
    return Grams(_buckets(hashes[whole], salt, bits), np.bincount(start[whole], minlength=texts))


def _buckets(hashes: Hashes, salt: int, bits: int) -> Ints:
    mixed = (hashes + np.uint64(salt * 0x632BE59BD9B4E019 % 2**64)) * _MIX
    mixed ^= mixed >> np.uint64(32)
    mixed *= _MIX
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _word_edges(batch: Batch) -> tuple[Ints, Ints]:
    """Half-open ranges of the words. Letters beyond the basic plane (pictures, mostly) stand alone."""
    low = np.minimum(batch.codes, 0xFFFF)
    kind = _letter_table()[low.astype(np.int64)]
    kind[batch.codes > 0xFFFF] = 2
    before = np.concatenate((np.zeros(1, dtype=kind.dtype), kind[:-1]))
    after = np.concatenate((kind[1:], np.zeros(1, dtype=kind.dtype)))
    starts = (kind == 2) | ((kind == 1) & (before != 1))
    stops = (kind == 2) | ((kind == 1) & (after != 1))
    return np.flatnonzero(starts), np.flatnonzero(stops) + 1


def _span_hashes(batch: Batch, first: Ints, last: Ints) -> Hashes:
    """The polynomial hash of each range, from running sums; all arithmetic is modulo 2**64."""
    powers, inverses = _powers(1 << int(batch.codes.size).bit_length())
    sums = np.concatenate(
        (np.zeros(1, dtype=np.uint64), np.cumsum((batch.codes + np.uint64(1)) * powers[: batch.codes.size]))
    )
    hashes: Hashes = (sums[last] - sums[first]) * inverses[first]
    return hashes


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Hashes, Hashes]:
    def series(base: int) -> Hashes:
        steps = np.full(count, base, dtype=np.uint64)
        steps[0] = 1
        return np.cumprod(steps, dtype=np.uint64)

    return series(_BASE), series(_INVERSE)


@lru_cache(maxsize=1)
def _letter_table() -> npt.NDArray[np.int8]:
    """Of each code point in the basic plane: 1 part of a word, 2 a sign that stands alone, 0 neither."""
    kinds = np.zeros(0x10000, dtype=np.int8)
    for point in range(0x10000):
        char = chr(point)
        if char.isalnum() or char in _IN_WORDS:
            kinds[point] = 1
    kinds[0x2600:0x27C0] = 2
    kinds[0xFFFF] = 2
    return kinds
