"""The engine for tiny machines: linear heads over hashed n-grams, numpy and one small file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.classifier.concepts import Concepts
from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.heads import Fit
from monitor.classifier.text import normalise, unmask, word_spans
from monitor.classifier.views import Part, combine, parts_of

if TYPE_CHECKING:
    from monitor.classifier.tables import Floats, Model

WEIGHTS = Path(__file__).parent / "weights" / "embedded_small.npz"

_BATCH = 64  # parts scored together: more are no faster, and take memory


class EmbeddedSmall:
    """Engine "embedded-small". Loads its weights when constructed. Raises EngineError when it cannot."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        try:
            content = weights.read_bytes()
        except OSError as err:
            raise EngineError(f"the weights of embedded-small cannot be read: {err}") from err
        from monitor.classifier.tables import FORMAT, Model  # numpy, only when an engine is really wanted

        try:
            self._model: Model = Model.load(content)
        except (ValueError, KeyError, OSError) as err:
            raise EngineError(f"the weights of embedded-small are no weights file: {err}") from err
        model = self._model
        self._fit = Fit(model.public.heads, model.school.heads, model.public_fit, model.school_fit)
        self.lexicon = Concepts.parse(model.lexicon)
        self.heads = (model.public.heads, model.school.heads)
        # A text is mostly asked about for several labels, one after the other.
        self._words = lru_cache(maxsize=1)(self._words_of)
        self._version = f"{FORMAT}-{hashlib.sha256(content).hexdigest()[:12]}"

    @property
    def name(self) -> str:
        return "embedded-small"

    @property
    def version(self) -> str:
        return self._version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._fit.labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order. The company a text is scored in changes nothing."""
        found: list[dict[str, float]] = [{} for _ in texts]
        waiting: list[Part] = []
        for owner, text in enumerate(texts):
            for part in parts_of(text, owner, self.lexicon):
                waiting.append(part)
                if len(waiting) == _BATCH:
                    self._score_parts(waiting, found)
                    waiting = []
        if waiting:
            self._score_parts(waiting, found)
        return [{label: scores[label] for label in self.labels} for scores in found]

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        """The words that speak for a label: (start, end, weight), heaviest first; weight in logits, above 0.

        Each word is weighed by itself; start and end count characters of the text as given.
        """
        words = word_spans(text)
        if not words:
            return []
        # Twice as many rows as words: plain, then without disguises.
        weights = self._weights(text, label)
        base, heard = weights[0], [max(pair) for pair in zip(*_halves(weights[1:]), strict=True)]
        weighed = [
            (start, end, round(weight - base, 4))
            for (start, end), weight in zip(words, heard, strict=True)
            if weight > base
        ]
        return sorted(weighed, key=lambda word: (-word[2], word[0]))

    def logits(self, parts: Sequence[Part]) -> tuple[Floats, Floats]:
        """Raw logits of parts: (parts, public heads), (parts, school heads)."""
        return self._model.logits([part.text for part in parts], [part.concepts for part in parts])

    def _weights(self, text: str, label: str) -> list[float]:
        """Logits of nothing, of each word of a text, and of each word without its disguises."""
        model = self._model
        public, school = self._words(text)
        heads = model.school.heads
        total = [0.0] * len(public)
        if label in heads:
            total = [float(value) for value in school[:, heads.index(label)]]
        if label in model.public.heads:
            column = public[:, model.public.heads.index(label)]
            total = [a + float(b) for a, b in zip(total, column, strict=True)]
        return total

    def _words_of(self, text: str) -> tuple[Floats, Floats]:
        plain = [normalise(text[start:end]) for start, end in word_spans(text)]
        views = ["", *plain, *(unmask(word) for word in plain)]
        return self._model.logits(views, [self.lexicon.row(view) for view in views])

    def _score_parts(self, parts: Sequence[Part], found: list[dict[str, float]]) -> None:
        public, school = self.logits(parts)
        for part, row in zip(parts, self._fit.probabilities([public], [school]).tolist(), strict=True):
            combine(found[part.owner], part, dict(zip(self.labels, row, strict=True)))


def _halves(values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    middle = len(values) // 2
    return values[:middle], values[middle:]
