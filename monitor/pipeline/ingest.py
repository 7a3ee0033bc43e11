"""Stage 1: read one page of one stream, and store it whole or not at all."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from config.db import EPOCH
from connectors.base import Connector, Page
from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from connectors.item import Item
from monitor.pipeline import tell
from monitor.pipeline.clean import REPORTED, Cleaned, Unusable, clean, raw_bytes
from monitor.pipeline.site import Site
from monitor.storage import events, items, polls, set_asides
from monitor.storage.items import Change, Payload
from monitor.storage.polls import LeaseLost, Poll, Source

log = logging.getLogger(__name__)

OpenConnector = Callable[[str], Connector]
"""A source's name to its connector. Raises ConnectorError when it cannot be opened."""

REFRESH = "refresh"
"""The stream, beside the connector's own, that looks for edits and deletions of known items."""
_REFRESH_EVERY = timedelta(hours=2)
_REFRESH_FOR = timedelta(days=3)
_REFRESH_AT_ONCE = 50
_FIRST_LOOK_BACK = timedelta(hours=24)
_LEASE_MARGIN = timedelta(seconds=60)
_LONG_WAIT = timedelta(minutes=15)
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_ASKED = timedelta(hours=24)
_WAITS: dict[type[ConnectorError], timedelta | None] = {
    # None: the poll's own interval, doubled with each failure. The others want a person or a clock.
    Transient: None,
    BadPayload: None,
    RateLimited: _LONG_WAIT,
    QuotaExhausted: _LONGEST_WAIT,
    AuthExpired: _LONG_WAIT,
    PermissionMissing: _LONG_WAIT,
    Permanent: _LONG_WAIT,
}
NEEDS_A_PERSON = (AuthExpired, PermissionMissing)
"""Failures that no waiting mends: people are told at once, not after hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll did. `hidden_or_shown`: items whose state changed. `first_walk_ended`: the source has been read to
    its end for the first time. `error`: the code of the failure, `why` its sentence."""

    source: str
    new: int = 0
    edited: int = 0
    hidden_or_shown: int = 0
    set_aside: int = 0
    has_more: bool = False
    first_walk_ended: bool = False
    error: str | None = None
    why: str = ""

    @property
    def follows(self) -> bool:
        """Is there something to do at once because of it?"""
        found = self.new + self.edited + self.hidden_or_shown + self.set_aside
        return found > 0 or self.has_more or self.first_walk_ended


def poll(site: Site, open_connector: OpenConnector, names: frozenset[str], now: datetime) -> Polled | None:
    """Read one page of the stream that is longest due among the named sources. None: nothing is due."""
    lease = timedelta(seconds=site.worker.fetch_seconds) + _LEASE_MARGIN
    with site.db.write("claim poll") as conn:
        claimed = polls.claim(conn, site.id, now, lease, names)
    if claimed is None:
        return None
    try:
        connector = open_connector(claimed.source.name)
        page = _read(site, connector, claimed, now)
    except ConnectorError as err:
        return _failed(site, claimed, err, now)
    except Exception as err:
        log.exception("connector failed", extra={"source": claimed.source.name})
        fault = Permanent(f"the connector failed with {type(err).__name__}; report this to its maintainers")
        return _failed(site, claimed, fault, now)
    try:
        return _store(site, claimed, page, now)
    except LeaseLost as err:
        log.warning("lease lost", extra={"source": claimed.source.name, "error": str(err)})
        return Polled(source=claimed.source.name, error="lease_lost")
    except DBAPIError as err:
        if err.connection_invalidated or isinstance(err, OperationalError):
            raise  # the database, not the page: the page is read again
        return _store_carefully(site, claimed, page, err, now)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as err:
        return _store_carefully(site, claimed, page, err, now)


def _read(site: Site, connector: Connector, claimed: Poll, now: datetime) -> Page:
    """The stream's next page; of the stream `refresh` some of the items already known, read again."""
    if claimed.stream != REFRESH:
        return connector.fetch(claimed.stream, claimed.checkpoint, now)
    after = (claimed.checkpoint or {}).get("after", 0)
    with site.db.read() as conn:
        known = items.to_refresh(
            conn, site.id, claimed.source.id, after, now - _REFRESH_FOR, _REFRESH_AT_ONCE
        )
    found = connector.refresh([one.external_id for one in known], now) if known else ()
    more = len(known) == _REFRESH_AT_ONCE
    return Page(
        items=tuple(found),
        checkpoint={"version": 1, "after": known[-1].id if more else 0},
        has_more=more,
        poll_after=_REFRESH_EVERY,
    )


def _store_carefully(site: Site, claimed: Poll, page: Page, err: Exception, now: datetime) -> Polled:
    """Something in the page breaks the storing of it: each item on its own, and what breaks is set aside."""
    log.error(
        "page cannot be stored whole", extra={"source": claimed.source.name, "error": type(err).__name__}
    )
    try:
        return _store(site, claimed, page, now, careful=True)
    except LeaseLost:
        return Polled(source=claimed.source.name, error="lease_lost")
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as again:
        fault = Permanent(f"what it gives cannot be stored ({type(again).__name__}); report this")
        return _failed(site, claimed, fault, now)


def _store(site: Site, claimed: Poll, page: Page, now: datetime, *, careful: bool = False) -> Polled:
    """T1: the page's items, the checkpoint and the next poll, in one commit. `careful`: an item that breaks is set
    aside, and its neighbours are stored."""
    counts = dict.fromkeys(Change, 0)
    set_aside = 0
    with site.db.write("T1") as conn:
        events.lock(conn, site.id)
        whose = {claimed.source.name: (claimed.source, _watch_from(conn, site, claimed.source, now))}
        for item in page.items:
            try:
                with conn.begin_nested() if careful else nullcontext():
                    counts[_store_one(conn, site, claimed, item, whose, now)] += 1
            except Unusable as err:
                set_aside += _set_aside(conn, claimed, item, str(err), now)
            except Exception as err:
                if not careful:
                    raise
                reason = f"it cannot be stored ({type(err).__name__}); look at what the source sends"
                set_aside += _set_aside(conn, claimed, item, reason, now)
        for rejected in page.partial_errors:
            set_aside += set_asides.keep(
                conn,
                claimed.source,
                claimed.stream,
                rejected.reason,
                rejected.raw,
                rejected.external_id,
                now,
            )
        if page.gap is not None:
            set_aside += set_asides.keep(
                conn, claimed.source, claimed.stream, page.gap, b"", f"gap {now.isoformat()}", now
            )
        polls.page_read(
            conn, claimed, page.checkpoint, _next_poll(site, claimed, page, now), now, has_more=page.has_more
        )
        tell.source_reads(conn, site, claimed, now)
    return Polled(
        source=claimed.source.name,
        new=counts[Change.NEW],
        edited=counts[Change.EDITED],
        hidden_or_shown=counts[Change.STATE],
        set_aside=set_aside,
        has_more=page.has_more,
        first_walk_ended=claimed.walked_at is None and not page.has_more,
    )


def _set_aside(conn: Connection, claimed: Poll, item: Item, reason: str, now: datetime) -> bool:
    return set_asides.keep(conn, claimed.source, claimed.stream, reason, raw_bytes(item), None, now)


def _store_one(
    conn: Connection,
    site: Site,
    claimed: Poll,
    item: Item,
    whose: dict[str, tuple[Source, datetime]],
    now: datetime,
) -> Change:
    cleaned = clean(item, now)
    if cleaned.item.account not in whose:
        whose[cleaned.item.account] = _whose(conn, site, claimed, cleaned.item.account, now)
    return _store_item(conn, site, claimed, cleaned, whose[cleaned.item.account], now)


def _store_item(
    conn: Connection,
    site: Site,
    claimed: Poll,
    cleaned: Cleaned,
    whose: tuple[Source, datetime],
    now: datetime,
) -> Change:
    source, watch_from = whose
    payload = Payload(
        created_at=cleaned.created_at,
        created_mark=cleaned.created_mark,
        marks=cleaned.marks,
        raw=cleaned.raw,
        cold=cleaned.created_at < watch_from,
    )
    stored = items.store(conn, source, claimed.stream, cleaned.item, payload, now)
    if stored.change is Change.SAME:
        return stored.change
    data = {"version": stored.version_no, "state": cleaned.item.state.value}
    events.append(conn, site.id, f"item:{stored.id}", [(stored.change.value, now, data)])
    if stored.change in (Change.NEW, Change.EDITED):
        _report_marks(conn, claimed, cleaned, now)
    return stored.change


def _report_marks(conn: Connection, claimed: Poll, cleaned: Cleaned, now: datetime) -> None:
    for mark in cleaned.marks:
        if mark in REPORTED:
            # The item is stored and its payload with it: only the word that it was cleaned is kept here.
            set_asides.keep(conn, claimed.source, claimed.stream, mark, b"", cleaned.item.external_id, now)


def _whose(
    conn: Connection, site: Site, claimed: Poll, account: str, now: datetime
) -> tuple[Source, datetime]:
    """The source an item says it is of, where the settings know it (a file holds items of many); else the
    one that is polled."""
    known = site.school.source(account)
    source = claimed.source
    if known is not None:
        official = site.school.account(account) is not None
        source = polls.ensure_source(conn, site.id, known.name, known.platform, official=official)
    return source, _watch_from(conn, site, source, now)


def _watch_from(conn: Connection, site: Site, source: Source, now: datetime) -> datetime:
    """From when on items carry deadlines: the configured moment, else a day before the first good poll."""
    configured = site.school.source(source.name)
    wanted = configured.watch_from if configured is not None else None
    stored = source.watch_from
    if stored is not None and stored > now:
        stored = None  # written while the clock was wrong: nothing would ever carry a deadline
    chosen = wanted or stored or now - _FIRST_LOOK_BACK
    if chosen != source.watch_from:
        polls.begin_watch(conn, source, chosen)
    return chosen


def _next_poll(site: Site, claimed: Poll, page: Page, now: datetime) -> datetime:
    if page.has_more:
        return now
    if page.poll_after is not None:
        return now + max(min(page.poll_after, _LONGEST_ASKED), _interval(site, claimed.source.name))
    return _slot(_interval(site, claimed.source.name), claimed, now)


def _interval(site: Site, name: str) -> timedelta:
    source = site.school.source(name)
    own = source.poll_minutes if source is not None else None
    return timedelta(minutes=own or site.worker.poll_minutes)


def _slot(wait: timedelta, claimed: Poll, now: datetime) -> datetime:
    """The next moment, at most `wait` from now, of the stream's own beat.

    Each stream has its place within the interval, drawn from its name, so that a thousand schools do not ask in the
    same second; and a poll that came late, after a crash or a long night, does not put off all that follow.
    """
    key = f"{claimed.source.school_id}/{claimed.source.name}/{claimed.stream}"
    place = wait * (int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32)
    begun = (now - EPOCH - place) // wait
    return EPOCH + place + (begun + 1) * wait


def _failed(site: Site, claimed: Poll, err: ConnectorError, now: datetime) -> Polled:
    log.warning(
        "poll failed",
        extra={"source": claimed.source.name, "stream": claimed.stream, "code": err.code, "error": str(err)},
    )
    try:
        with site.db.write("poll failed") as conn:
            events.lock(conn, site.id)
            again = _try_again(site, claimed, err, now)
            polls.failed(conn, claimed, again, now)
            since = claimed.failing_since or now
            # Told now, too, when it is known already that nobody will look for hours.
            if isinstance(err, NEEDS_A_PERSON) or again - since >= site.blind_after:
                tell.source_blind(conn, site, claimed, err.code, since, now)
    except LeaseLost:
        return Polled(source=claimed.source.name, error="lease_lost")
    return Polled(source=claimed.source.name, error=err.code, why=str(err))


def _try_again(site: Site, claimed: Poll, err: ConnectorError, now: datetime) -> datetime:
    """When to read again. What a platform asks for is kept, up to a day: blindness is told long before."""
    asked = None
    if isinstance(err, RateLimited):
        asked = err.retry_after
    elif isinstance(err, QuotaExhausted) and err.until is not None:
        asked = err.until - now
    if asked is not None:
        return now + min(max(asked, timedelta(seconds=1)), _LONGEST_ASKED)
    fixed = _WAITS.get(type(err), _LONG_WAIT)
    if fixed is not None:
        return now + fixed
    doubled = _interval(site, claimed.source.name) * (1 << min(claimed.failures, 8))
    return _slot(min(doubled, _LONGEST_WAIT), claimed, now)
