"""One engine in a process of its own: loads it, then scores as long as it is told to.

    python -m tests.benchmarks.racer NAME FOLDER

On standard input one JSON object a line, {"texts": [...], "seconds": s}; answered by {"texts": n, "seconds": s}, after
{"load_s": s}. When the input ends, {"peak_mb": m}: the most memory that the process ever held.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

THREADS = 2

Score = Callable[[Sequence[str]], object]


def main(name: str, folder: Path) -> None:
    """Answer until the input ends."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    began = time.perf_counter()
    score = _LOAD.get(name, _own)(name, folder)
    say({"load_s": time.perf_counter() - began})
    for line in sys.stdin:
        asked = json.loads(line)
        done, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < asked["seconds"]:
            score(asked["texts"])
            done += len(asked["texts"])
        say({"texts": done, "seconds": spent})
    say({"peak_mb": peak_mb("self")})


def say(answer: dict[str, float]) -> None:
    """One line to the one who asks."""
    print(json.dumps(answer), flush=True)


def peak_mb(process: int | str, key: str = "VmHWM") -> float:
    """The most memory that a process ever held, in MB; with VmRSS what it holds now."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024 / 1e6


def _own(name: str, _folder: Path) -> Score:
    from monitor.classifier.registry import load

    return load(name).score


def _profanity_check(_name: str, _folder: Path) -> Score:
    from profanity_check import predict_prob

    return predict_prob  # type: ignore[no-any-return]


def _detoxify(name: str, folder: Path) -> Score:
    import torch

    from tests.benchmarks.detoxify_sizes import opened, plain

    torch.set_num_threads(THREADS)
    engine = opened(name, folder)
    return lambda texts: plain(engine, texts)


_LOAD: dict[str, Callable[[str, Path], Score]] = {
    "alt-profanity-check": _profanity_check,
    "detoxify-original": _detoxify,
    "detoxify-unbiased": _detoxify,
}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
