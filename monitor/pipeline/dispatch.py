"""Stage 5: claim a mail, look once more whether it is wanted, write it, send it, note what came of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts import outbox
from alerts.compose import compose_or_plain
from alerts.kinds import Alert, AlertKind, MailFacts
from alerts.outbox import MailRow
from alerts.smtp import Outcome, Status, Transport
from monitor.domain.decide import still_wanted
from monitor.pipeline.details import bare, gather, number_of
from monitor.pipeline.site import Site
from monitor.storage import cases, events

log = logging.getLogger(__name__)

_SERVER_FAILS = frozenset({"auth", "connect", "tls"})
_LEASE_MARGIN = timedelta(minutes=2)


def dispatch(site: Site, transport: Transport, now: datetime, limit: int = 10) -> int:
    """Send up to `limit` due mails of the school, most urgent first; how many were claimed."""
    with site.db.read() as conn:
        due = outbox.next_due(conn, site.id)
    if due is None or due > now:
        return 0
    lease = timedelta(seconds=transport.budget_s) + _LEASE_MARGIN
    for done in range(limit):
        with site.db.write("T3") as conn:
            row = outbox.claim(conn, site.id, now, lease)
        if row is None:
            return done
        if not _send(site, transport, row, now):
            return done + 1  # the server does not answer: the others would wait for it one after the other
    return limit


def _send(site: Site, transport: Transport, row: MailRow, now: datetime) -> bool:
    """Send one claimed mail, or drop it; False if the mail server cannot be reached or logged in to."""
    number = number_of(row.subject)
    with site.db.read() as conn:
        case = None if number is None else cases.load(conn, site.id, number)
        unwanted = still_wanted(row.kind, row.occurrence, case, now)
        facts = None if unwanted else _gather(conn, site, row, now)
    if facts is None:
        with site.db.write("T4") as conn:
            outbox.dropped(conn, row, unwanted or "", now)
        return True
    mail, problem = compose_or_plain(facts)
    if problem is not None:
        log.error("template failed, sent plainly", extra={"kind": row.kind.value, "error": problem})
    outcome = transport.send(mail, row.message_id, now)
    with site.db.write("T4") as conn:
        _note(site, conn, row, outcome, now)
    return outcome.code not in _SERVER_FAILS


def _gather(conn: Connection, site: Site, row: MailRow, now: datetime) -> MailFacts:
    try:
        return gather(conn, site, row, now)
    except Exception:  # a bare mail today is worth more than a whole one never
        log.exception("could not gather a mail's facts", extra={"mail": row.id})
        return bare(site, row, now)


def _note(site: Site, conn: Connection, row: MailRow, outcome: Outcome, now: datetime) -> None:
    reason = f"{outcome.code} {outcome.text}".strip()
    if outcome.status is Status.SENT:
        outbox.sent(conn, row, now)
        return
    log.warning("mail not sent", extra={"mail": row.id, "status": outcome.status.value, "reason": reason})
    if outcome.status is Status.DEAD:
        mine = outbox.dead(conn, row, reason, now)
    else:
        ambiguous = outcome.status is Status.AMBIGUOUS
        mine = outbox.deferred(conn, row, reason, now, ambiguous=ambiguous)
    if mine and outbox.is_dead(conn, row):
        _tell_undelivered(site, conn, row, now)


def _tell_undelivered(site: Site, conn: Connection, row: MailRow, now: datetime) -> None:
    """Somebody who should have heard did not: others are told, but never about that mail itself."""
    if row.kind is AlertKind.UNDELIVERED:
        return
    events.lock(conn, site.id)
    alert = Alert(
        kind=AlertKind.UNDELIVERED,
        subject=f"mail:{row.id}",
        occurrence=row.attempt,
        severity=row.severity,
        reason="undelivered",
        facts={"mail": row.id},
    )
    site.queue(conn, [alert], now)
