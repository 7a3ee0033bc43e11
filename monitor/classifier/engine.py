"""The engine port: texts in, one table of scores a text out. Nothing else of an engine is known elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Scores = Mapping[str, float]
"""Label to probability in [0, 1]."""


class EngineError(Exception):
    """An engine that raised, hung or answered something that is no score. Its items go to a person."""


class Engine(Protocol):
    """A classifier. Implementations hold their model and are safe to call from one thread at a time.

    `name` as given to --engine; `version` changes whenever the same text might score differently; `labels`
    are the keys of every Scores it returns.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order. An empty list gives an empty list; an empty text gives scores too."""
        ...
