"""The model: int8 weights in hashed tables, and the few numbers that make probabilities of their sums.

Sums over a text are sums of whole numbers, exact in any order, so a score is the same in any batch.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.classifier.features import Batch, Grams, char_grams, word_grams

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
Weights = npt.NDArray[np.float32]
Steps = npt.NDArray[np.int8]

FORMAT = 2
"""Of the weights file and of everything that turns a text into its features; raise it when either changes."""

_NOISE = 5  # of 127 steps
_STEP = 1 << 14  # features gathered at once: stays in the cache, and the memory of a long batch stays small


@dataclass(frozen=True, slots=True)
class Spec:
    """Which grams a table weighs: `kind` is words, chars or concepts; see features.py for the rest."""

    kind: str
    orders: tuple[int, ...]
    bits: int
    skip: int = 0

    def grams(self, batch: Batch) -> list[Grams]:
        """The table's features of a batch."""
        if self.kind == "chars":
            return char_grams(batch, self.orders, self.bits)
        return word_grams(batch, self.orders, self.bits, skip=self.skip)


PUBLIC_SPECS = (Spec("words", (1, 2), 17), Spec("chars", (2, 3, 4, 5), 17))
"""What the heads see that are trained on public comments."""

SCHOOL_SPECS = (
    Spec("words", (1,), 15),
    Spec("chars", (2, 3, 4, 5), 15),
    Spec("concepts", (1, 2), 14, skip=6),
    Spec("words", (2,), 15),
)
"""What the school heads see: fewer buckets, for there are few examples; and word classes."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: whole-number weights (buckets, heads) and the size of one step for each head (heads,).

    One byte a weight in memory as in the file: on a tiny machine the tables are half of the process else.
    """

    spec: Spec
    weights: Steps
    scale: Floats

    def add_to(self, logits: Floats, batch: Batch) -> None:
        """Add this table's part to the logits (texts, heads), divided by the root of the number of grams."""
        sums = np.zeros(logits.shape)
        number = np.zeros(logits.shape[0], dtype=np.int64)
        for grams in self.spec.grams(batch):
            add_rows(sums, self.weights, grams)
            number += grams.counts
        logits += sums * self.scale / np.sqrt(np.maximum(number, 1))[:, None]


def add_rows(sums: Floats, weights: Steps, grams: Grams) -> None:
    """Add to each text's row of `sums` (texts, heads) the rows of `weights` that its grams name."""
    ends = np.cumsum(grams.counts)
    filled = np.flatnonzero(grams.counts)
    low = 0
    while low < filled.size:
        base = ends[filled[low]] - grams.counts[filled[low]]
        high = max(int(np.searchsorted(ends[filled], base + _STEP, side="right")), low + 1)
        texts = filled[low:high]
        starts = ends[texts] - grams.counts[texts]
        # Whole numbers, exact in float32; their sums in float64.
        rows = weights[grams.index[base : ends[texts[-1]]]].astype(np.float32)
        sums[texts] += np.add.reduceat(rows, starts - base, axis=0, dtype=np.float64)
        low = high


@dataclass(frozen=True, slots=True)
class Group:
    """Heads that share tables: `heads` their names, `bias` (heads,)."""

    heads: tuple[str, ...]
    tables: tuple[Table, ...]
    bias: Floats

    def logits(self, plain: Batch, concepts: Batch) -> Floats:
        """Raw logits, (texts, heads)."""
        found = np.tile(self.bias, (plain.ends.size, 1))
        for table in self.tables:
            table.add_to(found, concepts if table.spec.kind == "concepts" else plain)
        return found


@dataclass(frozen=True, slots=True)
class Model:
    """Everything the weights file holds.

    `stack` (public heads, school heads): how much the school heads listen to the public ones; `centre` and
    `spread` (public heads,) bring those to one scale first. `school_fit` (school heads, 3) and `public_fit`
    (public heads, 4) are the calibrations: slope, weight of the harm head, for the public ones weight of the
    school head of the same name, offset.
    """

    public: Group
    school: Group
    stack: Floats
    centre: Floats
    spread: Floats
    public_fit: Floats
    school_fit: Floats
    lexicon: str
    facts: dict[str, str] = field(default_factory=dict)

    def logits(self, texts: Sequence[str], concept_rows: Sequence[str]) -> tuple[Floats, Floats]:
        """Raw logits of normalised texts: (texts, public heads), (texts, school heads)."""
        plain, concepts = Batch.of(texts), Batch.of(concept_rows)
        public = self.public.logits(plain, concepts)
        school = self.school.logits(plain, concepts)
        heard = (public - self.centre) / self.spread
        for head in range(heard.shape[1]):  # one after the other: a matrix product may round by batch size
            school += heard[:, head : head + 1] * self.stack[head]
        return public, school

    def packed(self) -> bytes:
        """The file's bytes; the same model gives the same."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "format": np.array(FORMAT),
            "stack": self.stack,
            "centre": self.centre,
            "spread": self.spread,
            "public_fit": self.public_fit,
            "school_fit": self.school_fit,
            "lexicon": _packed(self.lexicon),
            "facts": _packed("\n".join(f"{key}={value}" for key, value in sorted(self.facts.items()))),
        }
        for name, group in (("public", self.public), ("school", self.school)):
            arrays[f"{name}_heads"] = _packed(" ".join(group.heads))
            arrays[f"{name}_bias"] = group.bias
            for number, table in enumerate(group.tables):
                # Heads first: neighbouring bytes are then alike, and the file a third smaller.
                arrays[f"{name}_{number}"] = np.ascontiguousarray(table.weights.T)
                arrays[f"{name}_{number}_scale"] = table.scale
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Model:
        """Read a file's bytes. Raises ValueError when it is no weights file of this format."""
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise ValueError("it is not an npz file")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if "format" not in arrays or int(arrays["format"]) != FORMAT:
                raise ValueError(f"this program reads weights of format {FORMAT}; the file holds another")
            facts = _unpacked(arrays["facts"])
            return cls(
                public=_group(arrays, "public", PUBLIC_SPECS),
                school=_group(arrays, "school", SCHOOL_SPECS),
                stack=arrays["stack"],
                centre=arrays["centre"],
                spread=arrays["spread"],
                public_fit=arrays["public_fit"],
                school_fit=arrays["school_fit"],
                lexicon=_unpacked(arrays["lexicon"]),
                facts=dict(line.split("=", 1) for line in facts.splitlines()),
            )


def quantised(spec: Spec, weights: npt.NDArray[Any]) -> Table:
    """A table of float weights (heads, buckets), each head rounded to 255 steps of its own size.

    The smallest weights are left out: they are mostly chance, and half of the file.
    """
    # A few buckets are far larger than all others; cut there, the rest keeps its precision.
    reach = np.maximum(np.quantile(np.abs(weights), 0.9995, axis=1), 1e-9)
    scale = np.asarray(reach / 127, dtype=np.float64)
    steps = np.clip(np.rint(weights / scale[:, None]), -127, 127)
    steps[np.abs(steps) <= _NOISE] = 0
    return Table(spec, np.ascontiguousarray(steps.T, dtype=np.int8), scale)


def _group(arrays: Any, name: str, specs: Sequence[Spec]) -> Group:
    tables = tuple(
        Table(
            spec,
            np.ascontiguousarray(arrays[f"{name}_{number}"].T),
            arrays[f"{name}_{number}_scale"],
        )
        for number, spec in enumerate(specs)
    )
    return Group(tuple(_unpacked(arrays[f"{name}_heads"]).split()), tables, arrays[f"{name}_bias"])


def _packed(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _unpacked(array: npt.NDArray[np.uint8]) -> str:
    return array.tobytes().decode()
