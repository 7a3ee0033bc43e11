"""What a rule can know: patterns with a category and a severity, read from rules.toml, beside any engine's scores."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from monitor.domain.verdict import Category, Severity, Span, Verdict

PATH = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern. `should` and `should_not` are its examples; a test matches them."""

    id: str
    category: Category
    severity: Severity
    pattern: re.Pattern[str]
    should: tuple[str, ...]
    should_not: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, compiled once. Raises ValueError where the file is wrong."""
    told = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return tuple(
        Rule(
            id=one["id"],
            category=Category(one["category"]),
            severity=Severity.parse(one["severity"]),
            pattern=re.compile(one["pattern"]),
            should=tuple(one["should"]),
            should_not=tuple(one["should_not"]),
        )
        for one in told["rules"]
    )


def with_rules(verdict: Verdict, text: str) -> Verdict:
    """The verdict with what the rules found in the text: a rule adds, and never takes away."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow in lower case; spans must count in the text itself
        lowered = text
    for rule in rules():
        found = rule.pattern.search(lowered)
        if found is not None:
            verdict = replace(
                verdict,
                categories=tuple(dict.fromkeys((rule.category, *verdict.categories))),
                spans=(Span(found.start(), found.end(), rule.category), *verdict.spans),
                severity=max(verdict.severity, rule.severity),
            )
    return verdict
