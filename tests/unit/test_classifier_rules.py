"""Each rule matches what it should and not what it should not, on any input in linear time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from monitor.classifier.people import accusations
from monitor.classifier.personal import personal_data
from monitor.classifier.pupils import named_pupils
from monitor.classifier.rules import Known, Rule, findings, hints, rules, with_rules
from monitor.domain.verdict import Category, Severity, Span, Verdict

_PREFIXES = (
    "my dad ",
    "0",
    "07700 900123 ",
    "  ",
    "12 High ",
    "Jo Bloggs 8F ",
    "8F adhd ",
    "mr x is ",
    "a1 1aa ",
)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_matches_its_own_examples_and_none_of_its_look_alikes(rule: Rule) -> None:
    assert len(rule.should) >= 4
    assert len(rule.should_not) >= 4
    for text in rule.should:
        assert rule.id in {found.rule for found in findings(text)}, text
    for text in rule.should_not:
        assert with_rules(Verdict(), text) == Verdict(), text


@pytest.mark.parametrize("hint", hints(), ids=lambda hint: hint.id)
def test_a_hint_matches_its_own_examples_and_none_of_its_look_alikes(hint: Rule) -> None:
    assert len(hint.should) >= 4
    assert len(hint.should_not) >= 4
    for text in hint.should:
        assert hint.id in {found.rule for found in findings(text, suspected=True)}, text
    for text in hint.should_not:
        assert hint.id not in {found.rule for found in findings(text, suspected=True)}, text


def test_a_hint_counts_only_where_the_engine_half_thinks_so_itself() -> None:
    hint = hints()[0]
    (text, *_) = (text for text in hint.should if not findings(text))
    assert with_rules(Verdict(), text) == Verdict()
    assert hint.category in with_rules(Verdict(), text, suspected=True).categories


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.id for rule in (*rules(), *hints())]
    assert len(names) == len(set(names))


def test_a_rule_is_tried_for_each_of_its_words() -> None:
    for rule in (*rules(), *hints()):
        assert rule.words
        # A sign that is no letter would never be found: the index holds words of letters.
        assert [word for word in rule.words if not word.isalpha() or word != word.lower()] == [], rule.id


def test_a_rule_adds_to_a_verdict_and_shows_the_words() -> None:
    text = "You are all useless, I will come to the school and SMASH YOUR FACE in"
    verdict = with_rules(Verdict(severity=Severity.MEDIUM), text)
    assert verdict.severity is Severity.HIGH
    (span,) = verdict.spans
    assert text[span.start : span.end] == "SMASH YOUR FACE"


def test_a_rule_takes_nothing_away_and_what_is_milder_comes_last() -> None:
    before = Verdict(
        categories=(Category.THREAT,),
        spans=(Span(0, 2, Category.THREAT),),
        severity=Severity.URGENT,
        engine="e 1",
    )
    after = with_rules(before, "im 11")
    assert after.categories == (Category.THREAT, Category.UNDER_13)
    assert after.severity is Severity.URGENT
    assert set(before.spans) < set(after.spans)
    assert after.engine == "e 1"


def test_a_category_that_is_switched_off_is_not_told() -> None:
    assert with_rules(Verdict(), "im 11", off=frozenset({Category.UNDER_13})) == Verdict()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sorry but I w4nt to d1e tonight", "I w4nt to d1e"),
        ("ok so i want  to   die tonight", "i want  to   die"),
        ("ok so i w\u200bant to d\u200bie tonight", "i w\u200bant to d\u200bie"),
        ("honest i want to d.i.e. tonight", "i want to d.i.e"),
    ],
)
def test_a_disguise_hides_nothing_and_the_words_shown_are_those_of_the_text(text: str, shown: str) -> None:
    verdict = with_rules(Verdict(), text)
    assert Category.SELF_HARM in verdict.categories
    assert shown in [text[span.start : span.end] for span in verdict.spans]


@pytest.mark.parametrize(
    "text", ["", " ", "\u0130 \u0130 i want to die", "\ufb01 " * 9 + "i want to die", "😂" * 50]
)
def test_every_span_lies_in_the_text(text: str) -> None:
    for span in with_rules(Verdict(), text).spans:
        assert 0 <= span.start < span.end <= len(text)


def _cost(work: Callable[[str], object], unit: str, size: int) -> float:
    """Seconds of the processor, so that a busy machine does not count; the better of two."""
    text = (unit * (size // len(unit) + 1))[:size]
    taken = []
    for _ in range(2):
        began = time.process_time()
        work(text)
        taken.append(time.process_time() - began)
    return min(taken)


def _is_linear(work: Callable[[str], object], unit: str) -> None:
    # Four times the text is 4 times the work if it is linear and 16 times if it is not: far enough apart for a busy
    # machine, on which twice the text may well seem three times the work.
    quarter, whole = _cost(work, unit, 25_000), _cost(work, unit, 100_000)
    assert whole < 9 * max(quarter, 0.02), (
        f"4 times the text took {whole / quarter:.1f} times as long: {unit!r}"
    )
    assert whole < 10


@pytest.mark.parametrize("rule", [*rules(), *hints()], ids=lambda rule: rule.id)
def test_a_hundred_kilobytes_of_anything_take_a_rule_linear_time(rule: Rule) -> None:
    example = rule.should[0].lower()
    for unit in (example[: len(example) // 2] + " ", " ".join(sorted(rule.words)) + " ", "i "):
        _is_linear(lambda text: list(rule.matches(text)), unit)


@pytest.mark.parametrize(
    "unit",
    [
        "My dad gets so ANGRY when he's drunk, and the teacher said they'd call. It costs £5 at the gate! 😀 ",
        "i know where u live and what ur mum does at night... she is 2 thick to c it, ok?? ",
        "D i e  you  l0ser,  nobody   likes her;  see http://x.example/y  @someone!!!! ",
    ],
)
def test_a_hundred_kilobytes_of_a_text_that_many_rules_are_tried_on_take_linear_time(unit: str) -> None:
    for rule in (*rules(), *hints()):
        list(rule.matches("x"))  # compiled once, before the clock runs
    _is_linear(lambda text: findings(text, suspected=True), unit)


@pytest.mark.parametrize("unit", _PREFIXES)
@pytest.mark.parametrize("search", [personal_data, named_pupils, accusations])
def test_a_hundred_kilobytes_of_anything_take_a_search_linear_time(
    search: Callable[[str, Known], object], unit: str
) -> None:
    known = Known(staff=("Mr X Bloggs",), allowed=("01632 960123",))
    _is_linear(lambda text: list(search(text, known)), unit)  # type: ignore[call-overload]
