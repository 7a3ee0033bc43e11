"""Reading known posts of X again, for edits and deletions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.item import Item, ItemState
from connectors.sdk_session import scrubbed
from connectors.x_api import XApi, partial_errors, problem_word
from connectors.x_items import POST_FIELDS, BadPost, Context, first_id, gone, last_id, post

_AT_ONCE = 100
"""Ids a lookup [doc: Post lookup]."""


class Refresher:
    """`read`: the ids of all posts that were given, which is what it costs."""

    def __init__(self, api: XApi, context: Context) -> None:
        self._api = api
        self._context = context
        self.read: list[str] = []

    def items(self, ids: Sequence[str], now: datetime) -> list[Item]:
        """The posts in their newest version; a deleted one as deleted, one that may not be seen as unknown."""
        found: dict[str, Item] = {}
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _AT_ONCE):
            found |= self._chunk(wanted[start : start + _AT_ONCE], now)
        return [found[one] for one in wanted if one in found]

    def _chunk(self, ids: Sequence[str], now: datetime) -> dict[str, Item]:
        rows, missing = self._lookup(ids, now)
        newer = {str(last_id(row)): key for key, row in rows.items() if last_id(row) != row["id"]}
        if newer:  # an older version still answers to its id, and names the newer ones
            versions, _ = self._lookup(list(newer), now)
            rows |= {newer[one]: row for one, row in versions.items()}
        found = {key: gone(key, self._context, state) for key, state in missing.items()}
        for key, row in rows.items():
            try:
                found[key] = post(row, self._context)
            except (BadPost, ValueError, TypeError, AttributeError):
                continue  # nothing is known of it now; its list will set it aside in words
        return found

    def _lookup(self, ids: Sequence[str], now: datetime) -> tuple[dict[str, Any], dict[str, ItemState]]:
        """Rows by the id that was asked for, and the states of those that did not come."""
        told = self._api.lookup(ids, now, tweet_fields=POST_FIELDS)
        given = told.get("data")
        rows = {str(row["id"]): scrubbed(row, self._api.session) for row in _posts(given) if row["id"] in ids}
        self.read += rows
        states: dict[str, ItemState] = {}
        for error in partial_errors(told):
            deleted = problem_word(error) == "resource-not-found"
            key = str(error.get("resource_id") or error.get("value"))
            states[key] = ItemState.DELETED if deleted else ItemState.UNKNOWN
        return rows, {one: state for one, state in states.items() if one in ids and one not in rows}


def _posts(given: Any) -> Iterable[Mapping[str, Any]]:
    return (
        [row for row in given if isinstance(row, Mapping) and first_id(row)]
        if isinstance(given, list)
        else []
    )
