from __future__ import annotations

import random

import numpy as np
import pytest

from monitor.classifier.disguise import WAYS, disguised
from monitor.classifier.measures import balanced_accuracy, calibration_error, recall_at
from monitor.classifier.text import normalise, unmask


def test_balanced_accuracy_gives_both_kinds_the_same_weight() -> None:
    truth = np.array([1, 0, 0, 0])
    assert balanced_accuracy(truth, np.array([True, False, False, False])) == 1
    assert balanced_accuracy(truth, np.array([False, False, False, False])) == 0.5
    assert np.isnan(balanced_accuracy(np.array([1, 1]), np.array([True, True])))


def test_recall_is_counted_above_a_threshold_that_few_harmless_texts_reach() -> None:
    truth = np.array([0] * 100 + [1] * 4)
    scores = np.concatenate([np.arange(100) / 100, [0.97, 0.98, 0.985, 0.995]])
    assert recall_at(truth, scores, 0.01) == 0.5  # one of a hundred may be above: 0.98 is the bar
    assert recall_at(truth, scores, 0.0) == 0.25
    assert np.isnan(recall_at(np.array([1]), np.array([0.5]), 0.01))


def test_scores_that_are_as_often_right_as_they_say_have_no_calibration_error() -> None:
    truth = np.array([1, 0, 0, 0, 0] * 20)
    assert calibration_error(truth, np.full(100, 0.2)) == pytest.approx(0)
    assert calibration_error(truth, np.full(100, 1.0)) == pytest.approx(0.8)


@pytest.mark.parametrize("way", WAYS)
def test_a_disguise_changes_the_text_the_same_way_each_time(way: str) -> None:
    text = "nobody at this school wants anything from that person"
    first, again = (disguised(text, way, random.Random(0)) for _ in range(2))
    assert first == again != text


@pytest.mark.parametrize("way", [way for way in WAYS if way != "letters repeated"])
def test_the_second_view_of_a_text_takes_the_disguise_off(way: str) -> None:
    text = "horrid coward"
    assert unmask(normalise(disguised(text, way, random.Random(3)))) == text
