"""What the tests of both trainings share: small tables and a made-up data folder."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from monitor.classifier import stages, tables
from monitor.classifier.heads import HARMFUL, PUBLIC_HEADS
from monitor.classifier.tables import Spec


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small tables: the training is the same, only quick."""
    public = (Spec("words", (1, 2), 8), Spec("chars", (2, 3), 8))
    school = (Spec("words", (1,), 8), Spec("chars", (2, 3), 8), Spec("concepts", (1, 2), 8, skip=2))
    for module in (stages, tables):
        monkeypatch.setattr(module, "PUBLIC_SPECS", public)
        monkeypatch.setattr(module, "SCHOOL_SPECS", school)
    monkeypatch.setattr("monitor.classifier.train.PUBLIC_SPECS", public)
    monkeypatch.setattr("monitor.classifier.train.SCHOOL_SPECS", school)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    # Without the time of writing: the same rows are the same bytes.
    with (
        gzip.GzipFile(path, "wb", mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", newline="") as stream,
    ):
        csv.writer(stream).writerows([header, *rows])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A made-up data folder: apples are toxic, pears are not."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = []
    for number in range(120):
        bad = number % 3 == 0
        labels = [str(int(bad))] * 6 if number % 5 else ["1" if bad else "0", "", "", "0", "", ""]
        text = f"{'apple' if bad else 'pear'} number {number} in the basket"
        rows.append([text, *labels, "made", "dev" if number % 4 == 0 else "train"])
    _write(folder / "toxicity.csv.gz", ["text", *PUBLIC_HEADS, "src", "split"], rows)
    phrases = [["t", "nontoxic", "Ann is a pear"], ["t", "toxic", "Ann is an apple"]] * 5
    _write(folder / "identity_templates.csv.gz", ["template", "toxicity", "phrase"], phrases)
    kinds = [*HARMFUL, "thanks", "query", "complaint", "spam", "media", "under_13", "lookalike", "chat"] * 6
    lines = [
        {
            "text": f"a {kind} of the {number}th kind",
            "harm": kind in HARMFUL,
            "category": kind,
            "severity": "high" if kind in HARMFUL else "none",
        }
        for number, kind in enumerate(kinds)
    ]
    (folder / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return folder
