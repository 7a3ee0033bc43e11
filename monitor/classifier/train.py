"""Training of the embedded engines: `train(data_dir, out_dir)` writes weights, thresholds and the model card.

1. Public heads (toxicity, threat ...) learn from public comments and identity templates.
2. School heads (disclosure, grooming ...) learn from the written lines, with public comments as company that is
   none of it. The linear ones also hear the public heads, and know related words (kinship.py).
3. A part of the lines is left out, each in turn: scores of lines that no head has seen calibrate the heads
   (Platt) and choose the thresholds (choose.py).

The linear model does all this in minutes, with numpy; the encoder (encoder_training.py) takes an hour or three.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor.classifier import card, choose
from monitor.classifier.concepts import Concepts
from monitor.classifier.corpus import EXAMPLES, Corpus, Line, TrainError
from monitor.classifier.embedded import FIT, GRAPH, TOKENISER
from monitor.classifier.embedded_small import WEIGHTS
from monitor.classifier.fits import Logits, fitted
from monitor.classifier.heads import HARMFUL, PUBLIC_HEADS, SCHOOL_HEADS, Fit
from monitor.classifier.measures import auc
from monitor.classifier.stages import Public, School, train_public, train_school
from monitor.classifier.tables import (
    FORMAT,
    PUBLIC_SPECS,
    SCHOOL_SPECS,
    Array,
    Bools,
    Group,
    Model,
    quantised,
)
from monitor.classifier.views import combine

if TYPE_CHECKING:
    from monitor.classifier.encoder_training import Encoded

__all__ = ["TrainError", "TrainReport", "train"]

Progress = Callable[[str, int, int], None]
"""Told (what, done, of)."""

CARD = "MODEL.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What came of the training of one engine.

    `auc`: of the public heads on comments of the dev split, of the school heads on school lines; all of texts that no
    head had seen. `rates`, by preset: see choose.Choice. `by_category`: the share of the harmful lines of a category
    that the preset balanced flags, and how many there are. `version` is the engine's.
    """

    engine: str
    version: str
    auc: dict[str, float]
    rates: Mapping[str, dict[str, float]]
    by_category: Mapping[str, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class _Engine:
    """What one engine says of School's texts: scores of those that are `scored` (texts,), which it has not seen."""

    name: str
    fit: Fit
    scored: Bools
    scores: list[dict[str, float]]
    auc: dict[str, float]


def train(
    data_dir: Path,
    out_dir: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    examples: Path = EXAMPLES,
    small: bool = False,
) -> list[TrainReport]:
    """Train on a data folder (its README tells the files) and write weights and thresholds to `out_dir`.

    `small`: the linear model alone, for which PyTorch is not needed. The same data and seed give the same bytes, on
    one machine with one number of threads (another number rounds sums of floats in another order). Finished parts
    of a long training are kept in `out_dir`/parts, so that one that was cut off can be started again. Raises
    TrainError.
    """
    tell = progress or (lambda _what, _done, _of: None)
    corpus = Corpus.read(data_dir, examples)
    _refuse_too_little(corpus)
    tell("reading", 1, 1)
    public = train_public(corpus, seed)
    tell("linear: public heads", 1, 1)
    school = train_school(corpus, public, seed, lambda done, of: tell("linear: school heads", done, of))
    small_fit = fitted([school.whole], school.truth, school.public_truth, school.weight)
    small_model = _assemble(corpus, public, school, small_fit, seed).packed()
    version = f"{FORMAT}-{hashlib.sha256(small_model).hexdigest()[:12]}"
    files = {WEIGHTS.name: small_model}
    everything = np.ones(len(school.texts), dtype=np.bool_)
    engines = [(_unseen("embedded-small", school, small_fit, [school.part], everything), version)]
    if not small:
        encoded = _encode(corpus, school, seed, out_dir / "parts", tell)
        scored = encoded.scored
        fit = fitted(
            [school.whole.of(scored), encoded.whole.of(scored)],
            school.truth[scored],
            school.public_truth[scored],
            school.weight[scored],
        )
        files[GRAPH] = encoded.graph
        files[TOKENISER] = encoded.tokeniser
        files[FIT] = _as_toml(fit).encode()
        version = f"{version}-{hashlib.sha256(encoded.graph + files[FIT]).hexdigest()[:12]}"
        engines.append((_unseen("embedded", school, fit, [school.part, encoded.part], scored), version))
    reports = []
    for engine, version in engines:
        tell(f"{engine.name}: thresholds", 0, 1)
        lines, scores, company = _left_out(corpus, school, engine)
        choices = {
            name: choose.choose(lines, scores, company, budget) for name, budget in choose.BUDGETS.items()
        }
        files[f"{engine.name.replace('-', '_')}.thresholds.toml"] = choose.as_toml(choices, version).encode()
        rates = {preset: choice.rates for preset, choice in choices.items()}
        by_category = choose.by_category(lines, scores, choices["balanced"])
        reports.append(
            TrainReport(
                engine=engine.name, version=version, auc=engine.auc, rates=rates, by_category=by_category
            )
        )
        tell(f"{engine.name}: thresholds", 1, 1)
    out_dir.mkdir(parents=True, exist_ok=True)
    # All at the end, each at once: nobody reads half a file, or new weights for hours with old thresholds.
    for name, content in files.items():
        half = out_dir / f".{name}.new"
        half.write_bytes(content)
        half.replace(out_dir / name)
    if not small:
        tell("model card", 0, 1)
        text = card.written(data_dir, out_dir, corpus, reports, seed)
        (out_dir / CARD).write_text(text, encoding="utf-8")
        tell("model card", 1, 1)
    return reports


def _refuse_too_little(corpus: Corpus) -> None:
    kinds = {line.category for line in corpus.lines if line.harm}
    missing = [head for head in HARMFUL if head not in kinds]
    if missing:
        raise TrainError(f"the written examples have no line for: {', '.join(missing)}")
    if len({comment.dev for comment in corpus.comments}) < 2:
        raise TrainError("toxicity.csv.gz needs rows of both splits, train and dev")


def _encode(corpus: Corpus, school: School, seed: int, kept: Path, tell: Progress) -> Encoded:
    try:
        from monitor.classifier.encoder_training import train_encoder
    except ImportError as err:
        raise TrainError(
            f"the encoder's training needs PyTorch and its company ({err}); install torch==2.13.0 and then "
            "schoolwatch[train], or train the linear model alone with --small"
        ) from err
    return train_encoder(corpus, school, seed, kept, tell)


def _unseen(name: str, school: School, fit: Fit, sources: list[Logits], scored: Bools) -> _Engine:
    """The scores of texts from heads that had not seen them, put together as the engine does."""
    scores: list[dict[str, float]] = [{} for _ in school.texts]
    places = [
        place
        for place, part in enumerate(school.parts)
        if scored[part.owner] and not (part.sentence and len(sources) > 1)  # embedded reads no sentence alone
    ]
    found = fit.probabilities(
        [source.public[places] for source in sources], [source.school[places] for source in sources]
    )
    for place, row in zip(places, found.tolist(), strict=True):
        part = school.parts[place]
        combine(scores[part.owner], part, dict(zip(fit.labels, row, strict=True)))
    lines = len(school.texts) - len(school.company)
    areas = {}
    for label in fit.labels:
        if label in PUBLIC_HEADS:
            truth = np.concatenate([np.full(lines, np.nan), school.company[:, PUBLIC_HEADS.index(label)]])
        else:
            truth = school.truth[:, SCHOOL_HEADS.index(label)].copy()
            truth[lines:] = np.nan
        known = np.flatnonzero(~np.isnan(truth) & scored)
        areas[label] = auc(truth[known], np.array([scores[i][label] for i in known]))
    return _Engine(name, fit, scored, scores, areas)


def _left_out(
    corpus: Corpus, school: School, engine: _Engine
) -> tuple[list[Line], list[dict[str, float]], list[dict[str, float]]]:
    """What thresholds are chosen by: lines, their scores, and the scores of harmless public comments."""
    number = len(corpus.lines)
    places = np.flatnonzero(engine.scored)
    calm = ~(school.company == 1).any(1)
    return (
        [corpus.lines[i] for i in places if i < number],
        [engine.scores[i] for i in places if i < number],
        [engine.scores[i] for i in places if i >= number and calm[i - number]],
    )


def _as_toml(fit: Fit) -> str:
    rows = [
        "# Written by `schoolwatch train`: how the logits of both models become probabilities (heads.Fit)."
    ]
    for name, heads, table in (
        ("public", fit.public_heads, fit.public),
        ("school", fit.school_heads, fit.school),
    ):
        rows += ["", f"[{name}]"]
        rows += [
            f"{head} = [{', '.join(f'{value:.6g}' for value in row)}]"
            for head, row in zip(heads, table.tolist(), strict=True)
        ]
    return "\n".join(rows) + "\n"


def _assemble(corpus: Corpus, public: Public, school: School, fit: Fit, seed: int) -> Model:
    """Fold what was learned into the tables that the linear engine reads."""
    size = school.vectors.shape[1]
    words, *others = school.heads.sparse
    # A head that is linear in word vectors is one more weight a word.
    sparse: list[Array] = [words + (school.vectors @ school.heads.dense[:size]).T, *others]
    return Model(
        public=Group(
            PUBLIC_HEADS,
            tuple(quantised(s, w) for s, w in zip(PUBLIC_SPECS, public.heads.sparse, strict=True)),
            public.heads.bias,
        ),
        school=Group(
            SCHOOL_HEADS,
            tuple(quantised(s, w) for s, w in zip(SCHOOL_SPECS, sparse, strict=True)),
            school.heads.bias,
        ),
        stack=school.heads.dense[size:],
        centre=school.centre,
        spread=school.spread,
        public_fit=fit.public,
        school_fit=fit.school,
        lexicon=Concepts.source(),
        facts={**corpus.hashes, "seed": str(seed)},
    )
