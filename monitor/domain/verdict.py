"""The words of judgement: categories, severities, a verdict with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Category(StrEnum):
    """What a text may be, named once for the whole program."""

    TOXICITY = "toxicity"
    SEVERE_TOXICITY = "severe_toxicity"
    OBSCENE = "obscene"
    THREAT = "threat"
    INSULT = "insult"
    IDENTITY_ATTACK = "identity_attack"
    SEXUAL_EXPLICIT = "sexual_explicit"

    ADULT_AT_RISK = "adult_at_risk"
    ALLEGATION = "allegation"
    BULLYING = "bullying"
    CONCERN = "concern"
    COPYRIGHT = "copyright"
    DATA_BREACH = "data_breach"
    DISCLOSURE = "disclosure"
    EXPLOITATION = "exploitation"
    GROOMING = "grooming"
    IMPERSONATION = "impersonation"
    MISSING_CHILD = "missing_child"
    NEGLECT = "neglect"
    RADICALISATION = "radicalisation"
    SELF_HARM = "self_harm"
    SEXTORTION = "sextortion"
    SEXUAL = "sexual"
    UNDER_13 = "under_13"
    WEAPON = "weapon"

    COMPLAINT = "complaint"
    MEDIA = "media"
    QUERY = "query"
    SPAM = "spam"
    THANKS = "thanks"


SAFEGUARDING = frozenset(
    {
        Category.ADULT_AT_RISK,
        Category.CONCERN,
        Category.DISCLOSURE,
        Category.EXPLOITATION,
        Category.GROOMING,
        Category.MISSING_CHILD,
        Category.NEGLECT,
        Category.RADICALISATION,
        Category.SELF_HARM,
        Category.SEXTORTION,
    }
)
"""Categories that go to the safeguarding lead, and whose clock no reply, hide, edit or deletion stops."""

NO_ANSWER_NEEDED = frozenset({Category.THANKS, Category.SPAM})
"""Categories that, when confident, take an item's deadline away."""


class Severity(IntEnum):
    """How much a verdict matters; comparable. `str()` gives the word that people and files use."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    URGENT = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> Severity:
        """The severity of a word. Raises KeyError on an unknown one."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Span:
    """Why a category was given: the half-open range of characters of the text, and the category."""

    start: int
    end: int
    category: Category


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judgement of one text.

    `scores`: label to probability in [0, 1], raw, so that thresholds can change later. `categories` are those
    over their threshold, worst first. `engine` and `thresholds` name the versions that gave them. `language`: the
    BCP 47 code of a language that is not English; `unread`: the engine cannot judge it, so that nothing found means
    nothing. `dismissed`: categories that were lowered below medium, because a person called the same words a false
    alarm.
    """

    scores: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    categories: tuple[Category, ...] = ()
    spans: tuple[Span, ...] = ()
    severity: Severity = Severity.NONE
    engine: str = ""
    thresholds: str = ""
    language: str | None = None
    unread: bool = False
    dismissed: tuple[Category, ...] = ()

    @property
    def flagged(self) -> bool:
        """Medium or above, or safeguarding whatever its severity: people are told."""
        return self.severity >= Severity.MEDIUM or self.safeguarding

    @property
    def safeguarding(self) -> bool:
        """Does a second clock run that only the safeguarding lead may stop?"""
        return self.severity is Severity.URGENT or bool(SAFEGUARDING & set(self.categories))

    @property
    def needs_no_answer(self) -> bool:
        """Confidently thanks or spam, and nothing else is wrong with it. Nothing is confident in a language unread."""
        return not self.flagged and not self.unread and bool(NO_ANSWER_NEEDED & set(self.categories))
