"""`make bench`: a page with the ratios first, and a sentence for every goal that is missed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import page
from tests.benchmarks.command import Backlog
from tests.benchmarks.race import Result

MANY = Backlog(20_000, 400.0, 90.0, 91.0, 95.0)
FOUND = page.Measured(
    engines={
        "embedded-small": Result({24: 3000.0, 128: 500.0}, 0.2, 55.0),
        "embedded": Result({24: 450.0, 128: 120.0}, 0.4, 140.0),
        "detoxify-original": Result({24: 40.0, 128: 7.5}, 9.0, 900.0),
    },
    first_answer_s={"embedded": 0.8, "embedded-small": 0.5},
    backlogs={"embedded": MANY, "embedded-small": MANY},
    store=(100.0, 50.0),
)


def test_the_ratios_stand_first_and_the_machine_before_the_figures() -> None:
    said = page.tables(FOUND)
    assert said.splitlines()[0].startswith("| times as fast as detoxify-original |")
    assert "| embedded-small | 75.0 | 66.7 | 0.06 |" in said
    assert said.index("| embedded | 11.2 | 16.0 |") < said.index("Measured on ") < said.index("| 450 |")
    assert "ratio 2.00" in said


def test_a_goal_that_is_missed_is_said() -> None:
    assert page.missed(FOUND) == []
    slow = replace(FOUND.engines["embedded"], rate={24: 390.0, 128: 110.0}, peak_mb=160.0)
    found = replace(FOUND, engines={**FOUND.engines, "embedded": slow}, first_answer_s={"embedded": 1.2})
    assert page.missed(found) == [
        "embedded is 9.8 times as fast as detoxify-original at 24 tokens, not 10",
        "embedded is 14.7 times as fast as detoxify-original at 128 tokens, not 15",
        "embedded held 160 MB, not 150",
        "the first answer of embedded came after 1.20 s, not 1",
    ]


def test_only_what_stands_between_the_marks_is_written_anew() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    once = page.written(text, "one")
    assert page.written(once, "two") == once.replace("\n\none\n\n", "\n\ntwo\n\n")
    assert once.partition(page.BEGIN)[0] == text.partition(page.BEGIN)[0]
    with pytest.raises(ValueError, match="needs the lines"):
        page.written("no marks", "one")


def test_an_engine_scores_in_a_process_of_its_own_and_tells_its_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.racer", "embedded-small", str(tmp_path)]
    asked = json.dumps({"texts": ["thank you all", "lovely day"], "seconds": 0.01}) + "\n"
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    loaded, scored, ended = (json.loads(line) for line in done.stdout.splitlines())
    assert loaded["load_s"] > 0
    assert scored["texts"] >= 2
    assert 20 < ended["peak_mb"] < 60
