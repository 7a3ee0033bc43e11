"""Models that are fetched, not shipped: which files they are, where they lie, and what their bytes must be.

Configurations are written by us: they are a few lines, and so nothing but vocabulary and weights is downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_RELEASES = "https://github.com/unitaryai/detoxify/releases/download"
_HUB = "https://huggingface.co"
_BERT = "google-bert/bert-base-uncased/resolve/86b5e0934494bd15c9632b12f734a8a67f723594"
_ROBERTA = "FacebookAI/roberta-base/resolve/e2da8e2f811d1448a5b465c236feacd80ffbac7b"
_XLM_R = "FacebookAI/xlm-roberta-base/resolve/e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model. `sha256`: in hex, or as much of its beginning as is known, at least eight digits."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedModel:
    """A Detoxify model. `name` is the engine's and its folder's; `labels` those that its checkpoint must have.

    `written`: file name to content, for the files that we write beside the fetched ones.
    """

    name: str
    about: str
    checkpoint: RemoteFile
    vocabulary: tuple[RemoteFile, ...]
    written: Mapping[str, str]
    labels: tuple[str, ...]

    @property
    def fetched(self) -> tuple[RemoteFile, ...]:
        """What is downloaded, the smallest first: a network that is shut is noticed at once."""
        return (*self.vocabulary, self.checkpoint)


def _written(network: Mapping[str, object], tokeniser: Mapping[str, object]) -> Mapping[str, str]:
    """The configuration of a network of BERT's base size, and of its tokeniser."""
    base = {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
    }
    return MappingProxyType(
        {
            "config.json": json.dumps({**base, **network}, indent=1) + "\n",
            # Without a longest length nothing is cut, and the network fails on its 513th token.
            "tokenizer_config.json": json.dumps({"model_max_length": 512, **tokeniser}, indent=1) + "\n",
        }
    )


def _roberta(model_type: str, vocabulary: int) -> Mapping[str, object]:
    return {
        "model_type": model_type,
        "vocab_size": vocabulary,
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-05,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }


_SIX = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")

RELEASED: Mapping[str, ReleasedModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            ReleasedModel(
                name="detoxify-original",
                about="English, six labels, 0.4 GB",
                checkpoint=RemoteFile(
                    "toxic_original-c1212f89.ckpt",
                    f"{_RELEASES}/v0.1-alpha/toxic_original-c1212f89.ckpt",
                    "c1212f89",
                ),
                vocabulary=(
                    RemoteFile(
                        "vocab.txt",
                        f"{_HUB}/{_BERT}/vocab.txt",
                        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
                    ),
                ),
                written=_written(
                    {
                        "model_type": "bert",
                        "vocab_size": 30_522,
                        "max_position_embeddings": 512,
                        "type_vocab_size": 2,
                        "layer_norm_eps": 1e-12,
                        "pad_token_id": 0,
                    },
                    {"do_lower_case": True},
                ),
                labels=_SIX,
            ),
            ReleasedModel(
                name="detoxify-unbiased",
                about="English, seven labels, trained against flagging the mere name of a group, 0.5 GB",
                checkpoint=RemoteFile(
                    "toxic_debiased-c7548aa0.ckpt",
                    f"{_RELEASES}/v0.3-alpha/toxic_debiased-c7548aa0.ckpt",
                    "c7548aa0",
                ),
                vocabulary=(
                    RemoteFile(
                        "vocab.json",
                        f"{_HUB}/{_ROBERTA}/vocab.json",
                        "9e7f63c2d15d666b52e21d250d2e513b87c9b713cfa6987a82ed89e5e6e50655",
                    ),
                    RemoteFile(
                        "merges.txt",
                        f"{_HUB}/{_ROBERTA}/merges.txt",
                        "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
                    ),
                ),
                written=_written(_roberta("roberta", 50_265), {}),
                labels=(*_SIX, "sexual_explicit"),
            ),
            ReleasedModel(
                name="detoxify-multilingual",
                about="English, French, Spanish, Italian, Portuguese, Turkish, Russian; seven labels, 1.1 GB",
                checkpoint=RemoteFile(
                    "multilingual_debiased-0b549669.ckpt",
                    f"{_RELEASES}/v0.4-alpha/multilingual_debiased-0b549669.ckpt",
                    "0b549669",
                ),
                vocabulary=(
                    RemoteFile(
                        "sentencepiece.bpe.model",
                        f"{_HUB}/{_XLM_R}/sentencepiece.bpe.model",
                        "cfc8146abe2a0488e9e2a0c56de7952f7c11ab059eca145a0a727afce0db2865",
                    ),
                ),
                written=_written(_roberta("xlm-roberta", 250_002), {}),
                labels=(*_SIX, "sexual_explicit"),
            ),
        )
    }
)
"""The models by name."""
