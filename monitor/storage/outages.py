"""Outages of an engine or a source, numbered, so that the second one is told as the first was."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from monitor.storage.tables import outages


def current(conn: Connection, school_id: str, subject: str) -> Row[Any] | None:
    """The outage of the subject that has not ended; None if all is well."""
    query = select(outages).where(
        outages.c.school_id == school_id, outages.c.subject == subject, outages.c.ended_at.is_(None)
    )
    return conn.execute(query).first()


def by_number(conn: Connection, school_id: str, subject: str, number: int) -> Row[Any] | None:
    """One outage, ended or not."""
    query = select(outages).where(
        outages.c.school_id == school_id, outages.c.subject == subject, outages.c.number == number
    )
    return conn.execute(query).first()


def begin(conn: Connection, school_id: str, subject: str, code: str, now: datetime) -> Row[Any]:
    """The running outage of the subject, begun now if there is none."""
    running = current(conn, school_id, subject)
    if running is None:
        last = conn.execute(
            select(func.max(outages.c.number)).where(
                outages.c.school_id == school_id, outages.c.subject == subject
            )
        ).scalar()
        conn.execute(
            outages.insert().values(
                school_id=school_id, subject=subject, number=(last or 0) + 1, code=code, began_at=now
            )
        )
        running = current(conn, school_id, subject)
    assert running is not None  # noqa: S101  it was written in this transaction
    return running


def told(conn: Connection, school_id: str, outage_id: int, now: datetime) -> None:
    """People know of it."""
    mine = update(outages).where(outages.c.school_id == school_id, outages.c.id == outage_id)
    conn.execute(mine.values(told_at=now))


def end(conn: Connection, school_id: str, outage_id: int, now: datetime) -> None:
    """It is over."""
    mine = update(outages).where(outages.c.school_id == school_id, outages.c.id == outage_id)
    conn.execute(mine.values(ended_at=now))


def running(conn: Connection, school_id: str) -> list[Row[Any]]:
    """Everything that fails at present."""
    query = select(outages).where(outages.c.school_id == school_id, outages.c.ended_at.is_(None))
    return list(conn.execute(query.order_by(outages.c.id)))
