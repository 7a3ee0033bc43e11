"""The real `schoolwatch run` on the wall clock: a child process, a mail server on loopback, and an ear for systemd."""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import load
from monitor.lifeline import Contacts
from monitor.storage import polls
from monitor.storage.database import Database
from tests.integration.service_house import SECRET, THREAT, House, MailServer, Running, mail_server

pytestmark = pytest.mark.xdist_group("service")

BROKEN = 'state_dir = "state"\n[mail]\nhsot = "127.0.0.1"\n'


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def house(tmp_path: Path, mail: MailServer, sqlite_template: Path) -> Iterator[House]:
    one = House(tmp_path, mail)
    one.configure("page")
    (tmp_path / "state").mkdir()
    shutil.copy(sqlite_template, tmp_path / "state" / "schoolwatch.db")
    yield one
    one.close()


def make_everything_due(house: House) -> None:
    """As if the time for the next look at every source had come."""
    db = Database(f"sqlite:///{house.root}/state/schoolwatch.db")
    with db.write("test") as conn:
        polls.make_due(conn, "oakfield", datetime.now(UTC) - timedelta(seconds=1))
    db.close()


def log_of(worker: Running) -> str:
    return b"".join(worker.raw).decode()


# --- its day ---


def test_it_starts_mails_an_alert_and_stops_in_good_order(house: House, mail: MailServer) -> None:
    house.write("page", "1", THREAT)
    worker = house.start()
    to, alert = mail.mail("threat")
    assert to == "mona"
    assert THREAT in alert.get_body(("plain",)).get_content().replace("\n> ", " ")  # type: ignore[union-attr]
    worker.ear.wait_until_idle()
    worker.ear.wait_for("WATCHDOG=1")
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 10

    # Its log is JSON, one object a line, and holds no secret and nobody's words.
    for line in worker.raw:
        assert {"at", "level", "logger", "message"} <= set(json.loads(line))
        assert line.count(b"\n") == 1
    for never in (SECRET, "useless", "Jo Example", "mona@"):
        assert never not in log_of(worker)


def test_a_restart_goes_on_where_it_was_and_mails_nothing_twice(house: House, mail: MailServer) -> None:
    house.write("page", "1", THREAT)
    worker = house.start()
    mail.mail("threat")
    worker.ear.wait_until_idle()
    worker.stop()
    house.write("page", "2", THREAT)
    make_everything_due(house)
    worker = house.start()
    mail.mail("threat")
    worker.ear.wait_until_idle()
    worker.stop()
    assert len(mail.subjects("threat")) == 2
    assert len(set(mail.message_ids())) == len(mail.message_ids())


# --- settings ---


def test_good_settings_are_used_after_a_reload(house: House, mail: MailServer) -> None:
    worker = house.start()
    worker.ear.wait_until_idle()
    house.configure("page", "blog")
    house.write("blog", "1", THREAT)
    worker.reload()
    to, alert = mail.mail("threat")
    assert to == "mona"
    assert "blog" in alert.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert worker.stop() == 0


def test_a_broken_file_keeps_the_old_settings_and_is_told_once(house: House, mail: MailServer) -> None:
    worker = house.start()
    worker.ear.wait_until_idle()
    house.settings.write_text(BROKEN, encoding="utf-8")
    worker.reload()
    line = worker.logged("settings are wrong, the old ones stay")
    assert 'did you mean "host"?' in line["problems"]
    to, told = mail.mail("settings")
    assert to == "tess"
    assert "schoolwatch check" in told.get_body(("plain",)).get_content()  # type: ignore[union-attr]

    worker.reload()
    worker.ear.wait_until_idle()
    house.write("page", "1", THREAT)
    make_everything_due(house)
    worker.reload()
    mail.mail("threat")  # the account of the old settings is still read
    assert len(mail.subjects("settings")) == 1

    # Broken in another way: that is a new thing to hear of.
    house.settings.write_text("nonsense", encoding="utf-8")
    worker.reload()
    assert mail.mail("settings")[0] == "tess"
    worker.stop()
    assert log_of(worker).count("settings are wrong") == 4  # one line each time


def test_wrong_settings_exit_78_with_sentences(house: House) -> None:
    house.settings.write_text(BROKEN, encoding="utf-8")
    done = house.call("run")
    assert done.returncode == 78
    assert 'mail.hsot: is no setting; did you mean "host"?' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_secret_exits_78_with_a_sentence(house: House) -> None:
    done = house.call("run", SCHOOLWATCH_MAIL_PASSWORD="")
    assert done.returncode == 78
    assert done.stderr.startswith('schoolwatch: The secret "mail-password" is not set')
    assert "Traceback" not in done.stderr


def test_a_second_run_on_the_same_database_exits_75_with_a_sentence(house: House) -> None:
    worker = house.start()
    done = house.call("run")
    assert done.returncode == 75
    assert "another `schoolwatch run` already works on" in done.stderr
    assert "Traceback" not in done.stderr
    worker.ear.wait_for("WATCHDOG=1")
    assert worker.stop() == 0


# --- faults ---


def test_a_database_that_another_program_locks_is_waited_for(house: House, mail: MailServer) -> None:
    worker = house.start()
    worker.ear.wait_until_idle()
    other = sqlite3.connect(house.root / "state" / "schoolwatch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    house.configure("page", "blog")
    house.write("blog", "1", THREAT)
    worker.reload()
    for _ in range(2):
        worker.ear.wait_for("WATCHDOG=1")
    assert mail.subjects("threat") == []
    other.rollback()
    other.close()
    mail.mail("threat")
    assert worker.stop() == 0


def test_a_full_disk_is_said_and_outlived(house: House, mail: MailServer) -> None:
    worker = house.start()
    worker.ear.wait_until_idle()
    house.configure("page", "blog")
    house.write("blog", "1", THREAT)
    # A file that may not grow fails as one on a full disk does, and needs no disk of our own.
    unlimited = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (1, unlimited[1]))
    worker.reload()
    failed = worker.logged("step failed")
    assert "OperationalError (SQLITE_" in failed["exception"]
    worker.ear.wait_for("WATCHDOG=1")

    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, unlimited)
    worker.reload()
    mail.mail("threat")
    assert worker.stop() == 0
    assert "useless" not in log_of(worker)


# --- when it cannot speak for itself ---


def test_the_alarm_reaches_technician_and_head_with_settings_that_are_broken(
    house: House, mail: MailServer
) -> None:
    settings = load(house.settings, house.environ)
    Contacts.of(settings).save(settings.state_dir)
    house.settings.write_text(BROKEN, encoding="utf-8")
    done = house.call("alarm", "--if-silent")
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(mail.mail("Nothing is watched") for _ in range(2))
    assert set(told) == {"tess", "hana"}
    assert 'did you mean "host"?' in told["tess"].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert house.call("alarm").stdout == "everybody was told already\n"


def test_an_alarm_with_nobody_to_tell_says_so(house: House) -> None:
    house.settings.write_text(BROKEN, encoding="utf-8")
    done = house.call("alarm")
    assert done.returncode == 78
    assert "nobody can be told" in done.stderr
