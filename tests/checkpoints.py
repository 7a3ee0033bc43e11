"""Detoxify checkpoints with random weights, made as the released ones were: for tests small, for the benchmark full.

A seed fixes the weights. Nothing is fetched: configurations and vocabularies are written here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from monitor.classifier.released import RELEASED, ReleasedModel, RemoteFile

Spoil = Callable[[dict[str, Any]], None]
"""Changes a checkpoint before it is written."""

WORDS = (
    "you",
    "are",
    "idiot",
    "the",
    "gate",
    "opens",
    "at",
    "nine",
    "thank",
    "for",
    "lovely",
    "day",
    "and",
    "choir",
)


@dataclass(frozen=True)
class Size:
    """Of a network."""

    hidden: int = 16
    layers: int = 2
    heads: int = 2
    between: int = 32


SMALL = Size()
BASE = Size(hidden=768, layers=12, heads=12, between=3072)
"""As released, but for the vocabulary: its embeddings are looked up, and cost no time."""

_KINDS = {
    "detoxify-original": ("bert", "BertForSequenceClassification", "BertTokenizer"),
    "detoxify-unbiased": ("roberta", "RobertaForSequenceClassification", "RobertaTokenizer"),
    "detoxify-multilingual": ("xlm-roberta", "XLMRobertaForSequenceClassification", "XLMRobertaTokenizer"),
}
_OLD_NAMES = {"toxicity": "toxic", "severe_toxicity": "severe_toxic", "identity_attack": "identity_hate"}


def make(name: str, models: Path, size: Size = SMALL, spoil: Spoil | None = None) -> ReleasedModel:
    """Write a model of the released one's architecture below `models`; its true hashes are in what comes back."""
    import torch
    import transformers

    kind, network, tokeniser = _KINDS[name]
    folder = models / name
    folder.mkdir(parents=True)
    vocabulary, words = _VOCABULARIES[kind](folder)
    released = RELEASED[name]
    old = name == "detoxify-original"
    classes = 6 if old else 16  # the others were trained on nine identities too, which Detoxify leaves out
    config = {
        **json.loads(released.written["config.json"]),
        "vocab_size": words,
        "hidden_size": size.hidden,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "intermediate_size": size.between,
    }
    written = {
        "config.json": json.dumps(config),
        "tokenizer_config.json": released.written["tokenizer_config.json"],
    }
    for file, content in written.items():
        (folder / file).write_text(content, encoding="utf-8")
    torch.manual_seed(7)
    model_class = getattr(transformers, network)
    model = model_class(model_class.config_class.from_pretrained(folder, num_labels=classes))
    with torch.no_grad():  # else every text would score a half
        for parameter in model.classifier.parameters():
            parameter.mul_(30)
    checkpoint: dict[str, Any] = {
        "config": {
            "arch": {
                "args": {
                    "num_classes": classes,
                    "model_type": {"bert": "bert-base-uncased"}.get(kind, f"{kind}-base"),
                    "model_name": network,
                    "tokenizer_name": tokeniser,
                }
            },
            "dataset": {
                "args": {"classes": [_OLD_NAMES.get(one, one) if old else one for one in released.labels]}
            },
        },
        "state_dict": model.state_dict(),
    }
    # The releases of transformers of their day kept these too.
    prefix = "bert" if kind == "bert" else "roberta"
    checkpoint["state_dict"][f"{prefix}.embeddings.position_ids"] = torch.arange(512)[None]
    if kind != "bert":
        checkpoint["state_dict"]["roberta.pooler.dense.bias"] = torch.zeros(size.hidden)
    if spoil is not None:
        spoil(checkpoint)
    path = folder / released.checkpoint.name
    torch.save(checkpoint, path)
    return ReleasedModel(
        name=name,
        about="made by a test",
        checkpoint=_as_released(path),
        vocabulary=tuple(_as_released(folder / file) for file in vocabulary),
        written=written,
        labels=released.labels,
    )


def _as_released(path: Path) -> RemoteFile:
    return RemoteFile(path.name, "", hashlib.sha256(path.read_bytes()).hexdigest())


def _wordpieces(folder: Path) -> tuple[tuple[str, ...], int]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{one}" for one in letters)]
    words = list(dict.fromkeys(words))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return ("vocab.txt",), len(words)


def _byte_pairs(folder: Path) -> tuple[tuple[str, ...], int]:
    """Bytes, and WORDS as one token each, after a space (which is written as \u0120) and at the start."""
    from tokenizers.pre_tokenizers import ByteLevel

    grown = [
        [word[:end] for end in range(1, len(word) + 1)]
        for word in (*(f"\u0120{one}" for one in WORDS), *WORDS)
    ]
    merges = dict.fromkeys(f"{left} {whole[len(left) :]}" for row in grown for left, whole in pairwise(row))
    parts = dict.fromkeys((*sorted(ByteLevel.alphabet()), *(part for row in grown for part in row)))
    words = {word: place for place, word in enumerate(("<s>", "<pad>", "</s>", "<unk>", *parts, "<mask>"))}
    (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(("#version: 0.2", *merges)) + "\n", encoding="utf-8")
    return ("vocab.json", "merges.txt"), len(words)


def _sentence_pieces(folder: Path) -> tuple[tuple[str, ...], int]:
    import io

    import sentencepiece

    written = io.BytesIO()
    lines = [" ".join((*WORDS[first:], *WORDS[:first])) for first in range(len(WORDS))]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 20),
        model_writer=written,
        vocab_size=60,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.model").write_bytes(written.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue()).get_piece_size()
    return ("sentencepiece.bpe.model",), pieces + 2  # <pad> and <mask> are not among the pieces


_VOCABULARIES: Mapping[str, Callable[[Path], tuple[tuple[str, ...], int]]] = {
    "bert": _wordpieces,
    "roberta": _byte_pairs,
    "xlm-roberta": _sentence_pieces,
}
