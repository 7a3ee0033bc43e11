"""When the worker cannot speak for itself: a sign of life on the disk, and a mail that needs no database.

    alive.json      written by the worker about each minute, after its database took a transaction
    contacts.json   written with every good set of settings: the mail server, and who is told
    alarm.json      who has been told since the last sign of life

`schoolwatch alarm` reads all three. Settings that are wrong do not stop it: it uses the last good ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from alerts.compose import compose_or_plain
from alerts.kinds import Alert, AlertKind, MailFacts, Recipient
from alerts.routes import recipients
from alerts.smtp import Outcome, Status, Transport, message_id
from config.schema import MailServer, Settings
from monitor.storage.database import Database

ALIVE, CONTACTS, ALARM = "alive.json", "contacts.json", "alarm.json"
SILENT_AFTER = timedelta(hours=1)
"""Longer than an update with its restart, and than the watchdog's patience with one that hangs."""
AGAIN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who is told that the worker stands still, and for which school."""

    school: str
    timezone: str
    person: Recipient


@dataclass(frozen=True, slots=True)
class Contacts:
    """How to reach people without the settings. Holds the name of the mail server's password, not the password."""

    mail: MailServer
    people: tuple[Contact, ...]

    @classmethod
    def of(cls, settings: Settings) -> Contacts:
        """Those of the settings: each address once, however many schools it serves."""
        alert = Alert(kind=AlertKind.WORKER_STOPPED, subject="worker", occurrence=1, severity="high")
        found: dict[str, Contact] = {}
        for school in settings.schools:
            for person in recipients(alert, school):
                found.setdefault(person.address.casefold(), Contact(school.name, school.timezone, person))
        return cls(settings.mail, tuple(found.values()))

    @classmethod
    def load(cls, folder: Path) -> Contacts | None:
        """Those of the last good settings; None if there never were any, or the file cannot be used."""
        try:
            table = json.loads((folder / CONTACTS).read_text(encoding="utf-8"))
            people = tuple(
                Contact(one["school"], one["timezone"], Recipient(**one["person"])) for one in table["people"]
            )
            return cls(MailServer(**table["mail"]), people)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, folder: Path) -> None:
        """Keep them for the day on which the settings are wrong. Raises OSError."""
        people = [asdict(contact) for contact in self.people]
        _write(folder / CONTACTS, {"mail": self.mail.model_dump(), "people": people})


def beat(folder: Path, db: Database, now: datetime) -> None:
    """A sign of life: the database took a transaction, and the disk a file. Raises what stands in the way."""
    with db.write("alive") as conn:
        conn.execute(text("SELECT 1"))
    _write(folder / ALIVE, {"at": now.isoformat()})


def last_beat(folder: Path) -> datetime | None:
    """When the worker last gave a sign of life; None if it never did."""
    return _moment(_read(folder / ALIVE).get("at"))


def is_silent(folder: Path, now: datetime) -> bool:
    """Has there been no sign of life for too long? One from the future is none: the clock was set back."""
    last = last_beat(folder)
    return last is None or abs(now - last) > SILENT_AFTER


def sound(
    contacts: Contacts,
    transport: Transport,
    folder: Path,
    now: datetime,
    *,
    reason: str,
    problems: str,
) -> Mapping[str, Outcome]:
    """Tell everybody who has not been told since the last sign of life, or not for a day; what became of each.

    Who could not be reached is told when this runs again.
    """
    last = last_beat(folder)
    told = _told(folder, last, now)
    outcomes: dict[str, Outcome] = {}
    for contact in contacts.people:
        address = contact.person.address
        if address in told:
            continue
        facts = MailFacts(
            kind=AlertKind.WORKER_STOPPED,
            school_name=contact.school,
            timezone=contact.timezone,
            recipient=contact.person,
            now=now,
            severity="high",
            reason=reason,
            error=problems or None,
            since=last,
        )
        mail, _ = compose_or_plain(facts)
        domain = contacts.mail.sender.rpartition("@")[2]
        ident = message_id(f"worker_stopped/{last or 'never'}/{now:%Y-%m-%d}/{address}", domain)
        outcomes[address] = transport.send(mail, ident, now)
        if outcomes[address].status in (Status.SENT, Status.DEAD):
            told[address] = now.isoformat()
            _keep_told(folder, told)
    return outcomes


def _told(folder: Path, last: datetime | None, now: datetime) -> dict[str, str]:
    """Whom we have told already, and when."""
    return {
        address: at
        for address, at in _read(folder / ALARM).items()
        if (when := _moment(at)) is not None
        and abs(now - when) < AGAIN_AFTER
        and (last is None or when > last)
    }


def _keep_told(folder: Path, told: Mapping[str, str]) -> None:
    with suppress(OSError):  # on a full disk people are told again rather than not at all
        _write(folder / ALARM, told)


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo else None


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _write(path: Path, table: Mapping[str, Any]) -> None:
    """Replace the file whole, readable by the service's own user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        json.dump(table, file)
    fresh.replace(path)
