"""Input that could not be used as it stood: kept, and told to a person in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from monitor.storage.polls import Source
from monitor.storage.tables import set_asides, sources

TELL_EVERY = timedelta(hours=24)
"""A source that is broken for a week is one mail a day, not one a poll."""


def keep(
    conn: Connection,
    source: Source,
    stream: str,
    reason: str,
    raw: bytes,
    external_id: str | None,
    now: datetime,
) -> bool:
    """Keep what was given, once: the same bytes again are no news. True if it is new."""
    reason, external_id = _storable(reason, 2_000), _storable(external_id, 500) if external_id else None
    digest = hashlib.sha256(b"\0".join((reason.encode(), (external_id or "").encode(), raw))).hexdigest()
    known = select(set_asides.c.id).where(
        set_asides.c.school_id == source.school_id,
        set_asides.c.source_id == source.id,
        set_asides.c.digest == digest,
    )
    if conn.execute(known).first() is not None:
        return False
    conn.execute(
        set_asides.insert().values(
            school_id=source.school_id,
            source_id=source.id,
            stream=stream,
            digest=digest,
            external_id=external_id,
            reason=reason,
            raw=raw,
            seen_at=now,
        )
    )
    return True


def _storable(words: str, limit: int) -> str:
    """What a source said of itself may hold what no database takes, too."""
    return words.replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def untold(conn: Connection, school_id: str) -> dict[int, list[int]]:
    """Source id to the ids of rows that nobody was told of yet."""
    query = select(set_asides.c.id, set_asides.c.source_id).where(
        set_asides.c.school_id == school_id, set_asides.c.batch.is_(None)
    )
    found: dict[int, list[int]] = {}
    for row in conn.execute(query.order_by(set_asides.c.id)):
        found.setdefault(row.source_id, []).append(row.id)
    return found


def tell(conn: Connection, school_id: str, source_id: int, ids: Sequence[int]) -> int:
    """Put the rows into the source's next batch; its number."""
    mine = (set_asides.c.school_id == school_id, set_asides.c.source_id == source_id)
    last = conn.execute(select(func.max(set_asides.c.batch)).where(*mine)).scalar()
    batch = (last or 0) + 1
    told = update(set_asides).where(*mine, set_asides.c.id == bindparam("told")).values(batch=batch)
    if ids:
        conn.execute(told, [{"told": one} for one in ids])
    return batch


def of_batch(conn: Connection, school_id: str, source_id: int, batch: int) -> list[Row[Any]]:
    """The rows that one mail tells of, with their source's name."""
    return list(
        conn.execute(
            _with_source(school_id).where(set_asides.c.source_id == source_id, set_asides.c.batch == batch)
        )
    )


def rows(conn: Connection, school_id: str) -> list[Row[Any]]:
    """Everything set aside, newest last, with its source's name."""
    return list(conn.execute(_with_source(school_id)))


def _with_source(school_id: str) -> Select[Any]:
    return (
        select(set_asides, sources.c.name.label("source_name"))
        .join(sources, sources.c.id == set_asides.c.source_id)
        .where(set_asides.c.school_id == school_id, sources.c.school_id == school_id)
        .order_by(set_asides.c.id)
    )
