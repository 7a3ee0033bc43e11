"""The items that stand under one post, as far as answering them is concerned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from connectors.item import ItemKind, ItemState
from monitor.domain.answers import ThreadItem
from monitor.domain.case import Answer
from monitor.domain.decide import LIVE, is_greeting
from monitor.storage.tables import cases, items, verdicts


def has_school_reply(conn: Connection, school_id: str, platform: str, thread_key: str) -> bool:
    """Did the school write under that post? Spares reading the thread where it did not."""
    query = select(items.c.id).where(
        items.c.school_id == school_id,
        items.c.platform == platform,
        items.c.thread_key == thread_key,
        items.c.author_is_school,
        items.c.kind != ItemKind.POST.value,
    )
    return conn.execute(query.limit(1)).first() is not None


def thread(conn: Connection, school_id: str, platform: str, thread_key: str) -> list[ThreadItem]:
    """Every stored item under one post, the post itself included."""
    earlier = verdicts.alias()
    latest = select(func.max(earlier.c.id)).where(
        earlier.c.school_id == school_id, earlier.c.item_id == items.c.id
    )
    query = (
        select(items, verdicts.c.categories, cases.c.answer)
        .select_from(items)
        .outerjoin(verdicts, verdicts.c.id == latest.scalar_subquery())
        .outerjoin(cases, and_(cases.c.item_id == items.c.id, cases.c.school_id == school_id))
        .where(
            items.c.school_id == school_id,
            items.c.platform == platform,
            or_(items.c.thread_key == thread_key, items.c.external_id == thread_key),
        )
        .order_by(items.c.created_at, items.c.id)
    )
    return [_thread_item(row) for row in conn.execute(query)]


def _thread_item(row: Row[Any]) -> ThreadItem:
    return ThreadItem(
        id=row.id,
        external_id=row.external_id,
        kind=ItemKind(row.kind),
        parent_id=row.parent_id,
        post_id=row.post_id,
        author=row.author_id,
        author_is_school=row.author_is_school,
        created_at=row.created_at,
        live=ItemState(row.state) in LIVE,
        greeting=is_greeting(row.categories or ()),
        waiting=row.answer == Answer.WAITING.value,
    )
