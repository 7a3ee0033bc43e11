"""How well an engine judges labelled texts: scores against labels, and what a school would be told against them.

The texts pass through a batch at a time; of each only its scores and labels stay, a few bytes a label.
"""

from __future__ import annotations

import random
from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from monitor.classifier.bench import Bench
from monitor.classifier.disguise import WAYS, disguised
from monitor.classifier.engine import Engine, EngineError, Scores
from monitor.classifier.labelled import Labelled, LabelledFile
from monitor.classifier.measures import auc, balanced_accuracy, calibration_error, recall_at
from monitor.classifier.registry import thresholds
from monitor.classifier.standard import PRESETS, Standard
from monitor.domain.verdict import Severity, Verdict

ITEMS_A_WEEK, HARMFUL_SHARE = 100, 0.01
"""The page whose alarms a week are reckoned."""

FALSE_POSITIVES = 0.01
HARM = "harm"
"""The name of the file's one label in the report."""

BATCH = 64
_LIMIT_S = 600.0  # for one batch of very long texts on a small machine
_PROBE = "Thank you for a lovely afternoon."


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label: of `rows` texts with that label known, `positive` are so. NaN where a figure needs both kinds, or
    the engine has no threshold for it. `recall`: at FALSE_POSITIVES. Balanced accuracy is of what is told, rules
    and all; the others are of scores."""

    label: str
    rows: int
    positive: int
    auc: float
    balanced_accuracy: float
    recall: float
    calibration_error: float


@dataclass(slots=True)
class Share:
    """How many of how many."""

    right: int = 0
    of: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.of += 1

    @property
    def share(self) -> float:
        """NaN of none."""
        return self.right / self.of if self.of else float("nan")


@dataclass(frozen=True, slots=True)
class Group:
    """A function or a target of a functional test. `kept`: its harmless texts that were not flagged."""

    right: Share = field(default_factory=Share)
    kept: Share = field(default_factory=Share)


@dataclass(frozen=True, slots=True)
class Week:
    """What a page with ITEMS_A_WEEK items hears under a preset, if its harmful and harmless items are judged as
    these are. `serious`: false alarms, high or urgent."""

    preset: str
    caught: float
    alarms: float
    false: float
    serious: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of one file. `clean`: of the harmless texts that name a group of people, those not flagged.
    `caught`: harmful written lines flagged, by category and (`urgent`) of those that are urgent. `disguises`: way to
    the rightly flagged texts that stay flagged in it."""

    engine: str
    preset: str
    rows: int
    set_aside: int
    set_aside_first: Sequence[str]
    labels: Sequence[LabelFigures]
    functions: Mapping[str, Group]
    targets: Mapping[str, Group]
    clean: Share
    caught: Mapping[str, Share]
    urgent: Share
    weeks: Sequence[Week]
    disguises: Mapping[str, Share]


class Unexplained:
    """An engine without reasons, which cost more than the scores, that remembers the scores it last gave: several
    presets judge by the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last: tuple[list[str], list[Scores]] = ([], [])

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def version(self) -> str:
        return self._engine.version

    @property
    def labels(self) -> tuple[str, ...]:
        return self._engine.labels

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """One Scores a text, in order."""
        asked = list(texts)
        if self._last[0] != asked:
            self._last = (asked, self._engine.score(asked))
        return list(self._last[1])


@dataclass(slots=True)
class _Column:
    """One label's truths and scores, and whether people would be told."""

    truth: array[int] = field(default_factory=lambda: array("b"))
    scores: array[float] = field(default_factory=lambda: array("d"))
    told: array[int] = field(default_factory=lambda: array("b"))

    def add(self, truth: bool, score: float, told: bool) -> None:
        self.truth.append(truth)
        self.scores.append(score)
        self.told.append(told)

    def figures(self, label: str, *, has_threshold: bool) -> LabelFigures:
        truth, scores = np.array(self.truth, dtype=np.float64), np.array(self.scores, dtype=np.float64)
        told = np.array(self.told, dtype=bool)
        return LabelFigures(
            label,
            truth.size,
            int(truth.sum()),
            auc(truth, scores),
            balanced_accuracy(truth, told) if has_threshold else float("nan"),
            recall_at(truth, scores, FALSE_POSITIVES),
            calibration_error(truth, scores),
        )


@dataclass(slots=True)
class _Preset:
    """What one preset makes of harmful and of harmless texts."""

    caught: Share = field(default_factory=Share)
    false: Share = field(default_factory=Share)
    serious: Share = field(default_factory=Share)

    def week(self, preset: str) -> Week:
        harmful = ITEMS_A_WEEK * HARMFUL_SHARE
        harmless = ITEMS_A_WEEK - harmful
        false = harmless * self.false.share
        return Week(
            preset,
            self.caught.share,
            harmful * self.caught.share + false,
            false,
            harmless * self.serious.share,
        )


class Evaluation:
    """Judges the texts of one file by a school's standard, and sums up. `disguise`: in every disguise too."""

    def __init__(self, engine: Engine, file: LabelledFile, standard: Standard, *, disguise: bool) -> None:
        self._engine = Unexplained(engine)
        self._bench = Bench(self._engine, _LIMIT_S)
        self._file = file
        self._standard = standard
        self._disguise = disguise
        self._chance = random.Random(0)  # noqa: S311  a draw that has to be the same each time
        self._rows = 0
        self._columns: dict[str, _Column] = defaultdict(_Column)
        self._functions: dict[str, Group] = defaultdict(Group)
        self._targets: dict[str, Group] = defaultdict(Group)
        self._clean = Share()
        self._caught: dict[str, Share] = defaultdict(Share)
        self._urgent = Share()
        self._presets = {preset: _Preset() for preset in PRESETS}
        self._ways = {way: Share() for way in WAYS} if disguise else {}

    def run(self, heard: Callable[[int], None] = lambda _: None) -> Report:
        """Read the file to its end; `heard` gets the number of bytes read so far. Raises EngineError where the
        engine fails on everything, LabelledError where the file breaks off."""
        for batch in self._file.batches(BATCH):
            for one, verdicts in self._judged(batch):
                self._count(one, verdicts)
            heard(self._file.read())
        return self._report()

    def _judged(self, batch: Sequence[Labelled]) -> list[tuple[Labelled, Mapping[str, Verdict]]]:
        """Each text with its verdict by preset. A text on which the engine fails is set aside."""
        try:
            return list(zip(batch, self._verdicts([one.text for one in batch]), strict=True))
        except EngineError:
            self._bench([_PROBE])  # raises where it is the engine, not a text
        found = []
        for one in batch:
            try:
                found.append((one, self._verdicts([one.text])[0]))
            except EngineError as err:
                self._file.aside.add(one.line, str(err))
        return found

    def _verdicts(self, texts: Sequence[str]) -> list[Mapping[str, Verdict]]:
        wanted = PRESETS if self._file.columns.harm else (self._standard.preset,)
        by_preset = {preset: self._bench(texts, replace(self._standard, preset=preset)) for preset in wanted}
        return [{preset: verdicts[at] for preset, verdicts in by_preset.items()} for at in range(len(texts))]

    def _count(self, one: Labelled, verdicts: Mapping[str, Verdict]) -> None:
        verdict = verdicts[self._standard.preset]
        self._rows += 1
        told = set(verdict.categories)
        for label, truth in one.truth.items():
            if label in verdict.scores:
                self._columns[label].add(truth, verdict.scores[label], label in told)
        if one.harm is not None:
            self._count_harm(one, one.harm, verdicts, verdict)
        if (
            self._disguise
            and verdict.flagged
            and (one.harm or (one.harm is None and any(one.truth.values())))
        ):
            self._count_disguises(one.text)

    def _count_harm(
        self, one: Labelled, harm: bool, verdicts: Mapping[str, Verdict], verdict: Verdict
    ) -> None:
        score = max((verdict.scores[label] for label in self._file.columns.harm_labels), default=0.0)
        self._columns[HARM].add(harm, score, verdict.flagged)
        for preset, said in verdicts.items():
            sums = self._presets[preset]
            if harm:
                sums.caught.add(said.flagged)
            else:
                sums.false.add(said.flagged)
                sums.serious.add(said.severity >= Severity.HIGH)
        groups = [(self._functions, one.function), (self._targets, one.target)]
        for group in [table[name] for table, name in groups if name is not None]:
            group.right.add(verdict.flagged == harm)
            if not harm:
                group.kept.add(not verdict.flagged)
        if one.target is not None and not harm:
            self._clean.add(not verdict.flagged)
        if harm and one.category is not None:
            self._caught[one.category.value].add(verdict.flagged)
        if harm and one.severity is Severity.URGENT:
            self._urgent.add(verdict.flagged)

    def _count_disguises(self, text: str) -> None:
        views = {way: disguised(text, way, self._chance) for way in WAYS}
        changed = {way: view for way, view in views.items() if view != text}
        try:
            verdicts = self._bench(list(changed.values()), self._standard)
        except EngineError:
            return
        for way, verdict in zip(changed, verdicts, strict=True):
            self._ways[way].add(verdict.flagged)

    def _report(self) -> Report:
        steps = thresholds(self._engine.name, self._standard.preset).under(self._standard).steps
        names = {category.value for category in steps} | {HARM}
        # The one label last: it sums up.
        columns = sorted(self._columns.items(), key=lambda pair: (pair[0] == HARM, pair[0]))
        return Report(
            engine=f"{self._engine.name} {self._engine.version}",
            preset=self._standard.preset,
            rows=self._rows,
            set_aside=self._file.aside.number,
            set_aside_first=tuple(self._file.aside.first),
            labels=[column.figures(label, has_threshold=label in names) for label, column in columns],
            functions=dict(sorted(self._functions.items())),
            targets=dict(sorted(self._targets.items())),
            clean=self._clean,
            caught=dict(sorted(self._caught.items())),
            urgent=self._urgent,
            weeks=_weeks(self._presets),
            disguises=self._ways,
        )


def _weeks(presets: Mapping[str, _Preset]) -> list[Week]:
    """Only where both kinds were there to reckon with."""
    return [sums.week(name) for name, sums in presets.items() if sums.caught.of and sums.false.of]
