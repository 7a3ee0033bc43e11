"""`schoolwatch run`: the worker on the wall clock, as a systemd service."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from threading import Event

from monitor import lifeline
from monitor.alarm_clock import AlarmClock
from monitor.bootstrap import Installation
from monitor.lifeline import Contacts
from monitor.storage import clock, polls
from monitor.systemd import Notifier
from monitor.worker import Worker

log = logging.getLogger(__name__)

_GUARD_EVERY_S = 1.0
_BEAT_EVERY_S = 60.0

Reload = Callable[[Installation, datetime], Installation]
"""Reads the settings again; the same installation if they are wrong. The database stays open."""


class Service:
    """Runs ticks until SIGTERM or SIGINT; SIGHUP reads the settings again between two ticks."""

    def __init__(self, installation: Installation, environ: Mapping[str, str], reload: Reload) -> None:
        self._installation = installation
        self._reload = reload
        self._notifier = Notifier(environ)
        # A handler only puts the number here: it may interrupt the main thread while that holds any lock of ours.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._stopping = Event()
        self._reloading = Event()
        self._jump: float | None = None
        """Seconds by which the wall clock jumped, until that has been seen to; at the start nobody knows: 0."""
        self._worker = Worker(installation, stopping=self._stopping, clock=_utc_now)
        self._alarm = AlarmClock(self._tick)
        self._next_beat = 0.0
        self._next_sign = 0.0
        self._was_alive = True

    def run(self) -> None:
        """Work until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _frame: self._signals.put(number))
        self._jump = 0.0
        self._remember()
        self._alarm.start()
        self._notifier.ready()
        log.info("ready", extra={"schools": len(self._installation.sites)})
        try:
            while self._go_on():
                pass
        finally:
            self._stop()

    def _go_on(self) -> bool:
        """Wait a second for a signal, and look after the clock. False: the end was asked for."""
        try:
            number = self._signals.get(timeout=_GUARD_EVERY_S)
        except Empty:
            pass
        else:
            if number != signal.SIGHUP:
                return False
            self._notifier.reloading(time.monotonic_ns() // 1000)
            self._reloading.set()
            self._alarm.wake()
        jump = self._alarm.guard()
        if jump:
            self._jump = jump
            self._alarm.wake()
        self._give_sign()
        return True

    def _give_sign(self) -> None:
        """A sign of life for the watchdog, as often as it wants one; silence from a worker that hangs."""
        alive, now = self._alarm.alive(), time.monotonic()
        if self._was_alive and not alive:
            log.critical("the worker hangs", extra={"at": self._alarm.where()})
        self._was_alive = alive
        if alive and self._notifier.watchdog_s is not None and now >= self._next_sign:
            self._notifier.alive()
            self._next_sign = now + min(self._notifier.watchdog_s / 4, 10.0)

    def _stop(self) -> None:
        self._stopping.set()
        self._notifier.stopping()
        log.info("stopping")
        self._alarm.stop()
        self._installation.close()
        log.info("stopped")

    def _tick(self, now: datetime) -> datetime | None:
        if self._reloading.is_set():
            self._reloading.clear()
            self._read_again(now)
        if self._jump is not None:
            self._after_a_jump(self._jump, now)
        due = self._worker.tick(now)
        self._beat(now)
        next_due = "now" if due is not None and due <= now else f"{due:%H:%M:%S} UTC" if due else "nothing"
        self._notifier.status(f"{len(self._installation.sites)} schools watched; next due: {next_due}")
        return due

    def _read_again(self, now: datetime) -> None:
        try:
            found = self._reload(self._installation, now)
            if found is not self._installation:
                self._installation = found
                self._worker = Worker(found, stopping=self._stopping, clock=_utc_now)
                self._remember()
        except Exception:
            log.exception("settings could not be read again, the old ones stay")
        finally:
            # Whatever came of it: systemd waits for this word, and the watch goes on.
            self._notifier.ready()

    def _after_a_jump(self, jump: float, now: datetime) -> None:
        """What was put off while the clock stood ahead comes back. What fails here is tried again at the next tick."""
        try:
            for site in self._installation.sites:
                with site.db.write("clock") as conn:
                    back = clock.bring_back(conn, site.id, now)
                    if jump < 0:
                        polls.make_due(conn, site.id, now)
                if back:
                    log.warning("the clock was wrong", extra={"school": site.id, "rows_brought_back": back})
        except Exception:
            log.exception("could not look for rows of a wrong clock")
        else:
            self._jump = None

    def _beat(self, now: datetime) -> None:
        # A worker whose step fails again and again looks alive, and is not: after an hour the alarm tells people.
        if self._worker.stuck or time.monotonic() < self._next_beat:
            return
        try:
            lifeline.beat(self._installation.settings.state_dir, self._installation.db, now)
        except Exception:
            log.exception("no sign of life could be written")
        else:
            self._next_beat = time.monotonic() + _BEAT_EVERY_S

    def _remember(self) -> None:
        """Whom `schoolwatch alarm` tells when these settings cannot be read any more."""
        try:
            Contacts.of(self._installation.settings).save(self._installation.settings.state_dir)
        except OSError:
            log.exception("the contacts could not be written")


def _utc_now() -> datetime:
    return datetime.now(UTC)
