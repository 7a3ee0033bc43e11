"""`schoolwatch score` as people run it: how soon the first answer comes, and how a backlog is scored."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks.racer import peak_mb

_COMMAND = str(Path(sys.executable).with_name("schoolwatch"))


@dataclass(frozen=True, slots=True)
class Backlog:
    """Of many comments: a second, and MB held after a tenth and at the end, and at most."""

    comments: int
    rate: float
    early_mb: float
    late_mb: float
    peak_mb: float


def first_answer(engine: str, runs: int) -> float:
    """Seconds from the start of the command to its first answer, the median of `runs`."""
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        with _scoring(engine, subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"Thank you all for a lovely day\n")
            process.stdin.flush()
            process.stdout.readline()
            found.append(time.perf_counter() - began)
            process.stdin.close()
    return median(found)


def backlog(engine: str, comments: Sequence[str], path: Path, told: Callable[[int], None]) -> Backlog:
    """Score a file of comments, one a line; `told` hears how many are done."""
    path.write_text("\n".join(comments) + "\n", encoding="utf-8")
    early = late = peak = 0.0
    began = time.perf_counter()
    with path.open("rb") as source, _scoring(engine, source.fileno()) as process:
        assert process.stdout is not None
        for number, _ in enumerate(process.stdout, start=1):
            # The last one is looked at while the process still writes: afterwards there is nothing to look at.
            if number in (len(comments) // 10, len(comments) - 1):
                early, late = early or peak_mb(process.pid, "VmRSS"), peak_mb(process.pid, "VmRSS")
                peak = peak_mb(process.pid)
            if number % 64 == 0:
                told(number)
        spent = time.perf_counter() - began
    return Backlog(len(comments), len(comments) / spent, early, late, peak)


def _scoring(engine: str, source: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [_COMMAND, "score", "--engine", engine],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
