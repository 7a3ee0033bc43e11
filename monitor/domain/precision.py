"""How often each category was rightly flagged, by people's decisions, and the threshold that they speak for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.domain.review import NEVER_REMEMBERED
from monitor.domain.verdict import Category

ENOUGH = 10
"""Decided texts of a category from which a threshold is suggested."""

WANTED = 0.5
"""The share of alarms that should be right: below it people stop reading them."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A text that was flagged, and about which a person decided. `scores` are those of the engine named."""

    rightly: bool
    categories: tuple[Category, ...]
    scores: Mapping[str, float]
    engine: str


@dataclass(frozen=True, slots=True)
class CategoryPrecision:
    """One category: how many texts were decided, how many of them rightly flagged.

    `scored`: those of them whose score speaks about the threshold. `threshold`: where people are told from now,
    None where only rules tell. `suggested`: another threshold, or the same; None with a `reason` why not:
    too_few, always_told, rules_only, never_right.
    """

    category: Category
    decided: int
    right: int
    scored: int
    threshold: float | None
    suggested: float | None
    reason: str | None

    @property
    def share(self) -> float:
        """The share of alarms that were right."""
        return self.right / self.decided


def precisions(
    decided: Iterable[Decided], engine: str, thresholds: Mapping[Category, float]
) -> list[CategoryPrecision]:
    """Every category that was decided about, the most frequent first.

    `engine`: the one in use, by name; scores of others say nothing about its thresholds. `thresholds`: from which
    score on people are told now; what a rule found below it says nothing either.
    """
    by_category: dict[Category, list[Decided]] = {}
    for one in decided:
        for category in one.categories:
            by_category.setdefault(category, []).append(one)
    found = [
        _one(category, those, engine, thresholds.get(category)) for category, those in by_category.items()
    ]
    return sorted(found, key=lambda one: (-one.decided, one.category))


def _one(
    category: Category, decided: Sequence[Decided], engine: str, threshold: float | None
) -> CategoryPrecision:
    scored = [
        (one.scores[category], one.rightly)
        for one in decided
        if threshold is not None
        and one.engine.partition(" ")[0] == engine
        and one.scores.get(category, 0.0) >= threshold
    ]
    suggested, reason = _suggestion(category, scored, threshold)
    right = sum(one.rightly for one in decided)
    return CategoryPrecision(category, len(decided), right, len(scored), threshold, suggested, reason)


def _suggestion(
    category: Category, scored: Sequence[tuple[float, bool]], threshold: float | None
) -> tuple[float | None, str | None]:
    if category in NEVER_REMEMBERED:
        return None, "always_told"
    if threshold is None:
        return None, "rules_only"
    if len(scored) < ENOUGH:
        return None, "too_few"
    enough = _smallest(scored)
    if enough is None:
        return None, "never_right"
    # Where all that was told is right often enough, nothing speaks for another threshold than the one there is.
    return (threshold if enough == min(scored)[0] else enough), None


def _smallest(scored: Sequence[tuple[float, bool]]) -> float | None:
    """The smallest score from which on at least the WANTED share is right."""
    found, right = None, 0
    falling = sorted(scored, reverse=True)
    for number, (score, rightly) in enumerate(falling, 1):
        right += rightly
        last_of_its_score = number == len(falling) or falling[number][0] < score
        if last_of_its_score and right >= WANTED * number:
            found = score
    return found
