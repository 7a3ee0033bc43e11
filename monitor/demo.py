"""`schoolwatch demo`: the whole way of a comment on one machine, with a clock of its own and invented people.

A feed and a mail server stand on loopback; the connectors, the engine, the database and SMTP are the real ones.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import shutil
import socket
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from alerts import outbox
from config.settings import load
from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from monitor.bootstrap import Installation, install
from monitor.once import PassResult, one_pass
from monitor.storage import cases, migrate

_STORY = files("config").joinpath("presets", "demo")


@dataclass(slots=True)
class MailSink:
    """A mail server that keeps what it is given as files, one .eml and one .html a mail."""

    folder: Path
    subjects: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
        subject = str(message["Subject"])
        self.subjects.append((envelope.rcpt_tos[0], subject))
        name = re.sub(r"[^a-z0-9]+", "-", f"{envelope.rcpt_tos[0].split('@')[0]} {subject}".lower()).strip(
            "-"
        )
        stem = f"{len(self.subjects):02} {name}"[:80]
        (self.folder / f"{stem}.eml").write_bytes(content)
        html = message.get_body(("html",))
        if html is not None:
            (self.folder / f"{stem}.html").write_text(html.get_content(), encoding="utf-8")
        return "250 kept"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the demo ended with."""

    items: int
    flagged: int
    answered: int
    missed: int
    mails: int
    alerts: Mapping[str, int]
    mails_folder: str
    seconds: float

    def in_words(self) -> str:
        """The last lines, with where to look."""
        return (
            f"\n{self.items} items, {self.flagged} flagged, {self.answered} answered, "
            f"{self.missed} deadlines missed, {self.mails} mails in {self.seconds} s\n"
            f"look at them: {self.mails_folder}/*.html (as people see them) and *.eml (as they were sent)"
        )


def play(out: Path, say: Callable[[str], None]) -> Summary:
    """Play the story, saying what happens; the mails lie in `out` afterwards."""
    began = time.monotonic()
    mails = _fresh(out)
    sink = MailSink(mails)
    port = _free_port()
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        with FeedSimulator(form="atom") as blog:
            installation = _installation(out, port, blog)
            try:
                _tell(installation, blog, out, sink, say)
                return _summary(installation, sink, mails, time.monotonic() - began)
            finally:
                installation.close()
    finally:
        server.stop()


def _fresh(out: Path) -> Path:
    mails = out / "mails"
    for old in (mails, out / "state", out / "items"):
        shutil.rmtree(old, ignore_errors=True)
    for new in (mails, out / "items"):
        new.mkdir(parents=True)
    return mails


def _free_port() -> int:
    # The server looks for itself at the port it was given, so "any" (0) will not do.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _installation(out: Path, port: int, blog: FeedSimulator) -> Installation:
    settings = _STORY.joinpath("schoolwatch.toml").read_text(encoding="utf-8")
    path = out / "schoolwatch.toml"
    given = {"@MAIL_PORT@": str(port), "@BLOG_URL@": blog.url, "@ITEMS@": str((out / "items").absolute())}
    for mark, value in given.items():
        settings = settings.replace(mark, value)
    path.write_text(settings, encoding="utf-8")
    installation = install(load(path, {}), {})
    migrate.upgrade(installation.db)
    return installation


def _tell(
    installation: Installation, blog: FeedSimulator, out: Path, sink: MailSink, say: Callable[[str], None]
) -> None:
    """One scene after the other: what is written, then a pass at that moment."""
    story = tomllib.loads(_STORY.joinpath("story.toml").read_text(encoding="utf-8"))
    for scene in story["scenes"]:
        now = datetime.fromisoformat(scene["at"])
        blog.publish(*(_post(one) for one in scene.get("blog", ())))
        lines = [json.dumps(one) for one in scene.get("items", ())]
        if lines:
            (out / "items" / f"{now:%Y-%m-%d-%H%M}.jsonl").write_text(
                "\n".join(lines) + "\n", encoding="utf-8"
            )
        before = len(sink.subjects)
        result = one_pass(installation, None, (), _clock(now), lambda _words: None)
        _say_scene(scene["title"], now, result, sink.subjects[before:], say)


def _clock(now: datetime) -> Callable[[], datetime]:
    moment = now.astimezone(UTC)
    return lambda: moment


def _post(one: Mapping[str, Any]) -> Post:
    return Post(
        id=one["id"],
        text=one["text"],
        title=one.get("title", ""),
        author=one["author"],
        published=datetime.fromisoformat(one["at"]),
        in_reply_to=one.get("reply_to"),
        link=f"https://blog.school.example/{one['id']}",
    )


def _say_scene(
    title: str,
    now: datetime,
    result: PassResult,
    mailed: list[tuple[str, str]],
    say: Callable[[str], None],
) -> None:
    say(f"\n{now:%a %d %b %H:%M}  {title}")
    say(f"  {result.new} new items, {result.set_aside} set aside, {len(mailed)} mails")
    for recipient, subject in mailed:
        say(f"    to {recipient.split('@')[0]}: {subject}")


def _summary(installation: Installation, sink: MailSink, mails: Path, seconds: float) -> Summary:
    (site,) = installation.sites
    with site.db.read() as conn:
        every = cases.rows(conn, site.id, open_only=False)
        rows = outbox.rows(conn, site.id)
        stored = cases.count_items(conn, site.id)
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    return Summary(
        items=stored,
        flagged=sum(row.flag != "none" for row in every),
        answered=sum(row.answer == "answered" for row in every),
        missed=len({row.subject for row in rows if row.kind == "deadline_missed"}),
        mails=len(sink.subjects),
        alerts=kinds,
        mails_folder=str(mails),
        seconds=round(seconds, 1),
    )
