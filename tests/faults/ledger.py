"""What a run left behind, in words that two runs share, so that they can be compared.

Left out because a crash may rightly change it:
- ids (a rolled back transaction skips some on PostgreSQL): where an id stands in data, its external id is given;
- payload_key and payload_hmac (the key is random), hashes of events (they depend on ids, and are checked by
  themselves), the stamps of files in checkpoints;
- lease_no, lease_until and due_at of polls (counted from when a page was read), attempts, ambiguous counters and
  sent times of mails, and the attempt that is the occurrence of an `undelivered` alert.
Times taken from the worker's clock are given by their hour (see story.py), times of the platform as they are.
How often a broken engine was asked again depends on when it was asked first: repeats without a word in between
count once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from alerts.outbox import mails
from monitor.domain.case import Case
from monitor.storage import cases, events, tables
from monitor.storage.database import Database

Ledger = Mapping[str, Any]


def hour(time: datetime | None) -> str | None:
    """The hour that a moment lies in."""
    return None if time is None else time.isoformat()[:13]


def read(db: Database, school_id: str) -> Ledger:
    """Everything that is compared, under the name of what it is."""
    with db.read() as conn:
        return _Reader(conn, school_id).ledger()


class _Reader:
    def __init__(self, conn: Connection, school_id: str) -> None:
        self._conn = conn
        self._school = school_id
        self._items = {row.id: row.external_id for row in self._rows(tables.items)}
        self._sources = {row.id: row.name for row in self._rows(tables.sources)}
        self._versions = {row.id: row.no for row in self._rows(tables.item_versions)}
        self._cases = {row.id: row.number for row in self._rows(tables.cases)}
        self._mails = {row.id: row for row in self._rows(mails)}

    def _rows(self, table: Table) -> list[Row[Any]]:
        query = select(table).where(table.c.school_id == self._school)
        return list(self._conn.execute(query.order_by(*table.primary_key.columns)))

    def ledger(self) -> Ledger:
        return {
            "items": {row.external_id: self._item(row) for row in self._rows(tables.items)},
            "versions": [self._version(row) for row in self._rows(tables.item_versions)],
            "sightings": sorted(
                (self._items[row.item_id], self._sources[row.source_id], row.stream, hour(row.first_seen_at))
                for row in self._rows(tables.sightings)
            ),
            "authors": sorted((row.author_id, row.name) for row in self._rows(tables.authors)),
            "verdicts": self._verdicts(),
            "cases": {row.number: self._case(row) for row in self._rows(tables.cases)},
            "notices": sorted(
                (self._cases[row.case_id], row.plan, row.kind, hour(row.due_at), row.reason, row.state)
                for row in self._rows(tables.notices)
            ),
            "events": _once(self._event(row) for row in self._rows(tables.events)),
            "set aside": sorted(
                (self._sources[row.source_id], row.reason, row.external_id or "", row.raw, row.batch)
                for row in self._rows(tables.set_asides)
            ),
            "outages": [
                (self._subject(row.subject), row.number, row.code, hour(row.began_at), hour(row.ended_at))
                for row in self._rows(tables.outages)
            ],
            "sources": sorted(
                (row.name, row.platform, row.official, hour(row.watch_from))
                for row in self._rows(tables.sources)
            ),
            "polls": sorted(self._poll(row) for row in self._rows(tables.polls)),
            "mails": {self.mail_key(row): self._mail(row) for row in self._mails.values()},
            "broken event": events.first_broken(self._conn, self._school),
        }

    def _item(self, row: Row[Any]) -> Mapping[str, Any]:
        author = select(tables.authors.c.author_id).where(tables.authors.c.id == row.author_id)
        same = (
            "platform kind parent_id post_id thread_key author_is_school permalink created_mark state cold "
            "version_no judged_no judged_state"
        )
        # A time that cannot be true was replaced by the moment at which the item was first seen.
        created = hour(row.created_at) if row.created_mark else row.created_at
        return {
            **{name: getattr(row, name) for name in same.split()},
            "source": self._sources[row.source_id],
            "author": self._conn.execute(author).scalar(),
            "created": created,
            "first seen": hour(row.first_seen_at),
            "score again": hour(row.score_again_at),
        }

    def _version(self, row: Row[Any]) -> tuple[Any, ...]:
        marks, seen = tuple(row.marks), hour(row.seen_at)
        words = (row.title, row.text, row.url, tuple(row.attachments), row.rating)
        return (self._items[row.item_id], row.no, *words, marks, row.raw, seen)

    def _verdicts(self) -> Mapping[tuple[str, int], list[Any]]:
        found: dict[tuple[str, int], list[Any]] = {}
        for row in self._rows(tables.verdicts):
            said = (row.severity, tuple(row.categories), row.error, row.engine, hour(row.judged_at))
            found.setdefault((self._items[row.item_id], self._versions[row.version_id]), []).append(said)
        return {key: [said for said, _ in groupby(every)] for key, every in found.items()}

    def _case(self, row: Row[Any]) -> Mapping[str, Any]:
        case = cases.load(self._conn, self._school, row.number)
        assert case is not None
        folded = {one.name: getattr(case, one.name) for one in fields(Case)}
        for name in ("answer", "flag", "second_clock", "due_at", "due_reason", "opening", "plan"):
            stored = getattr(row, name)
            assert stored == getattr(folded[name], "value", folded[name]), (row.number, name)
        assert row.open == case.open, row.number
        folded["item"] = self._items[case.item]
        return {name: self._shared(one) for name, one in folded.items()} | {"wanted": row.summary_wanted}

    def _shared(self, value: Any) -> Any:
        """A part of a case: ids of items as their external ids, times by their hour, words as words."""
        if isinstance(value, frozenset):
            return sorted("a person" if one is None else self._items.get(one, str(one)) for one in value)
        if isinstance(value, datetime):
            return hour(value)
        return str(value) if isinstance(value, Enum) else value

    def _event(self, row: Row[Any]) -> tuple[str, str, Mapping[str, Any], str | None]:
        data = dict(row.data)
        for name in ("item", "by"):
            if data.get(name) is not None:
                data[name] = self._items[data[name]]
        if "items" in data:
            data["items"] = [self._items[one] for one in data["items"]]
        if "due_at" in data:
            data["due_at"] = hour(datetime.fromisoformat(data["due_at"]))
        return (self._subject(row.subject), row.kind, data, hour(row.at))

    def _subject(self, subject: str) -> str:
        kind, _, what = subject.partition(":")
        if kind == "item":
            return f"item:{self._items[int(what)]}"
        if kind == "source" and what.isdigit():
            return f"source:{self._sources[int(what)]}"
        if kind == "mail":
            return f"mail:{self.mail_key(self._mails[int(what)])}"
        return subject

    def _poll(self, row: Row[Any]) -> tuple[Any, ...]:
        checkpoint = re.sub(r"'stamps': \[\d+, \d+\]", "", str(row.checkpoint))
        reading = (row.walking, hour(row.walked_at), row.failures, hour(row.failing_since), hour(row.ok_at))
        return (self._sources[row.source_id], row.stream, checkpoint, *reading)

    def mail_key(self, row: Row[Any]) -> str:
        """The mail's key without ids."""
        occurrence = "-" if row.kind == "undelivered" else row.occurrence
        return f"{row.kind}/{self._subject(row.subject)}/{occurrence}/{row.step}/{row.recipient}"

    def _mail(self, row: Row[Any]) -> Mapping[str, Any]:
        facts = dict(row.facts)
        shared = {"reply": self._items, "source": self._sources}
        for name, words in shared.items():
            if name in facts:
                facts[name] = words[facts[name]]
        if "items" in facts:
            facts["items"] = [self._items[one] for one in facts["items"]]
        if "mail" in facts:
            facts["mail"] = self.mail_key(self._mails[facts["mail"]])
        same = "kind severity urgency reason recipient name address shared state"
        return {
            **{name: getattr(row, name) for name in same.split()},
            "facts": facts,
            "queued": hour(row.queued_at),
            # Deferred mails keep the reason of the last deferral; only what ended a mail for good is compared.
            "ended": row.ended_reason if row.state in ("dead", "dropped") else None,
        }


def message_ids(db: Database, school_id: str) -> Mapping[str, str]:
    """Message-ID to the shared key of its mail."""
    with db.read() as conn:
        reader = _Reader(conn, school_id)
        return {row.message_id: reader.mail_key(row) for row in reader._mails.values()}


def _once(happened: Iterable[tuple[str, str, Mapping[str, Any], str | None]]) -> list[Any]:
    """The events without what a broken engine said of a case again."""
    unjudged: set[str] = set()
    found = []
    for one in happened:
        subject, kind, data, _ = one
        if kind == "judged" and data["severity"] is None:
            if subject in unjudged:
                continue
            unjudged.add(subject)
        elif kind == "judged":
            unjudged.discard(subject)
        found.append(one)
    return found
