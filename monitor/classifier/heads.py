"""The heads that every embedded engine has, and how their logits become probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.classifier.tables import Floats

PUBLIC_HEADS = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")
"""Heads that learn from public comments."""

HARM = "harm"
"""The school head that asks only whether anything is wrong. It has the most examples, and no label of its own."""

HARMFUL = (
    *("adult_at_risk", "allegation", "bullying", "concern", "copyright", "data_breach", "disclosure"),
    *("exploitation", "grooming", "impersonation", "missing_child", "neglect", "radicalisation", "self_harm"),
    *("sextortion", "sexual", "sexual_explicit", "weapon", "threat", "insult", "identity_attack"),
)
"""School heads of harmful categories: they share out what the harm head gives."""

SCHOOL_HEADS = (*HARMFUL, "complaint", "query", "thanks", "spam", "media", "under_13", HARM)
"""Heads that learn from written school lines."""


@dataclass(frozen=True)
class Fit:
    """The calibration of the logits of one or more models (`sources`), heard together.

    `public_heads` and `school_heads` name the rows. A row of `school` (school heads, 2 x sources + 1) weighs the
    head's own logit in each source, then the harm head's in each, then adds an offset; a row of `public`
    (public heads, 3 x sources + 1) weighs between harm and offset the school head of the same name, too.
    """

    public_heads: tuple[str, ...]
    school_heads: tuple[str, ...]
    public: Floats
    school: Floats

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels that `probabilities` gives."""
        return self.public_heads + tuple(
            head for head in self.school_heads if head not in {HARM, *self.public_heads}
        )

    def probabilities(self, public: Sequence[Floats], school: Sequence[Floats]) -> Floats:
        """Calibrated scores (texts, labels) from each source's logits, (texts, public heads) and (texts, school heads).

        A label of the public heads hears the school head of the same name and the harm head. A harmful label of
        the school heads alone gets the probability of harm times how well it fits beside the best fitting one:
        there are many examples of harm, and few of each kind.
        """
        import numpy as np  # only when an engine is really wanted

        place = {head: number for number, head in enumerate(self.school_heads)}
        harm = [logits[:, place[HARM], None] for logits in school]
        fitted = _sigmoid(_weighed(self.school, (*school, *harm)))
        harmful = [place[head] for head in HARMFUL if head in place]
        fitted[:, harmful] *= fitted[:, place[HARM], None] / fitted[:, harmful].max(axis=1, keepdims=True)
        shared = [number for number, head in enumerate(self.public_heads) if head in place]
        same = [np.zeros_like(logits) for logits in public]
        for table, logits in zip(same, school, strict=True):
            table[:, shared] = logits[:, [place[self.public_heads[number]] for number in shared]]
        above = _sigmoid(_weighed(self.public, (*public, *harm, *same)))
        others = [place[label] for label in self.labels[len(self.public_heads) :]]
        # Rounded so that the last bits of another machine's exponential do not show.
        return np.asarray(np.round(np.minimum(np.hstack([above, fitted[:, others]]), 1.0), 6))


def _weighed(rows: Floats, terms: Sequence[Floats]) -> Floats:
    """Each head's weights (heads, terms + 1) on its terms, (texts, heads) or (texts, 1), and its offset."""
    # One after the other: a matrix product may round by the number of texts.
    total = rows[:, 0] * terms[0]
    for number, term in enumerate(terms[1:], start=1):
        total = total + rows[:, number] * term
    return total + rows[:, -1]


def _sigmoid(logits: Floats) -> Floats:
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40.0, 40.0))))
