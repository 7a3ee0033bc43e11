"""When an answer is due: 24 hours, or the close of the next working day if received on a day nobody works.

The rule is the policies': "within 24 hours, or on the next working day if received at a weekend". Sums are made
in UTC, calendar questions are asked in the school's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.item import ItemKind
from monitor.domain.calendar import Calendar

CARRYING = frozenset(
    {
        ItemKind.COMMENT,
        ItemKind.REPLY,
        ItemKind.VISITOR_POST,
        ItemKind.REVIEW,
        ItemKind.DIRECT,
        ItemKind.REPORT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRule:
    """The school's choices. `move_off_days`: 24 hours that end on a day nobody works move to the close of the
    next working day (the Friday rule); by default they stay, as the policies say."""

    calendar: Calendar
    answer_within: timedelta = timedelta(hours=24)
    move_off_days: bool = False
    lead: timedelta = timedelta(hours=4)
    kinds: frozenset[ItemKind] = CARRYING


@dataclass(frozen=True, slots=True)
class Deadline:
    """`due_at` in UTC. `reason` is a code: 24_hours (or hours, if the school chose other than 24), weekend,
    bank_holiday, closure_day, friday_rule."""

    due_at: datetime
    reason: str


def deadline(received: datetime, rule: DeadlineRule) -> Deadline:
    """When an item received at that moment (aware) must be answered.

    Raises OverflowError at the end of the calendar's years.
    """
    calendar = rule.calendar
    day = calendar.local(received).date()
    off = calendar.why_not_working(day)
    if off is not None:
        return Deadline(calendar.at(calendar.next_working_day(day), calendar.close_of_day), off)
    due = received.astimezone(UTC) + rule.answer_within
    due_day = calendar.local(due).date()
    if rule.move_off_days and calendar.why_not_working(due_day) is not None:
        return Deadline(calendar.at(calendar.next_working_day(due_day), calendar.close_of_day), "friday_rule")
    return Deadline(due, "24_hours" if rule.answer_within == timedelta(hours=24) else "hours")
