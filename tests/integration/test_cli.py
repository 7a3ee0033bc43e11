"""Every command as people run it: help worth reading, quick to start, one sentence when something is wrong."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.outside import Outside

COMMANDS = (
    "init",
    "check",
    "run",
    "once",
    "demo",
    "score",
    "deadline",
    "explain",
    "cases",
    "decide",
    "evaluate",
    "outbox",
    "digest",
    "train",
    "model",
    "migrate",
)
HEAVY = ("torch", "numpy", "sqlalchemy", "pydantic", "holidays", "requests", "jinja2", "rich.console")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_says_what_it_does(oakfield: Outside, command: str) -> None:
    done = oakfield.run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: schoolwatch {command}")
    assert len(done.stdout.splitlines()) >= 6
    assert command in oakfield.run("--help").stdout


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_imports_nothing_heavy(command: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom monitor.cli import schoolwatch\n"
        f"schoolwatch.main([*{command!r}, '--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("bogus",), 2, "bogus"),
        (("deadline", "tomorrow"), 64, "tomorrow"),
        (("deadline", "9999-12-31T23:00"), 65, "year"),
        (("deadline",), 2, "TIME"),
        (("score", "--engine", "nope"), 70, "nope"),
        (("explain", "nothing", "--config", "schoolwatch.toml"), 66, "nothing"),
        (("cases", "--close", "3", "--config", "schoolwatch.toml"), 64, "--by"),
        (("cases", "--close", "3", "--by", "nobody", "--config", "schoolwatch.toml"), 64, "nobody"),
        (("cases", "--close", "3", "--by", "one", "--config", "schoolwatch.toml"), 66, "case 3"),
        (("outbox", "--again", "3", "--config", "schoolwatch.toml"), 66, "mail 3"),
        (("decide", "3", "wrong", "--config", "schoolwatch.toml"), 64, "--by"),
        (("decide", "3", "wrong", "--by", "one", "--config", "schoolwatch.toml"), 66, "case 3"),
        (("evaluate",), 64, "--decisions"),
        (("evaluate", "missing.csv"), 2, "missing.csv"),
        (("evaluate", "schoolwatch.toml"), 65, "--text"),
        (("once", "--items", "missing.jsonl", "--config", "schoolwatch.toml"), 66, "missing.jsonl"),
        (("check", "--offline", "--config", "missing.toml"), 78, "schoolwatch init"),
        (("model", "fetch", "nope"), 64, "detoxify-unbiased"),
        (("model", "fetch", "detoxify-original", "--from", "."), 66, "vocab.txt"),
        (("score", "--engine", "detoxify-original"), 70, "schoolwatch model fetch detoxify-original"),
        (("train", "--data", ".", "--out", "weights"), 65, "toxicity.csv.gz"),
        (("init", "schoolwatch.toml"), 1, "--force"),
        (("digest", "--week", "2026-W60", "--config", "schoolwatch.toml"), 64, "2026-W46"),
        (("digest", "--out", "no/where.html", "--config", "schoolwatch.toml"), 71, "no/where.html"),
        (("cases", "--school", "elsewhere", "--config", "schoolwatch.toml"), 64, "oakfield"),
    ],
)
def test_bad_input_gets_one_sentence_and_a_code(
    oakfield: Outside, arguments: tuple[str, ...], code: int, word: str
) -> None:
    done = oakfield.run(*arguments, stdin="a\n")
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_init_writes_an_example_that_passes_check_offline(oakfield: Outside) -> None:
    assert oakfield.run("init", "new/schoolwatch.toml").returncode == 0
    done = oakfield.run("check", "--offline", "--config", "new/schoolwatch.toml")
    assert (done.returncode, done.stderr) == (0, "")


def test_check_says_that_the_chosen_engines_model_was_not_fetched(oakfield: Outside) -> None:
    settings = oakfield.config.read_text(encoding="utf-8")
    oakfield.config.write_text(settings.replace('"embedded"', '"detoxify-unbiased"'), encoding="utf-8")
    done = oakfield.run("check", "--config", oakfield.config)
    assert done.returncode == 1
    assert "its model is absent; run: schoolwatch model fetch detoxify-unbiased" in done.stdout


def test_all_problems_of_the_settings_are_said_at_once_with_their_lines(oakfield: Outside) -> None:
    oakfield.settle('[[accounts]]\nname = "Page!"\nplatform = "feed"\nstaff = ["nobody"]\n')
    done = oakfield.run("check", "--offline", "--config", oakfield.config)
    assert done.returncode == 78
    assert len(done.stderr.splitlines()) >= 2
    assert all(line.startswith(f"{oakfield.config}:") for line in done.stderr.splitlines())


def test_a_connectors_own_options_are_checked_with_the_rest(oakfield: Outside) -> None:
    oakfield.settle('[[accounts]]\nname = "blog"\nplatform = "feed"\n[accounts.options]\nurll = "x"\n')
    done = oakfield.run("check", "--offline", "--config", oakfield.config)
    assert done.returncode == 78
    assert "accounts[0].options.url" in done.stderr


def test_a_new_account_without_two_staff_and_approval_is_refused(oakfield: Outside) -> None:
    items = oakfield.folder / "items"
    items.mkdir()
    account = f'[[accounts]]\nname = "page"\nplatform = "files"\n[accounts.options]\npaths = ["{items}"]\n'
    oakfield.settle(account)
    done = oakfield.run("once", "--config", oakfield.config)
    assert done.returncode == 78
    assert "page" in done.stderr
    approved = (
        'staff = ["one", "two"]\napproved_by = "The Head"\napproved_on = 2026-09-01\n[accounts.options]'
    )
    oakfield.settle(account.replace("[accounts.options]", approved))
    assert oakfield.run("once", "--config", oakfield.config).returncode == 0
    oakfield.settle(account)
    assert oakfield.run("once", "--config", oakfield.config).returncode == 0, "a running one is watched on"


def test_score_answers_each_line_as_it_comes(oakfield: Outside) -> None:
    command = Path(sys.executable).with_name("schoolwatch")
    with subprocess.Popen([str(command), "score"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as scoring:
        assert scoring.stdin is not None
        assert scoring.stdout is not None
        for text in ("Thank you!", "you stupid idiot"):
            scoring.stdin.write(f"{text}\n".encode())
            scoring.stdin.flush()
            answer = json.loads(scoring.stdout.readline())
            assert answer["text"] == text
            assert set(answer) == {
                "text",
                "scores",
                "categories",
                "severity",
                "flagged",
                "language",
                "unread",
            }
        assert answer["flagged"] is True


def test_score_takes_any_bytes_and_answers_every_line(oakfield: Outside) -> None:
    done = oakfield.run("score", stdin=b"\xff\xfe bad bytes\n\nlast without a break")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3


def test_evaluate_measures_a_labelled_file_and_names_what_is_wrong_in_it(oakfield: Outside) -> None:
    path = oakfield.folder / "some.csv"
    rows = ["text,label", "you stupid idiot,1", "lovely fair,0", "thank you all,no", "odd,perhaps"]
    path.write_text("\n".join(rows), encoding="utf-8")
    done = oakfield.run("evaluate", path, "--engine", "embedded-small", "--preset", "cautious")
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[0].startswith("some.csv: 3 texts judged by embedded-small ")
    assert said[0].endswith(", preset cautious; rows set aside: 1")
    assert said[1].startswith("  line 5: its label is neither 1, 0 nor empty")
    assert any(line.startswith("  harm: texts 3, so 1, AUC 1.000, ") for line in said)
    assert any(line.startswith("  quiet: harm caught ") for line in said)
    found = json.loads(oakfield.run("evaluate", path, "--engine", "embedded-small", "--json").stdout)
    assert (found["preset"], found["rows"], found["set_aside"]["number"]) == ("balanced", 3, 1)
    assert [one["preset"] for one in found["weeks"]] == ["cautious", "balanced", "quiet"]


def test_deadline_prints_one_object_a_line(oakfield: Outside) -> None:
    done = oakfield.run("deadline", "--json", "2026-11-20T18:00", "2026-07-10T23:30:00Z", "--nation", "NIR")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"received": "2026-11-20T18:00:00Z", "due_at": "2026-11-21T18:00:00Z", "reason": "24_hours"},
        {"received": "2026-07-10T23:30:00Z", "due_at": "2026-07-14T16:00:00Z", "reason": "weekend"},
    ]


def test_a_person_can_note_that_a_case_was_answered_elsewhere(oakfield: Outside) -> None:
    oakfield.once(oakfield.write("items.jsonl", {"external_id": "1", "text": "Is it Friday?"}))
    done = oakfield.run("cases", "--answered", "1", "--by", "one", "--config", oakfield.config)
    assert done.stdout == "case 1: answered\n"
    assert oakfield.cases()["1"]["open"] is False


def test_a_closed_pipe_is_no_fault(oakfield: Outside) -> None:
    command = f"{Path(sys.executable).with_name('schoolwatch')} deadline 2026-11-20T18:00 | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_in_a_terminal_the_tables_fit_and_progress_is_shown(oakfield: Outside) -> None:
    oakfield.once(oakfield.write("items.jsonl", {"external_id": "1", "text": "Is it Friday?"}))
    shown = in_a_terminal(oakfield, "cases")
    assert "1 open cases" in shown or "1 open case" in shown
    assert "Traceback" not in in_a_terminal(oakfield, "once")


def in_a_terminal(school: Outside, command: str) -> str:
    """What a person sees in a terminal of 80 columns."""
    read, write = pty.openpty()
    done = subprocess.Popen(
        [str(Path(sys.executable).with_name("schoolwatch")), command, "--config", str(school.config)],
        stdout=write,
        stderr=write,
        stdin=write,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(write)
    said = b""
    try:
        while chunk := os.read(read, 4096):
            said += chunk
    except OSError:
        pass  # the terminal is gone when the program has ended
    os.close(read)
    assert done.wait(60) == 0
    return said.decode("utf-8", "replace")
