"""A text as a row of word classes: `my uncle hits me` becomes `me parent hit me`.

A few hundred written lines cannot hold every word for a relative or a weapon. With the classes beside the words,
the school heads learn what stands with what.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_DEFAULT = Path(__file__).with_name("concepts.toml")
_TOKEN = re.compile(r"\d[\d -]{7,}\d|[^\W_]+(?:['’*-][^\W_*]+)*|[?!£\u2600-\u27bf\U0001f300-\U0001faff]")
_SENTENCE_END = ".!?:\n"
_PHONE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Concepts:
    """Word classes: `words` maps whole words, `stems` beginnings of words, to the classes joined by spaces."""

    words: dict[str, str]
    stems: dict[str, str]

    @classmethod
    def load(cls) -> Concepts:
        """The lexicon as it stands in the repository; training puts it into the weights file."""
        return cls.parse(cls.source())

    @staticmethod
    def source() -> str:
        """Its text."""
        return _DEFAULT.read_text(encoding="utf-8")

    @classmethod
    def parse(cls, toml: str) -> Concepts:
        """A lexicon from its text: class = "words"; a word in several classes has them all."""
        words: dict[str, str] = {}
        stems: dict[str, str] = {}
        for name, members in tomllib.loads(toml).items():
            for member in str(members).split():
                table, key = (stems, member[:-1]) if member.endswith("*") else (words, member)
                table[key] = f"{table[key]} {name}" if key in table else name
        return cls(words, stems)

    def row(self, text: str) -> str:
        """The classes of a text's words, in order; a capital within a sentence is a `name`."""
        found: list[str] = []
        for match in _TOKEN.finditer(text):
            word = match[0]
            known = self._known(word.casefold().replace("’", "'"))
            if known:
                found.append(known)
            elif word[0].isdigit():
                found.append("phone" if sum(map(str.isdigit, word)) >= _PHONE_DIGITS else "number")
            elif word[0].isupper() and not word.isupper() and _within_sentence(text, match.start()):
                found.append("name")
        return " ".join(found)

    def _known(self, word: str) -> str:
        if word in self.words or not self.stems:
            return self.words.get(word, "")
        for end in range(len(word) - 1, 3, -1) if len(word) < 24 else ():
            if word[:end] in self.stems:
                return self.stems[word[:end]]
        return ""


def _within_sentence(text: str, start: int) -> bool:
    before = text[max(start - 2, 0) : start].rstrip(" ")
    return bool(before) and before[-1] not in _SENTENCE_END
