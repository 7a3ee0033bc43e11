"""The alarm clock: it rings when it should, whatever becomes of the wall clock, and knows when it is dead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.alarm_clock import AT_MOST, AlarmClock, Clocks, FromNow

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
PATIENCE_S = 10.0
TEN_YEARS = timedelta(days=3653)


class Times:
    """Two clocks that stand still until they are moved."""

    def __init__(self) -> None:
        self.wall = NOW
        self.monotonic = 1000.0

    def clocks(self) -> Clocks:
        return Clocks(wall=lambda: self.wall.timestamp(), monotonic=lambda: self.monotonic)

    def pass_by(self, seconds: float) -> None:
        """Time goes on, for both alike."""
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


class Ticks:
    """A tick that answers as it is told, and a queue of the moments at which it was called."""

    def __init__(self, *answers: datetime | Exception | None) -> None:
        self.answers = list(answers)
        self.rang: queue.Queue[datetime] = queue.Queue()

    def __call__(self, now: datetime) -> datetime | None:
        self.rang.put(now)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self) -> datetime:
        return self.rang.get(timeout=PATIENCE_S)


@contextmanager
def started(tick: Callable[[datetime], datetime | None], times: Times) -> Iterator[AlarmClock]:
    clock = AlarmClock(tick, times.clocks())
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


@pytest.fixture
def times() -> Times:
    return Times()


# --- when it rings ---


def test_it_rings_at_once_and_tells_the_time(times: Times) -> None:
    ticks = Ticks()
    with started(ticks, times):
        assert ticks.wait() == NOW


def test_it_rings_again_at_once_while_there_is_more(times: Times) -> None:
    ticks = Ticks(NOW, NOW, NOW)
    with started(ticks, times):
        for _ in range(4):
            ticks.wait()
        assert ticks.rang.empty()


def test_it_rings_when_the_tick_wanted_to_be_called(times: Times) -> None:
    ticks = Ticks(NOW + timedelta(milliseconds=200))
    with started(ticks, times):
        ticks.wait()
        ticks.wait()


def test_a_tick_that_fails_does_not_stop_it(times: Times) -> None:
    ticks = Ticks(RuntimeError("broken"))
    with started(ticks, times) as clock:
        ticks.wait()
        clock.wake()
        ticks.wait()


def test_a_wake_during_a_tick_is_not_lost_and_no_two_ticks_run_together(times: Times) -> None:
    inside, go_on = threading.Semaphore(0), threading.Semaphore(0)
    at_work: list[int] = []

    def tick(_now: datetime) -> None:
        at_work.append(1)
        assert len(at_work) == 1
        inside.release()
        assert go_on.acquire(timeout=PATIENCE_S)
        at_work.pop()

    with started(tick, times) as clock:
        assert inside.acquire(timeout=PATIENCE_S)
        for _ in range(3):
            clock.wake()
        go_on.release()
        assert inside.acquire(timeout=PATIENCE_S)  # long before AT_MOST
        go_on.release(5)


def test_a_stop_waits_for_the_tick_at_hand_and_lets_no_other_begin(times: Times) -> None:
    inside, go_on = threading.Event(), threading.Event()
    rang = []

    def tick(now: datetime) -> datetime:
        rang.append(now)
        inside.set()
        assert go_on.wait(PATIENCE_S)
        return now

    clock = AlarmClock(tick, times.clocks())
    clock.start()
    assert inside.wait(PATIENCE_S)
    stopper = threading.Thread(target=clock.stop)
    stopper.start()
    assert clock._stopped.wait(PATIENCE_S)
    go_on.set()
    stopper.join(PATIENCE_S)
    assert not stopper.is_alive()
    assert len(rang) == 1


# --- when the wall clock jumps ---


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS, timedelta(minutes=1), -timedelta(hours=1)])
def test_a_jump_of_the_wall_clock_wakes_it_and_is_told_once(times: Times, jump: timedelta) -> None:
    ticks = Ticks()
    with started(ticks, times) as clock:
        ticks.wait()
        times.pass_by(1)
        assert clock.guard() == 0
        times.wall += jump
        assert clock.guard() == pytest.approx(jump.total_seconds(), abs=0.01)
        assert ticks.wait() == NOW + timedelta(seconds=1) + jump
        times.pass_by(1)
        assert clock.guard() == 0


def test_a_clock_that_is_put_right_slowly_is_no_jump(times: Times) -> None:
    clock = AlarmClock(Ticks(), times.clocks())
    for _ in range(100):
        times.pass_by(1)
        times.wall += timedelta(seconds=0.5)
        assert clock.guard() == 0


def test_what_a_clock_ten_years_ahead_missed_is_rung_once() -> None:
    trigger = FromNow(AT_MOST)
    first = trigger.get_next_fire_time(None, NOW)
    assert NOW + AT_MOST * 0.9 <= first <= NOW + AT_MOST * 1.1
    after = trigger.get_next_fire_time(first, NOW + TEN_YEARS)
    assert after > NOW + TEN_YEARS
    scheduler = BackgroundScheduler(timezone=UTC)
    job = scheduler.add_job(print, trigger, next_run_time=first)
    scheduler.start(paused=True)
    assert len(job._get_run_times(NOW + TEN_YEARS)) == 1
    scheduler.shutdown()


# --- is it alive ---


def test_it_is_alive_while_its_canary_sings(times: Times) -> None:
    ticks = Ticks()
    with started(ticks, times) as clock:
        ticks.wait()
        assert clock.alive()
        times.pass_by(50)
        assert clock.alive()


def test_without_its_canary_it_is_dead(times: Times) -> None:
    clock = AlarmClock(Ticks(), times.clocks())
    clock._scheduler.start(paused=True)
    assert clock.alive()
    times.pass_by(61)
    assert not clock.alive()
    clock._sing()
    assert clock.alive()
    clock._scheduler.shutdown()
    assert not clock.alive()


def test_a_jump_of_the_wall_clock_alone_is_no_death(times: Times) -> None:
    ticks = Ticks()
    with started(ticks, times) as clock:
        ticks.wait()
        times.wall += TEN_YEARS
        assert clock.alive()


def test_a_tick_that_hangs_is_not_alive_and_says_where_it_is(times: Times) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hang_in_here(_now: datetime) -> None:
        inside.set()
        go_on.wait(PATIENCE_S)

    with started(hang_in_here, times) as clock:
        assert inside.wait(PATIENCE_S)
        times.pass_by(899)
        clock._sing()
        assert clock.alive()
        times.pass_by(2)
        clock._sing()
        assert not clock.alive()
        assert any("hang_in_here" in line for line in clock.where())
        go_on.set()
    assert clock.where() == []
