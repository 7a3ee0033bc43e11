"""A member of staff named, and in the same sentence an accusation or an insult: somebody must look at it.

Without the school's list of names only the gravest is told, by title: "Mr So-and-so is a ...". With it, less will do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from monitor.classifier.finding import Finding, spans, within
from monitor.classifier.known import NOTHING, Known
from monitor.classifier.late import Late
from monitor.classifier.wordlists import any_of
from monitor.domain.verdict import Category, Severity

MOST = 20
_AROUND = 80
_SENTENCE_END = re.compile(r"[.!?\n]+(?:\s|$)")
_TITLES = r"(?:mr|mrs|miss|ms|dr|sir|mister|prof|rev|father|coach)\.?"

_TITLED = Late(
    rf"(?<!\w)(?:{_TITLES} [a-z][\w'’-]{{1,20}}|the head ?teacher|"
    r"(?:your|the|that|our) (?:head|deputy head|headmaster))\b"
)
_ACCUSED = any_of("staff_accused")
_GRAVE = any_of("anyone_accused")
_INSULTED = any_of("staff_insulted")
_HARMLESS = any_of("staff_harmless", "😂|🤣")


def accusations(text: str, known: Known = NOTHING) -> Iterator[Finding]:
    """What is said against people by name; the range covers the name and the words."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    lowered = lowered.replace("’", "'")
    return islice(_against(lowered, known), MOST)


def _against(text: str, known: Known) -> Iterator[Finding]:
    people = list(_people(text, known))
    if not people:
        return
    # Each list is looked for once in the whole text, and then by its place: the time stays linear in any text.
    harmless, accused, grave, insulted = (
        spans(pattern, text) if wanted else []
        for pattern, wanted in (
            (_HARMLESS, True),
            (_ACCUSED, known.staff),
            (_GRAVE, True),
            (_INSULTED, known.staff),
        )
    )
    told = -1
    for start, end, listed in people:
        first, last = _sentence(text, start, end)
        if start < told or within(harmless, first, last):
            continue
        said = within(accused if listed else grave, first, last)
        rule, category, severity = "staff-accused", Category.ALLEGATION, Severity.HIGH
        if said is None and listed:
            said = within(insulted, first, last)
            rule, category, severity = "staff-insulted", Category.BULLYING, Severity.MEDIUM
        if said is not None:
            told = max(end, said[1])
            yield Finding(rule, category, severity, min(start, said[0]), told)


def _people(text: str, known: Known) -> Iterator[tuple[int, int, bool]]:
    """Where people stand in the lower-case text, and whether the school told us of them."""
    listed: list[tuple[int, int]] = []
    if known.staff:
        for found in _staff(known.staff).finditer(text):
            listed.append(found.span())
            yield (*found.span(), True)
    taken = {start for start, _ in listed}
    for found in _TITLED.finditer(text):
        if found.start() not in taken:
            yield (*found.span(), False)


@lru_cache(maxsize=64)
def _staff(names: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all names: whole, or any title with the surname."""
    ways: set[str] = set()
    for name in names:
        words = [
            word for word in name.casefold().replace("’", "'").split() if not re.fullmatch(_TITLES, word)
        ]
        if not words:
            continue
        titled = rf"{_TITLES} (?:{re.escape(words[0])} )?{re.escape(words[-1])}" if len(words) > 1 else None
        ways.add(titled or rf"{_TITLES} {re.escape(words[0])}")
        if len(words) > 1:
            ways.add(re.escape(" ".join(words)))
    joined = "|".join(sorted(ways, key=len, reverse=True)) or r"(?!)"
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)")


def _sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence about a name, at most _AROUND characters to either side. A title's full stop ends none."""
    before = text[max(0, start - _AROUND) : start]
    first = max((found.end() for found in _SENTENCE_END.finditer(before)), default=0)
    after = _SENTENCE_END.search(text, end, min(len(text), end + _AROUND))
    return max(0, start - _AROUND) + first, after.start() if after else min(len(text), end + _AROUND)
