"""The encoder's training: first on public comments, then on school lines with some of those comments as company.

An hour and a half and more on a CPU, so each finished part is kept in a folder: a training that was cut off
goes on from there, and gives the same weights as one that was not.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from monitor.classifier.corpus import Corpus
from monitor.classifier.features import Ints
from monitor.classifier.finetune import Network, Pace, fine_tune, fresh, logits_of, pretrained
from monitor.classifier.fits import Logits
from monitor.classifier.graph import as_onnx
from monitor.classifier.heads import HARM, PUBLIC_HEADS, SCHOOL_HEADS
from monitor.classifier.stages import School, folds, public_truth, school_truth, shown
from monitor.classifier.tables import Bools, Floats
from monitor.classifier.text import normalise, unmask

HEADS = (*PUBLIC_HEADS, *SCHOOL_HEADS)

_FOLDS = 3
_LEFT_OUT = (
    1  # of the folds: a third of the lines is enough for thresholds, and each costs a quarter of an hour
)
_PUBLIC_PACE = Pace(passes=1, step=1.5e-4)
_SCHOOL_PACE = Pace(passes=3, step=1.2e-4, texts=24, words=False)

# Shares of the harmless comments of a source that are read, and how often sources are read that have most to teach.
_SHARE = {"cat_gc": 0.15, "cat_gn": 0.15, "edos": 0.4}
_TWICE = frozenset({"hatemoji", "jigsaw_furka"})
_SPANS_SHARE = 0.6  # of civil_spans' plain toxic rows, of which there are very many
_TEMPLATES_SHARE, _TEMPLATES_WEIGHT = 0.5, 0.5

_COMPANY = 1500  # public comments among the school lines, so that what they taught is not lost
_COMPANY_WEIGHT = 0.3
_HARM_WEIGHT = 3.0  # the head with the most examples leads

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoder as an ONNX graph, its tokeniser, and the logits of School's whole texts and parts.

    Of the texts that are `scored` (texts,) they come from an encoder that had not seen them; of others they are 0.
    """

    graph: bytes
    tokeniser: bytes
    scored: Bools
    whole: Logits
    part: Logits


@dataclass(frozen=True, slots=True)
class _Samples:
    texts: list[str]
    labels: Floats
    weight: Floats

    def take(self, places: Sequence[int]) -> _Samples:
        return _Samples([self.texts[i] for i in places], self.labels[places], self.weight[places])

    def key(self, pace: Pace, seed: int, before: str) -> str:
        whole = hashlib.sha256(f"{pace} {seed} {before}".encode())
        for text in self.texts:
            whole.update(text.encode("utf-8", "surrogatepass") + b"\0")
        whole.update(np.nan_to_num(self.labels, nan=-1).tobytes() + self.weight.tobytes())
        return whole.hexdigest()[:16]


def train_encoder(corpus: Corpus, school: School, seed: int, kept: Path, told: Told) -> Encoded:
    """Train, and score what was left out. `kept` is the folder of finished parts; `told` hears (part, done, of)."""
    fold = folds(school.groups, _FOLDS, seed)
    last, *others = parts(corpus, fold[: len(corpus.lines)], seed, kept, told)
    unseen = _Unseen(school)
    for left_out, weights in enumerate(others):
        told("encoder: lines left out", left_out, _LEFT_OUT)
        unseen.score(_network(weights), fold == left_out)
    told("encoder: lines left out", _LEFT_OUT, _LEFT_OUT)
    config = _network(last).encoder.config
    graph = as_onnx(
        _mean([last, *others]),
        config.num_hidden_layers,
        config.num_attention_heads,
        config.layer_norm_eps,
        HEADS,
    )
    return Encoded(
        graph,
        (pretrained() / "tokenizer.json").read_bytes(),
        fold < _LEFT_OUT,
        unseen.whole(),
        unseen.part(),
    )


def parts(corpus: Corpus, fold: Ints, seed: int, kept: Path, told: Told) -> list[dict[str, Tensor]]:
    """The weights trained on all lines, then those without each fold that is left out. `fold` (lines,)."""
    kept.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    public = _public_samples(corpus, seed)
    public_key = public.key(_PUBLIC_PACE, seed, "")
    body = _Part(kept, "encoder: public comments", told).weights(
        lambda network, tell: _fine_tune(network, public, _PUBLIC_PACE, seed, tell),
        lambda: fresh(len(PUBLIC_HEADS), seed),
        public_key,
    )
    encoder = {
        name.removeprefix("encoder."): value for name, value in body.items() if name.startswith("encoder.")
    }
    samples = _school_samples(corpus, public, seed)
    found = []
    for left_out in (-1, *range(_LEFT_OUT)):
        places = [i for i in range(len(samples.texts)) if i >= fold.size or fold[i] != left_out]
        chosen = samples.take(places)
        name = (
            f"encoder: school lines, {'all' if left_out < 0 else f'without part {left_out + 1} of {_FOLDS}'}"
        )
        found.append(
            _Part(kept, name, told).weights(
                partial(_learn, chosen, seed),
                lambda: fresh(len(HEADS), seed, encoder),
                chosen.key(_SCHOOL_PACE, seed, public_key),
            )
        )
    return found


def _mean(networks: Sequence[dict[str, Tensor]]) -> dict[str, Floats]:
    """The mean of the weights of networks that began alike: it is right more often than any of them."""
    return {
        name: np.mean([weights[name].numpy().astype(np.float64) for weights in networks], axis=0)
        for name in networks[0]
    }


def _learn(samples: _Samples, seed: int, network: Network, tell: Callable[[int, int], None]) -> None:
    _fine_tune(network, samples, _SCHOOL_PACE, seed, tell)


def _network(weights: dict[str, Tensor]) -> Network:
    network = Network(len(HEADS))
    network.load_state_dict(weights)
    return network


class _Part:
    """One finished part of the training, kept under a name that says what went into it."""

    def __init__(self, folder: Path, name: str, told: Told) -> None:
        self._folder = folder
        self._name = name
        self._told = told

    def weights(
        self,
        train: Callable[[Network, Callable[[int, int], None]], None],
        start: Callable[[], Network],
        key: str,
    ) -> dict[str, Tensor]:
        path = self._folder / f"{key}.safetensors"
        if not path.exists():
            network = start()
            train(network, lambda done, of: self._told(self._name, done, of))
            half = path.with_suffix(".new")
            save_file({name: value.contiguous() for name, value in network.state_dict().items()}, half)
            half.replace(path)
        found: dict[str, Tensor] = load_file(path)
        return found


class _Unseen:
    """Logits of the school's texts and parts, filled fold by fold."""

    def __init__(self, school: School) -> None:
        self._texts = [normalise(shown(text)) for text in school.texts]
        self._parts = school.parts
        self._owner = np.array([part.owner for part in school.parts])
        self._whole = np.zeros((len(self._texts), len(HEADS)))
        self._part = np.zeros((len(self._parts), len(HEADS)))

    def score(self, network: Network, mine: np.ndarray) -> None:
        texts = np.flatnonzero(mine)
        # A sentence alone is for the model that knows no order of words.
        parts = [i for i in np.flatnonzero(mine[self._owner]) if not self._parts[i].sentence]
        wanted = [self._texts[i] for i in texts] + [self._parts[i].text for i in parts]
        different = list(dict.fromkeys(wanted))
        logits = dict(zip(different, logits_of(network, different), strict=True))
        self._whole[texts] = [logits[self._texts[i]] for i in texts]
        self._part[parts] = [logits[self._parts[i].text] for i in parts]

    def whole(self) -> Logits:
        return _logits(self._whole)

    def part(self) -> Logits:
        return _logits(self._part)


def _logits(both: Floats) -> Logits:
    return Logits(both[:, : len(PUBLIC_HEADS)], both[:, len(PUBLIC_HEADS) :])


def _fine_tune(
    network: Network, samples: _Samples, pace: Pace, seed: int, tell: Callable[[int, int], None]
) -> None:
    fine_tune(network, samples.texts, samples.labels, samples.weight, pace, seed, tell)


def _public_samples(corpus: Corpus, seed: int) -> _Samples:
    """Comments of the train split, some sources thinned and some read twice, and half of the templates."""
    chance = random.Random(seed)  # noqa: S311  a draw that has to be the same each time
    texts: list[str] = []
    labels: list[tuple[float, ...]] = []
    weight: list[float] = []
    for comment in corpus.comments:
        if comment.dev:
            continue
        toxic = comment.labels[0] == 1
        times = 2 if comment.source in _TWICE else 1
        if comment.source in _SHARE:
            times = int(toxic or chance.random() < _SHARE[comment.source])
        elif comment.source == "civil_spans":
            rare = comment.labels[3] == 1 or comment.labels[5] == 1
            times = int(not toxic or rare or chance.random() < _SPANS_SHARE)
        for _ in range(times):
            texts.append(normalise(shown(comment.text)))
            labels.append(comment.labels)
            weight.append(1.0)
    for template in corpus.templates:
        if chance.random() < _TEMPLATES_SHARE:
            texts.append(normalise(template.text))
            labels.append(template.labels)
            weight.append(_TEMPLATES_WEIGHT)
    return _Samples(texts, np.array(labels), np.repeat(np.array(weight)[:, None], len(PUBLIC_HEADS), axis=1))


def _school_samples(corpus: Corpus, public: _Samples, seed: int) -> _Samples:
    """The lines, in their order, then the company."""
    chance = random.Random(seed)  # noqa: S311
    known = [i for i, labels in enumerate(public.labels) if labels[0] == 0 or bool((labels == 1).any())]
    company = public.take(sorted(chance.sample(known, min(_COMPANY, len(known)))))
    truth = school_truth(corpus.lines, company.labels)
    above = public_truth(corpus.lines, company.labels)
    texts = []
    for number, line in enumerate(corpus.lines):
        plain = normalise(shown(line.text))
        # What is read at run time is the disguised text as often as the one without.
        texts.append(unmask(plain) if number % 2 else plain)
    weight = np.ones((len(truth), len(HEADS)))
    weight[len(texts) :] = _COMPANY_WEIGHT
    weight[:, HEADS.index(HARM)] *= _HARM_WEIGHT
    return _Samples([*texts, *company.texts], np.hstack([above, truth]), weight)
