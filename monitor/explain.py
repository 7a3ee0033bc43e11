"""Everything that is known of an item, for `schoolwatch explain`: as data, and in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.times import Times
from alerts.wording import sentence
from monitor.pipeline.details import number_of
from monitor.pipeline.site import Site
from monitor.storage import cases, events, items, verdicts

_LANGUAGE = "en"


def explained(site: Site, asked: str) -> list[dict[str, Any]]:
    """What is known of the item with that id of a platform's, or of case:N; one entry an item, oldest first."""
    with site.db.read() as conn:
        ids = _ids(conn, site, asked)
        rows = items.current(conn, site.id, ids)
        judged = verdicts.latest_verdicts(conn, site.id, ids)
        return [_one(conn, site, rows[item_id], judged.get(item_id)) for item_id in sorted(rows)]


def _ids(conn: Connection, site: Site, asked: str) -> list[int]:
    try:
        number = number_of(asked)
    except ValueError:
        number = None
    if number is not None:
        return list(cases.item_ids(conn, site.id, [number]).values())
    return items.find(conn, site.id, asked)


def _one(conn: Connection, site: Site, row: Any, verdict: Any) -> dict[str, Any]:
    number = cases.number_of(conn, site.id, row.id)
    case = None if number is None else cases.load(conn, site.id, number)
    happened = events.of_subject(conn, site.id, f"item:{row.id}")
    if number is not None:
        happened += events.of_subject(conn, site.id, f"case:{number}")
    planned = [] if number is None else cases.notices_of(conn, site.id, number)
    return {
        "external_id": row.external_id,
        "platform": row.platform,
        "source": row.source_name,
        "kind": row.kind,
        "state": row.state,
        "title": row.title,
        "text": row.text,
        "author": row.author_name,
        "author_is_school": row.author_is_school,
        "received_at": row.created_at,
        "received_mark": row.created_mark,
        "first_seen_at": row.first_seen_at,
        "before_the_watch": row.cold,
        "versions": row.version_no,
        "marks": row.marks,
        "verdict": None
        if verdict is None
        else {
            "severity": verdict.severity,
            "categories": verdict.categories,
            "scores": verdict.scores,
            "engine": verdict.engine,
            "thresholds": verdict.thresholds,
            "error": verdict.error,
            "language": verdict.language,
            "unread": verdict.unread,
            "dismissed": verdict.dismissed or [],
        },
        "case": number,
        "open": case.open if case else False,
        "answer": case.answer.value if case else "not_needed",
        "due_at": case.due_at if case else None,
        "due_reason": case.due_reason if case else None,
        "notices": [
            {"kind": one.kind, "at": one.due_at, "reason": one.reason, "state": one.state} for one in planned
        ],
        "events": [
            {"at": one.at, "kind": one.kind, "data": one.data}
            for one in sorted(happened, key=lambda e: e.seq)
        ],
    }


def in_words(site: Site, one: dict[str, Any], now: datetime) -> str:
    """The same for people: what it is, what was judged, the sum of the deadline, what happened."""
    said = Times(_LANGUAGE, site.rule.calendar.zone, now)
    lines = [
        f"{one['platform']} {one['kind']} {one['external_id']} on {one['source']}, {one['state']}",
        f"by {one['author'] or 'nobody named'}{' (the school)' if one['author_is_school'] else ''}, "
        f"received {said.moment(one['received_at'])}"
        + (f" (time {one['received_mark']}: when first seen)" if one["received_mark"] else ""),
        "",
        *(f"  {line}" for line in _text(one).splitlines()),
        "",
        _judged(one["verdict"]),
        _answer(site, one, said),
    ]
    for notice in one["notices"]:
        kind = notice["kind"].replace("_", " ")
        why = sentence(_LANGUAGE, "alerts", notice["reason"])
        lines.append(f"  {kind}: {said.moment(notice['at'])}, {notice['state']} ({why})")
    lines += ["", "what happened:"]
    for event in one["events"]:
        data = ", ".join(f"{key} {value}" for key, value in event["data"].items() if value not in (None, []))
        lines.append(
            f"  {said.moment(event['at'])}  {event['kind'].replace('_', ' ')}" + (f": {data}" if data else "")
        )
    return "\n".join(lines) + "\n"


def _text(one: dict[str, Any]) -> str:
    return f"{one['title']}\n{one['text']}" if one["title"] else str(one["text"])


def _judged(verdict: dict[str, Any] | None) -> str:
    if verdict is None:
        return "not judged yet"
    if verdict["error"] is not None:
        return f"could not be judged: {verdict['error']}; a person looks at it"
    top = sorted(verdict["scores"].items(), key=lambda pair: -pair[1])[:3]
    scores = ", ".join(f"{label} {value:.2f}" for label, value in top)
    found = ", ".join(verdict["categories"]) or "no category"
    more = "" if verdict["language"] is None else f"\n{_language(verdict)}"
    if verdict["dismissed"]:
        more += "\nlowered: a person called the same words a false alarm"
    return (
        f"severity {verdict['severity']}: {found} (highest scores: {scores}; "
        f"{verdict['engine']}, thresholds {verdict['thresholds']}){more}"
    )


def _language(verdict: dict[str, Any]) -> str:
    name = sentence(_LANGUAGE, "languages", verdict["language"])
    if not verdict["unread"]:
        return f"in {name}"
    return f"in {name}, which no engine here can judge: a person reads it"


def _answer(site: Site, one: dict[str, Any], said: Times) -> str:
    if one["due_at"] is None:
        if one["before_the_watch"]:
            return "no answer is tracked: it is from before the watch began"
        return "no answer is tracked: items of this kind and judgement carry no deadline"
    rule = site.rule
    hours = int(rule.answer_within.total_seconds() // 3600)
    why = sentence(_LANGUAGE, "deadlines.due", one["due_reason"], hours=hours)
    return (
        f"answer: {one['answer'].replace('_', ' ')}, due {said.moment(one['due_at'])}: {why} "
        f"(received {said.moment(one['received_at'])}, {rule.calendar.nation} calendar)"
    )
