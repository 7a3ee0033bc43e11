"""The register of accounts and the cover of roles (R01, R12, R14), as advice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config import schema
from config.register import REFUSING, advice
from config.schema import School
from config.settings import load

TODAY = date(2026, 11, 20)
EXAMPLE = Path(schema.__file__).parent / "example.toml"


@pytest.fixture(scope="module")
def school() -> School:
    return load(EXAMPLE, {}).schools[0]


def account_with(school: School, **changes: Any) -> School:
    account = school.accounts[0].model_copy(update=changes)
    return school.model_copy(update={"accounts": (account,)})


def person_with(school: School, who: str, **changes: Any) -> School:
    people = tuple(p.model_copy(update=changes) if p.id == who else p for p in school.people)
    return school.model_copy(update={"people": people})


def without(school: School, *who: str) -> School:
    return school.model_copy(update={"people": tuple(p for p in school.people if p.id not in who)})


def codes(school: School, today: date = TODAY) -> set[str]:
    return {item.code for item in advice(school, today)}


def test_the_example_gives_no_advice(school: School) -> None:
    assert advice(school, TODAY) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"staff": ("moderator-one",)}, "too_few_staff"),
        ({"staff": ("moderator-one", "moderator-one")}, "too_few_staff"),
        ({"approved_by": None}, "no_approval"),
        ({"approved_on": None}, "no_approval"),
        ({"approved_on": date(2026, 12, 1)}, "approval_ahead"),
        ({"review_date": date(2026, 11, 19)}, "review_passed"),
        ({"training_done": ("moderator-one",)}, "training_missing"),
        ({"risk_assessment": None, "minimum_age": None}, "register_incomplete"),
    ],
)
def test_what_an_account_lacks_is_named(school: School, changes: dict[str, Any], code: str) -> None:
    found = advice(account_with(school, **changes), TODAY)
    assert [item.code for item in found] == [code]
    assert found[0].account == "school-blog"
    assert found[0].refuses_new is (code in {"too_few_staff", "no_approval"})
    assert '"school-blog"' in found[0].sentence


def test_a_minimum_age_of_none_is_lacking_and_closed_is_not(school: School) -> None:
    assert codes(account_with(school, open=False, minimum_age=0)) == set()


def test_an_approval_without_a_review_date_stands_for_a_year(school: School) -> None:
    leap = account_with(school, approved_on=date(2024, 2, 29), review_date=None)
    assert "approval_lapsed" not in codes(leap, date(2025, 2, 28))
    assert "approval_lapsed" in codes(leap, date(2025, 3, 1))


def test_untrained_staff_are_named(school: School) -> None:
    found = advice(account_with(school, training_done=()), TODAY)
    assert "Change Me One, Change Me Two" in found[0].sentence


def test_the_day_of_the_review_is_not_too_late(school: School) -> None:
    assert codes(account_with(school, review_date=TODAY)) == set()


def test_one_moderator_is_no_cover(school: School) -> None:
    assert codes(without(school, "moderator-two")) == {"too_few_moderators"}


def test_two_moderators_with_one_mailbox_are_no_cover(school: School) -> None:
    found = codes(person_with(school, "moderator-two", email="Moderator.One@school.example"))
    assert found == {"too_few_moderators", "same_address"}


def test_a_shared_mailbox_that_says_so_may_be_shared(school: School) -> None:
    shared = person_with(school, "technician", email="office@school.example", shared_mailbox=True)
    shared = person_with(shared, "governors-chair", email="office@school.example", shared_mailbox=True)
    assert codes(shared) == set()


def test_one_safeguarding_person_is_too_few(school: School) -> None:
    assert codes(without(school, "safeguarding-deputy")) == {"one_safeguarding_person"}


def test_a_head_who_alone_safeguards_is_said(school: School) -> None:
    alone = without(school, "safeguarding-deputy", "safeguarding-lead")
    alone = person_with(alone, "head", roles=("head", "safeguarding_lead"))
    assert codes(alone) == {"one_safeguarding_person", "head_alone_safeguards"}


def test_an_allegation_against_the_head_needs_somebody_else(school: School) -> None:
    assert codes(without(school, "governors-chair")) == {"no_governors_chair"}


def test_a_safeguarding_lead_in_a_shared_mailbox_is_said(school: School) -> None:
    assert codes(person_with(school, "safeguarding-lead", shared_mailbox=True)) == {
        "shared_safeguarding_mailbox"
    }


@pytest.mark.parametrize(("who", "code"), [("head", "no_head"), ("technician", "no_technician")])
def test_a_role_that_nobody_has_is_said(school: School, who: str, code: str) -> None:
    assert codes(without(school, who)) == {code}


def test_a_school_without_accounts_is_told_so(school: School) -> None:
    assert codes(school.model_copy(update={"accounts": ()})) == {"no_accounts"}


def test_only_the_registers_two_rules_refuse_a_new_installation() -> None:
    assert sorted(REFUSING) == ["no_approval", "too_few_staff"]


def test_every_sentence_is_one_sentence(school: School) -> None:
    bare = School.model_validate(
        {"id": "oak", "name": "Oak", "nation": "SCT", "accounts": [{"name": "a", "platform": "feed"}]}
    )
    for item in advice(bare, TODAY):
        assert item.sentence[0].isupper()
        assert item.sentence.endswith(".")
        assert ". " not in item.sentence
