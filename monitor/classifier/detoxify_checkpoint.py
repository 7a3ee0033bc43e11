"""A released Detoxify checkpoint, loaded by the real package: verified, offline, and compared with what it held.

The package unpickles whatever it is given, asks the hub for configurations, and fills weights that a checkpoint
lacks with random numbers without a word; each of these is shut here. torch and transformers are imported when the
first such engine is loaded, and never before.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from io import BufferedIOBase
from itertools import count
from pathlib import Path
from typing import Any

from monitor.classifier.engine import EngineError
from monitor.classifier.models import digest, verified
from monitor.classifier.released import ReleasedModel

# Kept by old releases of transformers, and used by no network since: a table of 0, 1, 2 ..., and a layer behind which
# RoBERTa's classifiers do not stand.
_UNUSED = re.compile(r".*\.embeddings\.position_ids|roberta\.pooler\.dense\.(weight|bias)")


def load(model: ReleasedModel, folder: Path) -> tuple[Any, str]:
    """The package's Detoxify object, and the SHA-256 of its checkpoint. Raises EngineError."""
    path = folder / model.checkpoint.name
    try:
        _refuse_altered(model, folder)
        with path.open("rb") as file:
            found = digest(file)
            if not found.startswith(model.checkpoint.sha256):
                raise EngineError(_altered(model, path.name))
            file.seek(
                0
            )  # the very bytes that were verified are unpickled, whatever happens to the path meanwhile
            return _loaded(model, folder, file), found
    except FileNotFoundError as err:
        raise EngineError(f"{model.name} lacks {err.filename}; {_again(model)}") from None
    except OSError as err:
        raise EngineError(f"{model.name} cannot be read: {err.strerror or err}") from err


def _refuse_altered(model: ReleasedModel, folder: Path) -> None:
    for file in model.vocabulary:
        if not verified(file, folder):
            raise EngineError(_altered(model, file.name))
    for name, content in model.written.items():
        if (folder / name).read_bytes() != content.encode():
            raise EngineError(_altered(model, name))


def _altered(model: ReleasedModel, name: str) -> str:
    return f"{name} of {model.name} is not what was released; {_again(model)}"


def _again(model: ReleasedModel) -> str:
    return f"run: schoolwatch model fetch {model.name}"


def _loaded(model: ReleasedModel, folder: Path, file: BufferedIOBase) -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is imported
    try:
        import torch
        from detoxify import Detoxify
        from transformers.utils import logging
    except ImportError as err:
        raise EngineError(
            f"{model.name} needs packages that are not installed ({err.name or err}); docs/detoxify.md says how"
        ) from err
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    slip = _Slip()
    try:
        checkpoint = torch.load(file, map_location="cpu", weights_only=False)
        weights = _held[slip.number] = checkpoint["state_dict"]
        detoxify = Detoxify(checkpoint=_pointed_at(folder, checkpoint["config"], slip))
    except Exception as err:  # a broken file may fail in any of three packages, with anything
        raise EngineError(f"the checkpoint of {model.name} cannot be loaded: {type(err).__name__}") from err
    finally:
        _held.pop(slip.number, None)
    _compare(model, detoxify, weights)
    return detoxify


def _pointed_at(folder: Path, config: Mapping[str, Any], slip: _Slip) -> io.BytesIO:
    """A checkpoint for Detoxify to unpickle, whose configuration is our folder instead of a name at the hub.

    It holds a reference to the weights, not the weights: written out and read again they would take three times
    the memory while loading (1.6 GB instead of 0.8 for BERT-base).
    """
    import torch

    named = {
        "arch": {"args": {**config["arch"]["args"], "model_type": str(folder)}},
        "dataset": config["dataset"],
    }
    written = io.BytesIO()
    torch.save({"config": named, "state_dict": slip}, written)
    written.seek(0)
    return written


_held: dict[int, Any] = {}
_numbers = count()


class _Slip:
    """Pickles as a number; unpickled in this process it is what `_held` has under it."""

    def __init__(self) -> None:
        self.number = next(_numbers)

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return _held.__getitem__, (self.number,)


def _compare(model: ReleasedModel, detoxify: Any, weights: Mapping[str, Any]) -> None:
    """Raises EngineError unless the network holds the checkpoint's weights, all of them and no other."""
    import torch

    network = detoxify.model.state_dict()
    missing = sorted(network.keys() - weights.keys())
    unknown = sorted(name for name in weights.keys() - network.keys() if not _UNUSED.fullmatch(name))
    changed = sorted(
        name for name in network.keys() & weights.keys() if not torch.equal(network[name], weights[name])
    )
    for names, what in (
        (missing, "lacks weights of its network"),
        (unknown, "has weights that its network does not know"),
        (changed, "was not taken over whole by its network"),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise EngineError(f"the checkpoint of {model.name} {what}: {names[0]}{more}; {_again(model)}")
    if {*detoxify.class_names} != {*model.labels}:
        raise EngineError(f"the checkpoint of {model.name} has other labels than were released")
    if len(detoxify.tokenizer) != detoxify.model.config.vocab_size:
        # transformers makes a tokeniser of five words without complaint where it finds no vocabulary.
        raise EngineError(f"the vocabulary of {model.name} does not fit its network")
