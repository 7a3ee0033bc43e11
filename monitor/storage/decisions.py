"""What people decided about flagged words: remembered by the words alone, never by who wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from monitor.domain.verdict import Category, Severity, Verdict
from monitor.storage.tables import decisions, item_versions, verdicts


def digest_of(school_id: str, words: str) -> str:
    """What stands for the words (as compared: tidied by the caller) at that school; it does not give them away."""
    return hashlib.sha256(f"{school_id}\0{words}".encode("utf-8", "surrogatepass")).hexdigest()


def flagged(conn: Connection, school_id: str, item_id: int) -> Row[Any] | None:
    """The item's latest verdict of which people were told, or would have been but for a decision; with the title
    and text that it was on. None: it was never flagged."""
    query = (
        select(verdicts, item_versions.c.title, item_versions.c.text)
        .join(item_versions, item_versions.c.id == verdicts.c.version_id)
        .where(verdicts.c.school_id == school_id, item_versions.c.school_id == school_id)
        .where(verdicts.c.item_id == item_id, verdicts.c.error.is_(None))
        .order_by(verdicts.c.id.desc())
    )
    return next((row for row in conn.execute(query) if row.dismissed or verdict_of(row).flagged), None)


def verdict_of(row: Row[Any]) -> Verdict:
    """Severity and categories of a row, of a verdict or a decision."""
    known = {category.value for category in Category}
    return Verdict(
        severity=Severity.parse(row.severity),
        categories=tuple(Category(name) for name in row.categories if name in known),
    )


def remember(
    conn: Connection, school_id: str, digest: str, verdict: Row[Any], *, rightly: bool, now: datetime
) -> None:
    """Keep the decision about those words, with the verdict that it was about; it replaces an earlier one.

    Take the school's lock first.
    """
    conn.execute(delete(decisions).where(decisions.c.school_id == school_id, decisions.c.digest == digest))
    conn.execute(
        decisions.insert().values(
            school_id=school_id,
            digest=digest,
            rightly=rightly,
            severity=verdict.severity,
            categories=verdict.categories,
            scores=verdict.scores,
            engine=verdict.engine,
            decided_at=now,
        )
    )


def false_alarms(conn: Connection, school_id: str, digests: Collection[str]) -> dict[str, Row[Any]]:
    """Those of the digests whose words a person last called a false alarm, with the decision."""
    if not digests:
        return {}
    query = select(decisions).where(
        decisions.c.school_id == school_id, decisions.c.digest.in_(digests), decisions.c.rightly.is_(False)
    )
    return {row.digest: row for row in conn.execute(query)}


def all_of(conn: Connection, school_id: str) -> list[Row[Any]]:
    """Every decision of the school, oldest first."""
    query = select(decisions).where(decisions.c.school_id == school_id)
    return list(conn.execute(query.order_by(decisions.c.decided_at, decisions.c.id)))
