"""JSON logs, one object a line, that hold no secret and no comment's words."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter


def to_json(level: str) -> None:
    """Let the whole process log to standard error, where the journal reads it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Their DEBUG lines show addresses with tokens and whole requests; APScheduler reports every tick.
    for name in ("urllib3", "requests", "apscheduler", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


class _OneLine(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  the base class's name
        return f"{ei[0].__name__}" if ei and ei[0] else ""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", ": ")


def to_terminal() -> None:
    """Warnings in one line each, for a command that a person runs; SCHOOLWATCH_DEBUG=1 shows tracebacks too."""
    handler = logging.StreamHandler(sys.stderr)
    if not os.environ.get("SCHOOLWATCH_DEBUG"):
        handler.setFormatter(_OneLine("schoolwatch: %(message)s"))
    logging.basicConfig(level="WARNING", handlers=[handler], force=True)
