"""The program from outside: settings in a file, commands in processes of their own, mails at a real server."""

from __future__ import annotations

import email
import email.policy
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

SETTINGS = """
state_dir = "state"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "schoolwatch@oakfield.example"
[database]
url = "{database}"
[classifier]
engine = "embedded"
[school]
id = "oakfield"
name = "Oakfield Primary School"
nation = "ENG"
[hours]
staffed_from = "00:00"
staffed_until = "23:59"
quiet_from = "00:00"
quiet_until = "00:00"
working_days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[deadline]
bank_holidays = false
[[people]]
id = "one"
name = "Moderator One"
email = "one@oakfield.example"
roles = ["moderator", "technician"]
[[people]]
id = "two"
name = "Moderator Two"
email = "two@oakfield.example"
roles = ["moderator"]
[[people]]
id = "lead"
name = "Safeguarding Lead"
email = "lead@oakfield.example"
roles = ["safeguarding_lead"]
[[people]]
id = "deputy"
name = "Deputy"
email = "deputy@oakfield.example"
roles = ["safeguarding_deputy"]
[[people]]
id = "head"
name = "The Head"
email = "head@oakfield.example"
roles = ["head", "slt"]
"""


@dataclass
class Sink:
    """A mail server that keeps what it gets."""

    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.mails.append(email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default))
        return "250 kept"

    def to(self, person: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if f"{person}@" in str(mail["To"])]


@dataclass
class Outside:
    """A school's folder, and the command as people run it."""

    folder: Path
    sink: Sink
    port: int
    database: str = "sqlite:///schoolwatch.db"
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "schoolwatch.toml"

    def settle(self, more: str = "") -> None:
        """Write the settings."""
        self.config.write_text(
            SETTINGS.format(port=self.port, database=self.database) + more, encoding="utf-8"
        )

    def write(self, name: str, *rows: Mapping[str, Any]) -> Path:
        """Rows of items as JSON lines."""
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    def run(
        self, *arguments: str | Path, stdin: str | bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`schoolwatch ...`; whatever it answers."""
        command = Path(sys.executable).with_name("schoolwatch")
        return subprocess.run(
            [str(command), *(str(argument) for argument in arguments)],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **self.environ},
            input=stdin.decode("utf-8", "surrogateescape") if isinstance(stdin, bytes) else stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=120,
        )

    def once(self, *paths: Path, code: int = 0) -> dict[str, Any]:
        """One pass over those items, which ends with that exit code; its summary."""
        given = [argument for path in paths for argument in ("--items", path)]
        done = self.run("once", "--config", self.config, *given, "--json")
        assert done.returncode == code, done.stderr
        return dict(json.loads(done.stdout))

    def cases(self) -> dict[str, dict[str, Any]]:
        """Every case by the platform's id."""
        done = self.run("cases", "--config", self.config, "--all", "--json")
        assert done.returncode == 0, done.stderr
        return {one["external_id"]: one for one in map(json.loads, done.stdout.splitlines())}


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """A mail server on loopback and an empty folder for the school."""
    sink = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        school = Outside(folder, sink, port)
        school.settle()
        yield school
    finally:
        server.stop()
