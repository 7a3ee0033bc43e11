"""Which columns of a labelled file hold what, by the names that people give them, and what a label says."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.classifier.heads import HARMFUL, PUBLIC_HEADS

TEXTS = (
    "text",
    "test_case",
    "comment_text",
    "comment",
    "phrase",
    "sentence",
    "tweet",
    "content",
    "message",
    "body",
)
"""Columns that hold the text, the first of them that there is."""

OVERALL = (
    *(
        "label_gold",
        "label",
        "harm",
        "harmful",
        "toxic",
        "hateful",
        "is_hate",
        "hate",
        "offensive",
        "abusive",
    ),
    *("is_toxic", "flagged"),
)
"""Columns that hold the one label of a file."""

HATEFUL = ("toxicity", "insult", "identity_attack", "threat")
"""The labels whose highest score is measured against a label that says hateful or not, toxic or not."""

_ALIASES = {"toxic": "toxicity", "severe_toxic": "severe_toxicity", "identity_hate": "identity_attack"}
_TARGETS = ("target_ident", "target")
_ANY_HARM = ("harm", "harmful")
_YES = frozenset(
    {"true", "yes", "toxic", "hateful", "hate", "harmful", "harm", "offensive", "abusive", "spam"}
)
_NO = frozenset({"false", "no", "none", "normal", "neutral", "clean", "harmless", "benign", "ham", "ok"})
_NEGATED = re.compile(r"(?:non|not|un)[- ]?(\w+)")
_UNKNOWN = frozenset({"", "nan", "na", "null", "-1", "-1.0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column is what. `labels`: column to the engine's label. `harm`: the column of the one label;
    `harm_labels`: whose highest score is measured against it."""

    text: str
    labels: Mapping[str, str]
    harm: str | None
    harm_labels: tuple[str, ...]
    function: str | None
    target: str | None
    split: str | None
    written: bool = False

    @classmethod
    def among(
        cls, names: Sequence[str], known: Collection[str], text: str | None, label: str | None
    ) -> Columns:
        """Those of a file with columns of these names, for an engine with these labels; `text` and `label` where
        they were named. Raises ValueError."""
        there = ", ".join(names) or "none"
        for named in (text, label):
            if named is not None and named not in names:
                raise ValueError(f"has no column {named}; its columns: {there}")
        text = text or next((name for name in TEXTS if name in names), None)
        if text is None:
            raise ValueError(f"has no column of texts; name it with --text (its columns: {there})")
        written = label is None and {"text", "harm", "category", "severity"} <= set(names)
        labels = {name: _ALIASES.get(name, name) for name in names if _ALIASES.get(name, name) in known}
        harm = label or next((name for name in OVERALL if name in names and name not in labels), None)
        if label is not None:
            labels = {name: head for name, head in labels.items() if name == label}
        elif harm is None and len(labels) == 1:
            harm = next(iter(labels))
        if harm is None and not labels:
            raise ValueError(f"has no column of labels; name it with --label (its columns: {there})")
        return cls(
            text=text,
            labels=labels,
            harm=harm,
            harm_labels=_harm_labels(harm, labels, known),
            function="functionality" if "functionality" in names else None,
            target=next((name for name in _TARGETS if name in names), None),
            split="split" if "split" in names else None,
            written=written,
        )


def _harm_labels(harm: str | None, labels: Mapping[str, str], known: Collection[str]) -> tuple[str, ...]:
    if harm is None:
        return ()
    if harm in labels:
        return (labels[harm],)
    wanted = (*PUBLIC_HEADS, *HARMFUL, "sexual_explicit") if harm in _ANY_HARM else HATEFUL
    return tuple(dict.fromkeys(label for label in wanted if label in known))


def truth_of(name: str, row: Mapping[Any, Any]) -> bool | None:
    """What a label says; None where it was not annotated. Raises ValueError."""
    said = row.get(name)
    word = "" if said is None else str(said).strip().lower().replace("_", "-")
    if word in _UNKNOWN:
        return None
    if word in _YES:
        return True
    negated = _NEGATED.fullmatch(word)
    if word in _NO or (negated and negated[1] in _YES):
        return False
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"its {name} is neither 1, 0 nor empty: {str(said)[:40]!r}")
    return share >= 0.5  # the share of annotators who said so
