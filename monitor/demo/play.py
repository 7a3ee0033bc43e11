"""The parent: owns the clock, the simulators and the mail server, and steps the child through the story."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts import outbox
from alerts.digest import as_page
from config.settings import load
from monitor.bootstrap import site_of
from monitor.demo import story
from monitor.demo.platforms import Platforms
from monitor.demo.sink import MailSink, serving
from monitor.demo.story import Scene, Story
from monitor.pipeline import week
from monitor.storage import cases, migrate
from monitor.storage.database import Database

SCHOOL = "willowbrook"
_DAY = timedelta(days=1)
_COUNT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How things stand at a moment of the week. `alerts`: mails by kind, one a recipient."""

    items: int = 0
    flagged: int = 0
    answered: int = 0
    missed: int = 0
    mails: int = 0
    alerts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the week ended with, and where to look."""

    items: int
    flagged: int
    alerts: Mapping[str, int]
    answered: int
    missed: int
    mails: int
    mails_folder: str
    digest: str
    seconds: float


class Watcher:
    """Hears how the play goes; the screen is one, and a test may be another."""

    def scene(self, scene: Scene) -> None:
        """Something of the story has happened."""

    def stands(self, now: datetime, counts: Counts) -> None:
        """A step was worked off."""


class Child:
    """The worker's process."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._process = self._start()

    module = "monitor.demo.child"

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", self.module, str(self._settings)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603

    def step(self, start: datetime, end: datetime) -> None:
        """Let the worker do all that is due from `start` up to `end`."""
        told = json.dumps({"from": start.isoformat(), "until": end.isoformat()}) + "\n"
        if not self.say(told):
            raise RuntimeError(f"the worker ended with code {self._process.wait()}; its words are above")

    def say(self, told: str) -> str:
        """Send a line, and wait for the answer; empty if the process has ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the worker has no pipes")
        stdin.write(told)
        stdin.flush()
        return stdout.readline()

    def close(self) -> None:
        """Let it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def play(out: Path, watcher: Watcher, start: Callable[[Path], Child] = Child) -> Summary:
    """Play the week into the folder `out`, whose former play is removed. `start`: makes the worker's process."""
    began = time.monotonic()
    told = story.load()
    mails = _fresh(out)
    sink = MailSink(mails)
    with serving(sink) as port, Platforms() as platforms:
        settings = _write_settings(out, {"@MAIL_PORT@": str(port), **platforms.marks()})
        child = start(settings)
        try:
            reader = _reader(out)
            _tell(told, platforms, sink, child, reader, watcher)
            reader.close()
        finally:
            child.close()
    db = _reader(out)
    counts = count(db, sink)
    digest = _digest(db, settings, told.ends)
    db.close()
    return Summary(
        items=counts.items,
        flagged=counts.flagged,
        alerts=counts.alerts,
        answered=counts.answered,
        missed=counts.missed,
        mails=counts.mails,
        mails_folder=str(mails),
        digest=str(digest),
        seconds=round(time.monotonic() - began, 1),
    )


def _tell(
    told: Story, platforms: Platforms, sink: MailSink, child: Child, db: Database, watcher: Watcher
) -> None:
    """Each scene at its moment: first the worker works up to it, then it happens."""
    for old in told.before:
        platforms.happen(old)
    now, counted = told.begins, 0.0
    scenes: tuple[Scene | None, ...] = (*told.scenes, None)
    for scene in scenes:
        moment = scene.at if scene is not None else told.ends
        for stop in _stops(now, moment):
            child.step(now.astimezone(UTC), stop.astimezone(UTC))
            now = stop
            # Counting reads every case: at the end of a day, and now and then between.
            if stop is not moment or scene is None or time.monotonic() - counted > _COUNT_EVERY_S:
                watcher.stands(now, count(db, sink))
                counted = time.monotonic()
        if scene is not None:
            _happen(scene, platforms, sink)
            watcher.scene(scene)


def _stops(now: datetime, moment: datetime) -> list[datetime]:
    """Up to the moment, with a stop at each midnight, so that the screen can close the day."""
    stops = []
    midnight = datetime.combine(now.date() + _DAY, datetime.min.time(), tzinfo=now.tzinfo)
    while midnight < moment:
        stops.append(midnight)
        midnight = datetime.combine(midnight.date() + _DAY, datetime.min.time(), tzinfo=now.tzinfo)
    return [*stops, moment]


def _happen(scene: Scene, platforms: Platforms, sink: MailSink) -> None:
    if scene.do in ("mail_trouble", "mail_mends"):
        sink.refusing = scene.do == "mail_trouble"
    else:
        platforms.happen(scene)


def count(db: Database, sink: MailSink) -> Counts:
    """How things stand, read from the rows and the mail server."""
    with db.read() as conn:
        every = cases.rows(conn, SCHOOL, open_only=False)
        rows = outbox.rows(conn, SCHOOL)
        items = cases.count_items(conn, SCHOOL)
    return Counts(
        items=items,
        flagged=sum(row.flag != "none" for row in every),
        answered=sum(row.answer == "answered" for row in every),
        missed=len({row.subject for row in rows if row.kind == "deadline_missed" and row.state == "sent"}),
        mails=len(sink.mails),
        alerts=dict(sorted(Counter(row.kind for row in rows if row.state == "sent").items())),
    )


def _fresh(out: Path) -> Path:
    for old in ("mails", "state"):
        shutil.rmtree(out / old, ignore_errors=True)
    mails = out / "mails"
    mails.mkdir(parents=True)
    return mails.absolute()


def _write_settings(out: Path, marks: Mapping[str, str]) -> Path:
    text = story.settings_text()
    for mark, value in marks.items():
        text = text.replace(mark, value)
    path = out / "schoolwatch.toml"
    path.write_text(text, encoding="utf-8")
    _reader(out).close()
    return path


def _reader(out: Path) -> Database:
    """The demo's database, migrated, for the parent to look at."""
    db = Database(f"sqlite:///{(out / 'state' / 'schoolwatch.db').absolute()}")
    migrate.upgrade(db)
    return db


def _digest(db: Database, settings: Path, now: datetime) -> Path:
    """The week's page for the senior leaders, as `schoolwatch digest --out` writes it."""
    told = load(settings, {})
    site = site_of(told, told.schools[0], db)
    page = settings.absolute().with_name("digest.html")
    page.write_text(as_page(week.page(site, week.chosen(site, None, now), now)), encoding="utf-8")
    return page
