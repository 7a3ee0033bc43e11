"""HTML -> the words a reader sees, with their line breaks.

Not html.parser: it takes 70 s for 100 KB of "<a <a <a" (quadratic, Python 3.11) and raises on "<![", and what
comes in here was written by strangers. Every pattern below stops at the next "<", so the work is linear.
"""

from __future__ import annotations

import html
import re

_TOKEN = re.compile(
    r"""<!--                                                        # a comment opens
      | <[/!?]?[A-Za-z\[](?:[^<>"']|"[^"<]*"|'[^'<]*')*>            # a tag, its quotes closed
      | <[/!?]?[A-Za-z\[][^<>]*>                                    # a tag with a quote too many""",
    re.VERBOSE,
)
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)")
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HIDDEN = {
    name: re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE) for name in ("script", "style", "template", "head")
}
_LINE_TAGS = """address article aside blockquote br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header
hr li main nav ol option p pre section table tbody tr ul"""
_LINES = frozenset(_LINE_TAGS.split())
_SPACES = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAKS = re.compile(r"[ \t]*\n[ \t]*")
_MANY_BREAKS = re.compile(r"\n{3,}")


def readable(markup: str) -> str:
    """Strip tags, comments, scripts and styles; keep line breaks and the alternative text of pictures (blogs write
    their emoji as pictures); resolve character references. Never raises."""
    pieces: list[str] = []
    position = 0
    while match := _TOKEN.search(markup, position):
        pieces.append(_words(markup[position : match.start()]))
        position = _after(markup, match, pieces)
    pieces.append(_words(markup[position:]))
    text = _AROUND_BREAKS.sub("\n", "".join(pieces))
    return _MANY_BREAKS.sub("\n\n", text).strip(" \t\r\n")


def _words(piece: str) -> str:
    return html.unescape(_SPACES.sub(" ", piece))


def _after(markup: str, match: re.Match[str], pieces: list[str]) -> int:
    """Deal with one tag or comment; where to go on. What never closes hides the rest, as in a browser."""
    tag = match.group()
    if tag == "<!--":
        end = markup.find("-->", match.end())
        return end + 3 if end >= 0 else len(markup)
    found = _NAME.match(tag)
    name = found.group(1).lower() if found else ""
    if name in _HIDDEN and not tag.startswith("</"):
        closing = _HIDDEN[name].search(markup, match.end())
        return closing.end() if closing else len(markup)
    if name in _LINES:
        pieces.append("\n")
    elif name == "img" and (alt := _ALT.search(tag)):
        pieces.append(html.unescape(alt.group(1) or alt.group(2) or alt.group(3) or ""))
    return match.end()
