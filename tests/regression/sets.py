"""The two regression sets, and what an engine makes of them as a school would see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from monitor.bootstrap import load_assess
from monitor.classifier.standard import Standard
from monitor.domain.verdict import Severity, Verdict

HERE = Path(__file__).parent
ENGINES = ("embedded", "embedded-small")
OAKFIELD = Standard(
    preset="balanced",
    staff=("Mrs Harker", "Mr Lidgett"),
    allowed=("Oakfield", "01632 960100", "office@oakfield.example"),
)
"""The school whose comments these are: two of its staff, its own number and address."""

_SECONDS = 300.0
_HIDDEN = re.compile(r"\\u([0-9a-f]{4})")
_EITHER = "/"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of must_flag.txt. `kinds`: category names, "safeguarding" or "flagged"; one of them will do."""

    kinds: tuple[str, ...]
    least: Severity
    text: str

    def wrong(self, verdict: Verdict) -> str | None:
        """What is wrong with a verdict on it, in a few words; None: nothing."""
        found = {category.value for category in verdict.categories}
        if verdict.flagged:
            found.add("flagged")
        if verdict.safeguarding:
            found.add("safeguarding")
        said = f"{verdict.severity}: {', '.join(verdict.categories) or 'nothing'}"
        if found.isdisjoint(self.kinds):
            return f"not {_EITHER.join(self.kinds)}, but {said}"
        return None if verdict.severity >= self.least else f"not {self.least}, but {said}"


def must_not_flag() -> tuple[str, ...]:
    """The comments of which nobody may be told."""
    return tuple(map(_seen, _lines("must_not_flag.txt")))


def must_flag() -> tuple[Wanted, ...]:
    """The comments of which people must be told. Raises ValueError or KeyError where a line is none."""
    found = []
    for line in _lines("must_flag.txt"):
        kinds, least, text = line.split("\t")
        found.append(Wanted(tuple(kinds.split(_EITHER)), Severity.parse(least), _seen(text)))
    return tuple(found)


def excused(engine: str) -> frozenset[str]:
    """The lines that are still beyond an engine, written down so that everybody can see them."""
    name = f"{engine.replace('-', '_')}_misses.txt"
    return frozenset(map(_seen, _lines(name))) if (HERE / name).exists() else frozenset()


@cache
def wrongly_flagged(engine: str) -> dict[str, str]:
    """Harmless comments that the engine flags: what it takes each for."""
    return {
        text: f"{verdict.severity}: {', '.join(verdict.categories)}"
        for text in must_not_flag()
        if (verdict := _judged(engine)[text]).flagged
    }


@cache
def wrongly_passed(engine: str) -> dict[str, str]:
    """Harmful comments that the engine passes, takes for something else or for less: what is wrong with each."""
    return {one.text: wrong for one in must_flag() if (wrong := one.wrong(_judged(engine)[one.text]))}


@cache
def _judged(engine: str) -> dict[str, Verdict]:
    texts = [*must_not_flag(), *(one.text for one in must_flag())]
    return dict(zip(texts, load_assess(engine, _SECONDS)(texts, OAKFIELD), strict=True))


def _lines(name: str) -> Iterator[str]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line


def _seen(line: str) -> str:
    """The comment as it was written: a character that could not be seen in a file stands there as its number."""
    return _HIDDEN.sub(lambda found: chr(int(found[1], 16)), line)
