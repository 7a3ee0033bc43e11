from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from monitor.classifier import stages
from monitor.classifier.choose import BUDGETS, choose
from monitor.classifier.corpus import Corpus, Line
from monitor.classifier.embedded_small import EmbeddedSmall
from monitor.classifier.heads import PUBLIC_HEADS, SCHOOL_HEADS
from monitor.classifier.judge import Thresholds
from monitor.classifier.learn import calibrate, sigmoid
from monitor.classifier.measures import auc
from monitor.classifier.standard import PRESETS
from monitor.classifier.train import TrainError, train
from monitor.domain.verdict import Category, Severity


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def test_the_same_data_give_the_same_bytes(small: None, data: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(data, tmp_path / name, examples=data / "lines.jsonl", small=True)
    for name in ("embedded_small.npz", "embedded_small.thresholds.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert set(Corpus.read(data, data / "lines.jsonl").hashes) == {
        "toxicity.csv.gz",
        "identity_templates.csv.gz",
        "lines.jsonl",
    }


def test_another_seed_gives_other_weights_and_what_was_trained_can_be_loaded(
    small: None, data: Path, tmp_path: Path
) -> None:
    steps: list[tuple[str, int, int]] = []
    examples = data / "lines.jsonl"
    (first,) = train(
        data, tmp_path / "a", examples=examples, small=True, progress=lambda *told: steps.append(told)
    )
    (other,) = train(data, tmp_path / "b", examples=examples, small=True, seed=1)
    assert first.version != other.version
    assert steps[0] == ("reading", 1, 1)
    assert steps[-1] == ("embedded-small: thresholds", 1, 1)
    engine = EmbeddedSmall(tmp_path / "a" / "embedded_small.npz")
    assert engine.version == first.version
    path = tmp_path / "a" / "embedded_small.thresholds.toml"
    assert {Thresholds.load(path, preset).version for preset in PRESETS} == {f"{first.version}.1"}
    apple, pear = engine.score(["apple number 7 in the basket", "pear number 8 in the basket"])
    assert apple["toxicity"] > pear["toxicity"]
    assert first.auc["toxicity"] > 0.9


def test_a_missing_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="there is no data folder"):
        train(tmp_path / "none", tmp_path / "out")


@pytest.mark.parametrize("name", ["toxicity.csv.gz", "identity_templates.csv.gz", "lines.jsonl"])
def test_a_missing_or_broken_file_is_refused_by_name(data: Path, tmp_path: Path, name: str) -> None:
    for spoil in (lambda: (data / name).write_bytes(b"\x1f\x8b broken"), (data / name).unlink):
        spoil()
        with pytest.raises(TrainError, match=name):
            train(data, tmp_path / "out", examples=data / "lines.jsonl")
    assert not (tmp_path / "out").exists()


def test_a_missing_column_is_refused(data: Path, tmp_path: Path) -> None:
    _write(data / "toxicity.csv.gz", ["text", "split"], [["hello", "dev"]])
    with pytest.raises(TrainError, match="no column"):
        train(data, tmp_path / "out", examples=data / "lines.jsonl")


def test_a_label_that_is_no_number_is_refused(data: Path, tmp_path: Path) -> None:
    _write(data / "toxicity.csv.gz", ["text", *PUBLIC_HEADS, "split"], [["hello", *["yes"] * 6, "dev"]])
    with pytest.raises(TrainError, match="neither 1, 0 nor empty"):
        train(data, tmp_path / "out", examples=data / "lines.jsonl")


def test_examples_without_a_kind_of_harm_are_refused(data: Path, tmp_path: Path) -> None:
    (data / "lines.jsonl").write_text(
        '{"text": "x", "harm": true, "category": "threat", "severity": "high"}', encoding="utf-8"
    )
    with pytest.raises(TrainError, match="no line for: adult_at_risk"):
        train(data, tmp_path / "out", examples=data / "lines.jsonl")


def test_a_folder_of_examples_is_read_whole_and_each_file_counts(
    small: None, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    lines = (data / "lines.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "a.jsonl").write_text("\n".join(lines[::2]), encoding="utf-8")
    (folder / "b.jsonl").write_text("\n".join(lines[1::2]), encoding="utf-8")
    corpus = Corpus.read(data, folder)
    assert len(corpus.lines) == len(lines)
    assert set(corpus.hashes) == {"toxicity.csv.gz", "identity_templates.csv.gz", "a.jsonl", "b.jsonl"}


def test_spam_and_a_child_too_young_are_no_harm_that_people_hear_of(data: Path) -> None:
    rows = [
        {"text": "x", "harm": True, "category": category, "severity": "low"}
        for category in ("spam", "under_13", "insult")
    ]
    (data / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert [line.harm for line in Corpus.read(data, data / "lines.jsonl").lines] == [False, False, True]


def test_lines_of_one_scenario_are_left_out_together() -> None:
    groups = [f"story {number // 3}" for number in range(300)]
    folds = stages.folds(groups, 5, seed=0)
    assert all(len(set(folds[start : start + 3])) == 1 for start in range(0, 300, 3))
    assert set(folds) == set(range(5))


def _line(category: str, harm: bool, severity: str = "none", scenario: str = "") -> Line:
    return Line("x", harm, Category(category), Severity.parse(severity), scenario or category)


def test_thanks_are_taken_only_as_far_as_questions_keep_their_deadline() -> None:
    chance = np.random.default_rng(0)
    lines = [_line("thanks", False)] * 200 + [_line("query", False)] * 400
    base = dict.fromkeys([*SCHOOL_HEADS[:-1], *PUBLIC_HEADS], 0.001)
    scores = [
        {**base, "thanks": float(chance.uniform(0.3, 1)), "query": float(chance.uniform(0, 0.3))}
        for _ in range(200)
    ]
    scores += [
        {**base, "thanks": float(chance.uniform(0, 0.7)), "query": float(chance.uniform(0.1, 1))}
        for _ in range(400)
    ]
    steps = choose(lines, scores, [base] * 10, BUDGETS["balanced"]).steps

    def taken(score: dict[str, float]) -> bool:
        return score["thanks"] >= steps["thanks"][0][0] and score["query"] < steps["query"][0][0]

    assert sum(map(taken, scores[200:])) <= 0.012 * 400
    assert sum(map(taken, scores[:200])) > 100


def test_false_alarms_stay_within_the_budget_and_serious_ones_are_fewer() -> None:
    chance = np.random.default_rng(0)
    names = [*SCHOOL_HEADS[:-1], *PUBLIC_HEADS]
    lines = [_line("query", False)] * 1000 + [_line("bullying", True, "high")] * 300
    scores = [dict(zip(names, map(float, chance.random(len(names)) ** 8 / 2), strict=True)) for _ in lines]
    for score in scores[1000:]:
        score["bullying"] = max(score["bullying"], float(chance.random()))
    caught = []
    for budget in BUDGETS.values():
        found = choose(lines, scores, scores[:500], budget)
        assert found.rates["harmless_flagged"] <= budget.alarms
        assert found.rates["harmless_serious"] <= budget.serious
        caught.append(found.rates["caught"])
    assert caught == sorted(caught, reverse=True)
    assert caught[-1] > 0.05


def test_a_harmless_twin_in_the_words_of_a_harmful_line_does_not_count_as_a_false_alarm() -> None:
    base = dict.fromkeys([*SCHOOL_HEADS[:-1], *PUBLIC_HEADS], 0.001)
    lines = [_line("query", False)] * 200 + [_line("threat", True, "high", "car")] * 20
    twins = [_line("query", False, scenario="car")] * 20
    scores = [base] * 200 + [{**base, "threat": 0.6}] * 40
    found = choose([*lines, *twins], scores, [base] * 10, BUDGETS["quiet"]).rates
    assert (found["caught"], found["harmless_flagged"], found["twins_flagged"]) == (1, 0, 1)
    strangers = [_line("query", False, scenario="bus")] * 20
    assert choose([*lines, *strangers], scores, [base] * 10, BUDGETS["quiet"]).rates["caught"] == 0


def test_calibration_finds_the_slope_it_was_made_with() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(20_000, 1)) * 2
    truth = (chance.random(20_000) < sigmoid(1.5 * logits[:, 0] - 1)).astype(float)
    slope, offset = calibrate(logits, truth, np.ones(20_000))
    assert slope == pytest.approx(1.5, abs=0.1)
    assert offset == pytest.approx(-1, abs=0.1)


def test_the_area_counts_ties_as_half() -> None:
    assert auc(np.array([0, 1]), np.array([0.1, 0.9])) == 1
    assert auc(np.array([0, 1, 0, 1]), np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert np.isnan(auc(np.array([1, 1]), np.array([0.1, 0.2])))
