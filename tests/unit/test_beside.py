from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.classifier import registry
from monitor.classifier.beside import Beside
from monitor.classifier.detoxify import BATCH_TOKENS, BOTH_HEARD, in_batches
from monitor.classifier.engine import EngineError, Scores
from monitor.classifier.judge import judge
from monitor.classifier.released import RELEASED
from monitor.classifier.standard import PRESETS
from monitor.domain.verdict import SAFEGUARDING, Category, Severity

ROOT = Path(__file__).parents[2]


@dataclass
class Fixed:
    """Gives every text the same scores."""

    name: str
    scores: dict[str, float]
    broken: bool = False

    @property
    def version(self) -> str:
        return f"{self.name}-1"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.scores)

    def score(self, texts: Sequence[str]) -> list[Scores]:
        if self.broken:
            raise EngineError(f"{self.name} is broken")
        return [dict(self.scores) for _ in texts]


@dataclass
class Explaining(Fixed):
    def explain(self, text: str, label: str) -> list[tuple[int, int, float]]:
        return [(0, len(text), 1.0)] if label in self.scores else []


def pair(first: dict[str, float], second: dict[str, float]) -> Beside:
    return Beside("pair", Fixed("first", first), Explaining("second", second), both=BOTH_HEARD)


def test_the_first_ones_labels_win_and_the_second_fills_in_the_rest() -> None:
    engine = pair({"toxicity": 0.1, "insult": 0.2}, {"insult": 0.9, "disclosure": 0.8})
    assert engine.labels == ("toxicity", "insult", "disclosure")
    assert engine.score(["a", "b"]) == [{"toxicity": 0.1, "insult": 0.2, "disclosure": 0.8}] * 2
    assert engine.score([]) == []


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.1), (0.1, 0.9)])
def test_both_are_heard_for_a_threat_because_a_veiled_one_carries_no_toxic_word(
    first: float, second: float
) -> None:
    assert pair({"threat": first}, {"threat": second}).score(["a"]) == [{"threat": 0.9}]


def test_the_version_changes_with_either_ones() -> None:
    assert pair({}, {}).version == "first-1+second-1"


def test_the_second_explains_and_a_mute_one_explains_nothing() -> None:
    assert pair({"toxicity": 1.0}, {"disclosure": 1.0}).explain("abc", "disclosure") == [(0, 3, 1.0)]
    assert Beside("pair", Fixed("first", {}), Fixed("second", {})).explain("abc", "disclosure") == []


@pytest.mark.parametrize("broken", ["first", "second"])
def test_half_an_answer_is_none(broken: str) -> None:
    engine = Beside("pair", *(Fixed(name, {}, broken=name == broken) for name in ("first", "second")))
    with pytest.raises(EngineError, match=f"{broken} is broken"):
        engine.score(["a"])


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", sorted(registry.FETCHED))
def test_a_school_that_chooses_detoxify_loses_no_disclosure(name: str, preset: str) -> None:
    scores = {category.value: 0.0 for category in Category if category.value not in RELEASED[name].labels}
    engine = pair(dict.fromkeys(RELEASED[name].labels, 0.0), {**scores, "threat": 0.0, "disclosure": 0.95})
    verdict = judge(engine.score(["a"])[0], "a", registry.thresholds(name, preset), engine)
    assert verdict.categories == (Category.DISCLOSURE,)
    assert verdict.severity is Severity.URGENT
    assert verdict.spans


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", sorted(registry.FETCHED))
def test_every_label_of_detoxify_and_every_safeguarding_category_has_thresholds(
    name: str, preset: str
) -> None:
    found = registry.thresholds(name, preset)
    assert {Category(label) for label in RELEASED[name].labels} | SAFEGUARDING <= set(found.steps)
    rest = registry.thresholds(registry.COMPANION, preset)
    assert found.version == f"detoxify-1+{rest.version}"
    assert found.steps[Category.DISCLOSURE] == rest.steps[Category.DISCLOSURE]
    assert found.steps[Category.THREAT] == rest.steps[Category.THREAT], "both engines are heard, on one scale"
    assert found.steps[Category.INSULT] != rest.steps[Category.INSULT]


def test_a_cautious_preset_flags_no_later_than_a_balanced_and_that_no_later_than_a_quiet_one() -> None:
    cautious, balanced, quiet = (registry.thresholds("detoxify-unbiased", preset).steps for preset in PRESETS)
    for label in ("identity_attack", "insult", "obscene", "severe_toxicity", "sexual_explicit", "toxicity"):
        firsts = [steps[Category(label)][0].threshold for steps in (cautious, balanced, quiet)]
        assert firsts == sorted(set(firsts))


def test_batches_hold_the_shortest_first_and_no_more_tokens_than_allowed() -> None:
    lengths = [500, 3, 90, 4, 512, 3, *[20] * 200]
    batches = list(in_batches(lengths))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert [lengths[place] for batch in batches for place in batch] == sorted(lengths)
    assert all(len(batch) * max(lengths[place] for place in batch) <= BATCH_TOKENS for batch in batches)
    assert list(in_batches([])) == []


def test_a_text_longer_than_a_batch_stands_alone() -> None:
    assert list(in_batches([BATCH_TOKENS + 1, BATCH_TOKENS + 2])) == [[0], [1]]


def test_engines_and_models_have_the_same_names() -> None:
    assert set(RELEASED) == registry.FETCHED
    assert set(registry.ENGINES) > registry.FETCHED


def test_a_model_that_was_not_fetched_is_named_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"run: schoolwatch model fetch detoxify-unbiased$"):
        registry.load("detoxify-unbiased", tmp_path)


def test_nothing_heavy_is_imported_unless_such_an_engine_is_loaded() -> None:
    code = (
        "import sys\n"
        "from monitor.bootstrap import load_assess\n"
        "from monitor.classifier import beside, detoxify, detoxify_checkpoint, models, released\n"
        "load_assess('embedded-small', 60)(['you idiot'])\n"
        "sys.exit(str([name for name in ('torch', 'transformers', 'detoxify') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr.strip() == "[]"


def test_the_lock_has_the_torch_of_the_extra_and_nothing_for_graphics_cards() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (torch,) = (line for line in lock if line.startswith("torch="))
    assert f'"{torch}"' in project, "a marker or another version would let pip choose the build with CUDA"
    assert f'name = "torch"\nversion = "{torch.removeprefix("torch==")}"' in project
    assert [line for line in lock if any(word in line for word in ("nvidia", "cuda", "triton"))] == []
