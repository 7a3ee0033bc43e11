"""Fakes that implement the ports, and the school that the tests watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.kinds import Mail
from alerts.smtp import Outcome, Status
from config.schema import Account, MailServer, Person, School, Settings, Watch
from connectors.base import Capability, Checkpoint, Connector, Health, Page
from connectors.errors import ConnectorError
from connectors.item import Item, ItemKind
from monitor.bootstrap import Installation, install
from monitor.classifier.engine import EngineError
from monitor.classifier.standard import ANY_SCHOOL, Standard
from monitor.domain.verdict import Category, Severity, Verdict
from monitor.storage import polls
from monitor.storage.database import Database
from monitor.worker import Worker

TUESDAY = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
"""A working day, in winter, when London's clock is UTC."""

_WORDS: Mapping[str, tuple[Category, Severity]] = {
    "urgent": (Category.DISCLOSURE, Severity.URGENT),
    "threat": (Category.THREAT, Severity.HIGH),
    "rude": (Category.INSULT, Severity.MEDIUM),
    "moan": (Category.COMPLAINT, Severity.LOW),
    "thanks": (Category.THANKS, Severity.NONE),
}


@dataclass
class FakeEngine:
    """Judges by plain words. `broken`: raises for everything; `chokes_on`: raises for texts that hold it."""

    broken: bool = False
    chokes_on: str | None = None
    asked: list[str] = field(default_factory=list)
    standards: list[Standard] = field(default_factory=list)

    def __call__(self, texts: Sequence[str], standard: Standard = ANY_SCHOOL) -> list[Verdict]:
        self.asked += texts
        self.standards.append(standard)
        if self.broken or (self.chokes_on and any(self.chokes_on in text for text in texts)):
            raise EngineError("the engine is broken")
        return [verdict_on(text) for text in texts]


def verdict_on(text: str) -> Verdict:
    """The fake's verdict: each of its words is a category, and it cannot read what is "po polsku"."""
    found = [(category, severity) for word, (category, severity) in _WORDS.items() if word in text]
    return Verdict(
        scores={"toxicity": 0.5},
        categories=tuple(category for category, _ in found),
        severity=max((severity for _, severity in found), default=Severity.NONE),
        engine="fake 1",
        thresholds="fake 1",
        language="pl" if "polsku" in text else None,
        unread="polsku" in text,
    )


@dataclass
class FakeTransport:
    """Keeps mails. `answers` are given one after the other, then SENT."""

    answers: list[Outcome] = field(default_factory=list)
    sent: list[tuple[str, Mail]] = field(default_factory=list)
    tried: list[tuple[str, Mail]] = field(default_factory=list)
    budget_s: float = 60.0

    def send(self, mail: Mail, message_id: str, now: datetime) -> Outcome:
        self.tried.append((message_id, mail))
        outcome = self.answers.pop(0) if self.answers else Outcome(Status.SENT, "250", "kept")
        if outcome.status is Status.SENT:
            self.sent.append((message_id, mail))
        return outcome

    def close(self) -> None:
        pass

    def to(self, person: str) -> list[Mail]:
        """The mails that a person has got."""
        return [mail for _, mail in self.sent if mail.to_address.startswith(f"{person}@")]


class FakeConnector(Connector):
    """Gives pages as they are put in; an exception among them is raised. `down`: raised for as long as it is set."""

    capabilities = frozenset({Capability.REFRESH})

    def __init__(self, source: Any = None, options: Any = None, secrets: Any = None) -> None:
        self.changed: dict[str, Item] = {}
        self.down: ConnectorError | None = None
        self.pages: list[Page | ConnectorError] = []
        self.asked: list[Checkpoint | None] = []

    def streams(self) -> Sequence[str]:
        return ("items",)

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        self.asked.append(checkpoint)
        if self.down is not None:
            raise self.down
        answer = self.pages.pop(0) if self.pages else Page(checkpoint=checkpoint or {"version": 1})
        if isinstance(answer, ConnectorError):
            raise answer
        return answer

    def refresh(self, ids: Sequence[str], now: datetime) -> Sequence[Item]:
        return [self.changed[one] for one in ids if one in self.changed]

    def check(self, now: datetime) -> Health:
        return Health(ok=True, detail="fine")


def comment(external_id: str, text: str = "When is the fair?", **fields: Any) -> Item:
    """A parent's comment on the page, received at TUESDAY unless said otherwise."""
    given: dict[str, Any] = {
        "platform": "fake",
        "account": "page",
        "kind": ItemKind.COMMENT,
        "author_id": "parent",
        "author_name": "A parent",
        "created_at": TUESDAY,
        **fields,
    }
    return Item(external_id=external_id, text=text, **given)


def reply(external_id: str, to: str, text: str = "On Friday.", **fields: Any) -> Item:
    """A reply of the school, an hour after TUESDAY unless said otherwise."""
    given: dict[str, Any] = {
        "kind": ItemKind.REPLY,
        "parent_id": to,
        "author_id": "school",
        "author_name": "The school",
        "author_is_school": True,
        "created_at": TUESDAY + timedelta(hours=1),
        **fields,
    }
    return comment(external_id, text, **given)


def people() -> tuple[Person, ...]:
    return (
        Person(id="mod", name="A moderator", email="mod@school.example", roles=("moderator", "duty")),
        Person(id="lead", name="The lead", email="lead@school.example", roles=("safeguarding_lead",)),
        Person(id="deputy", name="The deputy", email="deputy@school.example", roles=("safeguarding_deputy",)),
        Person(id="head", name="The head", email="head@school.example", roles=("head", "slt")),
        Person(id="tech", name="The technician", email="tech@school.example", roles=("technician",)),
    )


def school(school_id: str = "oakfield", **fields: Any) -> School:
    """A school in England with one page, one watch and everybody it needs."""
    given: dict[str, Any] = {
        "name": f"{school_id.title()} Primary School",
        "nation": "ENG",
        "people": people(),
        "accounts": (Account(name="page", platform="fake"),),
        "watches": (Watch(name="news", platform="fake"),),
        **fields,
    }
    return School(id=school_id, **given)


class World:
    """An installation on fakes, with a clock that stands still until it is moved."""

    def __init__(self, db: Database, *schools: School, now: datetime = TUESDAY) -> None:
        self.now = now
        self.db = db
        self.engine = FakeEngine()
        self.transport = FakeTransport()
        self.settings = Settings(
            schools=schools or (school(),),
            mail=MailServer(sender="schoolwatch@school.example"),
            worker=Settings.model_fields["worker"].default.model_copy(update={"poll_minutes": 1440}),
        )
        self.connectors: dict[tuple[str, str], FakeConnector] = {}
        self.installation = self._installation()
        self.worker = Worker(self.installation)

    def _installation(self) -> Installation:
        installation = install(
            self.settings, {}, db=self.db, transport=self.transport, load_engine=lambda: self.engine
        )
        for site in installation.sites:
            for source in (*site.school.accounts, *site.school.watches):
                fake = self.connectors.setdefault((site.id, source.name), FakeConnector())
                installation.adopt(site, source.name, fake)
        return installation

    def restart(self) -> None:
        """A new worker on the same rows."""
        self.installation = self._installation()
        self.worker = Worker(self.installation)

    def page(self, source: str = "page", school_id: str | None = None) -> FakeConnector:
        """The connector of a source."""
        return self.connectors[(school_id or self.settings.schools[0].id, source)]

    def give(self, *items: Item, source: str = "page", school_id: str | None = None, **page: Any) -> None:
        """Let the source's next poll bring these items, now, and do all that follows at once."""
        self.page(source, school_id).pages.append(Page(items=items, checkpoint={"version": 1}, **page))
        self.poll()

    def fail(self, error: ConnectorError, source: str = "page", school_id: str | None = None) -> None:
        """Let the source's next poll fail, now."""
        self.page(source, school_id).pages.append(error)
        self.poll()

    def poll(self) -> None:
        """Poll every source now."""
        with self.db.write("test") as conn:
            for site in self.installation.sites:
                polls.make_due(conn, site.id, self.now)
        self.settle()

    def later(self, **by: float) -> None:
        """Move the clock and do all that is due by then, at the moments at which it is due."""
        self.until(self.now + timedelta(**by))

    def until(self, moment: datetime) -> None:
        """Work off everything up to a moment."""
        due: datetime | None = self.now
        while due is not None and due <= moment:
            self.now = max(self.now, due)
            due = self.worker.tick(self.now)
        self.now = moment
        self.settle()

    def settle(self) -> None:
        """Do what is due now."""
        while (due := self.worker.tick(self.now)) is not None and due <= self.now:
            pass


Build = Callable[..., World]
