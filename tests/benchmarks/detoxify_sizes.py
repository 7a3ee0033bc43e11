"""Detoxify at its full size, with random weights: what its architectures cost, where its weights cannot be fetched.

    write("detoxify-original", folder)                  # BERT-base; detoxify-unbiased is RoBERTa-base
    engine = opened("detoxify-original", folder)
    given = texts(24, 320)
    engine.score(given)                                 # as in service, without the embedded engine beside it
    plain(engine, given)                                # the package alone, in batches of 32

The vocabularies are small and know every word of `texts` as one token, as the released ones know common words, so the
other engines can be given the same texts. The memory of the embeddings is missing (94 MB of BERT-base, 154 MB of
RoBERTa-base); they are looked up, and cost no time.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from pathlib import Path

from monitor.classifier.detoxify import DetoxifyEngine
from tests.checkpoints import BASE, WORDS, Size, make

_ENDS = 2  # tokens that stand before and after every text


def write(name: str, folder: Path, size: Size = BASE) -> None:
    """Make the model of that name below `folder`, its network at full size: 340 MB."""
    made = make(name, folder, size)
    (folder / f"{name}.made").write_bytes(pickle.dumps(made))


def opened(name: str, folder: Path) -> DetoxifyEngine:
    """The engine of that name, from what `write` made; what loads it is as large as where it is used."""
    return DetoxifyEngine(pickle.loads((folder / f"{name}.made").read_bytes()), folder)  # noqa: S301  our own file


def full_size(name: str, folder: Path, size: Size = BASE) -> DetoxifyEngine:
    """Both at once."""
    write(name, folder, size)
    return opened(name, folder)


def texts(tokens: int, count: int) -> list[str]:
    """That many texts of that many tokens each in both vocabularies, always the same."""
    chosen = random.Random(tokens)
    return [" ".join(chosen.choices(WORDS, k=tokens - _ENDS)) for _ in range(count)]


def plain(engine: DetoxifyEngine, given: Sequence[str], batch: int = 32) -> None:
    """Score texts as somebody who calls the package would: in batches as they come, uncut."""
    for first in range(0, len(given), batch):
        engine._detoxify.predict(list(given[first : first + batch]))
