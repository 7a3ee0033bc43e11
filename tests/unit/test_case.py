"""A case is a fold over its events; its second clock is stopped by nobody but the lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.case import Answer, Case, Event, EventKind, Flag, SecondClock, apply, fold
from monitor.domain.verdict import Severity

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
DUE = NOW + timedelta(days=1)


def opened(*, cold: bool = False) -> Event:
    return Event(EventKind.OPENED, NOW, {"item": 7, "number": 3, "cold": cold})


def judged(severity: str | None, *, safeguarding: bool = False) -> Event:
    data = {"severity": severity, "safeguarding": safeguarding, "categories": []}
    return Event(EventKind.JUDGED, NOW, data)


def deadline_set(due: datetime = DUE) -> Event:
    return Event(EventKind.DEADLINE_SET, NOW, {"due_at": due.isoformat(), "reason": "24_hours"})


def answered(by: int | None = 1) -> Event:
    return Event(EventKind.ANSWERED, NOW, {"by": by})


def reply_gone(by: int = 1) -> Event:
    return Event(EventKind.REPLY_GONE, NOW, {"by": by})


def reopened(reason: str = "more_severe") -> Event:
    return Event(EventKind.REOPENED, NOW, {"reason": reason})


def no_answer_needed() -> Event:
    return Event(EventKind.NO_ANSWER_NEEDED, NOW, {"reason": "judged_late"})


WITHDRAWN = Event(EventKind.WITHDRAWN, NOW, {"state": "deleted"})
RESTORED = Event(EventKind.RESTORED, NOW, {})
ACKNOWLEDGED = Event(EventKind.ACKNOWLEDGED, NOW, {"person": "lead", "by": None})
DECIDED = Event(EventKind.DECIDED, NOW, {"person": "lead", "by": None})


def test_a_question_waits_until_it_is_answered() -> None:
    case = fold([opened(), judged("none"), deadline_set()])
    assert (case.item, case.opening, case.plan) == (7, 1, 1)
    assert (case.answer, case.due_at, case.due_reason) == (Answer.WAITING, DUE, "24_hours")
    assert case.flag is Flag.NONE
    assert case.open
    case = apply(case, answered())
    assert case.answer is Answer.ANSWERED
    assert not case.open


def test_the_due_time_comes_back_exact_to_the_microsecond() -> None:
    due = DUE + timedelta(microseconds=123_457)
    assert fold([opened(), deadline_set(due)]).due_at == due


@pytest.mark.parametrize(
    ("severity", "flag"),
    [("none", "none"), ("low", "none"), ("medium", "open"), ("high", "open"), ("urgent", "open")],
)
def test_medium_and_above_is_flagged(severity: str, flag: str) -> None:
    assert fold([opened(), judged(severity)]).flag == flag


def test_an_item_that_no_engine_could_judge_waits_for_a_person() -> None:
    case = fold([opened(), judged(None)])
    assert case.needs_review
    assert case.open
    assert not apply(case, judged("none")).open
    assert not apply(case, DECIDED).open


def test_each_deadline_is_a_new_plan_and_each_reopening_a_new_opening() -> None:
    case = fold(
        [opened(), judged("none"), deadline_set(), answered(), reopened("reply_gone"), deadline_set()]
    )
    assert (case.opening, case.plan) == (2, 2)


def test_a_flag_that_is_decided_stays_so_when_it_is_judged_the_same_again() -> None:
    case = fold([opened(), judged("medium"), DECIDED, judged("medium")])
    assert case.flag is Flag.DECIDED
    assert apply(apply(case, judged("high")), reopened()).flag is Flag.OPEN


def test_a_withdrawn_item_asks_nothing_and_a_restored_one_asks_again() -> None:
    case = fold([opened(), judged("medium"), deadline_set(), WITHDRAWN])
    assert (case.answer, case.flag, case.open) == (Answer.WITHDRAWN, Flag.WITHDRAWN, False)
    case = fold([RESTORED, reopened("visible_again"), deadline_set()], case)
    assert (case.answer, case.flag, case.open) == (Answer.WAITING, Flag.OPEN, True)


def test_a_withdrawn_item_that_nobody_judged_wants_a_person_again_when_it_is_restored() -> None:
    case = fold([opened(), judged(None), WITHDRAWN])
    assert not case.needs_review
    assert apply(case, RESTORED).needs_review


def test_withdrawing_does_not_undo_an_answer() -> None:
    case = fold([opened(), judged("none"), deadline_set(), answered(), WITHDRAWN])
    assert case.answer is Answer.ANSWERED


def test_of_several_replies_the_others_still_answer_when_one_is_gone() -> None:
    case = fold([opened(), judged("none"), deadline_set(), answered(1), answered(2), reply_gone(1)])
    assert case.answered_by == {2}
    assert case.answer is Answer.ANSWERED


def test_the_second_clock_of_a_safeguarding_item_runs_until_it_is_acknowledged_and_closed() -> None:
    case = fold([opened(), judged("medium", safeguarding=True)])
    assert case.second_clock is SecondClock.RUNNING
    case = apply(case, ACKNOWLEDGED)
    assert case.second_clock is SecondClock.ACKNOWLEDGED
    assert case.open, "acknowledged is not closed"
    case = apply(case, DECIDED)
    assert case.second_clock is SecondClock.CLOSED
    assert not case.open


def test_acknowledging_means_nothing_where_no_second_clock_runs() -> None:
    case = fold([opened(), judged("high"), deadline_set()])
    assert apply(case, ACKNOWLEDGED) == case


def test_a_second_clock_starts_again_when_it_gets_worse() -> None:
    case = fold([opened(), judged("medium", safeguarding=True), DECIDED])
    case = fold([judged("urgent", safeguarding=True), reopened("more_severe")], case)
    assert case.second_clock is SecondClock.RUNNING


def test_a_reply_that_is_gone_does_not_start_a_closed_second_clock_again() -> None:
    case = fold([opened(), judged("urgent", safeguarding=True), deadline_set(), answered(), DECIDED])
    case = fold([reply_gone(), reopened("reply_gone"), deadline_set()], case)
    assert case.second_clock is SecondClock.CLOSED


def test_every_kind_of_event_can_be_applied() -> None:
    data = {
        "item": 1,
        "number": 1,
        "cold": False,
        "severity": "high",
        "safeguarding": True,
        "categories": [],
        "due_at": DUE.isoformat(),
        "reason": "more_severe",
        "by": 1,
        "person": "lead",
        "state": "deleted",
    }
    for kind in EventKind:
        assert isinstance(apply(Case(), Event(kind, NOW, data)), Case)


SEVERITIES = st.sampled_from([None, *(str(one) for one in Severity)])
ON_THE_PLATFORM = st.one_of(
    st.builds(judged, SEVERITIES, safeguarding=st.booleans()),
    st.builds(deadline_set),
    st.builds(answered, st.sampled_from([None, 1, 2])),
    st.builds(reply_gone, st.sampled_from([1, 2])),
    st.builds(reopened, st.sampled_from(["more_severe", "reply_gone", "visible_again"])),
    st.builds(no_answer_needed),
    st.just(WITHDRAWN),
    st.just(RESTORED),
)
ANYTHING = ON_THE_PLATFORM | st.sampled_from([ACKNOWLEDGED, DECIDED])


@given(st.lists(ANYTHING, max_size=12), st.lists(ANYTHING, max_size=12))
def test_folding_in_two_pieces_is_folding_at_once(first: list[Event], second: list[Event]) -> None:
    assert fold([opened(), *first, *second]) == fold(second, fold([opened(), *first]))


@given(st.lists(ON_THE_PLATFORM, max_size=20))
def test_nothing_on_the_platform_stops_a_second_clock(happened: list[Event]) -> None:
    case = fold([opened(), judged("urgent", safeguarding=True)])
    for event in happened:
        case = apply(case, event)
        assert case.second_clock is SecondClock.RUNNING
        assert case.open


@given(st.lists(ON_THE_PLATFORM, max_size=20))
def test_nothing_on_the_platform_closes_an_acknowledged_second_clock(happened: list[Event]) -> None:
    case = fold([opened(), judged("urgent", safeguarding=True), ACKNOWLEDGED])
    for event in happened:
        case = apply(case, event)
        assert case.second_clock in (SecondClock.RUNNING, SecondClock.ACKNOWLEDGED)


@given(st.lists(ANYTHING, max_size=20))
def test_openings_plans_and_the_worst_severity_only_grow(happened: list[Event]) -> None:
    case = fold([opened()])
    for event in happened:
        after = apply(case, event)
        assert after.opening >= case.opening
        assert after.plan >= case.plan
        assert after.worst >= case.worst
        assert after.worst >= (after.severity or Severity.NONE)
        case = after
