"""Reading known Facebook objects again, for edits and deletions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connectors.errors import BadPayload, Permanent
from connectors.facebook_graph import Gone, Graph
from connectors.facebook_items import Context, comment, deleted, message, post
from connectors.facebook_lists import COMMENT_FIELDS, MESSAGE_FIELDS, POST_FIELDS
from connectors.item import Item, ItemKind
from connectors.sdk_session import scrubbed

log = logging.getLogger(__name__)

_AT_ONCE = 50
"""Ids a request [doc: Graph API, Multiple Ids]."""

_FEW = 6
"""Of so many ids, one of which is bad, each is asked: halving on would cost as many requests."""

_FIELDS = {"comment": COMMENT_FIELDS, "post": POST_FIELDS, "message": MESSAGE_FIELDS}
_KINDS = {"comment": ItemKind.COMMENT, "post": ItemKind.VISITOR_POST, "message": ItemKind.DIRECT}


class Refresher:
    """Asks for objects by id. An id does not tell for sure what it is of: a post on this page begins with the page's
    id, a message with m_, and what is neither is taken for a comment until Graph says that it is a post."""

    def __init__(self, graph: Graph, context: Context) -> None:
        self._graph = graph
        self._context = context
        self._posts: set[str] = set()  # somebody's posts that were taken for comments: not asked for so again

    def read(self, ids: Sequence[str], now: datetime) -> list[Item]:
        """The objects as they stand; each id once, those that are gone as deleted.

        One whose answer cannot be read stays as it is known, and is asked for again the next time. Raises BadPayload
        where no answer can be read.
        """
        found: dict[str, Item] = {}
        gone: list[str] = []
        forms = {one: self._form(one) for one in ids}
        for form in _FIELDS:
            same = [one for one in forms if forms[one] == form]
            for start in range(0, len(same), _AT_ONCE):
                chunk = same[start : start + _AT_ONCE]
                rows = self._several(chunk, form, now)
                gone += [one for one in chunk if not rows.get(one)]
                there = ((one, self._item(rows[one], form)) for one in chunk if rows.get(one))
                found |= {one: item for one, item in there if item is not None}
        if gone:
            self._make_sure(now)
        found |= {one: deleted(one, self._context, _KINDS[forms[one]]) for one in gone}
        if forms and not found:
            raise BadPayload(
                "no answer about a known comment or post can be read, look at Facebook's status."
            )
        return [found[one] for one in forms if one in found]

    def _several(self, ids: Sequence[str], form: str, now: datetime) -> dict[str, Any]:
        """Rows by id; None for one that is gone. One bad id fails a request for many [src]: its halves are asked,
        and a few one by one, so that many bad ids do not cost many more requests than there are ids."""
        try:
            return self._graph.objects(ids, now, _FIELDS[form])
        except Permanent:
            if len(ids) <= _FEW:
                return {one: self._one(one, form, now) for one in ids}
            half = len(ids) // 2
            return self._several(ids[:half], form, now) | self._several(ids[half:], form, now)

    def _one(self, external_id: str, form: str, now: datetime) -> Any:
        try:
            return self._graph.object(external_id, now, _FIELDS[form])
        except Gone:
            return None
        except Permanent:
            if form != "comment":
                raise
        try:  # a post has no field `parent`, and Graph refuses the whole request for it [doc]
            row = self._graph.object(external_id, now, POST_FIELDS)
        except Gone:
            return None
        self._posts.add(external_id)
        return {**row, "is_post": True}

    def _make_sure(self, now: datetime) -> None:
        """Raises if people's comments cannot be seen at all: then nothing is gone, we are blind."""
        fields = "id,comments.limit(1).filter(stream){id}"
        self._graph.edge(self._context.page_id, "feed", now, fields=fields, limit=1)

    def _form(self, external_id: str) -> str:
        if external_id.startswith("m_"):
            return "message"
        mine = external_id.startswith(f"{self._context.page_id}_")
        return "post" if mine or external_id in self._posts else "comment"

    def _item(self, row: Any, form: str) -> Item | None:
        try:
            return self._read_as(form, row)
        except (ValueError, TypeError, AttributeError) as err:
            # Only the kind: what cannot be read may hold anybody's words.
            log.warning("a known object cannot be read", extra={"form": form, "error": type(err).__name__})
            return None

    def _read_as(self, form: str, row: Any) -> Item:
        clean = scrubbed(row, self._graph.session)
        if form == "message":
            return message(clean, self._context, None)
        if form == "post" or clean.pop("is_post", False):
            return post(clean, self._context)
        return comment(clean, self._context, None)
