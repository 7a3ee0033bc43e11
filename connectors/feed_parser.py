"""feedparser's two parsers with limits on them.

Some of its steps take quadratic time, and strangers write what it reads: an author's name of 200 KB ("a.a.a.a...")
costs 139 s in one regular expression, twenty thousand attributes on a tag 11 s. Its `parse` offers no hook, so this
does what `parse` does (strict first, then loose) with subclasses; decoding and the DOCTYPE are dealt with before
(feed_document). Checked against feedparser 6.0.14.
"""

from __future__ import annotations

import io
import time
import xml.sax
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedparser.api import LooseFeedParser, StrictFeedParser

CPU_S = 20
"""Seconds of this thread's processor time that one document may cost; an honest one of 20 MB takes ten."""

MOST_ATTRIBUTES = 200
MOST_TAGS = 200
LONGEST_AUTHOR = 300


class TooCostly(Exception):
    """The document would take more time than any honest one."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What feedparser made of a text. `fault`: the XML error that made it fall back to guessing, or None."""

    version: str
    feed: Mapping[str, Any]
    entries: list[Mapping[str, Any]]
    fault: xml.sax.SAXException | None


class _Limits:
    """Goes before feedparser's class in the order of methods."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.resolve_relative_uris = False  # these two are slow, and we keep no markup
        self.sanitize_html = False
        self._until = time.thread_time() + CPU_S

    def unknown_starttag(self, tag: str, attrs: Any) -> None:
        if len(attrs) > MOST_ATTRIBUTES or time.thread_time() > self._until:
            raise TooCostly
        super().unknown_starttag(tag, attrs)  # type: ignore[misc]

    def _sync_author_detail(self, key: str = "author") -> None:
        context = self._get_context()  # type: ignore[attr-defined]
        if isinstance(author := context.get(key), str):
            context[key] = author[:LONGEST_AUTHOR]
        super()._sync_author_detail(key)  # type: ignore[misc]

    def _add_tag(self, term: Any, scheme: Any, label: Any) -> None:
        if len(self._get_context().get("tags", ())) < MOST_TAGS:  # type: ignore[attr-defined]
            super()._add_tag(term, scheme, label)  # type: ignore[misc]


class _Strict(_Limits, StrictFeedParser):  # type: ignore[misc]
    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802  the SAX interface names it so
        if len(attrs) > MOST_ATTRIBUTES:
            raise TooCostly
        super().startElementNS(name, qname, attrs)


class _Loose(_Limits, LooseFeedParser):  # type: ignore[misc]
    pass


def parse_text(text: str) -> Parsed:
    """Parse a document without XML declaration and DOCTYPE. Raises TooCostly, and whatever feedparser raises."""
    strict = _Strict("", None, "utf-8")
    reader = xml.sax.make_parser()  # noqa: S317  the DOCTYPE, and with it every entity, is cut out
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(strict)
    reader.setErrorHandler(strict)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(text.encode()))
    source.setEncoding("utf-8")
    fault: xml.sax.SAXException | None = None
    try:
        reader.parse(source)
    except xml.sax.SAXException as err:
        fault = strict.exc or err
    if fault is None:
        return Parsed(strict.version, strict.feeddata, strict.entries, None)
    loose = _Loose("", None, "utf-8", {})
    loose.feed(text)
    return Parsed(loose.version, loose.feeddata, loose.entries, fault)
