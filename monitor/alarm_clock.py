"""APScheduler as the alarm clock: it calls the worker's tick when a row wants it, and proves that it still lives.

The memory is in the rows; a lost or doubled wake costs nothing. APScheduler's defaults are not for a worker that
runs for years: it drops late jobs after a second, enumerates every missed run of a clock set ten years forward,
and stops when the clock is set back. So: an own trigger that only looks ahead, no grace time, and a guard that
compares the wall clock with the monotonic one.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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


class AlarmClock:
    """Calls `tick` on a thread of its own, one call at a time. `stopped` must be waited for with `stop`."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._canary = time.monotonic()
        self._began: float | None = None
        self._offset = _offset()

    def start(self) -> None:
        """Begin; the first tick comes at once."""
        now = datetime.now(UTC)
        always = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler.add_job(self._ring, FromNow(AT_MOST), id="tick", next_run_time=now, **always)
        self._scheduler.add_job(self._sing, FromNow(_CANARY_EVERY), id="canary", next_run_time=now, **always)
        self._scheduler.start()

    def wake(self) -> None:
        """Let the tick come now."""
        self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def guard(self) -> None:
        """To be called about each second: wakes everything when the wall clock has jumped."""
        offset = _offset()
        if abs(offset - self._offset) > _JUMP_S:
            log.warning("clock jumped", extra={"seconds": round(offset - self._offset, 1)})
            for job in ("tick", "canary"):
                self._scheduler.modify_job(job, next_run_time=datetime.now(UTC))
        self._offset = offset

    def alive(self) -> bool:
        """Does the scheduler's thread run jobs, and does no tick hang?"""
        now = time.monotonic()
        hangs = self._began is not None and now - self._began > _TICK_HANGS_AFTER_S
        return bool(self._scheduler.running) and now - self._canary < _CANARY_DIES_AFTER_S and not hangs

    def stop(self) -> None:
        """End after the tick at hand."""
        self._scheduler.shutdown(wait=True)

    def _ring(self) -> None:
        self._began = time.monotonic()
        try:
            due = self._tick(datetime.now(UTC))
        except Exception:
            log.exception("tick failed")
            due = None
        finally:
            self._began = None
        if due is not None and due < datetime.now(UTC) + AT_MOST and self._scheduler.running:
            self._scheduler.modify_job("tick", next_run_time=max(due, datetime.now(UTC)))

    def _sing(self) -> None:
        self._canary = time.monotonic()


def _offset() -> float:
    return time.time() - time.monotonic()
