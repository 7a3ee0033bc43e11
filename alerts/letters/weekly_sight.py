"""The chapters that tell how well Schoolwatch could see, and what it never does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Final, TypeVar

from alerts.clean import one_line
from alerts.figures import Answers, Digest, WeekFigures
from alerts.letters.desk import Desk
from alerts.letters.weekly_parts import Chapter, Table, blind_length, cell, head, named, points
from alerts.shown import listed, platform_name

_MOST_REGISTER: Final = 12
_WITH_MESSAGES: Final = frozenset(
    {"facebook", "instagram", "x", "linkedin", "bluesky", "mastodon", "tiktok", "tumblr", "reddit", "flickr"}
)
_POLICIES_NAME: Final = ("facebook", "x", "youtube", "instagram", "linkedin", "tiktok")
"""Platforms of the policies that a school may well have; where no source is set up, the page says so."""
_T = TypeVar("_T", float, timedelta)


def sight(desk: Desk, week: WeekFigures) -> Chapter:
    """Where and for how long Schoolwatch could not see, and what it told."""
    lines = [
        desk.say("digest.say", "sight_blind", source=named(name), length=desk.times.span(length))
        for name, length in week.blind
    ] or [desk.say("digest.say", "sight_clear")]
    if week.engine_out:
        length = desk.times.span(week.engine_out)
        lines.append(desk.count("digest.say", "engine_out", week.engine_outages, length=length))
    if week.set_aside:
        sources = points(desk, week.set_aside)
        lines.append(desk.count("digest.say", "set_aside", week.set_aside_in_all, sources=sources))
    else:
        lines.append(desk.say("digest.say", "set_aside_none"))
    if week.alerts:
        kinds = points(desk, [(desk.say("digest.alert", kind), number) for kind, number in week.alerts])
        sent = sum(number for _, number in week.alerts)
        lines.append(desk.count("digest.say", "alerts", sent, kinds=kinds))
    else:
        lines.append(desk.say("digest.say", "alerts_none"))
    lines.append(desk.say("digest.say", "switched_off"))
    return Chapter(heading=head(desk, "sight"), lines=tuple(lines))


def compared(desk: Desk, digest: Digest) -> Chapter:
    """The week beside the middle of the weeks before it."""
    before, week = digest.before, digest.week
    if not before:
        return Chapter(heading=head(desk, "compared"), lines=(desk.say("digest.say", "usual_none"),))
    shares = [share for share in (_percent(one.answers) for one in before) if share is not None]
    medians = [one.answers.median for one in before if one.answers.median is not None]
    span = desk.times.span
    none = cell(desk, "none")

    def percent(share: float | None) -> str:
        return none if share is None else cell(desk, "percent", n=round(share))

    def length(value: timedelta | None) -> str:
        return none if value is None else span(value)

    rows = (
        ("received", f"{week.received:,}", _rounded([one.received for one in before])),
        ("in_time", percent(_percent(week.answers)), percent(_middle(shares))),
        ("median", length(week.answers.median), length(_middle(medians))),
        ("flagged", f"{week.flagged.total:,}", _rounded([one.flagged.total for one in before])),
        (
            "blind",
            blind_length(desk, week.blind_in_all),
            blind_length(desk, _middle([one.blind_in_all for one in before]) or timedelta()),
        ),
        ("set_aside", f"{week.set_aside_in_all:,}", _rounded([one.set_aside_in_all for one in before])),
    )
    return Chapter(
        heading=head(desk, "compared"),
        table=Table(
            (cell(desk, "figure"), cell(desk, "this_week"), cell(desk, "usual")),
            tuple((cell(desk, f"row_{code}"), now, usual) for code, now, usual in rows),
        ),
        lines=(desk.count("digest.say", "usual", len(before)),),
    )


def _percent(answers: Answers) -> float | None:
    return 100 * answers.kept / answers.decided if answers.decided else None


def _middle(values: Sequence[_T]) -> _T | None:
    """The value in the middle, or half-way between the two there; None for none."""
    if not values:
        return None
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low + (high - low) / 2


def _rounded(values: Sequence[int]) -> str:
    return f"{round(median(values)):,}"


def not_watched(desk: Desk, digest: Digest) -> Chapter:
    """What nobody should believe to be watched."""
    accounts = [one for one in digest.sources if one.official]
    watches = [named(one.name) for one in digest.sources if not one.official]
    platforms = {one.platform for one in digest.sources}
    silent = [named(one.name) for one in accounts if one.platform in _WITH_MESSAGES and not one.reads_direct]
    missing = [platform_name(desk.language, one) for one in _POLICIES_NAME if one not in platforms]
    said = [desk.say("digest.unwatched", "pictures")]
    if silent:
        said.append(desk.say("digest.unwatched", "direct", accounts=listed(desk.language, silent)))
    said.append(desk.say("digest.unwatched", "no_way_in"))
    if missing:
        names = listed(desk.language, missing)
        said.append(desk.say("digest.unwatched", "not_set_up", platforms=names))
    code = "elsewhere_none" if not watches else "elsewhere" if len(watches) == 1 else "elsewhere_many"
    said.append(desk.say("digest.unwatched", code, watches=listed(desk.language, watches)))
    said.append(desk.say("digest.unwatched", "between"))
    return Chapter(heading=head(desk, "not_watched"), points=tuple(_emphasised(one) for one in said))


def _emphasised(words: str) -> tuple[str, str]:
    """The first sentence, which names the thing, and the rest."""
    first, dot, rest = words.partition(". ")
    return f"{first}{dot.rstrip()}", rest


def register(desk: Desk, digest: Digest) -> Chapter | None:
    """What the register of accounts lacks."""
    if not digest.register:
        return None
    kept = digest.register[:_MOST_REGISTER]
    more = desk.more(len(digest.register) - len(kept), "check")
    said = tuple(("", one_line(sentence, 300)) for sentence in kept)
    return Chapter(heading=head(desk, "register"), points=said, lines=(more,) if more else (), small=True)


def counted(desk: Desk, week: WeekFigures) -> Chapter:
    """How the sums are made."""
    lines = (
        desk.say("digest.say", "week_runs", until=desk.times.moment(week.as_of)),
        desk.say("digest.say", "promise_counts"),
        desk.say("digest.say", "response_counts"),
        desk.say("digest.say", "nobody_named"),
    )
    return Chapter(heading=head(desk, "counted"), lines=(" ".join(lines),), small=True)
