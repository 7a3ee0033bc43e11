"""Names that are no insult are out of an engine's sight; a word that is one stays."""

from __future__ import annotations

import time
import timeit

import pytest

from monitor.classifier.allowed import POLITE, shipped, views
from monitor.domain.verdict import SAFEGUARDING, Category

OWN = ("Grabham", "Cock Alley", "01632 960123", "office@oak.example", "elm.example")

PLACES_AND_NAMES = [
    "Scunthorpe",
    "Penistone",
    "Cockermouth",
    "Clitheroe",
    "Frome",
    "Killamarsh",
    "Shital",
    "Nishit",
    "Middlesex",
    "Titchmarsh",
]


def unchanged(text: str, allowed: tuple[str, ...] = ()) -> bool:
    found = views(text, allowed)
    return found.plain == text == found.polite


@pytest.mark.parametrize("name", PLACES_AND_NAMES)
def test_a_name_that_means_nothing_else_is_hidden_from_every_category(name: str) -> None:
    for text in (f"A lovely day in {name}!", f"{name.upper()} WON", f"#{name}", f"{name}'s library"):
        found = views(text)
        assert name.casefold() not in found.plain.casefold()
        assert found.polite == found.plain
        assert len(found.plain) == len(text)


def test_without_its_capital_such_a_name_is_hidden_from_what_is_rude_alone() -> None:
    found = views("off to scunthorpe")
    assert found.plain == "off to scunthorpe"
    assert "scunthorpe" not in found.polite


@pytest.mark.parametrize(
    "text",
    [
        "Mr Dick was brilliant",
        "mr dick was brilliant",
        "Thank you Dr. Hoare",
        "Miss Cock reads to them",
        "Alan Slaughter scored twice",
        "Dick Turner drove the minibus",
        "well done Gaylord Smith and all",
        "With thanks to Fanny Adeyemi from the kitchen",
        "Sandy Balls was shut",
    ],
)
def test_a_word_that_can_be_an_insult_is_a_name_where_it_is_written_as_one(text: str) -> None:
    found = views(text)
    assert found.plain == text
    assert found.polite != text
    assert len(found.polite) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "what a dick",
        "What a Dick",
        "You Dick",
        "You Dick Head",
        "Mr Dick Head strikes again",
        "YOU DICK TURNER",
        "What A Dick Turner Is",
        "Complete Muppet Dick Turner Go Home",
        "such a Dick Mate",
        "you absolute Gaylord Smith",
        "i miss dick",
        "Dick, you are useless",
        "he is Slaughter material",
        "I will slaughter the lot of you",
        "Will Slaughter you",
        "sandy balls",
    ],
)
def test_a_word_that_may_be_meant_as_an_insult_is_left_as_it_is(text: str) -> None:
    assert unchanged(text)


@pytest.mark.parametrize(
    ("text", "polite"),
    [
        ("Grabham is shut", "Lincoln is shut"),
        ("GRABHAM is shut", "LINCOLN is shut"),
        ("ask mrs grabham", "ask mrs lincoln"),
        ("cock alley is shut", "york derby is shut"),
        ("ring 01632 960123", "ring Huddersfield"),
        ("ring +44 1632 960 123 now", "ring Northumberland J now"),
        ("write to Office@Oak.example.", "write to Northumberland Ely."),
        ("head@elm.example", "northumberland j"),
    ],
)
def test_what_the_school_allows_is_hidden_from_what_is_rude_alone(text: str, polite: str) -> None:
    found = views(text, OWN)
    assert (found.plain, found.polite) == (text, polite)
    assert unchanged(text)


@pytest.mark.parametrize(
    "text",
    [
        "grabham it",
        "Cock and bull",
        "alley cats, Cock",
        "ring 01632 960124",
        "head@ash.example",
        "901632 9601234",
    ],
)
def test_what_only_looks_like_it_is_not_hidden(text: str) -> None:
    assert unchanged(text, OWN)


def test_a_school_that_allows_an_insult_allows_it_as_a_name_alone() -> None:
    assert unchanged("you Dick", ("Dick",))
    assert unchanged("Dick is a Hooker", ("Dick",))
    assert not unchanged("Mr Dick is ill", ("Dick",))


def test_no_list_can_hide_safeguarding_or_a_threat() -> None:
    assert POLITE.isdisjoint(SAFEGUARDING | {Category.THREAT, Category.WEAPON, Category.BULLYING})
    text = "Kill Mr Slaughter and Stab Grabham"
    assert views(text, ("Kill", "Stab", "Slaughter", "Grabham")).plain == text


def test_a_text_without_any_name_is_the_same_string() -> None:
    text = "What time does the gate open?"
    found = views(text, OWN)
    assert found.plain is text
    assert found.polite is text


@pytest.mark.parametrize("length", [*range(1, 80)])
def test_whatever_is_hidden_keeps_its_length(length: int) -> None:
    name = "Z" + "q" * (length - 1)
    text = f"see Mr {name} there"
    assert len(views(text, (name,)).polite) == len(text)


def test_the_shipped_list_is_long_and_says_each_name_once() -> None:
    ours = shipped()
    names = len(ours.anywhere.words) + len(ours.written.words) + len(ours.anywhere.phrases)
    assert names >= 200
    assert ours.anywhere.words.isdisjoint(ours.written.words)


@pytest.mark.parametrize(
    "word",
    [
        "Dick ",
        "Scunthorpe",
        "a",
        "Dick Turner ",
        "0",
        "+44 ",
        "01632 960123 ",
        "a@",
        "x@a.",
        "Mr ",
        "é\u0301",
    ],
)
def test_a_hundred_kilobytes_of_anything_take_linear_time(word: str) -> None:
    def seconds(size: int) -> float:
        text = (word * (size // len(word) + 1))[:size]
        return min(timeit.repeat(lambda: views(text, OWN), timer=time.thread_time, number=1, repeat=2))

    seconds(1_000)
    assert seconds(100_000) < 40 * max(seconds(10_000), 0.002), "ten times the text, about ten times the time"
