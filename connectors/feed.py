"""RSS and Atom: news, blogs and their comments, searches that a site offers as a feed.

- Conditional requests (ETag, Last-Modified); what the server said is kept only once a walk has ended, and only for
  a document that was whole.
- Pages by RFC 5005 `rel=next`, one a fetch; a walk goes down to the newest time known less 15 minutes.
- A document that breaks off gives its complete entries and a Rejected for the rest; with no complete entry it is
  BadPayload, and so is anything feedparser finds no version in. A malformed one gives its entries and a Rejected.
- RSS dates without a zone are taken as UTC. Characters that XML forbids (NUL, lone surrogates) arrive as U+FFFD.
- A feed cannot tell deletions, and what has left its pages is gone: nothing can be refreshed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from urllib.parse import urljoin, urlsplit

from pydantic import Field, HttpUrl

from connectors.base import Checkpoint, Connector, Health, Options, Page, Rejected, SourceRef
from connectors.errors import AuthExpired, BadPayload, NotSupported, Permanent, PermissionMissing
from connectors.feed_document import Document, parse
from connectors.feed_items import BadEntry, Context, item_from_entry, times
from connectors.http import Answer, GuardedSession
from connectors.item import Item, ItemKind
from connectors.walk import Walk

STREAM = "entries"
_EXPIRED = (AuthExpired, BadPayload, Permanent, PermissionMissing)
"""What a later page's address gives when it no longer holds; it is the server's own making, so the walk starts again
once, and then goes without the rest rather than never read the newest page again."""

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"


class FeedOptions(Options):
    """`url`: of the feed. `must`: of these words or phrases at least one occurs as whole words, in whatever case;
    none given means everything. `must_not`: none of these occurs. `kind`: what the entries are. `school_authors`:
    names, addresses or pages of authors who are the school. `max_pages`: of one walk."""

    url: HttpUrl
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    kind: Literal["mention", "post", "comment"] = "mention"
    school_authors: tuple[str, ...] = ()
    max_pages: int = Field(default=20, ge=1)


class FeedConnector(Connector):
    """Entries of one feed. A session of one's own may be given; it is closed with the connector."""

    options_model = FeedOptions

    def __init__(
        self,
        source: SourceRef,
        options: FeedOptions,
        secrets: Mapping[str, str],
        session: GuardedSession | None = None,
    ) -> None:
        self._options = options
        self._account = source.name
        self._url = str(options.url)
        self._session = session or GuardedSession(secrets=tuple(secrets.values()))
        self._must = _whole_words(options.must)
        self._must_not = _whole_words(options.must_not)

    def streams(self) -> Sequence[str]:
        return (STREAM,)

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        """Read one page of the feed; two requests where the token of a later page has expired."""
        if stream != STREAM:
            raise NotSupported(f"A feed has no stream named {stream!r}: use {STREAM!r}.")
        walk = Walk.load(checkpoint)
        if walk.begins:
            return self._first(walk, now)
        try:
            return self._page(walk, self._ask(walk.page_token or self._url, {}, now), now)
        except _EXPIRED:
            if walk.restarts == 0:
                return self._first(walk.restarted(), now)
            walk, gap = walk.given_up()
            return Page(checkpoint=walk.dump(), gap=gap, cost=1)

    def check(self, now: datetime) -> Health:
        """Read the newest page once. Raises what is likely to pass (Transient, RateLimited)."""
        try:
            answer = self._ask(self._url, {}, now)
            document = parse(answer.body, answer.headers.get("Content-Type"))
        except (AuthExpired, PermissionMissing, Permanent, BadPayload) as err:
            return Health(ok=False, detail=str(err))
        return Health(ok=True, detail=f"{len(document.entries)} entries on the newest page")

    def close(self) -> None:
        self._session.close()

    def _first(self, walk: Walk, now: datetime) -> Page:
        conditions = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
        asked = {header: walk.kept[key] for key, header in conditions.items() if walk.kept.get(key)}
        answer = self._ask(self._url, asked, now)
        if answer.status == 304:
            return Page(checkpoint=replace(walk, pending=walk.kept).ended().dump(), cost=1)
        told = {"etag": answer.headers.get("ETag"), "modified": answer.headers.get("Last-Modified")}
        return self._page(
            replace(walk, pending={key: value for key, value in told.items() if value}), answer, now
        )

    def _ask(self, url: str, headers: Mapping[str, str], now: datetime) -> Answer:
        return self._session.fetch("GET", url, now, headers={"Accept": ACCEPT, **headers})

    def _page(self, walk: Walk, answer: Answer, now: datetime) -> Page:
        document = parse(answer.body, answer.headers.get("Content-Type"))
        if not document.whole:
            walk = replace(walk, pending={})  # asked for unconditionally next time, until it is whole
        following = _next_page(document.next_link, answer.url)
        walk, gap = walk.read(
            [times(entry) for entry in document.entries], following, now, self._options.max_pages
        )
        items, rejected = self._items(document, _bare(answer.url))
        return Page(
            items=tuple(items),
            checkpoint=walk.dump(),
            has_more=not walk.begins,
            partial_errors=(*document.faults, *rejected),
            gap=gap,
            cost=1,
        )

    def _items(self, document: Document, base: str) -> tuple[list[Item], list[Rejected]]:
        context = Context(
            account=self._account,
            kind=ItemKind(self._options.kind),
            school_authors=frozenset(self._options.school_authors),
            base=base,
        )
        items: list[Item] = []
        rejected: list[Rejected] = []
        for index, entry in enumerate(document.entries):
            try:
                item = item_from_entry(entry, context)
            except (BadEntry, ValueError, TypeError, AttributeError, LookupError) as err:
                raw = document.sources[index] if document.sources else repr(entry).encode("utf-8", "replace")
                why = str(err) if isinstance(err, BadEntry) else f"it cannot be read ({type(err).__name__})"
                rejected.append(
                    Rejected(f"Entry {index + 1} of the page was set aside: {why}.", raw, _id(entry))
                )
                continue
            if self._wanted(item):
                items.append(item)
        return items, rejected

    def _wanted(self, item: Item) -> bool:
        words = _folded(f"{item.title or ''}\n{item.text}")
        if self._must_not and self._must_not.search(words):
            return False
        return not self._must or bool(self._must.search(words))


def _whole_words(terms: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for all terms. White space in a term stands for any white space in the text."""
    patterns = [
        r"\s+".join(map(re.escape, folded.split())) for term in terms if (folded := _folded(term).strip())
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)") if patterns else None


def _folded(text: str) -> str:
    """For comparison: without case, one form for composed letters, straight apostrophes (as in St Mary's)."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")


def _next_page(link: str | None, base: str) -> str | None:
    """The next page's address; None if it is the page itself, no web address or a step down from https."""
    if link is None:
        return None
    try:
        target = urljoin(base, link)
        scheme = urlsplit(target).scheme
    except ValueError:
        return None
    allowed = {"https"} if urlsplit(base).scheme == "https" else {"http", "https"}
    return target if scheme in allowed and target != base else None


def _bare(url: str) -> str:
    """The address without what may hold a credential: links in entries are completed with it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _id(entry: Mapping[str, object]) -> str | None:
    return str(entry["id"]) if entry.get("id") else None
