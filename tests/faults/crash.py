"""Plays the story with a worker that is killed again and again, and counts the deaths."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.faults.mortal import Act, Birth, Point, Settle, When
from tests.faults.stage import Stage
from tests.faults.story import STORY, Scene

BOUNDARIES = ("T1", "T2", "T3", "T4")
WANTED: Mapping[str, int] = {
    **{f"{name} {side}": 4 for name in BOUNDARIES for side in ("before", "after")},
    "migration": 4,
    "start": 4,
    "statement": 18,
    "feed request": 5,
    "file open": 5,
    "RCPT": 5,
    "final dot": 6,
    "answer": 5,
    "other before": 5,
    "other after": 5,
}
"""How many deaths of each kind a test wants at least."""
_OTHERS = frozenset({"claim poll", "prepare", "poll failed", "T2 notices", "T2 tell", "T2 act"})
_FROM_OUTSIDE = ("feed request", "RCPT", "final dot")
_SKIPS = {
    "T2 before": 0,
    "T2 after": 0,
    "migration": 25,
    "start": 5,
    "statement": 60,
    "other before": 3,
    "other after": 3,
    "file open": 4,
}
_RARE = frozenset({"migration", "T2 before", "T2 after"})

_KILLING = timedelta(minutes=25)
"""From a scene's begin: later, everything must have its peace, so that all leases end within the hour."""
_SCENE = timedelta(minutes=50)
_DEATHS_A_SCENE = 8


@dataclass
class Deaths:
    """Which deaths happened, and where the next ones may. `places` counts those by SIGKILL only."""

    seed: int
    wanted: Mapping[str, int] = field(default_factory=lambda: WANTED)
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @property
    def enough(self) -> bool:
        """Has every place had as many as it wants?"""
        return not self._left()

    def _left(self) -> list[str]:
        return [label for label, count in self.wanted.items() if self.happened[label] < count]

    def draw(self) -> dict[str, int]:
        """Half of the places that lack deaths, and all the rare ones, each with a number of chances to let pass."""
        return {
            label: self._random.randint(0, _SKIPS.get(label, 1))
            for label in self._left()
            if label in _RARE or self._random.random() < 0.5
        }

    def table(self) -> str:
        """The counts in lines."""
        boundaries = {name: self.at_boundary(name) for name in BOUNDARIES}
        lines = [
            f"  {name}: {count} ({self.happened[f'{name} before']} before COMMIT, "
            f"{self.happened[f'{name} after']} after)"
            for name, count in boundaries.items()
        ]
        elsewhere = ", ".join(f"{label} {count}" for label, count in self._elsewhere().items())
        return "\n".join([*lines, f"  elsewhere: {self.elsewhere} ({elsewhere})"])

    def at_boundary(self, name: str) -> int:
        return self.happened[f"{name} before"] + self.happened[f"{name} after"]

    @property
    def elsewhere(self) -> int:
        return sum(self._elsewhere().values())

    def _elsewhere(self) -> Mapping[str, int]:
        return {label: self.happened[label] for label in self.wanted if label.split()[0] not in BOUNDARIES}


def _points(drawn: Mapping[str, int], *labels: str) -> tuple[Point, ...]:
    """The child's own share of what was drawn."""
    found = []
    for label, skip in drawn.items():
        if label not in (labels or drawn):
            continue
        first, _, side = label.partition(" ")
        stages = frozenset({first}) if first in BOUNDARIES else _OTHERS if first == "other" else frozenset()
        if label == "answer":
            # The server has answered, and what it said is about to be written.
            found.append(Point(label, When.BEGIN, frozenset({"T4"}), skip))
        elif label == "file open":
            found.append(Point(label, When.OPEN, skip=skip))
        elif label in ("statement", "migration", "start"):
            found.append(Point(label, When.STATEMENT, skip=skip))
        elif stages:
            found.append(Point(label, When.COMMIT if side == "before" else When.COMMITTED, stages, skip))
    return tuple(found)


class Mother:
    """The process that bears the workers; a context manager."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # Not by -m: the module would be there twice, and its classes not be the same.
            code = f"from tests.faults.mortal import mother; mother({theirs.fileno()})"
            command = [sys.executable, "-W", "error", "-c", code]
            root = Path(__file__).parents[2]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=root)
        self.pipe = Connection(ours.detach())

    def __enter__(self) -> Mother:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.pipe.close()
        self._process.wait()


class Killed(Exception):
    """The child is dead, by SIGKILL."""


class Run:
    """One play of the whole story on one fresh database. `deaths` None: nobody is killed."""

    def __init__(self, mother: Mother, stage: Stage, url: str, deaths: Deaths | None) -> None:
        self._pipe = mother.pipe
        self._stage = stage
        self._url = url
        self._deaths = deaths
        self._settings = stage.settings
        self._pid: int | None = None
        self._migrated = False
        self._deaths_here = 0
        self.faults: list[str] = []

    def play(self, story: Sequence[Scene] = STORY) -> None:
        """From the first scene to the last, and an orderly end."""
        self._stage.clear()
        for scene in story:
            self._deaths_here = 0
            scene.play(self._stage)
            self._scene(scene)
        self._pipe.send(None)
        self._hear("dead")
        self._pid = None

    def _scene(self, scene: Scene) -> None:
        for external_id, action, person in scene.acts:
            self._until_done(lambda points: Act(scene.at, points, external_id, action, person), True)  # noqa: B023
        now: datetime | None = scene.at
        while now is not None and now <= scene.at + _SCENE:
            moment = now
            now = self._until_done(
                lambda points: Settle(moment, points, scene.broken, scene.chokes_on),  # noqa: B023
                moment <= scene.at + _KILLING,
            )

    def _until_done(self, order: Any, may_die: bool) -> Any:
        while True:
            drawn = self._draw() if may_die else {}
            try:
                self._live(drawn)
                assert self._pid is not None
                outside = {label: skip for label, skip in drawn.items() if label in _FROM_OUTSIDE}
                self._stage.hand.arm(self._pid, outside)
                inside = {name: skip for name, skip in drawn.items() if name not in ("migration", "start")}
                self._pipe.send(order(_points(inside)))
                return self._hear("done")
            except Killed:
                continue
            finally:
                self._stage.hand.disarm()

    def _draw(self) -> dict[str, int]:
        if self._deaths is None or self._deaths_here >= _DEATHS_A_SCENE:
            return {}
        return self._deaths.draw()

    def _live(self, drawn: Mapping[str, int]) -> None:
        """Let a child be born if there is none."""
        if self._pid is None:
            at_birth = _points(drawn, "start" if self._migrated else "migration")
            self._pipe.send(Birth(self._url, self._settings, self._stage.items, at_birth))
            self._pid = self._hear("born")
            self._hear("ready")
            self._migrated = True

    def _hear(self, awaited: str) -> Any:
        """The child's next word of that kind. Raises Killed."""
        dying: str | None = None
        while True:
            word, value = self._pipe.recv()
            if word == "fault":
                self.faults.append(value)
            elif word == "dying":
                dying = value
            elif word == "dead" and awaited != "dead":
                self._bury(value, dying or self._stage.hand.struck)
            else:
                assert word == awaited, (word, value)
                return value

    def _bury(self, code: int, label: str | None) -> None:
        assert code == -9, f"a child ended with {code}, near {label}"
        assert label is not None
        assert self._deaths is not None
        self._deaths.happened[label] += 1
        self._deaths_here += 1
        self._pid = None
        raise Killed
