"""Personal data that a pattern and a check digit can know: numbers, addresses, dates of birth.

A number or an address alone says little; the words before it say whose it is. Another person's is a breach (high),
one of which nobody knows whose it is should be looked at (medium), one's own or a public one is only noted (low).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from monitor.classifier.finding import Finding
from monitor.classifier.known import NOTHING, Known
from monitor.classifier.late import Late
from monitor.classifier.wordlists import any_of, words
from monitor.domain.verdict import Category, Severity

MOST = 20
"""Of each kind so many are shown: a leaked list of a thousand numbers is one leak."""

_BEFORE = 60  # characters in which the words before a number or an address are read
_AFTER = 40

_SOMETHING = re.compile(r"[\d@]|\b(?:lives?|living|livin|moved|staying|stays?)\b", re.IGNORECASE)
_PHONE = Late(r"(?<![\w£$€#/.@-])(?:\+|\(?0)[\d(](?:[ ().-]{0,2}\d){8,13}(?![\w@]|[./-]\d)")
_MAIL = Late(r"(?<![\w.+@/-])[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{2,24}){1,4}(?![\w@])", re.IGNORECASE)
_POSTCODE = Late(r"\b[a-z]{1,2}\d[a-z\d]? ?\d[abd-hjlnp-uw-z]{2}\b", re.IGNORECASE)
_STREET_WORDS = "|".join(words("streets"))
_STREET = (
    rf"(?:flat |number |no\.? ?|at )?\d{{1,4}}[a-d]?,? (?:[a-z][\w'-]{{1,14}} ){{1,3}}(?:{_STREET_WORDS})\b"
)
_HOUSE = Late(rf"\b{_STREET}", re.IGNORECASE)
_HOUSE_WRITTEN = Late(
    rf"(?<![\d£.:/-])\b\d{{1,4}}[a-d]? (?:[A-Z][\w'-]{{1,14}} ){{1,2}}(?:{_STREET_WORDS})\b"
)
_LIVES = Late(
    r"\b(?:lives?|living|livin|house is|home is|stays?|staying|moved (?:them |him |her )?(?:in)?to|"
    r"address(?: is|:)?|find (?:him|her|them) at|foster care with \w{2,12}|he'?s at|she'?s at|they'?re at|hes at|"
    r"shes at|born at|it says|come see us at)\b"
    rf".{{0,30}}?\b(?:{_STREET}|(?:on|at|in|above \w{{2,4}} \w{{2,12}} on) (?:\d{{1,4}}[a-d]? )?"
    rf"(?:[A-Z][\w'-]{{1,14}} ){{1,3}}(?i:{_STREET_WORDS})\b)"
)
_NUMBER_33_4 = Late(r"(?<![\d+.,/-])\d{3}[ -]\d{3}[ -]\d{4}(?![\d/-]|\.\d)|(?<!\d)\d{10}(?!\d)")
_NAMED_NHS = Late(r"\bnhs (?:no\b|num)", re.IGNORECASE)
_NAMED_UPN = Late(r"\bupn\b", re.IGNORECASE)
_UPN = Late(r"(?<![a-z0-9])[a-hj-np-rt-z]\d{11}[0-9a-hj-np-rt-z](?![a-z0-9])", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)?\d\d|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?:19[3-9]|20[0-4])\d)"
)
_BORN = Late(
    r"\b(?:born|dob|d\.o\.b|date of birth|birth ?date|birthday)\b"
    rf"[^a-z\d]{{0,3}}(?:(?:is|was|on|the|in)[^a-z\d]{{1,3}}){{0,2}}{_DATE}(?!\d)",
    re.IGNORECASE,
)
_LISTED = Late(rf"\b[A-Z][\w'-]{{1,14}} (?:[A-Z] )?[A-Z][\w'-]{{1,14}},? {_DATE}(?!\d)")

_OTHERS = any_of("number_of_others")
_OWN = any_of("number_own")
_PUBLIC = any_of("number_public")
_CALL_ME = Late(
    r"\b(?:call|ring|text|phone|message|msg|contact|email|e-mail|whats ?app|dm|bell) (?:me|us)\b",
    re.IGNORECASE,
)
_FICTION = any_of("address_fiction")
_HOMELY = any_of("address_home")
_A_PLACE = any_of("address_public")
_ROLES = Late(rf"(?:{'|'.join(words('mail_roles'))})\w{{0,12}}", re.IGNORECASE)

_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_NHS_LENGTH = 10
_PUBLIC_KINDS = ("TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "UAN", "PAGER", "VOICEMAIL")


def personal_data(text: str, known: Known = NOTHING) -> Iterator[Finding]:
    """Everything of the kind in the text; ranges count its characters. What the school allows is left out."""
    if _SOMETHING.search(text) is None:
        return
    for kind in (_nhs, _upn, _births, _phones, _mails, _addresses):
        yield from islice(kind(text, known), MOST)


def nhs_number(digits: str) -> bool:
    """Is this a whole NHS number: ten digits, the last the check digit (weights 10 to 2, modulo 11)?"""
    if len(digits) != _NHS_LENGTH or not digits.isdecimal() or len(set(digits)) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[-1])


def unique_pupil_number(upn: str) -> bool:
    """Is this a whole UPN: a check letter, eleven digits, and a digit, or in a temporary one a letter?

    The letter is the sum of the twelve signs, weighted 2 to 13, modulo 23; a last letter counts its place.
    """
    body = upn[1:].upper()
    if len(body) != 12 or not body[:11].isdecimal():
        return False
    values = [_UPN_LETTERS.find(sign) if sign.isalpha() else int(sign) for sign in body]
    total = sum(value * weight for value, weight in zip(values, range(2, 14), strict=True))
    return min(values) >= 0 and _UPN_LETTERS[total % 23] == upn[0].upper()


def _nhs(text: str, _: Known) -> Iterator[Finding]:
    for found in _NUMBER_33_4.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        told = "nhs" in _around(text, found).lower()
        # One run of ten digits in eleven passes the check by chance: without spaces it has to be named.
        if nhs_number(digits) and (told or not found[0].isdecimal()) and not digits.startswith("0"):
            yield _finding("nhs-number", Severity.HIGH, found)
        elif (
            told
            and len(digits) == _NHS_LENGTH
            and _NAMED_NHS.search(text, max(0, found.start() - _AFTER), found.start())
        ):
            # The writer says what it is: mistyped or not, somebody's number was meant to stand here.
            yield _finding("nhs-number-mistyped", Severity.MEDIUM, found)


def _upn(text: str, _: Known) -> Iterator[Finding]:
    for found in _UPN.finditer(text):
        if unique_pupil_number(found[0]):
            yield _finding("unique-pupil-number", Severity.HIGH, found)
        elif _NAMED_UPN.search(text, max(0, found.start() - _AFTER), found.start()):
            yield _finding("unique-pupil-number-mistyped", Severity.MEDIUM, found)


def _births(text: str, _: Known) -> Iterator[Finding]:
    for found in _BORN.finditer(text):
        yield _finding("date-of-birth", Severity.HIGH, found)
    listed = list(islice(_LISTED.finditer(text), MOST))
    if len(listed) > 1:  # one may be an event; names with dates in a row are a register
        for found in listed:
            yield _finding("dates-of-birth-listed", Severity.HIGH, found)


def _phones(text: str, known: Known) -> Iterator[Finding]:
    for found in _PHONE.finditer(text):
        if known.allows_number(found[0]) or not _is_personal_number(found[0]):
            continue
        yield _finding(
            "phone-number", _whose(text, found), found, _PUBLIC.search(_around(text, found)) is not None
        )


def _is_personal_number(written: str) -> bool:
    # Loaded only when a text holds something like a number: it takes longer to load than the whole engine.
    import phonenumbers

    try:
        number = phonenumbers.parse(written, "GB")
    except phonenumbers.NumberParseException:
        return False
    if not phonenumbers.is_possible_number(number):
        return False
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    if kind in _PUBLIC_KINDS:
        return False
    # Ranges that are not given out yet (and those for films) are possible, not valid: in Britain that is enough.
    return number.country_code == 44 or phonenumbers.is_valid_number(number)


def _mails(text: str, known: Known) -> Iterator[Finding]:
    for found in _MAIL.finditer(text):
        name = found[0].partition("@")[0]
        if not known.allows_mail(found[0]) and not _ROLES.fullmatch(name):
            yield _finding("mail-address", _whose(text, found), found)


def _addresses(text: str, known: Known) -> Iterator[Finding]:
    told: list[tuple[int, int]] = []
    for found in _LIVES.finditer(text):
        if not (_A_PLACE.search(found[0]) or _FICTION.search(_around(text, found))) and not re.match(
            r"(?i)\W*\b(?:i|we)\b", text[max(0, found.start() - 3) :]
        ):
            told.append(found.span())
            yield _finding("home-address", Severity.HIGH, found)
    for found in _POSTCODE.finditer(text):
        start = max(0, found.start() - _BEFORE)
        house = _HOUSE.search(text[start : found.end()])
        here = (start + house.start() if house else 0, found.end())
        if (
            house
            and not known.allows(found[0])
            and not _A_PLACE.search(text[max(0, here[0] - _AFTER) : here[1]])
        ):
            yield Finding("address", Category.DATA_BREACH, Severity.MEDIUM, *here)
            told.append(here)
    for found in _HOUSE_WRITTEN.finditer(text):
        before = text[max(0, found.start() - _BEFORE) : found.start()]
        near = _around(text, found)
        if any(start <= found.start() < end for start, end in told) or known.allows(found[0]):
            continue
        if _HOMELY.search(before) and not _A_PLACE.search(near) and not _FICTION.search(near):
            yield _finding("house-and-street", Severity.MEDIUM, found)


def _whose(text: str, found: re.Match[str]) -> Severity:
    """How bad it is to see this number or address here, by the words before it, the nearest first."""
    before = text[max(0, found.start() - _BEFORE) : found.start()]
    if _CALL_ME.search(before):
        return Severity.LOW
    own = _last(_OWN, before)
    others = _last(_OTHERS, before)
    public = _last(_PUBLIC, before)
    if max(own, others, public) < 0:
        return Severity.MEDIUM
    if others > max(own, public):
        return Severity.HIGH
    return Severity.LOW if others < 0 else Severity.MEDIUM


def _last(pattern: Late, text: str) -> int:
    return max((found.start() for found in pattern.finditer(text)), default=-1)


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - _BEFORE) : found.end() + _AFTER]


def _finding(rule: str, severity: Severity, found: re.Match[str], public: bool = False) -> Finding:
    worst = Severity.LOW if public and severity < Severity.HIGH else severity
    return Finding(rule, Category.DATA_BREACH, worst, found.start(), found.end())
