"""When an answer is due: every row of design.md's table, every setting, every nation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.calendar import NATIONS, Calendar
from monitor.domain.deadline import CARRYING, DeadlineRule, deadline

LONDON = ZoneInfo("Europe/London")


def london(day: str, hour: str, *, fold: int = 0) -> datetime:
    """A moment on London's clock; `fold=1` is the second time that an hour comes."""
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=LONDON, fold=fold)


def utc(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=UTC)


def rule(nation: str = "ENG", **choices: object) -> DeadlineRule:
    """The standard rule of a nation; names of the calendar and of the rule may be mixed."""
    of_calendar = {name: choices.pop(name) for name in list(choices) if name in Calendar.__slots__}
    return DeadlineRule(calendar=Calendar(nation=nation, **of_calendar), **choices)  # type: ignore[arg-type]


ENGLAND = rule()

TABLE = {
    "a Tuesday": ("ENG", london("2026-11-17", "10:00"), utc("2026-11-18", "10:00"), "24_hours"),
    "a Friday evening stays a Saturday": (
        "ENG",
        london("2026-11-20", "18:00"),
        utc("2026-11-21", "18:00"),
        "24_hours",
    ),
    "a Saturday morning": ("ENG", london("2026-11-21", "09:00"), utc("2026-11-23", "17:00"), "weekend"),
    "the last minute of a Sunday": (
        "ENG",
        london("2026-11-22", "23:59"),
        utc("2026-11-23", "17:00"),
        "weekend",
    ),
    "the Sunday before a bank-holiday Monday": (
        "ENG",
        london("2026-05-03", "12:00"),
        london("2026-05-05", "17:00"),
        "weekend",
    ),
    "a bank-holiday Monday": (
        "ENG",
        london("2026-05-04", "10:00"),
        london("2026-05-05", "17:00"),
        "bank_holiday",
    ),
    "a Wednesday of the school holidays": (
        "ENG",
        london("2026-08-12", "10:00"),
        london("2026-08-13", "10:00"),
        "24_hours",
    ),
    "Christmas Eve is due on Christmas Day": (
        "ENG",
        london("2026-12-24", "10:00"),
        utc("2026-12-25", "10:00"),
        "24_hours",
    ),
    "the night in which the clocks go forward": (
        "ENG",
        london("2026-03-28", "23:30"),
        utc("2026-03-30", "16:00"),
        "weekend",
    ),
    "the hour that comes twice, the second time": (
        "ENG",
        london("2026-10-25", "01:30", fold=1),
        utc("2026-10-26", "17:00"),
        "weekend",
    ),
    "a Friday in UTC that is Saturday in London": (
        "ENG",
        utc("2026-07-10", "23:30"),
        utc("2026-07-13", "16:00"),
        "weekend",
    ),
    "the same in Northern Ireland, where that Monday is a holiday": (
        "NIR",
        utc("2026-07-10", "23:30"),
        utc("2026-07-14", "16:00"),
        "weekend",
    ),
    "New Year's Day in England": (
        "ENG",
        london("2026-01-01", "12:00"),
        utc("2026-01-02", "17:00"),
        "bank_holiday",
    ),
    "New Year's Day in Wales": (
        "WLS",
        london("2026-01-01", "12:00"),
        utc("2026-01-02", "17:00"),
        "bank_holiday",
    ),
    "New Year's Day in Northern Ireland": (
        "NIR",
        london("2026-01-01", "12:00"),
        utc("2026-01-02", "17:00"),
        "bank_holiday",
    ),
    "New Year's Day in Scotland, where the second is one too": (
        "SCT",
        london("2026-01-01", "12:00"),
        utc("2026-01-05", "17:00"),
        "bank_holiday",
    ),
    "Easter Monday in Scotland, which is no bank holiday there": (
        "SCT",
        london("2026-04-06", "10:00"),
        london("2026-04-07", "10:00"),
        "24_hours",
    ),
    "Easter Monday in Wales": (
        "WLS",
        london("2026-04-06", "10:00"),
        london("2026-04-07", "17:00"),
        "bank_holiday",
    ),
    "St Andrew's Day in Scotland": (
        "SCT",
        london("2026-11-30", "10:00"),
        utc("2026-12-01", "17:00"),
        "bank_holiday",
    ),
    "St Patrick's Day in Northern Ireland": (
        "NIR",
        london("2026-03-17", "10:00"),
        utc("2026-03-18", "17:00"),
        "bank_holiday",
    ),
}


@pytest.mark.parametrize(("nation", "received", "due", "reason"), TABLE.values(), ids=TABLE.keys())
def test_an_answer_is_due(nation: str, received: datetime, due: datetime, reason: str) -> None:
    found = deadline(received, rule(nation))
    assert (found.due_at, found.reason) == (due, reason)
    assert found.due_at.utcoffset() == timedelta(0), "due times are in UTC"


def test_the_zone_of_the_time_stamp_does_not_matter_only_the_moment() -> None:
    moment = utc("2026-07-10", "23:30")
    for zone in ("America/New_York", "Asia/Tokyo", "Europe/London"):
        assert deadline(moment.astimezone(ZoneInfo(zone)), ENGLAND) == deadline(moment, ENGLAND)


def test_twenty_four_hours_are_hours_and_not_a_day_where_the_clocks_change() -> None:
    # A school that works on Saturdays: its 24 hours run over the night of the change.
    saturdays = rule(working_weekdays=frozenset(range(6)))
    assert deadline(london("2026-03-28", "10:00"), saturdays).due_at == london("2026-03-29", "11:00")
    assert deadline(london("2026-10-24", "10:00"), saturdays).due_at == london("2026-10-25", "09:00")


def test_the_first_time_that_an_hour_comes_is_an_hour_before_the_second() -> None:
    sundays = rule(working_weekdays=frozenset(range(7)))
    first = deadline(london("2026-10-25", "01:30"), sundays)
    second = deadline(london("2026-10-25", "01:30", fold=1), sundays)
    assert second.due_at - first.due_at == timedelta(hours=1)


def test_the_friday_rule_moves_what_ends_on_a_day_nobody_works() -> None:
    moving = rule(move_off_days=True)
    friday = deadline(london("2026-11-20", "18:00"), moving)
    assert (friday.due_at, friday.reason) == (utc("2026-11-23", "17:00"), "friday_rule")
    eve = deadline(london("2026-12-24", "10:00"), moving)
    assert (eve.due_at, eve.reason) == (utc("2026-12-29", "17:00"), "friday_rule")
    tuesday = deadline(london("2026-11-17", "10:00"), moving)
    assert (tuesday.due_at, tuesday.reason) == (utc("2026-11-18", "10:00"), "24_hours")


def test_the_friday_rule_moves_over_a_bank_holiday_too() -> None:
    found = deadline(london("2026-05-01", "18:00"), rule(move_off_days=True))
    assert found.due_at == london("2026-05-05", "17:00")


def test_the_close_of_the_day_is_the_schools_choice() -> None:
    early = rule(close_of_day=time(15, 30))
    assert deadline(london("2026-11-21", "09:00"), early).due_at == utc("2026-11-23", "15:30")
    assert deadline(london("2026-11-17", "10:00"), early).due_at == utc("2026-11-18", "10:00")


def test_a_school_that_does_not_count_bank_holidays_works_on_them() -> None:
    found = deadline(london("2026-05-04", "10:00"), rule(bank_holidays=False))
    assert (found.due_at, found.reason) == (london("2026-05-05", "10:00"), "24_hours")
    sunday = deadline(london("2026-05-03", "10:00"), rule(bank_holidays=False))
    assert sunday.due_at == london("2026-05-04", "17:00")


def test_closure_days_stop_the_clock() -> None:
    closed = rule(closed=frozenset(date(2026, 10, 26) + timedelta(days=n) for n in range(5)))
    within = deadline(london("2026-10-28", "10:00"), closed)
    assert (within.due_at, within.reason) == (utc("2026-11-02", "17:00"), "closure_day")
    before = deadline(london("2026-10-24", "10:00"), closed)
    assert (before.due_at, before.reason) == (utc("2026-11-02", "17:00"), "weekend")


def test_the_last_open_day_before_a_closure_keeps_its_twenty_four_hours() -> None:
    closed = rule(closed=frozenset({date(2026, 10, 28)}))
    assert deadline(london("2026-10-27", "10:00"), closed).due_at == utc("2026-10-28", "10:00")


@pytest.mark.parametrize("hours", [1, 8, 48, 14 * 24])
def test_another_number_of_hours_says_so(hours: int) -> None:
    received = london("2026-11-17", "10:00")
    found = deadline(received, rule(answer_within=timedelta(hours=hours)))
    assert (found.due_at, found.reason) == (received + timedelta(hours=hours), "hours")


def test_another_number_of_hours_does_not_change_a_weekend() -> None:
    found = deadline(london("2026-11-21", "09:00"), rule(answer_within=timedelta(hours=2)))
    assert (found.due_at, found.reason) == (utc("2026-11-23", "17:00"), "weekend")


def test_a_school_with_other_working_days_has_another_weekend() -> None:
    gulf = rule(working_weekdays=frozenset({6, 0, 1, 2, 3}))
    found = deadline(london("2026-11-20", "10:00"), gulf)
    assert (found.due_at, found.reason) == (utc("2026-11-22", "17:00"), "weekend")


def test_a_calendar_without_one_working_day_is_due_the_next_day() -> None:
    never = rule(working_weekdays=frozenset())
    assert deadline(london("2026-11-17", "10:00"), never).due_at == utc("2026-11-18", "17:00")


def test_posts_and_mentions_carry_no_deadline_by_default() -> None:
    assert {kind.value for kind in CARRYING} == {
        "comment",
        "reply",
        "visitor_post",
        "review",
        "direct",
        "report",
    }


FIRST, LAST = datetime(2015, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001  Hypothesis adds the zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
RULES = st.builds(
    rule,
    nation=st.sampled_from(NATIONS),
    working_weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    bank_holidays=st.booleans(),
    close_of_day=st.times(),
    answer_within=st.integers(1, 14 * 24).map(lambda hours: timedelta(hours=hours)),
    move_off_days=st.booleans(),
    closed=st.frozensets(st.dates(date(2015, 1, 1), date(2060, 1, 1)), max_size=5),
    zone=st.sampled_from(["Europe/London", "Pacific/Kiritimati", "America/Los_Angeles"]).map(ZoneInfo),
)


@given(MOMENTS, RULES)
def test_a_deadline_is_never_before_receipt(received: datetime, chosen: DeadlineRule) -> None:
    assert deadline(received, chosen).due_at > received


@given(MOMENTS, RULES)
def test_what_comes_on_a_day_nobody_works_is_due_at_the_close_of_a_working_day(
    received: datetime, chosen: DeadlineRule
) -> None:
    calendar = chosen.calendar
    day = calendar.local(received).date()
    off = calendar.why_not_working(day)
    found = deadline(received, chosen)
    due_day = calendar.local(found.due_at).date()
    if off is None and found.reason != "friday_rule":
        assert found.due_at - received == chosen.answer_within
        return
    assert found.reason == (off or "friday_rule")
    between = [
        due_day - timedelta(days=n) for n in range(1, (due_day - calendar.local(received).date()).days)
    ]
    assert calendar.why_not_working(due_day) is None
    if off is not None:
        assert all(calendar.why_not_working(one) for one in between), "the very next working day"
    assert found.due_at == calendar.at(due_day, calendar.close_of_day)


@given(MOMENTS, RULES)
def test_under_the_friday_rule_nothing_is_ever_due_on_a_day_nobody_works(
    received: datetime, chosen: DeadlineRule
) -> None:
    due = deadline(received, replace(chosen, move_off_days=True)).due_at
    assert chosen.calendar.why_not_working(chosen.calendar.local(due).date()) is None
