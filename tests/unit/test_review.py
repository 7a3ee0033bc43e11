"""What people decided about words: what it covers, what it never touches, and the thresholds that it speaks for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.classifier.standard import ALWAYS_ON
from monitor.domain.case import Case, Event, EventKind, Flag, SecondClock, fold
from monitor.domain.decide import NotTheirs
from monitor.domain.precision import ENOUGH, CategoryPrecision, Decided, precisions
from monitor.domain.review import NEVER_REMEMBERED, covers, heeded, on_review
from monitor.domain.verdict import SAFEGUARDING, Category, Severity, Verdict

NOW = datetime(2026, 11, 17, 10, tzinfo=UTC)
INSULT, OBSCENE, QUERY, THREAT = Category.INSULT, Category.OBSCENE, Category.QUERY, Category.THREAT


def verdict(severity: Severity, *categories: Category) -> Verdict:
    return Verdict(severity=severity, categories=categories)


def flagged(*, safeguarding: bool = False) -> Case:
    judged = {"severity": "medium", "safeguarding": safeguarding, "categories": ["insult"]}
    return fold(
        [
            Event(EventKind.OPENED, NOW, {"item": 5, "number": 3, "cold": False}),
            Event(EventKind.JUDGED, NOW, judged),
        ]
    )


def test_words_that_a_person_called_a_false_alarm_are_lowered_and_say_so() -> None:
    before = verdict(Severity.HIGH, INSULT, QUERY)
    after = heeded(before, covers(Severity.MEDIUM, (INSULT, QUERY)))
    assert (after.severity, after.flagged) == (Severity.LOW, False)
    assert after.dismissed == after.categories == before.categories


def test_a_category_that_is_new_keeps_everything_as_it_is() -> None:
    before = verdict(Severity.HIGH, INSULT, OBSCENE)
    assert heeded(before, covers(Severity.MEDIUM, (INSULT,))) == before


@pytest.mark.parametrize("category", sorted(NEVER_REMEMBERED))
def test_safeguarding_and_threats_are_told_each_time(category: Category) -> None:
    for severity in (Severity.LOW, Severity.MEDIUM, Severity.HIGH):
        before = verdict(severity, INSULT, category)
        assert heeded(before, covers(severity, before.categories)) == before
        assert heeded(before, before.categories) == before, "not even where a row should claim to cover it"
        assert category not in covers(severity, before.categories)


def test_what_is_never_remembered_is_what_no_school_can_switch_off() -> None:
    assert NEVER_REMEMBERED == ALWAYS_ON
    assert SAFEGUARDING < NEVER_REMEMBERED


def test_nothing_urgent_is_lowered_and_no_decision_about_something_urgent_is_remembered() -> None:
    before = verdict(Severity.URGENT, Category.WEAPON)
    assert heeded(before, frozenset({Category.WEAPON})) == before
    assert covers(Severity.URGENT, (Category.WEAPON,)) == frozenset()


def test_what_was_not_flagged_stays_as_it_was() -> None:
    before = verdict(Severity.LOW, QUERY)
    assert heeded(before, frozenset({QUERY})) == before


def test_a_false_alarm_closes_the_flag_and_a_right_one_leaves_it_open() -> None:
    decision = on_review(flagged(), rightly=False, version=7, person="mod", leads=False, now=NOW)
    assert [event.kind for event in decision.events] == [EventKind.REVIEWED, EventKind.DECIDED]
    assert decision.case is not None
    assert decision.case.flag is Flag.DECIDED
    decision = on_review(flagged(), rightly=True, version=7, person="mod", leads=False, now=NOW)
    assert [event.kind for event in decision.events] == [EventKind.REVIEWED]
    assert decision.case == flagged()


def test_a_case_that_was_closed_before_can_still_be_called_a_false_alarm() -> None:
    closed = fold([Event(EventKind.DECIDED, NOW, {"person": "mod", "by": None})], flagged())
    decision = on_review(closed, rightly=False, version=7, person="mod", leads=False, now=NOW)
    assert [event.kind for event in decision.events] == [EventKind.REVIEWED]
    assert decision.case == closed


@pytest.mark.parametrize("rightly", [True, False])
def test_only_the_lead_decides_about_a_case_with_a_second_clock(rightly: bool) -> None:
    case = flagged(safeguarding=True)
    with pytest.raises(NotTheirs):
        on_review(case, rightly=rightly, version=7, person="mod", leads=False, now=NOW)
    after = on_review(case, rightly=rightly, version=7, person="lead", leads=True, now=NOW).case
    assert after is not None
    assert after.second_clock is (SecondClock.RUNNING if rightly else SecondClock.CLOSED)


def test_what_is_remembered_of_a_decision_holds_ids_only() -> None:
    decision = on_review(flagged(), rightly=True, version=7, person="mod", leads=False, now=NOW)
    assert dict(decision.events[0].data) == {"person": "mod", "rightly": True, "version": 7}


# Precision, and the thresholds that it speaks for


def decided(
    *pairs: tuple[float, bool], category: Category = INSULT, engine: str = "embedded 1"
) -> list[Decided]:
    return [Decided(right, (category,), {category.value: score}, engine) for score, right in pairs]


def only(
    those: list[Decided], threshold: float | None = 0.5, category: Category = INSULT
) -> CategoryPrecision:
    (found,) = precisions(those, "embedded", {} if threshold is None else {category: threshold})
    return found


RISING = [(0.5, False), (0.55, False), (0.6, False), (0.65, False), (0.7, False), (0.75, True)]
RISING += [(0.8, False), (0.85, True), (0.9, True), (0.95, True)]


def test_the_suggested_threshold_is_the_smallest_score_from_which_half_is_right() -> None:
    found = only(decided(*RISING))
    assert (found.decided, found.right, found.share) == (10, 4, 0.4)
    assert (found.suggested, found.reason) == (0.6, None), "four of the eight from 0.6 on are right"


def test_decisions_at_the_same_score_count_together() -> None:
    found = only(decided(*[(0.6, False)] * 7, *[(0.6, True)] * 2, (0.9, True)))
    assert found.suggested == 0.9


def test_a_category_that_is_right_often_enough_keeps_its_threshold() -> None:
    assert only(decided(*[(0.6, True), (0.7, False)] * 5)).suggested == 0.5


def test_fewer_than_ten_decisions_suggest_nothing() -> None:
    found = only(decided(*RISING[: ENOUGH - 1]))
    assert (found.decided, found.suggested, found.reason) == (9, None, "too_few")


def test_a_category_that_was_never_right_says_so() -> None:
    assert only(decided(*[(0.9, False)] * 12)).reason == "never_right"


def test_what_a_rule_found_and_what_another_engine_scored_say_nothing_about_the_threshold() -> None:
    rules = decided(*[(0.1, True)] * 12)
    others = decided(*[(0.9, True)] * 12, engine="embedded-small 1")
    found = only(rules + others)
    assert (found.decided, found.right, found.scored, found.reason) == (24, 24, 0, "too_few")
    assert only(rules, threshold=None).reason == "rules_only"


def test_nothing_is_suggested_for_what_is_always_told() -> None:
    assert only(decided(*RISING, category=THREAT), category=THREAT).reason == "always_told"


def test_a_text_of_two_categories_counts_for_both_and_the_most_frequent_comes_first() -> None:
    both = Decided(True, (OBSCENE, INSULT), {"obscene": 0.9, "insult": 0.9}, "embedded 1")
    found = precisions([both, *decided((0.9, False))], "embedded", {INSULT: 0.5, OBSCENE: 0.5})
    assert [(one.category, one.decided, one.right) for one in found] == [(INSULT, 2, 1), (OBSCENE, 1, 1)]
