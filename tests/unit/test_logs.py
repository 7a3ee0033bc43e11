"""The log: one object a line, in UTC, and never the words or secrets that an exception quotes."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from monitor import logs

WORDS = "you will be sorry"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Logs as the service does, into what the fixture gives; puts the logging of the tests back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level, levels = root.handlers[:], root.level, {}
    for name in logs._TALKATIVE:
        levels[name] = logging.getLogger(name).level
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root.handlers = []
    logs.to_json("DEBUG")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    root.handlers, root.level = before, level
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


def test_a_line_is_one_object_with_its_time_in_utc(lines: Any) -> None:
    logging.getLogger("a").info("two\nlines", extra={"school": "oakfield", "odd": "\ud83d"})
    (line,) = lines()
    assert line["message"] == "two\nlines"
    assert line["school"] == "oakfield"
    assert line["level"] == "INFO"
    assert line["at"].endswith("Z")


def test_an_exception_is_told_by_its_types_and_its_place(lines: Any) -> None:
    try:
        try:
            raise OSError(28, "No space left on device", f"/srv/{WORDS}")
        except OSError as err:
            raise ValueError(WORDS) from err
    except ValueError:
        logging.getLogger("a").exception("step failed")
    (line,) = lines()
    assert line["exception"].startswith("ValueError from OSError (No space left on device) at ")
    assert "test_logs.py" in line["exception"]
    assert WORDS not in json.dumps(line)


def test_a_row_that_could_not_be_written_is_not_in_the_log(lines: Any) -> None:
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as conn:
            conn.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": WORDS})
    except Exception:
        logging.getLogger("a").exception("step failed")
    engine.dispose()
    (line,) = lines()
    assert "OperationalError (SQLITE_ERROR)" in line["exception"]
    assert WORDS not in json.dumps(line)


def test_a_thread_that_ends_with_an_error_is_a_line_too(lines: Any) -> None:
    def fail() -> None:
        raise ValueError(WORDS)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (line,) = lines()
    assert (line["message"], line["level"]) == ("a thread ended", "ERROR")
    assert WORDS not in json.dumps(line)


def test_a_line_that_cannot_be_made_does_not_spill_its_arguments(lines: Any) -> None:
    logging.getLogger("a").info("%d comments", WORDS)
    assert lines() == []


def test_talkative_libraries_are_quiet_even_when_everything_is_logged(lines: Any) -> None:
    logging.getLogger("urllib3.connectionpool").debug("GET /?access_token=%s", WORDS)
    assert lines() == []
