"""`schoolwatch run`: the worker on the wall clock, as a systemd service."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event
from types import FrameType

from monitor.alarm_clock import AlarmClock
from monitor.bootstrap import Installation
from monitor.systemd import Notifier
from monitor.worker import Worker

log = logging.getLogger(__name__)

_GUARD_EVERY_S = 1.0

Reload = Callable[[Installation], Installation]
"""Reads the settings again; the same installation if they are wrong. The database stays open."""


class Service:
    """Runs ticks until SIGTERM or SIGINT; SIGHUP reads the settings again between two ticks."""

    def __init__(self, installation: Installation, environ: Mapping[str, str], reload: Reload) -> None:
        self._installation = installation
        self._reload = reload
        self._notifier = Notifier(environ)
        self._stopping = Event()
        self._reloading = Event()
        self._worker = Worker(installation, stopping=self._stopping)
        self._alarm = AlarmClock(self._tick)

    def run(self) -> None:
        """Work until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._ask_reload)
        self._alarm.start()
        self._notifier.ready()
        log.info("ready", extra={"schools": len(self._installation.sites)})
        while not self._stopping.wait(_GUARD_EVERY_S):
            self._alarm.guard()
            if self._alarm.alive():
                self._notifier.alive()
        self._notifier.stopping()
        log.info("stopping")
        self._alarm.stop()
        self._installation.close()
        log.info("stopped")

    def _tick(self, now: datetime) -> datetime | None:
        if self._reloading.is_set():
            self._reloading.clear()
            self._installation = self._reload(self._installation)
            self._worker = Worker(self._installation, stopping=self._stopping)
            self._notifier.ready()
        due = self._worker.tick(now)
        next_due = "now" if due is not None and due <= now else f"{due:%H:%M:%S} UTC" if due else "nothing"
        self._notifier.status(f"{len(self._installation.sites)} schools watched; next due: {next_due}")
        return due

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _ask_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._notifier.reloading(time.monotonic_ns() // 1000)
        self._reloading.set()
        self._alarm.wake()
