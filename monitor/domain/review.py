"""What people decided about a flag, and what follows for the same words when they come again. Pure.

A decision is about words: never about who wrote them, and never about safeguarding, threats or anything urgent,
where the same words may be harmless today and a child in danger tomorrow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from monitor.domain.case import Case, Event, EventKind, SecondClock, apply, fold
from monitor.domain.decide import Decision, NotTheirs
from monitor.domain.verdict import SAFEGUARDING, Category, Severity, Verdict

NEVER_REMEMBERED = SAFEGUARDING | {Category.THREAT}
"""Categories of which people are told each time, whatever was decided before."""


def covers(severity: Severity, categories: Iterable[Category]) -> frozenset[Category]:
    """The categories of which a false alarm is remembered, of a verdict as it stood; none of an urgent one."""
    return frozenset() if severity is Severity.URGENT else frozenset(categories) - NEVER_REMEMBERED


def heeded(verdict: Verdict, covered: Collection[Category]) -> Verdict:
    """The verdict on words that a person called a false alarm, of which the decision `covered` those categories.

    Lowered below medium, and saying why, only if the decision covers everything that was found: a category that
    is new may be what makes the words serious.
    """
    known = frozenset(covered) - NEVER_REMEMBERED
    if not verdict.flagged or verdict.severity is Severity.URGENT or not known.issuperset(verdict.categories):
        return verdict
    return replace(verdict, severity=Severity.LOW, dismissed=verdict.categories)


def on_review(
    case: Case, *, rightly: bool, version: int, person: str, leads: bool, now: datetime
) -> Decision:
    """A person says that the case was flagged rightly, or that it was a false alarm, which closes the flag too.

    `version`: the id of the words it is about. `leads`: they are the safeguarding lead or a deputy.
    Raises NotTheirs.
    """
    if case.second_clock is not SecondClock.NONE and not leads:
        raise NotTheirs("only the safeguarding lead or a deputy can decide about this case")
    events = [Event(EventKind.REVIEWED, now, {"person": person, "rightly": rightly, "version": version})]
    closed = Event(EventKind.DECIDED, now, {"person": person, "by": None})
    if not rightly and apply(case, closed) != case:
        events.append(closed)
    return Decision(
        reason="rightly_flagged" if rightly else "false_alarm", case=fold(events, case), events=tuple(events)
    )
