"""What no engine could judge because of its language: which items wait until people are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, func, select, update

from monitor.storage.tables import events, items

CHAIN = "unread"
"""The subject under which the chain of events holds which items were told of, and on which day."""


def wait(conn: Connection, school_id: str, item_id: int, since: datetime | None) -> None:
    """The item waits to be told of since then; None: it does not, or no longer."""
    mine = update(items).where(items.c.school_id == school_id, items.c.id == item_id)
    conn.execute(mine.values(unread_since=since))


def waiting(conn: Connection, school_id: str, before: datetime, limit: int) -> list[int]:
    """Ids of up to `limit` items that have waited since before that moment; those from before the watch last."""
    query = select(items.c.id).where(items.c.school_id == school_id, items.c.unread_since < before)
    ordered = query.order_by(items.c.cold, items.c.unread_since, items.c.id)
    return list(conn.execute(ordered.limit(limit)).scalars())


def first(conn: Connection, school_id: str) -> datetime | None:
    """Since when the first one waits; None if none does."""
    query = select(func.min(items.c.unread_since)).where(
        items.c.school_id == school_id, items.c.unread_since.is_not(None)
    )
    found: datetime | None = conn.execute(query).scalar()
    return found


def told(conn: Connection, school_id: str, item_ids: Sequence[int]) -> None:
    """A mail tells of those items."""
    mine = update(items).where(items.c.school_id == school_id, items.c.id == bindparam("told"))
    if item_ids:
        conn.execute(mine.values(unread_since=None), [{"told": one} for one in item_ids])


def times_told(conn: Connection, school_id: str) -> int:
    """On how many days people were told."""
    query = select(func.count()).where(events.c.school_id == school_id, events.c.subject == CHAIN)
    return int(conn.execute(query).scalar_one())


def last_told(conn: Connection, school_id: str) -> date | None:
    """The last day on which people were told; None if they never were."""
    query = (
        select(events.c.data)
        .where(events.c.school_id == school_id, events.c.subject == CHAIN)
        .order_by(events.c.seq.desc())
        .limit(1)
    )
    data = conn.execute(query).scalar()
    return None if data is None else date.fromisoformat(data["day"])
