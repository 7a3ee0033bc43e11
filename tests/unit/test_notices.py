"""The warning and the breach of a deadline, planned in staffed time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.kinds import AlertKind
from monitor.domain.calendar import NATIONS, Calendar
from monitor.domain.deadline import DeadlineRule, deadline
from monitor.domain.notices import plan

LONDON = ZoneInfo("Europe/London")
RULE = DeadlineRule(calendar=Calendar())
FIRST, LAST = datetime(2015, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001  Hypothesis adds the zone
LEAD, STAFFED, NOBODY = (
    "lead_before_deadline",
    "last_staffed_time_before_deadline",
    "no_staffed_time_left",
)


def london(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=LONDON)


WARNINGS = {
    "the lead lies in staffed hours": (
        london("2026-11-17", "15:00"),
        london("2026-11-18", "11:00"),
        LEAD,
    ),
    "the lead lies before the school opens": (
        london("2026-11-17", "10:00"),
        london("2026-11-17", "17:00"),
        STAFFED,
    ),
    "the lead lies at night": (
        london("2026-11-18", "02:00"),
        london("2026-11-18", "17:00"),
        STAFFED,
    ),
    "a Friday afternoon is warned of before the weekend": (
        london("2026-11-20", "16:00"),
        london("2026-11-20", "17:00"),
        STAFFED,
    ),
    "a Saturday is warned of on Monday": (
        london("2026-11-21", "09:00"),
        london("2026-11-23", "13:00"),
        LEAD,
    ),
    "Christmas Eve is warned of on Christmas Eve": (
        london("2026-12-24", "10:00"),
        london("2026-12-24", "17:00"),
        STAFFED,
    ),
    "Friday at the minute of closing is staffed": (
        london("2026-11-20", "17:00"),
        london("2026-11-20", "17:00"),
        STAFFED,
    ),
    "Friday after closing goes to the duty person at once": (
        london("2026-11-20", "18:00"),
        london("2026-11-20", "18:00"),
        NOBODY,
    ),
    "Friday night goes to the duty person in the morning": (
        london("2026-11-20", "23:00"),
        london("2026-11-21", "08:00"),
        NOBODY,
    ),
    "a weekday after closing, due before staffed time plus lead": (
        london("2026-11-17", "18:00"),
        london("2026-11-18", "14:00"),
        LEAD,
    ),
    "Christmas Eve at night": (
        london("2026-12-24", "22:00"),
        london("2026-12-25", "08:00"),
        NOBODY,
    ),
}


@pytest.mark.parametrize(("received", "warned", "reason"), WARNINGS.values(), ids=WARNINGS.keys())
def test_the_warning_comes(received: datetime, warned: datetime, reason: str) -> None:
    due = deadline(received, RULE).due_at
    warning, missed = plan(received, due, RULE)
    assert (warning.kind, warning.at, warning.reason) == (AlertKind.REPLY_DUE, warned, reason)
    assert (missed.kind, missed.at, missed.reason) == (AlertKind.DEADLINE_MISSED, due, "deadline_passed")


def test_a_lead_longer_than_the_deadline_warns_on_receipt() -> None:
    rule = DeadlineRule(calendar=Calendar(), answer_within=timedelta(hours=2), lead=timedelta(hours=4))
    received = london("2026-11-17", "10:00")
    warning, _ = plan(received, received + timedelta(hours=2), rule)
    assert (warning.at, warning.reason) == (received, NOBODY)


def test_a_lead_longer_than_the_deadline_at_night_waits_for_duty_hours_if_they_are_before_it() -> None:
    rule = DeadlineRule(calendar=Calendar(), answer_within=timedelta(hours=3), lead=timedelta(hours=4))
    received = london("2026-11-17", "06:00")
    warning, _ = plan(received, received + timedelta(hours=3), rule)
    assert (warning.at, warning.reason) == (london("2026-11-17", "08:00"), NOBODY)


def test_where_even_duty_hours_come_too_late_the_warning_comes_at_once() -> None:
    rule = DeadlineRule(calendar=Calendar(), answer_within=timedelta(hours=1), lead=timedelta(hours=4))
    received = london("2026-11-17", "23:00")
    warning, missed = plan(received, received + timedelta(hours=1), rule)
    assert (warning.at, warning.reason) == (received, NOBODY)
    assert warning.at < missed.at


def test_no_lead_at_all_warns_in_the_last_staffed_moment() -> None:
    rule = DeadlineRule(calendar=Calendar(), lead=timedelta(0))
    received = london("2026-11-17", "10:00")
    warning, missed = plan(received, deadline(received, rule).due_at, rule)
    assert (warning.at, warning.reason) == (missed.at, LEAD)


def test_closure_days_are_not_staffed() -> None:
    rule = DeadlineRule(calendar=Calendar(closed=frozenset({london("2026-11-18", "00:00").date()})))
    received = london("2026-11-17", "15:00")
    warning, _ = plan(received, deadline(received, rule).due_at, rule)
    assert (warning.at, warning.reason) == (london("2026-11-17", "17:00"), STAFFED)


@given(
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    st.sampled_from(NATIONS),
    st.integers(1, 14 * 24),
    st.integers(0, 7 * 24),
    st.booleans(),
)
def test_a_warning_is_never_before_receipt_nor_after_the_deadline(
    received: datetime, nation: str, hours: int, lead: int, moving: bool
) -> None:
    rule = DeadlineRule(
        calendar=Calendar(nation=nation),
        answer_within=timedelta(hours=hours),
        lead=timedelta(hours=lead),
        move_off_days=moving,
    )
    due = deadline(received, rule).due_at
    warning, missed = plan(received, due, rule)
    assert received <= warning.at <= missed.at == due
    if warning.reason != NOBODY:
        assert due - warning.at >= rule.lead
