"""A child named with a private matter, and staff named with an accusation."""

from __future__ import annotations

import pytest

from monitor.classifier.people import accusations
from monitor.classifier.pupils import named_pupils
from monitor.classifier.rules import Known, with_rules
from monitor.domain.verdict import Category, Severity, Verdict

_STAFF = Known(staff=("Mrs Anne Example", "Mr Hobday"), allowed=("Rosie Tranter",))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Poor Nell Tranter in 3H had another seizure today", "Nell Tranter in 3H had another seizure"),
        (
            "So Tyrell Beckford 9M has been permanently excluded then",
            "Tyrell Beckford 9M has been permanently excluded",
        ),
        ("jayden mccrory yr9 is diabetic", "jayden mccrory yr9 is diabetic"),
        (
            "Callum Oyelaran in Mrs Bell's class has a social worker",
            "Callum Oyelaran in Mrs Bell's class has a social worker",
        ),
        (
            "Grace Tomlin has been put on a child protection plan",
            "Grace Tomlin has been put on a child protection plan",
        ),
    ],
)
def test_a_child_with_class_and_private_matter_is_a_breach(text: str, shown: str) -> None:
    assert [text[one.start : one.end] for one in named_pupils(text)] == [shown]
    assert with_rules(Verdict(), text).severity is Severity.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "Well done Ella Rowntree 8F for the goal of the season",
        "Ella Rowntree in 8F has raised £200 for cancer research",
        "Year 4 had a talk about epilepsy on Monday Morning",
        "My son in 3H has autism and you have been brilliant",
        "Tracy Beaker is in foster care, says the book Year 5 are reading",
    ],
)
def test_praise_and_good_causes_are_none(text: str) -> None:
    assert list(named_pupils(text)) == []


def test_a_name_that_the_school_allows_is_none() -> None:
    text = "Rosie Tranter in 3H has epilepsy and wrote our assembly"
    assert list(named_pupils("Rosie Tranter in 3H has epilepsy"))
    assert list(named_pupils(text, _STAFF)) == []


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Mrs Example stole the trip money", Category.ALLEGATION),
        ("everyone knows anne example turned up drunk again", Category.ALLEGATION),
        ("Mr Hobday is useless and should be sacked", Category.BULLYING),
        ("what a pathetic clown mr hobday is", Category.BULLYING),
    ],
)
def test_staff_on_the_list_are_named_with_what_is_said_of_them(text: str, category: Category) -> None:
    (found,) = accusations(text, _STAFF)
    assert found.category is category
    assert found.severity >= Severity.MEDIUM


@pytest.mark.parametrize(
    "text",
    [
        "Mrs Example is the best teacher ever",
        "Mr Hobday was a brilliant Fat Controller in the panto",
        "I was useless at maths. Mr Hobday helped me pass",
        "Mrs Example hates it when the bell goes",
        "An example: he is a thief in the story",
    ],
)
def test_praise_theatre_and_other_sentences_accuse_nobody(text: str) -> None:
    assert list(accusations(text, _STAFF)) == []


def test_without_a_list_only_the_gravest_is_told() -> None:
    assert [one.rule for one in accusations("Mr Lowe hit a child in PE")] == ["staff-accused"]
    assert list(accusations("Mr Lowe is useless")) == []
