"""By what the texts of one school are judged, as plain values: what a school sets, without the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from monitor.domain.verdict import SAFEGUARDING, Category, Severity

PRESETS = ("cautious", "balanced", "quiet")
"""The sections of a thresholds file. The first misses least, the last disturbs least."""

DEFAULT_PRESET = "balanced"

ALWAYS_ON = SAFEGUARDING | {Category.THREAT}
"""Categories that no school can switch off or make less of: a lost disclosure is the worst that can happen."""

TOLD_OF_THE_SCHOOL = frozenset(
    {
        Category.DATA_BREACH,
        Category.EXPLOITATION,
        Category.GROOMING,
        Category.IDENTITY_ATTACK,
        Category.INSULT,
        Category.OBSCENE,
        Category.RADICALISATION,
        Category.SEVERE_TOXICITY,
        Category.SEXTORTION,
        Category.SEXUAL,
        Category.SEXUAL_EXPLICIT,
        Category.THREAT,
        Category.TOXICITY,
        Category.WEAPON,
    }
)
"""What of the school's own words people are told: somebody's data given away, and what an account writes that somebody
has taken over or misuses. That a school speaks of illness, of danger and of worry is its work."""

OwnSteps: TypeAlias = "float | tuple[Step, ...]"
"""A school's thresholds of one category: from here on people are told; or all its steps, ascending."""


@dataclass(frozen=True, slots=True)
class Step:
    """From `threshold` on, a score means this severity."""

    threshold: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class Standard:
    """`preset` of the engine's thresholds, the school's `own` above them, categories it wants `off`.

    `staff`: names and titles. `allowed`: names, places, numbers and addresses that are no insult and no leak.
    `by_school`: the words are the school's own. Hashable: schools that set the same share one set of thresholds.
    """

    preset: str = DEFAULT_PRESET
    own: tuple[tuple[Category, OwnSteps], ...] = ()
    off: frozenset[Category] = frozenset()
    staff: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    by_school: bool = False


ANY_SCHOOL = Standard()
"""The standard of a school that sets nothing."""


def merged(given: Sequence[Step], own: OwnSteps, category: Category) -> tuple[Step, ...]:
    """A category's steps by a preset and by a school.

    A lone number: from there on people are told, and no step of the preset comes before it; the preset's own
    severity stays where it is lower than medium (a question is no alarm). Steps take the preset's place. In
    ALWAYS_ON they only add: at every score the more severe of the two counts.
    """
    if isinstance(own, tuple):
        steps = own
    else:
        first = min((step.severity for step in given), default=Severity.MEDIUM)
        steps = (
            Step(own, min(first, Severity.MEDIUM)),
            *(Step(max(s.threshold, own), s.severity) for s in given),
        )
    return _rising((*steps, *given) if category in ALWAYS_ON else steps)


def without_effect(given: Sequence[Step], own: OwnSteps, category: Category) -> bool:
    """Do a school's own thresholds change nothing, because they would make less of what may never be less?"""
    return category in ALWAYS_ON and merged(given, own, category) == tuple(given)


def _rising(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Ascending, each more severe than the one before: at every score the most severe counts."""
    found: list[Step] = []
    for step in sorted(steps, key=lambda step: (step.threshold, -step.severity)):
        if not found or step.severity > found[-1].severity:
            found.append(step)
    return tuple(found)


Levels = Mapping[Category, tuple[Step, ...]]
"""Each category's steps, ascending."""
