"""The durable outbox: one row a recipient, written in the transaction that decided it, sent at least once.

A row is claimed by a lease in a short transaction; no lock is held while the mail server talks; what came of it
is written only if nobody else has claimed the row since (the attempt number fences). A mail that died between the
server's acceptance and our commit goes again with the same Message-ID: at least once, and counted as ambiguous.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    text,
    update,
)

from alerts.kinds import Alert, AlertKind, Recipient
from alerts.message import message_id
from config.db import NAMING, NEVER_REUSED, JsonText, UtcTime, id_column

GIVE_UP_AFTER = timedelta(days=5)
"""How long a mail is tried again; the custom of mail servers."""
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)
_URGENCY = {"urgent": 0, "high": 1}
LATER = 2
"""`urgency` of what is neither urgent nor high."""

metadata = MetaData(naming_convention=NAMING)


class MailState(StrEnum):
    """Where a row stands."""

    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    DEFERRED = "deferred"
    SENT = "sent"
    DEAD = "dead"
    """The server refused it for good, or it was tried for five days: a person is told."""
    DROPPED = "dropped"
    """Not wanted any more when its turn came; `ended_reason` says why."""


WAITING = (MailState.QUEUED, MailState.DEFERRED, MailState.IN_FLIGHT)
_UNSENT = text("state IN ('queued', 'deferred', 'in_flight')")

mails = Table(
    "mails",
    metadata,
    id_column(),
    Column("school_id", String(63), nullable=False),
    Column("key", String(400), nullable=False, comment="kind/subject/occurrence/step/recipient"),
    Column("kind", String(40), nullable=False),
    Column("subject", String(200), nullable=False, comment="opaque here: case:12, source:2"),
    Column("occurrence", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("severity", String(10), nullable=False),
    Column("urgency", Integer, nullable=False, comment="0 goes first"),
    Column("reason", String(60), nullable=False),
    Column("facts", JsonText, nullable=False, comment="ids, codes and times; never words"),
    Column("recipient", String(100), nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("ambiguous", Integer, nullable=False, comment="times it may have arrived without our knowing"),
    Column("queued_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False, comment="not before; while in flight, the end of the lease"),
    Column("ended_at", UtcTime),
    Column("ended_reason", Text),
    UniqueConstraint("school_id", "key"),
    Index("ix_mails_unsent", "school_id", "due_at", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
    Index(None, "school_id", "subject"),
    **NEVER_REUSED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """A claimed row: one mail to one recipient. `attempt` counts from 1 and fences what is written back."""

    id: int
    school_id: str
    kind: AlertKind
    subject: str
    occurrence: int
    step: int
    severity: str
    reason: str
    facts: Mapping[str, Any]
    recipient: Recipient
    message_id: str
    attempt: int
    queued_at: datetime


def alert_key(alert: Alert, recipient: str) -> str:
    """What makes a mail the same mail within its school: said once, however often it is decided."""
    return f"{alert.kind.value}/{alert.subject}/{alert.occurrence}/{alert.step}/{recipient}"


def add(
    conn: Connection,
    school_id: str,
    alert: Alert,
    recipients: Iterable[Recipient],
    domain: str,
    now: datetime,
) -> int:
    """Queue the alert for each recipient in the caller's transaction; what is queued already stays as it is.

    `domain` ends the Message-IDs. Returns how many rows are new.
    """
    added = 0
    for recipient in recipients:
        key = alert_key(alert, recipient.person_id)
        known = select(mails.c.id).where(mails.c.school_id == school_id, mails.c.key == key)
        if conn.execute(known).first() is not None:
            continue
        conn.execute(
            mails.insert().values(
                school_id=school_id,
                key=key,
                kind=alert.kind.value,
                subject=alert.subject,
                occurrence=alert.occurrence,
                step=alert.step,
                severity=alert.severity,
                urgency=_URGENCY.get(alert.severity, LATER),
                reason=alert.reason,
                facts=dict(alert.facts),
                recipient=recipient.person_id,
                name=recipient.name,
                address=recipient.address,
                shared=recipient.shared,
                message_id=message_id(f"{school_id}/{key}", domain),
                state=MailState.QUEUED.value,
                attempt=0,
                ambiguous=0,
                queued_at=now,
                due_at=max(now, alert.not_before) if alert.not_before else now,
            )
        )
        added += 1
    return added


def claim(conn: Connection, school_id: str, now: datetime, lease: timedelta) -> MailRow | None:
    """Take the next mail that is due, most urgent first, until now + lease. None: nothing is due.

    A row whose lease ran out belonged to a worker that died; the mail may have gone, so it is ambiguous. The lease
    must outlast the sum of the mail server's time-outs.
    """
    due = (
        select(mails)
        .where(mails.c.school_id == school_id, _UNSENT, mails.c.due_at <= now)
        .order_by(mails.c.urgency, mails.c.due_at, mails.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = conn.execute(due).first()
    if row is None:
        return None
    died = row.state == MailState.IN_FLIGHT.value
    conn.execute(
        update(mails)
        .where(mails.c.id == row.id, mails.c.school_id == school_id)
        .values(
            state=MailState.IN_FLIGHT.value,
            attempt=row.attempt + 1,
            ambiguous=row.ambiguous + died,
            due_at=now + lease,
        )
    )
    return _mail_row(row, attempt=row.attempt + 1)


def sent(conn: Connection, row: MailRow, now: datetime) -> bool:
    """The server took it. False: somebody else has claimed the row since, and their word counts."""
    return _finish(conn, row, state=MailState.SENT, ended_at=now)


def dropped(conn: Connection, row: MailRow, reason: str, now: datetime) -> bool:
    """Not wanted any more. False as for `sent`."""
    return _finish(conn, row, state=MailState.DROPPED, ended_at=now, ended_reason=reason)


def deferred(conn: Connection, row: MailRow, reason: str, now: datetime, *, ambiguous: bool = False) -> bool:
    """Not delivered this time: again later, 30 s to 15 min, until five days are over. False as for `sent`.

    `ambiguous`: the connection broke after the final dot, so the mail may have arrived all the same.
    """
    if now - row.queued_at >= GIVE_UP_AFTER:
        return dead(conn, row, reason, now)
    fields: dict[str, Any] = {"due_at": now + retry_wait(row), "ended_reason": reason}
    if ambiguous:
        fields["ambiguous"] = mails.c.ambiguous + 1
    return _finish(conn, row, state=MailState.DEFERRED, **fields)


def dead(conn: Connection, row: MailRow, reason: str, now: datetime) -> bool:
    """Refused for good. False as for `sent`."""
    return _finish(conn, row, state=MailState.DEAD, ended_at=now, ended_reason=reason)


def is_dead(conn: Connection, row: MailRow) -> bool:
    """Has the row been given up?"""
    found = select(mails.c.state).where(mails.c.school_id == row.school_id, mails.c.id == row.id)
    return bool(conn.execute(found).scalar() == MailState.DEAD.value)


def by_id(conn: Connection, school_id: str, mail_id: int) -> Row[Any] | None:
    """One row; None if the school has none of that id."""
    return conn.execute(select(mails).where(mails.c.school_id == school_id, mails.c.id == mail_id)).first()


def retry_wait(row: MailRow) -> timedelta:
    """How long to wait after the given attempt: doubling from 30 s to 15 min, spread by up to a quarter."""
    doublings: int = min(row.attempt - 1, 10)
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << doublings))
    # The spread is drawn from the Message-ID, so that a thousand mails deferred together do not return together.
    drawn = hashlib.sha256(f"{row.message_id}{row.attempt}".encode()).digest()[0] / 255
    return wait * (0.75 + 0.25 * drawn)


def next_due(conn: Connection, school_id: str) -> datetime | None:
    """When the next row wants to be claimed."""
    found: datetime | None = conn.execute(
        select(func.min(mails.c.due_at)).where(and_(mails.c.school_id == school_id, _UNSENT))
    ).scalar()
    return found


def rows(conn: Connection, school_id: str, *, waiting_only: bool = False) -> list[Row[Any]]:
    """The school's rows in the order they were queued, for people to look at."""
    query = select(mails).where(mails.c.school_id == school_id).order_by(mails.c.id)
    if waiting_only:
        query = query.where(or_(_UNSENT, mails.c.state == MailState.DEAD.value))
    return list(conn.execute(query))


def send_again(conn: Connection, school_id: str, mail_id: int, now: datetime) -> bool:
    """Give a dead mail another five days, with the same Message-ID. False: there is no such dead mail."""
    done = conn.execute(
        update(mails)
        .where(mails.c.school_id == school_id, mails.c.id == mail_id, mails.c.state == MailState.DEAD.value)
        .values(state=MailState.QUEUED.value, queued_at=now, due_at=now, ended_at=None)
    )
    return done.rowcount == 1


def _finish(conn: Connection, row: MailRow, *, state: MailState, **fields: Any) -> bool:
    done = conn.execute(
        update(mails)
        .where(
            mails.c.id == row.id,
            mails.c.school_id == row.school_id,
            mails.c.attempt == row.attempt,
            mails.c.state == MailState.IN_FLIGHT.value,
        )
        .values(state=state.value, **fields)
    )
    return done.rowcount == 1


def _mail_row(row: Row[Any], attempt: int) -> MailRow:
    return MailRow(
        id=row.id,
        school_id=row.school_id,
        kind=AlertKind(row.kind),
        subject=row.subject,
        occurrence=row.occurrence,
        step=row.step,
        severity=row.severity,
        reason=row.reason,
        facts=row.facts,
        recipient=Recipient(row.recipient, row.name, row.address, row.shared),
        message_id=row.message_id,
        attempt=attempt,
        queued_at=row.queued_at,
    )
