"""What the weekly page is made of, and how it says days, lengths of time, names and lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerts.clean import one_line
from alerts.figures import WeekFigures
from alerts.letters.desk import Desk, Picture

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of each row names it. `words`: the others hold words, not numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A heading and what stands under it. `points` are a list, each with an emphasis and a rest."""

    heading: str
    points: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None
    table: Table | None = None
    lines: tuple[str, ...] = ()
    small: bool = False


def head(desk: Desk, code: str) -> str:
    """A chapter's heading."""
    return desk.say("digest.head", code)


def cell(desk: Desk, code: str, **params: object) -> str:
    """A fixed word of a table."""
    return desk.say("digest.cell", code, **params)


def named(name: str) -> str:
    """A name out of the settings, as it may stand on a page."""
    return one_line(name, 60)


def day(desk: Desk, when: datetime, code: str = "day") -> str:
    """The day of a moment: "9 November"."""
    local = when.astimezone(desk.times.zone)
    month = desk.say("times", f"month_{local.month}")
    return desk.say("digest.dates", code, day=local.day, month=month, year=local.year)


def days_of(desk: Desk, week: WeekFigures) -> str:
    """A week from its first to its last day: "9 to 15 November 2026"."""
    first = week.start.astimezone(desk.times.zone)
    last = week.end.astimezone(desk.times.zone) - _DAY
    if first.year != last.year:
        words = [day(desk, moment, "day_and_year") for moment in (first, last)]
        return desk.say("digest.dates", "two_years", first=words[0], last=words[1])
    if first.month != last.month:
        words = [day(desk, moment) for moment in (first, last)]
        return desk.say("digest.dates", "one_year", first=words[0], last=words[1], year=last.year)
    month = desk.say("times", f"month_{last.month}")
    return desk.say("digest.dates", "one_month", first=first.day, last=last.day, month=month, year=last.year)


def blind_length(desk: Desk, length: timedelta) -> str:
    """A length in whole hours, as tables say it: "3 h"; as a headline too, where days would hide the sum."""
    if not length:
        return desk.say("digest.cell", "none")
    if length < _HOUR:
        return desk.say("digest.cell", "under_an_hour")
    return desk.say("digest.cell", "hours", n=f"{round(length / _HOUR):,}")


def counted_kinds(desk: Desk, counts: Iterable[tuple[str, int]]) -> str:
    """Kinds of item with their numbers: "14 comments, 3 replies"."""
    return ", ".join(desk.count("digest.kind", one_line(kind, 30), number) for kind, number in counts)


def points(desk: Desk, counts: Iterable[tuple[str, int]]) -> str:
    """Names with numbers: "insults 7, threats 1"."""
    return ", ".join(
        desk.say("digest.chart", "point", name=named(name), n=f"{number:,}") for name, number in counts
    )
