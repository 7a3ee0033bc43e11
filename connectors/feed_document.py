"""The bytes of an RSS or Atom document -> entries, by feedparser, behind guards.

feedparser refuses nothing: a login page is a feed without entries, half a document a short feed, one bad byte turns
every accent into two characters, and a forbidden character reference makes it raise. So the document is
decoded and mended here first, and what was wrong with it is told.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.entities import name2codepoint
from typing import Any

from connectors.base import Rejected
from connectors.errors import BadPayload
from connectors.feed_parser import Parsed, TooCostly, parse_text

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)

_XML_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"&(?:#(\d{1,9})|#[xX]([0-9a-fA-F]{1,8})|([A-Za-z][A-Za-z0-9]{1,30}));")
_OWN_TO_XML = frozenset({"lt", "gt", "amp", "quot", "apos"})
_REPLACEMENT = "\ufffd"
_NO_CHARACTER_SETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_HIGH = re.compile("[^\x00-\x7f\ufffd]")

_SPACE = re.compile(r"\s*")
_PROLOG = (("<!--", "-->"), ("<?", "?>"))
_OPENING = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]")
_CLOSING = re.compile(r"</(?:\w+:)?(?:item|entry)\s*>")
_ROOT_CLOSED = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)

_AROUND_FAULT = 2000
"""Characters kept on each side of the place where a document is malformed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed. `entries`: plain dicts as feedparser names things, in the feed's order. `sources`: the bytes of
    each entry, as far as they can be told apart. `next_link`: RFC 5005's next page, as written. `whole`: False where
    the document breaks off; `faults`: what was wrong with it."""

    entries: tuple[dict[str, Any], ...]
    sources: tuple[bytes, ...]
    next_link: str | None
    whole: bool
    faults: tuple[Rejected, ...]


def parse(body: bytes, content_type: str | None) -> Document:
    """Read a document. Entries of a malformed or truncated one are used as far as they are complete, and the rest is
    told as a fault. Raises BadPayload for what is no feed, is empty, declares entities or breaks off before the
    first complete entry."""
    text = _mended(_decoded(body, content_type))
    if not text.strip():
        raise BadPayload("The feed's answer is empty: check the address.")
    text = _without_doctype(text)
    found = _parsed(text)
    if not found.version:
        raise BadPayload("The answer is no RSS or Atom feed (a login page, perhaps): check the address.")
    entries, faults = tuple(dict(entry) for entry in found.entries), []
    whole = bool(_ROOT_CLOSED.search(text[-4000:]))
    sources = _sources(text)
    if not whole:
        entries = entries[: len(sources)]
        if not entries:
            raise BadPayload(
                "The feed breaks off before its first complete entry: look at the site that sends it."
            )
        faults.append(_truncated(text))
    elif found.fault is not None:
        faults.append(_malformed(text, found.fault))
    usable = sources if len(sources) == len(entries) else ()
    return Document(entries, usable, _next_link(found.feed), whole, tuple(faults))


def _parsed(text: str) -> Parsed:
    try:
        return parse_text(text)
    except TooCostly:
        why = "is larger or stranger than any honest one"
    except Exception as err:  # noqa: BLE001  a parser of strangers' text, set in its ways: whatever it raises is about them
        why = f"could not be parsed ({type(err).__name__})"
    raise BadPayload(f"The feed {why}: look at the site that sends it.")


def _decoded(body: bytes, content_type: str | None) -> str:
    """Text by byte order mark, the header's charset, the XML declaration or UTF-8, in this order.

    One bad byte in UTF-8 costs that character only. A document that says UTF-8 and holds not one character of it is
    read as Windows-1252, as browsers do.
    """
    for bom, encoding in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(encoding, "replace")
    charset = _CHARSET.search(content_type or "")
    declared = _DECLARED.match(body)
    codec = _codec(charset.group(1) if charset else declared.group(1).decode() if declared else "utf-8")
    if codec != "utf-8":
        return body.decode(codec, "replace")
    body = _SURROGATE.sub(_REPLACEMENT.encode(), body)
    try:
        return body.decode()
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
        return text if _HIGH.search(text) else body.decode("cp1252", "replace")


def _codec(name: str) -> str:
    """The codec of that name; UTF-8 for an unknown one and for those that are no character sets."""
    try:
        codec = codecs.lookup(name).name
        b"".decode(codec)
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if codec in _NO_CHARACTER_SETS else codec


def _mended(text: str) -> str:
    """Without the XML declaration (the text is decoded by now); characters that XML forbids, written out or as
    references, become U+FFFD; HTML's named references become numbers. None of this makes a feed unreadable."""
    text = _XML_DECLARATION.sub("", text, count=1) if _XML_DECLARATION.match(text) else text
    return _REFERENCE.sub(_reference, _FORBIDDEN.sub(_REPLACEMENT, text))


def _reference(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return (
            match.group()
            if name in _OWN_TO_XML or name not in name2codepoint
            else f"&#{name2codepoint[name]};"
        )
    point = int(decimal) if decimal else int(hexadecimal, 16)
    return (
        match.group() if point <= 0x10FFFF and not _FORBIDDEN.match(chr(point)) else f"&#{ord(_REPLACEMENT)};"
    )


def _without_doctype(text: str) -> str:
    """Cut the DOCTYPE out of the prolog. Raises BadPayload if it declares anything: entities can grow without end
    ("billion laughs") and can name files. The prolog is walked by its own grammar, since a "<x" in a comment must
    not hide a declaration behind it."""
    position, seen = 0, False
    while True:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing too
        if text[position : position + 9].upper() == "<!DOCTYPE":
            end = text.find(">", position) + 1 or len(text)
            if seen or "[" in text[position:end]:
                raise BadPayload(
                    "The feed declares entities, which is not read: look at the site that sends it."
                )
            text, seen = text[:position] + text[end:], True
            continue
        closing = next((closing for opening, closing in _PROLOG if text.startswith(opening, position)), None)
        if closing is None or (found := text.find(closing, position)) < 0:
            return text
        position = found + len(closing)


def _sources(text: str) -> tuple[bytes, ...]:
    """The bytes of each complete entry."""
    openings = [match.start() for match in _OPENING.finditer(text)]
    closings = [match.end() for match in _CLOSING.finditer(text)]
    return tuple(text[start:end].encode() for start, end in zip(openings, closings, strict=False))


def _truncated(text: str) -> Rejected:
    closings = [match.end() for match in _CLOSING.finditer(text)]
    return Rejected(
        "The feed breaks off in the middle; its complete entries were read.", text[closings[-1] :].encode()
    )


def _malformed(text: str, err: object) -> Rejected:
    """The XML parser tells the place."""
    line = getattr(err, "getLineNumber", lambda: None)()
    column = getattr(err, "getColumnNumber", lambda: None)()
    place, raw = "", text[:_AROUND_FAULT]
    if line:
        starts = [0, *(match.end() for match in re.finditer("\n", text))]
        middle = starts[min(line, len(starts)) - 1] + (column or 0)
        place, raw = f" near line {line}", text[max(middle - _AROUND_FAULT, 0) : middle + _AROUND_FAULT]
    return Rejected(
        f"The feed is malformed{place}; its entries were read as well as they can be.", raw.encode()
    )


def _next_link(feed: Mapping[str, Any]) -> str | None:
    for link in feed.get("links", []):
        if link.get("rel") == "next" and link.get("href"):
            return str(link["href"])
    return None
