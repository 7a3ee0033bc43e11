"""The ways in which people hide a word from a machine, to measure what they do to a score. Never trained on."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

_LEET = str.maketrans("aeios", "4310$")
_ALIKE = str.maketrans("aeopc", "аеорс")


def disguised(text: str, way: str, chance: random.Random) -> str:
    """The text with each longer word hidden in one of the WAYS. The same draw gives the same text."""
    hide = WAYS[way]
    return " ".join(
        hide(word, chance) if len(word) > 2 and word.isalpha() else word for word in text.split(" ")
    )


def _doubled(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word))
    return word[:at] + word[at] * 4 + word[at + 1 :]


def _pierced(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return f"{word[:at]}\u200b{word[at:]}"


def _in_part(hide: Callable[[str], str]) -> Callable[[str, random.Random], str]:
    """Half of the words: who hides everything is not read by anybody."""
    return lambda word, chance: hide(word) if chance.random() < 0.5 else word


WAYS: Mapping[str, Callable[[str, random.Random], str]] = {
    "digits for letters": _in_part(lambda word: word.translate(_LEET)),
    "letters set apart": _in_part(lambda word: " ".join(word)),
    "dots between letters": _in_part(lambda word: ".".join(word)),
    "letters of another alphabet": _in_part(lambda word: word.translate(_ALIKE)),
    "letters repeated": _doubled,
    "signs that nobody sees": _pierced,
    "capitals": _in_part(str.upper),
}
