"""A worker that is frozen for so long that another one takes over its work changes nothing when it wakes up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from alerts import outbox
from alerts.kinds import Mail
from alerts.smtp import Outcome, Status
from connectors.base import Checkpoint, Page
from monitor.storage import cases, items
from monitor.storage.database import Database
from monitor.worker import Worker
from tests.fakes import FakeConnector, FakeTransport, World, comment

_LONG = timedelta(minutes=10)
"""Longer than any lease."""


class _FreezingTransport(FakeTransport):
    """At the first mail `meanwhile` happens; then the server's answer is `late`."""

    late = Outcome(Status.DEFERRED, "421", "try again later")
    meanwhile: Callable[[], None] | None = None

    def send(self, mail: Mail, message_id: str, now: object) -> Outcome:
        if self.meanwhile is None:
            return super().send(mail, message_id, now)  # type: ignore[arg-type]
        meanwhile, self.meanwhile = self.meanwhile, None
        meanwhile()
        self.tried.append((message_id, mail))
        return self.late


class _FreezingConnector(FakeConnector):
    """At the first page `meanwhile` happens; then the page is given all the same."""

    meanwhile: Callable[[], None] | None = None

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: object) -> Page:
        page = super().fetch(stream, checkpoint, now)  # type: ignore[arg-type]
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return page


def _other_worker(world: World) -> None:
    """Another worker does what is due when the frozen one's leases have ended."""
    worker, later = Worker(world.installation), world.now + _LONG
    while (due := worker.tick(later)) is not None and due <= later:
        pass


def test_what_a_frozen_worker_says_late_about_a_mail_does_not_count(db: Database) -> None:
    world = World(db)
    world.transport = _FreezingTransport()
    world.restart()
    world.transport.meanwhile = lambda: _other_worker(world)
    world.give(comment("1", "you are rude"))
    with db.read() as conn:
        (row,) = outbox.rows(conn, "oakfield")
    assert (row.state, row.attempt, row.ambiguous) == ("sent", 2, 1)
    assert [message_id for message_id, _ in world.transport.tried] == [row.message_id] * 2
    world.later(hours=1)
    assert len(world.transport.tried) == 2


def test_a_page_that_a_frozen_worker_stores_late_is_rolled_back_whole(db: Database) -> None:
    world = World(db)
    page = _FreezingConnector()
    world.connectors["oakfield", "page"] = page
    world.restart()
    old, new = comment("1", "an old page"), comment("2", "what the other worker has read")
    page.pages = [
        Page(items=(old,), checkpoint={"version": 1, "at": "old"}),
        Page(items=(new,), checkpoint={"version": 1, "at": "new"}),
    ]
    page.meanwhile = lambda: _other_worker(world)
    world.settle()
    with db.read() as conn:
        assert items.find(conn, "oakfield", "1") == []
        assert len(items.find(conn, "oakfield", "2")) == 1
        assert len(cases.rows(conn, "oakfield")) == 1
    world.poll()
    assert page.asked[-1] == {"version": 1, "at": "new"}
