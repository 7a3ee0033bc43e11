"""Training of embedded-small: `train(data_dir, out_dir)` writes its weights and its thresholds.

1. Public heads (toxicity, threat ...) learn from public comments and identity templates.
2. School heads (disclosure, grooming ...) learn from the written lines, with public comments as company that is
   none of it. They also hear the public heads, and know related words (kinship.py).
3. Five times a fifth of the lines is left out: scores of lines that no head has seen calibrate the heads
   (Platt) and choose the thresholds (choose.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monitor.classifier import choose
from monitor.classifier.concepts import Concepts
from monitor.classifier.corpus import EXAMPLES, PUBLIC_HEADS, Corpus, TrainError
from monitor.classifier.embedded import HARMFUL, WEIGHTS, probabilities
from monitor.classifier.learn import Array, auc
from monitor.classifier.stages import SCHOOL_HEADS, Public, School, train_public, train_school
from monitor.classifier.tables import FORMAT, PUBLIC_SPECS, SCHOOL_SPECS, Group, Model, quantised
from monitor.classifier.views import combine

__all__ = ["TrainError", "TrainReport", "train"]

Progress = Callable[[str, int, int], None]
"""Told (what, done, of)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What came of a training.

    `auc`: of the labels of public comments on the dev split, of the others on school lines; all of texts that no
    head had seen. `caught`, `urgent_caught`, `safeguarding_caught`, `harmless_flagged`, `harmless_serious` (high or
    urgent): shares of left-out school lines at the chosen thresholds; `public_flagged`: share of harmless comments
    of the dev split. `data`: SHA-256 of each file.
    """

    auc: dict[str, float]
    caught: float
    urgent_caught: float
    safeguarding_caught: float
    harmless_flagged: float
    harmless_serious: float
    public_flagged: float
    data: dict[str, str]
    version: str
    weights: Path
    thresholds: Path


def train(
    data_dir: Path,
    out_dir: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    examples: Path = EXAMPLES,
) -> TrainReport:
    """Train on a data folder (its README tells the files) and write weights and thresholds to `out_dir`.

    The same data and seed give the same bytes, on one machine with one number of BLAS threads (another number
    rounds sums of floats in another order). Raises TrainError.
    """
    tell = progress or (lambda _what, _done, _of: None)
    tell("reading", 0, 4)
    corpus = Corpus.read(data_dir, examples)
    _refuse_too_little(corpus)
    tell("public heads", 1, 4)
    public = train_public(corpus, seed)
    tell("school heads", 2, 4)
    school = train_school(corpus, public, seed, lambda done, of: tell("school folds", done, of))
    tell("thresholds", 3, 4)
    model = _assemble(corpus, public, school, seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    weights, thresholds = out_dir / WEIGHTS.name, out_dir / "thresholds.toml"
    content = model.packed()
    version = f"{FORMAT}-{hashlib.sha256(content).hexdigest()[:12]}"
    lines = len(corpus.lines)
    unseen = _unseen(model, school)
    calm = ~(school.company == 1).any(1)
    company = [scores for scores, harmless in zip(unseen[lines:], calm, strict=True) if harmless]
    found = choose.choose(corpus.lines, unseen[:lines], company)
    # Both at the end, each at once: nobody reads half a file, or new weights for minutes with old thresholds.
    for path, new in ((weights, content), (thresholds, choose.as_toml(found, version).encode())):
        half = path.with_name(f".{path.name}.new")
        half.write_bytes(new)
        half.replace(path)
    tell("done", 4, 4)
    return TrainReport(
        auc={
            **school.auc,
            **_areas(school, np.array([[s[n] for n in PUBLIC_HEADS] for s in unseen[lines:]])),
        },
        **found.rates,
        data=corpus.hashes,
        version=version,
        weights=weights,
        thresholds=thresholds,
    )


def _refuse_too_little(corpus: Corpus) -> None:
    kinds = {line.category for line in corpus.lines if line.harm}
    missing = [head for head in HARMFUL if head not in kinds]
    if missing:
        raise TrainError(f"the written examples have no line for: {', '.join(missing)}")
    if len({comment.dev for comment in corpus.comments}) < 2:
        raise TrainError("toxicity.csv.gz needs rows of both splits, train and dev")


def _unseen(model: Model, school: School) -> list[dict[str, float]]:
    """The scores of each text, from heads that had not seen it, put together as the engine does."""
    found: list[dict[str, float]] = [{} for _ in range(school.parts[-1].owner + 1)]
    for part, public, logits in zip(school.parts, school.public_logits, school.logits, strict=True):
        combine(found[part.owner], part, probabilities(model, public, logits))
    return found


def _areas(school: School, scores: Array) -> dict[str, float]:
    """How well the public labels of the company are told, (comments, public heads)."""
    found = {}
    for head, name in enumerate(PUBLIC_HEADS):
        known = ~np.isnan(school.company[:, head])
        found[name] = auc(school.company[known, head], scores[known, head])
    return found


def _assemble(corpus: Corpus, public: Public, school: School, seed: int) -> Model:
    """Fold what was learned into the tables that the engine reads."""
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
        public_fit=school.public_fit,
        school_fit=school.school_fit,
        lexicon=Concepts.source(),
        facts={**corpus.hashes, "seed": str(seed)},
    )
