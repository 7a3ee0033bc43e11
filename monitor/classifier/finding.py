"""What a rule found in a text, and where."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from monitor.classifier.late import Late
from monitor.domain.verdict import Category, Severity

Range = tuple[int, int]
"""A half-open range of characters."""


def spans(pattern: re.Pattern[str] | Late, text: str) -> list[Range]:
    """Where a pattern holds, ascending."""
    return [found.span() for found in pattern.finditer(text)]


def within(ranges: list[Range], start: int, end: int) -> Range | None:
    """The first of the ranges, which ascend, that begins from `start` on, if it ends by `end`."""
    at = bisect_left(ranges, (start, start))
    return ranges[at] if at < len(ranges) and ranges[at][1] <= end else None


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule`: the id of the rule. `start` and `end`: the half-open range of characters in the text searched."""

    rule: str
    category: Category
    severity: Severity
    start: int
    end: int
