"""What a school may set about judgement: how much is flagged, what is not, and whose names are no insult."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from config.fields import Line
from config.frozen import Frozen
from config.problems import unknown

PresetName = Literal["cautious", "balanced", "quiet"]
"""The same words as monitor.classifier.standard.PRESETS, which this room may not import; a test compares them."""

ALWAYS_ON: Final = (
    *("adult_at_risk", "concern", "disclosure", "exploitation", "grooming", "missing_child", "neglect"),
    *("radicalisation", "self_harm", "sextortion", "threat"),
)
"""Categories that nobody can switch off: safeguarding and threats. A test compares them with the domain's."""

CATEGORIES: Final = (
    *ALWAYS_ON,
    *("toxicity", "severe_toxicity", "obscene", "insult", "identity_attack", "sexual_explicit"),
    *("allegation", "bullying", "copyright", "data_breach", "impersonation", "sexual", "under_13", "weapon"),
    *("complaint", "media", "query", "spam", "thanks"),
)
"""The same words as monitor.domain.verdict.Category; a test compares them."""

CONFIDENT: Final = ("thanks", "spam")
"""Categories that are never flagged: their threshold says from when on an item needs no answer."""


def _category(value: str) -> str:
    if value not in CATEGORIES:
        raise ValueError(unknown(value, CATEGORIES).replace("no setting", "no category"))
    return value


def _switchable(value: str) -> str:
    if value in ALWAYS_ON:
        raise ValueError(
            "cannot be switched off, because a child or a threat would be missed; take it out of this list."
        )
    return value


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number such as 0.8.")
    if not 0 < value <= 1:
        raise ValueError("must be above 0 and at most 1.")
    return float(value)


def _proper(value: str) -> str:
    # A word in small letters would hide more than a name.
    if not any(sign.isupper() or sign.isdigit() or sign in "@." for sign in value) or len(value) < 2:
        raise ValueError("must be a name with its capital letter, a phone number or a mail address.")
    return value


CategoryName = Annotated[str, AfterValidator(_category)]
Score = Annotated[float, BeforeValidator(_score)]
"""A calibrated score: above 0, at most 1."""


class OwnSteps(Frozen):
    """A school's own thresholds of one category.

    A lone number is `from`: people are told from there on, and what the preset has above it stays. The others say
    it all: from which score on it is medium, high, urgent.
    """

    start: Annotated[Score | None, Field(alias="from")] = None
    medium: Score | None = None
    high: Score | None = None
    urgent: Score | None = None

    @model_validator(mode="before")
    @classmethod
    def _lone_number(cls, value: Any) -> Any:
        return value if isinstance(value, dict | OwnSteps) else {"from": _score(value)}

    @model_validator(mode="after")
    def _in_order(self) -> OwnSteps:
        named = [score for _, score in self.steps()]
        if self.start is not None and named:
            raise ValueError("must be one number, or a table of medium, high and urgent; not both.")
        if self.start is None and not named:
            raise ValueError(
                "must be a number such as 0.8, or a table such as { medium = 0.8, high = 0.95 }."
            )
        if any(low >= high for low, high in pairwise(named)):
            raise ValueError("must rise from medium to high to urgent.")
        return self

    def steps(self) -> tuple[tuple[str, float], ...]:
        """(severity, score), ascending; empty where there is only a lone number."""
        named = (("medium", self.medium), ("high", self.high), ("urgent", self.urgent))
        return tuple((severity, score) for severity, score in named if score is not None)


class Judgement(Frozen):
    """One school's say. `preset`: None is the installation's. `allowed` and `staff` hold at most 1,000 lines each."""

    preset: PresetName | None = None
    thresholds: Mapping[CategoryName, OwnSteps] = Field(default_factory=dict)
    off: tuple[Annotated[CategoryName, AfterValidator(_switchable)], ...] = ()
    staff: Annotated[tuple[Line, ...], Field(max_length=1000)] = ()
    allowed: Annotated[tuple[Annotated[Line, AfterValidator(_proper)], ...], Field(max_length=1000)] = ()

    @field_validator("thresholds")
    @classmethod
    def _confident_ones_have_one_step(cls, value: Mapping[str, OwnSteps]) -> Mapping[str, OwnSteps]:
        for category in CONFIDENT:
            if category in value and value[category].steps():
                raise ValueError(f"must have a lone number for {category}: nobody is told of it.")
        return value
