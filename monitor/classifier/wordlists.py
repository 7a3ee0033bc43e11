"""The lists of words in rulebook/, as patterns: data that personal.py, pupils.py and people.py match with."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from monitor.classifier.late import Late

FOLDER = Path(__file__).with_name("rulebook")


@cache
def words(name: str) -> tuple[str, ...]:
    """A list by its name. Raises KeyError on an unknown one."""
    return tuple(_lists()[name])


def any_of(name: str, or_else: str = "") -> Late:
    """A pattern for any entry of a list as whole words, in capitals or not, or for the pattern `or_else`."""

    def told() -> str:
        whole = rf"\b(?:{'|'.join(words(name))})\b"
        return f"{whole}|{or_else}" if or_else else whole

    return Late(told, re.IGNORECASE)


@cache
def first_names() -> frozenset[str]:
    """Common first names, in small letters."""
    return frozenset((FOLDER / "first_names.txt").read_text(encoding="utf-8").split())


@cache
def _lists() -> dict[str, list[str]]:
    return tomllib.loads((FOLDER / "lists.toml").read_text(encoding="utf-8"))
