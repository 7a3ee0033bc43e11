from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.judge import Thresholds, judge, score_guarded, suspects
from monitor.classifier.registry import thresholds_of
from monitor.classifier.standard import PRESETS, Standard, Step
from monitor.domain.verdict import Category, Severity

FILE = """
version = "7"
[balanced]
insult = [[0.6, "medium"], [0.9, "high"]]
disclosure = [[0.4, "urgent"]]
complaint = [[0.2, "low"]]
thanks = [[0.8, "none"]]
[quiet]
insult = [[0.95, "high"]]
"""
CALM = {"insult": 0.1, "disclosure": 0.1, "complaint": 0.1, "thanks": 0.1}
CALMER = dict.fromkeys(CALM, 0.01)


class FakeEngine:
    """Answers what it is told to; explains nothing."""

    name = "fake"
    version = "1"
    labels = tuple(CALM)

    def __init__(self, answer: Callable[[Sequence[str]], Any] = lambda texts: [CALM for _ in texts]) -> None:
        self._answer = answer
        self.calls = 0

    def score(self, texts: Sequence[str]) -> list[Scores]:
        self.calls += 1
        answer: list[Scores] = self._answer(texts)
        return answer


class ExplainingEngine(FakeEngine):
    """Gives five words for everything, or fails to."""

    def __init__(self, words: list[tuple[int, int, float]] | None) -> None:
        super().__init__()
        self._words = words

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        if self._words is None:
            raise RuntimeError("no reason")
        return self._words


@pytest.fixture
def thresholds(tmp_path: Path) -> Thresholds:
    path = tmp_path / "thresholds.toml"
    path.write_text(FILE, encoding="utf-8")
    return Thresholds.load(path)


def test_calm_scores_give_a_calm_verdict_with_versions(thresholds: Thresholds) -> None:
    verdict = judge(CALM, "hello", thresholds, FakeEngine())
    assert (verdict.severity, verdict.categories, verdict.spans) == (Severity.NONE, (), ())
    assert (verdict.engine, verdict.thresholds) == ("fake 1", "7 balanced")
    assert dict(verdict.scores) == CALM


def test_categories_come_worst_first_and_severity_is_the_highest(thresholds: Thresholds) -> None:
    scores = {**CALM, "complaint": 0.99, "insult": 0.7, "disclosure": 0.5}
    verdict = judge(scores, "text", thresholds, FakeEngine())
    assert verdict.categories == (Category.DISCLOSURE, Category.INSULT, Category.COMPLAINT)
    assert verdict.severity is Severity.URGENT


@pytest.mark.parametrize(
    ("score", "severity"),
    [(0.59, Severity.NONE), (0.6, Severity.MEDIUM), (0.89, Severity.MEDIUM), (0.9, Severity.HIGH)],
)
def test_a_higher_step_means_a_higher_severity(
    thresholds: Thresholds, score: float, severity: Severity
) -> None:
    assert judge({**CALM, "insult": score}, "text", thresholds, FakeEngine()).severity is severity


def test_confident_thanks_need_no_answer_and_are_not_flagged(thresholds: Thresholds) -> None:
    verdict = judge({**CALM, "thanks": 0.9}, "ta", thresholds, FakeEngine())
    assert verdict.needs_no_answer
    assert verdict.spans == ()


def test_thanks_that_also_complain_still_need_an_answer(thresholds: Thresholds) -> None:
    verdict = judge({**CALM, "thanks": 0.9, "complaint": 0.3}, "ta, but", thresholds, FakeEngine())
    assert verdict.categories == (Category.COMPLAINT,)
    assert not verdict.needs_no_answer


def test_three_words_at_most_explain_a_category(thresholds: Thresholds) -> None:
    engine = ExplainingEngine([(0, 1, 5.0), (2, 3, 4.0), (4, 5, 3.0), (6, 7, 2.0)])
    spans = judge({**CALM, "insult": 0.7}, "a b c d", thresholds, engine).spans
    assert [(span.start, span.end, span.category) for span in spans] == [
        (0, 1, Category.INSULT),
        (2, 3, Category.INSULT),
        (4, 5, Category.INSULT),
    ]


def test_a_word_that_weighs_little_beside_the_heaviest_is_no_reason(thresholds: Thresholds) -> None:
    engine = ExplainingEngine([(0, 1, 5.0), (2, 3, 1.0)])
    assert len(judge({**CALM, "insult": 0.7}, "a b c d", thresholds, engine).spans) == 1


def test_a_span_outside_the_text_is_dropped(thresholds: Thresholds) -> None:
    engine = ExplainingEngine([(-1, 2, 5.0), (3, 99, 4.0), (2, 2, 3.0)])
    assert judge({**CALM, "insult": 0.7}, "a b c d", thresholds, engine).spans == ()


def test_a_failing_explanation_does_not_cost_the_verdict(thresholds: Thresholds) -> None:
    verdict = judge({**CALM, "insult": 0.7}, "text", thresholds, ExplainingEngine(None))
    assert verdict.severity is Severity.MEDIUM
    assert verdict.spans == ()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.1, 1.1, "0.5", None, True])
def test_a_score_that_is_none_is_refused(thresholds: Thresholds, bad: Any) -> None:
    with pytest.raises(EngineError, match="score for insult"):
        judge({**CALM, "insult": bad}, "text", thresholds, FakeEngine())


def test_a_missing_label_is_refused(thresholds: Thresholds) -> None:
    with pytest.raises(EngineError, match="no score for thanks"):
        judge({label: 0.1 for label in CALM if label != "thanks"}, "text", thresholds, FakeEngine())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "version = 1",
        'version = "1"\n[quiet]\ninsult = [[0.5, "high"]]',
        'version = "1"\n[balanced]\nrudeness = [[0.5, "high"]]',
        'version = "1"\n[balanced]\ninsult = [[0.5, "awful"]]',
        'version = "1"\n[balanced]\ninsult = [[0.9, "high"], [0.5, "medium"]]',
        'version = "1"\n[balanced]\ninsult = [[nan, "high"]]',
        'version = "1"\n[balanced]\ninsult = []',
        "[[[",
    ],
)
def test_a_wrong_thresholds_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EngineError, match="the thresholds file"):
        Thresholds.load(path)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "path", sorted(thresholds_of("").parent.glob("*.thresholds.toml")), ids=lambda path: path.stem
)
def test_the_thresholds_of_the_program_have_every_preset(path: Path, preset: str) -> None:
    assert Thresholds.load(path, preset).name.endswith(f" {preset}")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_thresholds_of_the_program_name_every_harmful_category_as_flagged(preset: str) -> None:
    steps = Thresholds.load(thresholds_of("embedded-small"), preset).steps
    quiet = {Category.COMPLAINT, Category.QUERY, Category.SPAM, Category.THANKS, Category.UNDER_13}
    assert all(steps[category][0].severity <= Severity.LOW for category in quiet)
    assert all(
        pairs[0].severity >= Severity.MEDIUM for category, pairs in steps.items() if category not in quiet
    )
    assert steps[Category.DISCLOSURE][0].severity is Severity.URGENT


def test_a_preset_is_a_section_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(FILE, encoding="utf-8")
    quiet = Thresholds.load(path, "quiet")
    assert quiet.steps == {Category.INSULT: (Step(0.95, Severity.HIGH),)}
    assert judge({**CALM, "insult": 0.7}, "text", quiet, FakeEngine()).severity is Severity.NONE


def own(thresholds: Thresholds, **steps: float | tuple[tuple[float, Severity], ...]) -> Thresholds:
    """The thresholds under a school's own."""
    said = tuple(
        (
            Category(name),
            tuple(Step(*step) for step in value) if isinstance(value, tuple) else value,
        )
        for name, value in steps.items()
    )
    return thresholds.under(Standard(own=said))


def severities(thresholds: Thresholds, category: str, *scores: float) -> list[str]:
    return [
        str(judge({**CALM, category: score}, "text", thresholds, FakeEngine()).severity) for score in scores
    ]


def test_a_schools_number_moves_where_people_are_told(thresholds: Thresholds) -> None:
    assert severities(own(thresholds, insult=0.3), "insult", 0.29, 0.3, 0.89, 0.9) == [
        *("none", "medium", "medium", "high")
    ]
    assert severities(own(thresholds, insult=0.8), "insult", 0.79, 0.8, 0.9) == ["none", "medium", "high"]
    assert severities(own(thresholds, insult=0.95), "insult", 0.94, 0.95) == ["none", "high"]


def test_a_schools_number_makes_no_alarm_of_a_question(thresholds: Thresholds) -> None:
    assert severities(own(thresholds, complaint=0.5), "complaint", 0.49, 0.5) == ["none", "low"]
    assert severities(own(thresholds, thanks=0.5), "thanks", 0.9) == ["none"]


def test_a_schools_number_for_a_category_without_thresholds_tells_people(thresholds: Thresholds) -> None:
    engine = FakeEngine()
    verdict = judge({**CALM, "bullying": 0.6}, "text", own(thresholds, bullying=0.5), engine)
    assert (verdict.categories, verdict.severity) == ((Category.BULLYING,), Severity.MEDIUM)


def test_a_text_is_suspicious_from_a_sixth_of_the_odds_at_which_people_are_told(
    thresholds: Thresholds,
) -> None:
    # 0.6 are odds of 3 to 2; a sixth of it 1 to 4, which is 1 in 5.
    assert [suspects({**CALMER, "insult": score}, thresholds) for score in (0.199, 0.2)] == [False, True]
    assert suspects({**CALMER, "insult": 1.0}, thresholds)
    assert not suspects({**CALMER, "complaint": 0.9, "thanks": 0.9}, thresholds), "neither is harm"


def test_what_a_school_wants_to_hear_later_is_suspicious_later(thresholds: Thresholds) -> None:
    assert not suspects({**CALMER, "insult": 0.3}, own(thresholds, insult=0.9))
    off = thresholds.under(Standard(off=frozenset({Category.INSULT})))
    assert not suspects({**CALMER, "insult": 0.95}, off)


def test_a_schools_steps_take_the_presets_place(thresholds: Thresholds) -> None:
    steps = ((0.3, Severity.HIGH), (0.7, Severity.URGENT))
    assert severities(own(thresholds, insult=steps), "insult", 0.29, 0.3, 0.7) == ["none", "high", "urgent"]


def test_nothing_that_a_school_sets_makes_less_of_what_a_child_may_need(thresholds: Thresholds) -> None:
    assert severities(own(thresholds, disclosure=0.99), "disclosure", 0.39, 0.4) == ["none", "urgent"]
    steps = ((0.2, Severity.MEDIUM), (0.9, Severity.HIGH))
    changed = own(thresholds, disclosure=steps)
    assert severities(changed, "disclosure", 0.19, 0.2, 0.4, 0.95) == ["none", "medium", "urgent", "urgent"]
    off = thresholds.under(Standard(off=frozenset({Category.DISCLOSURE})))
    assert severities(off, "disclosure", 0.4) == ["urgent"]


def test_of_the_schools_own_words_only_what_is_unfit_or_gives_somebody_away_is_told(
    thresholds: Thresholds,
) -> None:
    by_school = thresholds.under(Standard(by_school=True))
    assert severities(by_school, "disclosure", 0.99) == ["none"]
    assert severities(by_school, "complaint", 0.99) == ["none"]
    assert severities(by_school, "insult", 0.59, 0.6, 0.9) == ["none", "medium", "high"]
    assert not suspects({**CALMER, "disclosure": 0.99}, by_school)
    assert by_school.name.endswith("by-school")


def test_of_the_schools_own_words_a_school_may_want_to_hear_less_still(thresholds: Thresholds) -> None:
    off = thresholds.under(Standard(by_school=True, off=frozenset({Category.INSULT})))
    assert severities(off, "insult", 0.99) == ["none"]


def test_a_category_that_is_off_is_not_told(thresholds: Thresholds) -> None:
    off = thresholds.under(Standard(off=frozenset({Category.INSULT})))
    engine = ExplainingEngine([(0, 1, 5.0)])
    verdict = judge({**CALM, "insult": 0.99, "disclosure": 0.5}, "text", off, engine)
    assert verdict.categories == (Category.DISCLOSURE,)
    assert {span.category for span in verdict.spans} == {Category.DISCLOSURE}


def test_thanks_with_a_complaint_that_is_off_still_need_an_answer(thresholds: Thresholds) -> None:
    off = thresholds.under(Standard(off=frozenset({Category.COMPLAINT})))
    verdict = judge({**CALM, "thanks": 0.9, "complaint": 0.3}, "ta, but", off, FakeEngine())
    assert verdict.categories == ()
    assert not verdict.needs_no_answer


def test_the_verdict_says_that_a_school_has_its_own_thresholds(thresholds: Thresholds) -> None:
    names = {thresholds.name, own(thresholds, insult=0.3).name, own(thresholds, insult=0.4).name}
    assert len(names) == 3
    assert all(name.startswith("7 balanced") for name in names)
    assert own(thresholds, insult=0.3).name == own(thresholds, insult=0.3).name
    assert thresholds.under(Standard(preset="balanced", allowed=("Grabham",))) is thresholds


def test_speaking_against_rude_words_lowers_them_and_nothing_else(thresholds: Thresholds) -> None:
    scores = {**CALM, "insult": 0.95, "disclosure": 0.5}
    verdict = judge(scores, "text", thresholds, FakeEngine(), against=True)
    assert verdict.severity is Severity.URGENT
    assert severities(thresholds, "insult", 0.95) == ["high"]
    verdict = judge({**CALM, "insult": 0.7}, "text", thresholds, FakeEngine(), against=True)
    assert (verdict.categories, verdict.severity) == ((Category.INSULT,), Severity.LOW)
    assert not verdict.flagged


def test_the_guard_hands_good_scores_through() -> None:
    assert score_guarded(FakeEngine(), ["a", "b"], 5) == [CALM, CALM]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "no list of scores"),
        ("ab", "no list of scores"),
        ([CALM], "1 scores for 2 texts"),
        ([CALM, 0.5], "no table of scores"),
        ([CALM, {**CALM, "insult": float("nan")}], "is no number"),
        ([CALM, {}], "no score for"),
    ],
)
def test_a_bad_answer_is_an_engine_error(answer: Any, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        score_guarded(FakeEngine(lambda _: answer), ["a", "b"], 5)


@pytest.mark.parametrize("failure", [ValueError("the words of a child"), MemoryError(), SystemExit(3)])
def test_an_engine_that_raises_is_an_engine_error_without_its_words(failure: BaseException) -> None:
    def fail(_: Sequence[str]) -> Any:
        raise failure

    with pytest.raises(EngineError) as caught:
        score_guarded(FakeEngine(fail), ["a"], 5)
    assert str(caught.value) == f"engine fake failed: {type(failure).__name__}"


@pytest.fixture
def hanging() -> Iterator[tuple[FakeEngine, threading.Event, threading.Event]]:
    release, ended = threading.Event(), threading.Event()

    def hang(texts: Sequence[str]) -> Any:
        release.wait(30)
        ended.set()
        return [CALM for _ in texts]

    yield FakeEngine(hang), release, ended
    release.set()


def test_an_engine_that_hangs_is_left_behind_and_not_called_again_meanwhile(
    hanging: tuple[FakeEngine, threading.Event, threading.Event],
) -> None:
    engine, release, ended = hanging
    with pytest.raises(EngineError, match="no answer within"):
        score_guarded(engine, ["a"], 0.01)
    with pytest.raises(EngineError, match="still hangs"):
        score_guarded(engine, ["a"], 5)
    assert engine.calls == 1
    left = [thread for thread in threading.enumerate() if thread.name == "engine fake"]
    assert all(thread.daemon for thread in left)
    release.set()
    for thread in left:
        thread.join(5)
    assert ended.is_set()
    assert score_guarded(engine, ["a"], 5) == [CALM]
