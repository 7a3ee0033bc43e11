"""APScheduler as the alarm clock: it calls the worker's tick when a row wants it, and proves that it still lives.

The memory is in the rows; a lost or doubled wake costs nothing. APScheduler's defaults are not for a worker that
runs for years: it drops late jobs after a second, enumerates every missed run of a clock set ten years forward,
and stops when the clock is set back. So: an own trigger that only looks ahead, no grace time, and a guard that
compares the wall clock with the monotonic one.
"""

from __future__ import annotations

import logging
import random
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, get_ident

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

log = logging.getLogger(__name__)

Tick = Callable[[datetime], datetime | None]

AT_MOST = timedelta(seconds=30)
"""The tick comes at least this often, whatever it asked for: a forgotten wake costs half a minute."""
_CANARY_EVERY = timedelta(seconds=5)
_CANARY_DIES_AFTER_S = 60.0
_TICK_HANGS_AFTER_S = 900.0
"""Longer than one fetch, one batch of texts and twenty mails may take by their own time-outs."""
_JUMP_S = 5.0


class FromNow(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires at now + interval, a little more or less; never counts what was missed."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next time after `now` (aware)."""
        return now + self._interval * random.uniform(0.9, 1.1)  # noqa: S311  no secret


@dataclass(frozen=True, slots=True)
class Clocks:
    """The wall clock, in seconds since 1970, and the one that nobody can set. Tests give their own."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def now(self) -> datetime:
        """The wall clock's time, aware."""
        return datetime.fromtimestamp(self.wall(), UTC)


class AlarmClock:
    """Calls `tick` on a thread of its own, one call at a time. What was started must be ended with `stop`."""

    def __init__(self, tick: Tick, clocks: Clocks = Clocks()) -> None:
        self._tick = tick
        self._clocks = clocks
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._ringing = Lock()
        self._wanted = Event()
        self._stopped = Event()
        self._canary = clocks.monotonic()
        self._began: tuple[float, int] | None = None
        self._offset = self._drift()

    def start(self) -> None:
        """Begin; the first tick comes at once."""
        always = {"misfire_grace_time": None, "coalesce": True, "next_run_time": datetime.now(UTC)}
        # More than one instance: `_ring` itself lets one in at a time, and APScheduler would drop the others' wakes.
        self._scheduler.add_job(self._ring, FromNow(AT_MOST), id="tick", max_instances=4, **always)
        self._scheduler.add_job(self._sing, FromNow(_CANARY_EVERY), id="canary", max_instances=1, **always)
        self._scheduler.start()

    def wake(self) -> None:
        """Let the tick come now, or once more if it is at work."""
        self._wanted.set()
        self._in(timedelta(), "tick")

    def guard(self) -> float:
        """To be called about each second: wakes everything when the wall clock has jumped. By how many seconds."""
        offset = self._drift()
        jump, self._offset = offset - self._offset, offset
        if abs(jump) <= _JUMP_S:
            return 0.0
        log.warning("clock jumped", extra={"seconds": round(jump, 1)})
        self._wanted.set()
        self._in(timedelta(), "tick", "canary")
        return jump

    def alive(self) -> bool:
        """Does the scheduler's thread run jobs, and does no tick hang?"""
        now, began = self._clocks.monotonic(), self._began
        hangs = began is not None and now - began[0] > _TICK_HANGS_AFTER_S
        return bool(self._scheduler.running) and now - self._canary < _CANARY_DIES_AFTER_S and not hangs

    def where(self) -> list[str]:
        """Where the tick at hand is in the code, innermost last; empty between two ticks."""
        began = self._began
        frame = sys._current_frames().get(began[1]) if began is not None else None
        return (
            [f"{at.filename}:{at.lineno} {at.name}" for at in traceback.extract_stack(frame)] if frame else []
        )

    def stop(self) -> None:
        """End after the tick at hand."""
        self._stopped.set()
        self._scheduler.shutdown(wait=True)

    def _ring(self) -> None:
        # Whoever finds the tick at work leaves the wish behind; whoever holds it looks again after letting go.
        self._wanted.set()
        while self._wanted.is_set() and not self._stopped.is_set() and self._ringing.acquire(blocking=False):
            try:
                self._wanted.clear()
                self._once()
            finally:
                self._ringing.release()

    def _once(self) -> None:
        self._began = (self._clocks.monotonic(), get_ident())
        try:
            due = self._tick(self._clocks.now())
        except Exception:
            log.exception("tick failed")
            due = None
        finally:
            self._began = None
        now = self._clocks.now()
        if due is None or due >= now + AT_MOST or self._stopped.is_set():
            return
        if due <= now:
            self._wanted.set()
        else:
            self._in(due - now, "tick")

    def _in(self, wait: timedelta, *jobs: str) -> None:
        for job in jobs:
            self._scheduler.modify_job(job, next_run_time=datetime.now(UTC) + wait)

    def _sing(self) -> None:
        self._canary = self._clocks.monotonic()

    def _drift(self) -> float:
        return self._clocks.wall() - self._clocks.monotonic()
