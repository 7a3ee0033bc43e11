"""Engines beside each other on the same comments: each in a process of its own, taking turns, so that what else the
machine does meets all alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.racer import THREADS

DETOXIFY = ("detoxify-original", "detoxify-unbiased")
AT_ONCE = {
    "embedded-small": 512,
    "embedded": 128,
    "alt-profanity-check": 512,
    "detoxify-original": 32,
    "detoxify-unbiased": 32,
}
"""Engines, and how many comments each gets at once: as many as it makes good use of."""

_NEEDS = {
    "alt-profanity-check": "profanity_check",
    "detoxify-original": "detoxify",
    "detoxify-unbiased": "detoxify",
}


@dataclass(frozen=True, slots=True)
class Result:
    """Of one engine: comments a second by their length in tokens, seconds to load, most memory in MB."""

    rate: dict[int, float]
    load_s: float
    peak_mb: float


def entrants() -> list[str]:
    """The engines that are installed."""
    return [name for name in AT_ONCE if name not in _NEEDS or find_spec(_NEEDS[name])]


def race(
    names: Sequence[str],
    comments: dict[int, list[str]],
    folder: Path,
    turns: int,
    seconds: float,
    told: Callable[[str], None],
) -> dict[str, Result]:
    """Every engine on every length, `turns` times about `seconds`; the median turn counts. `told` hears what runs."""
    rates: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        racers = {}
        for name in names:
            told(f"{name} loads")
            racers[name] = stack.enter_context(_racer(name, folder))
        for turn in range(-1, turns):  # the first one warms up
            for tokens, texts in comments.items():
                for name, racer in racers.items():
                    told(f"{name}, {tokens} tokens")
                    given = texts[: AT_ONCE[name]] if turn >= 0 else texts[:32]
                    answer = racer.ask({"texts": given, "seconds": seconds if turn >= 0 else 0.01})
                    if turn >= 0:
                        rates.setdefault((name, tokens), []).append(answer["texts"] / answer["seconds"])
        return {
            name: Result(
                {tokens: median(rates[name, tokens]) for tokens in comments}, racer.load_s, racer.end()
            )
            for name, racer in racers.items()
        }


class _Racer:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.load_s: float = self._heard()["load_s"]

    def ask(self, question: dict[str, Any]) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._heard()

    def end(self) -> float:
        """Its most memory, in MB."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._heard()["peak_mb"]

    def _heard(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self._process.args!r} ended; see its own words above")
        answer: dict[str, float] = json.loads(line)
        return answer


@contextmanager
def _racer(name: str, folder: Path) -> Iterator[_Racer]:
    # Two threads for everybody, for those too who ask the environment.
    environ = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "tests.benchmarks.racer", name, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:
        try:
            yield _Racer(process)
        finally:
            process.kill()
