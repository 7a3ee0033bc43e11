"""One engine for every school: scored once, judged by each school's own standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from monitor.classifier.bench import Bench
from monitor.classifier.engine import Engine, EngineError, Scores
from monitor.classifier.registry import load
from monitor.classifier.standard import PRESETS, Standard
from monitor.domain.verdict import Category, Severity, Verdict

LABELS = ("insult", "threat", "data_breach", "disclosure")
RUDE: Mapping[str, str] = {
    "dick": "insult",
    "scunthorpe": "insult",
    "kill": "threat",
    "grabham": "insult",
    "zapp": "threat",
}


class WordEngine:
    """Scores a text by single words, as the engines do that the list of names is for. Counts what it is asked."""

    name = "embedded-small"
    version = "1"
    labels = LABELS

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def score(self, texts: Sequence[str]) -> list[Scores]:
        self.asked.append([*texts])
        return [self._one(text.casefold()) for text in texts]

    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        lower = text.casefold()
        places = ((lower.find(word), len(word)) for word, said in RUDE.items() if said == label)
        return [(start, start + size, 1.0) for start, size in places if start >= 0]

    def _one(self, text: str) -> Scores:
        found = dict.fromkeys(LABELS, 0.01)
        for word, label in RUDE.items():
            if word in text:
                found[label] = 0.99
        return found


@pytest.fixture
def engine() -> WordEngine:
    return WordEngine()


HINTED = "Zapping Lane. you just wait till my dad gets hold of you"
"""Of a hint of a threat; the word engine half suspects an insult."""


class HalfSure(WordEngine):
    """Is half sure of an insult where it sees a certain word."""

    def _one(self, text: str) -> Scores:
        return {**dict.fromkeys(LABELS, 0.001), "insult": 0.4 if "zapp" in text else 0.001}


@pytest.mark.parametrize(
    "standard",
    [
        Standard(),
        Standard(off=frozenset({Category.INSULT})),
        Standard(own=((Category.INSULT, 0.99),)),
        Standard(allowed=("Zapping Lane",)),
    ],
    ids=["as it comes", "insults off", "insults later", "the name allowed"],
)
def test_nothing_that_a_school_sets_takes_the_hint_of_a_threat_away(standard: Standard) -> None:
    (verdict,) = Bench(HalfSure(), 5)([HINTED], standard)
    assert Category.THREAT in verdict.categories


@pytest.mark.parametrize("text", ["Cock Lane is closed, zapp", "Zapp: the bus from Cock Lane is late again"])
def test_no_rule_makes_an_obscenity_of_a_place(text: str) -> None:
    (verdict,) = Bench(HalfSure(), 5)([text])
    assert Category.SEXUAL_EXPLICIT not in verdict.categories
    (verdict,) = Bench(HalfSure(), 5)([text.replace("Cock Lane", "my cock")])
    assert Category.SEXUAL_EXPLICIT in verdict.categories


def test_without_any_suspicion_a_hint_is_none() -> None:
    (verdict,) = Bench(HalfSure(), 5)([HINTED.replace("Zapping", "Cherry")], Standard())
    assert verdict.categories == ()


@pytest.fixture
def bench(engine: WordEngine) -> Bench:
    return Bench(engine, 5)


def one(bench: Bench, text: str, **said: object) -> Verdict:
    return bench([text], Standard(**said))[0]  # type: ignore[arg-type]


def test_names_and_places_of_the_shipped_list_are_not_flagged(bench: Bench) -> None:
    for text in ("off to Scunthorpe", "off to scunthorpe", "well done Mr Dick", "Dick Turner is a gem"):
        assert not one(bench, text).flagged, text


def test_an_insult_beside_a_name_is_flagged_and_the_span_counts_in_the_text_itself(bench: Bench) -> None:
    text = "Scunthorpe is full of it, you dick"
    verdict = one(bench, text)
    assert verdict.severity >= Severity.MEDIUM
    assert [text[span.start : span.end] for span in verdict.spans] == ["dick"]


def test_a_name_is_no_reason_for_what_is_said_beside_it(bench: Bench) -> None:
    text = "Mr Dick, you dick"
    (span,) = one(bench, text).spans
    assert (span.start, span.end) == (13, 17)


def test_what_one_school_allows_is_not_allowed_in_another(bench: Bench) -> None:
    assert not one(bench, "the bus to Grabham", allowed=("Grabham",)).flagged
    assert one(bench, "the bus to Grabham").flagged


def test_nothing_that_a_school_allows_hides_a_threat(bench: Bench) -> None:
    verdict = one(bench, "Zapp is coming", allowed=("Zapp",))
    assert Category.THREAT in verdict.categories


def test_a_text_is_scored_once_and_a_second_time_only_where_a_name_stands_in_it(
    bench: Bench, engine: WordEngine
) -> None:
    verdicts = bench(["hello", "mr dick", "bye"])
    assert len(verdicts) == 3
    assert [len(texts) for texts in engine.asked] == [4]


@pytest.mark.parametrize("category", ["insult", "data_breach"])
def test_a_school_that_switched_a_category_off_hears_of_no_engine_and_no_rule_about_it(
    bench: Bench, category: str
) -> None:
    text = "you dick, ring my lad's mum on 07700 900123"
    assert Category(category) in one(bench, text).categories
    verdict = one(bench, text, off=frozenset({Category(category)}))
    assert Category(category) not in verdict.categories
    assert all(span.category != category for span in verdict.spans)


def test_the_schools_own_number_is_no_leak(bench: Bench) -> None:
    text = "ring 01632 960123"
    assert not one(bench, text, allowed=("+44 1632 960 123",)).flagged


def test_schools_that_set_the_same_share_their_thresholds(bench: Bench) -> None:
    standards = [
        Standard(own=((Category.INSULT, 0.9),), staff=(f"Mr {n}",), allowed=(f"Place{n}",)) for n in range(50)
    ]
    for standard in standards:
        bench(["hello"], standard)
    assert bench._thresholds.cache_info().currsize == 1


@pytest.mark.parametrize("preset", PRESETS)
def test_the_verdict_names_the_preset(bench: Bench, preset: str) -> None:
    assert one(bench, "hello", preset=preset).thresholds.endswith(f" {preset}")


def test_an_engine_without_thresholds_is_refused_when_it_is_loaded(engine: WordEngine) -> None:
    engine.name = "nobody"
    with pytest.raises(EngineError, match=r"nobody\.thresholds\.toml cannot be used"):
        Bench(engine, 5)


@pytest.fixture(scope="module")
def real() -> Engine:
    return load("embedded-small")


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe", "Penistone", "Cockermouth", "Clitheroe", "Shital", "Nishit", "Mr Dick", "Miss Hoare",
        "Killamarsh", "Slaughter Lane", "We love Scunthorpe!", "Cockfosters to Frome by coach",
    ],
)  # fmt: skip
def test_the_real_engine_flags_no_name(real: Engine, text: str) -> None:
    assert not Bench(real, 30)([text])[0].flagged


def test_a_rule_that_breaks_is_an_engine_that_fails_and_says_nothing_of_the_text(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise ValueError("cannot read: my secret words")

    monkeypatch.setattr("monitor.classifier.bench.with_rules", broken)
    with pytest.raises(EngineError, match="failed: ValueError") as caught:
        bench(["my secret words"])
    assert "secret" not in str(caught.value)
