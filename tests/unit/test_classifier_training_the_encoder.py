"""The encoder's training, from a pretrained encoder small enough for a test to the engine that reads what it wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from monitor.classifier import encoder_training, finetune
from monitor.classifier.corpus import TrainError
from monitor.classifier.embedded import FIT, GRAPH, TOKENISER, Embedded
from monitor.classifier.encoder import Encoder
from monitor.classifier.engine import EngineError
from monitor.classifier.finetune import Network, Pace, fine_tune, fresh, logits_of
from monitor.classifier.graph import _steps, as_onnx
from monitor.classifier.judge import Thresholds
from monitor.classifier.standard import PRESETS
from monitor.classifier.train import CARD, train

HEADS = ("one", "two")
QUICK = Pace(passes=2, step=1e-3, texts=8, tokens=24)


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A BERT of two thin layers with random weights, in the files of the real one."""
    folder = tmp_path / "pretrained"
    folder.mkdir()
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "apple",
        "pear",
        "number",
        "in",
        "the",
        "basket",
        "a",
        "kind",
    ]
    words += list("abcdefghijklmnopqrstuvwxyz0123456789")
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    vocabulary = {word: place for place, word in enumerate(dict.fromkeys(words))}
    tokeniser = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokeniser.normalizer = BertNormalizer()
    tokeniser.pre_tokenizer = BertPreTokenizer()
    tokeniser.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokeniser.save(str(folder / "tokenizer.json"))
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=160,
    )
    config.to_json_file(folder / "config.json")
    torch.manual_seed(0)
    body = BertModel(config, add_pooling_layer=False).state_dict()
    save_file({name: value.contiguous() for name, value in body.items()}, folder / "model.safetensors")
    monkeypatch.setattr(finetune, "pretrained", lambda: folder)
    monkeypatch.setattr(encoder_training, "pretrained", lambda: folder)
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_training, "_PUBLIC_PACE", QUICK)
    monkeypatch.setattr(encoder_training, "_SCHOOL_PACE", QUICK)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _apples(network: Network, seed: int = 0) -> None:
    texts = [f"{'apple' if n % 2 else 'pear'} number {n} in the basket" for n in range(60)]
    labels = np.array([[n % 2, np.nan] for n in range(60)], dtype=np.float64)
    pace = Pace(passes=8, step=3e-3, texts=8, tokens=24)
    fine_tune(network, texts, labels, np.ones(labels.shape), pace, seed, lambda _done, _of: None)


def test_it_learns_what_the_labels_say(pretrained: Path, one_thread: None) -> None:
    network = fresh(2, 0)
    _apples(network)
    apple, pear = logits_of(network, ["an apple in the basket", "a pear in the basket"])[:, 0]
    assert apple > pear + 1


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    pretrained: Path, one_thread: None
) -> None:
    networks = []
    for seed in (0, 0, 1):
        network = fresh(2, seed)
        _apples(network, seed)
        networks.append(network.state_dict())
    first, again, other = networks
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["heads.weight"], other["heads.weight"])


def _written(network: Network, folder: Path) -> Path:
    config = network.encoder.config
    weights = {name: value.numpy().astype(np.float64) for name, value in network.state_dict().items()}
    path = folder / "graph.onnx"
    path.write_bytes(
        as_onnx(weights, config.num_hidden_layers, config.num_attention_heads, config.layer_norm_eps, HEADS)
    )
    return path


def test_the_graph_says_what_the_network_says(pretrained: Path, tmp_path: Path, one_thread: None) -> None:
    network = fresh(2, 0)
    _apples(network)
    texts = ["an apple in the basket", "a pear in the basket", "", "z " * 300, "a kind of number 7"]
    encoder = Encoder(_written(network, tmp_path), pretrained / "tokenizer.json")
    assert encoder.heads == HEADS
    expected = logits_of(network, texts, tokens=128)
    assert np.abs(encoder.logits(texts) - expected).max() < 0.15 * np.abs(expected).max()


def test_no_pair_of_weights_overflows_sixteen_bits_and_none_is_far_from_its_value() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(40, 384)) * rng.uniform(1e-4, 10, size=(40, 1))
    alike = np.array([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    for matrix in (drawn, alike):
        steps, scale = _steps(matrix)
        pairs = steps.T.astype(np.int64).reshape(len(matrix), -1, 2)
        for activations in ((255, 255), (255, 0), (0, 255)):
            sums = (pairs * activations).sum(2)
            assert sums.min() >= -(2**15)
            assert sums.max() < 2**15
        assert (np.abs(steps.T * scale[:, None] - matrix) <= 0.51 * scale[:, None]).all()
    assert np.abs(_steps(drawn)[0]).max(0).mean() > 90


def test_a_text_has_the_same_logits_in_any_company(
    pretrained: Path, tmp_path: Path, one_thread: None
) -> None:
    encoder = Encoder(_written(fresh(2, 0), tmp_path), pretrained / "tokenizer.json")
    texts = ["apple", "pear " * 90, "", "a kind of basket"] * 5
    together = encoder.logits(texts)
    alone = np.vstack([encoder.logits([text]) for text in texts])
    assert (together == alone).all()
    assert encoder.logits([]).shape == (0, 2)


@pytest.mark.parametrize("name", ["graph.onnx", "tokenizer.json"])
def test_a_file_that_is_none_is_refused_in_a_sentence(pretrained: Path, tmp_path: Path, name: str) -> None:
    files = {"graph.onnx": _written(fresh(2, 0), tmp_path), "tokenizer.json": pretrained / "tokenizer.json"}
    files[name] = tmp_path / "broken"
    files[name].write_bytes(b"no such thing")
    with pytest.raises(EngineError, match="install Schoolwatch again"):
        Encoder(files["graph.onnx"], files["tokenizer.json"])


_TRAINED: list[Path] = []
training = pytest.mark.xdist_group("training")


@pytest.fixture
def trained(
    small: None,
    pretrained: Path,
    quick: None,
    one_thread: None,
    data: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A copy of what a training wrote, which takes a while and is done once."""
    if not _TRAINED:
        folder = tmp_path_factory.mktemp("trained")
        train(data, folder, examples=data / "lines.jsonl")
        _TRAINED.append(folder)
    return Path(shutil.copytree(_TRAINED[0], tmp_path / "trained"))


@training
def test_both_engines_are_written_with_thresholds_for_every_preset_and_a_card(trained: Path) -> None:
    engine = Embedded(trained)
    for preset in PRESETS:
        thresholds = Thresholds.load(trained / "embedded.thresholds.toml", preset)
        assert thresholds.version == f"{engine.version}.1"
    apple, pear = engine.score(["apple number 7 in the basket", "pear number 8 in the basket"])
    assert apple["toxicity"] > pear["toxicity"]
    card = (trained / CARD).read_text(encoding="utf-8")
    assert engine.version in card
    assert "sexual_explicit" in card


@training
def test_a_training_that_was_cut_off_goes_on_and_ends_the_same(
    trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, begun = encoder_training._fine_tune, []

    def dies_at_the_third_part(*args: object) -> None:
        begun.append(args)
        if len(begun) == 3:
            raise KeyboardInterrupt
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(encoder_training, "_fine_tune", dies_at_the_third_part)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path / "cut", examples=data / "lines.jsonl")
    assert not (tmp_path / "cut" / GRAPH).exists()
    train(data, tmp_path / "cut", examples=data / "lines.jsonl")
    assert len(begun) == 4  # three parts, of which the third was begun twice
    for name in (GRAPH, TOKENISER, FIT, "embedded_small.npz", "embedded.thresholds.toml"):
        assert (tmp_path / "cut" / name).read_bytes() == (trained / name).read_bytes(), name


@training
def test_parts_of_different_trainings_are_refused(trained: Path) -> None:
    text = (trained / FIT).read_text(encoding="utf-8")
    (trained / FIT).write_text(text.replace("allegation", "accusation"), encoding="utf-8")
    with pytest.raises(EngineError, match="different trainings"):
        Embedded(trained)


@training
def test_a_phrase_explains_what_needs_no_toxic_word(trained: Path) -> None:
    text = "well, a disclosure of the 6th kind, in the basket of pears over there"
    words = Embedded(trained).explain(text, "disclosure")
    assert words == sorted(words, key=lambda word: (-word[2], word[0]))
    assert all(0 <= start < end <= len(text) and weight > 0 for start, end, weight in words)
    assert Embedded(trained).explain("", "disclosure") == []


def test_without_pytorch_the_sentence_names_what_to_do(
    small: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "monitor.classifier.encoder_training", None)
    with pytest.raises(TrainError, match="--small"):
        train(data, tmp_path / "out", examples=data / "lines.jsonl")
    reports = train(data, tmp_path / "out", examples=data / "lines.jsonl", small=True)
    assert [report.engine for report in reports] == ["embedded-small"]
    assert json.dumps(reports[0].rates["quiet"])
