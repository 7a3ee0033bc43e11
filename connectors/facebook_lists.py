"""The lists that are read from a page, and where a walk through one of them stands.

Two of the lists are nested: the comments of each post stand inside the page of posts, and so do the messages of each
conversation, with pages of their own. A walk reads a page of the outer list, then whatever further pages its inner
lists have, one a fetch, then the next outer page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.errors import BadPayload
from connectors.facebook_items import Context, Row, comment, mention, message, post, time_of, visitor_post
from connectors.item import Item

COMMENT_FIELDS = "id,message,from,created_time,parent{id},is_hidden,permalink_url,attachment{type,url}"
POST_FIELDS = "id,message,story,from,created_time,updated_time,is_hidden,permalink_url,attachments{type,url}"
MESSAGE_FIELDS = "id,message,from,created_time"
OUTER_LIMIT = 25
INNER_LIMIT = 50
_LEAST = 5
"""Posts and comments a page where Facebook asks for less."""

MakeItem = Callable[[Row, Context, str | None], Item]


@dataclass(frozen=True, slots=True)
class Inner:
    """The list inside each object of an outer one. `params` are what its order needs."""

    edge: str
    fields: str
    params: tuple[tuple[str, str], ...] = ()

    def expanded(self, limit: int) -> str:
        """As a field of the outer list: edge.limit(50).order(x){fields}."""
        modifiers = "".join(f".{name}({value})" for name, value in self.params)
        return f"{self.edge}.limit({limit}){modifiers}{{{self.fields}}}"


@dataclass(frozen=True, slots=True)
class Listing:
    """One stream: an edge of the page. `time`: the field that it is sorted by, newest first. `inner`: where the items
    are; without one the objects themselves are the items. `scope`: the permission it needs beyond
    pages_read_engagement [doc: Permissions]. `whose`: in words."""

    edge: str
    fields: str
    make: MakeItem
    scope: str
    whose: str
    inner: Inner | None = None
    time: str = "created_time"

    def asked(self, *, less: bool) -> dict[str, Any]:
        """The parameters of an outer page."""
        inner = f",{self.inner.expanded(_LEAST if less else INNER_LIMIT)}" if self.inner else ""
        return {"fields": self.fields + inner, "limit": _LEAST if less else OUTER_LIMIT}

    def asked_inside(self, *, less: bool) -> dict[str, Any]:
        """The parameters of a further page of an inner list."""
        if self.inner is None:
            raise ValueError("this list has none inside")
        return {
            **dict(self.inner.params),
            "fields": self.inner.fields,
            "limit": _LEAST if less else INNER_LIMIT,
        }


_COMMENTS = Listing(
    edge="feed",
    fields="id,created_time,updated_time",
    make=comment,
    scope="pages_read_user_content",
    whose="comments on posts",
    inner=Inner("comments", COMMENT_FIELDS, (("order", "reverse_chronological"), ("filter", "stream"))),
)

LISTINGS: Mapping[str, Listing] = {
    "comments": _COMMENTS,
    "older_comments": _COMMENTS,
    "visitor_posts": Listing(
        "visitor_posts",
        POST_FIELDS,
        lambda row, context, _: visitor_post(row, context),
        "pages_read_user_content",
        "visitors' posts",
    ),
    "mentions": Listing(
        "tagged",
        POST_FIELDS,
        lambda row, context, _: mention(row, context),
        "pages_read_user_content",
        "posts that tag the page",
    ),
    "posts": Listing(
        "posts",
        POST_FIELDS,
        lambda row, context, _: post(row, context),
        "pages_read_engagement",
        "the page's own posts",
    ),
    "direct": Listing(
        edge="conversations",
        fields="id,updated_time",
        make=message,
        scope="pages_messaging",
        whose="direct messages",
        inner=Inner("messages", MESSAGE_FIELDS),
        time="updated_time",
    ),
}
"""The streams by name [doc: Page Feed, Visitor Posts, Tagged, Posts, Conversations]."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands, as a walk's page token. `after`: the next outer page. `inside`: further pages of inner
    lists, each the outer object's id and a cursor. `outer_done`: there is no further outer page. `until`: where the
    outer list was begun, in seconds, if not at its newest end."""

    after: str | None = None
    inside: tuple[tuple[str, str], ...] = ()
    outer_done: bool = False
    until: int | None = None

    @classmethod
    def load(cls, token: str | None) -> Place:
        """Raises BadPayload for a token that is not of this form: the walk begins again."""
        if token is None:
            return cls()
        try:
            after, inside, outer_done, until = json.loads(token)
            return cls(
                after, tuple((str(one), str(cursor)) for one, cursor in inside), bool(outer_done), until
            )
        except (ValueError, TypeError):
            raise BadPayload("The place where the walk stood cannot be read; it begins again.") from None

    def dump(self) -> str | None:
        """None at the end of the walk."""
        if self.outer_done and not self.inside:
            return None
        return json.dumps([self.after, [list(one) for one in self.inside], self.outer_done, self.until])

    def past_inner(self, cursor: str | None) -> Place:
        """After a page of the first inner list; `cursor`: of its next page, if that is wanted."""
        (parent, _), *rest = self.inside
        first = ((parent, cursor),) if cursor else ()
        return replace(self, inside=(*first, *rest))


@dataclass(frozen=True, slots=True)
class Chunk:
    """One page of one list, outer or inner: its rows, and the cursor of the next page."""

    rows: tuple[Any, ...]
    after: str | None

    @classmethod
    def of(cls, told: Any) -> Chunk:
        """Raises BadPayload where there is no list: an object without `data` is no quiet day."""
        rows = told.get("data") if isinstance(told, Mapping) else None
        if not isinstance(rows, list):
            raise BadPayload("Facebook answered without the list that was asked for, look at its status.")
        paging = told.get("paging")
        if not isinstance(paging, Mapping) or not paging.get(
            "next"
        ):  # cursors stand on the last page too [doc]
            return cls(tuple(rows), None)
        cursors = paging.get("cursors")
        after = cursors.get("after") if isinstance(cursors, Mapping) else None
        if not isinstance(after, str) or not after:
            raise BadPayload("Facebook announced a further page and did not say where, look at its status.")
        return cls(tuple(rows), after)

    def last_time(self, field: str) -> datetime | None:
        """Of the last row that has one: how far down this page reaches."""
        times = (time_of(row.get(field)) for row in reversed(self.rows) if isinstance(row, Mapping))
        return next((time for time in times if time is not None), None)

    def goes_below(self, floor: datetime | None, field: str = "created_time") -> bool:
        last = self.last_time(field)
        return floor is not None and last is not None and last < floor
