"""The training data, read and checked."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monitor.classifier.heads import PUBLIC_HEADS
from monitor.classifier.tables import Floats
from monitor.domain.verdict import Category, Severity

EXAMPLES = Path(__file__).parent / "examples"

_RENAMED = {"harassment_bullying": Category.BULLYING, "third_party_concern": Category.CONCERN}
_NO_CATEGORY = frozenset({"chat", "lookalike", "other_language"})
_UNALARMING = frozenset({Category.SPAM, Category.UNDER_13})


class TrainError(Exception):
    """Data that are missing or are not what they should be, in one sentence."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A public comment: `labels` (six, in the order of PUBLIC_HEADS) 1, 0 or NaN; `dev` held out; its `source`."""

    text: str
    labels: tuple[float, ...]
    dev: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A written school line; `category` None for a harmless one that is like nothing in particular.

    `harm`: people should be told, which nobody is of spam, nor at once of a child too young for its account.
    Lines of one `scenario` are alike, so they are left out of a training together.
    """

    text: str
    harm: bool
    category: Category | None
    severity: Severity
    scenario: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything there is to learn from, and the SHA-256 of each file it came from."""

    comments: tuple[Comment, ...]
    templates: tuple[Comment, ...]
    lines: tuple[Line, ...]
    hashes: dict[str, str]

    @classmethod
    def read(cls, data_dir: Path, examples: Path = EXAMPLES) -> Corpus:
        """Read the data folder and the written examples, a file or a folder of them. Raises TrainError."""
        if not data_dir.is_dir():
            raise TrainError(f"there is no data folder {data_dir}")
        toxicity, templates = data_dir / "toxicity.csv.gz", data_dir / "identity_templates.csv.gz"
        written = sorted(examples.glob("*.jsonl")) if examples.is_dir() else [examples]
        return cls(
            tuple(_comment(row) for row in _csv(toxicity, {"text", "split", *PUBLIC_HEADS})),
            tuple(_template(row) for row in _csv(templates, {"phrase", "toxicity"})),
            tuple(line for path in written for line in _lines(path)),
            {path.name: _hash(path) for path in (toxicity, templates, *written)},
        )


def wanted(comments: Sequence[Comment]) -> Floats:
    """The labels of comments, (comments, 6)."""
    return np.array([comment.labels for comment in comments], dtype=np.float64).reshape(-1, len(PUBLIC_HEADS))


def _csv(path: Path, columns: set[str]) -> Iterator[dict[str, str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = columns - set(reader.fieldnames or ())
            if missing:
                raise TrainError(f"{path} has no column {', '.join(sorted(missing))}")
            yield from reader
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as err:
        raise TrainError(f"{path} cannot be read: {err}") from err


def _comment(row: dict[str, str]) -> Comment:
    try:
        labels = tuple(float(row[head]) if row[head] else float("nan") for head in PUBLIC_HEADS)
    except (ValueError, TypeError) as err:
        raise TrainError(f"a label in toxicity.csv.gz is neither 1, 0 nor empty: {err}") from err
    return Comment(row["text"], labels, row["split"] == "dev", row.get("src") or "")


def _template(row: dict[str, str]) -> Comment:
    toxic = 1.0 if row["toxicity"] == "toxic" else 0.0
    rest = () if toxic else (0.0,) * 5
    return Comment(row["phrase"], (toxic, *(rest or (float("nan"),) * 5)), False)


def line_of(row: Mapping[str, Any]) -> Line:
    """A written line from its JSON. Raises KeyError, ValueError, TypeError or AttributeError on what is none."""
    name = row["category"]
    category = None if name in _NO_CATEGORY else _RENAMED.get(name) or Category(name)
    harm = bool(row["harm"]) and category not in _UNALARMING
    severity = Severity.parse(row["severity"])
    return Line(row["text"], harm, category, severity, row.get("scenario") or row["text"])


def _lines(path: Path) -> Iterator[Line]:
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield line_of(json.loads(line))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise TrainError(f"{path} cannot be read: {err}") from err


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
