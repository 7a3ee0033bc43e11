"""Reading known Facebook objects again, for edits and deletions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.errors import Permanent
from connectors.facebook_graph import Gone, Graph
from connectors.facebook_items import Context, comment, deleted, message, post
from connectors.facebook_lists import COMMENT_FIELDS, MESSAGE_FIELDS, POST_FIELDS
from connectors.item import Item, ItemKind
from connectors.sdk_session import scrubbed

_AT_ONCE = 50
"""Ids a request [doc: Graph API, Multiple Ids]."""

_FIELDS = {"comment": COMMENT_FIELDS, "post": POST_FIELDS, "message": MESSAGE_FIELDS}
_KINDS = {"comment": ItemKind.COMMENT, "post": ItemKind.VISITOR_POST, "message": ItemKind.DIRECT}


class Refresher:
    """Asks for objects by id. An id does not tell for sure what it is of: a post on this page begins with the page's
    id, a message with m_, and what is neither is taken for a comment first and for somebody's post then."""

    def __init__(self, graph: Graph, context: Context) -> None:
        self._graph = graph
        self._context = context

    def read(self, ids: Sequence[str], now: datetime) -> list[Item]:
        """The objects as they stand; each id once, those that are gone as deleted."""
        found: dict[str, Item] = {}
        gone: list[str] = []
        for form in _FIELDS:
            same = [one for one in dict.fromkeys(ids) if self._form(one) == form]
            for start in range(0, len(same), _AT_ONCE):
                chunk = same[start : start + _AT_ONCE]
                rows = self._several(chunk, form, now)
                found |= {one: self._item(rows[one], form) for one in chunk if rows.get(one)}
                gone += [one for one in chunk if not rows.get(one)]
        if gone:
            self._make_sure(now)
        found |= {one: deleted(one, self._context, _KINDS[self._form(one)]) for one in gone}
        return [found[one] for one in dict.fromkeys(ids)]

    def _several(self, ids: Sequence[str], form: str, now: datetime) -> dict[str, Any]:
        """Rows by id; None for one that is gone. One bad id fails a request for many [src], so then each is asked."""
        try:
            return self._graph.objects(ids, now, _FIELDS[form])
        except Permanent:
            return {one: self._one(one, form, now) for one in ids}

    def _one(self, external_id: str, form: str, now: datetime) -> Any:
        try:
            return self._graph.object(external_id, now, _FIELDS[form])
        except Gone:
            return None
        except Permanent:
            if form != "comment":
                raise
        try:  # a post has no field `parent`, and Graph refuses the whole request for it [doc]
            return {**self._graph.object(external_id, now, POST_FIELDS), "is_post": True}
        except Gone:
            return None

    def _make_sure(self, now: datetime) -> None:
        """Raises if people's comments cannot be seen at all: then nothing is gone, we are blind."""
        fields = "id,comments.limit(1).filter(stream){id}"
        self._graph.edge(self._context.page_id, "feed", now, fields=fields, limit=1)

    def _form(self, external_id: str) -> str:
        if external_id.startswith("m_"):
            return "message"
        return "post" if external_id.startswith(f"{self._context.page_id}_") else "comment"

    def _item(self, row: Any, form: str) -> Item:
        clean = scrubbed(row, self._graph.session)
        if form == "message":
            return message(clean, self._context, None)
        if form == "post" or clean.pop("is_post", False):
            return post(clean, self._context)
        return comment(clean, self._context, None)
