"""Patterns compiled when they are first needed: together, at each start, they would take a tenth of a second."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property


class Late:
    """A regular expression, told as a string or as what gives one. Raises re.error at its first use if it is none."""

    def __init__(self, pattern: str | Callable[[], str], flags: re.RegexFlag = re.NOFLAG) -> None:
        self._told = pattern
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._told if isinstance(self._told, str) else self._told(), self._flags)

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """The first match between two places."""
        return self._compiled.search(text, start, len(text) if end is None else end)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """The match of the whole text."""
        return self._compiled.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every match, from left to right."""
        return self._compiled.finditer(text)
