"""What has to be true of an item before it is stored: pure, and nothing is lost without a word.

A lone surrogate breaks sqlite3, psycopg and mail; NUL breaks PostgreSQL. Both are taken out of what is read and
kept in `raw`, whose JSON spells them as escapes. What cannot be a row at all is set aside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.item import Item

TEXT_LIMIT = 1_000_000
"""Characters that are judged and shown; beyond them a text is cut, marked, and kept whole in `raw`."""
ID_LIMIT = 500
"""Characters of an id; PostgreSQL cannot index much more."""
_SHORT_LIMIT = 5_000
_EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER = timedelta(minutes=5)
_IDS = ("external_id", "parent_id", "post_id", "thread_id", "author_id", "platform", "account")
_NAMES, _NAME_LIMIT = ("platform", "account"), 63
_WORDS = ("text", "title", "author_name", "permalink", "url")

REPORTED = frozenset(
    {"nul_removed", "surrogates_replaced", "text_cut", "created_future", "created_implausible"}
)
"""Marks that a person is told of. A missing time is common in feeds and only shown with the item."""


class Unusable(ValueError):
    """The item cannot be stored; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """An item fit to be stored. `marks` are codes of what was changed; `created_at` is the platform's time, or
    `now` where that is missing or cannot be true (`created_mark` then says which)."""

    item: Item
    created_at: datetime
    created_mark: str | None
    marks: tuple[str, ...]
    raw: bytes


def clean(item: Item, now: datetime) -> Cleaned:
    """Make the item storable. Raises Unusable."""
    if not all(isinstance(link, str) for link in item.attachments):
        raise Unusable("one of its attachments is no link; look at what the source sends")
    for name in (*_IDS, *_WORDS):
        value = getattr(item, name)
        if not isinstance(value, str) and (value is not None or name == "text"):
            raise Unusable(f"its {name} is no text; look at what the source sends")
        if name in _NAMES and value is not None and len(value) > _NAME_LIMIT:
            raise Unusable(f"its {name} is {len(value)} characters long; look at what the source sends")
        if name in _IDS and value is not None and len(value) > ID_LIMIT:
            raise Unusable(f"its {name} is {len(value)} characters long; look at what the source sends")
    marks: list[str] = []
    fields: dict[str, Any] = {}
    for name in (*_IDS, *_WORDS):
        value = getattr(item, name)
        if value is not None:
            limit = TEXT_LIMIT if name == "text" else _SHORT_LIMIT
            fields[name] = _clean_text(value, limit, marks)
    if not fields["external_id"]:
        raise Unusable("its external_id has no readable character; look at what the source sends")
    fields["attachments"] = tuple(_clean_text(link, _SHORT_LIMIT, marks) for link in item.attachments)
    created_at, mark = _created(item.created_at, now)
    if mark is not None:
        marks.append(f"created_{mark}")
    return Cleaned(
        item=replace(item, **fields),
        created_at=created_at,
        created_mark=mark,
        marks=tuple(dict.fromkeys(marks)),
        raw=raw_bytes(item),
    )


def raw_bytes(item: Item) -> bytes:
    """The payload as it was given: JSON in ASCII, NUL and lone surrogates as escapes."""
    payload = dict(item.raw) or {
        "external_id": item.external_id,
        "title": item.title,
        "text": item.text,
        "created_at": item.created_at,
    }
    return json.dumps(payload, ensure_ascii=True, default=str).encode("ascii")


def _clean_text(value: str, limit: int, marks: list[str]) -> str:
    if "\x00" in value:
        marks.append("nul_removed")
        value = value.replace("\x00", "")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        marks.append("surrogates_replaced")
        # Two halves that belong together are one character again; what is left alone becomes U+FFFD.
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if len(value) > limit:
        marks.append("text_cut")
        value = value[:limit]
    return value


def _created(created_at: datetime | None, now: datetime) -> tuple[datetime, str | None]:
    if created_at is None:
        return now, "missing"
    if created_at > now + _CLOCKS_DIFFER:
        return now, "future"
    if created_at < _EARLIEST:
        return now, "implausible"
    return min(created_at, now), None
