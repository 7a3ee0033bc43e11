"""The chain of events: append-only, ordered and hashed per school, written in the transaction that decided them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from config.db import dumps, to_micros
from monitor.domain.case import Event, EventKind
from monitor.storage.database import add_if_new
from monitor.storage.tables import chains, events

_GENESIS = "0" * 64


def lock(conn: Connection, school_id: str) -> tuple[int, str]:
    """Make this the school's only writer until the transaction ends; (sequence number, hash) of the head.

    Every transaction that decides something takes it first, so decisions about one school never interleave.
    """
    head = select(chains.c.seq, chains.c.hash).where(chains.c.school_id == school_id).with_for_update()
    row = conn.execute(head).first()
    if row is None:
        add_if_new(conn, chains, school_id=school_id, seq=0, hash=_GENESIS)
        row = conn.execute(head).one()
    return row.seq, row.hash


def append(
    conn: Connection, school_id: str, subject: str, happened: Iterable[tuple[str, datetime, Any]]
) -> None:
    """Append (kind, moment, data) of one subject ("case:12", "item:5") to the school's chain."""
    seq, head = lock(conn, school_id)
    rows = []
    for kind, at, data in happened:
        seq += 1
        head = _hash(head, school_id, seq, subject, kind, at, data)
        rows.append(
            {
                "school_id": school_id,
                "seq": seq,
                "subject": subject,
                "kind": kind,
                "at": at,
                "data": data,
                "hash": head,
            }
        )
    if rows:
        conn.execute(events.insert(), rows)
        conn.execute(update(chains).where(chains.c.school_id == school_id).values(seq=seq, hash=head))


def append_case(conn: Connection, school_id: str, number: int, happened: Iterable[Event]) -> None:
    """Append events of the case with that number."""
    append(
        conn,
        school_id,
        f"case:{number}",
        [(event.kind.value, event.at, dict(event.data)) for event in happened],
    )


def of_subject(conn: Connection, school_id: str, subject: str) -> list[Row[Any]]:
    """All rows about one subject, oldest first."""
    query = select(events).where(events.c.school_id == school_id, events.c.subject == subject)
    return list(conn.execute(query.order_by(events.c.seq)))


def of_case(conn: Connection, school_id: str, number: int) -> list[Event]:
    """The case's events, oldest first, ready to be folded."""
    rows = of_subject(conn, school_id, f"case:{number}")
    return [Event(EventKind(row.kind), row.at, row.data) for row in rows]


def first_broken(conn: Connection, school_id: str) -> int | None:
    """The sequence number of the first event whose hash does not follow from the one before; None: unbroken."""
    head, expected = _GENESIS, 0
    query = select(events).where(events.c.school_id == school_id).order_by(events.c.seq)
    for row in conn.execute(query):
        expected += 1
        head = _hash(head, school_id, expected, row.subject, row.kind, row.at, row.data)
        if row.seq != expected or row.hash != head:
            return expected
    last = conn.execute(select(chains).where(chains.c.school_id == school_id)).first()
    if last is not None and (last.seq, last.hash) != (expected, head):
        return expected + 1
    return None


def _hash(head: str, school_id: str, seq: int, subject: str, kind: str, at: datetime, data: Any) -> str:
    body = dumps([head, school_id, seq, subject, kind, to_micros(at), data])
    return hashlib.sha256(body.encode()).hexdigest()
