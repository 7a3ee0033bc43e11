"""The weekly page outside the mail: as a file that stands alone, as text, and its three lines. Pure.

In the mail its charts travel as attachments that the page shows; many programs block `data:`. In a file they stand in
the page itself, so that it can be kept, printed and passed on as one piece.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Final

from alerts.compose import render
from alerts.kinds import MailFacts, Recipient
from alerts.letters import write
from alerts.letters.desk import Picture
from alerts.letters.weekly import WeeklyLetter

NOBODY: Final = Recipient("", "", "")
"""To whom a page goes that is no mail."""


def as_page(facts: MailFacts) -> str:
    """The page as HTML that needs nothing beside it."""
    facts = replace(facts, recipient=NOBODY)
    return render(_letter(facts), facts, "html", _within)


def as_text(facts: MailFacts) -> str:
    """The page as plain text."""
    facts = replace(facts, recipient=NOBODY)
    return render(_letter(facts), facts, "txt", _within)


def in_short(facts: MailFacts) -> list[str]:
    """The three lines of the first screen."""
    return [line.in_words for line in _letter(facts).lines]


def _letter(facts: MailFacts) -> WeeklyLetter:
    letter = write(facts)
    if not isinstance(letter, WeeklyLetter):
        raise TypeError(f"a mail of kind {facts.kind.value} is no weekly page")
    return letter


def _within(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
