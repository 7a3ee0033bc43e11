"""What the register of accounts (R01) and the rota of roles lack, as sentences. Pure: settings and a date in.

Only two things refuse a new installation: an account with fewer than two named staff, or without approval. On a
running one nothing refuses, for a child is better protected by a watch with a gap in its paperwork than by none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from config.schema import Account, Person, Role, School

REFUSING: Final = frozenset({"too_few_staff", "no_approval"})
"""Codes of advice on which a new installation is not started."""

_REGISTER: Final = {
    "aim": "its aim",
    "audience": "its audience",
    "promoted": "how it is promoted",
    "open": "whether it is open",
    "risk_assessment": "its risk assessment",
    "consent": "how consent is had",
    "exit_plan": "its exit plan",
    "minimum_age": "its minimum age",
    "review_date": "its review date",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to put right. `account` is the account's name, or None where it concerns the school.

    `code` is stable, `sentence` for people; `refuses_new`: a new installation does not start with it.
    """

    code: str
    sentence: str
    account: str | None = None

    @property
    def refuses_new(self) -> bool:
        """Does a new installation not start with it? A running one always goes on."""
        return self.code in REFUSING


def advice(school: School, today: date) -> tuple[Advice, ...]:
    """All that is lacking in one school on a day of its own calendar, account by account, then the people."""
    accounts = [item for account in school.accounts for item in _account(school, account, today)]
    return (*accounts, *_school(school))


def _account(school: School, account: Account, today: date) -> Iterator[Advice]:
    def said(code: str, sentence: str) -> Advice:
        return Advice(code, f'The account "{account.name}" {sentence}', account.name)

    if len(set(account.staff)) < 2:
        yield said("too_few_staff", "has fewer than two named staff; add people to its staff.")
    untrained = [
        _name(school, who) for who in dict.fromkeys(account.staff) if who not in account.training_done
    ]
    if untrained:
        yield said(
            "training_missing",
            f"has staff without training: {', '.join(untrained)}; train them and add them to training_done.",
        )
    lacking = [words for field, words in _REGISTER.items() if getattr(account, field) is None]
    if lacking:
        yield said("register_incomplete", f"does not say {', '.join(lacking)}; add it to the register.")
    yield from _approval(account, today, said)


def _approval(account: Account, today: date, said: Callable[[str, str], Advice]) -> Iterator[Advice]:
    """An approval stands until the review date, or for a year where there is none."""
    approved, review = account.approved_on, account.review_date
    if account.approved_by is None or approved is None:
        yield said(
            "no_approval", "has no approval; set approved_by and approved_on once senior leaders agreed."
        )
    elif approved > today:
        yield said(
            "approval_ahead", f"is approved only from {approved}; correct approved_on if that is wrong."
        )
    elif review is None and _year_after(approved) < today:
        yield said("approval_lapsed", f"was approved on {approved}, over a year ago; have it approved again.")
    if review is not None and review < today:
        yield said(
            "review_passed", f"was to be reviewed by {review}; review it and set the next review_date."
        )


def _school(school: School) -> Iterator[Advice]:
    if not school.accounts:
        yield Advice(
            "no_accounts", "No official account is watched, so nothing has a deadline; add [[accounts]]."
        )
    if len(_addresses(_with(school, Role.MODERATOR))) < 2:
        yield Advice(
            "too_few_moderators",
            "Fewer than two people with addresses of their own are moderators; add one to cover leave and absence.",
        )
    if not _with(school, Role.TECHNICIAN):
        yield Advice("no_technician", "Nobody is technician; give somebody that role, to mend what breaks.")
    for address, count in Counter(person.email.lower() for person in school.people).items():
        if count > 1 and not all(p.shared_mailbox for p in school.people if p.email.lower() == address):
            yield Advice(
                "same_address",
                f"{count} people have the address {address}; set shared_mailbox = true or give each their own.",
            )
    yield from _safeguarding(school)


def _safeguarding(school: School) -> Iterator[Advice]:
    """Who hears of a child in danger, and who of an allegation against the one who would hear."""
    heads = _with(school, Role.HEAD)
    ladder = _with(school, Role.SAFEGUARDING_LEAD, Role.SAFEGUARDING_DEPUTY)
    if not heads:
        yield Advice(
            "no_head", "Nobody is head; give the head teacher that role, to hear of journalists first."
        )
    if len(_addresses(ladder)) < 2:
        yield Advice(
            "one_safeguarding_person",
            "Only one person hears of safeguarding; name a safeguarding_deputy with an address of their own.",
        )
    if ladder and not _addresses(ladder) - _addresses(heads):
        yield Advice(
            "head_alone_safeguards",
            "The head is the only one who hears of safeguarding, even of an allegation against the head; "
            "name a safeguarding_deputy who is somebody else.",
        )
    if not _addresses(_with(school, Role.GOVERNORS_CHAIR)) - _addresses(heads):
        yield Advice(
            "no_governors_chair",
            "No chair of governors apart from the head would hear an allegation against the head; add one.",
        )
    for person in ladder:
        if person.shared_mailbox:
            yield Advice(
                "shared_safeguarding_mailbox",
                f"{person.name} hears of safeguarding in a shared mailbox, which never gets an item's words; "
                "give a personal address.",
            )


def _with(school: School, *roles: Role) -> list[Person]:
    return [person for person in school.people if set(roles) & set(person.roles)]


def _addresses(people: list[Person]) -> set[str]:
    """Two entries with one address are one mailbox, however many names it has."""
    return {person.email.lower() for person in people}


def _name(school: School, person_id: str) -> str:
    return next((person.name for person in school.people if person.id == person_id), person_id)


def _year_after(day: date) -> date:
    """The same day a year later; 28 February for the 29th."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)
