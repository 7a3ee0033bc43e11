"""The last word: signs of life on the disk, and the mail that needs neither database nor settings."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from alerts.kinds import Recipient
from alerts.smtp import Outcome, Status
from config.schema import MailServer, Settings
from monitor.lifeline import (
    AGAIN_AFTER,
    ALARM,
    ALIVE,
    CONTACTS,
    SILENT_AFTER,
    Contact,
    Contacts,
    beat,
    is_silent,
    last_beat,
    sound,
)
from monitor.storage.database import Database
from tests.fakes import TUESDAY, FakeTransport, school

CONTACTS_OF_TWO = Contacts(
    MailServer(sender="schoolwatch@school.example"),
    tuple(
        Contact("Oakfield", "Europe/London", Recipient(name, name.title(), f"{name}@school.example"))
        for name in ("tess", "hana")
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def alive_at(folder: Path, moment: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / ALIVE).write_text(json.dumps({"at": str(moment)}), encoding="utf-8")


def sounded(folder: Path, transport: FakeTransport, **later: float) -> list[str]:
    """Who is mailed by an alarm then."""
    before = len(transport.sent)
    now = TUESDAY + timedelta(**later)
    sound(CONTACTS_OF_TWO, transport, folder, now, reason="silent", problems="")
    return [mail.to_name for _, mail in transport.sent[before:]]


# --- signs of life ---


def test_a_beat_is_a_sign_of_life(folder: Path, db: Database) -> None:
    assert is_silent(folder, TUESDAY)
    beat(folder, db, TUESDAY)
    assert last_beat(folder) == TUESDAY
    assert not is_silent(folder, TUESDAY + SILENT_AFTER)
    assert is_silent(folder, TUESDAY + SILENT_AFTER + timedelta(seconds=1))


def test_a_database_that_takes_no_transaction_gives_no_beat(folder: Path, tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/broken.db")
    (tmp_path / "broken.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        beat(folder, db, TUESDAY)
    db.close()
    assert is_silent(folder, TUESDAY)


@pytest.mark.parametrize("content", ["", "null", "[]", '{"at": 3}', '{"at": "2026-11-17T10:00:00"}', "\xff"])
def test_a_sign_of_life_that_cannot_be_read_is_none(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / ALIVE).write_text(content, encoding="latin-1")
    assert last_beat(folder) is None
    assert is_silent(folder, TUESDAY)


def test_a_sign_of_life_from_years_ahead_is_none(folder: Path) -> None:
    alive_at(folder, TUESDAY + timedelta(days=3653))
    assert is_silent(folder, TUESDAY)


# --- whom to tell ---


def test_technicians_and_heads_are_kept_with_each_address_once(folder: Path) -> None:
    settings = Settings(
        schools=(school("ash"), school("elm")), mail=MailServer(sender="schoolwatch@school.example")
    )
    Contacts.of(settings).save(folder)
    kept = Contacts.load(folder)
    assert kept == Contacts.of(settings)
    assert kept is not None
    assert {one.person.address for one in kept.people} == {"tech@school.example", "head@school.example"}
    assert stat.S_IMODE((folder / CONTACTS).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"mail": {}, "people": [{}]}'])
def test_contacts_that_cannot_be_read_are_none(folder: Path, content: str) -> None:
    assert Contacts.load(folder) is None
    folder.mkdir()
    (folder / CONTACTS).write_text(content, encoding="utf-8")
    assert Contacts.load(folder) is None


# --- telling ---


def test_everybody_is_told_once_a_day_until_there_is_a_sign_of_life(folder: Path) -> None:
    transport = FakeTransport()
    alive_at(folder, (TUESDAY - timedelta(hours=2)).isoformat())
    assert sounded(folder, transport) == ["Tess", "Hana"]
    assert sounded(folder, transport, minutes=15) == []
    assert sounded(folder, transport, seconds=AGAIN_AFTER.total_seconds() + 1) == ["Tess", "Hana"]
    alive_at(folder, (TUESDAY + timedelta(days=1, hours=1)).isoformat())
    assert sounded(folder, transport, days=1, hours=3) == ["Tess", "Hana"]


def test_who_could_not_be_reached_is_told_when_it_runs_again(folder: Path) -> None:
    transport = FakeTransport(answers=[Outcome(Status.DEFERRED), Outcome(Status.SENT)])
    assert sounded(folder, transport) == ["Hana"]
    assert sounded(folder, transport, minutes=5) == ["Tess"]
    assert (
        len({ident for ident, _ in transport.tried}) == 2
    )  # the second attempt has the first one's Message-ID


def test_an_address_that_is_refused_for_good_is_not_tried_every_quarter_of_an_hour(folder: Path) -> None:
    transport = FakeTransport(answers=[Outcome(Status.DEAD)])
    assert sounded(folder, transport) == ["Hana"]
    assert sounded(folder, transport, minutes=15) == []


def test_a_note_of_who_was_told_that_cannot_be_read_means_telling_again(folder: Path) -> None:
    transport = FakeTransport()
    sounded(folder, transport)
    (folder / ALARM).write_text("half a fi", encoding="utf-8")
    assert sounded(folder, transport, minutes=15) == ["Tess", "Hana"]


def test_on_a_full_disk_people_are_told_all_the_same(folder: Path) -> None:
    transport = FakeTransport()
    folder.write_text("a file where the folder should be", encoding="utf-8")
    assert sounded(folder, transport) == ["Tess", "Hana"]
