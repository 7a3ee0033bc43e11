"""The school's week, and the sums over it. Pure: plain rows in, figures out.

A week is ISO's: Monday 00:00 to Monday 00:00 of the school's own clock, so one of them has 167 hours and one 169.
A promise (an answer that was due) is decided once: when it is answered in time, or when its time is over. It is
counted in that week, so that what comes in on a Sunday and is missed on Monday is in no week's shadow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from alerts.figures import AccountWeek, Flagged, Safeguarding, Volume, WeekFigures
from monitor.domain.calendar import Calendar
from monitor.domain.case import Event, EventKind, SecondClock, fold
from monitor.domain.promises import CaseRow, answers
from monitor.domain.verdict import Category

WEEKS_BEFORE = 4
QUIET_AFTER = timedelta(days=7)
"""R16: an account on which the school has not posted for so long stands in the digest."""

NEVER_NAMED = frozenset({Category.ALLEGATION.value})
"""Counted by severity, never by name: the person accused may read the digest (R12)."""

_WEEK = re.compile(r"(\d{4})-[Ww](\d{2})")
_YEARS = range(1990, 2200)


class NoWeek(ValueError):
    """What was given is no week; the message is one sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week. Reads and writes itself as 2026-W46."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @classmethod
    def parse(cls, word: str) -> Week:
        """The week of a word. Raises NoWeek."""
        found = _WEEK.fullmatch(word.strip())
        if found is not None and int(found[1]) in _YEARS:
            try:
                return cls.of(date.fromisocalendar(int(found[1]), int(found[2]), 1))
            except ValueError:
                pass
        raise NoWeek(f"{word!r} is no week; write one such as 2026-W46")

    @classmethod
    def of(cls, day: date) -> Week:
        """The week of a day."""
        year, number, _ = day.isocalendar()
        return cls(year, number)

    @property
    def monday(self) -> date:
        """Its first day."""
        return date.fromisocalendar(self.year, self.number, 1)

    def plus(self, weeks: int) -> Week:
        """The week so many weeks later, or earlier."""
        return Week.of(self.monday + timedelta(weeks=weeks))

    def span(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """Its first moment and the first one after it, in UTC."""
        midnight = time()
        return calendar.at(self.monday, midnight), calendar.at(self.plus(1).monday, midnight)

    def closes_at(self, calendar: Calendar, weekday: int, at: time) -> datetime:
        """When its digest is made: at that time of that day (Monday is 0) of the week after it, in UTC."""
        return calendar.at(self.plus(1).monday + timedelta(days=weekday), at)


def latest_closed(now: datetime, calendar: Calendar, weekday: int, at: time) -> Week:
    """The last finished week whose digest's moment has come."""
    week = Week.of(calendar.local(now).date()).plus(-1)
    return week if week.closes_at(calendar, weekday, at) <= now else week.plus(-1)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item that was not the school's own and not from before the watch."""

    source: str
    kind: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRow:
    """An item's first verdict of medium or worse. `protected`: one for the safeguarding lead."""

    source: str
    at: datetime
    severity: str
    categories: tuple[str, ...] = ()
    protected: bool = False
    older: bool = False


@dataclass(frozen=True, slots=True)
class AlertRow:
    """A mail that was sent. Mails of one `alert` to several people are one alert."""

    kind: str
    alert: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutageRow:
    """Something that could not be read or judged. `what`: "source:page", "engine:name"; what stands after a
    slash is a stream of the source."""

    what: str
    began_at: datetime
    ended_at: datetime | None = None

    @property
    def of_engine(self) -> bool:
        """Could nothing be judged?"""
        return self.what.startswith("engine:")

    @property
    def source(self) -> str | None:
        """The name of the source; None where it is about something else."""
        kind, _, rest = self.what.partition(":")
        return rest.partition("/")[0] if kind == "source" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All rows that the weeks are summed from, of a span that covers them. `lead`: the events of each
    safeguarding or urgent case. `posts`: account to when the school posted there, as far as that is known."""

    items: Sequence[ItemRow] = ()
    cases: Sequence[CaseRow] = ()
    flags: Sequence[FlagRow] = ()
    lead: Sequence[tuple[Event, ...]] = ()
    alerts: Sequence[AlertRow] = ()
    outages: Sequence[OutageRow] = ()
    set_asides: Sequence[tuple[str, datetime]] = ()
    posts: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))


def figures(
    ledger: Ledger,
    week: Week,
    calendar: Calendar,
    sources: Sequence[str],
    accounts: Sequence[tuple[str, str]],
    now: datetime,
) -> WeekFigures:
    """The week's sums as known at `now` (aware). `sources`: names of what is read; `accounts`: (name, platform)."""
    start, end = week.span(calendar)

    def within(moment: datetime) -> bool:
        return start <= moment < end

    items = [item for item in ledger.items if within(item.received_at)]
    flags = [flag for flag in ledger.flags if within(flag.at)]
    sent = [alert for alert in ledger.alerts if within(alert.at)]
    blind = {name: blind_for(ledger.outages, name, start, min(end, now)) for name in sources}
    spells = [one for one in ledger.outages if one.of_engine and _overlap(one, start, min(end, now))]
    volumes = Counter((item.source, item.kind) for item in items)
    return WeekFigures(
        week=str(week),
        start=start,
        end=end,
        as_of=now,
        volumes=tuple(Volume(*key, count) for key, count in sorted(volumes.items())),
        answers=answers(ledger.cases, within, now),
        flagged=_flagged(flags),
        safeguarding=_safeguarding(ledger.lead, within),
        alerts=_ranked(Counter(kind for kind, _ in {(row.kind, row.alert) for row in sent})),
        mails=len(sent),
        blind=tuple((name, length) for name, length in blind.items() if length),
        engine_out=_union(_clipped(spells, start, min(end, now))),
        engine_outages=len(spells),
        set_aside=_ranked(Counter(source for source, at in ledger.set_asides if within(at))),
        accounts=tuple(
            AccountWeek(
                name=name,
                platform=platform,
                received=sum(item.source == name for item in items),
                flagged=_flagged(flag for flag in flags if flag.source == name).total,
                answers=answers([case for case in ledger.cases if case.source == name], within, now),
                blind=blind.get(name, timedelta()),
                posts_seen=name in ledger.posts,
                last_post=ledger.posts.get(name),
                quiet_days=_quiet_days(ledger.posts.get(name), min(end, now)),
            )
            for name, platform in accounts
        ),
    )


def blind_for(outages: Iterable[OutageRow], source: str, start: datetime, end: datetime) -> timedelta:
    """How long at least one stream of the source could not be read, within the span."""
    return _union(_clipped((one for one in outages if one.source == source), start, end))


def _overlap(outage: OutageRow, start: datetime, end: datetime) -> bool:
    return outage.began_at < end and (outage.ended_at is None or outage.ended_at > start)


def _clipped(
    outages: Iterable[OutageRow], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for one in outages:
        if _overlap(one, start, end):
            yield max(one.began_at, start), min(one.ended_at or end, end)


def _union(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    total, reached = timedelta(), None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            total += end - begin
            reached = end
    return total


def _flagged(flags: Iterable[FlagRow]) -> Flagged:
    severities: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    older = 0
    for flag in flags:
        if flag.protected:
            continue
        if flag.older:
            older += 1
            continue
        severities[flag.severity] += 1
        categories.update(set(flag.categories) - NEVER_NAMED)
    return Flagged(severities=_ranked(severities), categories=_ranked(categories), older=older)


def _safeguarding(lead: Iterable[tuple[Event, ...]], within: Callable[[datetime], bool]) -> Safeguarding:
    opened = acknowledged = unacknowledged = 0
    for happened in lead:
        began = next((e.at for e in happened if e.kind is EventKind.JUDGED and e.data["safeguarding"]), None)
        opened += began is not None and within(began)
        ended = next((e.at for e in happened if e.kind in _ENDS_THE_LADDER and began and e.at >= began), None)
        acknowledged += ended is not None and within(ended)
        unacknowledged += fold(happened).second_clock is SecondClock.RUNNING
    return Safeguarding(opened, acknowledged, unacknowledged)


_ENDS_THE_LADDER = frozenset({EventKind.ACKNOWLEDGED, EventKind.DECIDED})


def _quiet_days(last_post: datetime | None, at: datetime) -> int | None:
    if last_post is None or at - last_post < QUIET_AFTER:
        return None
    return (at - last_post).days


def _ranked(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent first, equals by name."""
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
