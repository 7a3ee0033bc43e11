"""Thresholds chosen from scores of texts that the heads had not seen.

Categories of one kind share one threshold: with a few dozen lines a category, a threshold of its own would fit
chance. Among all combinations whose false alarms stay within the budget, the one that misses least is taken: first
for what is serious (high, urgent or safeguarding), then, with the rest of the budget, for what is medium.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from monitor.classifier.corpus import Line
from monitor.classifier.tables import Array
from monitor.domain.verdict import SAFEGUARDING, Category, Severity


@dataclass(frozen=True, slots=True)
class Budget:
    """What a preset puts up with, of harmless lines that are nobody's twin. They are harder than a page all the same:
    many complaints are furious. A harmful line's twin, in nearly its words, is there to teach; people write none.

    `alarms`: share of them that may be flagged (on lines not chosen by, about one in a hundred more are); `serious`:
    of these, the share that may be taken for something serious; `public`: how far the share of harmless public
    comments that a head may flag is widened.
    """

    alarms: float
    serious: float
    public: float


BUDGETS: Mapping[str, Budget] = {
    "cautious": Budget(0.09, 0.055, 3.0),
    "balanced": Budget(0.05, 0.025, 2.5),
    "quiet": Budget(0.03, 0.016, 1.0),
}

# Share of harmless public comments that one head may flag. More for rudeness, which is everywhere in public
# quarrels and not always annotated, and for personal data, which they are full of.
_PUBLIC_RATE = {"insult": 0.03, "toxicity": 0.02, "data_breach": 0.016}
_PUBLIC_RATE_OTHERS = 0.008
_KINDS: dict[str, tuple[str, ...]] = {
    "told": ("disclosure",),
    "gone": ("missing_child",),
    "lured": ("grooming",),
    "traded": ("sextortion", "exploitation"),
    "despair": ("self_harm",),
    "worried": ("concern",),
    "worried too": ("neglect", "adult_at_risk", "radicalisation"),
    "accused": ("allegation",),
    "leaked": ("data_breach",),
    "posing": ("impersonation", "copyright"),
    "picked on": ("bullying", "sexual", "sexual_explicit"),
    "threat": ("threat",),
    "armed": ("weapon",),
    "identity": ("identity_attack",),
    "insult": ("insult",),
    "swearing": ("obscene",),
    "venom": ("severe_toxicity",),
    "tone": ("toxicity",),
}
# What a kind's threshold means. Kinds that are not safeguarding may have a lower one too, which means medium.
_URGENT = ("told", "gone", "lured", "traded", "despair", "worried", "worried too")
_HIGH = ("accused", "leaked", "posing", "picked on", "threat", "armed", "identity", "venom")
_MEDIUM = (*_HIGH[:-1], "insult", "swearing", "tone")
_SERIOUS = {**dict.fromkeys(_URGENT, "urgent"), **dict.fromkeys(_HIGH, "high")}
_STEPS_UP = {"threat": "urgent", "weapon": "urgent", "insult": "high"}
_MEDIA = ("medium", 0.003)
_UNDER_13 = ("low", 0.005)
_ASKING = ("complaint", "query")
_UNASKED_AS_ASKING = (0.02, 0.03, 0.05, 0.08)  # shares of thanks that asking may take; the best is kept
_LOST = 0.012  # share of questions, complaints and harm that thanks may take a deadline from
_SPAM = 0.004

Table = Mapping[str, Array]
Steps = dict[str, list[tuple[float, str]]]


@dataclass(frozen=True, slots=True)
class Choice:
    """`steps`: category to ascending (threshold, severity); `rates`: what they do to the unseen texts."""

    steps: Steps
    rates: dict[str, float]


def choose(
    lines: Sequence[Line],
    scores: Sequence[Mapping[str, float]],
    company: Sequence[Mapping[str, float]],
    budget: Budget,
) -> Choice:
    """Thresholds from unseen scores of the school lines and of harmless public comments (`company`)."""
    table = {name: np.array([score[name] for score in scores]) for name in scores[0]}
    public = {name: np.array([score[name] for score in company]) for name in scores[0]}
    calm = _likely(lines)
    steps: Steps = {"media": [(_rarely(lines, table, "media", _MEDIA[1]), _MEDIA[0])]}
    steps["under_13"] = [(_rarely(lines, table, "under_13", _UNDER_13[1]), _UNDER_13[0])]
    serious = _search(lines, table, public, steps, tuple(_SERIOUS), budget.serious, budget.public)
    for kind, threshold in serious.items():
        for name in _KINDS[kind]:
            steps[name] = [(threshold, _SERIOUS[kind])]
    for kind, threshold in _search(
        lines, table, public, steps, _MEDIUM, budget.alarms, budget.public
    ).items():
        for name in _KINDS[kind]:
            above = steps.get(name, [])
            if not above or threshold < above[0][0]:
                steps[name] = [(threshold, "medium"), *above]
    for name, severity in _STEPS_UP.items():
        sure = max(
            _quantile(np.concatenate((table[name][calm], public[name])), 0.002),
            (1 + steps[name][-1][0]) / 2,
        )
        steps[name].append((round(min(sure, 0.995), 3), severity))
    steps["spam"] = [(_rarely(lines, table, "spam", _SPAM), "none")]
    steps.update(_thanks(lines, table))
    return Choice(steps, _rates(lines, table, public, steps))


def by_category(
    lines: Sequence[Line], scores: Sequence[Mapping[str, float]], choice: Choice
) -> dict[str, tuple[float, int]]:
    """Of each harmful category's lines: the share that is flagged, as whatever, and how many there are."""
    table = {name: np.array([score[name] for score in scores]) for name in scores[0]}
    flagged = _over(table, choice.steps)
    kind = np.array([line.category or "" if line.harm else "" for line in lines])
    return {
        str(name): (float(flagged[kind == name].mean()), int((kind == name).sum()))
        for name in np.unique(kind)
        if name
    }


def as_toml(choices: Mapping[str, Choice], engine_version: str) -> str:
    """The thresholds file: a table for each preset. Its version is the engine's, for what a score means hangs on the
    weights."""
    rows = [
        "# Written by `schoolwatch train`. category = [[threshold, severity], ...], ascending.",
        "# thanks and spam: from here on confident enough to need no answer.",
        f'version = "{engine_version}.1"',
    ]
    for preset, choice in choices.items():
        rows += ["", f"[{preset}]"]
        for name in sorted(choice.steps):
            pairs = ", ".join(
                f'[{threshold:.3f}, "{severity}"]' for threshold, severity in choice.steps[name]
            )
            rows.append(f"{name} = [{pairs}]")
    return "\n".join(rows) + "\n"


def _search(
    lines: Sequence[Line],
    table: Table,
    public: Table,
    given: Mapping[str, list[tuple[float, str]]],
    kinds: Sequence[str],
    budget: float,
    widened: float,
) -> dict[str, float]:
    """One threshold a kind: the best bargains first, then two kinds at a time, until nothing gets better."""
    harm = np.array([line.harm for line in lines])
    calm = _likely(lines)
    worth = np.array([_worth(line) for line in lines]) * harm
    already = _over(table, given)
    allowed = int(budget * int(calm.sum()))
    over: dict[str, dict[float, Array]] = {}
    for kind in kinds:
        names = _KINDS[kind]
        floor = max(
            _quantile(public[name], widened * _PUBLIC_RATE.get(name, _PUBLIC_RATE_OTHERS)) for name in names
        )
        top = np.max([table[name] for name in names], axis=0)
        levels = [round(float(level), 3) for level in np.arange(0.1, 0.99, 0.02) if level > floor]
        over[kind] = {level: top >= level for level in (*levels, round(max(floor, 0.99), 3))}

    def gain(flagged: Array) -> float:
        return float(worth @ flagged) if np.count_nonzero(flagged & calm) <= allowed else -1.0

    chosen = _greedy(over, worth, calm, already, allowed)
    best = -1.0
    for _ in range(3):
        before = best
        for one, other in combinations(kinds, 2):
            rest = already.copy()
            for kind in set(kinds) - {one, other}:
                rest |= over[kind][chosen[kind]]
            for first, by_first in over[one].items():
                both = rest | by_first
                for second, by_second in over[other].items():
                    found = gain(both | by_second)
                    if found > best:
                        best, chosen = found, {**chosen, one: first, other: second}
        if best == before:
            break
    return chosen


def _greedy(
    over: Mapping[str, Mapping[float, Array]], worth: Array, calm: Array, already: Array, allowed: int
) -> dict[str, float]:
    """Lower one threshold after the other, each time where most is caught for a false alarm."""
    chosen = {kind: max(levels) for kind, levels in over.items()}
    flagged = already.copy()
    for kind, level in chosen.items():
        flagged = flagged | over[kind][level]
    while True:
        best = (0.0, "", 0.0)
        alarms = np.count_nonzero(flagged & calm)
        for kind, levels in over.items():
            for level, those in levels.items():
                more = those & ~flagged
                cost = np.count_nonzero(more & calm)
                bargain = float(worth @ more) / (cost + 0.5)
                if level < chosen[kind] and alarms + cost <= allowed and bargain > best[0]:
                    best = (bargain, kind, level)
        if not best[1]:
            return chosen
        chosen[best[1]] = best[2]
        flagged = flagged | over[best[1]][best[2]]


def _thanks(lines: Sequence[Line], table: Table) -> Steps:
    """Thresholds of thanks and of what wins over them, together: as many thanks as possible, few of others."""
    kind = np.array([line.category or "" for line in lines])
    thanks = kind == "thanks"
    asks = np.isin(kind, _ASKING)
    owed = asks | np.array([line.harm for line in lines])
    levels = np.unique(np.round(np.quantile(table["thanks"], np.arange(0.5, 1, 0.002)), 3))
    levels = levels[(levels > 0) & (levels < 1)]
    best: tuple[float, float, dict[str, float]] = (-1.0, 0.999, dict.fromkeys(_ASKING, 0.999))
    for rate in _UNASKED_AS_ASKING:
        asking = {name: _quantile(table[name][thanks], rate) for name in _ASKING}
        won = np.any([table[name] >= threshold for name, threshold in asking.items()], axis=0)
        for level in levels:
            taken = (table["thanks"] >= level) & ~won
            if taken[asks].sum() <= _LOST * asks.sum() and taken[owed].sum() <= _LOST * owed.sum():
                found = float(taken[thanks].mean()) if thanks.any() else 0.0
                if found > best[0]:
                    best = (found, float(level), asking)
    _, level, asking = best
    return {"thanks": [(level, "none")], **{name: [(asking[name], "low")] for name in _ASKING}}


def _calm(line: Line) -> bool:
    """Is nobody to be told of the line?"""
    return not line.harm and line.category not in (Category.MEDIA, Category.UNDER_13)


def _likely(lines: Sequence[Line]) -> Array:
    """Which lines nobody is to be told of, and are no twin of a harmful one."""
    harmful = {line.scenario for line in lines if line.harm}
    return np.array([_calm(line) and line.scenario not in harmful for line in lines])


def _worth(line: Line) -> float:
    if line.severity is Severity.URGENT or line.category in SAFEGUARDING:
        return 3.0
    if line.category is Category.INSULT:  # few among the lines, the most frequent by far among people
        return 2.0
    return {Severity.HIGH: 2.0, Severity.MEDIUM: 1.0}.get(line.severity, 0.5)


def _over(
    table: Table, steps: Mapping[str, list[tuple[float, str]]], least: Severity = Severity.MEDIUM
) -> Array:
    found = np.zeros(next(iter(table.values())).size, dtype=np.bool_)
    for name, pairs in steps.items():
        for threshold, severity in pairs:
            if Severity.parse(severity) >= least:
                found |= table[name] >= threshold
    return found


def _rates(
    lines: Sequence[Line], table: Table, public: Table, steps: Mapping[str, list[tuple[float, str]]]
) -> dict[str, float]:
    flagged = _over(table, steps)
    harm = np.array([line.harm for line in lines])
    likely = _likely(lines)
    twins = np.array([_calm(line) for line in lines]) & ~likely
    urgent = np.array([line.severity is Severity.URGENT for line in lines])
    guarded = np.array([line.category in SAFEGUARDING for line in lines])

    def share(of: Array) -> float:
        return round(float(flagged[of].mean()), 4) if of.any() else float("nan")

    return {
        "caught": share(harm),
        "urgent_caught": share(urgent),
        "safeguarding_caught": share(guarded),
        "harmless_flagged": share(likely),
        "harmless_serious": round(float(_over(table, steps, Severity.HIGH)[likely].mean()), 4),
        "twins_flagged": share(twins),
        "public_flagged": round(float(_over(public, steps).mean()), 4),
    }


def _rarely(lines: Sequence[Line], table: Table, name: str, rate: float) -> float:
    """A threshold that this share of the lines of other categories reaches."""
    return _quantile(table[name][np.array([line.category != name for line in lines])], rate)


def _quantile(scores: Array, above: float) -> float:
    """A threshold that this share of the scores reaches."""
    return round(min(float(np.quantile(scores, 1 - above)) + 0.0005, 0.999), 3) if scores.size else 0.999
