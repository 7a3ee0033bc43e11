"""The demo's mail server: keeps every mail as people would see it, and can refuse for a while."""

from __future__ import annotations

import email
import email.policy
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail as it came: to whom, its subject, its Message-ID."""

    recipient: str
    subject: str
    message_id: str


@dataclass(slots=True)
class MailSink:
    """Keeps mails in a folder as .eml and .html. `refusing`: answers 451 to everything."""

    folder: Path
    mails: list[Kept] = field(default_factory=list)
    refusing: bool = False
    refused: int = 0

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail."""
        if self.refusing:
            self.refused += 1
            return "451 not now"
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
        kept = Kept(envelope.rcpt_tos[0], str(message["Subject"]), str(message["Message-ID"]))
        self.mails.append(kept)
        stem = self.folder / _stem(len(self.mails), kept)
        stem.with_suffix(".eml").write_bytes(content)
        html = message.get_body(("html",))
        if html is not None:
            stem.with_suffix(".html").write_text(html.get_content(), encoding="utf-8")
        return "250 kept"


@contextmanager
def serving(sink: MailSink) -> Iterator[int]:
    """Serve the sink on loopback; its port."""
    # The server looks for itself at the port it was given, so "any" (0) will not do.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield port
    finally:
        server.stop()


def _stem(number: int, kept: Kept) -> str:
    words = f"{kept.recipient.split('@')[0]} {kept.subject}".lower()
    return f"{number:03}-{re.sub(r'[^a-z0-9]+', '-', words).strip('-')}"[:80]
