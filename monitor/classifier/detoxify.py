"""Detoxify behind the engine port: texts in pieces that its network can read whole, in batches of one length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from monitor.classifier.beside import Beside
from monitor.classifier.detoxify_checkpoint import load
from monitor.classifier.engine import Engine, EngineError, Scores
from monitor.classifier.released import RELEASED, ReleasedModel
from monitor.classifier.text import chunks, normalise, tidy, unmask

BATCH_TOKENS = 2_048
"""Tokens of one padded batch at most: bounds the memory that one call takes, whatever the texts are."""

_BATCH = 64  # texts in one
_VIEWS = 1  # counts up when the pieces that a text is read in change, for its score may

BOTH_HEARD = ("threat",)
"""Labels of Detoxify for which the embedded engine is heard too: it knows threats that carry no toxic word."""


class DetoxifyEngine:
    """One Detoxify model. Loads it when constructed, from a folder below `models`. Raises EngineError."""

    def __init__(self, model: ReleasedModel, models: Path) -> None:
        self._model = model
        self._detoxify, checkpoint = load(model, (models / model.name).absolute())
        self._labels: tuple[str, ...] = tuple(self._detoxify.class_names)
        self._most_tokens = int(self._detoxify.tokenizer.model_max_length)
        self._version = f"{_VIEWS}-{checkpoint[:8]}-{version('detoxify')}"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def version(self) -> str:
        return self._version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order; of a text in several pieces the highest. Raises EngineError."""
        found = [dict.fromkeys(self._labels, 0.0) for _ in texts]
        pieces = [(owner, piece) for owner, text in enumerate(texts) for piece in self._pieces(text)]
        lengths = self._lengths([piece for _, piece in pieces])
        for batch in in_batches(lengths):
            for place, scores in zip(batch, self._predict([pieces[one][1] for one in batch]), strict=True):
                best = found[pieces[place][0]]
                for label, score in scores.items():
                    best[label] = max(best[label], score)
        return list(found)

    def _pieces(self, text: str) -> Iterator[str]:
        """Chunks of a text, each plainly and, where that differs, with its disguises taken off."""
        # A lone surrogate is no text to the tokenisers, which would refuse the whole batch.
        for chunk in chunks(tidy(text.encode("utf-8", "replace").decode("utf-8"))):
            yield from self._fitting(chunk)
            plain = normalise(chunk)
            bare = unmask(plain)
            if bare != plain:
                yield from self._fitting(bare)

    def _fitting(self, text: str) -> Iterator[str]:
        """The text, halved until nothing of it is cut off: a row of emoji has several tokens a sign."""
        if len(text.encode()) + 2 <= self._most_tokens or self._length(text) <= self._most_tokens:
            yield text
            return
        middle = len(text) // 2
        cut = text.rfind(" ", 1, middle)
        cut = middle if cut < 0 else cut
        yield from self._fitting(text[:cut])
        yield from self._fitting(text[cut:])

    def _length(self, text: str) -> int:
        return len(self._detoxify.tokenizer(text)["input_ids"])

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        if not texts:
            return []
        return [len(ids) for ids in self._detoxify.tokenizer(list(texts))["input_ids"]]

    def _predict(self, texts: Sequence[str]) -> Iterator[dict[str, float]]:
        """The package's scores, one table a text. Raises EngineError on what is no probability."""
        answer = self._detoxify.predict(list(texts))
        for row in range(len(texts)):
            # Of one text the package answers bare numbers, of several lists of them.
            yield {
                label: self._score(given if isinstance(given, float) else given[row])
                for label, given in answer.items()
            }

    def _score(self, given: float) -> float:
        # Said here, because the highest of a number and NaN is the number, and a broken network would be clean.
        if not math.isfinite(given):
            raise EngineError(f"{self.name} answered a score that is no number")
        return round(given, 6)


def in_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts by their lengths in tokens, the shortest first, in batches that hold BATCH_TOKENS when padded."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if batch and ((len(batch) + 1) * lengths[place] > BATCH_TOKENS or len(batch) == _BATCH):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _with_embedded(name: str, models: Path) -> Engine:
    # Detoxify first: where its model is missing, nobody waits for the other to load.
    first = DetoxifyEngine(RELEASED[name], models)
    from monitor.classifier import registry

    return Beside(name, first, registry.load(registry.COMPANION), both=BOTH_HEARD)


original = partial(_with_embedded, "detoxify-original")
unbiased = partial(_with_embedded, "detoxify-unbiased")
multilingual = partial(_with_embedded, "detoxify-multilingual")
