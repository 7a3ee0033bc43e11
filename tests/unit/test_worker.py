"""A step that fails: left alone for a while, in its own school; and the worker knows when it is stuck."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.lifeline import last_beat
from monitor.pipeline import judge
from monitor.service import Service
from monitor.storage.database import Database
from tests.fakes import World, school


def broken(*_: object) -> int:
    raise TypeError("an argument too many")


def test_a_worker_is_stuck_while_a_step_of_its_only_school_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fault:
        fault.setattr(judge, "judge", broken)
        world.worker.tick(world.now)
        assert world.worker.stuck
    world.worker.tick(world.now)
    assert world.worker.stuck, "nobody knows before it is tried again"
    world.worker.tick(world.now + timedelta(minutes=1))
    assert not world.worker.stuck


def test_one_schools_fault_does_not_stop_a_trusts_worker(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(db, school("oakfield"), school("elmwood"))
    real = judge.judge

    def at_oakfield_broken(site: object, *rest: object) -> int:
        if getattr(site, "id", "") == "oakfield":
            raise TypeError("an argument too many")
        return real(site, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(judge, "judge", at_oakfield_broken)
    world.worker.tick(world.now)
    assert not world.worker.stuck


def test_a_stuck_worker_gives_no_sign_of_life_so_that_the_alarm_tells_people(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.installation.settings = world.settings.model_copy(update={"state_dir": tmp_path})
    now = datetime.now(UTC)  # a service lives on the wall clock
    later = now + timedelta(minutes=1)
    service = Service(world.installation, {}, lambda installation, _now: installation)
    with monkeypatch.context() as fault:
        fault.setattr(judge, "judge", broken)
        service._tick(now)
        assert last_beat(tmp_path) is None
    service._tick(later)
    assert last_beat(tmp_path) == later
