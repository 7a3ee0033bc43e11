"""`schoolwatch once`: one pass over everything that is due now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts import outbox
from alerts.outbox import MailState
from connectors import registry
from connectors.base import SourceRef
from monitor.bootstrap import Installation
from monitor.pipeline.ingest import Polled
from monitor.pipeline.site import Site
from monitor.storage import polls, verdicts
from monitor.worker import Worker

BY_HAND = "by-hand"
"""The source of items given on the command line that do not name a configured account."""

Clock = Callable[[], datetime]


@dataclass(slots=True)
class PassResult:
    """What one pass did."""

    new: int = 0
    edited: int = 0
    set_aside: int = 0
    unscored: int = 0
    mails_sent: int = 0
    mails_waiting: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def heard(self, polled: Polled) -> None:
        """Count one poll."""
        self.new += polled.new
        self.edited += polled.edited
        self.set_aside += polled.set_aside
        if polled.error is not None:
            self.failed[polled.source] = polled.error
            self.why[polled.source] = polled.why or polled.error

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "items_new": self.new,
            "items_edited": self.edited,
            "set_aside": self.set_aside,
            "unscored": self.unscored,
            "mails_sent": self.mails_sent,
            "mails_waiting": self.mails_waiting,
            "sources_failed": self.failed,
        }

    def in_words(self) -> str:
        """For people."""
        said = (
            f"{self.new} new items, {self.edited} edited, {self.set_aside} set aside; "
            f"{self.mails_sent} mails sent, {self.mails_waiting} waiting"
        )
        return said + (
            f"; {self.unscored} items could not be judged and wait for a person" if self.unscored else ""
        )


def one_pass(
    installation: Installation,
    school_id: str | None,
    paths: Sequence[Path],
    clock: Clock,
    say: Callable[[str], None],
) -> PassResult:
    """Read the files given for the school, every configured source, judge, and send what is due.

    Ends when nothing is due at the moment it has reached; what fails is not tried twice in one pass.
    """
    result = PassResult()
    began = clock()
    worker = Worker(installation, polled=result.heard, by_hand=(school_id, BY_HAND) if paths else None)
    before = {site.id: _sent(site) for site in installation.sites}
    for site in installation.sites:
        worker.prepare(site, began)
        with site.db.write("once") as conn:
            polls.make_due(conn, site.id, began)
        if paths and site.id == school_id:
            _take(installation, site, paths, began)
    due = worker.tick(began)
    while due is not None and due <= clock():
        say(f"{result.new} new items, {result.set_aside} set aside")
        now = clock()
        due = worker.tick(now)
        if due is not None and due > now:
            break
    for site in installation.sites:
        result.mails_sent += _sent(site) - before[site.id]
        with site.db.read() as conn:
            result.unscored += verdicts.waiting_for_score(conn, site.id)
            result.mails_waiting += len(outbox.rows(conn, site.id, waiting_only=True))
    return result


def _take(installation: Installation, site: Site, paths: Sequence[Path], now: datetime) -> None:
    """Let the files given be the source `by-hand`, read from the start."""
    kind = registry.load("files")
    options = kind.options_model.model_validate({"paths": [str(path) for path in paths]})
    connector = kind(SourceRef(site.id, BY_HAND, site.school.timezone), options, {})
    installation.adopt(site, BY_HAND, connector)
    with site.db.write("once") as conn:
        source = polls.ensure_source(conn, site.id, BY_HAND, "files", official=True)
        for stream in connector.streams():
            polls.ensure_poll(conn, site.id, source.id, stream, now)
        polls.restart(conn, site.id, source.id, now)


def _sent(site: Site) -> int:
    with site.db.read() as conn:
        return Counter(row.state for row in outbox.rows(conn, site.id))[MailState.SENT.value]
