"""Stage 4: what people are told in batches and once: outages, input set aside, old items."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from alerts.kinds import Alert, AlertKind
from monitor.domain.decide import flag_not_before
from monitor.domain.verdict import Severity
from monitor.pipeline.site import Site
from monitor.storage import cases, events, outages, polls, set_asides, verdicts
from monitor.storage.polls import Poll


def source_blind(
    conn: Connection, site: Site, claimed: Poll, code: str, since: datetime, now: datetime
) -> None:
    """A source cannot be read: one alert an outage, however many of its streams fail. `since`: the first failure."""
    _blind(conn, site, claimed.source.name, code, since, now)


def _blind(conn: Connection, site: Site, name: str, code: str, since: datetime, now: datetime) -> bool:
    subject = f"source:{name}"
    if outages.current(conn, site.id, subject) is not None:
        return False
    outage = outages.begin(conn, site.id, subject, code, since)
    outages.told(conn, site.id, outage.id, now)
    _outage_event(conn, site, subject, "outage_began", outage.number, code, now)
    site.queue(conn, [_outage_alert(AlertKind.BLIND, subject, outage.number, code, "high")], now)
    return True


def watch_blind(site: Site, names: frozenset[str], now: datetime) -> int:
    """Tell of sources that have failed for hours, though their next poll may be days away; how many."""
    with site.db.read() as conn:
        if not polls.failing_since(conn, site.id, names, now - site.blind_after):
            return 0
    with site.db.write("T2 blind") as conn:
        events.lock(conn, site.id)
        told = 0
        for name, since in polls.failing_since(conn, site.id, names, now - site.blind_after):
            told += _blind(conn, site, name, "transient", since, now)
    return told


def next_blind(conn: Connection, site: Site, names: frozenset[str]) -> datetime | None:
    """When the next failing source will have failed for so long that people are told."""
    failing = polls.failing_since(conn, site.id, names, None)
    running = {row.subject for row in outages.running(conn, site.id)}
    waiting = [since for name, since in failing if f"source:{name}" not in running]
    return min(waiting) + site.blind_after if waiting else None


def source_reads(conn: Connection, site: Site, claimed: Poll, now: datetime) -> None:
    """A stream was read: if the source was blind and no other stream of it fails, people are told that it sees."""
    subject = f"source:{claimed.source.name}"
    outage = outages.current(conn, site.id, subject)
    if outage is None or polls.failing(conn, site.id, claimed.source.id):
        return
    outages.end(conn, site.id, outage.id, now)
    _outage_event(conn, site, subject, "outage_ended", outage.number, outage.code, now)
    site.queue(
        conn, [_outage_alert(AlertKind.SEES_AGAIN, subject, outage.number, outage.code, "medium")], now
    )


def engine_fails(conn: Connection, site: Site, subject: str, code: str, now: datetime) -> None:
    """An engine judges nothing: told once an outage, while every item goes to review."""
    if outages.current(conn, site.id, subject) is not None:
        return
    outage = outages.begin(conn, site.id, subject, code, now)
    outages.told(conn, site.id, outage.id, now)
    _outage_event(conn, site, subject, "outage_began", outage.number, code, now)
    site.queue(conn, [_outage_alert(AlertKind.UNSCORED, subject, outage.number, code, "high")], now)


def engine_works(conn: Connection, site: Site, subject: str, now: datetime) -> None:
    """An engine judges again."""
    outage = outages.current(conn, site.id, subject)
    if outage is None:
        return
    outages.end(conn, site.id, outage.id, now)
    _outage_event(conn, site, subject, "outage_ended", outage.number, outage.code, now)
    alert = _outage_alert(AlertKind.SCORED_AGAIN, subject, outage.number, outage.code, "medium")
    site.queue(conn, [alert], now)


def batches(site: Site, now: datetime) -> int:
    """Queue what waits to be told in one mail: summaries of old items, input set aside. How many mails."""
    with site.db.read() as conn:
        wanting = cases.wanting_summary(conn, site.id)
        untold = set_asides.untold(conn, site.id)
    if not wanting and not untold:
        return 0
    with site.db.write("T2 tell") as conn:
        events.lock(conn, site.id)
        return _summaries(conn, site, now) + _set_asides(conn, site, now)


def _summaries(conn: Connection, site: Site, now: datetime) -> int:
    queued = 0
    for source_id, numbers in cases.wanting_summary(conn, site.id).items():
        # Only when the first walk is over and everything old is judged: one summary, not one a page.
        if not polls.walked(conn, site.id, source_id) or verdicts.cold_unjudged(conn, site.id, source_id):
            continue
        subject = f"source:{source_id}"
        told = [row for row in events.of_subject(conn, site.id, subject) if row.kind == "summarised"]
        events.append(conn, site.id, subject, [("summarised", now, {"cases": numbers})])
        cases.summarised(conn, site.id, numbers)
        alert = Alert(
            kind=AlertKind.FLAGGED_SUMMARY,
            subject=subject,
            occurrence=len(told) + 1,
            reason="before_the_watch",
            facts={"cases": numbers, "source": source_id},
            not_before=flag_not_before(Severity.MEDIUM, site.rule, now),
        )
        queued += site.queue(conn, [alert], now)
    return queued


def _set_asides(conn: Connection, site: Site, now: datetime) -> int:
    queued = 0
    for source_id, ids in set_asides.untold(conn, site.id).items():
        subject = f"source:{source_id}"
        told = [row.at for row in events.of_subject(conn, site.id, subject) if row.kind == "set_aside_told"]
        if told and now - told[-1] < set_asides.TELL_EVERY:
            continue
        batch = set_asides.tell(conn, site.id, source_id, ids)
        events.append(conn, site.id, subject, [("set_aside_told", now, {"batch": batch})])
        alert = Alert(
            kind=AlertKind.SET_ASIDE,
            subject=subject,
            occurrence=batch,
            reason="set_aside",
            facts={"source": source_id, "batch": batch},
        )
        queued += site.queue(conn, [alert], now)
    return queued


def next_batch(conn: Connection, site: Site) -> datetime | None:
    """When input that was set aside wants to be told; None if nothing waits for its day."""
    moments = []
    for source_id in set_asides.untold(conn, site.id):
        rows = events.of_subject(conn, site.id, f"source:{source_id}")
        told = [row.at for row in rows if row.kind == "set_aside_told"]
        if told:
            moments.append(told[-1] + set_asides.TELL_EVERY)
    return min(moments, default=None)


def _outage_alert(kind: AlertKind, subject: str, number: int, code: str, severity: str) -> Alert:
    return Alert(
        kind=kind,
        subject=subject,
        occurrence=number,
        severity=severity,
        reason=code,
        facts={"outage": number, "code": code},
    )


def _outage_event(
    conn: Connection, site: Site, subject: str, kind: str, number: int, code: str, now: datetime
) -> None:
    events.append(conn, site.id, subject, [(kind, now, {"number": number, "code": code})])
