"""The school's week, and the sums over it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.figures import Answers, Flagged, Safeguarding, Volume, WeekFigures
from monitor.domain.calendar import Calendar
from monitor.domain.case import Event, EventKind
from monitor.domain.promises import CaseRow, Promise, promises, share_within
from monitor.domain.week import (
    AlertRow,
    FlagRow,
    ItemRow,
    Ledger,
    NoWeek,
    OutageRow,
    Week,
    blind_for,
    figures,
    latest_closed,
)

LONDON = Calendar()
WEEK = Week(2026, 46)
MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
AFTER = MONDAY + timedelta(days=7, hours=7)
HOUR = timedelta(hours=1)


def at(days: float = 0, hours: float = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


def happened(kind: EventKind, when: datetime, **data: Any) -> Event:
    return Event(kind, when, data)


def due(when: datetime, moment: datetime) -> Event:
    return happened(EventKind.DEADLINE_SET, when, due_at=moment.isoformat(), reason="24_hours")


def case(received: datetime, *events: Event, source: str = "page", **written: datetime) -> CaseRow:
    return CaseRow(source, received, events, {int(name[1:]): moment for name, moment in written.items()})


def asked(received: datetime, *, replied: datetime | None = None, source: str = "page") -> CaseRow:
    """A question with a day's time, and the school's reply to it."""
    events = [due(received, received + timedelta(days=1))]
    if replied is None:
        return case(received, *events, source=source)
    return case(received, *events, happened(EventKind.ANSWERED, replied, by=1), source=source, r1=replied)


def summed(now: datetime = AFTER, week: Week = WEEK, calendar: Calendar = LONDON, **rows: Any) -> WeekFigures:
    return figures(Ledger(**rows), week, calendar, ("page", "blog"), (("page", "facebook"),), now)


# --- weeks


@given(st.dates(date(1995, 1, 1), date(2190, 1, 1)))
def test_a_week_reads_what_it_writes_and_holds_its_day(day: date) -> None:
    week = Week.of(day)
    assert Week.parse(str(week)) == week
    assert week.monday <= day < week.plus(1).monday
    assert week.plus(3).plus(-3) == week


@given(
    st.dates(date(1995, 1, 1), date(2190, 1, 1)),
    st.sampled_from(["Europe/London", "Asia/Kolkata", "America/Santiago", "Africa/Cairo", "UTC"]),
)
def test_weeks_follow_each_other_without_a_gap_whatever_the_clocks_do(day: date, zone: str) -> None:
    calendar = Calendar(zone=ZoneInfo(zone))
    week = Week.of(day)
    (start, end), (after, _) = week.span(calendar), week.plus(1).span(calendar)
    assert end == after
    assert timedelta(days=6, hours=23) <= end - start <= timedelta(days=7, hours=1)


def test_the_week_in_which_the_clocks_go_back_has_169_hours_and_the_other_167() -> None:
    lengths = [end - start for start, end in (Week(2026, n).span(LONDON) for n in (13, 43, 46))]
    assert [length / HOUR for length in lengths] == [167, 169, 168]


@pytest.mark.parametrize("word", ["", "46", "2026-46", "2026-W00", "2025-W53", "2026-W54", "9999-W52", "W46"])
def test_what_is_no_week_is_refused_in_one_sentence(word: str) -> None:
    with pytest.raises(NoWeek, match="is no week; write one such as 2026-W46"):
        Week.parse(word)


def test_a_year_may_have_53_weeks_and_a_small_w_is_read_too() -> None:
    assert Week.parse(" 2026-w53 ") == Week(2026, 53)
    assert Week(2026, 53).plus(1) == Week(2027, 1)


def test_the_digests_moment_is_local_on_both_sides_of_a_change_of_the_clocks() -> None:
    moments = [Week(2026, n).closes_at(LONDON, 0, time(7)) for n in (12, 13)]
    assert moments == [datetime(2026, 3, 23, 7, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("now", "week"),
    [
        (datetime(2026, 11, 16, 6, 59, tzinfo=UTC), Week(2026, 45)),
        (datetime(2026, 11, 16, 7, 0, tzinfo=UTC), Week(2026, 46)),
        (datetime(2026, 11, 22, 23, 0, tzinfo=UTC), Week(2026, 46)),
    ],
)
def test_only_the_latest_week_whose_moment_has_come_is_closed(now: datetime, week: Week) -> None:
    assert latest_closed(now, LONDON, 0, time(7)) == week


@given(
    st.timedeltas(timedelta(days=-2000), timedelta(days=2000)).map(MONDAY.__add__),
    st.integers(0, 6),
    st.times(),
)
def test_the_week_that_is_closed_has_ended_and_the_next_one_waits(now: datetime, day: int, at: time) -> None:
    week = latest_closed(now, LONDON, day, at.replace(tzinfo=None))
    assert week.span(LONDON)[1] <= now
    assert week.closes_at(LONDON, day, at.replace(tzinfo=None)) <= now
    assert week.plus(1).closes_at(LONDON, day, at.replace(tzinfo=None)) > now


# --- promises


def test_an_answer_in_time_counts_in_the_week_in_which_it_was_given() -> None:
    late_on_sunday = asked(at(6, 20), replied=at(7, 5))
    assert summed(cases=[late_on_sunday]).answers.decided == 0
    assert summed(week=WEEK.plus(1), cases=[late_on_sunday]).answers.kept == 1


def test_a_missed_answer_counts_in_the_week_in_which_its_time_was_over() -> None:
    never = asked(at(6, 20))
    assert summed(cases=[never]).answers == Answers(waiting=1)
    later = summed(at(9), cases=[never])
    assert later.answers == Answers(overdue=1)
    assert summed(at(9), WEEK.plus(1), cases=[never]).answers == Answers(missed=1, overdue=1)


def test_a_late_answer_is_an_answer_and_a_broken_promise() -> None:
    late = summed(cases=[asked(at(0), replied=at(2))]).answers
    assert (late.answered, late.kept, late.missed, late.overdue) == (1, 0, 1, 0)


def test_response_times_run_from_receipt_to_the_reply() -> None:
    rows = [asked(at(1), replied=at(1, hours)) for hours in range(1, 11)]
    answers = summed(cases=rows).answers
    assert (answers.median, answers.ninth) == (5 * HOUR, 9 * HOUR)


def test_what_a_person_said_was_answered_has_no_response_time() -> None:
    said = case(at(1), due(at(1), at(2)), happened(EventKind.ANSWERED, at(1, 3), by=None, person="mod"))
    answers = summed(cases=[said]).answers
    assert (answers.kept, answers.answered, answers.median) == (1, 1, None)


def test_a_reply_from_before_the_receipt_took_no_time_at_all() -> None:
    assert summed(cases=[asked(at(1), replied=at(1, -1))]).answers.median == timedelta()


def test_of_two_replies_the_earlier_counts_whichever_was_seen_first() -> None:
    row = case(
        at(1),
        due(at(1), at(2)),
        happened(EventKind.ANSWERED, at(3), by=2),
        happened(EventKind.ANSWERED, at(4), by=1),
        r2=at(3),
        r1=at(1, 2),
    )
    assert promises(row) == [Promise(at(2), at(1, 2), by_reply=True)]


def test_a_reply_that_is_deleted_within_the_time_leaves_one_promise_open() -> None:
    row = case(
        at(1),
        due(at(1), at(2)),
        happened(EventKind.ANSWERED, at(1, 1), by=1),
        happened(EventKind.REPLY_GONE, at(1, 2), by=1),
        due(at(1, 2), at(2)),
        r1=at(1, 1),
    )
    assert promises(row) == [Promise(at(2))]


def test_a_reply_that_is_deleted_later_makes_a_second_promise() -> None:
    row = case(
        at(1),
        due(at(1), at(2)),
        happened(EventKind.ANSWERED, at(1, 1), by=1),
        happened(EventKind.REPLY_GONE, at(3), by=1),
        due(at(3), at(4)),
        r1=at(1, 1),
    )
    answers = summed(cases=[row]).answers
    assert (answers.kept, answers.missed, answers.overdue) == (1, 1, 1)


def test_nothing_is_owed_to_a_comment_that_was_deleted_in_time_or_turned_out_to_be_thanks() -> None:
    gone = case(at(1), due(at(1), at(2)), happened(EventKind.WITHDRAWN, at(1, 5), state="deleted"))
    thanks = case(at(1), due(at(1), at(2)), happened(EventKind.NO_ANSWER_NEEDED, at(3), reason="judged_late"))
    assert summed(cases=[gone, thanks]).answers == Answers()


def test_a_comment_deleted_after_its_time_was_missed_but_nobody_waits_any_more() -> None:
    gone = case(at(1), due(at(1), at(2)), happened(EventKind.WITHDRAWN, at(3), state="deleted"))
    assert summed(cases=[gone]).answers == Answers(missed=1)


def test_a_deadline_that_is_set_while_the_comment_is_gone_waits_for_nobody() -> None:
    row = case(
        at(1),
        due(at(1), at(2)),
        happened(EventKind.ANSWERED, at(1, 1), by=1),
        happened(EventKind.WITHDRAWN, at(1, 2), state="deleted"),
        due(at(1, 3), at(2)),
        r1=at(1, 1),
    )
    assert summed(cases=[row]).answers == Answers(kept=1, answered=1, median=HOUR, ninth=HOUR)


@given(
    st.lists(st.tuples(st.integers(0, 40 * 24), st.none() | st.integers(0, 200)), max_size=30),
    st.integers(0, 60 * 24),
)
def test_every_promise_is_decided_in_exactly_one_week_or_still_waits(
    rows: list[tuple[int, int | None]], later: int
) -> None:
    now = MONDAY + timedelta(hours=later)
    given_rows = [(MONDAY + timedelta(hours=began), took) for began, took in rows if began <= later]
    cases = []
    for received, took in given_rows:
        replied = None if took is None else received + timedelta(hours=took)
        cases.append(asked(received, replied=replied if replied is not None and replied <= now else None))
    weeks = [summed(now, WEEK.plus(n), cases=cases).answers for n in range(12)]
    decided = sum(week.decided for week in weeks)
    assert decided + weeks[0].waiting == len(cases)
    assert sum(week.answered for week in weeks) == sum(len(row.reply_times) for row in cases)


@given(st.lists(st.timedeltas(timedelta(), timedelta(days=9)), min_size=1), st.floats(0.01, 1))
def test_that_share_of_the_lengths_lies_within(lengths: list[timedelta], share: float) -> None:
    found = share_within(lengths, share)
    assert found in lengths
    assert sum(length <= found for length in lengths) >= share * len(lengths) - 1e-6
    assert sum(length < found for length in lengths) < share * len(lengths) + 1e-6


def test_there_is_no_share_of_nothing() -> None:
    assert share_within([], 0.5) is None


# --- the other figures


def test_a_quiet_week_has_nothing_in_it() -> None:
    week = summed()
    assert (week.received, week.mails, week.blind, week.flagged.total) == (0, 0, (), 0)
    assert week.answers == Answers()


def test_items_count_by_source_and_kind_in_the_week_in_which_they_were_received() -> None:
    rows = [
        ItemRow("page", "comment", at(0)),
        ItemRow("page", "comment", at(6, 23.99)),
        ItemRow("page", "comment", at(7)),
        ItemRow("blog", "review", at(3)),
        ItemRow("blog", "comment", at(-1)),
    ]
    assert summed(items=rows).volumes == (Volume("blog", "review", 1), Volume("page", "comment", 2))


def test_a_comment_of_sunday_night_in_summer_belongs_to_the_week_of_its_own_clock() -> None:
    late = datetime(2026, 7, 12, 23, 30, tzinfo=UTC)  # Monday 00:30 in London
    assert summed(late, Week(2026, 29), items=[ItemRow("page", "comment", late)]).received == 1


def test_flags_count_by_severity_and_by_each_category_but_never_name_an_allegation() -> None:
    flags = [
        FlagRow(source="page", at=at(1), severity="medium", categories=("insult", "obscene")),
        FlagRow(source="page", at=at(1), severity="high", categories=("insult", "allegation")),
        FlagRow(source="page", at=at(1), severity="urgent", categories=("disclosure",), protected=True),
        FlagRow(source="page", at=at(1), severity="high", categories=("threat",), older=True),
        FlagRow(source="page", at=at(8), severity="high", categories=("threat",)),
    ]
    expected = Flagged(
        severities=(("high", 1), ("medium", 1)), categories=(("insult", 2), ("obscene", 1)), older=1
    )
    week = summed(flags=flags)
    assert week.flagged == expected
    assert week.accounts[0].flagged == 2


def lead(began: datetime, *then: Event) -> tuple[Event, ...]:
    opened = happened(EventKind.OPENED, began, item=1, number=1, cold=False)
    judged = happened(EventKind.JUDGED, began, severity="urgent", safeguarding=True, categories=["concern"])
    return (opened, judged, *then)


def test_safeguarding_is_three_counts() -> None:
    acknowledged = happened(EventKind.ACKNOWLEDGED, at(2), person="lead")
    closed = happened(EventKind.DECIDED, at(9), person="lead")
    cases = [lead(at(1), acknowledged, closed), lead(at(1)), lead(at(-9)), lead(at(-9), acknowledged)]
    assert summed(lead=cases).safeguarding == Safeguarding(opened=2, acknowledged=2, unacknowledged=2)
    assert summed(week=WEEK.plus(1), lead=cases).safeguarding == Safeguarding(0, 0, 2)


def test_mails_about_one_alert_to_three_people_are_one_alert() -> None:
    rows = [AlertRow("flagged", "case:1/1/0", at(1))] * 3 + [AlertRow("blind", "source:page/1/0", at(2))]
    week = summed(alerts=rows)
    assert (week.alerts, week.mails) == ((("blind", 1), ("flagged", 1)), 4)


def test_blind_hours_of_two_streams_at_once_count_once() -> None:
    outages = [
        OutageRow("source:page/comments", at(1), at(1, 4)),
        OutageRow("source:page/mentions", at(1, 2), at(1, 6)),
        OutageRow("source:page/comments", at(3), at(3, 1)),
        OutageRow("source:blog/items", at(1), at(2)),
    ]
    assert blind_for(outages, "page", at(0), at(7)) == 7 * HOUR


def test_blindness_counts_only_within_the_week_and_up_to_now() -> None:
    outages = [OutageRow("source:page/items", at(-5), None)]
    assert dict(summed(at(2), outages=outages).blind) == {"page": 48 * HOUR}
    assert dict(summed(outages=outages).blind) == {"page": 168 * HOUR}
    assert summed(week=WEEK.plus(-2), outages=outages).blind == ()


def test_an_engines_outage_is_no_sources_and_settings_are_neither() -> None:
    outages = [
        OutageRow("engine:embedded-small", at(1), at(1, 2)),
        OutageRow("settings:x", at(1), None),
        OutageRow("source:gone/items", at(1), None),
    ]
    week = summed(outages=outages)
    assert (week.engine_out, week.engine_outages, week.blind) == (2 * HOUR, 1, ())


@given(st.lists(st.tuples(st.integers(-200, 400), st.integers(0, 300)), max_size=12))
def test_no_source_is_blind_for_longer_than_the_week(spells: list[tuple[int, int]]) -> None:
    outages = [
        OutageRow("source:page/items", at(hours=began), at(hours=began + length)) for began, length in spells
    ]
    hours = {hour for began, length in spells for hour in range(began, began + length)}
    expected = len(hours & set(range(168)))
    assert blind_for(outages, "page", at(0), at(7)) == expected * HOUR


@pytest.mark.parametrize(
    ("posted", "quiet"), [(None, None), (at(6), None), (at(0, 0.1), None), (at(0), 7), (at(-30), 37)]
)
def test_an_account_without_a_post_for_seven_days_is_quiet(
    posted: datetime | None, quiet: int | None
) -> None:
    (account,) = summed(posts={} if posted is None else {"page": posted}).accounts
    assert account.quiet_days == quiet
    assert account.posts_seen is (posted is not None)


def test_input_set_aside_counts_by_source() -> None:
    week = summed(set_asides=[("page", at(1)), ("blog", at(2)), ("page", at(3)), ("page", at(7))])
    assert (week.set_aside, week.set_aside_in_all) == ((("page", 2), ("blog", 1)), 3)
