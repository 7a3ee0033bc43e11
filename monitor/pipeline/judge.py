"""Stage 2: score what nobody has judged, decide, and write all that follows in one commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from alerts.kinds import Alert, AlertKind
from connectors.item import ItemKind, ItemState
from monitor.classifier.engine import EngineError
from monitor.classifier.standard import Standard
from monitor.domain.answers import answering, answers
from monitor.domain.case import Case
from monitor.domain.decide import (
    LIVE,
    Decision,
    Seen,
    is_safeguarding,
    on_reply,
    on_reply_gone,
    on_state,
    on_verdict,
)
from monitor.domain.verdict import Verdict
from monitor.pipeline import tell
from monitor.pipeline.review import heed
from monitor.pipeline.site import Assess, Judges, Site
from monitor.storage import cases, events, items, threads, unread, verdicts

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=5)
_TRY_AGAIN_AT_LEAST = timedelta(minutes=20)
_ANYBODY_SIGNS = frozenset({"feed"})
"""Platforms on which anybody can write under any name: there the words are judged as anybody's."""
_PROBE = "Thank you for a lovely afternoon."
"""Judged when a text fails: tells a broken engine from a text it cannot read."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """What the engine said of one item: a verdict, or why there is none. `engine_down`: it can judge nothing."""

    verdict: Verdict | None = None
    error: str | None = None
    engine_down: bool = False


def judge(site: Site, judges: Judges, engine_name: str, now: datetime, limit: int = 64) -> int:
    """Judge up to `limit` items of the school; how many were looked at. Nothing passes as clean unjudged."""
    with site.db.read() as conn:
        waiting = verdicts.unjudged(conn, site.id, now, limit)
        rows = items.current(conn, site.id, waiting)
    if not rows:
        return 0
    to_score = [row for row in rows.values() if _wants_score(row)]
    assessed: dict[int, Assessed] = {}
    for by_school in (False, True):
        said = [row for row in to_score if _by_school(row) is by_school]
        assess = _by(judges, replace(site.standard, by_school=by_school))
        assessed |= zip((row.id for row in said), _assess(assess, said), strict=True)
    with site.db.write("T2") as conn:
        events.lock(conn, site.id)
        _note_engine(conn, site, engine_name, list(assessed.values()), now)
        assessed |= _heeded(conn, site, rows, assessed)
        fresh = items.current(conn, site.id, waiting)
        for item_id in waiting:
            row = fresh[item_id]
            # Another worker may have been faster, or the item been edited again while it was scored.
            if row.version_id == rows[item_id].version_id and _still_waits(row, rows[item_id]):
                _settle_or_review(conn, site, row, assessed.get(item_id), now)
    return len(rows)


def text_of(row: Row[Any]) -> str:
    """What is judged of an item, and what the spans of its verdict count in: title and text."""
    return f"{row.title}\n{row.text}" if row.title else str(row.text)


def _wants_score(row: Row[Any]) -> bool:
    return row.judged_no < row.version_no or row.score_again_at is not None


def _still_waits(row: Row[Any], before: Row[Any]) -> bool:
    return (row.judged_no, row.judged_state, row.score_again_at) == (
        before.judged_no,
        before.judged_state,
        before.score_again_at,
    )


def _by_school(row: Row[Any]) -> bool:
    """Are the words surely the school's own?"""
    return bool(row.author_is_school) and row.source_platform not in _ANYBODY_SIGNS


def _by(judges: Judges, standard: Standard) -> Assess:
    return lambda texts: judges(texts, standard)


def _assess(assess: Assess, rows: Sequence[Row[Any]]) -> list[Assessed]:
    """Score all at once; if that fails, one by one, so that one bad text does not hide the others."""
    texts = [text_of(row) for row in rows]
    if not texts:
        return []
    try:
        return [Assessed(verdict) for verdict in assess(texts)]
    except EngineError as err:
        first_error = str(err)
    log.warning("engine failed on a batch", extra={"error": first_error, "texts": len(texts)})
    try:
        assess([_PROBE])
    except EngineError as err:
        return [Assessed(error=str(err), engine_down=True)] * len(texts)
    return [_assess_one(assess, one) for one in texts]


def _assess_one(assess: Assess, one: str) -> Assessed:
    try:
        return Assessed(assess([one])[0])
    except EngineError as err:
        return Assessed(error=str(err))


def _heeded(
    conn: Connection, site: Site, rows: Mapping[int, Row[Any]], assessed: Mapping[int, Assessed]
) -> dict[int, Assessed]:
    """Those whose words a person called a false alarm."""
    judged = {item: (text_of(rows[item]), one.verdict) for item, one in assessed.items() if one.verdict}
    return {item: Assessed(verdict) for item, verdict in heed(conn, site, judged).items()}


def _note_engine(
    conn: Connection, site: Site, engine_name: str, assessed: Sequence[Assessed], now: datetime
) -> None:
    subject = f"engine:{engine_name}"
    if any(one.engine_down for one in assessed):
        tell.engine_fails(conn, site, subject, "engine_failed", now)
    elif assessed:
        tell.engine_works(conn, site, subject, now)


def _settle_or_review(
    conn: Connection, site: Site, row: Row[Any], assessed: Assessed | None, now: datetime
) -> None:
    """One item that breaks our deciding goes to a person, and holds up none of its neighbours."""
    try:
        with conn.begin_nested():
            _settle(conn, site, row, assessed, now)
    except DBAPIError:
        raise  # the database, not the item: the batch is tried again
    except Exception as err:
        log.exception("an item cannot be decided about", extra={"item": row.id})
        with conn.begin_nested():
            broken = Assessed(error=f"it cannot be decided about ({type(err).__name__}); report this")
            _keep(conn, site, row, broken, now)
            _decide(conn, site, row, broken, now, alone=True)
            again_at = now + _TRY_AGAIN_AT_LEAST
            verdicts.judged(conn, site.id, row.id, row.version_no, row.state, again_at)


def _settle(conn: Connection, site: Site, row: Row[Any], assessed: Assessed | None, now: datetime) -> None:
    """Everything that follows from what is known of one item."""
    again_at = None
    if assessed is not None:
        again_at = _keep(conn, site, row, assessed, now)
        _decide(conn, site, row, assessed, now)
    if row.author_is_school:
        _school_wrote(conn, site, row, now)
    elif row.judged_state != row.state:
        _state_changed(conn, site, row, now)
    verdicts.judged(conn, site.id, row.id, row.version_no, row.state, again_at)


def _keep(conn: Connection, site: Site, row: Row[Any], assessed: Assessed, now: datetime) -> datetime | None:
    """Store the verdict, or once that there is none; when to try again.

    An engine that is down for a weekend is asked less and less often, and leaves one row an item.
    """
    if assessed.verdict is not None:
        _note_language(conn, site, row, assessed.verdict, now)
        verdicts.add_verdict(conn, site.id, row.id, row.version_id, assessed.verdict, now)
        return None
    before = verdicts.latest_verdicts(conn, site.id, [row.id]).get(row.id)
    if before is None or before.error is None or before.version_id != row.version_id:
        error = assessed.error or "the engine gave no answer"
        verdicts.add_verdict(conn, site.id, row.id, row.version_id, error, now)
        return now + TRY_AGAIN_AFTER
    failing_for: timedelta = now - before.judged_at
    return now + min(max(failing_for, TRY_AGAIN_AFTER), _TRY_AGAIN_AT_LEAST)


def _note_language(conn: Connection, site: Site, row: Row[Any], verdict: Verdict, now: datetime) -> None:
    """What no engine can read and nobody hears of as flagged waits for the day's mail; the same words only once."""
    if not verdict.unread or verdict.flagged or row.author_is_school:
        if row.unread_since is not None:
            unread.wait(conn, site.id, row.id, None)
        return
    before = verdicts.latest_verdicts(conn, site.id, [row.id]).get(row.id)
    known = before is not None and before.version_id == row.version_id and before.unread
    if not known and row.unread_since is None:
        unread.wait(conn, site.id, row.id, now)


def _decide(
    conn: Connection, site: Site, row: Row[Any], assessed: Assessed, now: datetime, *, alone: bool = False
) -> None:
    """What follows from the verdict. `alone`: without a look at the thread around it."""
    number = cases.number_of(conn, site.id, row.id)
    case = None if number is None else cases.load(conn, site.id, number)
    number = number or cases.next_number(conn, site.id)
    decision = on_verdict(
        _seen(row), assessed.verdict, case, number, [] if alone else _replies(conn, site, row), site.rule, now
    )
    new = decision.case
    waits_for_summary = (
        new is not None
        and new.cold
        and new.opening == 1
        and assessed.verdict is not None
        and assessed.verdict.flagged
        and not decision.alerts
    )
    _save(conn, site, number, decision, now, summary_wanted=waits_for_summary)
    if assessed.verdict is None and not assessed.engine_down:
        alert = Alert(
            kind=AlertKind.UNSCORED,
            subject=f"case:{number}",
            occurrence=row.version_no,
            severity="high",
            reason="text_failed",
            facts={"case": number, "safeguarding": is_safeguarding(new)},
        )
        site.queue(conn, [alert], now)


def _seen(row: Row[Any]) -> Seen:
    return Seen(
        id=row.id,
        kind=ItemKind(row.kind),
        official=row.official,
        author_is_school=row.author_is_school,
        received_at=row.created_at,
        edited_at=row.version_seen_at if row.version_no > 1 else None,
        cold=row.cold,
        state=ItemState(row.state),
    )


def _replies(conn: Connection, site: Site, row: Row[Any]) -> list[int]:
    """The school's live replies that answer the item, where they were seen before it."""
    if row.author_is_school or not threads.has_school_reply(conn, site.id, row.platform, row.thread_key):
        return []
    thread = threads.thread(conn, site.id, row.platform, row.thread_key)
    return answering(row.id, thread)


def _school_wrote(conn: Connection, site: Site, row: Row[Any], now: datetime) -> None:
    """A reply of the school answers what it answers; one that is gone answers nothing any more."""
    thread = threads.thread(conn, site.id, row.platform, row.thread_key)
    if ItemState(row.state) not in LIVE:
        for one in thread:
            _for_case(conn, site, one.id, lambda case: on_reply_gone(case, row.id, site.rule, now), now)
        return
    reply = next(one for one in thread if one.id == row.id)
    found = answers(reply, thread)
    for item_id in sorted(found.answered):
        _for_case(conn, site, item_id, lambda case: on_reply(case, row.id, now), now)
    waiting = [cases.number_of(conn, site.id, item_id) for item_id in sorted(found.ask)]
    if waiting:
        alert = Alert(
            kind=AlertKind.ASK_ANSWERED,
            subject=f"item:{row.id}",
            occurrence=1,
            reason="general_comment",
            facts={"reply": row.id, "cases": waiting},
            not_before=site.rule.calendar.end_of_quiet(now),
        )
        site.queue(conn, [alert], now)


def _state_changed(conn: Connection, site: Site, row: Row[Any], now: datetime) -> None:
    _for_case(conn, site, row.id, lambda case: on_state(_seen(row), case, site.rule, now), now)


def _for_case(
    conn: Connection, site: Site, item_id: int, decide: Callable[[Case], Decision | None], now: datetime
) -> None:
    number = cases.number_of(conn, site.id, item_id)
    case = None if number is None else cases.load(conn, site.id, number)
    if number is None or case is None:
        return
    decision = decide(case)
    if decision is not None:
        _save(conn, site, number, decision, now, summary_wanted=False)


def _save(
    conn: Connection, site: Site, number: int, decision: Decision, now: datetime, *, summary_wanted: bool
) -> None:
    cases.save(conn, site.id, number, decision, summary_wanted=summary_wanted)
    site.queue(conn, decision.alerts, now)
