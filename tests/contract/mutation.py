"""Answers with parts missing or of another type: whatever a platform sends, a connector says so in its own words."""

from __future__ import annotations

import random
from typing import Any

_ODD: tuple[Any, ...] = (None, 0, -1, 1e400, "", "x", [], {}, [[]], {"a": 1}, True, 10**30, "\ud800")


def mutated(value: Any, seed: int) -> Any:
    """The same with a few parts replaced or left out, always alike for one seed."""
    return _mutated(value, random.Random(seed))


def _mutated(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.08:
        return chance.choice(_ODD)
    if isinstance(value, dict):
        return {key: _mutated(part, chance) for key, part in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [_mutated(part, chance) for part in value]
    return value
