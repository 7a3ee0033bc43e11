"""One row of a file -> one Item. The fields are Item's own, by name; anything else stays in `raw`."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import SourceRef
from connectors.item import Item, ItemKind, ItemState

Row = Mapping[str, Any]

PLATFORM = "files"

_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ ,T]+(\d{2}:\d{2}(?::\d{2})?))?")
_YES = frozenset({"true", "1", "yes"})
_NO = frozenset({"false", "0", "no"})

_MILLISECONDS_FROM = 1e11
"""An epoch number beyond this (the year 5138 in seconds) is in milliseconds, as JavaScript exports give it."""


class BadRow(ValueError):
    """A row that cannot become an item; the message names the field and what is wrong with it."""


class BadTime(BadRow):
    """A row whose time cannot be read, and whose words can: `item` is made without the time, for its words may be a
    threat."""

    def __init__(self, problem: str, item: Item) -> None:
        super().__init__(f"{problem}; the words were read, as received when they were first seen")
        self.item = item


def item_from_row(row: Row, source: SourceRef) -> Item:
    """Build the item. Empty cells count as absent.

    `external_id` is a hash of the row where it has none, so that reading it again gives the same item.
    Times without a zone are in the source's zone (the first of the two on a repeated hour); all become UTC.
    Raises BadRow, of which BadTime holds an item all the same.
    """
    if not FIELDS.keys() & row.keys():
        raise BadRow("it has none of the fields of an item")
    zone = ZoneInfo(source.timezone)
    known: dict[str, Any] = {}
    wrong_time = ""
    for name, convert in FIELDS.items():
        value = row.get(name)
        if value is None or value == "":
            continue
        try:
            known[name] = convert(value, zone)
        except (ValueError, OverflowError) as err:
            problem = f"{name} {err}"
            if convert is not _time or not row.get("text"):
                raise BadRow(problem) from None
            wrong_time = problem
    known.setdefault("account", source.name)
    # Ids of a file are its own: two lists numbered 1, 2, 3 must not become one.
    known.setdefault("platform", f"{PLATFORM}/{known['account']}"[:63])
    known.setdefault("external_id", _hash(row))
    known.setdefault("kind", ItemKind.COMMENT)
    item = Item(**known, raw=dict(row))
    if wrong_time:
        raise BadTime(wrong_time, item)
    return item


def _hash(row: Row) -> str:
    return "row-" + hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()


def _words(value: Any, _zone: ZoneInfo) -> str:
    if not isinstance(value, str):
        raise ValueError("is not text")  # noqa: TRY004  one kind of error for every bad value
    return value


def _identifier(value: Any, zone: ZoneInfo) -> str:
    """Ids are often numbers in JSON; they are the same id as their digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _words(value, zone)


def _time(value: Any, zone: ZoneInfo) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(float(value))
    words = value.strip() if isinstance(value, str) else ""
    british = _BRITISH.fullmatch(words)
    if british is not None:  # what a spreadsheet writes here: 28/03/2026 23:30
        day, month, year, clock = british.groups()
        words = f"{year}-{month:0>2}-{day:0>2}T{clock or '00:00'}"
    try:
        when = datetime.fromisoformat(words)
    except ValueError:
        raise ValueError("is not a time like 2026-03-28T23:30:00Z") from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=zone, fold=0)
    return when.astimezone(UTC)


def _from_epoch(seconds: float) -> datetime:
    if not math.isfinite(seconds):
        raise ValueError("is not a time")
    if abs(seconds) > _MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("is not a time") from None


def _yes_or_no(value: Any, _zone: ZoneInfo) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word not in _YES | _NO:
        raise ValueError("is neither true nor false")
    return word in _YES


def _number(value: Any, _zone: ZoneInfo) -> float:
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        )
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("is not a number")
    return number


def _links(value: Any, _zone: ZoneInfo) -> tuple[str, ...]:
    """A list in JSON; separated by spaces in CSV."""
    links = value.split() if isinstance(value, str) else value
    if not isinstance(links, list) or not all(isinstance(link, str) for link in links):
        raise ValueError("is not a list of links")
    return tuple(links)


def _one_of(kinds: type[StrEnum]) -> Callable[[Any, ZoneInfo], StrEnum]:
    def convert(value: Any, _zone: ZoneInfo) -> StrEnum:
        try:
            return kinds(str(value).strip().casefold())
        except ValueError:
            raise ValueError(f"is not one of {', '.join(kinds)}") from None

    return convert


FIELDS: dict[str, Callable[[Any, ZoneInfo], Any]] = {
    "platform": _words,
    "account": _words,
    "external_id": _identifier,
    "kind": _one_of(ItemKind),
    "text": _words,
    "title": _words,
    "parent_id": _identifier,
    "post_id": _identifier,
    "thread_id": _identifier,
    "author_id": _identifier,
    "author_name": _words,
    "author_is_school": _yes_or_no,
    "created_at": _time,
    "updated_at": _time,
    "permalink": _words,
    "url": _words,
    "attachments": _links,
    "rating": _number,
    "state": _one_of(ItemState),
}
"""Item's fields that a row may give, each with what turns a cell or a JSON value into it."""
