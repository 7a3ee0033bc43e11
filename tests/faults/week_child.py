"""The demo's worker as a mother that forks one worker after the other; each kills itself at a commit drawn for it.

Speaks as monitor.demo.child does; a worker that died is answered for with {"died": true}, and the step comes again.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from config.schema import Settings
from config.settings import load
from monitor.bootstrap import install, load_assess
from monitor.demo.child import _secrets, until
from monitor.pipeline.site import Judges
from monitor.storage import migrate
from monitor.storage.database import Database
from monitor.worker import Worker

DEATHS = 110
_LIVES = 45  # commits a life lasts at most


def main() -> None:
    """Fork a worker, wait for its end, fork the next; until enough have died, or the parent is done."""
    drawn = random.Random(20261109)
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    settings = load(Path(sys.argv[1]), {})
    # Loaded and warm before the first fork: a life is for commits, not for reading weights again.
    assess = load_assess(settings.classifier.engine, settings.worker.score_seconds)
    assess(["Thank you!"])
    for deaths in range(DEATHS + 1):
        dies_at = drawn.randint(1, _LIVES) if deaths < DEATHS else None
        after = drawn.random() < 0.5
        child = os.fork()
        if child == 0:
            live(settings, assess, dies_at, after=after)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return
        os.write(1, b'{"died": true}\n')


def live(settings: Settings, assess: Judges, dies_at: int | None, *, after: bool) -> None:
    """One worker's life. It opens nothing before its first step has come, so that each death costs one step."""
    installation = worker = None
    for line in lines():
        told = json.loads(line)
        if installation is None or worker is None:
            db = Database(settings.database_url)
            if dies_at is not None:
                die_at(db, dies_at, after=after)
            installation = install(settings, dict(_secrets()), db=db, load_engine=lambda: assess)
            migrate.upgrade(db)
            worker = Worker(installation)
        until(worker, datetime.fromisoformat(told["from"]), datetime.fromisoformat(told["until"]))
        os.write(1, json.dumps({"until": told["until"]}).encode() + b"\n")
    if installation is not None:
        installation.close()


def die_at(db: Database, commits: int, *, after: bool) -> None:
    """SIGKILL at that commit: before it is sent, or (`after`) at the first thing that follows it."""
    left = commits

    def commit(_conn: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)

    def begin(_conn: Any) -> None:
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    listen: Callable[..., None] = event.listen
    listen(db.engine, "commit", commit)
    listen(db.engine, "begin", begin)


def lines() -> Iterator[bytes]:
    """Whole lines from standard input, read byte by byte: what a dead worker had buffered would be lost."""
    line = b""
    while byte := os.read(0, 1):
        line += byte
        if byte == b"\n":
            yield line
            line = b""


if __name__ == "__main__":
    main()
