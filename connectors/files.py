"""Reads items from JSON lines and CSV files: exports, hand-made lists, platforms without an API.

A file is read in pages and never twice: the checkpoint says per file how many bytes have been given, with a
digest of them. A file that grew is read on from there; one that shrank, was replaced or was edited anywhere
before that point no longer fits the digest and is read again (the store's upsert makes that harmless).
An end of file without a line break is given at once, but the position stays before it until a second poll
finds it unchanged, because somebody may still be writing it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import Field

from connectors.base import Checkpoint, Connector, Health, Options, Page, Rejected, SourceRef
from connectors.errors import ConnectorError, NotSupported, Permanent, PermissionMissing, Transient
from connectors.file_items import BadRow, BadTime, item_from_row
from connectors.file_reading import CSV, JSON_LINES, Mark, Reading, running_hash
from connectors.file_rows import BadHeader, RawRow
from connectors.item import Item

STREAM = "rows"
VERSION = 1

_TRUST_STAMPS_FROM = 4 * 1024 * 1024
"""Bytes from which an unchanged size and time stamp are believed without reading the file. Below it the digest
is always taken: two writes within one tick of the file system's clock leave the same stamps."""


class FilesOptions(Options):
    """`paths`: files or folders (of a folder every file with a known suffix, sorted, not its subfolders).
    `page_size`: rows a page."""

    paths: tuple[Path, ...] = Field(min_length=1)
    page_size: int = Field(default=500, ge=1)


@dataclass(slots=True)
class _Gathered:
    """What one page has so far."""

    room: int
    items: list[Item] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class FilesConnector(Connector):
    """Items from files. Needs no secret and holds nothing open between pages."""

    options_model = FilesOptions

    def __init__(self, source: SourceRef, options: FilesOptions, secrets: Mapping[str, str]) -> None:
        del secrets  # files need none
        self._source = source
        self._options = options
        self._hot: tuple[Path, str, Any] | None = None
        """Path, digest and running hash of where the last page stopped: saves reading the file's beginning again."""

    def streams(self) -> Sequence[str]:
        return (STREAM,)

    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        """Read up to `page_size` rows. Raises Permanent where a path does not exist, PermissionMissing where it
        may not be read, Transient where the disk fails."""
        del now
        if stream != STREAM:
            raise NotSupported(f"A files source has no stream named {stream!r}: use {STREAM!r}.")
        stored, begin = _load(checkpoint)
        paths = self._paths()
        if begin is None:
            self._hot = (
                None  # a new walk looks at everything anew: a file may have been edited since the last one
            )
        first = paths.index(begin) if begin in paths else 0
        marks = {path: Mark.load(stored.get(str(path))) for path in paths}
        page = _Gathered(self._options.page_size)
        following: Path | None = None
        # One longer than the paths: after the last file comes nothing, and so it does in an empty folder.
        for path, after in zip(paths[first:], [*paths[first + 1 :], None], strict=False):
            marks[path], ended = self._read(path, marks[path], page)
            if page.room <= 0:
                following = after if ended else path
                break
        return Page(
            items=tuple(page.items),
            partial_errors=tuple(page.rejected),
            checkpoint={
                "version": VERSION,
                "files": {str(path): mark.dump() for path, mark in marks.items()},
                "at": str(following) if following else None,
            },
            has_more=following is not None,
        )

    def check(self, now: datetime) -> Health:
        """Do the paths exist? Reads no row."""
        del now
        try:
            count = len(self._paths())
        except (Permanent, PermissionMissing) as err:
            return Health(ok=False, detail=str(err))
        return Health(ok=True, detail=f"{count} files to read")

    def _paths(self) -> list[Path]:
        found: dict[Path, None] = {}
        for path in self._options.paths:
            with _as_connector_errors(path):
                found.update(dict.fromkeys(_files_at(path)))
        return list(found)

    def _read(self, path: Path, mark: Mark, page: _Gathered) -> tuple[Mark, bool]:
        """Read on in one file; the new mark, and whether its end was reached."""
        with _as_connector_errors(path), path.open("rb") as file:
            stat = os.fstat(file.fileno())
            stamps = (stat.st_size, stat.st_mtime_ns)
            if stat.st_size >= _TRUST_STAMPS_FROM and mark.stamps == stamps and mark.tail is None:
                return mark, True
            running = self._running(path, file, mark, stat.st_size)
            if running is None:
                mark, running = Mark(), hashlib.sha256()
            if mark.offset == stat.st_size:
                return replace(mark, stamps=stamps), True
            reading = Reading(path, mark, running)
            ended = self._gather(file, reading, page)
            mark = replace(reading.mark, digest=running.hexdigest(), stamps=stamps if ended else None)
            self._hot = (path, mark.digest, running)
            return mark, ended

    def _running(self, path: Path, file: BinaryIO, mark: Mark, size: int) -> Any:
        if self._hot and self._hot[:2] == (path, mark.digest) and size >= mark.offset:
            return self._hot[2].copy()
        return running_hash(file, mark)

    def _gather(self, file: BinaryIO, reading: Reading, page: _Gathered) -> bool:
        """Take rows until the page is full or the file ends; True at its end."""
        try:
            for row in reading.rows(file):
                if page.room <= 0:
                    return False
                if row.values is not None or row.problem is not None:
                    self._take(row, reading, page)
                reading.advance(row)
        except BadHeader as err:
            file.seek(0)
            page.rejected.append(
                Rejected(f"{reading.path}:1: {err}; nothing of the file was read.", file.readline())
            )
            reading.skip_all(file)
        return True

    def _take(self, row: RawRow, reading: Reading, page: _Gathered) -> None:
        if reading.was_given(row.raw):
            return
        page.room -= 1
        problem = row.problem
        if row.values is not None:
            try:
                page.items.append(item_from_row(row.values, self._source))
                return
            except BadTime as err:
                page.items.append(err.item)
                problem = str(err)
            except (BadRow, ValueError) as err:
                problem = str(err)
        known = (row.values or {}).get("external_id")
        page.rejected.append(
            Rejected(f"{reading.path}:{row.line}: {problem}.", row.raw, str(known) if known else None)
        )


def _load(checkpoint: Checkpoint | None) -> tuple[Mapping[str, Any], Path | None]:
    """The stored marks and where the walk stands. Anything unreadable means: from the start."""
    match checkpoint:
        case {"version": 1, "files": dict(files), "at": str(at)}:
            return files, Path(at)
        case {"version": 1, "files": dict(files)}:
            return files, None
    return {}, None


def _files_at(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for child in sorted(path.iterdir()):
            if (
                child.suffix.casefold() in JSON_LINES | CSV
                and not child.name.startswith(".")
                and child.is_file()
            ):
                yield child
        return
    if not path.exists():
        raise Permanent(f"{path} does not exist: create it or correct the paths of this source.")
    if not path.is_file() or path.suffix.casefold() not in JSON_LINES | CSV:
        known = ", ".join(sorted(JSON_LINES | CSV))
        raise Permanent(
            f"{path} is neither a folder nor a file that ends in {known}: rename it or correct the paths."
        )
    yield path


@contextmanager
def _as_connector_errors(path: Path) -> Iterator[None]:
    failure: ConnectorError
    try:
        yield
        return
    except PermissionError:
        failure = PermissionMissing(f"{path} may not be read: give the service's user the right to read it.")
    except FileNotFoundError:
        failure = Transient(f"{path} went away while it was read: it is looked for again at the next poll.")
    except OSError as err:
        failure = Transient(
            f"{path} could not be read ({err.strerror or type(err).__name__}): look at the disk if it lasts."
        )
    raise failure
