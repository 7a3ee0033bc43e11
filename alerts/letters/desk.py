"""The letter, and the desk at which every kind of letter is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from alerts.clean import one_line
from alerts.kinds import ItemView, MailFacts
from alerts.shown import Row, ShownItem, on_platform, show
from alerts.times import Times
from alerts.wording import counted, knows, sentence

SUBJECT_LIMIT: Final = 70


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the sentences under it."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as PNG, and the same in words. `cid` names it within a mail."""

    cid: str
    alt: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail in sentences. `todo` is its first line, `template` the shape that lays it out.

    `lead` follows the first line; `rules` are things to do or leave, in order; `rows` are labels with values.
    """

    template: str
    subject: str
    todo: str
    lead: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    reply: ShownItem | None = None
    items: tuple[ShownItem, ...] = ()
    more: str = ""
    rows: tuple[Row, ...] = ()
    sections: tuple[Section, ...] = ()
    severity: str = "medium"
    urgent: bool = False
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """The facts, and the means to put them into words."""

    facts: MailFacts
    times: Times = field(repr=False)

    @property
    def language(self) -> str:
        """The language that is written."""
        return self.times.language

    def say(self, section: str, code: str, **params: object) -> str:
        """The words for a code. One that is not known is somebody else's text, and is cleaned like it."""
        known = knows(self.language, section, code)
        return sentence(self.language, section, code if known else one_line(code, 300), **params)

    def p(self, code: str, **params: object) -> str:
        """A sentence of the body."""
        return self.say("paragraphs", code, **params)

    def count(self, section: str, code: str, number: int, **params: object) -> str:
        """The words for one or many."""
        return counted(self.language, section, code, number, **params)

    def subject(self, code: str, **params: object) -> str:
        """A subject: one line, short, with a capital at its beginning."""
        return self.as_subject(self.say("subjects", code, **params))

    def as_subject(self, words: str) -> str:
        """Any words as a subject."""
        return one_line(words[:1].upper() + words[1:], SUBJECT_LIMIT)

    def section(self, heading: str, *lines: str) -> Section:
        """A section under one of the fixed headings."""
        return Section(self.say("labels", f"heading_{heading}"), tuple(line for line in lines if line))

    def show(self, items: Iterable[ItemView], *, excerpt: bool = False) -> tuple[ShownItem, ...]:
        """The items as this mail may show them."""
        return tuple(show(item, self.facts, self.times, excerpt=excerpt) for item in items)

    def check(self) -> str:
        """The command that shows how things stand."""
        return self.say("commands", "check")

    def since(self, moment: datetime) -> str:
        """How long ago the moment was."""
        return self.times.span(self.facts.now - moment)

    def command(self, code: str, case: int | None = None) -> str:
        """What whoever runs Schoolwatch types about a case, in the name of the recipient."""
        return self.say("commands", code, case=case, person=one_line(self.facts.recipient.person_id, 60))

    def more(self, number: int, command: str = "cases") -> str:
        """That there are more than are shown, and how to see them; empty where there are not."""
        return self.count("paragraphs", "more", number, command=self.command(command)) if number > 0 else ""

    def on_one_platform(self, items: Iterable[ItemView]) -> str:
        """ " on Facebook" where all stand there, else empty."""
        platforms = {item.platform for item in items}
        return f" {on_platform(self.language, platforms.pop())}".rstrip() if len(platforms) == 1 else ""

    def source(self, limit: int = 60) -> str:
        """The name of the source that the mail is about."""
        return one_line(self.facts.source, limit) or self.say("labels", "a_source")
