"""How far one file has been read, and reading on from there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from connectors.file_items import FIELDS
from connectors.file_rows import RawRow, csv_header, csv_rows, json_rows

JSON_LINES = frozenset({".jsonl", ".ndjson", ".json"})
CSV = frozenset({".csv"})

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one file has been read: bytes and lines given, the digest of those bytes, the digest of an
    unfinished end that was given too, and the file's stamps when it was last read to its end."""

    offset: int = 0
    line: int = 1
    digest: str = hashlib.sha256().hexdigest()
    tail: str | None = None
    stamps: tuple[int, int] | None = None

    @classmethod
    def load(cls, stored: Any) -> Mark:
        match stored:
            case {"offset": int(offset), "line": int(line), "digest": str(digest)}:
                tail, stamps = stored.get("tail"), stored.get("stamps")
                return cls(offset, line, digest, tail, (stamps[0], stamps[1]) if stamps else None)
        return cls()

    def dump(self) -> dict[str, Any]:
        stamps = list(self.stamps) if self.stamps else None
        return {
            "offset": self.offset,
            "line": self.line,
            "digest": self.digest,
            "tail": self.tail,
            "stamps": stamps,
        }


def running_hash(file: BinaryIO, mark: Mark) -> Any:
    """The SHA-256 of the bytes given before, ready to go on; None where they are no longer the same bytes."""
    running = hashlib.sha256()
    left = mark.offset
    while left and (chunk := file.read(min(left, _CHUNK))):
        running.update(chunk)
        left -= len(chunk)
    return running if not left and running.hexdigest() == mark.digest else None


class Reading:
    """One file being read: its mark moves on with every row, and the running hash with it."""

    def __init__(self, path: Path, mark: Mark, running: Any) -> None:
        self.path = path
        self.mark = mark
        self._running = running
        self._tail = mark.tail

    def rows(self, file: BinaryIO) -> Iterator[RawRow]:
        """The rows from the mark on. Raises BadHeader."""
        if self.path.suffix.casefold() in CSV:
            file.seek(0)
            header, raw, height = csv_header(file, frozenset(FIELDS))
            if not raw.endswith(b"\n"):  # somebody is still writing it, and there are no rows yet
                return iter(())
            if not self.mark.offset:
                self.advance(RawRow(raw, 1, height))
            file.seek(self.mark.offset)
            return csv_rows(file, self.mark.line, header, self.was_given)
        file.seek(self.mark.offset)
        return json_rows(file, self.mark.line, self.was_given)

    def was_given(self, raw: bytes) -> bool:
        """Is this the unfinished end that an earlier poll gave, unchanged since?"""
        return self._tail is not None and hashlib.sha256(raw).hexdigest() == self._tail

    def advance(self, row: RawRow) -> None:
        if not row.whole:
            self.mark = replace(self.mark, tail=hashlib.sha256(row.raw).hexdigest())
            return
        self._running.update(row.raw)
        self.mark = replace(
            self.mark, offset=self.mark.offset + len(row.raw), line=self.mark.line + row.height, tail=None
        )

    def skip_all(self, file: BinaryIO) -> None:
        """Count the whole file as read: it is read again when somebody mends it."""
        file.seek(self.mark.offset)
        size = 0
        while chunk := file.read(_CHUNK):
            self._running.update(chunk)
            size += len(chunk)
        self.mark = replace(self.mark, offset=self.mark.offset + size, tail=None)
