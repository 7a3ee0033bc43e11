"""Names and places that are no insult: what an engine gets to read instead of them.

Some names hold letters that classifiers take for swearing. Before a text is scored, such a name gives way to a
neutral one of the same length, so that every span still counts in the text itself. Two views of a text are scored:

    plain    without the shipped names that can mean nothing else (Scunthorpe), where they have their capital.
             Counts for every category.
    polite   also without names that can be an insult (Dick, Slaughter) where they are written as a name, and
             without what the school allows: its names, places, numbers and addresses. Counts for POLITE alone.

So no list, and no school's mistake in one, can hide a threat or a child that tells. A word that can be an insult is
taken for a name only with its capital, and only
    after a title: Mr Dick, Dr. Hoare (after mr, mrs, ms and dr without capitals too);
    after a known first name or one of the school's: Alan Slaughter;
    before a second word with a capital, unless "you", "a", "such" or the like stand before it, or the words around
    it all have capitals: Dick Turner, not You Dick Turner, and not What A Dick Turner Is;
and never with what makes it an insult behind it: Dick Head. Everything here is pure and takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from monitor.domain.verdict import Category

PATH = Path(__file__).with_name("allowed.txt")

POLITE = frozenset(
    {
        Category.TOXICITY,
        Category.SEVERE_TOXICITY,
        Category.OBSCENE,
        Category.INSULT,
        Category.IDENTITY_ATTACK,
        Category.SEXUAL,
        Category.SEXUAL_EXPLICIT,
        Category.DATA_BREACH,
    }
)
"""Categories for which the polite view counts: those that a name or an own number raises by itself."""

Span = tuple[int, int]

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_NUMBER = re.compile(r"(?<![\w+])\+?\(?\d(?:[ ().-]{0,2}\d){6,14}(?!\d)")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,255}")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_JOINED = frozenset({" ", "-", "'", "’", ". "})  # what stands between the words of one name
_PLAIN_TITLES = frozenset({"mr", "mrs", "ms", "dr"})  # "i miss dick" is no name
_AROUND = 3  # words on each side that tell whether everything has a capital
_TELEPHONE = 10  # digits at the end of a number that tell it from others, whatever country code stands before

# Names of places that no engine minds (measured on embedded-small and embedded), by their length.
_NEUTRAL = (
    *("", "J", "Jo", "Ely", "York", "Derby", "Oxford", "Lincoln", "Hereford", "Cambridge"),
    *("Manchester", "Northampton", "Huddersfield", "Middlesbrough", "Northumberland"),
)


@dataclass(frozen=True, slots=True)
class Views:
    """A text as it is scored, twice, both as long as the text; the same string where nothing was taken out."""

    plain: str
    polite: str


@dataclass(frozen=True, slots=True)
class _Names:
    """Names to look for, in lower case. `phrases` by their first word: all words, and whether capitals count.

    `numbers` by their last digits; `addresses` whole, or the domain alone.
    """

    words: frozenset[str]
    phrases: Mapping[str, tuple[tuple[tuple[str, ...], bool], ...]]
    numbers: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    @classmethod
    def of(cls, lines: Iterable[str], *, as_written: bool = False) -> _Names:
        """From lines. `as_written`: a line of several words only matches with its capitals."""
        words: set[str] = set()
        phrases: dict[str, list[tuple[tuple[str, ...], bool]]] = {}
        numbers: set[str] = set()
        addresses: set[str] = set()
        for line in lines:
            found = tuple(match[0] for match in _WORD.finditer(line))
            if "@" in line or _DOMAIN.fullmatch(line.strip()):
                addresses.add(line.strip().casefold())
            elif _NUMBER.search(line):
                numbers.add(_last_digits(line))
            elif len(found) == 1:
                words.add(found[0].casefold())
            elif found:
                told = found if as_written else tuple(word.casefold() for word in found)
                phrases.setdefault(found[0].casefold(), []).append((told, as_written))
        return cls(
            frozenset(words),
            {first: tuple(several) for first, several in phrases.items()},
            frozenset(numbers),
            frozenset(addresses),
        )


@dataclass(frozen=True, slots=True)
class _Shipped:
    """The sections of the shipped list, in lower case; `keys`: words of which one stands in every match."""

    anywhere: _Names
    written: _Names
    first_names: frozenset[str]
    titles: frozenset[str]
    not_after: frozenset[str]
    not_before: frozenset[str]
    keys: frozenset[str]


@cache
def shipped() -> _Shipped:
    """The shipped list, read once. Raises ValueError where it names no section."""
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in PATH.read_text(encoding="utf-8").splitlines():
        name = line.strip()
        if name.startswith("["):
            current = sections.setdefault(name.strip("[]"), [])
        elif name and not name.startswith("#"):
            if current is None:
                raise ValueError(f"{PATH} has a name before the first section")
            current.append(name)
    anywhere = _Names.of(sections["anywhere"])
    written = _Names.of(sections["as a name"], as_written=True)
    keys = anywhere.words | anywhere.phrases.keys() | written.words | written.phrases.keys()
    return _Shipped(
        anywhere,
        written,
        first_names=_Names.of(sections["first names"]).words,
        titles=_Names.of(sections["titles"]).words,
        not_after=_Names.of(sections["not after"]).words,
        not_before=_Names.of(sections["not before"]).words,
        keys=frozenset(keys),
    )


def views(text: str, allowed: tuple[str, ...] = ()) -> Views:
    """A text as it is scored; `allowed`: the school's own names, places, numbers and addresses."""
    own = _own(allowed)
    words = list(_WORD.finditer(text))
    lower = [word[0].casefold() for word in words]
    contacts = list(_contacts(text, own))
    if not contacts and shipped().keys.isdisjoint(lower) and _keys(own).isdisjoint(lower):
        return Views(text, text)
    known = _Text(text, [word.span() for word in words], [word[0] for word in words], lower, own)
    sure, likely = known.names()
    plain = _replaced(text, sure)
    polite = _replaced(text, {**sure, **likely, **dict.fromkeys(contacts)})
    return Views(plain, polite)


@lru_cache(maxsize=1024)
def _own(allowed: tuple[str, ...]) -> _Names:
    return _Names.of(allowed)


def _keys(names: _Names) -> frozenset[str]:
    return names.words | names.phrases.keys()


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in words: where each stands, as written, and in lower case."""

    text: str
    spans: Sequence[Span]
    words: Sequence[str]
    lower: Sequence[str]
    own: _Names

    def names(self) -> tuple[dict[Span, None], dict[Span, None]]:
        """Spans of words that can only be names, and of those that are names as they are written here."""
        sure: dict[Span, None] = {}
        likely: dict[Span, None] = {}
        ours = shipped()
        for at, word in enumerate(self.lower):
            span = self.spans[at]
            if word in ours.anywhere.words:
                (sure if self._capital(at) else likely)[span] = None
            if word in ours.written.words:
                if self._written_as_name(at):
                    likely[span] = None
            elif word in self.own.words and (self._capital(at) or self._after_title(at)):
                likely[span] = None
            for names, into in ((ours.anywhere, sure), (ours.written, likely), (self.own, likely)):
                for phrase, as_written in names.phrases.get(word, ()):
                    if self._stands(phrase, at, as_written=as_written):
                        capital = into is sure and not self._capital(at)
                        (likely if capital else into).update(dict.fromkeys(self.spans[at : at + len(phrase)]))
        return sure, likely

    def _capital(self, at: int) -> bool:
        return self.words[at][0].isupper()

    def _proper(self, at: int) -> bool:
        """A capital and then small letters: neither shouted nor whispered."""
        word = self.words[at]
        return len(word) > 1 and word[0].isupper() and word[1:].islower()

    def _gap(self, at: int) -> str:
        """What stands between a word and the next; "\\0" after the last."""
        return self.text[self.spans[at][1] : self.spans[at + 1][0]] if at + 1 < len(self.spans) else "\0"

    def _after_title(self, at: int) -> bool:
        if at == 0 or self.lower[at - 1] not in shipped().titles or self._gap(at - 1) not in {" ", ". "}:
            return False
        return self.lower[at - 1] in _PLAIN_TITLES or (self._capital(at - 1) and self._capital(at))

    def _written_as_name(self, at: int) -> bool:
        """The rule of the module's docstring, for a word that can be an insult."""
        follows = self.lower[at + 1] if self._gap(at) in {" ", "-"} else ""
        if follows in shipped().not_before:
            return False
        if self._after_title(at):
            return True
        if not self._proper(at):
            return False
        before = self.lower[at - 1] if at and self._gap(at - 1) == " " else ""
        known = before in shipped().first_names or before in self.own.words
        if known and self._proper(at - 1):
            return True
        return (
            self._gap(at) == " "
            and self._proper(at + 1)
            and before not in shipped().not_after
            and not self._all_have_capitals(at)
        )

    def _all_have_capitals(self, at: int) -> bool:
        """Do the words around it tell nothing, because each has a capital? Not where there are none."""
        around = [*range(max(at - _AROUND, 0), at), *range(at + 2, min(at + 2 + _AROUND, len(self.words)))]
        return bool(around) and all(self._capital(other) for other in around)

    def _stands(self, phrase: tuple[str, ...], at: int, *, as_written: bool) -> bool:
        end = at + len(phrase)
        here = self.words[at:end] if as_written else self.lower[at:end]
        return tuple(here) == phrase and all(self._gap(n) in _JOINED for n in range(at, end - 1))


def _contacts(text: str, own: _Names) -> Iterable[Span]:
    """The school's own numbers and addresses."""
    if own.numbers:
        for match in _NUMBER.finditer(text):
            if _last_digits(match[0]) in own.numbers:
                yield match.span()
    if own.addresses and "@" in text:
        for match in _ADDRESS.finditer(text):
            address = match[0].rstrip(".-").casefold()
            if address in own.addresses or address.rpartition("@")[2] in own.addresses:
                yield match.start(), match.start() + len(address)


def _last_digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdigit())[-_TELEPHONE:]


def _replaced(text: str, spans: Iterable[Span]) -> str:
    """The text with neutral names in those places; the same string where there is none."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done:
            pieces += (text[done:start], _neutral(text[start:end]))
            done = end
    return "".join((*pieces, text[done:])) if pieces else text


def _neutral(name: str) -> str:
    """A neutral name as long as the one given, shouted or whispered as that."""
    longest = len(_NEUTRAL) - 1
    left, parts = len(name), []
    while left > longest:
        # One is kept back for the space, and at least one letter for what follows it.
        size = min(longest, left - 2)
        parts.append(_NEUTRAL[size])
        left -= size + 1
    found = " ".join((*parts, _NEUTRAL[left]))
    if len(name) > 1 and name.isupper():
        return found.upper()
    return found.lower() if name[0].islower() else found
