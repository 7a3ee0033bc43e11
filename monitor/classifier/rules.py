"""What a rule can know, beside any engine's scores: patterns with a category, a severity and their own examples.

The patterns are data, in the folder rulebook/, a file a subject, with what each should and should not match beside
it. Numbers, addresses and names have code of their own: personal.py, pupils.py, people.py.

A hint, of the folder hints/ within, is a rule for what is likelier harm than not, and may be none: it counts only in a
text of which the engine half thinks so itself (judge.suspects).

A rule adds to a verdict, and never takes away. Every rule takes time in proportion to the text: gaps in patterns are
bounded, nothing that repeats stands in something that repeats, and a pattern runs only where one of its words stands.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.classifier.align import positions, spread
from monitor.classifier.allowed import POLITE
from monitor.classifier.finding import Finding
from monitor.classifier.known import NOTHING, Known
from monitor.classifier.people import accusations
from monitor.classifier.personal import personal_data
from monitor.classifier.pupils import named_pupils
from monitor.classifier.text import normalise, unmask
from monitor.classifier.wordlists import FOLDER
from monitor.domain.verdict import Category, Severity, Span, Verdict

__all__ = ["Known", "Rule", "findings", "hints", "rules", "with_rules"]

PARTS = "parts.toml"
HINTS = "hints"

SPANS_A_RULE = 3
_AROUND = 60  # characters on either side of a match in which `unless` is looked for
_WORD = re.compile(r"[^\W\d_]+")
# One sign for one sign, so that the places in the view are those in the text.
_PLAIN = str.maketrans("’‘`´\n\r\t\u00a0\u2028\u2029", "''''" + " " * 6)


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern, for lower-case text. `should` and `should_not` are its examples; a test matches them.

    It is compiled when the first text comes that it is tried on: all of them would take a quarter of a second.
    `words`: one of these must stand in the text before the pattern is tried. `unless`: a match with this near it
    does not count.
    """

    id: str
    category: Category
    severity: Severity
    words: frozenset[str]
    pattern: str
    unless: str | None
    should: tuple[str, ...]
    should_not: tuple[str, ...]

    def matches(self, view: str) -> Iterator[tuple[int, int]]:
        """Where in a lower-case view the pattern holds."""
        for found in _compiled(self.pattern).finditer(view):
            around = view[max(0, found.start() - _AROUND) : found.end() + _AROUND]
            if self.unless is None or not _compiled(self.unless).search(around):
                yield found.span()


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of the rulebook but hints, read once. Raises KeyError or ValueError where a file is wrong."""
    return _in_folder(FOLDER)


@cache
def hints() -> tuple[Rule, ...]:
    """Every hint, read when the first suspicious text comes. Raises KeyError or ValueError where a file is wrong."""
    return _in_folder(FOLDER / HINTS)


def findings(
    text: str, known: Known = NOTHING, *, polite: str | None = None, suspected: bool = False
) -> list[Finding]:
    """Everything that any rule found, worst first; ranges count characters of the text.

    `polite`: the text, as long, as the rulebook reads it for POLITE, where that differs: a place's name is no
    obscenity. `suspected`: hints, too.
    """
    book = list(_from_rulebook(text, suspected=suspected))
    if polite is not None and polite != text:
        spared = _from_rulebook(polite, suspected=suspected)
        book = [one for one in book if one.category not in POLITE]
        book += [one for one in spared if one.category in POLITE]
    found = [
        *personal_data(text, known),
        *named_pupils(text, known),
        *accusations(text, known),
        *book,
    ]
    return sorted(found, key=lambda one: -one.severity)


def with_rules(
    verdict: Verdict,
    text: str,
    known: Known = NOTHING,
    off: frozenset[Category] = frozenset(),
    *,
    polite: str | None = None,
    suspected: bool = False,
) -> Verdict:
    """The verdict with what the rules found in the text: a rule adds, and never takes away. `off`: not told.
    `polite`, `suspected`: as in `findings`."""
    told = findings(text, known, polite=polite, suspected=suspected)
    found = [one for one in told if one.category not in off]
    if not found:
        return verdict
    worse = [one.category for one in found if one.severity >= verdict.severity]
    milder = [one.category for one in found if one.severity < verdict.severity]
    return replace(
        verdict,
        categories=tuple(dict.fromkeys((*worse, *verdict.categories, *milder))),
        spans=tuple(
            dict.fromkeys((*(Span(one.start, one.end, one.category) for one in found), *verdict.spans))
        ),
        severity=max(verdict.severity, found[0].severity),
    )


def _from_rulebook(text: str, *, suspected: bool) -> Iterator[Finding]:
    told: set[str] = set()
    for number, view in enumerate(_views(text)):
        places: list[int] = []
        for rule in _worth_trying(view, suspected=suspected):
            if rule.id in told:
                continue
            ranges = list(islice(rule.matches(view), SPANS_A_RULE))
            if not ranges:
                continue
            told.add(rule.id)
            if number:
                places = places or positions(text, view)
                ranges = spread(text, places, ranges)
            yield from (Finding(rule.id, rule.category, rule.severity, *span) for span in ranges)


def _worth_trying(view: str, *, suspected: bool) -> list[Rule]:
    """The rules one of whose words stands in the view: few of many, found without trying any."""
    words = set(_WORD.findall(view))
    found: list[Rule] = []
    for book in (rules, hints) if suspected else (rules,):
        by_word = _by_word(book)
        places = {place for word in words for place in by_word.get(word, ())}
        found += [book()[place] for place in sorted(places)]
    return found


@cache
def _by_word(book: Callable[[], tuple[Rule, ...]]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, rule in enumerate(book()):
        for word in rule.words:
            index.setdefault(word, []).append(place)
    return index


def _views(text: str) -> Iterator[str]:
    """The text as given, in lower case and letter for letter; then tidied and unmasked, where that differs."""
    lowered = text.lower()
    plain = (lowered if len(lowered) == len(text) else text).translate(_PLAIN)
    yield plain
    tidy = normalise(text).translate(_PLAIN)
    if tidy != plain:
        yield tidy
    bare = unmask(tidy)
    if bare != tidy:
        yield bare


def _in_folder(folder: Path) -> tuple[Rule, ...]:
    shared = _read(FOLDER / PARTS)
    files = [_read(path) for path in sorted(folder.glob("*.toml"))]
    return tuple(
        _rule(one, shared | file.get("parts", {})) for file in files for one in file.get("rules", ())
    )


def _rule(told: dict[str, Any], parts: dict[str, Any]) -> Rule:
    unless = told.get("unless")
    return Rule(
        id=str(told["id"]),
        category=Category(str(told["category"])),
        severity=Severity.parse(str(told["severity"])),
        words=frozenset(str(told["words"]).split()),
        pattern=_with_parts(str(told["pattern"]), parts),
        unless=None if unless is None else _with_parts(str(unless), parts),
        should=tuple(told["should"]),
        should_not=tuple(told["should_not"]),
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _with_parts(pattern: str, parts: dict[str, Any]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: str(_expanded(found[1], parts)), pattern)


def _expanded(name: str, parts: dict[str, Any]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: str(parts[found[1]]), str(parts[name]))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
