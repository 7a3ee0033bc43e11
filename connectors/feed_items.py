"""One entry of a feed -> one Item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.item import Item, ItemKind
from connectors.readable import readable

PLATFORM = "feed"
_LONG_ID = 32
"""Ids as long as a hash or a UUID are nobody else's."""
Entry = Mapping[str, Any]


class BadEntry(ValueError):
    """An entry that cannot become an item; the message says why."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every entry of a feed has in common. `base`: the address it was read from."""

    account: str
    kind: ItemKind
    school_authors: frozenset[str]
    base: str


def item_from_entry(entry: Entry, context: Context) -> Item:
    """Build the item.

    `external_id` is the entry's id or guid, else its link, else a hash of title, date and words. Times become UTC;
    a time without a zone is taken as UTC, and one that cannot be read is None (the store marks it). Where only one
    date is given (RSS 1.0, many Atom feeds), it is both. The author is the school where name, address or page is
    one of `school_authors`; anybody can sign with any name, so the settings should list what the site itself
    proves. Raises BadEntry for an entry that holds nothing.
    """
    text, title = _text(entry), _words(entry.get("title_detail")) or None
    link = _address(entry.get("link"), context.base)
    if not (entry.get("id") or link or title or text):
        raise BadEntry("it has neither an id nor a link nor any words")
    author = _author(entry)
    ids = [str(author[key]) for key in ("href", "email") if author.get(key)]
    name = author.get("name") or None
    updated = _time(entry.get("updated_parsed"))
    external_id = str(entry.get("id") or link or _hash(entry, title, text))
    return Item(
        platform=_platform(external_id, context.account),
        account=context.account,
        external_id=external_id,
        kind=context.kind,
        text=text,
        title=title,
        parent_id=_answered(entry),
        author_id=ids[0] if ids else None,
        author_name=name,
        author_is_school=bool(context.school_authors.intersection([*ids, name or ""])),
        created_at=_time(entry.get("published_parsed")) or updated,
        updated_at=updated,
        permalink=link,
        attachments=_enclosures(entry, context.base),
        raw=_plain(entry),
    )


def _platform(external_id: str, account: str) -> str:
    """An address or a tag is the same entry in every feed; the "1" of one feed is not that of another."""
    return PLATFORM if ":" in external_id or len(external_id) >= _LONG_ID else f"{PLATFORM}/{account}"[:63]


def times(entry: Entry) -> datetime | None:
    """The newest time an entry tells, for the walk."""
    found = [when for key in ("published_parsed", "updated_parsed") if (when := _time(entry.get(key)))]
    return max(found, default=None)


def _text(entry: Entry) -> str:
    parts = [words for part in entry.get("content", []) if (words := _words(part))]
    return "\n\n".join(parts) or _words(entry.get("summary_detail"))


def _words(detail: Entry | None) -> str:
    """A text construct as words; only what says it is plain text is left as it stands."""
    if not detail:
        return ""
    value = str(detail.get("value") or "")
    return value if detail.get("type") == "text/plain" else readable(value)


def _author(entry: Entry) -> dict[str, Any]:
    detail = entry.get("author_detail") or {}
    return dict(detail) if detail else {"name": entry.get("author")}


def _time(parsed: Any) -> datetime | None:
    """feedparser's nine numbers, which are UTC already; a leap second becomes the second before."""
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _answered(entry: Entry) -> str | None:
    """RFC 4685 threading; feedparser keeps it under the prefix that the feed happens to use."""
    for key, value in entry.items():
        if key.endswith("in-reply-to") and isinstance(value, Mapping) and value.get("ref"):
            return str(value["ref"])
    return None


def _enclosures(entry: Entry, base: str) -> tuple[str, ...]:
    found = (
        _address(link.get("href"), base) for link in entry.get("links", []) if link.get("rel") == "enclosure"
    )
    return tuple(dict.fromkeys(link for link in found if link))


def _address(link: Any, base: str) -> str | None:
    """An absolute web address; None for anything a person should not click (javascript:, data:)."""
    if not link:
        return None
    try:
        absolute = urljoin(base, str(link))
        return absolute if urlsplit(absolute).scheme in {"http", "https"} else None
    except ValueError:
        return None


def _hash(entry: Entry, title: str | None, text: str) -> str:
    told = [title, entry.get("published") or entry.get("updated"), text]
    return "entry-" + hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """feedparser's own types as JSON-like ones, without its nine-number copies of the dates."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items() if not str(key).endswith("_parsed")}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
