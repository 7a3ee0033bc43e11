"""The worker as a process that can be killed: a mother process that has imported everything forks one child at a
time, and the child kills itself with SIGKILL where it was told to.

Both speak with the test over one connection, never at the same time: the mother is silent while a child lives.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg  # noqa: F401  imported once here, so that each child starts in milliseconds
from sqlalchemy import event

import connectors.feed
import connectors.files  # noqa: F401
from config.schema import Settings
from monitor.bootstrap import Installation, install
from monitor.domain.case import EventKind
from monitor.pipeline.act import act
from monitor.storage import cases, migrate
from monitor.storage.database import STAGE, Database
from monitor.worker import Worker
from tests.fakes import FakeEngine


class When(StrEnum):
    """Where a child can die by its own hand."""

    BEGIN = "begin"
    """A write transaction of that stage begins."""
    COMMIT = "commit"
    """Everything is written, and COMMIT has not been sent."""
    COMMITTED = "committed"
    """The database has said yes, and nothing of ours has run since."""
    STATEMENT = "statement"
    """A statement is about to be sent."""
    OPEN = "open"
    """A file with items is being opened."""


@dataclass(frozen=True, slots=True)
class Point:
    """Die at `when`, in a transaction whose name is among `stages`, after `skip` chances. `label` counts it."""

    label: str
    when: When
    stages: frozenset[str] = frozenset()
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Birth:
    """What a child is born with."""

    url: str
    settings: Settings
    items: Path
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Settle:
    """Work until nothing is due at `now`."""

    now: datetime
    points: tuple[Point, ...]
    broken: bool = False
    chokes_on: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A person does something about the case of that item."""

    now: datetime
    points: tuple[Point, ...]
    external_id: str
    action: EventKind
    person: str


class Reaper:
    """Watches a child from inside and kills it where it is told to."""

    def __init__(self, pipe: Connection, items: Path) -> None:
        self._pipe = pipe
        self._items = str(items)
        self._points: dict[Point, int] = {}
        self._committing: str | None = None

    def arm(self, points: Iterable[Point]) -> None:
        """Only these from now on."""
        self._points = {point: point.skip for point in points}

    def watch(self, db: Database) -> None:
        """Look on at every transaction of the database, and at every file that is opened."""
        event.listen(db.engine, "before_cursor_execute", self._statement)
        event.listen(db.engine, "begin", self._begin)
        event.listen(db.engine, "commit", self._commit)
        event.listen(db.engine, "reset", self._back_in_the_pool)
        sys.addaudithook(self._audit)

    def _statement(self, conn: Any, *_: Any) -> None:
        self._here(When.STATEMENT)

    def _begin(self, conn: Any) -> None:
        self._here(When.BEGIN, conn.get_execution_options().get(STAGE))

    def _commit(self, conn: Any) -> None:
        self._committing = conn.get_execution_options().get(STAGE)
        self._here(When.COMMIT, self._committing)

    def _back_in_the_pool(self, *_: Any) -> None:
        stage, self._committing = self._committing, None
        if stage is not None:
            self._here(When.COMMITTED, stage)

    def _audit(self, what: str, about: Any) -> None:
        if what == "open" and str(about[0]).startswith(self._items):
            self._here(When.OPEN)

    def _here(self, when: When, stage: str | None = None) -> None:
        for point, left in self._points.items():
            if point.when is when and (not point.stages or stage in point.stages):
                if left == 0:
                    self._pipe.send(("dying", point.label))
                    os.kill(os.getpid(), signal.SIGKILL)
                self._points[point] = left - 1


class _Faults(logging.Handler):
    """Tells the test of everything that the worker logs as an error."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__(logging.ERROR)
        self._pipe = pipe
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._pipe.send(("fault", self.format(record)))


def live(pipe: Connection, birth: Birth) -> None:
    """A child's life: start as `schoolwatch run` does, then do as told until it is killed or let go."""
    logging.getLogger().addHandler(_Faults(pipe))
    reaper = Reaper(pipe, birth.items)
    reaper.arm(birth.points)
    db = Database(birth.url)
    reaper.watch(db)
    db.claim_run()
    migrate.upgrade(db)
    engine = FakeEngine()
    installation = install(birth.settings, {}, db=db, load_engine=lambda: engine)
    worker = Worker(installation)
    pipe.send(("ready", None))
    while (order := pipe.recv()) is not None:
        reaper.arm(order.points)
        if isinstance(order, Act):
            pipe.send(("done", _act(installation, order)))
        else:
            engine.broken, engine.chokes_on = order.broken, order.chokes_on
            while (due := worker.tick(order.now)) is not None and due <= order.now:
                pass
            pipe.send(("done", due))
    installation.close()


def _act(installation: Installation, order: Act) -> str | None:
    (site,) = installation.sites
    with site.db.read() as conn:
        rows = cases.rows(conn, site.id, open_only=False)
    number = next((row.number for row in rows if row.external_id == order.external_id), None)
    return None if number is None else act(site, number, order.action, order.person, order.now)


def mother(descriptor: int) -> None:
    """Bear one child after the other and tell how each ended. `descriptor`: of the connection to the test."""
    pipe = Connection(descriptor)
    while True:
        try:
            birth = pipe.recv()
        except EOFError:
            pipe.close()
            return
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                pipe.send(("born", os.getpid()))
                live(pipe, birth)
                code = 0
            except EOFError:
                pass  # the test is over
            except BaseException:  # noqa: BLE001  shown, and told by the exit code
                traceback.print_exc()
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        pipe.send(("dead", os.waitstatus_to_exitcode(status)))
