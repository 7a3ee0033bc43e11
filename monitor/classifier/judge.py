"""From scores to a verdict: thresholds, categories, severity, and the words that weighed most.

Pure, but for `score_guarded`, which runs an engine under a time limit.
"""

from __future__ import annotations

import hashlib
import math
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from monitor.classifier.allowed import POLITE
from monitor.classifier.engine import Engine, EngineError, Scores
from monitor.classifier.quoting import lowered
from monitor.classifier.standard import (
    ALWAYS_ON,
    DEFAULT_PRESET,
    TOLD_OF_THE_SCHOOL,
    Levels,
    Standard,
    Step,
    merged,
)
from monitor.domain.verdict import Category, Severity, Span, Verdict

SPANS_A_CATEGORY = 3

_WEIGHTY = 0.3  # a word is a reason if it weighs this much of the heaviest: not every "you" beside an insult

_SUSPICION = 6  # odds this many times lower than those at which people are told make a text suspicious

_ASKING = {Category.QUERY, Category.COMPLAINT}
_HARMLESS = _ASKING | {Category.MEDIA, Category.SPAM, Category.THANKS}


@runtime_checkable
class Explains(Protocol):
    """What an engine may offer beside the port: why a text has a label."""

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        """Words as (start, end, weight), heaviest first; start and end count characters of the text."""
        ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One preset of an engine's versioned thresholds: each category's steps, ascending.

    `own`: what marks those that a school changed, "" for the file's. `off`: found, and not told.
    """

    version: str
    preset: str
    steps: Levels
    off: frozenset[Category] = frozenset()
    own: str = ""

    @classmethod
    def load(cls, path: Path, preset: str = DEFAULT_PRESET) -> Thresholds:
        """Read one preset of a thresholds file. Raises EngineError."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            steps = {
                Category(name): tuple(Step(float(at), Severity.parse(word)) for at, word in pairs)
                for name, pairs in content[preset].items()
            }
            found = cls(str(content["version"]), preset, MappingProxyType(steps))
        except (OSError, KeyError, ValueError, TypeError, AttributeError) as err:
            raise EngineError(f"the thresholds file {path} cannot be used: {err}") from err
        for category, pairs in steps.items():
            reached = [step.threshold for step in pairs]
            if not pairs or reached != sorted(reached) or not all(0 < at <= 1 for at in reached):
                raise EngineError(f"the thresholds file {path} needs ascending thresholds for {category}")
        return found

    @property
    def name(self) -> str:
        """What a verdict remembers: version, preset, and a mark if a school changed something."""
        return " ".join(part for part in (self.version, self.preset, self.own) if part)

    def above(self, others: Thresholds) -> Thresholds:
        """These, and the others' for the categories that have none here: for two engines beside each other."""
        return replace(
            self,
            version=f"{self.version}+{others.version}",
            steps=MappingProxyType({**others.steps, **self.steps}),
        )

    def under(self, standard: Standard) -> Thresholds:
        """These with a school's own above them; of words by the school what TOLD_OF_THE_SCHOOL leaves."""
        given = self._under(standard) if standard.own or standard.off else self
        if not standard.by_school:
            return given
        own = " ".join(part for part in (given.own, "by-school") if part)
        return replace(given, off=given.off | (frozenset(Category) - TOLD_OF_THE_SCHOOL), own=own)

    def _under(self, standard: Standard) -> Thresholds:
        steps = dict(self.steps)
        for category, own in standard.own:
            steps[category] = merged(steps.get(category, ()), own, category)
        said = repr((standard.own, sorted(standard.off)))
        mark = f"own-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        return replace(self, steps=MappingProxyType(steps), off=standard.off - ALWAYS_ON, own=mark)


def judge(
    scores: Scores,
    text: str,
    thresholds: Thresholds,
    engine: Engine,
    *,
    polite: str | None = None,
    against: bool = False,
) -> Verdict:
    """The verdict on one text from its scores. Raises EngineError on scores that are none.

    `text` as it was scored; `polite` the same length, as it was scored for POLITE, where that differs. `against`:
    it speaks against rude words or quotes them (quoting.py), so they weigh one severity less.
    """
    check(scores, engine.labels)
    over: list[tuple[Severity, float, Category]] = []
    for category, steps in thresholds.steps.items():
        score = scores.get(category.value, 0.0)
        reached = [step.severity for step in steps if score >= step.threshold]
        if reached:
            severity = lowered(reached[-1], category) if against else reached[-1]
            over.append((severity, score, category))
    if {category for _, _, category in over} & _ASKING:
        # Thanks take an item's deadline away; not when it also asks something.
        over = [one for one in over if one[2] is not Category.THANKS]
    over = [one for one in over if one[2] not in thresholds.off]
    over.sort(key=lambda one: (-one[0], -one[1], one[2]))
    return Verdict(
        scores=MappingProxyType(dict(scores)),
        categories=tuple(category for _, _, category in over),
        spans=tuple(
            span
            for severity, _, category in over
            if severity > Severity.NONE
            for span in _spans(engine, polite if polite and category in POLITE else text, category)
        ),
        severity=over[0][0] if over else Severity.NONE,
        engine=f"{engine.name} {engine.version}",
        thresholds=thresholds.name,
    )


def suspects(scores: Scores, thresholds: Thresholds) -> bool:
    """Does the engine half think that the text is harm, though it may not say so? Of scores that were checked."""
    return any(
        _odds(scores.get(category.value, 0.0)) * _SUSPICION >= _odds(step.threshold)
        for category, steps in thresholds.steps.items()
        if category not in thresholds.off and category not in _HARMLESS
        for step in steps
        if step.severity >= Severity.MEDIUM
    )


def _odds(probability: float) -> float:
    return probability / (1 - probability) if probability < 1 else math.inf


def check(scores: Scores, labels: Sequence[str]) -> None:
    """Raises EngineError, in one sentence, unless there is a probability for every label."""
    for label in labels:
        if label not in scores:
            raise EngineError(f"the engine gave no score for {label}")
    for label, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise EngineError(f"the engine's score for {label} is no number: {score!r}")
        if not 0 <= score <= 1:
            raise EngineError(f"the engine's score for {label} is not between 0 and 1: {score!r}")


def _spans(engine: Engine, text: str, category: Category) -> list[Span]:
    """The words that weighed most; none where the engine cannot tell, for the verdict stands without them."""
    if not isinstance(engine, Explains):
        return []
    try:
        words = engine.explain(text, category.value)[:SPANS_A_CATEGORY]
    except Exception:  # noqa: BLE001  an engine may be anybody's; a reason that fails must not cost the verdict
        return []
    least = _WEIGHTY * words[0][2] if words else 0.0
    return [
        Span(start, end, category)
        for start, end, weight in words
        if weight >= least and 0 <= start < end <= len(text)
    ]


class _Run(threading.Thread):
    """One call of an engine. A daemon: a hung engine must not keep the process from ending."""

    def __init__(self, engine: Engine, texts: Sequence[str]) -> None:
        super().__init__(name=f"engine {engine.name}", daemon=True)
        self._engine = engine
        self._texts = texts
        self.answer: Sequence[Scores] | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._engine.score(self._texts)
        except BaseException as err:  # noqa: BLE001  the caller's thread raises it as an EngineError
            self.failure = err


_hung: dict[int, _Run] = {}
_hung_lock = threading.Lock()


def score_guarded(engine: Engine, texts: Sequence[str], time_limit_s: float) -> list[Scores]:
    """The engine's scores, checked; anything else is an EngineError of one sentence.

    The engine runs in a thread of its own for at most `time_limit_s` seconds. A call that hangs is left behind,
    and while it hangs the same engine is not called again.
    """
    key = id(engine)  # a hung run holds its engine, so the number is not given to another meanwhile
    with _hung_lock:
        left_behind = _hung.get(key)
        if left_behind is not None and left_behind.is_alive():
            raise EngineError(f"engine {engine.name} still hangs on an earlier call")
        _hung.pop(key, None)
        run = _Run(engine, list(texts))
        run.start()
    run.join(time_limit_s)
    if run.is_alive():
        with _hung_lock:
            _hung[key] = run
        raise EngineError(f"engine {engine.name} gave no answer within {time_limit_s:g} seconds")
    if run.failure is not None:
        raise _as_engine_error(engine, run.failure) from run.failure
    return _checked(engine, run.answer, len(texts))


def _as_engine_error(engine: Engine, failure: BaseException) -> EngineError:
    if isinstance(failure, EngineError):
        return EngineError(str(failure))
    # Only the kind: an engine's message may quote the text it failed on, and this sentence goes into logs.
    return EngineError(f"engine {engine.name} failed: {type(failure).__name__}")


def _checked(engine: Engine, answer: Sequence[Scores] | None, texts: int) -> list[Scores]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise EngineError(f"engine {engine.name} answered no list of scores")
    if len(answer) != texts:
        raise EngineError(f"engine {engine.name} gave {len(answer)} scores for {texts} texts")
    for scores in answer:
        if not isinstance(scores, Mapping):
            raise EngineError(f"engine {engine.name} answered no table of scores")
        check(scores, engine.labels)
    return list(answer)
