"""What the database keeps when processes meet on it, the disk is full, or a transaction fails."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.storage import events
from monitor.storage.database import Database, DatabaseInUse
from tests.faults.writers import NOON, SCHOOL, append_many, fill, start

_SMALL = 2 * 1024 * 1024


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A fresh, migrated SQLite file."""
    return Path(shutil.copy(sqlite_template, tmp_path / "schoolwatch.db"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL}", "schoolwatch-test", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount on this machine")
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def _kinds(db: Database) -> list[str]:
    with db.read() as conn:
        assert events.first_broken(conn, SCHOOL) is None
        return [row.subject for row in events.of_subject(conn, SCHOOL, "item:1")]


def test_two_processes_that_write_to_one_sqlite_file_lose_nothing_and_never_find_it_locked(
    sqlite_path: Path,
) -> None:
    url, each = f"sqlite:///{sqlite_path}", 150
    writers = [start(append_many, url, f"item:{number}", each) for number in (1, 2)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ended = [(*writer.communicate(), writer.returncode) for writer in writers]
    assert ended == [("", "", 0)] * 2
    db = Database(url)
    with db.read() as conn:
        for subject in ("item:1", "item:2"):
            numbers = [row.data["number"] for row in events.of_subject(conn, SCHOOL, subject)]
            assert numbers == list(range(each))
        # Each event's hash follows from the one before, whoever wrote that: nobody wrote over anybody.
        assert events.first_broken(conn, SCHOOL) is None
        assert events.lock(conn, SCHOOL)[0] == 2 * each
    db.close()


def test_a_second_run_on_the_same_sqlite_file_is_refused_with_a_sentence(sqlite_path: Path) -> None:
    first, second = Database(f"sqlite:///{sqlite_path}"), Database(f"sqlite:///{sqlite_path}")
    first.claim_run()
    first.claim_run()
    with pytest.raises(DatabaseInUse, match=r"another `schoolwatch run` already works on .*; stop it first"):
        second.claim_run()
    first.close()
    second.claim_run()
    second.close()


def test_nobody_but_the_services_own_user_can_read_the_sqlite_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        db = Database(f"sqlite:///{tmp_path}/state/schoolwatch.db")
        with db.write("test") as conn:
            conn.exec_driver_sql("CREATE TABLE words (word TEXT)")
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (tmp_path / "state").iterdir()
            if path.stat().st_size
        }
        db.close()
    finally:
        os.umask(before)
    assert modes.keys() >= {"schoolwatch.db-wal"}
    assert set(modes.values()) == {0o600}, modes


def test_a_full_disk_keeps_what_was_acknowledged_and_is_told_in_one_sentence(
    sqlite_template: Path, small_disk: Path
) -> None:
    path = Path(shutil.copy(sqlite_template, small_disk / "schoolwatch.db"))
    _fill(path, None)


def test_a_file_that_may_not_grow_keeps_what_was_acknowledged_and_is_told_in_one_sentence(
    sqlite_path: Path,
) -> None:
    _fill(sqlite_path, _SMALL)


def _fill(path: Path, limit: int | None) -> None:
    url = f"sqlite:///{path}"
    out, err = start(fill, url, limit).communicate()
    assert err == ""
    told = json.loads(out)
    assert told["acknowledged"] > 10
    assert told["kept"] == told["acknowledged"]
    assert told["code"] == 71
    assert told["sentence"].startswith("schoolwatch: the database cannot be used: ")
    assert "\n" not in told["sentence"]
    db = Database(url)
    assert len(_kinds(db)) == told["acknowledged"]
    db.close()


def test_a_transaction_that_raises_leaves_nothing_and_the_next_one_goes_on(db: Database) -> None:
    def fail() -> None:
        with db.write("test") as conn:
            events.append(conn, SCHOOL, "item:1", [("new", NOON, {})])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _kinds(db) == []
    with db.write("test") as conn:
        events.append(conn, SCHOOL, "item:1", [("new", NOON, {})])
    assert _kinds(db) == ["item:1"]
