from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.classifier import registry
from monitor.classifier.embedded_small import EmbeddedSmall
from monitor.classifier.engine import Engine, EngineError
from monitor.classifier.judge import Thresholds, judge
from monitor.domain.verdict import Category, Severity

TEXTS = [
    "",
    "You are an idiot",
    "What time does the gate open tomorrow?",
    "Thank you for a lovely afternoon!",
    "Diolch yn fawr iawn i bawb",
    "👏👏👏",
    "half a \ud83d pair",
    "long " * 2000,
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return registry.load("embedded-small")


def test_labels_are_categories_and_the_keys_of_every_score(engine: Engine) -> None:
    assert {Category(label) for label in engine.labels}
    assert all(tuple(scores) == engine.labels for scores in engine.score(TEXTS))


def test_every_score_is_a_probability(engine: Engine) -> None:
    assert all(0 <= score <= 1 for scores in engine.score(TEXTS) for score in scores.values())


def test_no_texts_give_no_scores(engine: Engine) -> None:
    assert engine.score([]) == []


def test_a_text_scores_the_same_in_any_company_and_order(engine: Engine) -> None:
    together = engine.score(TEXTS)
    assert together == [engine.score([text])[0] for text in TEXTS]
    assert together == engine.score(TEXTS[::-1])[::-1]
    assert together == (engine.score(TEXTS * 50))[: len(TEXTS)]


@pytest.mark.parametrize("masked", ["i d i o t", "1d10t", "іdіоt", "I.D.I.O.T", "idioooooot"])
def test_a_disguised_insult_scores_at_least_as_the_plain_one(engine: Engine, masked: str) -> None:
    plain, other = engine.score(["you are an idiot", f"you are an {masked}"])
    assert other["insult"] >= plain["insult"] > 0.5


def test_an_insult_at_the_end_of_a_long_text_is_not_diluted(engine: Engine) -> None:
    short, long = engine.score(["you are an idiot", "the choir sang well. " * 5000 + "you are an idiot"])
    assert long["insult"] > 0.8 * short["insult"]


def test_thanks_with_a_long_complaint_after_them_are_no_thanks(engine: Engine) -> None:
    complaint = "The bus was late again and nobody in the office answers the phone or my emails. " * 6
    thanks, both = engine.score(["Thank you for a lovely day!", "Thank you for a lovely day! " + complaint])
    assert both["thanks"] < thanks["thanks"] / 2


def test_a_child_that_tells_is_urgent_and_thanks_are_not(engine: Engine) -> None:
    thresholds = Thresholds.load(registry.thresholds_of("embedded-small"))
    told, thanked = (
        "my dad hits me when he is drunk and im scared to go home",
        "Thank you for a lovely afternoon!",
    )
    first, second = (
        judge(scores, text, thresholds, engine)
        for scores, text in zip(engine.score([told, thanked]), (told, thanked), strict=True)
    )
    assert first.severity is Severity.URGENT
    assert first.safeguarding
    assert not second.flagged
    assert second.needs_no_answer


@pytest.mark.parametrize("text", ["Diolch yn fawr iawn i bawb", "What time does the gate open tomorrow?", ""])
def test_harmless_school_talk_is_not_flagged(engine: Engine, text: str) -> None:
    assert not judge(
        engine.score([text])[0], text, Thresholds.load(registry.thresholds_of("embedded-small")), engine
    ).flagged


def test_the_explanation_names_the_word_as_it_stands_in_the_text() -> None:
    text = "Well,   you are an 1D10T, sir"
    start, end, weight = EmbeddedSmall().explain(text, "insult")[0]
    assert text[start:end] == "1D10T"
    assert weight > 0


def test_a_spaced_out_word_is_explained_as_one() -> None:
    text = "you are an i d i o t sir"
    start, end, _ = EmbeddedSmall().explain(text, "insult")[0]
    assert text[start:end] == "i d i o t"


def test_nothing_explains_an_empty_text() -> None:
    assert EmbeddedSmall().explain("  ", "insult") == []


def test_the_version_follows_the_weights() -> None:
    assert EmbeddedSmall().version == EmbeddedSmall().version
    assert Thresholds.load(registry.thresholds_of("embedded-small")).version.startswith(
        EmbeddedSmall().version
    )


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 broken"])
def test_a_broken_weights_file_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.npz"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="no weights file"):
        EmbeddedSmall(path)


def test_a_missing_weights_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        EmbeddedSmall(tmp_path / "none.npz")


def test_an_unknown_engine_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(EngineError, match=r"no engine 'detoxic'; there are: .*embedded-small"):
        registry.load("detoxic")


def test_naming_engines_and_judging_import_no_numpy() -> None:
    names = ("judge", "registry", "embedded")
    code = (
        f"import sys, {', '.join('monitor.classifier.' + n for n in names)}; sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
