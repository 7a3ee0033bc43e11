"""A child named with its class, and in the same breath something that is nobody's business: that is a data breach.

Names are told by their capitals, so this reads the text as it was given. A name with a class alone is praise.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from monitor.classifier.finding import Finding, Range, spans, within
from monitor.classifier.known import NOTHING, Known
from monitor.classifier.late import Late
from monitor.classifier.wordlists import any_of, first_names, words
from monitor.domain.verdict import Category, Severity

MOST = 20

_AROUND = 140  # characters on either side of the class in which a name and a private matter are looked for

_CLASS = Late(
    r"\b(?:(?:[Yy]ear|[Yy]r|[Yy]|[Bb]lwyddyn|[Dd]osbarth|[Cc]lass)s? ?\d{1,2}[A-Z]?|"
    r"(?:1[0-3]|[1-9]) ?[A-HJ-Z][A-Z]?|P[1-7]|"
    r"[Rr]eception|[Nn]ursery|(?:M(?:r|rs|iss|s) [A-Z][\w'’-]{1,15}(?:'s|’s|s)|[A-Z][a-z]{2,12}) [Cc]lass|"
    r"(?:Ladybirds?|Badgers?|Hedgehogs?|Squirrels?|Kingfishers?|Puffins?|Cygnets?|Owls?|Foxes|"
    r"Robins?|Otters?|Dolphins?|Butterflies|Bumblebees?|Caterpillars?|Tigers?|Lions?))\b"
)
_NAME = Late(
    r"\b[A-Z][a-zà-ÿ]{1,12}(?:-[A-Z]?[a-z]{1,10})? (?:(?:[A-Z]\w{0,2}['’])?[A-Z][a-zà-ÿ'’-]{1,15}|[A-Z]\b(?!\w))"
)
# Written small, a name is told by a list of first names, and what follows it must be no ordinary word.
_SMALL = Late(
    r"(?<![\w'])([a-z]{3,10}) ([a-z]{4,12})(?:'?s)? (?=(?:yr|year|y|from|in|is|got|has|was|who)\b|y\d|yr\d)"
)
_NO_SURNAMES = frozenset(words("no_surnames"))
_NO_NAMES = frozenset(words("no_first_names"))

_PRIVATE = any_of("pupil_private")
# So private that no class is needed: a name before it is enough.
_GRAVE = any_of("pupil_grave")
_FICTION = any_of("pupil_fiction")
_GOOD_CAUSE = any_of("pupil_good_cause")


def named_pupils(text: str, known: Known = NOTHING) -> Iterator[Finding]:
    """Each child named with a class and a private matter; the range covers name, class and matter."""
    classes = spans(_CLASS, text)
    found = list(islice(_named(text, classes, known), MOST)) if classes else []
    yield from found or islice(_named_without_class(text, known), MOST)


# Each kind of word is looked for once in the whole text, and then by its place: in a text of nothing but classes, a
# search around each of them would take minutes.


def _named(text: str, classes: list[Range], known: Known) -> Iterator[Finding]:
    matters = spans(_PRIVATE, text)
    if not matters:
        return
    good_causes = spans(_GOOD_CAUSE, text)
    names = _names(text, known)
    after = 0
    for group in classes:
        start, end = max(after, group[0] - _AROUND), group[1] + _AROUND
        matter = within(matters, start, end)
        name = within(names, start, end)
        if matter is None or name is None or within(good_causes, start, end):
            continue
        first = min(group[0], matter[0], name[0])
        after = max(group[1], matter[1], name[1])
        yield Finding("pupil-with-private-matter", Category.DATA_BREACH, Severity.HIGH, first, after)


def _named_without_class(text: str, known: Known) -> Iterator[Finding]:
    matters = spans(_GRAVE, text)
    if not matters:
        return
    harmless = sorted(spans(_FICTION, text) + spans(_GOOD_CAUSE, text))
    names = _names(text, known)
    for matter in matters:
        start, end = max(0, matter[0] - _AROUND // 2), matter[1] + _AROUND // 4
        name = within(names, start, end)
        if name is not None and within(harmless, start, end) is None:
            first, last = min(name[0], matter[0]), max(name[1], matter[1])
            yield Finding("child-with-grave-matter", Category.DATA_BREACH, Severity.HIGH, first, last)


def _names(text: str, known: Known) -> list[Range]:
    """Where names of two words stand, ascending."""
    found: list[Range] = []
    at = 0
    while one := _NAME.search(text, at):
        parts = one[0].split()
        if _NO_NAMES.isdisjoint(parts) and not known.allows(one[0]):
            found.append(one.span())
        at = one.start() + len(parts[0])  # the second word may begin a name
    found += [
        one.span() for one in _SMALL.finditer(text) if one[1] in first_names() and one[2] not in _NO_SURNAMES
    ]
    return sorted(found)
