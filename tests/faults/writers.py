"""Processes that write, for test_database: each is started with one of these functions and its arguments as JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from monitor.cli.failures import sentence_and_code
from monitor.storage import events
from monitor.storage.database import Database

SCHOOL = "oakfield"
NOON = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


def start(work: Callable[..., None], *arguments: Any) -> subprocess.Popen[str]:
    """A process that does the work."""
    code = f"from tests.faults import writers; writers.{work.__name__}(*{list(arguments)!r})"
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def append_many(url: str, subject: str, count: int) -> None:
    """When told to go, append events one transaction each, reading between them."""
    db = Database(url)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        with db.write("test") as conn:
            events.append(conn, SCHOOL, subject, [("new", NOON, {"number": number})])
        with db.read() as conn:
            events.of_subject(conn, SCHOOL, subject)
    db.close()


def fill(url: str, limit: int | None) -> None:
    """Append until the disk is full; tell how much was acknowledged and what a person would be told.

    `limit`: bytes that a file may have, for machines on which no small disk can be made.
    """
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    db = Database(url)
    acknowledged = 0
    try:
        while True:
            with db.write("test") as conn:
                events.append(conn, SCHOOL, "item:1", [("new", NOON, {"filling": "x" * 20_000})])
            acknowledged += 1
    except OperationalError as err:
        sentence, code = sentence_and_code(err)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with db.read() as conn:
        kept = len(events.of_subject(conn, SCHOOL, "item:1"))
    print(json.dumps({"acknowledged": acknowledged, "kept": kept, "sentence": sentence, "code": code}))
    db.close()
