"""What of a text is scored, and how the scores of its parts become one: no threat is lost in a long text.

A text is scored in chunks; each chunk plainly and, where that differs, with its disguises taken off and its emoji in
words; and in a text of several sentences each sentence alone. The highest counts, so that one bad sentence among many
good ones does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.classifier.concepts import Concepts
from monitor.classifier.text import CHUNK, chunks, named, normalise, tidy, unmask

UNANIMOUS = frozenset({"thanks", "spam"})
"""Labels that take a deadline away: the lowest chunk counts, for a question may follow the thanks."""

_LONG = 120  # characters from which sentences are scored on their own
_SHORT = 12  # a shorter sentence is joined to the next
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
# A sentence torn from its context raises more false alarms: it has to be this much surer, in logits.
_HANDICAP = math.exp(1.0)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to score: `owner` is the text's place in the batch, `text` normalised, `concepts` its classes.

    `chunk`: it is a plain chunk. `sentence`: it stands without its context.
    """

    owner: int
    text: str
    concepts: str
    chunk: bool = False
    sentence: bool = False


def parts_of(text: str, owner: int, lexicon: Concepts, *, sentences: bool = True) -> Iterator[Part]:
    """Everything of a text that is scored; at least one part, even of an empty text.

    `sentences`: those of a longer text alone, too. A model that reads words in their order can do without.
    """
    for chunk in chunks(tidy(text)):
        plain = normalise(chunk)
        yield Part(owner, plain, lexicon.row(chunk), chunk=True)
        bare = named(unmask(plain))
        if bare != plain:
            yield Part(owner, bare, lexicon.row(bare))
    if sentences and len(text) > _LONG:
        for sentence in _sentences(text):
            yield Part(owner, unmask(normalise(sentence)), lexicon.row(sentence), sentence=True)


def combine(best: dict[str, float], part: Part, scores: Mapping[str, float]) -> None:
    """Let the scores of one more part of a text count in `best`, which begins empty."""
    for label, score in scores.items():
        if label in UNANIMOUS:
            if part.chunk:
                best[label] = min(best.get(label, 1.0), score)
            continue
        if part.sentence:
            score = round(score / (score + (1 - score) * _HANDICAP), 6)
        best[label] = max(best.get(label, 0.0), score)


def _sentences(text: str) -> Iterator[str]:
    """Sentences, each at least _SHORT characters where there is another to join; none that is the whole text."""
    held = ""
    pieces = _SENTENCE_END.split(text)
    for number, piece in enumerate(pieces):
        held = f"{held} {piece}" if held else piece
        if len(pieces) > 1 and (len(held) >= _SHORT or number == len(pieces) - 1):
            yield from chunks(tidy(held)) if len(held) > CHUNK else (tidy(held),)
            held = ""
