"""The engine that comes with the program: linear heads over hashed n-grams, numpy and one small file."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.classifier.concepts import Concepts
from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.text import normalise, unmask
from monitor.classifier.views import Part, combine, parts_of

if TYPE_CHECKING:
    from monitor.classifier.tables import Floats, Model

WEIGHTS = Path(__file__).parent / "weights" / "embedded_small.npz"

HARM = "harm"
"""The school head that asks only whether anything is wrong. It has the most examples, and no label of its own."""

HARMFUL = (
    *("adult_at_risk", "allegation", "bullying", "concern", "copyright", "data_breach", "disclosure"),
    *("exploitation", "grooming", "impersonation", "missing_child", "neglect", "radicalisation", "self_harm"),
    *("sextortion", "sexual", "weapon", "threat", "insult", "identity_attack"),
)
"""School heads of harmful categories: they share out what the harm head gives."""

_BATCH = 256  # parts scored together
# A word without the punctuation around it; letters set apart by spaces or dots are one word.
_WORD = re.compile(r"(?<!\w)\w(?:[ ._*-]\w(?!\w)){2,}|\w(?:[^\s,;:?!\"“”()]*[\w$@*])?|[^\w\s]+")
_EXPLAINED = 4_000  # words looked at for an explanation


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
        self._lexicon = Concepts.parse(self._model.lexicon)
        self._version = f"{FORMAT}-{hashlib.sha256(content).hexdigest()[:12]}"
        public = self._model.public.heads
        self._labels = public + tuple(h for h in self._model.school.heads if h not in {HARM, *public})

    @property
    def name(self) -> str:
        return "embedded-small"

    @property
    def version(self) -> str:
        return self._version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order. The company a text is scored in changes nothing."""
        found: list[dict[str, float]] = [{} for _ in texts]
        waiting: list[Part] = []
        for owner, text in enumerate(texts):
            for part in parts_of(text, owner, self._lexicon):
                waiting.append(part)
                if len(waiting) == _BATCH:
                    self._score_parts(waiting, found)
                    waiting = []
        if waiting:
            self._score_parts(waiting, found)
        return [{label: scores[label] for label in self._labels} for scores in found]

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        """The words that speak for a label: (start, end, weight), heaviest first; weight in logits, above 0.

        Each word is weighed by itself; start and end count characters of the text as given.
        """
        words = [match.span() for match, _ in zip(_WORD.finditer(text), range(_EXPLAINED), strict=False)]
        if not words:
            return []
        plain = [normalise(text[start:end]) for start, end in words]
        bare = [unmask(word) for word in plain]
        base = self._label_logits([""], label)[0]
        heard = [
            max(pair) for pair in zip(*(self._label_logits(v, label) for v in (plain, bare)), strict=True)
        ]
        weighed = [
            (start, end, round(weight - base, 4))
            for (start, end), weight in zip(words, heard, strict=True)
            if weight > base
        ]
        return sorted(weighed, key=lambda word: (-word[2], word[0]))

    def _label_logits(self, texts: Sequence[str], label: str) -> list[float]:
        model = self._model
        public, school = model.logits(texts, [self._lexicon.row(text) for text in texts])
        heads = model.school.heads
        total = [0.0] * len(texts)
        if label in heads:
            total = [float(value) for value in school[:, heads.index(label)]]
        if label in model.public.heads:
            column = public[:, model.public.heads.index(label)]
            total = [a + float(b) for a, b in zip(total, column, strict=True)]
        return total

    def _score_parts(self, parts: Sequence[Part], found: list[dict[str, float]]) -> None:
        public, school = self._model.logits([p.text for p in parts], [p.concepts for p in parts])
        for row, part in enumerate(parts):
            combine(found[part.owner], part, probabilities(self._model, public[row], school[row]))


def probabilities(model: Model, public: Floats, school: Floats) -> dict[str, float]:
    """Calibrated scores of one part from its logits, (public heads,) and (school heads,).

    A label of the public heads hears the school head of the same name and the harm head. A harmful label of
    the school heads alone gets the probability of harm times how well it fits beside the best fitting one:
    there are many examples of harm, and few of each kind.
    """
    logits = dict(zip(model.school.heads, map(float, school), strict=True))
    fitted = {
        head: _sigmoid(slope * logits[head] + listen * logits[HARM] + offset)
        for head, (slope, listen, offset) in zip(model.school.heads, model.school_fit.tolist(), strict=True)
    }
    harm = fitted.pop(HARM)
    best = max(fitted[head] for head in HARMFUL)
    for head in HARMFUL:
        fitted[head] *= harm / best
    for head, logit, fit in zip(
        model.public.heads, map(float, public), model.public_fit.tolist(), strict=True
    ):
        slope, listen, own, offset = fit
        fitted[head] = _sigmoid(slope * logit + listen * logits[HARM] + own * logits.get(head, 0.0) + offset)
    # Rounded so that the last bits of another machine's exponential do not show.
    return {head: round(min(value, 1.0), 6) for head, value in fitted.items()}


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, logit))))
