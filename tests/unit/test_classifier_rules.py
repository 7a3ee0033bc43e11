"""Each rule matches what it should and not what it should not, on any input in linear time."""

from __future__ import annotations

import time

import pytest

from monitor.classifier.rules import Rule, rules, with_rules
from monitor.domain.verdict import Severity, Verdict


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_rule_matches_its_own_examples_and_none_of_its_look_alikes(rule: Rule) -> None:
    for text in rule.should:
        assert rule.pattern.search(text.lower()), text
    for text in rule.should_not:
        assert with_rules(Verdict(), text) == Verdict(), text


def test_a_rule_adds_to_a_verdict_and_shows_the_words() -> None:
    text = "You are all useless, I will come to the school and SMASH YOUR FACE in"
    verdict = with_rules(Verdict(severity=Severity.MEDIUM), text)
    assert verdict.severity is Severity.HIGH
    (span,) = verdict.spans
    assert text[span.start : span.end] == "SMASH YOUR FACE"


@pytest.mark.parametrize("word", ["smash your ", "will ", "break that a's ", "x", "going to going to "])
def test_a_hundred_kilobytes_of_anything_take_linear_time(word: str) -> None:
    def seconds(size: int) -> float:
        text = (word * (size // len(word) + 1))[:size]
        began = time.perf_counter()
        with_rules(Verdict(), text)
        return time.perf_counter() - began

    seconds(1_000)
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.002), "ten times the text, about ten times the time"
