"""`schoolwatch score` on many comments: quick to start, at a steady memory, and it says how far it is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from config.schema import Classifier
from monitor.classifier.registry import DEFAULT
from tests.benchmarks.command import backlog

COMMAND = str(Path(sys.executable).with_name("schoolwatch"))
_HEAVY = ("sqlalchemy", "pydantic", "requests", "matplotlib", "rich", "torch")


def lines(number: int) -> list[str]:
    return [f"{n}. could somebody tell me when the coach leaves please" for n in range(number)]


def test_the_engine_without_settings_is_that_of_the_settings() -> None:
    assert Classifier().engine == DEFAULT


def test_it_starts_without_the_database_the_settings_and_the_connectors() -> None:
    code = (
        "import sys; sys.argv = ['schoolwatch', 'score', '--engine', 'embedded-small']\n"
        "from monitor.cli import main\n"
        "try: main()\n"
        f"finally: print([name for name in {_HEAVY} if name in sys.modules], file=sys.stderr)\n"
    )
    environ = {key: value for key, value in os.environ.items() if key != "SCHOOLWATCH_CONFIG"}
    done = subprocess.run(
        [sys.executable, "-c", code], input=b"Thank you!\n", capture_output=True, check=True, env=environ
    )
    assert json.loads(done.stdout)["text"] == "Thank you!"
    assert done.stderr == b"[]\n"


def test_many_comments_take_no_more_memory_than_some(tmp_path: Path) -> None:
    told: list[int] = []
    found = backlog("embedded-small", lines(1500), tmp_path / "many.txt", told.append)
    assert found.late_mb - found.early_mb < 5
    assert found.peak_mb < 80
    assert told == list(range(64, 1501, 64))


def test_a_bar_stands_in_a_terminal_and_the_answers_go_to_their_file(tmp_path: Path) -> None:
    source, answers = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("\n".join(lines(300)), encoding="utf-8")
    read, write = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with source.open("rb") as stdin, answers.open("wb") as stdout:
        process = subprocess.Popen(
            [COMMAND, "score", "--engine", "embedded-small"],
            stdin=stdin,
            stdout=stdout,
            stderr=write,
            env=environ,
        )
    os.close(write)
    shown = _everything(read)
    assert process.wait(60) == 0
    assert "300 comments" in shown
    assert "100%" in shown
    assert [json.loads(line)["text"] for line in answers.read_text().splitlines()] == lines(300)


def _everything(terminal: int) -> str:
    shown = b""
    try:
        while chunk := os.read(terminal, 65_536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return shown.decode()
