"""The school's own days: worked or not, staffed, on duty, quiet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.calendar import NATIONS, Calendar

LONDON = ZoneInfo("Europe/London")
ENGLAND = Calendar()
FIRST, LAST = datetime(2015, 1, 1), datetime(2060, 1, 1)  # noqa: DTZ001  Hypothesis adds the zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


def london(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=LONDON)


def utc(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "holiday_in"),
    [
        (date(2026, 1, 1), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 1, 2), {"SCT"}),
        (date(2026, 3, 17), {"NIR"}),
        (date(2026, 4, 3), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 4, 6), {"ENG", "WLS", "NIR"}),
        (date(2026, 5, 4), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 7, 13), {"NIR"}),
        (date(2026, 8, 3), {"SCT"}),
        (date(2026, 8, 31), {"ENG", "WLS", "NIR"}),
        (date(2026, 11, 30), {"SCT"}),
        (date(2026, 12, 25), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 12, 28), {"ENG", "WLS", "SCT", "NIR"}),
        (date(2026, 11, 17), set()),
    ],
    ids=lambda value: value.strftime("%a %d %b") if isinstance(value, date) else "",
)
def test_each_nation_has_its_own_bank_holidays(day: date, holiday_in: set[str]) -> None:
    found = {nation for nation in NATIONS if Calendar(nation=nation).why_not_working(day) == "bank_holiday"}
    assert found == holiday_in


def test_why_nobody_works_is_named_the_schools_own_word_first() -> None:
    christmas = date(2026, 12, 25)
    assert ENGLAND.why_not_working(date(2026, 11, 17)) is None
    assert ENGLAND.why_not_working(date(2026, 11, 21)) == "weekend"
    assert ENGLAND.why_not_working(christmas) == "bank_holiday"
    assert Calendar(closed=frozenset({christmas})).why_not_working(christmas) == "closure_day"
    assert Calendar(bank_holidays=False).why_not_working(christmas) is None


def test_the_next_working_day_is_never_the_day_itself() -> None:
    assert ENGLAND.next_working_day(date(2026, 11, 17)) == date(2026, 11, 18)
    assert ENGLAND.next_working_day(date(2026, 11, 20)) == date(2026, 11, 23)
    assert ENGLAND.next_working_day(date(2026, 12, 24)) == date(2026, 12, 29)


def test_a_time_that_the_clocks_skip_is_the_moment_they_go_forward() -> None:
    skipped = ENGLAND.at(date(2026, 3, 29), time(1, 30))
    assert skipped == utc("2026-03-29", "01:30")
    assert ENGLAND.local(skipped).time() == time(2, 30)


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    assert ENGLAND.at(date(2026, 10, 25), time(1, 30)) == utc("2026-10-25", "00:30")


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (london("2026-11-17", "12:00"), london("2026-11-17", "12:00")),
        (london("2026-11-17", "17:00"), london("2026-11-17", "17:00")),
        (london("2026-11-17", "23:00"), london("2026-11-17", "17:00")),
        (london("2026-11-17", "08:30"), london("2026-11-17", "08:30")),
        (london("2026-11-17", "08:29"), london("2026-11-16", "17:00")),
        (london("2026-11-22", "12:00"), london("2026-11-20", "17:00")),
        (london("2026-12-28", "12:00"), london("2026-12-24", "17:00")),
    ],
    ids=[
        "in staffed hours",
        "at their very end",
        "at night",
        "at their very start",
        "before them",
        "at a weekend",
        "in the Christmas days",
    ],
)
def test_the_last_staffed_moment(until: datetime, expected: datetime) -> None:
    assert ENGLAND.last_staffed_moment(until, until - timedelta(days=10)) == expected


def test_there_is_no_staffed_moment_in_a_night_a_weekend_or_backwards() -> None:
    assert ENGLAND.last_staffed_moment(utc("2026-11-18", "08:00"), utc("2026-11-17", "17:01")) is None
    assert ENGLAND.last_staffed_moment(utc("2026-11-22", "23:00"), utc("2026-11-20", "17:01")) is None
    assert ENGLAND.last_staffed_moment(utc("2026-11-17", "10:00"), utc("2026-11-17", "11:00")) is None


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (utc("2026-11-22", "12:00"), utc("2026-11-22", "12:00")),
        (utc("2026-11-22", "03:00"), utc("2026-11-22", "08:00")),
        (utc("2026-11-22", "20:00"), utc("2026-11-22", "20:00")),
        (utc("2026-11-22", "20:01"), utc("2026-11-23", "08:00")),
        (london("2026-07-12", "21:00"), london("2026-07-13", "08:00")),
    ],
    ids=["on a Sunday noon", "at night", "at the end of duty", "after it", "after it, in summer"],
)
def test_the_duty_person_may_be_told(since: datetime, expected: datetime) -> None:
    assert ENGLAND.duty_moment(since) == expected


def test_duty_hours_that_never_are_mean_at_once() -> None:
    never = Calendar(duty_from=time(20, 0), duty_until=time(8, 0))
    for moment in (utc("2026-11-22", "12:00"), utc("2026-11-22", "23:00")):
        assert never.duty_moment(moment) >= moment


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        (utc("2026-11-17", "19:59"), None),
        (utc("2026-11-17", "20:00"), utc("2026-11-18", "07:00")),
        (utc("2026-11-18", "06:59"), utc("2026-11-18", "07:00")),
        (utc("2026-11-18", "07:00"), None),
        (london("2026-03-28", "23:00"), london("2026-03-29", "07:00")),
        (london("2026-10-24", "23:00"), london("2026-10-25", "07:00")),
    ],
    ids=["before", "at their start", "in their last minute", "at their end", "clocks forward", "clocks back"],
)
def test_quiet_hours_end(moment: datetime, ends: datetime | None) -> None:
    assert ENGLAND.end_of_quiet(moment) == ends


def test_quiet_hours_may_lie_within_one_day_or_not_be_at_all() -> None:
    noon = Calendar(quiet_from=time(12, 0), quiet_until=time(14, 0))
    assert noon.end_of_quiet(utc("2026-11-17", "13:00")) == utc("2026-11-17", "14:00")
    assert noon.end_of_quiet(utc("2026-11-17", "23:00")) is None
    assert (
        Calendar(quiet_from=time(7, 0), quiet_until=time(7, 0)).end_of_quiet(utc("2026-11-17", "07:00"))
        is None
    )


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=14)), st.sampled_from(NATIONS))
def test_a_staffed_moment_lies_where_it_was_sought_in_staffed_hours_of_a_working_day(
    since: datetime, span: timedelta, nation: str
) -> None:
    calendar = Calendar(nation=nation)
    found = calendar.last_staffed_moment(since + span, since)
    if found is None:
        return
    assert since <= found <= since + span
    assert calendar.why_not_working(calendar.local(found).date()) is None
    assert calendar.staffed_from <= calendar.local(found).time() <= calendar.staffed_until


@given(MOMENTS)
def test_the_duty_moment_is_within_a_day_in_duty_hours(since: datetime) -> None:
    found = ENGLAND.duty_moment(since)
    assert since <= found < since + timedelta(days=1)
    assert ENGLAND.duty_from <= ENGLAND.local(found).time() <= ENGLAND.duty_until


@given(MOMENTS)
def test_after_quiet_hours_it_is_not_quiet(moment: datetime) -> None:
    ends = ENGLAND.end_of_quiet(moment)
    assert ends is None or (ends > moment and ENGLAND.end_of_quiet(ends) is None)
