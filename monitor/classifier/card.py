"""The model card: what was trained on what, how well it does on texts that it had not seen, and what is not reached."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor.classifier.corpus import Comment, Corpus, wanted
from monitor.classifier.disguise import WAYS, disguised
from monitor.classifier.embedded import Embedded
from monitor.classifier.embedded_small import WEIGHTS, EmbeddedSmall
from monitor.classifier.engine import Engine, Scores
from monitor.classifier.heads import PUBLIC_HEADS
from monitor.classifier.measures import auc, balanced_accuracy, calibration_error

if TYPE_CHECKING:
    from monitor.classifier.train import TrainReport

_ITEMS_A_WEEK, _HARMFUL_A_WEEK = 100, 1
_ALIKE = ("toxicity", "insult", "identity_attack", "threat")  # what HatemojiCheck calls hateful
_DISGUISED = 300  # toxic comments that are disguised in each way


def written(data_dir: Path, out_dir: Path, corpus: Corpus, reports: Sequence[TrainReport], seed: int) -> str:
    """The card's Markdown, from the engines that were just written to `out_dir`."""
    engines: list[Engine] = [EmbeddedSmall(out_dir / WEIGHTS.name), Embedded(out_dir)]
    dev = [comment for comment in corpus.comments if comment.dev]
    scores = {engine.name: engine.score([comment.text for comment in dev]) for engine in engines}
    return "\n".join(
        [
            "# The embedded engines",
            "",
            "Written by `schoolwatch train`; every figure is of texts that were left out of the training.",
            "",
            *_origin(corpus, reports, seed),
            *_goals(reports, dev, scores),
            *_areas(reports),
            *_six_labels(dev, scores),
            *_presets(reports),
            *_categories(reports),
            *_hatemoji(data_dir / "hatemoji_check.csv.gz", engines),
            *_hidden(dev, scores[engines[-1].name], engines[-1]),
        ]
    )


def _goals(
    reports: Sequence[TrainReport], dev: Sequence[Comment], scores: Mapping[str, Sequence[Scores]]
) -> list[str]:
    """What the engine was meant to reach, and where it stands on what could be measured here."""
    engine = reports[-1]
    rates = engine.rates["balanced"]
    six, _ = _six(dev, scores[engine.engine])
    goals = (
        ("mean AUC of six toxic labels, comments at natural rate", "0.985", f"{six:.3f} on the dev split"),
        ("urgent school lines caught", "95%", f"{rates['urgent_caught']:.0%} of those left out"),
        ("all harmful school lines caught", "90%", f"{rates['caught']:.0%} of those left out"),
        (
            "harmless school lines flagged, at most",
            "4%",
            f"{rates['harmless_flagged']:.1%} of those left out",
        ),
        ("flags kept under disguises", "90%", "see Disguises"),
        ("HateCheck, balanced accuracy", "0.72", "not measured: the set is not here; see HatemojiCheck"),
        ("HateCheck, neutral identity kept clean", "85%", "not measured"),
        ("a teenagers' forum, AUC", "0.935", "not measured"),
    )
    return [
        "## Goals",
        "",
        "The rules, which know numbers, names, plain words and hints, stand beside the engine and are not in these "
        "figures; docs/judgement.md has some with them.",
        "",
        *_table(("goal", "wanted", "here"), goals),
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def _origin(corpus: Corpus, reports: Sequence[TrainReport], seed: int) -> list[str]:
    harmful = sum(line.harm for line in corpus.lines)
    return [
        f"Seed {seed}. {len(corpus.lines):,} written school lines, {harmful:,} of them harmful; "
        f"{sum(not comment.dev for comment in corpus.comments):,} public comments, "
        f"{sum(comment.dev for comment in corpus.comments):,} more left out (the dev split). The encoder is "
        "all-MiniLM-L6-v2 (Apache-2.0), all layers fine-tuned, its weights of eight bits.",
        "",
        *_table(("engine", "version"), [(report.engine, report.version) for report in reports]),
        *_table(("data", "SHA-256"), sorted(corpus.hashes.items())),
    ]


def _areas(reports: Sequence[TrainReport]) -> list[str]:
    rows = [(label, *(f"{report.auc[label]:.3f}" for report in reports)) for label in sorted(reports[-1].auc)]
    return [
        "## Area under the curve, by label",
        "",
        "Toxic labels: comments of the dev split. All others: written lines left out by scenario. No figure is "
        "claimed for sexual_explicit: it has our own examples alone.",
        "",
        *_table(("label", *(report.engine for report in reports)), rows),
    ]


def _six(dev: Sequence[Comment], found: Sequence[Scores]) -> tuple[float, float]:
    """Mean AUC of the rows that have all six labels, and mean calibration error of all rows."""
    labels = wanted(dev)
    full = ~np.isnan(labels).any(1)
    table = np.array([[one[head] for head in PUBLIC_HEADS] for one in found])
    areas, errors = [], []
    for head in range(len(PUBLIC_HEADS)):
        known = ~np.isnan(labels[:, head])
        areas.append(auc(labels[full, head], table[full, head]))
        errors.append(calibration_error(labels[known, head], table[known, head]))
    return float(np.mean(areas)), float(np.mean(errors))


def _six_labels(dev: Sequence[Comment], scores: Mapping[str, Sequence[Scores]]) -> list[str]:
    number = int((~np.isnan(wanted(dev)).any(1)).sum())
    figures = {name: _six(dev, found) for name, found in scores.items()}
    return [
        f"## Six toxic labels, dev split ({number:,} rows with all six labels)",
        "",
        *_table(
            ("engine", "mean AUC", "mean calibration error"),
            [(name, f"{area:.4f}", f"{error:.3f}") for name, (area, error) in figures.items()],
        ),
    ]


def _presets(reports: Sequence[TrainReport]) -> list[str]:
    rows = []
    for report in reports:
        for preset, rates in report.rates.items():
            harmless = _ITEMS_A_WEEK - _HARMFUL_A_WEEK
            right = _HARMFUL_A_WEEK * rates["caught"]
            wrong = harmless * rates["harmless_flagged"]
            rows.append(
                (
                    report.engine,
                    preset,
                    f"{rates['urgent_caught']:.1%}",
                    f"{rates['safeguarding_caught']:.1%}",
                    f"{rates['caught']:.1%}",
                    f"{rates['harmless_flagged']:.1%}",
                    f"{rates['twins_flagged']:.1%}",
                    f"{right + wrong:.1f}",
                    f"{harmless * rates['harmless_serious']:.1f}",
                )
            )
    return [
        "## Presets",
        "",
        "Of written school lines, which are hard. Twins are harmless lines in nearly the words of a harmful one, there "
        "to teach; they are not among the harmless. The last two columns are "
        f"what a page with {_ITEMS_A_WEEK} items a week would hear, {_HARMFUL_A_WEEK} of them harmful, if all its "
        "items were as hard as these.",
        "",
        *_table(
            (
                "engine",
                "preset",
                "urgent caught",
                "safeguarding caught",
                "all harm caught",
                "harmless flagged",
                "twins flagged",
                "alarms a week",
                "of them false, high or urgent",
            ),
            rows,
        ),
    ]


def _categories(reports: Sequence[TrainReport]) -> list[str]:
    names = sorted(reports[-1].by_category)
    rows = [
        (name, *(f"{report.by_category[name][0]:.0%} of {report.by_category[name][1]}" for report in reports))
        for name in names
    ]
    return [
        "## Harmful lines flagged, by category (preset balanced)",
        "",
        *_table(("category", *(report.engine for report in reports)), rows),
    ]


def _hatemoji(path: Path, engines: Sequence[Engine]) -> list[str]:
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        cases = list(csv.DictReader(stream))
    truth = np.array([float(case["label_gold"]) for case in cases])
    rows, tables = [], {}
    for engine in engines:
        found = engine.score([case["text"] for case in cases])
        scores = np.array([max(one[label] for label in _ALIKE) for one in found])
        flagged = scores >= 0.5
        rows.append((engine.name, f"{auc(truth, scores):.3f}", f"{balanced_accuracy(truth, flagged):.3f}"))
        by_function: dict[str, list[bool]] = defaultdict(list)
        for case, right in zip(cases, flagged == (truth > 0), strict=True):
            by_function[case["functionality"]].append(bool(right))
        tables[engine.name] = {name: float(np.mean(right)) for name, right in by_function.items()}
    functions = [
        (name, *(f"{table[name]:.0%}" for table in tables.values()))
        for name in sorted(next(iter(tables.values())))
    ]
    return [
        f"## HatemojiCheck ({len(cases):,} cases), at a score of 0.5",
        "",
        *_table(("engine", "AUC", "balanced accuracy"), rows),
        *_table(("function", *(f"right, {name}" for name in tables)), functions),
    ]


def _hidden(dev: Sequence[Comment], scores: Sequence[Scores], engine: Engine) -> list[str]:
    """What disguises do to toxic comments that were flagged plainly."""
    chance = random.Random(0)  # noqa: S311  a draw that has to be the same each time
    plain = [
        comment.text
        for comment, found in zip(dev, scores, strict=True)
        if comment.labels[0] == 1 and found["toxicity"] >= 0.5 and len(comment.text) < 200
    ][:_DISGUISED]
    rows = []
    for way in WAYS:
        found = engine.score([disguised(text, way, chance) for text in plain])
        rows.append((way, f"{np.mean([one['toxicity'] >= 0.5 for one in found]):.1%}" if plain else "-"))
    return [
        f"## Disguises ({engine.name}): {len(plain)} toxic comments with a score of 0.5, which keep it",
        "",
        *_table(("disguise", "kept"), rows),
    ]
