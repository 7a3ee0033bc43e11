"""The worker: `tick(now) -> next_due` does what is due, a bounded piece at a time, for every school."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

from alerts import outbox
from connectors.base import Capability
from connectors.errors import ConnectorError
from monitor.bootstrap import Installation
from monitor.pipeline import dispatch, ingest, judge, notices, tell, unread, week
from monitor.pipeline.ingest import Polled
from monitor.pipeline.site import Site
from monitor.storage import cases, polls, verdicts

log = logging.getLogger(__name__)

_AFTER_A_FAULT = timedelta(seconds=30)


Step = Callable[[Site, datetime], int]
"""One step for one school; how much it did."""


class Worker:
    """Works through what is due. Holds no memory that matters: the rows do.

    `stopping` ends a tick after the step at hand. `polled` hears of every poll. `by_hand`: a school's id and a source
    of it beside the configured ones.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        stopping: Event | None = None,
        polled: Callable[[Polled], None] | None = None,
        by_hand: tuple[str | None, str] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.installation = installation
        self._stopping = stopping or Event()
        self._polled = polled or (lambda _: None)
        self._by_hand = by_hand
        self._prepared: set[str] = set()
        self._faulty: dict[tuple[str, str], datetime] = {}
        # On the wall clock a round may last; each step's leases count from its own beginning.
        self._now: Callable[[datetime], datetime] = (
            (lambda now: max(now, clock())) if clock else (lambda now: now)
        )
        self._steps: tuple[Step, ...] = (
            self._dispatch,
            self._notices,
            self._judge,
            self._tell,
            self._week,
            self._poll,
        )

    def tick(self, now: datetime) -> datetime | None:
        """Do one bounded round of what is due at `now`; when to be called again (now: there is more).

        A step that fails is left alone for half a minute, in its own school; the others go on.
        """
        busy = 0
        for site in self.installation.sites:
            for step in self._steps:
                if self._stopping.is_set():
                    return now
                if self._faulty.get((site.id, step.__name__), now) <= now:
                    busy += self._do(step, site, self._now(now))
        if busy:
            return now
        due = self.next_due()
        faulty = [moment for moment in self._faulty.values() if moment > now]
        if not faulty:
            return due
        # What is due belongs to a step that just failed, as likely as not: no round in haste.
        return min([*faulty, *([due] if due is not None and due > now else [])])

    @property
    def stuck(self) -> bool:
        """Does every school have a step that failed when it was last tried? One school's fault is its own."""
        failing = {school for school, _ in self._faulty}
        return bool(failing) and failing.issuperset(site.id for site in self.installation.sites)

    def _do(self, step: Step, site: Site, now: datetime) -> int:
        key = (site.id, step.__name__)
        try:
            done = step(site, now)
        except Exception:
            log.exception("step failed", extra={"school": site.id, "step": step.__name__})
            self._faulty[key] = now + _AFTER_A_FAULT
            return 0
        self._faulty.pop(key, None)
        return done

    def next_due(self) -> datetime | None:
        """When the next row wants something; None if no row does."""
        return min((due for site in self.installation.sites for due in self._due(site)), default=None)

    def sources(self, site: Site) -> frozenset[str]:
        """The names of the school's sources that are read."""
        named = frozenset(source.name for source in (*site.school.accounts, *site.school.watches))
        if self._by_hand is None or self._by_hand[0] != site.id:
            return named
        return named | {self._by_hand[1]}

    def prepare(self, site: Site, now: datetime) -> None:
        """Store the school's configured sources and their streams, once a start."""
        if site.id in self._prepared:
            return
        for source in (*site.school.accounts, *site.school.watches):
            try:
                connector = self.installation.connector(site, source.name)
                streams = list(connector.streams())
                if Capability.REFRESH in connector.capabilities:
                    streams.append(ingest.REFRESH)
            except ConnectorError as err:
                # It is polled all the same, fails there, and people hear of it as of any blind source.
                log.error("cannot open source", extra={"source": source.name, "error": str(err)})
                streams = []
            official = site.school.account(source.name) is not None
            with site.db.write("prepare") as conn:
                row = polls.ensure_source(conn, site.id, source.name, source.platform, official=official)
                if streams:
                    polls.forget_others(conn, site.id, row.id, streams)
                for stream in streams or polls.streams(conn, site.id, row.id) or ["items"]:
                    polls.ensure_poll(conn, site.id, row.id, stream, now)
        self._prepared.add(site.id)

    def _dispatch(self, site: Site, now: datetime) -> int:
        return dispatch.dispatch(site, self.installation.transport, now)

    def _notices(self, site: Site, now: datetime) -> int:
        return notices.fall_due(site, now)

    def _judge(self, site: Site, now: datetime) -> int:
        return judge.judge(site, self.installation.assess, self.installation.engine_name, now)

    def _tell(self, site: Site, now: datetime) -> int:
        batches = tell.batches(site, now) + unread.tell(site, now)
        return batches + tell.watch_blind(site, self.sources(site), now)

    def _week(self, site: Site, now: datetime) -> int:
        return week.close_weeks(site, now)

    def _poll(self, site: Site, now: datetime) -> int:
        self.prepare(site, now)
        done = ingest.poll(
            site, lambda name: self.installation.connector(site, name), self.sources(site), now
        )
        if done is None:
            return 0
        self._polled(done)
        return int(done.follows)

    def _due(self, site: Site) -> list[datetime]:
        with site.db.read() as conn:
            moments = (
                outbox.next_due(conn, site.id),
                cases.next_notice(conn, site.id),
                verdicts.next_score(conn, site.id),
                tell.next_batch(conn, site),
                unread.next_due(conn, site),
                tell.next_blind(conn, site, self.sources(site)),
                week.next_close(conn, site),
                polls.next_due(conn, site.id, self.sources(site)),
            )
        return [moment for moment in moments if moment is not None]
