"""Platform text is hostile input: what is made of it before it may stand in a mail. Pure; standard library only."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_SPACE: Final = re.compile(r"\s+")
_LINE_ENDS: Final = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_TURNS_ROUND: Final = {0x202D: "[U+202D]", 0x202E: "[U+202E]"}
"""Overrides show a text backwards; an honest writer has no use for them, so a reader is shown that one stood here."""
_BIDI: Final = dict.fromkeys((*range(0x202A, 0x202D), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
_MARK: Final = "[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_STACKED_MARKS: Final = re.compile(f"({_MARK}{{3}}){_MARK}+")
"""Marks piled on one letter paint over the lines around it; no language needs more than three."""
_LONGEST_LINK: Final = 2000


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text as a mail shows it. `shown` and `whole` count characters; they differ if something was left off."""

    text: str
    shown: int
    whole: int

    @property
    def cut(self) -> bool:
        """Was something left off?"""
        return self.shown < self.whole


def one_line(value: str | None, limit: int = 120) -> str:
    """Text for a subject, a name or a label: one line, no control characters, no bidi marks, not too long."""
    text = _SURROGATES.sub("\ufffd", (value or "")[: 4 * limit])
    text = text.translate(_BIDI).translate(dict.fromkeys(_TURNS_ROUND))
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    return shorten(_STACKED_MARKS.sub(r"\1", _SPACE.sub(" ", text).strip()), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters; what was left off shows as an ellipsis, at a space where one is near."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = head.rfind(" ", limit * 2 // 3)
    return (head[:space] if space > 0 else head).rstrip() + "…"


def passage(value: str, limit: int, lines: int) -> Shortened:
    """A text of several lines as it stands, without what could act on the mail around it, and not too long."""
    text = _SURROGATES.sub("\ufffd", value)
    text = _LINE_ENDS.sub("\n", text).translate(_BIDI).translate(_TURNS_ROUND)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
    text = _BLANK_LINES.sub("\n\n", _STACKED_MARKS.sub(r"\1", text)).strip()
    whole = len(text)
    kept = "\n".join(text.split("\n")[:lines])
    if len(kept) > limit:
        kept = shorten(kept, limit)
    elif len(kept) < whole:
        kept = kept.rstrip() + "…"
    return Shortened(kept, min(len(kept), whole) if kept == text else min(len(kept), whole - 1), whole)


def web_link(value: str | None) -> str | None:
    """The address if a person can follow it without a trick: http or https, a host, no user name, no oddities."""
    if not value or len(value) > _LONGEST_LINK or one_line(value, _LONGEST_LINK) != value:
        return None
    if not value.isprintable() or re.search(r"[\s<>\"'`\\]", value):
        return None
    try:
        parts = urlsplit(value)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain_host = parts.hostname is not None and parts.hostname.isascii()
    trusted = parts.scheme in ("http", "https") and plain_host and parts.username is None
    return value if trusted and port_is_number else None


def mentions_a_link(text: str) -> bool:
    """May a mail program make a link of something in the text?"""
    return (
        re.search(r"https?://|www\.|\b[a-z0-9-]+\.(?:com|net|org|uk|io|ly|me|co)/", text, re.IGNORECASE)
        is not None
    )
