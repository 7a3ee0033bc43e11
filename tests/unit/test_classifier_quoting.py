"""Who quotes a rude word, or speaks against it, is told from who uses it."""

from __future__ import annotations

import json
import time
import timeit
from pathlib import Path

import pytest

from monitor.classifier import quoting
from monitor.classifier.quoting import LOWERED, against, lowered
from monitor.domain.verdict import Category, Severity

EXAMPLES = Path(quoting.__file__).parent / "examples"


@pytest.mark.parametrize(
    "text",
    [
        'Someone wrote "go home you muppets" under the video',
        "Somebody called my daughter a fat pig on the 47 bus",
        "He called my son a little rat and nobody did a thing",
        "My lad's been called a spaz twice this week",
        "I was called a cripple in front of my kids",
        "it is not OK to call people retards",
        "It’s never ok to say that word to anyone",
        "Calling kids that is disgusting",
        "please don't call people that in here",
        "Report anyone who says it, we did",
        "the word you used is a slur",
        "Please can an admin take this comment down",
        "whoever sprayed that on the wall, shame",
        "somebody said the n-word in my class",
    ],
)
def test_quoting_and_counter_speech_are_recognised(text: str) -> None:
    assert against(text)


@pytest.mark.parametrize(
    "text",
    [
        "you are a fat pig",
        "your daughter is a fat pig",
        "everyone calls him the fat pig",
        "I call you what you are, a rat",
        "someone wrote that the head is useless and they are right",
        "it's ok to call them rats",
        "He called my son a rat, you are a bunch of rats yourselves",
        "stop calling me, idiots",
        "they called off the match, the clowns",
        "the word is that he is a clown",
        "Someone should take you down, you maggot",
    ],
)
def test_an_insult_is_no_counter_speech(text: str) -> None:
    assert not against(text)


def test_at_most_one_harmful_line_in_a_hundred_is_taken_for_counter_speech() -> None:
    rude = {"insult", "identity_attack"}
    rows = [
        json.loads(line)
        for path in EXAMPLES.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    harmful = [row["text"] for row in rows if row["harm"] and row["category"] in rude]
    assert len(harmful) > 500
    assert sum(map(against, harmful)) <= len(harmful) // 100


@pytest.mark.parametrize("category", LOWERED)
def test_a_rude_word_weighs_one_severity_less(category: Category) -> None:
    assert lowered(Severity.HIGH, category) is Severity.MEDIUM
    assert lowered(Severity.MEDIUM, category) is Severity.LOW
    assert lowered(Severity.NONE, category) is Severity.NONE


def test_what_is_urgent_or_of_another_category_is_never_lowered() -> None:
    for category in Category:
        assert lowered(Severity.URGENT, category) is Severity.URGENT
        if category not in {"insult", "obscene", "toxicity", "identity_attack"}:
            assert lowered(Severity.HIGH, category) is Severity.HIGH


@pytest.mark.parametrize(
    "word",
    [
        "someone ",
        "calling people ",
        'he wrote "',
        "please can ",
        "my son was ",
        "a group of ",
        "x",
        "'",
        "you are ",
    ],
)
def test_a_hundred_kilobytes_of_anything_take_linear_time(word: str) -> None:
    def seconds(size: int) -> float:
        text = (word * (size // len(word) + 1))[:size]
        return min(timeit.repeat(lambda: against(text), timer=time.thread_time, number=1, repeat=2))

    seconds(1_000)
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.002), "ten times the text, about ten times the time"
