"""The checkpoint of a walk through pages that come newest first, for every connector that reads such pages.

    {"version": 1, "high_water": time, "kept": {...}, "in_progress": {...} or None}

The high water (the newest time that has certainly been read) moves only when a walk ends: moved on page 1, a crash
would lose pages 2 to n. A walk goes down to the high water less an overlap, because platforms show items late and
the store's upsert forgives a repeat. `kept` is what the connector wants to remember of a finished walk (an ETag);
it too is taken over only at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Checkpoint

VERSION = 1
OVERLAP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk stands. All times aware.

    `target`: how far down this walk goes; None for the first one, which goes down as far as its pages are allowed.
    `page_token`: the page to read now, None for the newest. `newest`: the newest time seen in this walk. `pages`:
    read so far. `restarts`: how often a page token had expired. `pending`: becomes `kept` when the walk ends.
    """

    high_water: datetime | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    target: datetime | None = None
    page_token: str | None = None
    newest: datetime | None = None
    pages: int = 0
    restarts: int = 0
    pending: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, checkpoint: Checkpoint | None, overlap: timedelta = OVERLAP) -> Walk:
        """Read a stored checkpoint. None, an unknown version or an unreadable one: walk from the start."""
        try:
            return cls._load(checkpoint or {}, overlap)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return cls()

    @classmethod
    def _load(cls, stored: Mapping[str, Any], overlap: timedelta) -> Walk:
        if stored.get("version") != VERSION:
            return cls()
        high_water = _time(stored.get("high_water"))
        walk = cls(
            high_water=high_water,
            kept=dict(stored.get("kept") or {}),
            target=high_water - overlap if high_water else None,
        )
        progress = stored.get("in_progress")
        if not progress:
            return walk
        return replace(
            walk,
            target=_time(progress.get("target")),
            page_token=str(progress["page_token"]),
            newest=_time(progress.get("newest")),
            pages=int(progress["pages"]),
            restarts=int(progress.get("restarts", 0)),
            pending=dict(progress.get("pending") or {}),
        )

    @property
    def begins(self) -> bool:
        """Is the next page the newest one?"""
        return self.page_token is None

    def read(
        self, times: Iterable[datetime | None], next_token: str | None, now: datetime, max_pages: int
    ) -> tuple[Walk, str | None]:
        """The walk after one page, and a sentence if it ended above its target and items may be missing.

        `times`: of everything on the page in its order, whether it became an item or not. Times after `now` count as
        now: one item dated next century must not make all others look old. The walk ends where there is no next
        page, where the last dated item of a page is older than the target (not the oldest: a pinned one stands
        first), or after `max_pages`.
        """
        dated = [min(time, now) for time in times if time is not None]
        newest = max([*dated, *filter(None, [self.newest])], default=None)
        walk = replace(self, newest=newest, pages=self.pages + 1)
        reached = self.target is not None and bool(dated) and dated[-1] < self.target
        if next_token is None or reached:
            return walk.ended(), None
        if walk.pages >= max_pages:
            return walk.ended(), walk._gap(
                f"{max_pages} pages did not reach back to it"
            ) if self.target else None
        return replace(walk, page_token=next_token), None

    def restarted(self) -> Walk:
        """The walk after its page token has expired: again from the newest page, to the same target."""
        return Walk(
            high_water=self.high_water, kept=self.kept, target=self.target, restarts=self.restarts + 1
        )

    def given_up(self) -> tuple[Walk, str]:
        """End a walk whose page tokens expire again and again; the second value is the gap's sentence."""
        return self.ended(), self._gap("a later page could not be read")

    def ended(self) -> Walk:
        """The high water rises to what was seen, and what was pending is kept."""
        high_water = max(filter(None, [self.high_water, self.newest]), default=None)
        return Walk(high_water=high_water, kept=self.pending)

    def dump(self) -> Checkpoint:
        progress = {
            "target": _words(self.target),
            "page_token": self.page_token,
            "newest": _words(self.newest),
            "pages": self.pages,
            "restarts": self.restarts,
            "pending": dict(self.pending),
        }
        return {
            "version": VERSION,
            "high_water": _words(self.high_water),
            "kept": dict(self.kept),
            "in_progress": None if self.begins else progress,
        }

    def _gap(self, why: str) -> str:
        reach = f"since {_words(self.target)}" if self.target else "of the first walk"
        return f"Items {reach} may be missing because {why}: look at the source itself."


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a checkpoint's times have a zone")
    return time


def _words(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
