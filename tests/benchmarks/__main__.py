"""`make bench`: how fast things are beside each other, measured in one run, and written into docs/performance.md.

Figures depend on the machine; the ratios do not, much. `--quick` measures little and writes nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import page
from tests.benchmarks.command import backlog, first_answer
from tests.benchmarks.detoxify_sizes import texts, write
from tests.benchmarks.race import DETOXIFY, entrants, race
from tests.benchmarks.store import on_both

LENGTHS = {24: 512, 128: 512}
"""Tokens of a comment, and how many different ones there are."""

Told = Callable[[str], None]


def measure(told: Told, folder: Path, *, quick: bool) -> page.Measured:
    """Everything, the engines first. `told` hears what is being done."""
    names = [name for name in entrants() if not quick or name not in DETOXIFY]
    for name in DETOXIFY:
        if name in names:
            told(f"{name}: random weights")
            write(name, folder)
    comments = {tokens: texts(tokens, count) for tokens, count in LENGTHS.items()}
    turns, seconds = (1, 0.1) if quick else (3, 4.0)
    engines = race(names, comments, folder, turns, seconds, told)
    many = texts(24, 200 if quick else 20_000)
    answers, backlogs = {}, {}
    for name in page.GOALS:
        told(f"{name}: first answer")
        answers[name] = first_answer(name, 1 if quick else 7)
        path = folder / "backlog.txt"
        backlogs[name] = backlog(name, many, path, lambda done, name=name: told(f"{name}: backlog, {done:,}"))
    told("store and decide")
    return page.Measured(engines, answers, backlogs, on_both(100 if quick else 1_000, folder))


def main(*, quick: bool) -> None:
    """Measure, print, and write the page."""
    with tempfile.TemporaryDirectory() as folder, _told() as told:
        found = measure(told, Path(folder), quick=quick)
    content = page.tables(found)
    print(content)
    absent = [name for name in (*DETOXIFY, "alt-profanity-check") if name not in found.engines]
    if absent:
        print(f"\nnot measured: {', '.join(absent)}")
    for sentence in page.missed(found):
        print(f"goal missed: {sentence}")
    if not quick and not absent:
        page.PAGE.write_text(page.written(page.PAGE.read_text(encoding="utf-8"), content), encoding="utf-8")


@contextmanager
def _told() -> Iterator[Told]:
    """What is being done: a moving line in a terminal, lines on standard error elsewhere."""
    if not sys.stderr.isatty():
        said: set[str] = set()

        def line(words: str) -> None:
            what = words.partition(",")[0]
            if what not in said:
                said.add(what)
                print(what, file=sys.stderr, flush=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("begins", total=None)
        yield lambda words: bar.update(task, description=words)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
