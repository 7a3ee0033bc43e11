"""Which stream is read next: a due time in an index, a lease taken by compare-and-set, a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from connectors.base import Checkpoint
from monitor.storage.database import add_if_new
from monitor.storage.tables import polls, sources


class LeaseLost(Exception):
    """Another worker has taken the poll over; this page is rolled back and read again there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A stored account or watch."""

    id: int
    school_id: str
    name: str
    official: bool
    platform: str
    watch_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A claimed poll of one stream. `lease_no` fences what is committed for it."""

    source: Source
    stream: str
    due_at: datetime
    lease_no: int
    checkpoint: Checkpoint | None
    failures: int
    failing_since: datetime | None
    walked_at: datetime | None


def ensure_source(conn: Connection, school_id: str, name: str, platform: str, *, official: bool) -> Source:
    """The source of that name, stored if it is new."""
    query = select(sources).where(sources.c.school_id == school_id, sources.c.name == name)
    row = conn.execute(query).first()
    if row is None:
        # Two workers that start together both find nothing: the second insert does nothing.
        add_if_new(conn, sources, school_id=school_id, name=name, official=official, platform=platform)
        row = conn.execute(query).one()
    elif (row.official, row.platform) != (official, platform):
        changed = update(sources).where(sources.c.school_id == school_id, sources.c.id == row.id)
        conn.execute(changed.values(official=official, platform=platform))
        row = conn.execute(query).one()
    return _source(row)


def begin_watch(conn: Connection, source: Source, watch_from: datetime) -> None:
    """Fix from when on the source's items carry deadlines. The first word counts, until configuration says other."""
    conn.execute(
        update(sources)
        .where(sources.c.school_id == source.school_id, sources.c.id == source.id)
        .values(watch_from=watch_from)
    )


def ensure_poll(conn: Connection, school_id: str, source_id: int, stream: str, now: datetime) -> None:
    """Store the stream's poll, due at once, if it is new."""
    add_if_new(
        conn,
        polls,
        school_id=school_id,
        source_id=source_id,
        stream=stream,
        due_at=now,
        lease_no=0,
        walking=False,
        failures=0,
    )


def source_names(conn: Connection, school_id: str) -> frozenset[str]:
    """The names of all sources the school ever had here."""
    return frozenset(conn.execute(select(sources.c.name).where(sources.c.school_id == school_id)).scalars())


def forget_others(conn: Connection, school_id: str, source_id: int, kept: Sequence[str]) -> None:
    """Remove the polls of streams that the source no longer has."""
    mine = (polls.c.school_id == school_id, polls.c.source_id == source_id)
    conn.execute(delete(polls).where(*mine, polls.c.stream.not_in(kept)))


def streams(conn: Connection, school_id: str, source_id: int) -> list[str]:
    """The streams of the source that are stored already."""
    query = select(polls.c.stream).where(polls.c.school_id == school_id, polls.c.source_id == source_id)
    return list(conn.execute(query).scalars())


def claim(
    conn: Connection, school_id: str, now: datetime, lease: timedelta, names: frozenset[str]
) -> Poll | None:
    """Take the longest due poll among the named sources until now + lease. None: nothing is due."""
    free = or_(polls.c.lease_until.is_(None), polls.c.lease_until <= now)
    query = (
        select(polls, sources)
        .join(sources, sources.c.id == polls.c.source_id)
        .where(
            polls.c.school_id == school_id,
            sources.c.school_id == school_id,
            polls.c.due_at <= now,
            free,
            sources.c.name.in_(names),
        )
        .order_by(polls.c.due_at, polls.c.source_id, polls.c.stream)
    )
    for row in conn.execute(query).all():
        taken = conn.execute(
            update(polls)
            .where(*_is(school_id, row.source_id, row.stream), polls.c.lease_no == row.lease_no, free)
            .values(lease_no=row.lease_no + 1, lease_until=now + lease)
        )
        if taken.rowcount == 1:
            return Poll(
                source=_source(row),
                stream=row.stream,
                due_at=row.due_at,
                lease_no=row.lease_no + 1,
                checkpoint=row.checkpoint,
                failures=row.failures,
                failing_since=row.failing_since,
                walked_at=row.walked_at,
            )
    return None


def page_read(
    conn: Connection, poll: Poll, checkpoint: Checkpoint, due_at: datetime, now: datetime, *, has_more: bool
) -> None:
    """Write where to go on, in the transaction that stores the page's items. Raises LeaseLost."""
    _release(
        conn,
        poll,
        due_at=due_at,
        checkpoint=dict(checkpoint),
        walking=has_more,
        walked_at=poll.walked_at if has_more else (poll.walked_at or now),
        failures=0,
        failing_since=None,
        ok_at=now,
    )


def failed(conn: Connection, poll: Poll, due_at: datetime, now: datetime) -> None:
    """The page could not be read; try again at `due_at`. Raises LeaseLost."""
    _release(conn, poll, due_at=due_at, failures=poll.failures + 1, failing_since=poll.failing_since or now)


def next_due(conn: Connection, school_id: str, names: frozenset[str]) -> datetime | None:
    """When the next poll of the named sources wants to be claimed."""
    wanted = func.coalesce(polls.c.lease_until, polls.c.due_at)
    query = (
        select(func.min(wanted))
        .join(sources, sources.c.id == polls.c.source_id)
        .where(polls.c.school_id == school_id, sources.c.school_id == school_id, sources.c.name.in_(names))
    )
    found: datetime | None = conn.execute(query).scalar()
    return found


def walked(conn: Connection, school_id: str, source_id: int) -> bool:
    """Has every stream of the source been walked to its end once?"""
    open_walks = select(polls.c.stream).where(
        polls.c.school_id == school_id, polls.c.source_id == source_id, polls.c.walked_at.is_(None)
    )
    return conn.execute(open_walks).first() is None


def restart(conn: Connection, school_id: str, source_id: int, now: datetime) -> None:
    """Walk the source again from its start, now: for items given by hand."""
    conn.execute(
        update(polls)
        .where(polls.c.school_id == school_id, polls.c.source_id == source_id)
        .values(checkpoint=None, due_at=now, lease_until=None, lease_no=polls.c.lease_no + 1)
    )


def failing_since(
    conn: Connection, school_id: str, names: frozenset[str], until: datetime | None
) -> list[tuple[str, datetime]]:
    """(source, since when) of the named sources that fail at present, since `until` or earlier; None: all."""
    query = (
        select(sources.c.name, func.min(polls.c.failing_since).label("since"))
        .join(sources, sources.c.id == polls.c.source_id)
        .where(polls.c.school_id == school_id, sources.c.school_id == school_id)
        .where(polls.c.failing_since.is_not(None), sources.c.name.in_(names))
        .group_by(sources.c.name)
    )
    found = [(row.name, row.since) for row in conn.execute(query)]
    return [one for one in found if until is None or one[1] <= until]


def failing(conn: Connection, school_id: str, source_id: int) -> bool:
    """Does a stream of the source fail at present?"""
    query = select(polls.c.stream).where(
        polls.c.school_id == school_id, polls.c.source_id == source_id, polls.c.failing_since.is_not(None)
    )
    return conn.execute(query.limit(1)).first() is not None


def make_due(conn: Connection, school_id: str, now: datetime) -> None:
    """Let every poll of the school be due now: for one pass by hand."""
    conn.execute(update(polls).where(polls.c.school_id == school_id, polls.c.due_at > now).values(due_at=now))


def _release(conn: Connection, poll: Poll, **values: Any) -> None:
    done = conn.execute(
        update(polls)
        .where(*_is(poll.source.school_id, poll.source.id, poll.stream), polls.c.lease_no == poll.lease_no)
        .values(lease_until=None, **values)
    )
    if done.rowcount != 1:
        raise LeaseLost(f"the poll of {poll.source.name}/{poll.stream} was taken over")


def _is(school_id: str, source_id: int, stream: str) -> tuple[Any, ...]:
    return (polls.c.school_id == school_id, polls.c.source_id == source_id, polls.c.stream == stream)


def _source(row: Any) -> Source:
    return Source(
        id=row.source_id if "source_id" in row._fields else row.id,
        school_id=row.school_id,
        name=row.name,
        official=row.official,
        platform=row.platform,
        watch_from=row.watch_from,
    )
