"""The weekly page: a week's figures as three lines, then chapters. Pure but for the drawing of charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.figures import Digest
from alerts.letters import weekly_figures, weekly_sight
from alerts.letters.desk import Desk, Letter
from alerts.letters.weekly_parts import Chapter, days_of, named
from alerts.shown import listed

_GOOD, _LOOK, _ACT = "good", "look", "act"
_SEVERITIES: Final = {_GOOD: "low", _LOOK: "medium", _ACT: "high"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the first screen. `tone`: good, look or act; said in words too, for colour alone says nothing."""

    tone: str
    label: str
    value: str
    text: str
    joins: bool = False
    """Do the text's words go on with the value's sentence?"""

    @property
    def in_words(self) -> str:
        """The line as one line of text."""
        return f"{self.label}: {self.value}{' ' if self.joins or not self.text else '. '}{self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Need:
    """Something that somebody has to do: in a few words, in a sentence, and how."""

    brief: str
    words: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyLetter(Letter):
    """The page. `lines` are the first screen; the footer depends on whether it is a mail to somebody."""

    about: str
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    chapters: tuple[Chapter, ...]
    footer_mail: str
    footer_page: str


def weekly(desk: Desk) -> WeeklyLetter:
    """The page about the week. Raises ValueError where there are no figures."""
    digest = desk.facts.digest
    if digest is None:
        raise ValueError("a digest needs figures")
    needs = _needs(desk, digest)
    lines = (_needs_line(desk, needs), _watch_line(desk, digest), _promises_line(desk, digest))
    chapters = _chapters(desk, digest, needs)
    days, number = days_of(desk, digest.week), int(digest.week.week.partition("W")[2])
    words = {"name": named(desk.facts.recipient.name), "school": named(desk.facts.school_name)}
    return WeeklyLetter(
        template="digest",
        subject=_subject(desk, days, len(needs)),
        todo=desk.say("digest.page", "title", days=days),
        about=desk.say("digest.page", "about", school=words["school"], number=number),
        notes=_notes(desk, digest),
        lines=lines,
        chapters=chapters,
        pictures=tuple(chapter.picture for chapter in chapters if chapter.picture is not None),
        severity=_SEVERITIES[lines[0].tone],
        footer_mail=desk.say("digest.page", "footer_mail", **words),
        footer_page=desk.say("digest.page", "footer_page", **words),
    )


def _subject(desk: Desk, days: str, needs: int) -> str:
    if not needs:
        return desk.as_subject(desk.say("digest.page", "subject_nothing", days=days))
    return desk.as_subject(desk.count("digest.page", "subject", needs, days=days))


def _notes(desk: Desk, digest: Digest) -> tuple[str, ...]:
    """What makes the week less than a whole one."""
    notes = []
    if digest.week.as_of < digest.week.end:
        notes.append(desk.say("digest.page", "so_far", until=desk.times.moment(digest.week.as_of)))
    if digest.began_within is not None:
        notes.append(desk.say("digest.page", "began", since=desk.times.moment(digest.began_within)))
    return tuple(notes)


def _needs(desk: Desk, digest: Digest) -> tuple[Need, ...]:
    """What needs somebody, the gravest first."""
    week = digest.week
    found: list[Need] = []
    command = desk.say("commands", "outbox")

    def need(code: str, number: int, **params: object) -> None:
        if number:
            brief, words = (
                desk.count(f"digest.{part}", code, number, **params) for part in ("brief", "need")
            )
            found.append(Need(brief, words, desk.say("digest.do", code, command=command)))

    need("unacknowledged", week.safeguarding.unacknowledged)
    if digest.blind_now:
        sources = listed(desk.language, [named(name) for name in digest.blind_now])
        brief, words = (desk.say(f"digest.{part}", "blind", sources=sources) for part in ("brief", "need"))
        found.append(Need(brief, words, desk.say("digest.do", "blind")))
    need("overdue", week.answers.overdue)
    need("unscored", digest.unscored)
    need("undelivered", digest.undelivered)
    quiet = [
        desk.count("digest.say", "silent", one.quiet_days, account=named(one.name))
        for one in week.accounts
        if one.quiet_days is not None
    ]
    need("quiet", len(quiet), accounts=listed(desk.language, quiet))
    need("register", len(digest.register))
    return tuple(found)


def _needs_line(desk: Desk, needs: tuple[Need, ...]) -> Line:
    label = desk.say("digest.line", "needs")
    if not needs:
        nothing = desk.say("digest.line", "needs_nothing")
        return Line(_GOOD, label, nothing, desk.say("digest.line", "needs_nothing_more"))
    briefs = ", ".join(need.brief for need in needs)
    text = f"{briefs[:1].upper()}{briefs[1:]}."
    return Line(_ACT, label, desk.count("digest.line", "needs", len(needs)), text)


def _watch_line(desk: Desk, digest: Digest) -> Line:
    week, said = digest.week, []
    blind, lead = week.blind_in_all, week.safeguarding
    if week.blind:
        sources = listed(desk.language, [named(name) for name, _ in week.blind])
        said.append(desk.say("digest.line", "watch_sources", sources=sources))
    if week.engine_out:
        said.append(desk.say("digest.line", "watch_engine", length=desk.times.span(week.engine_out)))
    value = desk.say("digest.line", "watch_never" if digest.sources else "watch_unread")
    if blind:
        value = desk.say("digest.line", "watch_blind", length=desk.times.span(blind))
    if lead.unacknowledged:
        value = desk.say("digest.line", "watch_ladder", blind=value, n=f"{lead.unacknowledged:,}")
        said.append(desk.count("digest.line", "watch_ladders", lead.unacknowledged))
    else:
        said.append(desk.say("digest.line", "watch_acknowledged" if lead.opened else "watch_none"))
    tone = _ACT if lead.unacknowledged else _LOOK if blind or week.engine_out else _GOOD
    return Line(tone, desk.say("digest.line", "watch"), value, " ".join(said))


def _promises_line(desk: Desk, digest: Digest) -> Line:
    answers = digest.week.answers
    label = desk.say("digest.line", "promises")
    waiting = desk.count("digest.line", "promises_waiting", answers.waiting) if answers.waiting else ""
    if not answers.decided:
        return Line(_GOOD, label, desk.say("digest.line", "promises_none"), waiting)
    value = desk.say("digest.line", "promises_some", kept=answers.kept, decided=answers.decided)
    more = desk.say("digest.line", "promises_some_more")
    text = f"{more} {waiting}".strip()
    return Line(_LOOK if answers.missed else _GOOD, label, value, text, joins=True)


def _chapters(desk: Desk, digest: Digest, needs: tuple[Need, ...]) -> tuple[Chapter, ...]:
    """All chapters that have something to say, in the order in which a head teacher asks."""
    week = digest.week
    made = (
        Chapter(
            heading=desk.say("digest.head", "needs"), points=tuple((need.words, need.do) for need in needs)
        )
        if needs
        else None,
        weekly_figures.answers(desk, digest),
        weekly_figures.received(desk, digest),
        weekly_figures.flagged(desk, week),
        weekly_figures.safeguarding(desk, week),
        weekly_figures.accounts(desk, digest),
        weekly_sight.sight(desk, week),
        weekly_sight.compared(desk, digest),
        weekly_sight.not_watched(desk, digest),
        weekly_sight.register(desk, digest),
        weekly_sight.counted(desk, week),
    )
    return tuple(chapter for chapter in made if chapter is not None)
