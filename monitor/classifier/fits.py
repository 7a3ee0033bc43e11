"""Calibration: from logits of texts that nothing had seen to the rows of heads.Fit, for one source or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.classifier.heads import PUBLIC_HEADS, SCHOOL_HEADS, Fit
from monitor.classifier.learn import calibrate
from monitor.classifier.tables import Array, Bools, Floats


@dataclass(frozen=True, slots=True)
class Logits:
    """What one model says of texts: (texts, public heads) and (texts, school heads)."""

    public: Floats
    school: Floats

    def of(self, texts: Bools) -> Logits:
        """Those of some of the texts."""
        return Logits(self.public[texts], self.school[texts])


def fitted(sources: Sequence[Logits], truth: Array, public_truth: Array, weight: Array) -> Fit:
    """Platt's fit of every head over all sources. `truth`, `public_truth` are 1, 0 or NaN where nobody knows."""
    schools = [source.school for source in sources]
    harm = [school[:, -1] for school in schools]
    school_rows = []
    for head in range(len(SCHOOL_HEADS) - 1):
        columns = [*(school[:, head] for school in schools), *harm]
        school_rows.append(_row(columns, truth[:, head], weight[:, head]))
    harm_row = _row(harm, truth[:, -1], weight[:, -1])
    school_rows.append(np.concatenate([harm_row[:-1], np.zeros(len(harm)), harm_row[-1:]]))
    public_rows = []
    for head, name in enumerate(PUBLIC_HEADS):
        columns = [*(source.public[:, head] for source in sources), *harm]
        # The school heads have read harmless school talk, Welsh included; the public heads have not.
        own = [school[:, SCHOOL_HEADS.index(name)] for school in schools] if name in SCHOOL_HEADS else []
        row = _row([*columns, *own], public_truth[:, head], np.ones(len(public_truth)))
        missing = np.zeros(len(schools) - len(own))
        public_rows.append(np.concatenate([row[:-1], missing, row[-1:]]))
    return Fit(PUBLIC_HEADS, SCHOOL_HEADS, np.array(public_rows), np.array(school_rows))


def _row(columns: Sequence[Array], truth: Array, weight: Array) -> Floats:
    known = ~np.isnan(truth)
    return calibrate(np.stack(columns, axis=1)[known], truth[known], weight[known])
