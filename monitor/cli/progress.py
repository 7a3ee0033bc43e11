"""Progress of long work: bars in a terminal, a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress

_QUIET_S = 30.0  # between two lines about one stage, where nobody watches a bar


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """What to call with (stage, done, of) while the work goes on."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID

    with Progress(console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def heard(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=of)
            bar.update(tasks[stage], completed=done, total=of)

        yield heard


def _lines() -> Callable[[str, int, int], None]:
    last: dict[str, float] = {}

    def heard(stage: str, done: int, of: int) -> None:
        now = time.monotonic()
        if done == of or now - last.get(stage, -_QUIET_S) >= _QUIET_S:
            last[stage] = now
            click.echo(f"{stage}: {done} of {of}", err=True)

    return heard


@contextmanager
def comments(
    size: int | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, int], None]]:
    """What to call with (comments, bytes) for each batch that was judged. `size`: of all, in bytes, if it is known.

    A bar stands only where the answers go elsewhere: written into a terminal, they show how far it is themselves.
    """
    if not sys.stderr.isatty():
        yield _comment_lines(size, clock)
        return
    if sys.stdout.isatty():
        yield lambda _comments, _bytes: None
        return
    bar = _bar()
    with bar:
        task = bar.add_task("", total=size, comments=0, rate=0)
        began, judged = clock(), 0

        def heard(comments: int, read: int) -> None:
            nonlocal judged
            judged += comments
            rate = judged / max(clock() - began, 1e-3)
            bar.update(task, advance=read, comments=judged, rate=round(rate))

        yield heard


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    said = TextColumn("{task.fields[comments]:,} comments, {task.fields[rate]:,} a second")
    return Progress(
        said, BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )


def _comment_lines(size: int | None, clock: Callable[[], float]) -> Callable[[int, int], None]:
    began = last = clock()
    judged = done = 0

    def heard(comments: int, read: int) -> None:
        nonlocal last, judged, done
        judged, done = judged + comments, done + read
        now = clock()
        if now - last >= _QUIET_S:
            last = now
            share = f", {done / size:.0%} of all" if size else ""
            click.echo(f"{judged:,} comments judged{share}; {judged / (now - began):,.0f} a second", err=True)

    return heard
