"""Text, prepared for counting: a plain view, and a second one with the usual disguises taken off.

Everything here is pure and takes time in proportion to the text, whatever the text is: people paste novels, and
some of them mean harm.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

CHUNK = 250
"""Characters that are scored together. A longer text is scored in chunks, so that its end is not diluted."""

OVERLAP = 60
"""Characters that a chunk repeats of the one before, so that no sentence is lost in the cut."""

# The Unicode library sorts a run of combining marks by insertion, which is quadratic: never give it a long run.
_PIECE = 256
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS = re.compile(f"{_MARK}+")
_PILED_MARKS = re.compile(f"({_MARK}{{2}}){_MARK}+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f]+"
)
# A word without the punctuation around it; letters set apart by spaces or dots are one word.
_WORD = re.compile(r"(?<!\w)\w(?:[ ._*-]\w(?!\w)){2,}|\w(?:[^\s,;:?!\"“”()]*[\w$@*])?|[^\w\s]+")
_MOST_WORDS = 4_000
_PICTURE = re.compile("[\u203c-\u3299\U0001f000-\U0001faff]")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_HANDLE = re.compile(r"(?<![\w.])@\w+")
_REPEATS = re.compile(r"(.)\1{3,}", re.DOTALL)
_LONG_LETTERS = re.compile(r"([a-z])\1\1")

_SPACED = re.compile(r"(?<![^\W_])[^\W_]([ ._\-*]{1,2})[^\W_](?:\1[^\W_])+(?![^\W_])")
_SEPARATORS = re.compile(r"[ ._\-*]+")
_LEET_SIGN = re.compile(r"[0134578@$!|+]")
_LEET_INSIDE = re.compile(
    r"(?<=[a-z])[0134578@$!|+]+(?=[a-z])|(?<=[a-z])[@$]+|\b[134578](?=[a-z][a-z0134578@$]{2})|[@$](?=[a-z]{2})"
    r"|(?<=[a-z]{3})[0357]\b|(?<=\bdi)3\b"
)
_NO_LEET = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|ish|yr|year|yo|min|hr|hour|day|week|month|k|kg|km|cm|mm|ml|pt|pound|quid)s?\W*"
    r"|(?:year|class|room|form|group|team|term|week|page|unit|stage|level|part|phase|day|step|gate|bus|block|type)\d+\W*"
)
_LEET = str.maketrans("0134578@$!|+", "oieastbasiit")

_CYRILLIC = dict(zip("авекмнорстухіјѕԁһӏԛԝьёпг", "abekmhopctyxijsdhlqwbenr", strict=True))
_GREEK = dict(zip("αβεικνορτυχηωγ", "abeikvoptuxnwy", strict=True))
_LATIN = dict(zip("øłđħıɑɡʟɴʀꞵɪʏæœ", "oldhiaglnrbiyao", strict=True))
_SQUARED = {chr(base + i): chr(97 + i) for base in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
_HOMOGLYPHS = str.maketrans(_CYRILLIC | _GREEK | _LATIN | _SQUARED)


def tidy(text: str) -> str:
    """NFKC without invisible signs, single spaces: what a reader sees, capitals and all."""
    if not text.isascii():
        text = _composed(_INVISIBLE.sub("", text), "NFKC")
    return " ".join(text.split())


def normalise(text: str) -> str:
    """The plain view: tidy, casefolded, links as `url`, handles as `@user`, runs of one sign cut to three."""
    text = tidy(text).casefold()
    if "http" in text or "www." in text:
        text = _LINK.sub("url", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    return _REPEATS.sub(r"\1\1\1", text)


def unmask(plain: str) -> str:
    """The second view of a normalised text: accents, look-alike letters, leet, spaced and repeated letters undone.

    Equal to its argument where there was nothing to undo.
    """
    text = plain
    if not text.isascii():
        text = _MARKS.sub("", _composed(text, "NFKD")).translate(_HOMOGLYPHS)
    text = _LONG_LETTERS.sub(r"\1", _SPACED.sub(_join_letters, text))
    if _LEET_SIGN.search(text):
        text = " ".join(_unleet(word) for word in text.split(" "))
    return text


def named(text: str) -> str:
    """The text with its emoji in words (🔪 as `kitchen knife`), by their names in Unicode's CLDR."""
    if text.isascii() or not _PICTURE.search(text):
        return text
    import emoji  # a table of thousands, only where there is one to name

    return tidy(
        emoji.replace_emoji(text, lambda _sign, about: f" {about['en'].strip(':').replace('_', ' ')} ")
    )


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words stand, half-open ranges of characters; of a long text the first few thousand."""
    return [found.span() for found, _ in zip(_WORD.finditer(text), range(_MOST_WORDS), strict=False)]


def chunks(text: str) -> Iterator[str]:
    """A tidy text in overlapping parts of at most CHUNK characters, cut at spaces where there are any.

    A text of at most CHUNK characters comes whole; an empty one gives one empty part.
    """
    start = 0
    while len(text) - start > CHUNK:
        end = text.rfind(" ", start + CHUNK // 2, start + CHUNK)
        end = start + CHUNK if end < 0 else end
        yield text[start:end]
        back = text.find(" ", end - OVERLAP, end)
        start = (end - OVERLAP if back < 0 else back) + 1
    yield text[start:]


def _composed(text: str, form: Literal["NFKC", "NFKD"]) -> str:
    text = _PILED_MARKS.sub(r"\1", text)
    return "".join(unicodedata.normalize(form, text[i : i + _PIECE]) for i in range(0, len(text), _PIECE))


def _join_letters(found: re.Match[str]) -> str:
    letters = _SEPARATORS.sub("", found[0])
    return found[0] if letters.isdigit() else letters


def _unleet(word: str) -> str:
    if _NO_LEET.fullmatch(word) or word.startswith("@user"):
        return word
    return _LEET_INSIDE.sub(lambda found: found[0].translate(_LEET), word)
