"""The folder of models: what is in it, whether its bytes are those that were released, and how they come there."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedIOBase
from pathlib import Path

from monitor.classifier.released import ReleasedModel, RemoteFile

_BLOCK = 1024 * 1024

Heard = Callable[[str, int, int | None], None]
"""Told (file's name, bytes so far, bytes in all or None where nobody said)."""


class ModelError(Exception):
    """A model that could not be fetched, or that is not what was released; one sentence that says what to do."""


class State(StrEnum):
    """How a model stands in a folder."""

    ABSENT = "absent"
    INCOMPLETE = "incomplete"
    ALTERED = "altered"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Found:
    """A model in a folder. `files`: the names of those that are missing or altered; `size` in bytes."""

    model: ReleasedModel
    folder: Path
    state: State
    files: tuple[str, ...]
    size: int


def inspect(model: ReleasedModel, models: Path) -> Found:
    """How a model stands below the folder of models; reads all its bytes. Raises ModelError if it cannot."""
    folder = models / model.name
    try:
        missing = [name for name in _names(model) if not (folder / name).is_file()]
        altered = [
            file.name for file in model.fetched if file.name not in missing and not verified(file, folder)
        ]
        altered += [
            name
            for name, content in model.written.items()
            if name not in missing and (folder / name).read_bytes() != content.encode()
        ]
        size = sum((folder / name).stat().st_size for name in _names(model) if name not in missing)
    except OSError as err:
        raise ModelError(f"{err.filename or folder} cannot be read: {err.strerror or err}") from err
    if len(missing) == len(_names(model)):
        state = State.ABSENT
    elif altered:
        state = State.ALTERED
    else:
        state = State.INCOMPLETE if missing else State.VERIFIED
    return Found(model, folder, state, (*missing, *altered), size)


def verified(file: RemoteFile, folder: Path) -> bool:
    """Are the file's bytes those that were released? Raises OSError."""
    with (folder / file.name).open("rb") as stream:
        return digest(stream).startswith(file.sha256)


def digest(stream: BufferedIOBase) -> str:
    """The SHA-256 of all that an open file holds, in hex."""
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(model: ReleasedModel, models: Path, heard: Heard, *, source: Path | None = None) -> Path:
    """Bring a model into the folder of models; the folder it is in. Files that are there and verified stay.

    From `source`, a folder that holds its files, or from where it was released. A file gets its name when its hash
    is right, not before. Raises ModelError.
    """
    from monitor.classifier import download

    folder = models / model.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in model.fetched:
            target = folder / file.name
            if target.is_file() and verified(file, folder):
                heard(file.name, target.stat().st_size, target.stat().st_size)
                continue
            with _arriving(target) as part:
                if source is None:
                    download.into(part, file, heard)
                else:
                    _copy(_in(source, model, file.name), part, file, heard)
                _accept(part, target)
        for name, content in model.written.items():
            with _arriving(folder / name) as part:
                part.truncate(0)
                part.write(content.encode())
                _accept(part, folder / name)
    except OSError as err:
        raise ModelError(
            f"{err.filename or folder} cannot be written: {err.strerror or err}; "
            "look at the disk, or name another folder with --to"
        ) from err
    return folder


def _names(model: ReleasedModel) -> list[str]:
    return [*(file.name for file in model.fetched), *model.written]


def _in(source: Path, model: ReleasedModel, name: str) -> Path:
    """Where a folder has a file: directly, or below the model's name."""
    for path in (source / name, source / model.name / name):
        if path.is_file():
            return path
    wanted = ", ".join(file.name for file in model.fetched)
    raise ModelError(f"{source} has no {name}; it must hold {wanted}")


def _copy(path: Path, part: BufferedIOBase, file: RemoteFile, heard: Heard) -> None:
    part.truncate(0)
    try:
        with path.open("rb") as given:
            size, done = os.fstat(given.fileno()).st_size, 0
            while block := given.read(_BLOCK):
                part.write(block)
                done += len(block)
                heard(file.name, done, size)
    except PermissionError as err:
        raise ModelError(f"{path} cannot be read: {err.strerror}") from err
    found = digest(part)
    if not found.startswith(file.sha256):
        part.truncate(0)
        raise ModelError(
            f"{path} is not the released file: its SHA-256 begins with {found[:8]}, not {file.sha256[:8]}; "
            "download it again"
        )


@contextmanager
def _arriving(target: Path) -> Iterator[BufferedIOBase]:
    """A file beside the target, to fill, held against a second fetch. Left behind empty, it goes."""
    path = target.with_name(f".{target.name}.part")
    with path.open("a+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"{target.name} is being fetched already; wait until that has ended") from None
        try:
            yield part
        except OSError:
            part.truncate(0)  # a full disk stays full as long as we keep what did not fit
            raise
        finally:
            if path.exists() and os.fstat(part.fileno()).st_size == 0:
                path.unlink(missing_ok=True)


def _accept(part: BufferedIOBase, target: Path) -> None:
    part.flush()
    os.fsync(part.fileno())
    target.with_name(f".{target.name}.part").replace(target)
