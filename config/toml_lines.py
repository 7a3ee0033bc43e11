"""On which line of a TOML file a key stands. tomllib reads values and forgets where they were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

Loc = tuple[str | int, ...]

_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED: Final = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*")
_PART: Final = re.compile(_KEY)
_BLANKS: Final = re.compile(r"[ \t]*")
_SKIP: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
# What a value is made of: strings of four kinds and comments are stepped over whole, the rest one sign at a time.
_PIECE: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|.",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Loc, int]:
    """The line, from 1, of every table and key, for a text that tomllib has read without complaint.

    A path is made of keys and, in arrays of tables, positions: ("accounts", 1, "staff"). What stands inside an
    inline table or an array has the line of the key before it (see `line_of`).
    """
    lines: dict[Loc, int] = {}
    counts: dict[Loc, int] = {}
    table: Loc = ()
    at = _end(_SKIP.match(text, 0), 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        brackets = 2 if text.startswith("[[", at) else 1 if text[at] == "[" else 0
        start = _end(_BLANKS.match(text, at + brackets), at)
        end = _end(_DOTTED.match(text, start), start)
        keys = tuple(_unquoted(part) for part in _PART.findall(text[start:end]))
        if brackets:
            table = _table(keys, counts, many=brackets == 2)
            lines.setdefault(table, line)
            at = end + brackets
        else:
            for depth in range(1, len(keys) + 1):
                lines.setdefault(table + keys[:depth], line)
            at = _after_value(text, end)
        at = _end(_SKIP.match(text, max(at, end + 1)), at)
    return lines


def line_of(lines: Mapping[Loc, int], loc: Loc) -> int | None:
    """The line of a path, or of the nearest part of it that has one: a missing key is reported at its table.

    A table that has no line of its own ([a.b] makes an `a`) has that of the first thing in it.
    """
    for length in range(len(loc), 0, -1):
        part = loc[:length]
        inside = [line for path, line in lines.items() if path[:length] == part]
        if inside:
            return lines.get(part, min(inside))
    return None


def _table(keys: tuple[str, ...], counts: dict[Loc, int], *, many: bool) -> Loc:
    """The path of a header: each array of tables on the way is the last one begun."""
    path: Loc = ()
    for key in keys[:-1]:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, keys[-1]) if keys else path
    if many:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path


def _after_value(text: str, at: int) -> int:
    """Where the value after a key ends: the first line's end that is in no bracket."""
    depth = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        assert piece is not None  # noqa: S101  the last branch matches any sign
        sign = piece.group()
        if sign == "\n" and depth == 0:
            break
        depth += (sign in "[{") - (sign in "]}")
        at = piece.end()
    return at


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return found.end() if found else otherwise


def _unquoted(key: str) -> str:
    return key[1:-1] if key[0] in "\"'" else key
