"""Thresholds chosen from scores of texts that the heads had not seen.

Categories of one kind share one threshold: with a few dozen lines a category, a threshold of its own would fit
chance. Among all combinations whose false alarms stay within the budget, the one that misses least is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitor.classifier.corpus import Line
from monitor.classifier.learn import Array
from monitor.domain.verdict import SAFEGUARDING, Severity

BUDGET = 0.038
"""Share of harmless school lines that may be flagged; on lines not chosen by, about one in a hundred more are."""

_PUBLIC_RATE = 0.01  # share of harmless public comments that one public head may flag
_KINDS: dict[str, tuple[str, ...]] = {
    "told": ("disclosure", "grooming"),
    "worried": ("self_harm", "concern"),
    "named": ("allegation", "data_breach"),
    "picked on": ("bullying", "sexual"),
    "threat": ("threat",),
    "identity": ("identity_attack",),
    "insult": ("insult",),
}
_SEVERITY = {"told": "urgent", "worried": "urgent", "insult": "medium"}  # the others: high
_SWEARING = {"severe_toxicity": "high", "obscene": "medium", "toxicity": "medium"}
_STEPS_UP = {"threat": "urgent", "insult": "high"}
_QUIET = {"complaint": ("low", 0.05), "query": ("low", 0.05), "media": ("low", 0.02)}
_CONFIDENT = {"thanks": 0.01, "spam": 0.005}

Table = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Choice:
    """`steps`: category to ascending (threshold, severity); `rates`: what they do to the unseen texts."""

    steps: dict[str, list[tuple[float, str]]]
    rates: dict[str, float]


def choose(
    lines: Sequence[Line], scores: Sequence[Mapping[str, float]], company: Sequence[Mapping[str, float]]
) -> Choice:
    """Thresholds from unseen scores of the school lines and of harmless public comments (`company`)."""
    table = {name: np.array([score[name] for score in scores]) for name in scores[0]}
    public = {name: np.array([score[name] for score in company]) for name in scores[0]}
    harm = np.array([line.harm for line in lines])
    steps: dict[str, list[tuple[float, str]]] = {}
    for name, severity in _SWEARING.items():
        floor = max(_quantile(public[name], _PUBLIC_RATE), _quantile(table[name][~harm], _PUBLIC_RATE))
        steps[name] = [(floor, severity)]
    for kind, threshold in _search(lines, table, public, steps).items():
        for name in _KINDS[kind]:
            steps[name] = [(threshold, _SEVERITY.get(kind, "high"))]
    for name, severity in _STEPS_UP.items():
        sure = max(
            _quantile(np.concatenate((table[name][~harm], public[name])), 0.002), (1 + steps[name][0][0]) / 2
        )
        steps[name].append((round(min(sure, 0.995), 3), severity))
    for name, (severity, rate) in _QUIET.items():
        others = np.array([line.category != name for line in lines])
        steps[name] = [(_quantile(table[name][others], rate), severity)]
    for name, rate in _CONFIDENT.items():
        others = np.array([line.category != name for line in lines])
        steps[name] = [(_quantile(table[name][others], rate), "none")]
    return Choice(steps, _rates(lines, table, public, steps))


def as_toml(choice: Choice, engine_version: str) -> str:
    """The thresholds file. Its version is the engine's, for the scores' meaning hangs on the weights."""
    rows = [
        "# Written by monitor/classifier/train.py. category = [[threshold, severity], ...], ascending.",
        "# thanks and spam: from here on confident enough to need no answer.",
        f'version = "{engine_version}.1"',
        "",
        "[steps]",
    ]
    for name in sorted(choice.steps):
        pairs = ", ".join(f'[{threshold:.3f}, "{severity}"]' for threshold, severity in choice.steps[name])
        rows.append(f"{name} = [{pairs}]")
    return "\n".join(rows) + "\n"


def _search(
    lines: Sequence[Line], table: Table, public: Table, given: Mapping[str, list[tuple[float, str]]]
) -> dict[str, float]:
    """One threshold a kind: two kinds at a time over a grid, until nothing gets better."""
    harm = np.array([line.harm for line in lines])
    worth = np.array([_worth(line) for line in lines])
    already = _over(table, given)
    allowed = int(BUDGET * int((~harm).sum()))
    over: dict[str, dict[float, Array]] = {}
    for kind, names in _KINDS.items():
        floor = max(_quantile(public[name], _PUBLIC_RATE) for name in names)
        top = np.max([table[name] for name in names], axis=0)
        levels = [round(float(level), 3) for level in np.arange(0.2, 0.99, 0.02) if level > floor]
        over[kind] = {level: top >= level for level in (*levels, round(max(floor, 0.99), 3))}

    def gain(flagged: Array) -> float:
        return float(worth[flagged & harm].sum()) if int((flagged & ~harm).sum()) <= allowed else -1.0

    chosen = {kind: max(levels) for kind, levels in over.items()}
    best = -1.0
    for _ in range(3):
        for one, other in combinations(_KINDS, 2):
            rest = already.copy()
            for kind in _KINDS.keys() - {one, other}:
                rest |= over[kind][chosen[kind]]
            for first, by_first in over[one].items():
                for second, by_second in over[other].items():
                    found = gain(rest | by_first | by_second)
                    if found > best:
                        best, chosen = found, {**chosen, one: first, other: second}
    return chosen


def _worth(line: Line) -> float:
    if line.severity is Severity.URGENT or line.category in SAFEGUARDING:
        return 3.0
    return {Severity.HIGH: 2.0, Severity.MEDIUM: 1.0}.get(line.severity, 0.5)


def _over(table: Table, steps: Mapping[str, list[tuple[float, str]]]) -> Array:
    found = np.zeros(next(iter(table.values())).size, dtype=np.bool_)
    for name, pairs in steps.items():
        for threshold, severity in pairs:
            if Severity.parse(severity) >= Severity.MEDIUM:
                found |= table[name] >= threshold
    return found


def _rates(
    lines: Sequence[Line], table: Table, public: Table, steps: Mapping[str, list[tuple[float, str]]]
) -> dict[str, float]:
    flagged = _over(table, steps)
    harm = np.array([line.harm for line in lines])
    urgent = np.array([line.severity is Severity.URGENT for line in lines])
    guarded = np.array([line.category in SAFEGUARDING for line in lines])

    def share(of: Array) -> float:
        return round(float(flagged[of].mean()), 4) if of.any() else float("nan")

    return {
        "caught": share(harm),
        "urgent_caught": share(urgent),
        "safeguarding_caught": share(guarded),
        "harmless_flagged": share(~harm),
        "public_flagged": round(float(_over(public, steps).mean()), 4),
    }


def _quantile(scores: Array, above: float) -> float:
    """A threshold that this share of the scores reaches."""
    return round(min(float(np.quantile(scores, 1 - above)) + 0.0005, 0.999), 3) if scores.size else 0.999
