"""What has been judged, what waits for it, and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from monitor.domain.verdict import Verdict
from monitor.storage.tables import items, verdicts


def unjudged(conn: Connection, school_id: str, now: datetime, limit: int) -> list[int]:
    """Ids of items whose latest version or state nobody has looked at, oldest first; then those whose scoring
    failed and is due again."""
    changed = or_(items.c.judged_no < items.c.version_no, items.c.judged_state != items.c.state)
    fresh = select(items.c.id).where(items.c.school_id == school_id, changed)
    found = list(conn.execute(fresh.order_by(items.c.cold, items.c.id).limit(limit)).scalars())
    if len(found) < limit:
        again = select(items.c.id).where(
            items.c.school_id == school_id,
            items.c.score_again_at <= now,
            items.c.id.not_in(found),
        )
        found += conn.execute(again.order_by(items.c.score_again_at).limit(limit - len(found))).scalars()
    return found


def cold_unjudged(conn: Connection, school_id: str, source_id: int) -> bool:
    """Does an old item of the source still wait for its first verdict?"""
    query = select(items.c.id).where(
        items.c.school_id == school_id,
        items.c.judged_no < items.c.version_no,
        items.c.source_id == source_id,
        items.c.cold,
    )
    return conn.execute(query.limit(1)).first() is not None


def next_score(conn: Connection, school_id: str) -> datetime | None:
    """When the next failed scoring wants to be tried again."""
    query = select(func.min(items.c.score_again_at)).where(
        items.c.school_id == school_id, items.c.score_again_at.is_not(None)
    )
    found: datetime | None = conn.execute(query).scalar()
    return found


def waiting_for_score(conn: Connection, school_id: str) -> int:
    """How many items the engine could not judge so far."""
    query = select(func.count()).where(items.c.school_id == school_id, items.c.score_again_at.is_not(None))
    return int(conn.execute(query).scalar_one())


def judged(
    conn: Connection, school_id: str, item_id: int, no: int, state: str, again_at: datetime | None
) -> None:
    """That version and state were decided about; `again_at`: the engine failed and will be asked again then."""
    mine = update(items).where(items.c.school_id == school_id, items.c.id == item_id)
    conn.execute(mine.values(judged_no=no, judged_state=state, score_again_at=again_at))


def add_verdict(
    conn: Connection, school_id: str, item_id: int, version_id: int, verdict: Verdict | str, now: datetime
) -> None:
    """Keep a verdict on a version, or the sentence that says why the engine gave none."""
    failed = isinstance(verdict, str)
    said = Verdict() if isinstance(verdict, str) else verdict
    conn.execute(
        verdicts.insert().values(
            school_id=school_id,
            item_id=item_id,
            version_id=version_id,
            engine=said.engine,
            thresholds=said.thresholds,
            scores=dict(said.scores),
            categories=[category.value for category in said.categories],
            spans=[[span.start, span.end, span.category.value] for span in said.spans],
            severity=None if failed else str(said.severity),
            error=verdict if failed else None,
            language=said.language,
            unread=said.unread,
            dismissed=[category.value for category in said.dismissed] or None,
            judged_at=now,
        )
    )


def latest_verdicts(conn: Connection, school_id: str, item_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Item id to its latest verdict's row."""
    query = select(verdicts).where(verdicts.c.school_id == school_id, verdicts.c.item_id.in_(item_ids))
    return {row.item_id: row for row in conn.execute(query.order_by(verdicts.c.id))}
