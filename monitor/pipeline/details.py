"""What a mail tells, gathered from the rows at the moment of sending, so that it is never older than it must be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from alerts import outbox
from alerts.kinds import AlertKind, ItemView, MailFacts, SetAsideView
from alerts.outbox import MailRow
from monitor.domain.case import Case
from monitor.domain.decide import is_safeguarding
from monitor.domain.week import Week
from monitor.pipeline import week
from monitor.pipeline.judge import text_of
from monitor.pipeline.site import Site
from monitor.storage import cases, items, outages, set_asides, verdicts


def number_of(subject: str) -> int | None:
    """The case number in an alert's subject; None if it is about something else."""
    kind, _, number = subject.partition(":")
    return int(number) if kind == "case" else None


def gather(conn: Connection, site: Site, row: MailRow, now: datetime) -> MailFacts:
    """Everything the mail of that row is made of."""
    number = number_of(row.subject)
    case = None if number is None else cases.load(conn, site.id, number)
    if number and case:
        specific = _of_case(conn, site, number, case)
    elif row.kind is AlertKind.DIGEST:
        specific = {"digest": week.gathered(conn, site, Week.parse(row.facts["week"]), now)}
    else:
        specific = _OF_KIND[row.kind](conn, site, row)
    return MailFacts(
        kind=row.kind,
        school_name=site.school.name,
        timezone=site.school.timezone,
        recipient=row.recipient,
        now=now,
        severity=row.severity,
        reason=row.reason,
        **specific,
    )


def bare(site: Site, row: MailRow, now: datetime) -> MailFacts:
    """What is known without the rows: for the mail that goes when gathering failed."""
    return MailFacts(
        kind=row.kind,
        school_name=site.school.name,
        timezone=site.school.timezone,
        recipient=row.recipient,
        now=now,
        severity=row.severity,
        reason=row.reason,
        safeguarding=bool(row.facts.get("safeguarding")),
    )


def views(conn: Connection, site: Site, numbers: Iterable[int]) -> tuple[ItemView, ...]:
    """The items of those cases, as mails and people see them, in that order."""
    wanted = list(numbers)
    ids = cases.item_ids(conn, site.id, wanted)
    rows = items.current(conn, site.id, list(ids.values()))
    judged = verdicts.latest_verdicts(conn, site.id, list(ids.values()))
    found = []
    for number in wanted:
        row = rows.get(ids.get(number, 0))
        if row is not None:
            case = cases.load(conn, site.id, number)
            found.append(view(row, judged.get(row.id), number, case))
    return tuple(found)


def view(row: Row[Any], verdict: Row[Any] | None, number: int | None, case: Case | None) -> ItemView:
    """One stored item as a mail shows it."""
    text = text_of(row)
    judged = verdict is not None and verdict.severity is not None
    return ItemView(
        case_number=number,
        platform=row.platform,
        source=row.source_name,
        kind=row.kind,
        author_name=row.author_name,
        title=row.title,
        text=row.text,
        created_at=row.created_at,
        created_at_estimated=row.created_mark is not None,
        permalink=row.permalink,
        attachments=tuple(row.attachments),
        severity=verdict.severity if verdict is not None and judged else "none",
        categories=tuple(verdict.categories) if verdict is not None else (),
        spans=tuple(dict.fromkeys(text[start:end] for start, end, _ in (verdict.spans if verdict else ()))),
        edited=row.version_no > 1,
        state=row.state,
        language=verdict.language if verdict is not None else None,
        unread=verdict is not None and verdict.unread,
        due_at=case.due_at if case else None,
        due_reason=case.due_reason if case else None,
        protected=is_safeguarding(case),
    )


def _of_case(conn: Connection, site: Site, number: int, case: Case) -> dict[str, Any]:
    return {
        "items": views(conn, site, [number]),
        "due_at": case.due_at,
        "due_reason": case.due_reason,
        "safeguarding": is_safeguarding(case),
        "count": 1,
    }


def _summary(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    shown = views(conn, site, row.facts["cases"])
    return {"items": shown, "count": len(row.facts["cases"]), "source": shown[0].source if shown else None}


def _question(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    reply = items.current(conn, site.id, [row.facts["reply"]]).get(row.facts["reply"])
    shown = views(conn, site, row.facts["cases"])
    return {
        "items": shown,
        "count": len(shown),
        "reply": None if reply is None else view(reply, None, None, None),
    }


def _outage(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    kind, _, name = row.subject.partition(":")
    outage = outages.by_number(conn, site.id, row.subject, row.occurrence)
    since, until = (outage.began_at, outage.ended_at) if outage else (None, None)
    count = verdicts.waiting_for_score(conn, site.id)
    if kind == "source":
        count = items.found_late(conn, site.id, name, since, until) if since and until else 0
    return {"source": name, "error": row.facts["code"], "since": since, "until": until, "count": count}


def _settings(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    outage = outages.by_number(conn, site.id, row.subject, row.occurrence)
    return {"count": row.facts["problems"], "since": outage.began_at if outage else None}


def _set_aside(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    kept = set_asides.of_batch(conn, site.id, row.facts["source"], row.facts["batch"])
    return {
        "source": kept[0].source_name if kept else None,
        "count": len(kept),
        "set_aside": tuple(SetAsideView(one.id, one.reason, one.external_id, one.seen_at) for one in kept),
    }


def _unread(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    ids = row.facts["items"]
    rows = items.current(conn, site.id, ids)
    judged = verdicts.latest_verdicts(conn, site.id, ids)
    shown = []
    for item_id in ids:
        if item_id in rows:
            number = cases.number_of(conn, site.id, item_id)
            case = None if number is None else cases.load(conn, site.id, number)
            shown.append(view(rows[item_id], judged.get(item_id), number, case))
    return {"items": tuple(shown), "count": len(shown) + row.facts["more"]}


def _undelivered(conn: Connection, site: Site, row: MailRow) -> dict[str, Any]:
    mail = outbox.by_id(conn, site.id, row.facts["mail"])
    if mail is None:
        return {}
    return {"source": f"{mail.name} <{mail.address}>", "error": mail.ended_reason, "since": mail.queued_at}


_OF_KIND = {
    AlertKind.FLAGGED_SUMMARY: _summary,
    AlertKind.ASK_ANSWERED: _question,
    AlertKind.UNSCORED: _outage,
    AlertKind.SCORED_AGAIN: _outage,
    AlertKind.UNREAD: _unread,
    AlertKind.SET_ASIDE: _set_aside,
    AlertKind.BLIND: _outage,
    AlertKind.SEES_AGAIN: _outage,
    AlertKind.UNDELIVERED: _undelivered,
    AlertKind.SETTINGS_REFUSED: _settings,
}
