"""What stands around the worker and outlives it: a folder of items, a feed, a mail server. Each can kill it."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from config.schema import Account, MailServer, Person, School, Settings
from config.schema import Worker as WorkerSettings
from connectors.simulators.feed import FeedSimulator
from tests.fakes import people

GONE = "gone@school.example"
"""A deputy whose mailbox does not exist while `Sink.refuses`."""


class Hand:
    """What kills from outside: armed with labels, it strikes the victim at the first place of that name."""

    def __init__(self) -> None:
        self._victim: int | None = None
        self._armed: dict[str, int] = {}
        self.struck: str | None = None

    def arm(self, victim: int, labels: Mapping[str, int]) -> None:
        """`labels`: each with the chances to let pass."""
        self._victim, self._armed, self.struck = victim, dict(labels), None

    def disarm(self) -> None:
        self._victim, self._armed = None, {}

    def here(self, label: str) -> None:
        if label not in self._armed or self._victim is None:
            return
        if self._armed[label] > 0:
            self._armed[label] -= 1
            return
        victim, self._victim, self.struck = self._victim, None, label
        os.kill(victim, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that the server has taken over, as far as it can tell."""

    recipient: str
    subject: str
    message_id: str


class Sink:
    """The mail server's side of each conversation."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.arrived: list[Arrived] = []
        self.refuses = False

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self._hand.here("RCPT")
        if self.refuses and address == GONE:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 go on"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        (recipient,) = envelope.rcpt_tos
        self.arrived.append(Arrived(recipient, str(message["Subject"]), str(message["Message-ID"])))
        self._hand.here("final dot")
        return "250 kept"


class MortalFeed(FeedSimulator):
    """A feed in the middle of whose answer the reader may die."""

    def __init__(self, hand: Hand, **options: Any) -> None:
        super().__init__(**options)
        self._hand = hand

    def document(self, page: int) -> bytes:
        self._hand.here("feed request")
        return super().document(page)

    def clear(self) -> None:
        """As on the first day."""
        with self._lock:
            self._posts.clear()
        self.trouble = None


class Stage:
    """The school's surroundings, the same for every run on one database; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.items = folder / "items"
        self.hand = Hand()
        self.sink = Sink(self.hand)
        self.feed = MortalFeed(self.hand, page_size=4)
        self._port = _free_port()
        self._mail = Controller(self.sink, hostname="127.0.0.1", port=self._port)

    def __enter__(self) -> Stage:
        self._mail.start()
        self.feed.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.feed.__exit__(None, None, None)
        self._mail.stop()

    def clear(self) -> None:
        """As on the first day."""
        shutil.rmtree(self.items, ignore_errors=True)
        self.items.mkdir()
        self.feed.clear()
        self.sink.arrived.clear()
        self.sink.refuses = False

    def write(self, name: str, *rows: Mapping[str, Any] | str) -> None:
        """A file of items; one that is there is replaced. A row that is a string stands as it is."""
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        new = self.items / f".{name}"
        new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        new.rename(self.items / f"{name}.jsonl")

    @property
    def settings(self) -> Settings:
        """One school with a page that comes as files and a blog that is a feed."""
        gone = Person(id="gone", name="Left last year", email=GONE, roles=("safeguarding_deputy",))
        school = School(
            id="oakfield",
            name="Oakfield Primary School",
            nation="ENG",
            people=(*people(), gone),
            accounts=(
                Account(name="page", platform="files", options={"paths": [str(self.items)], "page_size": 3}),
                Account(name="blog", platform="feed", options={"url": self.feed.url, "kind": "comment"}),
            ),
        )
        return Settings(
            schools=(school,),
            mail=MailServer(
                host="127.0.0.1",
                port=self._port,
                security="none",
                sender="schoolwatch@school.example",
                timeout_s=5,
            ),
            worker=WorkerSettings(poll_minutes=60, fetch_seconds=5),
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
