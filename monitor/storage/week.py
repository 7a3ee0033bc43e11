"""The rows of some weeks, for the digest: counts, codes and times. No text and no author is read here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from alerts.outbox import MailState, mails
from connectors.item import ItemKind
from monitor.domain.case import Answer, Event, EventKind, SecondClock
from monitor.domain.promises import CaseRow
from monitor.domain.verdict import SAFEGUARDING, Severity
from monitor.domain.week import AlertRow, FlagRow, ItemRow, Ledger, OutageRow, Week
from monitor.storage.tables import cases, events, items, outages, polls, set_asides, sources, verdicts

CHAIN = "digest"
"""The subject under which the chain of events holds which weeks were closed."""

_FIRST_LOOK_BACK = timedelta(hours=24)
_FLAGGED = [str(severity) for severity in Severity if severity >= Severity.MEDIUM]
_CHUNK = 500
_DIRECT_STREAMS = ("direct", "message", "conversation")


def ledger(conn: Connection, school_id: str, start: datetime, end: datetime) -> Ledger:
    """Everything that the weeks from `start` until `end` are summed from."""
    return Ledger(
        items=_items(conn, school_id, start, end),
        cases=_cases(conn, school_id, start),
        flags=_flags(conn, school_id, start, end),
        lead=_lead(conn, school_id),
        alerts=_alerts(conn, school_id, start, end),
        outages=_outages(conn, school_id, start, end),
        set_asides=_set_asides(conn, school_id, start, end),
        posts=_posts(conn, school_id, end),
    )


def last_closed(conn: Connection, school_id: str) -> Week | None:
    """The latest week whose digest was queued; None if none ever was."""
    query = (
        select(events.c.data)
        .where(events.c.school_id == school_id, events.c.subject == CHAIN)
        .order_by(events.c.seq.desc())
        .limit(1)
    )
    data = conn.execute(query).scalar()
    return None if data is None else Week.parse(data["week"])


def watched_since(conn: Connection, school_id: str) -> datetime | None:
    """When the school's first source was first read, or first could not be; None if neither has happened."""
    began = conn.execute(
        select(func.min(sources.c.watch_from)).where(
            sources.c.school_id == school_id, sources.c.watch_from.is_not(None)
        )
    ).scalar()
    failed = conn.execute(
        select(func.min(outages.c.began_at)).where(
            outages.c.school_id == school_id, outages.c.subject.startswith("source:")
        )
    ).scalar()
    moments = [began + _FIRST_LOOK_BACK] if began is not None else []
    return min([*moments, *([failed] if failed is not None else [])], default=None)


def reading_direct(conn: Connection, school_id: str) -> frozenset[str]:
    """Names of the sources through which private messages come in: a stream for them, or one that came."""
    query = (
        select(sources.c.name, polls.c.stream)
        .join(polls, and_(polls.c.source_id == sources.c.id, polls.c.school_id == school_id))
        .where(sources.c.school_id == school_id)
    )
    found = {
        row.name for row in conn.execute(query) if any(word in row.stream.lower() for word in _DIRECT_STREAMS)
    }
    came = (
        select(sources.c.name)
        .distinct()
        .join(items, items.c.source_id == sources.c.id)
        .where(sources.c.school_id == school_id, items.c.school_id == school_id)
        .where(items.c.kind == ItemKind.DIRECT.value)
    )
    return frozenset(found | set(conn.execute(came).scalars()))


def blind_now(conn: Connection, school_id: str) -> frozenset[str]:
    """Names of the sources that cannot be read at present."""
    running = select(outages).where(outages.c.school_id == school_id, outages.c.ended_at.is_(None))
    names = (OutageRow(row.subject, row.began_at).source for row in conn.execute(running))
    return frozenset(name for name in names if name)


def undelivered(conn: Connection, school_id: str) -> int:
    """How many mails were given up and not tried again."""
    query = select(func.count()).where(mails.c.school_id == school_id, mails.c.state == MailState.DEAD.value)
    return int(conn.execute(query).scalar_one())


def _items(conn: Connection, school_id: str, start: datetime, end: datetime) -> list[ItemRow]:
    query = (
        select(sources.c.name, items.c.kind, items.c.created_at)
        .join(sources, sources.c.id == items.c.source_id)
        .where(sources.c.school_id == school_id, items.c.school_id == school_id)
        .where(items.c.created_at >= start, items.c.created_at < end)
        .where(items.c.author_is_school.is_(False), items.c.cold.is_(False))
    )
    return [ItemRow(row.name, row.kind, row.created_at) for row in conn.execute(query)]


def _cases(conn: Connection, school_id: str, start: datetime) -> list[CaseRow]:
    """Cases whose latest deadline lies after the start, or that still wait: no other was decided since then."""
    query = (
        select(cases.c.number, sources.c.name, items.c.created_at)
        .join(items, items.c.id == cases.c.item_id)
        .join(sources, sources.c.id == items.c.source_id)
        .where(cases.c.school_id == school_id, items.c.school_id == school_id)
        .where(or_(cases.c.due_at >= start, cases.c.answer == Answer.WAITING.value))
        .order_by(cases.c.number)
    )
    rows = conn.execute(query).all()
    happened = _events(conn, school_id, [row.number for row in rows])
    written = _written(conn, school_id, happened.values())
    return [CaseRow(row.name, row.created_at, happened.get(row.number, ()), written) for row in rows]


def _events(conn: Connection, school_id: str, numbers: Sequence[int]) -> dict[int, tuple[Event, ...]]:
    """Case number to its events, oldest first."""
    found: dict[int, list[Event]] = {}
    for chunk in _chunks(numbers):
        subjects = [f"case:{number}" for number in chunk]
        query = select(events).where(events.c.school_id == school_id, events.c.subject.in_(subjects))
        for row in conn.execute(query.order_by(events.c.seq)):
            number = int(row.subject.partition(":")[2])
            found.setdefault(number, []).append(Event(EventKind(row.kind), row.at, row.data))
    return {number: tuple(happened) for number, happened in found.items()}


def _written(
    conn: Connection, school_id: str, cases_events: Iterable[tuple[Event, ...]]
) -> dict[int, datetime]:
    """The ids of the school's replies that answered, to when they were written."""
    ids = {
        event.data["by"]
        for happened in cases_events
        for event in happened
        if event.kind is EventKind.ANSWERED and event.data["by"] is not None
    }
    found: dict[int, datetime] = {}
    for chunk in _chunks(sorted(ids)):
        query = select(items.c.id, items.c.created_at).where(
            items.c.school_id == school_id, items.c.id.in_(chunk)
        )
        found |= {row.id: row.created_at for row in conn.execute(query)}
    return found


def _flags(conn: Connection, school_id: str, start: datetime, end: datetime) -> list[FlagRow]:
    """Each item's first verdict of medium or worse."""
    first = (
        select(func.min(verdicts.c.id).label("id"))
        .where(verdicts.c.school_id == school_id, verdicts.c.severity.in_(_FLAGGED))
        .group_by(verdicts.c.item_id)
        .subquery()
    )
    query = (
        select(
            sources.c.name,
            verdicts.c.judged_at,
            verdicts.c.severity,
            verdicts.c.categories,
            items.c.cold,
            cases.c.second_clock,
        )
        .join(first, first.c.id == verdicts.c.id)
        .join(items, items.c.id == verdicts.c.item_id)
        .join(sources, sources.c.id == items.c.source_id)
        .outerjoin(cases, and_(cases.c.item_id == items.c.id, cases.c.school_id == school_id))
        .where(verdicts.c.school_id == school_id, items.c.school_id == school_id)
        .where(verdicts.c.judged_at >= start, verdicts.c.judged_at < end)
        .order_by(verdicts.c.id)
    )
    return [
        FlagRow(
            source=row.name,
            at=row.judged_at,
            severity=row.severity,
            categories=tuple(row.categories),
            # Whatever it was at first: what went to the safeguarding lead later is not told piece by piece.
            protected=row.second_clock not in (None, SecondClock.NONE.value)
            or row.severity == str(Severity.URGENT)
            or bool(set(SAFEGUARDING) & set(row.categories)),
            older=row.cold,
        )
        for row in conn.execute(query)
    ]


def _lead(conn: Connection, school_id: str) -> list[tuple[Event, ...]]:
    """The events of every case that has or had a second clock."""
    query = select(cases.c.number).where(
        cases.c.school_id == school_id, cases.c.second_clock != SecondClock.NONE.value
    )
    return list(_events(conn, school_id, list(conn.execute(query).scalars())).values())


def _alerts(conn: Connection, school_id: str, start: datetime, end: datetime) -> list[AlertRow]:
    query = select(mails.c.kind, mails.c.subject, mails.c.occurrence, mails.c.step, mails.c.ended_at).where(
        mails.c.school_id == school_id,
        mails.c.state == MailState.SENT.value,
        *_between(mails.c.ended_at, start, end),
    )
    return [
        AlertRow(row.kind, f"{row.subject}/{row.occurrence}/{row.step}", row.ended_at)
        for row in conn.execute(query)
    ]


def _outages(conn: Connection, school_id: str, start: datetime, end: datetime) -> list[OutageRow]:
    query = select(outages).where(
        outages.c.school_id == school_id,
        outages.c.began_at < end,
        or_(outages.c.ended_at.is_(None), outages.c.ended_at > start),
    )
    return [
        OutageRow(row.subject, row.began_at, row.ended_at)
        for row in conn.execute(query.order_by(outages.c.id))
    ]


def _set_asides(
    conn: Connection, school_id: str, start: datetime, end: datetime
) -> list[tuple[str, datetime]]:
    query = (
        select(sources.c.name, set_asides.c.seen_at)
        .join(sources, sources.c.id == set_asides.c.source_id)
        .where(set_asides.c.school_id == school_id, sources.c.school_id == school_id)
        .where(*_between(set_asides.c.seen_at, start, end))
    )
    return [(row.name, row.seen_at) for row in conn.execute(query)]


def _posts(conn: Connection, school_id: str, end: datetime) -> dict[str, datetime]:
    """Source to when the school last posted there before the end."""
    query = (
        select(sources.c.name, func.max(items.c.created_at).label("at"))
        .join(items, items.c.source_id == sources.c.id)
        .where(sources.c.school_id == school_id, items.c.school_id == school_id)
        .where(items.c.author_is_school.is_(True), items.c.kind == ItemKind.POST.value)
        .where(items.c.created_at < end)
        .group_by(sources.c.name)
    )
    return {row.name: row.at for row in conn.execute(query)}


def _between(
    column: ColumnElement[datetime | None], start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (column >= start, column < end)


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[n : n + _CHUNK] for n in range(0, len(values), _CHUNK))
