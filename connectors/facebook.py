"""A school's Facebook page: comments, visitors' posts, posts that tag it, its own posts, and direct messages.

- Comments are read through the newest posts (`recent_days`), 25 a page with their newest 50 comments, replies among
  them (filter=stream) [doc: Page Feed, Comments]; further pages of a post's comments are read as far down as needed.
- A late comment on an older post would be missed that way: the stream `older_comments` goes round through the older
  posts, one page a poll, back to `sweep_days`, and begins again.
- Nothing missing from a list is called deleted: `refresh` asks for it, and makes sure that the page's comments can
  still be seen before it believes that one of them is gone (Graph tells "gone" and "not for you" alike).
- A public search for words does not exist on Facebook [doc].
- Meta's limits per page count calls; a page's usage headers slow the polls down before they fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.base import Capability, Checkpoint, Connector, Health, Options, Page, Rejected, SourceRef
from connectors.errors import AuthExpired, BadPayload, NotSupported, Permanent, PermissionMissing
from connectors.facebook_graph import HOST, Gone, Graph, GraphSession, TooMuch
from connectors.facebook_items import BadObject, Context, created
from connectors.facebook_lists import LISTINGS, Chunk, Listing, Place
from connectors.facebook_refresh import Refresher
from connectors.item import Item
from connectors.sdk_session import ApiUrl, rejected, scrubbed
from connectors.walk import OVERLAP, Walk

Stream = Literal["comments", "older_comments", "visitor_posts", "mentions", "posts", "direct"]

SWEEP = "older_comments"
_NO_LIMIT = 1_000_000
_EXPIRED = (BadPayload, Permanent)
"""What a cursor gives that no longer holds (error 100, a 404 or 410): the walk starts again once, then goes without."""


class FacebookOptions(Options):
    """What a page's settings are.

    - `page_id`: the page's number, as in its settings under Page transparency; the school is whoever has it.
    - `app_id`: the number of the school's app at developers.facebook.com, whose secret is `app_secret`.
    - `streams`: what is read. `direct` wants the permission pages_messaging and is not read by default.
    - `recent_days`: how old a post may be for its comments to be read at every poll; also how far back the first
      walk of any stream goes.
    - `sweep_days`: how old a post may be for its comments to be looked for at all, slowly.
    - `max_pages`: of one walk; a walk that is cut tells so.
    - `api_url`: where the Graph API is; changed only to use a simulator.
    """

    page_id: str = Field(pattern=r"^\d{1,30}$")
    app_id: str = Field(pattern=r"^\d{1,30}$")
    streams: tuple[Stream, ...] = Field(
        default=("comments", "older_comments", "visitor_posts", "mentions", "posts"), min_length=1
    )
    recent_days: int = Field(default=30, ge=1)
    sweep_days: int = Field(default=365, ge=2)
    max_pages: int = Field(default=200, ge=1)
    api_url: ApiUrl = HOST


@dataclass(slots=True)
class _Read:
    """What one page has so far. `times`: of all its rows, items or not."""

    items: list[Item] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    requests: int = 0


class FacebookConnector(Connector):
    """One page. `app_secret` serves to ask how long the token lives, and for nothing else."""

    options_model = FacebookOptions
    secret_names = ("access_token", "app_secret")
    capabilities = frozenset(
        {Capability.REFRESH, Capability.HIDE, Capability.DELETE, Capability.REPLY, Capability.BLOCK}
    )

    def __init__(
        self, source: SourceRef, options: FacebookOptions, secrets: Mapping[str, str], total_s: float = 30
    ) -> None:
        self._options = options
        self._app_secret = secrets["app_secret"]
        self._session = GraphSession(options.api_url, total_s=total_s, secrets=tuple(secrets.values()))
        self._graph = Graph(self._session, secrets["access_token"])
        self._context = Context(source.name, options.page_id)
        self._refresher = Refresher(self._graph, self._context)

    def streams(self) -> Sequence[str]:
        return tuple(dict.fromkeys(self._options.streams))

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        """Read one page of one list. Two requests where a cursor has expired or Facebook asked for less."""
        if stream not in self.streams():
            raise NotSupported(
                f"This page has no stream named {stream!r}: use one of {', '.join(self.streams())}."
            )
        listing = LISTINGS[stream]
        walk = _begun(Walk.load(checkpoint), now)
        try:
            return self._page(stream, walk, now)
        except PermissionMissing as err:
            raise PermissionMissing(
                f"Facebook does not let us read {listing.whose}: grant {listing.scope} to the app. {err}"
            ) from None
        except _EXPIRED:
            if walk.begins:
                raise
        if walk.restarts == 0:
            return self._page(stream, _begun(walk.restarted(), now), now)
        walk, gap = walk.given_up()
        return Page(checkpoint=walk.dump(), gap=gap, cost=1)

    def refresh(self, ids: Sequence[str], now: datetime) -> Sequence[Item]:
        """Read comments, posts and messages again; what is gone comes back as deleted."""
        return self._refresher.read(ids, now)

    def moderate(self, action: Capability, external_id: str, **details: str) -> None:
        """Hide, delete, reply (`text`) or block (`author_id`) [doc: Comment, Page Blocked]."""
        if action is Capability.HIDE:
            self._graph.post(external_id, is_hidden="true")
        elif action is Capability.DELETE:
            self._graph.delete(external_id)
        elif action is Capability.REPLY:
            self._graph.post(f"{external_id}/comments", message=_detail(details, "text"))
        elif action is Capability.BLOCK:
            self._graph.post(f"{self._options.page_id}/blocked", user=_detail(details, "author_id"))
        else:
            super().moderate(action, external_id, **details)

    def check(self, now: datetime) -> Health:
        """Ask debug_token: is the token good, until when, and may it do what the streams need?"""
        try:
            facts = self._graph.token_facts(self._options.app_id, self._app_secret, now)
        except (AuthExpired, PermissionMissing, Permanent, BadPayload) as err:
            return Health(ok=False, detail=str(err))
        until = _token_until(facts)
        scopes = facts.get("scopes")
        needed = ["pages_read_engagement", *(LISTINGS[name].scope for name in self.streams())]
        lacking = {name for name in needed if name not in scopes} if isinstance(scopes, list) else set()
        missing = tuple(sorted(lacking))
        good = facts.get("is_valid") is True and (until is None or until > now)
        if not good:
            detail = "Facebook no longer accepts the token: renew it."
        elif missing:
            detail = f"The token lacks {', '.join(missing)}: grant it to the app and renew the token."
        else:
            detail = "Facebook accepts the token and its permissions"
        left = 100 - min(self._session.usage.percent, 100)
        return Health(
            ok=good and not missing,
            detail=detail,
            token_until=until,
            permissions_missing=missing,
            quota_left=left,
        )

    def close(self) -> None:
        self._session.close()

    def _page(self, stream: str, walk: Walk, now: datetime) -> Page:
        listing = LISTINGS[stream]
        place = Place.load(walk.page_token)
        read = _Read()
        if place.inside:
            place = self._inside(listing, place, walk, read, now)
        else:
            place = self._outside(stream, place, walk, read, now)
        # Only whether a time lies above the target counts here: what ends a walk is the place, not the times.
        newer = [time for time in read.times if walk.target is None or time >= walk.target]
        most = _NO_LIMIT if stream == SWEEP else self._options.max_pages
        walk, gap = walk.read([max(newer)] if newer else [], place.dump(), now, most)
        return Page(
            items=tuple(read.items),
            checkpoint=walk.dump(),
            has_more=not walk.begins and stream != SWEEP,
            partial_errors=tuple(read.rejected),
            gap=gap,
            cost=read.requests,
            poll_after=self._session.usage.poll_after,
        )

    def _outside(self, stream: str, place: Place, walk: Walk, read: _Read, now: datetime) -> Place:
        """A page of the outer list, with the first page of each inner one."""
        listing = LISTINGS[stream]
        recent = now - timedelta(days=self._options.recent_days)
        if stream == SWEEP and place.until is None:
            place = replace(place, until=int(recent.timestamp()))
        told = self._ask(listing, self._options.page_id, listing.edge, place, read, now)
        chunk = Chunk.of(told)
        floor = recent
        if stream == SWEEP:
            floor = now - timedelta(days=self._options.sweep_days)
        elif listing.inner is None or listing.time == "updated_time":
            floor = walk.target or recent
        done = chunk.after is None or chunk.goes_below(floor, listing.time)
        inside = []
        if listing.inner is None:
            self._take(listing, chunk.rows, None, read)
        else:
            for row in chunk.rows:
                inside += self._inner_of(listing, listing.inner.edge, row, walk, read)
        return replace(place, after=None if done else chunk.after, outer_done=done, inside=tuple(inside))

    def _inner_of(
        self, listing: Listing, edge: str, row: Any, walk: Walk, read: _Read
    ) -> list[tuple[str, str]]:
        """Take the inner items of one outer object; where they go on, if that is wanted. No key: it has none."""
        if not (isinstance(row, Mapping) and isinstance(row.get("id"), str)):
            read.rejected.append(rejected("A post", "it has no id", row, self._session))
            return []
        if edge not in row:
            return []
        try:
            chunk = Chunk.of(row[edge])
        except BadPayload:
            read.rejected.append(rejected("A post", f"its {edge} are no list", row, self._session))
            return []
        self._take(listing, chunk.rows, row["id"], read)
        wanted = chunk.after is not None and not chunk.goes_below(walk.target)
        return [(row["id"], chunk.after)] if wanted and chunk.after else []

    def _inside(self, listing: Listing, place: Place, walk: Walk, read: _Read, now: datetime) -> Place:
        """A further page of one post's comments, or of one conversation's messages."""
        parent, cursor = place.inside[0]
        edge = listing.inner.edge if listing.inner else ""
        try:
            told = self._ask(listing, parent, edge, replace(place, after=cursor, until=None), read, now)
        except Gone:  # the post was deleted between two pages, and its comments with it
            return place.past_inner(None)
        chunk = Chunk.of(told)
        self._take(listing, chunk.rows, parent, read)
        return place.past_inner(None if chunk.goes_below(walk.target) else chunk.after)

    def _ask(
        self, listing: Listing, parent: str, edge: str, place: Place, read: _Read, now: datetime
    ) -> dict[str, Any]:
        """One list, or a shorter piece of it where Facebook says that this was too much."""
        asked = listing.asked if not place.inside else listing.asked_inside
        where = {"after": place.after, "until": place.until}
        read.requests += 1
        try:
            return self._graph.edge(parent, edge, now, **where, **asked(less=False))
        except TooMuch:
            read.requests += 1
            return self._graph.edge(parent, edge, now, **where, **asked(less=True))

    def _take(self, listing: Listing, rows: Sequence[Any], parent: str | None, read: _Read) -> None:
        for row in rows:
            try:
                clean = scrubbed(row, self._session)
                read.times += filter(None, [created(clean)])
                read.items.append(listing.make(clean, self._context, parent))
            except (BadObject, ValueError, TypeError, AttributeError) as err:
                why = str(err) if isinstance(err, BadObject) else f"it cannot be read ({type(err).__name__})"
                read.rejected.append(rejected("An object of the page", why, row, self._session))


def _begun(walk: Walk, now: datetime) -> Walk:
    """At a walk's begin: remember when, and go down to before the last one began. Each list inside is read at its own
    moment, so the newest time seen in one says nothing of the others."""
    if not walk.begins:
        return walk
    try:
        before = datetime.fromisoformat(walk.kept["began"]) - OVERLAP
        target = min(filter(None, [walk.target, before]))
    except (KeyError, TypeError, ValueError):
        target = None
    return replace(walk, target=target, pending={"began": now.isoformat()})


def _detail(details: Mapping[str, str], name: str) -> str:
    if not details.get(name, "").strip():
        raise Permanent(f"This action needs its {name}.")
    return details[name]


def _token_until(facts: Mapping[str, Any]) -> datetime | None:
    """The earlier of the token's end and of the access to data, 90 days after a login; 0 means never [doc]."""
    ends = [facts.get("expires_at"), facts.get("data_access_expires_at")]
    known = [end for end in ends if isinstance(end, int) and 0 < end < 1e11]
    return datetime.fromtimestamp(min(known), UTC) if known else None
