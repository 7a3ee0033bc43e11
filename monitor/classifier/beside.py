"""Two engines as one: the first for the labels that it knows, the second for all others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from monitor.classifier.engine import Engine, Scores
from monitor.classifier.judge import Explains


class Beside:
    """An engine made of two. A toxicity model alone would lose every disclosure, which carries no toxic word.

    Of a label that both know the first one's score counts; of those in `both` the higher of the two. Raises what
    either raises: half an answer is none.
    """

    def __init__(self, name: str, first: Engine, second: Engine, *, both: Collection[str] = ()) -> None:
        self._name = name
        self._first = first
        self._second = second
        self._both = frozenset(both) & {*first.labels} & {*second.labels}
        self._labels = tuple(dict.fromkeys((*first.labels, *second.labels)))

    @property
    def name(self) -> str:
        return self._name

    @property
    def version(self) -> str:
        return f"{self._first.version}+{self._second.version}"

    @property
    def labels(self) -> tuple[str, ...]:
        return self._labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order."""
        pairs = zip(self._first.score(texts), self._second.score(texts), strict=True)
        return [self._joined(first, second) for first, second in pairs]

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        """The second's words for a label, heaviest first: the first cannot tell."""
        return self._second.explain(text, label) if isinstance(self._second, Explains) else []

    def _joined(self, first: Scores, second: Scores) -> Scores:
        higher = {label: max(first[label], second[label]) for label in self._both}
        joined = {**second, **first, **higher}
        return {label: joined[label] for label in self._labels}
