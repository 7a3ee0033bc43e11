"""The heads that every embedded engine has, and how their logits become probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
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

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that `probabilities` gives."""
        return self.public_heads + tuple(
            head for head in self.school_heads if head not in {HARM, *self.public_heads}
        )

    def probabilities(self, public: Sequence[Floats], school: Sequence[Floats]) -> dict[str, float]:
        """Calibrated scores of one text from its logits, (public heads,) and (school heads,) of each source.

        A label of the public heads hears the school head of the same name and the harm head. A harmful label of
        the school heads alone gets the probability of harm times how well it fits beside the best fitting one:
        there are many examples of harm, and few of each kind.
        """
        own = [dict(zip(self.school_heads, map(float, logits), strict=True)) for logits in school]
        harm_logits = [logits[HARM] for logits in own]
        fitted = {
            head: _sigmoid(_weighed(row, [logits[head] for logits in own], harm_logits))
            for head, row in zip(self.school_heads, self.school.tolist(), strict=True)
        }
        harm = fitted.pop(HARM)
        harmful = [head for head in HARMFUL if head in fitted]
        best = max(fitted[head] for head in harmful)
        for head in harmful:
            fitted[head] *= harm / best
        heard = [[float(value) for value in logits] for logits in public]
        for place, (head, row) in enumerate(zip(self.public_heads, self.public.tolist(), strict=True)):
            same = [logits.get(head, 0.0) for logits in own]
            fitted[head] = _sigmoid(_weighed(row, [logits[place] for logits in heard], harm_logits, same))
        # Rounded so that the last bits of another machine's exponential do not show.
        return {head: round(min(value, 1.0), 6) for head, value in fitted.items()}


def _weighed(row: Sequence[float], *logits: Sequence[float]) -> float:
    *weights, offset = row
    return sum(w * v for w, v in zip(weights, (v for group in logits for v in group), strict=True)) + offset


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, logit))))
