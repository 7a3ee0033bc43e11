"""What follows from what was seen: events, deadlines, notices, alerts, each with a named reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.kinds import Alert, AlertKind
from connectors.item import ItemKind, ItemState
from monitor.domain.calendar import Calendar
from monitor.domain.case import Answer, Case, EventKind, Flag, SecondClock, fold
from monitor.domain.deadline import CARRYING, DeadlineRule
from monitor.domain.decide import (
    Decision,
    NotTheirs,
    Seen,
    carries_deadline,
    on_person,
    on_reply,
    on_reply_gone,
    on_state,
    on_verdict,
    still_wanted,
)
from monitor.domain.verdict import Category, Severity, Verdict

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
DUE = NOW + timedelta(days=1)
NIGHT = datetime(2026, 11, 17, 23, 0, tzinfo=UTC)
RULE = DeadlineRule(calendar=Calendar())
HOUR = timedelta(hours=1)

QUESTION = Verdict(categories=(Category.QUERY,))
THANKS = Verdict(categories=(Category.THANKS,))
SPAM = Verdict(categories=(Category.SPAM,))
MOAN = Verdict(categories=(Category.COMPLAINT,), severity=Severity.LOW)
RUDE = Verdict(categories=(Category.INSULT,), severity=Severity.MEDIUM)
THREAT = Verdict(categories=(Category.THREAT,), severity=Severity.HIGH)
URGENT = Verdict(categories=(Category.DISCLOSURE,), severity=Severity.URGENT)


def seen(**said: object) -> Seen:
    """A parent's comment on the school's page, received now, unless said otherwise."""
    given: dict[str, object] = {
        "id": 7,
        "kind": ItemKind.COMMENT,
        "official": True,
        "author_is_school": False,
        "received_at": NOW,
    }
    return Seen(**(given | said))  # type: ignore[arg-type]


COMMENT = seen()


def first(
    verdict: Verdict | None, item: Seen = COMMENT, *, at: datetime = NOW, replies: tuple[int, ...] = ()
) -> Decision:
    return on_verdict(item, verdict, None, 3, replies, RULE, at)


def opened(verdict: Verdict | None, item: Seen = COMMENT, **said: object) -> Case:
    case = first(verdict, item, **said).case  # type: ignore[arg-type]
    assert case is not None
    return case


def edited(case: Case, verdict: Verdict | None, *, after: timedelta = HOUR, **said: object) -> Decision:
    """The item's words changed and were judged again that long after it came."""
    said.setdefault("edited_at", NOW + after)
    return on_verdict(seen(**said), verdict, case, 3, (), RULE, NOW + after)


def changed(decision: Decision | None) -> Case:
    assert decision is not None
    assert decision.case is not None
    return decision.case


def kinds(decision: Decision | None) -> list[EventKind]:
    assert decision is not None
    return [event.kind for event in decision.events]


def alerted(decision: Decision | None) -> list[tuple[str, str, int, str]]:
    assert decision is not None
    assert all(one.kind is AlertKind.FLAGGED for one in decision.alerts)
    return [(one.subject, one.severity, one.occurrence, one.reason) for one in decision.alerts]


# The first verdict


def test_a_question_opens_a_case_with_a_deadline_and_two_planned_notices() -> None:
    decision = first(QUESTION)
    assert decision.reason == "needs_answer"
    assert kinds(decision) == [EventKind.OPENED, EventKind.JUDGED, EventKind.DEADLINE_SET]
    assert changed(decision).due_at == DUE
    assert decision.notices is not None
    assert [one.kind for one in decision.notices] == [AlertKind.REPLY_DUE, AlertKind.DEADLINE_MISSED]
    assert decision.alerts == ()


@pytest.mark.parametrize("verdict", [THANKS, SPAM], ids=["thanks", "spam"])
def test_thanks_and_spam_open_no_case(verdict: Verdict) -> None:
    decision = first(verdict)
    assert (decision.reason, decision.case, decision.events) == ("nothing_to_do", None, ())


def test_thanks_that_are_rude_need_an_answer_all_the_same() -> None:
    mixed = replace(RUDE, categories=(Category.INSULT, Category.THANKS))
    assert changed(first(mixed)).answer is Answer.WAITING


def test_a_low_moan_is_a_question_without_a_flag() -> None:
    decision = first(MOAN)
    assert changed(decision).flag is Flag.NONE
    assert decision.alerts == ()


@pytest.mark.parametrize(("verdict", "word"), [(RUDE, "medium"), (THREAT, "high"), (URGENT, "urgent")])
def test_a_flagged_item_is_told_at_once(verdict: Verdict, word: str) -> None:
    decision = first(verdict)
    assert decision.reason == "flagged"
    assert alerted(decision) == [("case:3", word, 1, "first")]
    assert decision.alerts[0].not_before is None
    assert decision.alerts[0].categories == (verdict.categories[0].value,)


def test_only_medium_waits_for_the_end_of_quiet_hours() -> None:
    held = first(RUDE, at=NIGHT).alerts[0]
    assert held.not_before == datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
    for verdict in (THREAT, URGENT, replace(URGENT, severity=Severity.MEDIUM)):
        assert first(verdict, at=NIGHT).alerts[0].not_before is None


def test_safeguarding_starts_a_second_clock_whatever_its_severity() -> None:
    for severity in (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.URGENT):
        decision = first(replace(URGENT, severity=severity))
        assert changed(decision).second_clock is SecondClock.RUNNING
        assert decision.alerts[0].facts["safeguarding"]
    assert changed(first(THREAT)).second_clock is SecondClock.NONE


def test_a_watch_gives_a_flag_but_never_a_deadline() -> None:
    mention = seen(official=False, kind=ItemKind.MENTION)
    assert first(QUESTION, mention).case is None
    decision = first(RUDE, mention)
    assert changed(decision).due_at is None
    assert decision.notices is None
    assert len(decision.alerts) == 1


@pytest.mark.parametrize("kind", list(ItemKind), ids=lambda kind: kind.value)
def test_what_kind_of_item_carries_a_deadline(kind: ItemKind) -> None:
    assert carries_deadline(seen(kind=kind), RULE) == (kind in CARRYING)
    assert not carries_deadline(seen(kind=kind, official=False), RULE)
    assert not carries_deadline(seen(kind=kind, author_is_school=True), RULE)
    assert not carries_deadline(seen(kind=kind, cold=True), RULE)


def test_a_school_may_choose_which_kinds_carry_a_deadline() -> None:
    reviews_only = replace(RULE, kinds=frozenset({ItemKind.REVIEW}))
    assert carries_deadline(seen(kind=ItemKind.REVIEW), reviews_only)
    assert not carries_deadline(seen(), reviews_only)


def test_the_schools_own_words_are_no_case_unless_they_are_flagged() -> None:
    own = seen(author_is_school=True)
    assert first(QUESTION, own).case is None
    assert changed(first(RUDE, own)).answer is Answer.NOT_NEEDED


def test_an_old_item_waits_for_the_summary_and_carries_no_deadline() -> None:
    old = seen(cold=True, received_at=NOW - timedelta(days=30))
    decision = first(THREAT, old)
    assert changed(decision).cold
    assert changed(decision).answer is Answer.NOT_NEEDED
    assert decision.alerts == ()


def test_an_old_urgent_item_is_told_singly() -> None:
    assert len(first(URGENT, seen(cold=True)).alerts) == 1


def test_an_old_item_that_is_edited_for_the_worse_is_told_as_any_other() -> None:
    decision = edited(opened(RUDE, seen(cold=True)), THREAT, cold=True)
    assert alerted(decision) == [("case:3", "high", 2, "more_severe")]
    fresh = first(RUDE, seen(cold=True, edited_at=NOW))
    assert len(fresh.alerts) == 1, "it was harmless while it was old"


def test_a_reply_that_was_seen_first_answers_at_once_and_nothing_is_planned() -> None:
    decision = first(QUESTION, replies=(9,))
    assert changed(decision).answer is Answer.ANSWERED
    assert decision.notices == ()


def test_a_reply_to_earlier_words_does_not_answer_the_new_ones() -> None:
    decision = first(QUESTION, seen(edited_at=NOW + HOUR), at=NOW + HOUR, replies=(9,))
    assert changed(decision).answer is Answer.WAITING


def test_an_item_that_is_hidden_already_asks_nothing_until_it_is_shown() -> None:
    hidden = seen(state=ItemState.HIDDEN)
    decision = first(THREAT, hidden)
    assert not changed(decision).open
    assert (decision.notices, decision.alerts) == ((), ())
    shown = on_state(seen(), changed(decision), RULE, NOW + HOUR)
    assert changed(shown).flag is Flag.OPEN
    assert alerted(shown) == [("case:3", "high", 2, "visible_again")]


def test_an_urgent_item_is_told_even_if_it_is_gone() -> None:
    decision = first(URGENT, seen(state=ItemState.DELETED))
    assert len(decision.alerts) == 1
    assert changed(decision).open


# The engine fails


def test_what_no_engine_could_judge_goes_to_a_person_and_waits_for_an_answer() -> None:
    decision = first(None)
    assert decision.reason == "needs_answer"
    assert changed(decision).needs_review
    assert changed(decision).answer is Answer.WAITING


def test_even_a_mention_that_no_engine_could_judge_goes_to_a_person() -> None:
    decision = first(None, seen(official=False))
    assert decision.reason == "unscored"
    assert changed(decision).open


def test_an_engine_that_fails_again_on_the_same_words_is_no_news() -> None:
    case = opened(None)
    again = on_verdict(COMMENT, None, case, 3, (), RULE, NOW + HOUR)
    assert again.events == ()
    closed = changed(on_person(case, EventKind.DECIDED, "mod", False, NOW + HOUR))
    assert on_verdict(COMMENT, None, closed, 3, (), RULE, NOW + 2 * HOUR).events == (), "a person has looked"
    assert edited(closed, None).events != (), "but not at these words"


def test_thanks_that_are_judged_late_need_no_answer_any_more() -> None:
    case = opened(None)
    decision = on_verdict(COMMENT, THANKS, case, 3, (), RULE, NOW + HOUR)
    assert changed(decision).answer is Answer.NOT_NEEDED
    assert decision.notices == ()
    assert not changed(decision).open


def test_a_rude_item_that_is_judged_late_is_told_as_the_first_time() -> None:
    decision = on_verdict(COMMENT, RUDE, opened(None), 3, (), RULE, NOW + HOUR)
    assert alerted(decision) == [("case:3", "medium", 1, "first")]
    assert changed(decision).opening == 1


def test_an_engine_that_fails_between_two_versions_hides_nothing() -> None:
    case = opened(URGENT)
    case = changed(on_person(case, EventKind.DECIDED, "lead", True, NOW))
    case = changed(edited(case, QUESTION))
    case = changed(edited(case, None, after=2 * HOUR))
    decision = edited(case, URGENT, after=3 * HOUR)
    assert changed(decision).second_clock is SecondClock.RUNNING
    assert alerted(decision) == [("case:3", "urgent", 2, "more_severe")]


# Edits


def test_an_edit_keeps_the_deadline() -> None:
    decision = edited(opened(QUESTION), MOAN)
    assert changed(decision).due_at == DUE
    assert decision.notices is None, "the plan stands"


def test_an_edit_that_is_more_severe_is_a_new_opening_and_told_again() -> None:
    decision = edited(opened(RUDE), THREAT)
    assert alerted(decision) == [("case:3", "high", 2, "more_severe")]
    assert changed(decision).due_at == DUE


@pytest.mark.parametrize("verdict", [QUESTION, THANKS, RUDE, THREAT])
def test_an_edit_that_is_not_more_severe_is_not_told_again(verdict: Verdict) -> None:
    decision = edited(opened(THREAT), verdict)
    assert (decision.reason, decision.alerts) == ("unchanged", ())
    assert changed(decision).flag is Flag.OPEN, "what was seen stays to be decided"


def test_an_edit_back_to_the_worse_is_worse_than_what_stood_there_last() -> None:
    case = changed(edited(opened(THREAT), QUESTION))
    assert len(edited(case, RUDE, after=2 * HOUR).alerts) == 1


def test_an_edit_that_is_more_severe_reopens_what_was_answered_with_its_old_deadline() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW))
    decision = edited(case, RUDE)
    assert (changed(decision).answer, changed(decision).due_at) == (Answer.WAITING, DUE)
    assert changed(decision).plan == 2
    assert decision.notices


def test_the_deadline_of_what_is_reopened_too_late_counts_from_now() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW))
    decision = edited(case, RUDE, after=timedelta(days=2))
    assert changed(decision).due_at == NOW + timedelta(days=3)


def test_thanks_that_become_a_question_get_a_deadline_from_the_edit() -> None:
    decision = first(QUESTION, seen(edited_at=NOW + HOUR), at=NOW + HOUR)
    assert changed(decision).due_at == DUE + HOUR
    late = on_verdict(COMMENT, THANKS, opened(None), 3, (), RULE, NOW)
    assert changed(edited(changed(late), QUESTION)).answer is Answer.WAITING


def test_words_that_become_safeguarding_are_told_to_the_lead_at_the_same_severity_too() -> None:
    concern = Verdict(categories=(Category.CONCERN,), severity=Severity.HIGH)
    decision = edited(opened(THREAT), concern)
    assert changed(decision).second_clock is SecondClock.RUNNING
    assert alerted(decision) == [("case:3", "high", 2, "more_severe")]
    assert decision.alerts[0].facts["safeguarding"]


def test_new_words_start_a_second_clock_again_that_the_lead_has_closed() -> None:
    closed = changed(on_person(opened(URGENT), EventKind.DECIDED, "lead", True, NOW))
    assert changed(edited(closed, URGENT)).second_clock is SecondClock.RUNNING
    same_words = on_verdict(COMMENT, URGENT, closed, 3, (), RULE, NOW + HOUR)
    assert changed(same_words).second_clock is SecondClock.CLOSED


def test_what_is_edited_while_it_is_hidden_waits_until_it_is_shown() -> None:
    case = changed(on_state(seen(state=ItemState.HIDDEN), opened(QUESTION), RULE, NOW))
    decision = edited(case, RUDE, state=ItemState.HIDDEN)
    assert (changed(decision).open, decision.alerts) == (False, ())
    shown = on_state(seen(), changed(decision), RULE, NOW + 2 * HOUR)
    assert changed(shown).answer is Answer.WAITING
    assert len(alerted(shown)) == 1


# Replies


def test_a_reply_answers_and_voids_the_plan() -> None:
    decision = on_reply(opened(QUESTION), 9, NOW + HOUR)
    assert changed(decision).answer is Answer.ANSWERED
    assert changed(decision).answered_by == {9}
    assert decision is not None
    assert decision.notices == ()


def test_a_reply_that_the_case_knows_changes_nothing() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW))
    assert on_reply(case, 9, NOW + HOUR) is None
    assert on_reply(opened(RUDE, seen(official=False)), 9, NOW) is None, "nobody waits"


def test_a_reply_that_is_gone_reopens_with_the_old_due_time_if_that_is_still_ahead() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW + HOUR))
    decision = on_reply_gone(case, 9, RULE, NOW + 2 * HOUR)
    after = changed(decision)
    assert (after.answer, after.due_at, after.due_reason) == (Answer.WAITING, DUE, "24_hours")
    assert (after.opening, after.plan) == (2, 2)
    assert decision is not None
    assert decision.notices
    assert decision.alerts == ()


def test_a_reply_that_is_gone_after_the_due_time_counts_from_when_that_was_seen() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW + HOUR))
    saturday = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    after = changed(on_reply_gone(case, 9, RULE, saturday))
    assert (after.due_at, after.due_reason) == (datetime(2026, 11, 23, 17, 0, tzinfo=UTC), "weekend")


def test_a_reply_that_is_gone_reopens_nothing_that_another_still_answers() -> None:
    case = changed(on_reply(changed(on_reply(opened(QUESTION), 9, NOW)), 10, NOW))
    decision = on_reply_gone(case, 9, RULE, NOW + HOUR)
    assert decision is not None
    assert decision.reason == "still_answered"
    assert changed(decision).answer is Answer.ANSWERED
    assert on_reply_gone(changed(decision), 9, RULE, NOW + HOUR) is None


def test_a_reply_from_before_it_got_worse_does_not_answer_it_any_more() -> None:
    case = changed(edited(changed(on_reply(opened(QUESTION), 9, NOW)), RUDE))
    assert on_reply(case, 9, NOW + 2 * HOUR) is None
    case = changed(on_reply(case, 10, NOW + 2 * HOUR))
    after = changed(on_reply_gone(case, 10, RULE, NOW + 3 * HOUR))
    assert after.answer is Answer.WAITING, "the first reply knew nothing of what it became"


def test_a_flag_is_told_again_when_a_reply_that_is_gone_reopens_the_case() -> None:
    case = changed(on_reply(opened(RUDE), 9, NOW))
    decision = on_reply_gone(case, 9, RULE, NOW + HOUR)
    assert alerted(decision) == [("case:3", "medium", 2, "reply_gone")]


def test_replies_that_go_with_a_deleted_item_reopen_nothing() -> None:
    case = changed(on_reply(opened(QUESTION), 9, NOW))
    case = changed(on_state(seen(state=ItemState.DELETED), case, RULE, NOW + HOUR))
    assert case.answer is Answer.ANSWERED
    decision = on_reply_gone(case, 9, RULE, NOW + HOUR)
    assert changed(decision).answer is Answer.WITHDRAWN
    assert not changed(decision).open
    back = on_state(COMMENT, changed(decision), RULE, NOW + 2 * HOUR)
    assert changed(back).answer is Answer.WAITING


# Withdrawn and restored


@pytest.mark.parametrize("state", [ItemState.DELETED, ItemState.HIDDEN, ItemState.HELD])
def test_a_withdrawn_item_waits_for_nobody(state: ItemState) -> None:
    decision = on_state(seen(state=state), opened(RUDE), RULE, NOW + HOUR)
    assert (changed(decision).answer, changed(decision).flag) == (Answer.WITHDRAWN, Flag.WITHDRAWN)
    assert decision is not None
    assert decision.notices == ()
    assert on_state(seen(state=state), changed(decision), RULE, NOW + 2 * HOUR) is None


def test_an_item_that_is_shown_again_waits_again() -> None:
    case = changed(on_state(seen(state=ItemState.HIDDEN), opened(RUDE), RULE, NOW))
    decision = on_state(COMMENT, case, RULE, NOW + HOUR)
    after = changed(decision)
    assert (after.answer, after.flag, after.due_at, after.opening) == (Answer.WAITING, Flag.OPEN, DUE, 2)
    assert alerted(decision) == [("case:3", "medium", 2, "visible_again")]


def test_a_state_that_nobody_knows_counts_as_visible() -> None:
    assert on_state(seen(state=ItemState.UNKNOWN), opened(QUESTION), RULE, NOW) is None


def test_an_item_that_was_answered_while_it_was_hidden_is_answered_when_it_is_shown() -> None:
    case = changed(on_state(seen(state=ItemState.HIDDEN), opened(QUESTION), RULE, NOW))
    case = changed(on_reply(case, 9, NOW + HOUR))
    assert changed(on_state(COMMENT, case, RULE, NOW + 2 * HOUR)).answer is Answer.ANSWERED


# The second clock


def test_no_reply_edit_deletion_or_failure_of_the_engine_stops_the_second_clock() -> None:
    case = opened(URGENT)
    case = changed(on_reply(case, 9, NOW))
    assert case.second_clock is SecondClock.RUNNING
    case = changed(edited(case, THANKS))
    assert case.second_clock is SecondClock.RUNNING
    case = changed(edited(case, None, after=2 * HOUR))
    assert case.second_clock is SecondClock.RUNNING
    case = changed(on_state(seen(state=ItemState.DELETED), case, RULE, NOW + 3 * HOUR))
    assert case.second_clock is SecondClock.RUNNING
    assert case.open


def test_only_the_lead_or_a_deputy_moves_the_second_clock() -> None:
    case = opened(URGENT)
    for action in (EventKind.ACKNOWLEDGED, EventKind.DECIDED):
        with pytest.raises(NotTheirs, match="safeguarding lead"):
            on_person(case, action, "mod", False, NOW)
    case = changed(on_person(case, EventKind.ACKNOWLEDGED, "lead", True, NOW))
    assert case.second_clock is SecondClock.ACKNOWLEDGED
    with pytest.raises(NotTheirs):
        on_person(case, EventKind.DECIDED, "mod", False, NOW)
    assert changed(on_person(case, EventKind.DECIDED, "deputy", True, NOW)).second_clock is SecondClock.CLOSED


def test_a_moderator_may_say_that_an_urgent_case_was_answered_and_its_second_clock_runs_on() -> None:
    case = changed(on_person(opened(URGENT), EventKind.ANSWERED, "mod", False, NOW))
    assert (case.answer, case.second_clock) == (Answer.ANSWERED, SecondClock.RUNNING)


def test_all_mails_of_a_case_with_a_second_clock_are_the_leads_and_none_is_held_back() -> None:
    case = changed(edited(opened(URGENT), QUESTION))
    decision = edited(case, RUDE, after=timedelta(hours=13))
    (alert,) = decision.alerts
    assert alert.facts["safeguarding"]
    assert alert.not_before is None


# Persons


def test_a_person_says_that_a_case_was_answered_and_its_plan_is_void() -> None:
    decision = on_person(opened(QUESTION), EventKind.ANSWERED, "mod", False, NOW)
    assert decision is not None
    assert (decision.reason, decision.notices) == ("answered", ())
    assert decision.events[0].data == {"person": "mod", "by": None}


def test_what_a_person_says_of_a_case_that_waits_for_no_answer_changes_nothing() -> None:
    mention = opened(RUDE, seen(official=False))
    assert on_person(mention, EventKind.ANSWERED, "mod", False, NOW) is None
    assert on_person(mention, EventKind.ACKNOWLEDGED, "mod", False, NOW) is None


def test_a_person_decides_about_a_flag_and_the_answer_still_waits() -> None:
    case = changed(on_person(opened(RUDE), EventKind.DECIDED, "mod", False, NOW))
    assert (case.flag, case.answer) == (Flag.DECIDED, Answer.WAITING)
    assert on_person(case, EventKind.DECIDED, "mod", False, NOW) is None


# Is the mail still wanted?

DUE_KINDS = [AlertKind.REPLY_DUE, AlertKind.DEADLINE_MISSED]


@pytest.mark.parametrize("kind", DUE_KINDS)
def test_a_notice_is_wanted_while_the_case_waits(kind: AlertKind) -> None:
    assert still_wanted(kind, 1, opened(QUESTION), NOW) is None


@pytest.mark.parametrize("kind", DUE_KINDS)
def test_a_notice_is_not_wanted_once_the_case_was_answered_or_withdrawn_or_planned_anew(
    kind: AlertKind,
) -> None:
    case = opened(QUESTION)
    answered = changed(on_reply(case, 9, NOW))
    assert still_wanted(kind, 1, answered, NOW) == "answer_answered"
    gone = changed(on_state(seen(state=ItemState.HIDDEN), case, RULE, NOW))
    assert still_wanted(kind, 1, gone, NOW) == "answer_withdrawn"
    late = changed(on_verdict(COMMENT, THANKS, opened(None), 3, (), RULE, NOW))
    assert still_wanted(kind, 1, late, NOW) == "answer_not_needed"
    again = changed(on_reply_gone(answered, 9, RULE, NOW))
    assert still_wanted(kind, 1, again, NOW) == "replanned"
    assert still_wanted(kind, 2, again, NOW) is None


def test_a_warning_is_not_wanted_once_the_deadline_has_passed_and_the_breach_is() -> None:
    case = opened(QUESTION)
    assert still_wanted(AlertKind.REPLY_DUE, 1, case, DUE - timedelta(microseconds=1)) is None
    assert still_wanted(AlertKind.REPLY_DUE, 1, case, DUE) == "deadline_passed"
    assert still_wanted(AlertKind.DEADLINE_MISSED, 1, case, DUE) is None


def test_a_flag_is_wanted_until_it_is_decided_and_an_urgent_one_even_then() -> None:
    case = opened(RUDE)
    assert still_wanted(AlertKind.FLAGGED, 1, case, NOW) is None
    decided = changed(on_person(case, EventKind.DECIDED, "mod", False, NOW))
    assert still_wanted(AlertKind.FLAGGED, 1, decided, NOW) == "decided"
    closed = changed(on_person(opened(URGENT), EventKind.DECIDED, "lead", True, NOW))
    assert still_wanted(AlertKind.FLAGGED, 1, closed, NOW) is None


def test_what_is_about_no_case_is_always_wanted() -> None:
    for kind in AlertKind:
        assert still_wanted(kind, 1, None, NOW) is None


# Whatever happens

VERDICTS = st.sampled_from([None, QUESTION, THANKS, SPAM, MOAN, RUDE, THREAT, URGENT])
STATES = st.sampled_from(list(ItemState))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), VERDICTS),
        st.tuples(st.just("state"), STATES),
        st.tuples(st.just("reply"), st.integers(1, 3)),
        st.tuples(st.just("gone"), st.integers(1, 3)),
        st.tuples(st.just("person"), st.sampled_from(["answered", "decided", "acknowledged"])),
    ),
    max_size=12,
)


def _step(case: Case, item: Seen, what: str, how: object, now: datetime) -> Decision | None:
    match what:
        case "edit":
            return on_verdict(item, how, case, 3, (), RULE, now)  # type: ignore[arg-type]
        case "state":
            return on_state(item, case, RULE, now)
        case "reply":
            return on_reply(case, how, now)  # type: ignore[arg-type]
        case "gone":
            return on_reply_gone(case, how, RULE, now)  # type: ignore[arg-type]
        case _:
            return on_person(case, EventKind(how), "lead", True, now)


@given(st.booleans(), VERDICTS, STATES, STEPS, st.integers(1, 30))
def test_whatever_happens_a_flag_or_a_deadline_that_is_open_is_told_and_planned_for_its_opening(
    official: bool, verdict: Verdict | None, state: ItemState, steps: list[tuple[str, object]], hours: int
) -> None:
    item, now = seen(official=official, state=state), NOW
    decision: Decision | None = first(verdict, item)
    assert decision is not None
    if decision.case is None:
        return
    case, told, planned, events = Case(), set[int](), 0, []
    for what, how in [("", None), *steps]:
        if what:
            now += timedelta(hours=hours)
            if what == "state":
                item = replace(item, state=how)  # type: ignore[arg-type]
            if what == "edit":
                item = replace(item, edited_at=now)
            decision = _step(case, item, what, how, now)
        if decision is None:
            continue
        events += decision.events
        before, case = case, changed(decision)
        assert fold(events) == case or not decision.events, "the case is the fold of what was written"
        told |= {one.occurrence for one in decision.alerts}
        planned = case.plan if decision.notices else 0 if decision.notices == () else planned
        if case.flag is Flag.OPEN:
            assert case.opening in told, (what, how)
        if case.answer is Answer.WAITING:
            assert planned == case.plan, (what, how)
            assert not case.gone
        else:
            assert not planned, (what, how)
        if before.second_clock is SecondClock.RUNNING and what != "person":
            assert case.second_clock is SecondClock.RUNNING
        if not official:
            assert case.due_at is None, "a watch never gives a deadline"


def test_alerts_name_only_ids_and_codes() -> None:
    alert: Alert = first(URGENT).alerts[0]
    assert dict(alert.facts) == {"case": 3, "safeguarding": True}
