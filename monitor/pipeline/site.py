"""One school with everything that its stages need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts import outbox
from alerts.kinds import Alert
from alerts.routes import recipients
from config.settings import School, Worker
from monitor.classifier.standard import ANY_SCHOOL, Standard
from monitor.domain.deadline import DeadlineRule
from monitor.domain.verdict import Verdict
from monitor.storage.database import Database

Assess = Callable[[Sequence[str]], list[Verdict]]
"""Texts in, one verdict a text out, in order. Raises EngineError."""

Judges = Callable[[Sequence[str], Standard], list[Verdict]]
"""The same for every school, each by its own standard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A school at work: its settings, its rule, its rows. `mail_domain` ends the Message-IDs. `standard`: by what
    its texts are judged."""

    school: School
    rule: DeadlineRule
    db: Database
    worker: Worker
    mail_domain: str
    standard: Standard = ANY_SCHOOL

    @property
    def id(self) -> str:
        """The school's slug, as every row carries it."""
        return self.school.id

    @property
    def blind_after(self) -> timedelta:
        """How long a source may fail before people are told."""
        return timedelta(hours=self.worker.blind_hours)

    def queue(self, conn: Connection, alerts: Iterable[Alert], now: datetime) -> int:
        """Queue a mail for everybody whom each alert concerns, in the caller's transaction; how many are new."""
        return sum(
            outbox.add(conn, self.id, alert, recipients(alert, self.school), self.mail_domain, now)
            for alert in alerts
        )
