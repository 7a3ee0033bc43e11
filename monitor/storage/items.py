"""Items as first seen, their versions and sightings, and the threads they stand in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from connectors.item import Item, ItemState
from monitor.storage.database import add_if_new
from monitor.storage.polls import Source
from monitor.storage.tables import authors, item_versions, items, sightings, sources

_LONGEST_NAME = 200

# Asked of every item of every page, so they are put together once.
_KNOWN = (
    select(items, item_versions.c.payload_hmac, sources.c.official)
    .join(
        item_versions,
        and_(item_versions.c.item_id == items.c.id, item_versions.c.no == items.c.version_no),
    )
    .join(sources, sources.c.id == items.c.source_id)
    .where(
        items.c.school_id == bindparam("school"),
        item_versions.c.school_id == bindparam("school"),
        items.c.platform == bindparam("platform"),
        items.c.external_id == bindparam("external_id"),
    )
)
_SEEN_HERE = select(sightings.c.item_id).where(
    sightings.c.school_id == bindparam("school"),
    sightings.c.item_id == bindparam("item"),
    sightings.c.source_id == bindparam("source"),
    sightings.c.stream == bindparam("stream"),
)


class Change(StrEnum):
    """What storing an item changed."""

    NEW = "new"
    EDITED = "edited"
    STATE = "state"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Stored:
    """The item's id, what changed, and its state before."""

    id: int
    change: Change
    version_no: int
    state_before: ItemState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a version keeps beside the item's own fields."""

    created_at: datetime
    created_mark: str | None
    marks: tuple[str, ...]
    raw: bytes
    cold: bool


def store(
    conn: Connection, source: Source, stream: str, item: Item, payload: Payload, now: datetime
) -> Stored:
    """Insert or update one cleaned item, with its sighting; idempotent. The first words and times stay."""
    asked = {"school": source.school_id, "platform": item.platform, "external_id": item.external_id}
    row = conn.execute(_KNOWN, asked).first()
    stored = (
        _insert(conn, source, item, payload, now)
        if row is None
        else _update(conn, source, row, item, payload, now)
    )
    here = {"school": source.school_id, "item": stored.id, "source": source.id, "stream": stream}
    if row is not None and conn.execute(_SEEN_HERE, here).first() is not None:
        return stored
    add_if_new(
        conn,
        sightings,
        school_id=source.school_id,
        item_id=stored.id,
        source_id=source.id,
        stream=stream,
        first_seen_at=now,
    )
    return stored


def _insert(conn: Connection, source: Source, item: Item, payload: Payload, now: datetime) -> Stored:
    key = secrets.token_bytes(32)
    thread_key = _thread_key(conn, source.school_id, item)
    inserted = conn.execute(
        items.insert()
        .values(
            school_id=source.school_id,
            platform=item.platform,
            external_id=item.external_id,
            source_id=source.id,
            kind=item.kind.value,
            parent_id=item.parent_id,
            post_id=item.post_id,
            thread_key=thread_key,
            author_id=_author(conn, source.school_id, item),
            author_is_school=item.author_is_school,
            permalink=item.permalink,
            created_at=payload.created_at,
            created_mark=payload.created_mark,
            first_seen_at=now,
            state=item.state.value,
            cold=payload.cold,
            payload_key=key,
            version_no=1,
            judged_no=0,
            judged_state=item.state.value,
        )
        .returning(items.c.id)
    ).scalar_one()
    _add_version(conn, source.school_id, inserted, 1, item, payload, key, now)
    if thread_key != item.external_id:
        # Answers seen before what they answer: bring them under the same post.
        conn.execute(
            update(items)
            .where(
                items.c.school_id == source.school_id,
                items.c.platform == item.platform,
                items.c.thread_key == item.external_id,
            )
            .values(thread_key=thread_key)
        )
    return Stored(inserted, Change.NEW, 1)


def _update(
    conn: Connection, source: Source, row: Row[Any], item: Item, payload: Payload, now: datetime
) -> Stored:
    before = ItemState(row.state)
    key: bytes = row.payload_key
    values: dict[str, Any] = {}
    change = Change.SAME
    # A deleted item often comes back empty: its words as last seen are the evidence, and no edit.
    gone = item.state is ItemState.DELETED and not item.text
    if not gone and _hmac(key, item) != row.payload_hmac:
        change = Change.EDITED
        values["version_no"] = row.version_no + 1
        _add_version(conn, row.school_id, row.id, row.version_no + 1, item, payload, key, now)
    if item.state is not before and item.state is not ItemState.UNKNOWN:
        values["state"] = item.state.value
        change = change if change is Change.EDITED else Change.STATE
    if item.author_is_school and not row.author_is_school:
        # Judged again, because the school's own words want no answer and may be one.
        values |= {"author_is_school": True, "judged_no": 0}
    if source.official and not row.official:
        # A watch found it first; on the school's own account it carries a deadline, so it is judged again.
        values |= {
            "source_id": source.id,
            "cold": payload.cold,
            "judged_no": 0,
            "kind": item.kind.value,
            "parent_id": item.parent_id,
            "post_id": item.post_id,
            "thread_key": _thread_key(conn, row.school_id, item),
            "author_id": _author(conn, row.school_id, item),
        }
    if values:
        mine = update(items).where(items.c.school_id == row.school_id, items.c.id == row.id)
        conn.execute(mine.values(**values))
    return Stored(row.id, change, values.get("version_no", row.version_no), before)


def _add_version(
    conn: Connection,
    school_id: str,
    item_id: int,
    no: int,
    item: Item,
    payload: Payload,
    key: bytes,
    now: datetime,
) -> None:
    conn.execute(
        item_versions.insert().values(
            school_id=school_id,
            item_id=item_id,
            no=no,
            title=item.title,
            text=item.text,
            url=item.url,
            attachments=list(item.attachments),
            rating=item.rating,
            marks=list(payload.marks),
            payload_hmac=_hmac(key, item),
            raw=payload.raw,
            seen_at=now,
        )
    )


def _hmac(key: bytes, item: Item) -> str:
    return hmac.digest(key, item.content_hash.encode(), "sha256").hex()


def _short(name: str) -> str:
    """A name as part of a key: PostgreSQL cannot index a very long one."""
    return name if len(name) <= _LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def _author(conn: Connection, school_id: str, item: Item) -> int | None:
    author_id = item.author_id or (f"name:{_short(item.author_name)}" if item.author_name else None)
    if author_id is None:
        return None
    query = select(authors.c.id, authors.c.name).where(
        authors.c.school_id == school_id,
        authors.c.platform == item.platform,
        authors.c.author_id == author_id,
    )
    row = conn.execute(query).first()
    if row is None:
        added = authors.insert().values(
            school_id=school_id, platform=item.platform, author_id=author_id, name=item.author_name
        )
        return int(conn.execute(added.returning(authors.c.id)).scalar_one())
    if item.author_name and item.author_name != row.name:
        mine = update(authors).where(authors.c.school_id == school_id, authors.c.id == row.id)
        conn.execute(mine.values(name=item.author_name))
    return int(row.id)


def _thread_key(conn: Connection, school_id: str, item: Item) -> str:
    """The post's id where the platform gives it; else what the parent stands under; else the item is its own."""
    given = item.post_id or item.thread_id
    if given is not None or item.parent_id is None:
        return given or item.external_id
    parent = select(items.c.thread_key).where(
        items.c.school_id == school_id,
        items.c.platform == item.platform,
        items.c.external_id == item.parent_id,
    )
    return conn.execute(parent).scalar() or item.parent_id


def current(conn: Connection, school_id: str, item_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """The items with those ids, each with its latest version, author's name and source's name."""
    version = and_(item_versions.c.item_id == items.c.id, item_versions.c.no == items.c.version_no)
    query = (
        select(
            items,
            item_versions.c.id.label("version_id"),
            item_versions.c.title,
            item_versions.c.text,
            item_versions.c.attachments,
            item_versions.c.rating,
            item_versions.c.marks,
            item_versions.c.seen_at.label("version_seen_at"),
            authors.c.name.label("author_name"),
            sources.c.name.label("source_name"),
            sources.c.platform.label("source_platform"),
            sources.c.official,
        )
        .join(item_versions, version)
        .join(sources, sources.c.id == items.c.source_id)
        .outerjoin(authors, authors.c.id == items.c.author_id)
        .where(items.c.school_id == school_id, item_versions.c.school_id == school_id)
        .where(sources.c.school_id == school_id, items.c.id.in_(item_ids))
    )
    return {row.id: row for row in conn.execute(query)}


def find(conn: Connection, school_id: str, external_id: str) -> list[int]:
    """Ids of the school's items that a platform knows by that id."""
    query = select(items.c.id).where(items.c.school_id == school_id, items.c.external_id == external_id)
    return list(conn.execute(query).scalars())


def to_refresh(
    conn: Connection, school_id: str, source_id: int, after: int, since: datetime, limit: int
) -> list[Row[Any]]:
    """Id and external id of the source's items since that moment that may still change, beyond the given id."""
    query = select(items.c.id, items.c.external_id).where(
        items.c.school_id == school_id,
        items.c.source_id == source_id,
        items.c.id > after,
        items.c.created_at >= since,
        items.c.state != ItemState.DELETED.value,
    )
    return list(conn.execute(query.order_by(items.c.id).limit(limit)))


def found_late(conn: Connection, school_id: str, source: str, since: datetime, until: datetime) -> int:
    """How many of the source's items were written while it could not be read and found afterwards."""
    query = (
        select(func.count())
        .select_from(items)
        .join(sources, sources.c.id == items.c.source_id)
        .where(items.c.school_id == school_id, sources.c.school_id == school_id, sources.c.name == source)
        .where(items.c.created_at.between(since, until), items.c.first_seen_at > since)
    )
    return int(conn.execute(query).scalar_one())
