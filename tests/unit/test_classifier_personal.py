"""Numbers, addresses and dates of birth: what is found, whose it is, and what is no such thing."""

from __future__ import annotations

import pytest

from monitor.classifier.personal import nhs_number, personal_data, unique_pupil_number
from monitor.classifier.rules import Known
from monitor.domain.verdict import Severity

_UPN = "H801200001001"  # the letter of 801200001001 by the published sum


def _found(text: str, known: Known | None = None) -> list[tuple[str, str, Severity]]:
    seen = personal_data(text, known or Known())
    return [(one.rule, text[one.start : one.end], one.severity) for one in seen]


@pytest.mark.parametrize(
    ("text", "rule", "shown", "severity"),
    [
        ("heres sirs number lads 07700 900654 happy calling", "phone-number", "07700 900654", Severity.HIGH),
        ("ring +44 7700 900654 about Nell", "phone-number", "+44 7700 900654", Severity.MEDIUM),
        ("please ring me on 07700900115", "phone-number", "07700900115", Severity.LOW),
        (
            "email her at jo.bloggs7@mail.example now",
            "mail-address",
            "jo.bloggs7@mail.example",
            Severity.HIGH,
        ),
        ("she lives at 22 Larch Close", "home-address", "lives at 22 Larch Close", Severity.HIGH),
        ("party! 61 Coppice Road, QX7 4LT", "address", "61 Coppice Road, QX7 4LT", Severity.MEDIUM),
        ("Hannah, dob 8.7.14, is off", "date-of-birth", "dob 8.7.14", Severity.HIGH),
        ("he was born on 3rd May 2014", "date-of-birth", "born on 3rd May 2014", Severity.HIGH),
        ("it says 943 476 5919 on the label", "nhs-number", "943 476 5919", Severity.HIGH),
        ("NHS number 943 476 5918", "nhs-number-mistyped", "943 476 5918", Severity.MEDIUM),
        (f"why is {_UPN} not listed", "unique-pupil-number", _UPN, Severity.HIGH),
    ],
)
def test_personal_data_is_found_with_its_own_characters(
    text: str, rule: str, shown: str, severity: Severity
) -> None:
    assert (rule, shown, severity) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tickets £12.50 or 4 for £45.00, doors 18.30 on 12/11/2026",
        "We won 24-3, 17-11 and 105-98! 01101000 01101001",
        "Childline 0800 1111 is free, and the helpline is 0300 123 4567",
        "email admin@netherfield.example or senco@netherfield.example",
        "The address is Hill Top Primary, 1 Chapel Street, Garsdyke JQ4 8PN",
        "postcode for the car park is VR3 2BD",
        "Children born between 1 Sept 2022 and 31 Aug 2023 start in autumn",
        "Shakespeare was born on 26 April 1564",
        "order 943 476 5918 has come, part B123456789012",
    ],
)
def test_prices_scores_dates_and_public_addresses_are_no_personal_data(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "His dad says ring +44 1632 960123",
        "her mail is sam@school.example",
        "he lives near 4 Mill Lane, QX7 4LT",
    ],
)
def test_what_the_school_allows_is_never_a_breach(text: str) -> None:
    assert _found(text)
    assert _found(
        text, Known(allowed=("01632 960123", "school.example", "qx74lt", "4 Mill Lane", "QX7 4LT"))
    ) == [one for one in _found(text) if one[0] == "home-address"]


def test_only_the_right_check_digit_makes_an_nhs_number() -> None:
    assert nhs_number("9434765919")
    assert [digit for digit in "0123456789" if nhs_number(f"943476591{digit}")] == ["9"]
    assert not nhs_number("943476591")
    assert not nhs_number("0000000000")


def test_only_the_right_check_letter_makes_a_pupil_number() -> None:
    letters = [letter for letter in "ABCDEFGHJKLMNPQRTUVWXYZ" if unique_pupil_number(f"{letter}{_UPN[1:]}")]
    assert letters == [_UPN[0]]
    temporary = [
        letter for letter in "ABCDEFGHJKLMNPQRTUVWXYZ" if unique_pupil_number(f"{letter}80120000100A")
    ]
    assert len(temporary) == 1
    assert not unique_pupil_number("H80120000100")
    assert not unique_pupil_number("H80120000100I")
