"""The real Detoxify class on small checkpoints of every released architecture, offline."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.classifier import registry
from monitor.classifier.bench import Bench
from monitor.classifier.beside import Beside
from monitor.classifier.detoxify import BOTH_HEARD, DetoxifyEngine
from monitor.classifier.engine import EngineError
from monitor.classifier.judge import score_guarded
from monitor.classifier.released import RELEASED, ReleasedModel
from monitor.domain.verdict import Category, Severity
from tests.benchmarks.detoxify_sizes import full_size, plain, texts
from tests.checkpoints import SMALL, make

pytestmark = pytest.mark.xdist_group("detoxify")  # one process pays for the import of torch

NAMES = tuple(RELEASED)
TEXTS = [
    "you are the idiot",
    "",
    "thank you for the lovely day",
    "half a \ud83d pair",
    "👏👏 diolch 😀😃😄😁😆😅😂🤣🥲😊😇🙂🙃😉😌😍🥰😘" * 12,
    "the choir and the gate " * 60,
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # the engine sets it; here it is unset again


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ReleasedModel, Path]]:
    models = tmp_path_factory.mktemp("models")
    known: dict[str, ReleasedModel] = {}

    def once(name: str) -> tuple[ReleasedModel, Path]:
        if name not in known:
            known[name] = make(name, models)
        return known[name], models

    return once


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, made: Any) -> DetoxifyEngine:
    return DetoxifyEngine(*made(request.param))


def test_the_labels_are_those_that_the_model_really_has(engine: DetoxifyEngine) -> None:
    assert set(engine.labels) == set(RELEASED[engine.name].labels)
    assert ("sexual_explicit" in engine.labels) is (engine.name != "detoxify-original")
    assert all(set(scores) == set(engine.labels) for scores in engine.score(TEXTS))


def test_scores_are_those_of_the_package_itself(made: Any, tmp_path: Path) -> None:
    import torch
    from detoxify import Detoxify

    for name in NAMES:
        model, models = made(name)
        checkpoint = torch.load(models / name / model.checkpoint.name, weights_only=False)
        checkpoint["config"]["arch"]["args"]["model_type"] = str(models / name)
        torch.save(checkpoint, tmp_path / "plain.ckpt")
        plain = Detoxify(checkpoint=tmp_path / "plain.ckpt").predict("you are the idiot")
        (scores,) = DetoxifyEngine(model, models).score(["you are the idiot"])
        assert scores == pytest.approx(plain, abs=1e-5)


def test_no_texts_give_no_scores_and_an_empty_text_has_scores(engine: DetoxifyEngine) -> None:
    assert engine.score([]) == []
    assert all(0 < score < 1 for score in engine.score([""])[0].values())


def test_a_text_scores_the_same_in_any_company_and_order(engine: DetoxifyEngine) -> None:
    alone = [engine.score([text])[0] for text in TEXTS]
    assert len({scores["toxicity"] for scores in alone}) == len(TEXTS), "else the order would not show"
    order = [number % len(TEXTS) for number in range(4 * len(TEXTS))]
    random.Random(3).shuffle(order)
    for place, scores in zip(order, engine.score([TEXTS[place] for place in order]), strict=True):
        assert scores == pytest.approx(alone[place], abs=1e-4)


def test_of_a_long_text_the_highest_part_counts(engine: DetoxifyEngine) -> None:
    calm, worse = sorted(("the choir and the gate ", "thank you for the day "), key=_toxicity(engine))
    long = engine.score([calm * 200 + worse * 30])[0]["toxicity"]
    assert long >= engine.score([(worse * 30)[:240]])[0]["toxicity"] - 0.05
    assert long >= engine.score([calm * 200])[0]["toxicity"]


def _toxicity(engine: DetoxifyEngine) -> Callable[[str], float]:
    return lambda text: engine.score([text * 10])[0]["toxicity"]


def test_nothing_of_a_row_of_emoji_is_cut_off_before_a_threat(made: Any) -> None:
    engine = DetoxifyEngine(*made("detoxify-unbiased"))  # four tokens an emoji, 512 at most
    pieces = list(engine._pieces("".join(chr(0x1F600 + number % 60) for number in range(230)) + " you idiot"))
    assert any(piece.endswith("you idiot") for piece in pieces)
    assert all(len(engine._detoxify.tokenizer(piece)["input_ids"]) <= 512 for piece in pieces)


def test_the_version_is_the_checkpoints_hash_and_the_packages_version(engine: DetoxifyEngine) -> None:
    assert engine.version == f"1-{engine._model.checkpoint.sha256[:8]}-0.5.4"


def test_beside_the_embedded_engine_a_disclosure_is_urgent_and_explained(made: Any) -> None:
    first = DetoxifyEngine(*made("detoxify-original"))
    bench = Bench(Beside(first.name, first, registry.load("embedded-small"), both=BOTH_HEARD), 60)
    text = "my dad hits me when he is drunk and im scared to go home"
    (verdict,) = bench([text])
    assert verdict.severity is Severity.URGENT
    assert Category.DISCLOSURE in verdict.categories
    assert any(span.category is Category.DISCLOSURE for span in verdict.spans)
    assert verdict.engine.startswith("detoxify-original 1-")
    assert verdict.scores["toxicity"] == first.score([text])[0]["toxicity"]


@pytest.mark.parametrize("name", ["detoxify-original", "detoxify-unbiased"])
def test_the_benchmarks_texts_have_the_tokens_that_they_promise(tmp_path: Path, name: str) -> None:
    engine = full_size(name, tmp_path, SMALL)
    for tokens in (24, 128):
        given = texts(tokens, 10)
        assert len(set(given)) == 10
        assert {len(ids) for ids in engine._detoxify.tokenizer(given)["input_ids"]} == {tokens}
        plain(engine, given)


def head_missing(checkpoint: dict[str, Any]) -> None:
    for name in [name for name in checkpoint["state_dict"] if name.startswith("classifier")]:
        del checkpoint["state_dict"][name]


def stranger(checkpoint: dict[str, Any]) -> None:
    checkpoint["state_dict"]["another.weight"] = checkpoint["state_dict"]["classifier.weight"]


def label_renamed(checkpoint: dict[str, Any]) -> None:
    checkpoint["config"]["dataset"]["args"]["classes"][0] = "kindness"


def no_config(checkpoint: dict[str, Any]) -> None:
    del checkpoint["config"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (head_missing, r"lacks weights of its network: classifier\.bias and 1 more"),
        (stranger, r"does not know: another\.weight;"),
        (label_renamed, "other labels"),
        (no_config, "cannot be loaded: KeyError"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_refused_in_one_sentence(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], words: str
) -> None:
    with pytest.raises(EngineError, match=words) as refused:
        DetoxifyEngine(make("detoxify-original", tmp_path, spoil=spoil), tmp_path)
    assert "\n" not in str(refused.value)


def test_an_altered_checkpoint_is_never_unpickled(tmp_path: Path) -> None:
    model = make("detoxify-original", tmp_path)
    trap = tmp_path / "sprung"
    (tmp_path / model.name / model.checkpoint.name).write_bytes(
        b"cpathlib\nPath.touch\n(cpathlib\nPath\n(V%s\ntRtR." % str(trap).encode()
    )
    with pytest.raises(EngineError, match="is not what was released; run: schoolwatch model fetch"):
        DetoxifyEngine(model, tmp_path)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["vocab.txt", "config.json"])
def test_an_altered_vocabulary_or_configuration_is_refused(tmp_path: Path, name: str) -> None:
    model = make("detoxify-original", tmp_path)
    with (tmp_path / model.name / name).open("a") as file:
        file.write(" ")
    with pytest.raises(EngineError, match=f"{name} of detoxify-original is not what was released"):
        DetoxifyEngine(model, tmp_path)


def test_a_network_that_answers_no_number_is_an_error_and_not_clean(tmp_path: Path) -> None:
    engine = DetoxifyEngine(make("detoxify-original", tmp_path), tmp_path)
    engine._detoxify.model.classifier.bias.data[2] = math.nan
    with pytest.raises(EngineError, match="no number"):
        score_guarded(engine, ["you are the idiot"], 60)


def test_loading_asks_nothing_of_the_network_and_says_nothing(tmp_path: Path) -> None:
    """In a process of its own: whoever asks for an address ends it, and so does a warning."""
    code = (
        "import sys, socket\n"
        "def refuse(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): sys.exit(f'{event} {args}')\n"
        "sys.addaudithook(refuse)\n"
        "from pathlib import Path\n"
        "from tests.checkpoints import make\n"
        "from monitor.classifier.detoxify import DetoxifyEngine\n"
        "from monitor.classifier import detoxify_checkpoint\n"
        "models = Path(sys.argv[1])\n"
        "engine = DetoxifyEngine(make('detoxify-unbiased', models), models)\n"
        "assert engine.score(['you']) and not detoxify_checkpoint._held\n"
        "import os; assert os.environ['HF_HUB_OFFLINE'] == '1'\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
