"""A school's account on X: who speaks to it or of it, what it says itself, and direct messages.

- Lists come newest first; a walk asks only for what is newer than the last one less 30 minutes (start_time), because
  each post read costs money. Re-reading within a UTC day is free [doc: Pricing], so the overlap costs nearly nothing.
- The mentions list holds the last 800 [doc]; search goes back 7 days [doc]. What lies beyond is told as a gap.
- Reading wants the app's bearer token. Direct messages and hiding want the account's own four OAuth 1.0a secrets.
- An answer through the API is allowed only where the author spoke to the account first, and costs $0.015, with a link
  $0.20 [doc]: people answer on X itself. A post of somebody else cannot be deleted there, only hidden under one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.base import Capability, Checkpoint, Connector, Health, Options, Page, Rejected, SourceRef
from connectors.errors import (
    AuthExpired,
    BadPayload,
    NotSupported,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
)
from connectors.item import Item, ItemKind
from connectors.sdk_session import ApiUrl, rejected, scrubbed
from connectors.walk import Walk
from connectors.x_api import (
    HOST,
    USER_SECRETS,
    XApi,
    next_month,
    nothing_but_errors,
    partial_errors,
    problem_word,
)
from connectors.x_items import MESSAGE_FIELDS, POST_FIELDS, BadPost, Context, message, post, time_of
from connectors.x_refresh import Refresher
from connectors.x_spending import PRICES, Spending

Stream = Literal["mentions", "posts", "direct"]

OVERLAP = timedelta(minutes=30)
MENTIONS_KEPT = 800
SEARCH_REACH = timedelta(days=7)
_AT_ONCE = 100
"""Posts a page [doc]."""
_LEAST = {"mentions": 5, "posts": 5, "search": 10, "direct": 1}
"""The smallest page that each list gives [doc]."""
_EXPIRED = (BadPayload, Permanent)
"""What a page token gives that no longer holds (a 400, 404 or 410): the walk starts again once, then goes without."""


class XOptions(Options):
    """What an account's settings are.

    - `user_id`: the account's number (not its handle); the school is whoever has it.
    - `streams`: what is read. `direct` wants the four secrets of the account itself and is not read by default.
    - `query`: a search in X's own language; what it finds is a mention. None: no search.
    - `first_days`: how far back the first walk goes.
    - `monthly_limit_usd`: what reading may cost in a month (UTC); then it stops until the next. None: no limit.
    - `max_pages`: of one walk; a walk that is cut tells so.
    - `api_url`: where the API is; changed only to use a simulator.
    """

    user_id: str = Field(pattern=r"^\d{1,30}$")
    streams: tuple[Stream, ...] = Field(default=("mentions", "posts"), min_length=1)
    query: str | None = Field(default=None, min_length=1, max_length=4096)
    first_days: int = Field(default=7, ge=1)
    monthly_limit_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_pages: int = Field(default=50, ge=1)
    api_url: ApiUrl = HOST


class XConnector(Connector):
    """One account. `secrets` may also hold the four of the account itself (OAuth 1.0a user context)."""

    options_model = XOptions
    secret_names = ("bearer_token",)
    optional_secret_names = USER_SECRETS
    capabilities = frozenset({Capability.REFRESH, Capability.HIDE})

    def __init__(
        self, source: SourceRef, options: XOptions, secrets: Mapping[str, str], total_s: float = 30
    ) -> None:
        self._options = options
        self._api = XApi(options.api_url, secrets, total_s)
        self._context = Context(source.name, options.user_id)
        self._spent: dict[str, Spending] = {}
        self._lists: Mapping[str, Callable[..., dict[str, Any]]] = {
            "mentions": lambda now, **asked: self._api.mentions(options.user_id, now, **asked),
            "posts": lambda now, **asked: self._api.posts(options.user_id, now, **asked),
            "search": lambda now, **asked: self._api.search(options.query or "", now, **asked),
            "direct": lambda now, **asked: self._api.direct(now, user_auth=True, **asked),
        }

    def streams(self) -> Sequence[str]:
        search = ("search",) if self._options.query else ()
        return tuple(dict.fromkeys((*self._options.streams, *search)))

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        """Read one page; two requests where a page token has expired. Raises QuotaExhausted before it costs too
        much."""
        if stream not in self.streams():
            raise NotSupported(
                f"This account has no stream named {stream!r}: use one of {', '.join(self.streams())}."
            )
        if stream == "direct" and not self._api.has_user:
            raise PermissionMissing(_NO_USER)
        self._spent[stream] = Spending.load((checkpoint or {}).get("spending"), now)
        walk = Walk.load(checkpoint, OVERLAP)
        try:
            return self._page(stream, walk, now)
        except _EXPIRED:
            if walk.begins:
                raise
        if walk.restarts == 0:
            return self._page(stream, walk.restarted(), now)
        walk, gap = walk.given_up()
        return Page(checkpoint=self._dump(stream, walk), gap=gap)

    def refresh(self, ids: Sequence[str], now: datetime) -> Sequence[Item]:
        """Read posts again, in their newest version; what is deleted comes back so, what may not be seen as unknown."""
        refresher = Refresher(self._api, self._context)
        items = refresher.items(ids, now)
        before = self._spent.get("lookup")
        spending = Spending.load(before.dump() if before else None, now)
        self._spent["lookup"], _ = spending.bought(refresher.read, PRICES["lookup"])
        return items

    def moderate(self, action: Capability, external_id: str, **details: str) -> None:
        """Hide a reply under a post of the school [doc: Hide replies]."""
        if action is not Capability.HIDE:
            super().moderate(action, external_id, **details)
        if not self._api.has_user:
            raise PermissionMissing(_NO_USER)
        self._api.hide(external_id)

    def check(self, now: datetime) -> Health:
        """Ask how much of the project's monthly allowance is used: free, and only a good token may."""
        try:
            usage: Any = self._api.usage(now).get("data")
            left = int(usage["project_cap"]) - int(usage["project_usage"])
        except (AuthExpired, PermissionMissing, Permanent, BadPayload, QuotaExhausted) as err:
            return Health(ok=False, detail=str(err))
        except (KeyError, TypeError, ValueError):
            return Health(
                ok=False, detail="X did not say how much of the allowance is left: look at its status."
            )
        if "direct" in self.streams() and not self._api.has_user:
            return Health(ok=False, detail=_NO_USER, permissions_missing=("user context",), quota_left=left)
        return Health(
            ok=left > 0, detail=f"{max(left, 0)} posts may still be read this month", quota_left=max(left, 0)
        )

    def close(self) -> None:
        self._api.session.close()

    def _page(self, stream: str, walk: Walk, now: datetime) -> Page:
        size = self._affordable(stream, now)
        since, beyond = self._since(stream, walk, now)
        told = self._lists[stream](now, **self._asked(stream, walk.page_token, since, size))
        rows = told.get("data", [])
        if not (isinstance(told.get("meta"), Mapping) and isinstance(rows, list)):
            raise nothing_but_errors(told)
        items, faults = self._items(stream, rows)
        faults += [
            rejected("A part of the answer", _reason(one), one, self._api.session)
            for one in partial_errors(told)
        ]
        self._spent[stream], cost = self._spent[stream].bought(_ids(rows), PRICES[stream])
        target, count = walk.target, _number(walk.pending.get("count")) + len(rows)
        times = [time_of(row.get("created_at")) for row in rows if isinstance(row, Mapping)]
        older = stream == "direct" and any(time is not None and time < since for time in times)
        walk = replace(walk, pending={"count": count, "since": since.isoformat()})
        walk, gap = walk.read(times, None if older else _next(told), now, self._options.max_pages)
        if stream == "mentions" and walk.begins and target is not None and count >= MENTIONS_KEPT:
            beyond = (
                f"X shows the last {MENTIONS_KEPT} mentions only, and there were more since {target.isoformat()}: "
                "look at X itself."
            )
        return Page(
            items=tuple(items),
            checkpoint=self._dump(stream, walk),
            has_more=not walk.begins,
            partial_errors=tuple(faults),
            gap=gap or beyond,
            cost=cost,
        )

    def _asked(self, stream: str, token: str | None, since: datetime, size: int) -> dict[str, Any]:
        if stream == "direct":  # it has no start_time and keeps 30 days [doc]
            asked = {"dm_event_fields": MESSAGE_FIELDS, "event_types": "MessageCreate"}
            return {**asked, "max_results": size, "pagination_token": token}
        name = "next_token" if stream == "search" else "pagination_token"
        return {"tweet_fields": POST_FIELDS, "start_time": since, "max_results": size, name: token}

    def _since(self, stream: str, walk: Walk, now: datetime) -> tuple[datetime, str | None]:
        """From when on, the same for all pages of a walk; and a sentence if a search cannot reach back to there."""
        begun = time_of(walk.pending.get("since"))
        if begun is not None:
            return begun, None
        since = walk.target or now - timedelta(days=self._options.first_days)
        edge = now - SEARCH_REACH + timedelta(minutes=5)
        if stream != "search" or since >= edge:
            return since, None
        gap = f"Search on X goes back 7 days, so what was posted since {since.isoformat()} may be missing."
        return edge, gap if walk.target else None

    def _affordable(self, stream: str, now: datetime) -> int:
        """How many posts a page may have for this month's money. Raises QuotaExhausted when not even the fewest."""
        limit = self._options.monthly_limit_usd
        if limit is None:
            return _AT_ONCE
        month = self._spent[stream].month
        spent = sum(one.spent for one in self._spent.values() if one.month == month)
        size = min(_AT_ONCE, int((limit * 1000 - spent) // PRICES[stream]))
        if size < _LEAST[stream]:
            raise QuotaExhausted(
                f"Reading X has cost ${spent / 1000:.2f} this month and may cost ${limit:.2f}: raise "
                "monthly_limit_usd or wait for the next month.",
                next_month(now),
            )
        return size

    def _items(self, stream: str, rows: Sequence[Any]) -> tuple[list[Item], list[Rejected]]:
        items: list[Item] = []
        faults: list[Rejected] = []
        for row in rows:
            try:
                clean = scrubbed(row, self._api.session)
                if stream == "direct":
                    items.append(message(clean, self._context))
                else:
                    items.append(post(clean, self._context, ItemKind.MENTION if stream == "search" else None))
            except (BadPost, ValueError, TypeError, AttributeError) as err:
                why = str(err) if isinstance(err, BadPost) else f"it cannot be read ({type(err).__name__})"
                faults.append(rejected("A post", why, row, self._api.session))
        return items, faults

    def _dump(self, stream: str, walk: Walk) -> Checkpoint:
        return {**walk.dump(), "spending": self._spent[stream].dump()}


_NO_USER = (
    "Direct messages and hiding on X want the account's own login: give the secrets "
    f"{', '.join(USER_SECRETS)} of an app with the permission to read and write direct messages."
)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _next(told: Mapping[str, Any]) -> str | None:
    meta = told.get("meta")
    token = meta.get("next_token") if isinstance(meta, Mapping) else None
    return token if isinstance(token, str) and token else None


def _ids(rows: Sequence[Any]) -> list[str]:
    return [str(row["id"]) for row in rows if isinstance(row, Mapping) and row.get("id")]


def _reason(error: Mapping[str, Any]) -> str:
    return f"X could not give it ({problem_word(error) or error.get('title') or 'no reason'})"
