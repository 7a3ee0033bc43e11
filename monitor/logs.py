"""JSON logs, one object a line, that hold no secret and no comment's words."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

_TALKATIVE = ("urllib3", "requests", "apscheduler", "sqlalchemy", "alembic", "psycopg")
"""Their DEBUG lines show addresses with tokens and whole requests; APScheduler reports every tick."""
_MOST_FRAMES = 12


def to_json(level: str) -> None:
    """Let the whole process log to standard error, where the journal reads it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.captureWarnings(True)
    # A line that cannot be written would else be shown whole, arguments and all.
    logging.raiseExceptions = False
    threading.excepthook = _log_thread


class _Json(JsonFormatter):
    """Times in UTC; an exception as its type and its place, because its own text may quote anything."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={
                "asctime": "at",
                "levelname": "level",
                "name": "logger",
                "exc_info": "exception",
            },
            datefmt="%Y-%m-%dT%H:%M:%SZ",
        )

    def formatException(self, ei: Any) -> str:  # noqa: N802  the base class's name
        return in_short(ei[1]) if ei and ei[1] is not None else ""


def in_short(err: BaseException) -> str:
    """The types of an exception and of what caused it, a database's or the system's code, and where it was raised.

    Never its message: SQLAlchemy's holds the row that was written, a parser's the text that was read.
    """
    parts: list[str] = []
    one: BaseException | None = err
    while one is not None and len(parts) < _MOST_FRAMES:
        code = _code(one)
        parts.append(f"{type(one).__name__} ({code})" if code else type(one).__name__)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return f"{' from '.join(parts)} at {_place(err.__traceback__)}"


def _code(err: BaseException) -> str:
    for name in ("sqlite_errorname", "sqlstate"):
        found = getattr(err, name, None)
        if found:
            return str(found)
    return (err.strerror or "") if isinstance(err, OSError) else ""


def _place(trace: TracebackType | None) -> str:
    frames = traceback.extract_tb(trace)[-_MOST_FRAMES:]
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames) or "nowhere"


def _log_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        logging.getLogger(__name__).error("a thread ended", exc_info=args.exc_value)


class _OneLine(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802  the base class's name
        return f"{ei[0].__name__}" if ei and ei[0] else ""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", ": ")


def to_terminal() -> None:
    """Errors in one line each, for a command that a person runs and that sums up what failed by itself;
    SCHOOLWATCH_DEBUG=1 shows everything, with tracebacks."""
    handler = logging.StreamHandler(sys.stderr)
    debug = bool(os.environ.get("SCHOOLWATCH_DEBUG"))
    if not debug:
        handler.setFormatter(_OneLine("schoolwatch: %(message)s"))
    logging.basicConfig(level="INFO" if debug else "ERROR", handlers=[handler], force=True)
