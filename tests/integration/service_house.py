"""What stands around the real worker in test_service.py: its settings, a mail server, and systemd's ear."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

SECRET = "correct-horse-battery"
THREAT = "You are all useless, I will come to the school and smash your face in"
PATIENCE_S = 20.0
"""How long to wait for something that must come. Long, for the machine may be busy; nothing waits it out if well."""

_SETTINGS = """
state_dir = "state"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
username = "schoolwatch"
password_secret = "mail-password"
sender = "schoolwatch@oakfield.example"
[worker]
log_level = "DEBUG"
poll_minutes = 1440
[school]
id = "oakfield"
name = "Oakfield Primary School"
nation = "ENG"
[hours]
quiet_from = "00:00"
quiet_until = "00:00"
[[people]]
id = "mona"
name = "Mona Moderator"
email = "mona@oakfield.example"
roles = ["moderator", "duty", "safeguarding_lead"]
[[people]]
id = "tess"
name = "Tess Technician"
email = "tess@oakfield.example"
roles = ["technician", "safeguarding_deputy"]
[[people]]
id = "hana"
name = "Hana Head"
email = "hana@oakfield.example"
roles = ["head", "slt", "governors_chair"]
"""
_ACCOUNT = """
[[accounts]]
name = "{name}"
platform = "files"
staff = ["mona", "tess"]
approved_by = "Hana Head"
approved_on = 2026-09-01
watch_from = 2020-01-01T00:00:00
[accounts.options]
paths = ["{folder}"]
"""


@dataclass
class MailServer:
    """Wants a login, and keeps what it is given: (to whom, the mail)."""

    port: int
    got: queue.Queue[tuple[str, EmailMessage]] = field(default_factory=queue.Queue)
    seen: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.got.put(
            (
                envelope.rcpt_tos[0],
                message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default),
            )
        )
        return "250 kept"

    def mail(self, about: str) -> tuple[str, EmailMessage]:
        """The next mail with that word in its subject, and to whom it went; raises queue.Empty if none comes."""
        while True:
            address, mail = self.got.get(timeout=PATIENCE_S)
            self.seen.append((address.partition("@")[0], mail))
            if about in str(mail["Subject"]):
                return self.seen[-1]

    def subjects(self, about: str) -> list[str]:
        """The subjects with that word of all mails that have come so far."""
        while self.got.qsize():
            self.mail("")
        return [str(mail["Subject"]) for _, mail in self.seen if about in str(mail["Subject"])]

    def message_ids(self) -> list[str]:
        """Of all mails that have come so far."""
        self.subjects("")
        return [str(mail["Message-ID"]) for _, mail in self.seen]


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = MailServer(port)

    def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == SECRET.encode())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a login without TLS, which loopback does without
        controller = Controller(
            server, hostname="127.0.0.1", port=port, authenticator=login, auth_require_tls=False
        )
        controller.start()
    try:
        yield server
    finally:
        controller.stop()


class SystemdEar:
    """Hears what the worker tells systemd."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE_S)
        self.heard: list[str] = []

    def wait_for(self, word: str) -> str:
        """The next message that begins so; raises TimeoutError if none comes."""
        while True:
            said = self._socket.recv(4096).decode()
            self.heard.append(said)
            if said.startswith(word):
                return said

    def wait_until_idle(self) -> None:
        """Until a round ends with nothing left that is due."""
        while self.wait_for("STATUS=").endswith("next due: now"):
            pass

    def close(self) -> None:
        self._socket.close()


class Running:
    """A `schoolwatch run`, its log read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], ear: SystemdEar) -> None:
        self.process = process
        self.ear = ear
        self.raw: list[bytes] = []
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.raw.append(line)
            self._lines.put(json.loads(line))

    def logged(self, message: str) -> dict[str, Any]:
        """The next line of the log with that message."""
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            if line["message"] == message:
                return line

    def reload(self) -> None:
        """SIGHUP, as `systemctl reload` sends it; returns when the worker says that it is ready again."""
        self.process.send_signal(signal.SIGHUP)
        assert "\nMONOTONIC_USEC=" in self.ear.wait_for("RELOADING=1")
        self.ear.wait_for("READY=1")

    def stop(self) -> int:
        """SIGTERM, as `systemctl stop` sends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.ear.wait_for("STOPPING=1")
        return self.end()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=PATIENCE_S)
        return code


@dataclass
class House:
    """One school's folder: settings, state, and a folder of items for each account."""

    root: Path
    mail: MailServer
    running: list[Running] = field(default_factory=list)

    @property
    def settings(self) -> Path:
        return self.root / "schoolwatch.toml"

    @property
    def environ(self) -> dict[str, str]:
        theirs = ("SCHOOLWATCH_", "NOTIFY_SOCKET", "WATCHDOG_", "MONITOR_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        return {**clean, "SCHOOLWATCH_MAIL_PASSWORD": SECRET}

    def configure(self, *accounts: str) -> None:
        """Write good settings with these accounts."""
        text = _SETTINGS.format(port=self.mail.port)
        for name in accounts:
            (self.root / name).mkdir(exist_ok=True)
            text += _ACCOUNT.format(name=name, folder=self.root / name)
        self.settings.write_text(text, encoding="utf-8")

    def write(self, account: str, number: str, text: str) -> None:
        """A comment appears on an account."""
        now = datetime.now(UTC).isoformat()
        item = {
            "platform": "facebook",
            "account": account,
            "external_id": f"{account}-{number}",
            "kind": "comment",
            "author_id": "parent-1",
            "author_name": "Jo Example",
            "text": text,
            "created_at": now,
        }
        with (self.root / account / "items.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(item) + "\n")

    def command(self, *args: str) -> list[str]:
        schoolwatch = Path(sys.executable).with_name("schoolwatch")
        return [str(schoolwatch), *args, "--config", str(self.settings)]

    def start(self, **environ: str) -> Running:
        """`schoolwatch run` with somebody who listens as systemd does; ready when this returns."""
        ear = SystemdEar(self.root / f"notify-{len(self.running)}")
        given = {**self.environ, "NOTIFY_SOCKET": str(ear.path), "WATCHDOG_USEC": "4000000", **environ}
        process = subprocess.Popen(self.command("run"), env=given, stderr=subprocess.PIPE)
        one = Running(process, ear)
        self.running.append(one)
        ear.wait_for("READY=1")
        return one

    def call(self, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Any command to its end."""
        return subprocess.run(
            self.command(*args),
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def close(self) -> None:
        for one in self.running:
            if one.process.poll() is None:
                one.process.kill()
            one.end()
            assert one.process.stderr is not None
            one.process.stderr.close()
            one.ear.close()
