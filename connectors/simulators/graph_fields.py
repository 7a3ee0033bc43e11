"""Graph's field expansion: `id,comments.limit(2).filter(stream){id,parent{id}}` as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[A-Za-z0-9_]+")
_MODIFIER = re.compile(r"\.([a-z_]+)\(([^()]*)\)")


@dataclass(slots=True)
class Wanted:
    """One field: its modifiers, and the fields wanted of what it holds (None: all of them)."""

    modifiers: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Wanted] | None = None


def parse(text: str) -> dict[str, Wanted]:
    """Raises ValueError for what is no list of fields."""
    found, rest = _fields(text)
    if rest:
        raise ValueError(f"syntax error at {rest[:10]!r}")
    return found


def _fields(text: str) -> tuple[dict[str, Wanted], str]:
    found: dict[str, Wanted] = {}
    while True:
        name = _WORD.match(text)
        if name is None:
            raise ValueError(f"expected a field at {text[:10]!r}")
        wanted = found[name[0]] = Wanted()
        text = text[name.end() :]
        while modifier := _MODIFIER.match(text):
            wanted.modifiers[modifier[1]] = modifier[2]
            text = text[modifier.end() :]
        if text.startswith("{"):
            wanted.fields, text = _fields(text[1:])
            if not text.startswith("}"):
                raise ValueError("a brace is not closed")
            text = text[1:]
        if not text.startswith(","):
            return found, text
        text = text[1:]
