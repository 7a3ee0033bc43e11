"""Names, places, school phrases and harm: what no change of a model, a rule or a threshold may judge wrongly."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from config.schema import Classifier
from monitor.domain.verdict import Category
from tests.regression.sets import (
    ENGINES,
    OAKFIELD,
    excused,
    must_flag,
    must_not_flag,
    wrongly_flagged,
    wrongly_passed,
)

EXAMPLES = Path(__file__).parents[2] / "monitor" / "classifier" / "examples"
HELD_OUT = Path(__file__).parents[1] / "held_out"
ENOUGH = 170
ENOUGH_OF_EACH = 150

by_every_engine = pytest.mark.parametrize(
    "engine", [pytest.param(engine, marks=pytest.mark.xdist_group(engine)) for engine in ENGINES]
)


def said(wrong: dict[str, str]) -> str:
    """Every line that fails, and how: a person must see them all."""
    return "".join(f"\n  {text}\n      {how}" for text, how in wrong.items())


def beyond(engine: str, wrong: dict[str, str]) -> dict[str, str]:
    return {text: how for text, how in wrong.items() if text not in excused(engine)}


@by_every_engine
def test_names_places_and_school_phrases_are_never_flagged(engine: str) -> None:
    wrong = beyond(engine, wrongly_flagged(engine))
    if wrong:
        pytest.fail(f"{engine} flags {len(wrong)} of {len(must_not_flag())}:{said(wrong)}", pytrace=False)


@by_every_engine
def test_what_a_school_must_hear_of_is_always_flagged_for_what_it_is(engine: str) -> None:
    wrong = beyond(engine, wrongly_passed(engine))
    if wrong:
        pytest.fail(f"{engine} misses {len(wrong)} of {len(must_flag())}:{said(wrong)}", pytrace=False)


def test_what_is_asked_is_what_a_school_gets_that_sets_nothing() -> None:
    assert Classifier().engine in ENGINES
    assert Classifier().preset == OAKFIELD.preset


@by_every_engine
def test_an_engine_is_excused_only_from_lines_that_there_are_and_answers_for_enough_others(
    engine: str,
) -> None:
    harmless, harmful = {*must_not_flag()}, {one.text for one in must_flag()}
    assert excused(engine) <= harmless | harmful
    assert min(len(harmless - excused(engine)), len(harmful - excused(engine))) >= ENOUGH_OF_EACH


@by_every_engine
def test_what_an_engine_has_learned_is_no_longer_excused(engine: str) -> None:
    assert excused(engine) <= {*wrongly_flagged(engine), *wrongly_passed(engine)}


def test_both_sets_are_large_and_no_line_stands_twice() -> None:
    harmless, harmful = must_not_flag(), [one.text for one in must_flag()]
    assert min(len(harmless), len(harmful)) >= ENOUGH
    assert len({bare(text) for text in (*harmless, *harmful)}) == len(harmless) + len(harmful)


def test_what_is_wanted_of_a_line_is_a_category_or_one_of_two_words() -> None:
    words = {category.value for category in Category} | {"flagged", "safeguarding"}
    assert {kind for one in must_flag() for kind in one.kinds} <= words


def texts_in(folder: Path) -> list[str]:
    return [
        json.loads(line)["text"]
        for path in folder.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_no_line_was_trained_on() -> None:
    trained = set(map(bare, texts_in(EXAMPLES)))
    assert len(trained) > 3_000
    held_out = texts_in(HELD_OUT)
    assert len(held_out) >= 650
    lines = (*must_not_flag(), *(one.text for one in must_flag()), *held_out)
    assert [text for text in lines if bare(text) in trained] == []


def bare(text: str) -> str:
    """Its letters and digits: what is the same but for capitals and commas is the same."""
    return re.sub(r"[\W_]+", "", text.casefold())
