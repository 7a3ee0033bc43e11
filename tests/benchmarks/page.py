"""docs/performance.md's tables, written by the run that measured them."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.command import Backlog
from tests.benchmarks.race import DETOXIFY, Result
from tests.benchmarks.racer import THREADS

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- until here -->"

GOALS: Mapping[str, tuple[Mapping[int, float], float]] = {
    "embedded": ({24: 10, 128: 15}, 150),
    "embedded-small": ({24: 60}, 60),
}
"""Of an engine: how many times Detoxify's throughput by tokens, and its most memory in MB."""

_PACKAGES = ("onnxruntime", "tokenizers", "numpy", "torch", "transformers", "detoxify", "alt-profanity-check")


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything of one run. `first_answer_s` by engine; `store` items a second on SQLite and PostgreSQL."""

    engines: Mapping[str, Result]
    first_answer_s: Mapping[str, float]
    backlogs: Mapping[str, Backlog]
    store: tuple[float, float]


def tables(found: Measured) -> str:
    """Markdown: the ratios first, then what they came from."""
    lengths = sorted(next(iter(found.engines.values())).rate)
    lines = []
    base = next((name for name in DETOXIFY if name in found.engines), None)
    if base is not None:
        lines += _ratios(found.engines, lengths, base)
    lines += ["", f"Measured on {machine()}", ""]
    header = [*(f"comments/s at {n} tokens" for n in lengths), "loads in", "most memory"]
    lines += _head("engine", *header)
    for name, result in found.engines.items():
        rates = [
            f"{result.rate[n]:,.0f}" if result.rate[n] > 100 else f"{result.rate[n]:.1f}" for n in lengths
        ]
        lines.append(_row(name, *rates, f"{result.load_s:.1f} s", f"{result.peak_mb:.0f} MB"))
    lines += ["", *_head("`schoolwatch score`", "first answer", "backlog", "a second", "memory")]
    for name, seconds in found.first_answer_s.items():
        many = found.backlogs[name]
        memory = f"{many.early_mb:.0f} MB after a tenth, {many.late_mb:.0f} MB at the end, "
        memory += f"at most {many.peak_mb:.0f} MB"
        lines.append(
            _row(f"`--engine {name}`", f"{seconds:.2f} s", f"{many.comments:,}", f"{many.rate:,.0f}", memory)
        )
    sqlite, postgres = found.store
    small = found.engines["embedded-small"].rate
    lines += [
        "",
        f"From a file to cases and notices, without an engine: SQLite {sqlite:,.0f} items/s, PostgreSQL "
        f"{postgres:,.0f}; ratio {sqlite / postgres:.2f}. Scoring with embedded-small costs "
        f"{sqlite / small[min(small)]:.0%} of an item's time beside storing it on SQLite.",
    ]
    return "\n".join(lines).strip()


def missed(found: Measured) -> list[str]:
    """The goals that this run did not reach, a sentence each."""
    said = []
    for name, (times, most_mb) in GOALS.items():
        result = found.engines[name]
        for tokens, least in times.items():
            for other in DETOXIFY:
                if other in found.engines:
                    ratio = result.rate[tokens] / found.engines[other].rate[tokens]
                    if ratio < least:
                        said.append(
                            f"{name} is {ratio:.1f} times as fast as {other} at {tokens} tokens, not {least:g}"
                        )
        if result.peak_mb > most_mb:
            said.append(f"{name} held {result.peak_mb:.0f} MB, not {most_mb:g}")
    said += [
        f"the first answer of {name} came after {seconds:.2f} s, not 1"
        for name, seconds in found.first_answer_s.items()
        if seconds >= 1
    ]
    return said


def written(page: str, content: str) -> str:
    """The page with what stands between its marks replaced. Raises ValueError where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def machine() -> str:
    """The processor, its cores and the versions that were measured, as one sentence."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    facts = dict(
        line.split(":", 1) for line in told.split("\n\n")[0].replace("\t", "").splitlines() if ":" in line
    )
    vector = "AVX-512" if " avx512f" in facts.get("flags", "") else "no AVX-512"
    eight_bits = "VNNI" if "vnni" in facts.get("flags", "") else "no VNNI"
    cores = len(os.sched_getaffinity(0))
    processor = facts.get("model name", platform.machine()).strip()
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if _version(name))
    return (
        f"{processor} ({cores} cores, {vector}, {eight_bits}), {THREADS} threads an engine, "
        f"Python {platform.python_version()}, {packages}."
    )


def _ratios(engines: Mapping[str, Result], lengths: list[int], base: str) -> list[str]:
    lines = _head(f"times as fast as {base}", *(f"{n} tokens" for n in lengths), "memory beside it")
    for name, result in engines.items():
        ratios = [_ratio(result.rate[n] / engines[base].rate[n]) for n in lengths]
        lines.append(_row(name, *ratios, f"{result.peak_mb / engines[base].peak_mb:.2f}"))
    return lines


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|---" + "|---:" * (len(cells) - 1) + "|"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
