"""The numbers of one week, as the digest tells them. Plain types; imports the standard library only.

Counts and the names of sources, never a word that somebody wrote, never the name of somebody who wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Volume:
    """How many items of one kind came in through one source."""

    source: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Answers that were due. `kept` and `missed` were decided in the week, each promise in exactly one week:
    when it was answered in time, or when its time was over. The others are as things stand at the time of asking.

    `answered` counts every answer given in the week, the late ones too. `waiting` is still in time, `overdue` is
    not. `median` and `ninth` (nine in ten) run from receipt to the school's own reply; None where there was none.
    """

    kept: int = 0
    missed: int = 0
    answered: int = 0
    waiting: int = 0
    overdue: int = 0
    median: timedelta | None = None
    ninth: timedelta | None = None

    @property
    def decided(self) -> int:
        """How many promises the week decided."""
        return self.kept + self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """Items first judged medium or high in the week. Those for the safeguarding lead are in `Safeguarding` only.

    An item counts once in `severities` and once in each of its `categories`. `older`: written before the watch
    began, and counted nowhere else.
    """

    severities: tuple[tuple[str, int], ...] = ()
    categories: tuple[tuple[str, int], ...] = ()
    older: int = 0

    @property
    def total(self) -> int:
        """How many items."""
        return sum(count for _, count in self.severities)


@dataclass(frozen=True, slots=True)
class Safeguarding:
    """Safeguarding and urgent cases, as counts only: opened and acknowledged in the week, and those that nobody
    has acknowledged at the time of asking, whenever they were opened."""

    opened: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWeek:
    """One official account. `posts_seen`: has a post of the school ever been seen there? Else `last_post` tells
    nothing. `quiet_days`: whole days without one at the end of the week, where they are enough to be said."""

    name: str
    platform: str
    received: int = 0
    flagged: int = 0
    answers: Answers = Answers()
    blind: timedelta = timedelta()
    posts_seen: bool = False
    last_post: datetime | None = None
    quiet_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekFigures:
    """One week of one school, Monday 00:00 to Monday 00:00 of its own clock, as known at `as_of`. Times aware.

    `alerts`: kind and number of alerts that went out; `mails`: to how many mailboxes in all. `blind`: how long each
    source could not be read. `engine_out`: how long nothing could be judged, in `engine_outages` spells.
    """

    week: str
    start: datetime
    end: datetime
    as_of: datetime
    volumes: tuple[Volume, ...] = ()
    answers: Answers = Answers()
    flagged: Flagged = Flagged()
    safeguarding: Safeguarding = Safeguarding()
    alerts: tuple[tuple[str, int], ...] = ()
    mails: int = 0
    blind: tuple[tuple[str, timedelta], ...] = ()
    engine_out: timedelta = timedelta()
    engine_outages: int = 0
    set_aside: tuple[tuple[str, int], ...] = ()
    accounts: tuple[AccountWeek, ...] = ()

    @property
    def received(self) -> int:
        """Everything that came in."""
        return sum(volume.count for volume in self.volumes)

    @property
    def blind_in_all(self) -> timedelta:
        """The blind hours of all sources together."""
        return sum((length for _, length in self.blind), timedelta())

    @property
    def set_aside_in_all(self) -> int:
        """Every piece of input that was set aside."""
        return sum(count for _, count in self.set_aside)


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A configured source. `reads_direct`: private messages come in through it too."""

    name: str
    platform: str
    official: bool
    reads_direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What one weekly page is made of. `before`: up to four weeks wholly watched, the oldest first.

    As things stand at the time of asking: `blind_now` are sources that cannot be read, `unscored` items that
    nobody has judged, `undelivered` mails given up. `register`: sentences on what the register of accounts lacks.
    """

    week: WeekFigures
    before: tuple[WeekFigures, ...] = ()
    sources: tuple[SourceSeen, ...] = ()
    blind_now: tuple[str, ...] = ()
    unscored: int = 0
    undelivered: int = 0
    register: tuple[str, ...] = ()
    began_within: datetime | None = None
    """When the watch began, if that was in this very week: then the week is not whole."""
