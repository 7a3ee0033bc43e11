"""The story that the demo plays: what is written where and when, and what breaks. Read from a data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

FOLDER = files("config").joinpath("presets", "demo")
ZONE = ZoneInfo("Europe/London")
BEGINS = datetime(2026, 11, 9, 7, 30, tzinfo=ZONE)
ENDS = datetime(2026, 11, 16, 8, 0, tzinfo=ZONE)
"""The week, and an hour of the Monday after it, when the senior leaders get their digest."""
SCHOOL = "school"
"""Who writes for the school, in the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One thing that happens. `at` is aware; `story` are the few words for the screen, at turning points only."""

    at: datetime
    do: str
    on: str | None = None
    id: str = ""
    by: str = ""
    to: str | None = None
    text: str = ""
    title: str = ""
    story: str = ""

    @property
    def by_school(self) -> bool:
        """Did the school itself write it?"""
        return self.by == SCHOOL


@dataclass(frozen=True, slots=True)
class Story:
    """The scenes in order: those from before the watch began, and the week's."""

    begins: datetime
    ends: datetime
    before: tuple[Scene, ...]
    scenes: tuple[Scene, ...]


def load(name: str = "week.toml") -> Story:
    """Read a story. Raises ValueError where it contradicts itself."""
    told = tomllib.loads(FOLDER.joinpath(name).read_text(encoding="utf-8"))
    scenes = sorted((_scene(one) for one in told["events"]), key=lambda scene: scene.at)
    _check(scenes)
    return Story(
        BEGINS,
        ENDS,
        tuple(scene for scene in scenes if scene.at < BEGINS),
        tuple(scene for scene in scenes if BEGINS <= scene.at <= ENDS),
    )


def settings_text() -> str:
    """The settings of the story's school, with @MARKS@ for what differs from play to play."""
    return FOLDER.joinpath("schoolwatch.toml").read_text(encoding="utf-8")


def _scene(one: Mapping[str, Any]) -> Scene:
    return Scene(**{**one, "at": _moment(one["at"])})


def _moment(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


def _check(scenes: list[Scene]) -> None:
    known: set[str] = set()
    for scene in scenes:
        if scene.to is not None and scene.to not in known:
            raise ValueError(
                f"the story's {scene.id or scene.do} answers {scene.to}, which nobody has written yet"
            )
        if scene.id in known:
            raise ValueError(f"the story has {scene.id} twice")
        if scene.id:
            known.add(scene.id)
