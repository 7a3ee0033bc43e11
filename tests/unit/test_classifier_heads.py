from __future__ import annotations

import numpy as np
import pytest

from monitor.classifier.fits import Logits, fitted
from monitor.classifier.heads import HARM, HARMFUL, PUBLIC_HEADS, SCHOOL_HEADS, Fit
from monitor.domain.verdict import Category


def test_every_head_but_the_one_that_only_asks_for_harm_is_a_category() -> None:
    assert {Category(head) for head in {*PUBLIC_HEADS, *SCHOOL_HEADS} - {HARM}}
    assert set(HARMFUL) < set(SCHOOL_HEADS)


def _one_source(harm: float, weapon: float, grooming: float) -> dict[str, float]:
    school = ("weapon", "grooming", "thanks", HARM)
    rows = np.array([[1.0, 0.0, 0.0]] * 4)
    fit = Fit(("toxicity",), school, np.array([[1.0, 0.0, 0.0, 0.0]]), rows)
    (row,) = fit.probabilities([np.array([[0.0]])], [np.array([[weapon, grooming, 0.0, harm]])]).tolist()
    return dict(zip(fit.labels, row, strict=True))


def test_the_best_fitting_kind_of_harm_gets_all_of_its_probability_and_others_their_share() -> None:
    scores = _one_source(harm=2.0, weapon=0.0, grooming=-2.0)
    assert scores["weapon"] == pytest.approx(0.880797)
    assert scores["grooming"] == pytest.approx(0.880797 * 0.119203 / 0.5, abs=1e-5)
    assert scores["thanks"] == scores["toxicity"] == 0.5
    assert HARM not in scores


def test_what_two_models_say_is_weighed_by_how_right_each_is() -> None:
    chance = np.random.default_rng(0)
    number = 4000
    truth = (chance.random((number, len(SCHOOL_HEADS))) < 0.3).astype(np.float64)
    public_truth = (chance.random((number, len(PUBLIC_HEADS))) < 0.3).astype(np.float64)
    knows = Logits(public_truth * 4 - 2, truth * 4 - 2)
    noise = Logits(chance.normal(size=public_truth.shape), chance.normal(size=truth.shape))
    knows = Logits(knows.public + noise.public * 0.5, knows.school + noise.school * 0.5)
    guesses = Logits(chance.normal(size=public_truth.shape), chance.normal(size=truth.shape))
    fit = fitted([knows, guesses], truth, public_truth, np.ones(truth.shape))
    assert fit.school.shape == (len(SCHOOL_HEADS), 5)
    assert fit.public.shape == (len(PUBLIC_HEADS), 7)
    assert (fit.school[:, 0] > 10 * np.abs(fit.school[:, 1])).all()
    assert (fit.public[:, 0] > 5 * np.abs(fit.public[:, 1])).all()


def test_a_label_that_nobody_knows_of_a_text_is_left_out_of_the_fit() -> None:
    chance = np.random.default_rng(1)
    truth = (chance.random((500, len(SCHOOL_HEADS))) < 0.5).astype(np.float64)
    public_truth = (chance.random((500, len(PUBLIC_HEADS))) < 0.5).astype(np.float64)
    logits = Logits(public_truth * 2 - 1, truth * 2 - 1)
    known = fitted([logits], truth, public_truth, np.ones(truth.shape))
    truth[0], public_truth[0] = np.nan, np.nan
    holed = fitted([logits], truth, public_truth, np.ones(truth.shape))
    assert np.isfinite(holed.school).all()
    assert np.allclose(known.school, holed.school, atol=0.2)
