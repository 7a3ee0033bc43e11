"""The engine that comes with the program: the linear model and the fine-tuned encoder, heard together."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.classifier.embedded_small import WEIGHTS, EmbeddedSmall
from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.heads import HARM, HARMFUL, PUBLIC_HEADS, Fit
from monitor.classifier.text import normalise, unmask, word_spans
from monitor.classifier.views import Part, combine, parts_of

if TYPE_CHECKING:
    from monitor.classifier.tables import Floats

FOLDER = WEIGHTS.parent
GRAPH, TOKENISER, FIT = "encoder.onnx", "tokenizer.json", "embedded.toml"

_BATCH = 32  # texts scored together: more take memory, and are no faster
_MOST_PARTS = (
    24  # of one text that the slow encoder reads: of a pasted novel, those that the linear model finds worst
)
_PIECE = 1 << 18  # bytes of a file read at once
_PHRASES = 12  # that a text is cut into for an explanation
_WINDOW = 48  # words that are explained at once


class Embedded:
    """Engine "embedded". Loads its weights from a folder when constructed. Raises EngineError when it cannot."""

    def __init__(self, folder: Path = FOLDER) -> None:
        # Numpy and onnxruntime only when an engine is really wanted.
        import numpy as np

        from monitor.classifier.encoder import Encoder

        self._small = EmbeddedSmall(folder / WEIGHTS.name)
        self._encoder = Encoder(folder / GRAPH, folder / TOKENISER)
        try:
            fit = tomllib.loads((folder / FIT).read_text(encoding="utf-8"))
            public, school = (tuple(fit[group]) for group in ("public", "school"))
            self._fit = Fit(
                public,
                school,
                np.array([fit["public"][head] for head in public], dtype=np.float64),
                np.array([fit["school"][head] for head in school], dtype=np.float64),
            )
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise EngineError(f"the calibration of the embedded engine cannot be read: {err}") from err
        if self._encoder.heads != (*public, *school) or self._small.heads != (public, school):
            raise EngineError(
                "the parts of the embedded engine are of different trainings; install Schoolwatch again"
            )
        # A text is mostly asked about for several labels, one after the other.
        self._heard = lru_cache(maxsize=2)(self._encoder.logits)
        self._version = f"{self._small.version}-{_digest(folder / GRAPH, folder / FIT)}"

    @property
    def name(self) -> str:
        return "embedded"

    @property
    def version(self) -> str:
        return self._version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._fit.labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order. The company a text is scored in changes nothing."""
        found: list[Scores] = []
        for first in range(0, len(texts), _BATCH):
            found += self._score(texts[first : first + _BATCH])
        return found

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        """What speaks for a label: (start, end, weight), heaviest first; weight in logits, above 0.

        Of toxic labels, single words. Of what needs no toxic word, phrases: those without which the encoder
        would be less sure.
        """
        if label in PUBLIC_HEADS or label not in HARMFUL:
            return self._small.explain(text, label)
        words = word_spans(text)
        if not words:
            return []
        column = self._encoder.heads.index(label, len(PUBLIC_HEADS))
        harm = self._encoder.heads.index(HARM)
        windows = [words[first : first + _WINDOW] for first in range(0, len(words), _WINDOW)][:_MOST_PARTS]
        heard = self._heard(tuple(_plain(text[w[0][0] : w[-1][1]]) for w in windows))
        window = windows[int(heard[:, column].argmax())]
        low, high = window[0][0], window[-1][1]
        size = -(-len(window) // _PHRASES)
        phrases = [window[first : first + size] for first in range(0, len(window), size)]
        spans = [(phrase[0][0], phrase[-1][1]) for phrase in phrases]
        without = [_plain(f"{text[low:start]} {text[end:high]}") for start, end in spans]
        logits = self._heard((_plain(text[low:high]), *without))
        sure = logits[:, column] + logits[:, harm]
        weighed = [
            (start, end, round(float(weight), 4))
            for (start, end), weight in zip(spans, sure[0] - sure[1:], strict=True)
            if weight > 0
        ]
        return sorted(weighed, key=lambda phrase: (-phrase[2], phrase[0]))

    def _score(self, texts: Sequence[str]) -> list[Scores]:
        parts = [
            part
            for owner, text in enumerate(texts)
            for part in parts_of(text, owner, self._small.lexicon, sentences=False)
        ]
        public, school = self._small.logits(parts)
        heard = self._worst(parts, school)
        encoded = self._encoder.logits([parts[place].text for place in heard])
        size = len(PUBLIC_HEADS)
        found: list[dict[str, float]] = [{} for _ in texts]
        fitted = self._fit.probabilities(
            [public[heard], encoded[:, :size]], [school[heard], encoded[:, size:]]
        )
        for place, row in zip(heard, fitted.tolist(), strict=True):
            combine(found[parts[place].owner], parts[place], dict(zip(self.labels, row, strict=True)))
        return [{label: scores[label] for label in self.labels} for scores in found]

    def _worst(self, parts: Sequence[Part], school: Floats) -> list[int]:
        """The places of the parts to read with care: of each text all, or as many as there is time for."""
        harm = self._fit.school_heads.index(HARM)
        chosen: list[int] = []
        for _, group in groupby(range(len(parts)), key=lambda place: parts[place].owner):
            places = list(group)
            if len(places) > _MOST_PARTS:
                # The first plain chunk always, for what asks and thanks; then the worst.
                rest = sorted(places[1:], key=lambda place: (-school[place, harm], place))
                places = sorted([places[0], *rest[: _MOST_PARTS - 1]])
            chosen += places
        return chosen


def _plain(text: str) -> str:
    return unmask(normalise(text))


def _digest(*paths: Path) -> str:
    whole = hashlib.sha256()
    for path in paths:
        # In pieces: whole, the graph would be the most that the process ever holds.
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                whole.update(piece)
    return whole.hexdigest()[:12]
