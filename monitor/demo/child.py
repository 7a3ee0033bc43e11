"""The demo's worker: a process that does what is due up to a moment, each time it is told.

Started with the path of the settings. Each line on standard input is a JSON object {"from": ..., "until": ...};
each line on standard output says what was done. It keeps nothing between two lines that the rows do not hold.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from config.settings import load
from connectors.simulators import facebook, x
from monitor.bootstrap import Installation, install
from monitor.storage import migrate
from monitor.worker import Worker


def until(worker: Worker, start: datetime, end: datetime) -> None:
    """Do everything that falls due from `start` up to `end`, each at its own moment."""
    now = start
    due: datetime | None = start
    while due is not None and due <= end:
        now = max(now, due)
        due = worker.tick(now)


def commands() -> Iterator[tuple[datetime, datetime]]:
    """What the parent says, until it closes the pipe."""
    for line in sys.stdin:
        told = json.loads(line)
        yield datetime.fromisoformat(told["from"]), datetime.fromisoformat(told["until"])


def serve(installation: Installation) -> None:
    """Obey until the parent is done."""
    for site in installation.sites:
        for source in (*site.school.accounts, *site.school.watches):
            installation.connector(
                site, source.name
            )  # one that cannot be opened must stop the play, not blind it
    worker = Worker(installation)
    for start, end in commands():
        until(worker, start, end)
        sys.stdout.write(json.dumps({"until": end.isoformat()}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """The child's whole life."""
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    installation = install(load(Path(sys.argv[1]), {}), dict(_secrets()))
    try:
        migrate.upgrade(installation.db)
        serve(installation)
    finally:
        installation.close()


def _secrets() -> Iterator[tuple[str, str]]:
    """The simulators' own tokens, which open nothing but the simulators."""
    yield "SCHOOLWATCH_DEMO_FACEBOOK_TOKEN", facebook.TOKEN
    yield "SCHOOLWATCH_DEMO_FACEBOOK_APP_SECRET", facebook.APP_SECRET
    yield "SCHOOLWATCH_DEMO_X_TOKEN", x.BEARER


if __name__ == "__main__":
    main()
