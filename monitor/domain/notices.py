"""Which notices a deadline brings, and when: planned ahead as rows, looked at again when they fall due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.kinds import AlertKind
from monitor.domain.deadline import DeadlineRule


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """A notice to look at again at `at` (UTC). `reason` is a code: lead_before_deadline,
    last_staffed_time_before_deadline, no_staffed_time_left, deadline_passed."""

    kind: AlertKind
    at: datetime
    reason: str


def plan(since: datetime, due: datetime, rule: DeadlineRule) -> tuple[PlannedNotice, ...]:
    """The warning and the breach of a deadline that began to run at `since`. Both aware; due after since.

    The warning comes in the last staffed moment that is at least the lead before the deadline. Where there is
    none after `since`, the duty person is warned once on receipt, in duty hours, unless the deadline is first.
    """
    missed = PlannedNotice(AlertKind.DEADLINE_MISSED, due, "deadline_passed")
    latest = due - rule.lead
    staffed = rule.calendar.last_staffed_moment(latest, since)
    if staffed is not None:
        reason = "lead_before_deadline" if staffed == latest else "last_staffed_time_before_deadline"
        return (PlannedNotice(AlertKind.REPLY_DUE, staffed, reason), missed)
    on_duty = rule.calendar.duty_moment(since)
    if on_duty < due:
        return (PlannedNotice(AlertKind.REPLY_DUE, on_duty, "no_staffed_time_left"), missed)
    return (PlannedNotice(AlertKind.REPLY_DUE, since, "no_staffed_time_left"), missed)
