"""Labelled texts from anybody's file, a few at a time: CSV or JSON lines, gzipped or not.

A row that is wrong is counted, named and set aside; the others go on. Nothing of the file is kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, TextIO

from monitor.classifier.columns import Columns, truth_of
from monitor.classifier.corpus import line_of
from monitor.classifier.heads import HARMFUL
from monitor.domain.verdict import Category, Severity

_LONGEST_FIELD = 10_000_000
_NAMED = 10


class LabelledError(Exception):
    """A file that cannot be evaluated, in one sentence."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text with what people said of it, from `line` of its file.

    `truth`: label to whether it is so, where that is known. `harm`: the file's one label. `function`, `target`: of a
    functional test. `category`, `severity`: of a written line.
    """

    line: int
    text: str
    truth: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    harm: bool | None = None
    function: str | None = None
    target: str | None = None
    category: Category | None = None
    severity: Severity | None = None


@dataclass(slots=True)
class SetAside:
    """Rows that were wrong: how many, and the first of them as sentences."""

    number: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, line: int, why: str) -> None:
        self.number += 1
        if len(self.first) < _NAMED:
            self.first.append(f"line {line}: {why}")


class LabelledFile:
    """A file to read once, in a `with`. `aside` fills while it is read. Raises LabelledError.

    `known`: the engine's labels. `split`: only rows whose column `split` says so.
    """

    def __init__(
        self,
        path: Path,
        known: Collection[str],
        *,
        text: str | None = None,
        label: str | None = None,
        split: str | None = None,
    ) -> None:
        self.path = path
        self.aside = SetAside()
        self.bytes = path.stat().st_size
        self._split = split
        self._raw: BinaryIO = path.open("rb")
        try:
            self._stream = self._opened()
            self._rows = self._all_rows()
            first = next(self._rows, None)
            if first is None:
                raise LabelledError(f"{path} has no rows")
            self._first = first
            self.columns = Columns.among([name for name in first[1] if name], known, text, label)
            if split is not None and self.columns.split is None:
                raise ValueError("has no column split; leave --split out")
        except ValueError as err:
            self.close()
            raise LabelledError(f"{path} {err}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> LabelledFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def read(self) -> int:
        """How many of its bytes have been read so far."""
        return self._raw.tell()

    def batches(self, size: int) -> Iterator[list[Labelled]]:
        """The texts, `size` at a time."""
        texts = self._labelled()
        while batch := list(islice(texts, size)):
            yield batch

    def _labelled(self) -> Iterator[Labelled]:
        line, row = self._first
        while True:
            try:
                if self._split is None or row.get(self.columns.split) == self._split:
                    yield self._one(line, row)
            except ValueError as err:
                self.aside.add(line, str(err))
            following = next(self._rows, None)
            if following is None:
                return
            line, row = following

    def _one(self, line: int, row: Mapping[Any, Any]) -> Labelled:
        """Raises ValueError with what is wrong with the row."""
        if None in row:
            raise ValueError("has more fields than the first line")
        columns = self.columns
        text = row.get(columns.text)
        if not isinstance(text, str) or not text.strip():
            raise ValueError("has no text")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("holds bytes that are no UTF-8") from None
        if columns.written:
            return _written(line, row)
        truth = {
            head: said for name, head in columns.labels.items() if (said := truth_of(name, row)) is not None
        }
        harm = None if columns.harm is None else truth_of(columns.harm, row)
        if harm is None and not truth:
            raise ValueError("has no label")
        function, target = (_word(row, name) for name in (columns.function, columns.target))
        return Labelled(line, text, truth, harm, function, target)

    def _opened(self) -> TextIO:
        zipped = self.path.suffix == ".gz"
        unzipped = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw
        # Bytes that are no UTF-8 are told from others by their stand-ins, so that only their rows are set aside.
        return io.TextIOWrapper(unzipped, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def _all_rows(self) -> Iterator[tuple[int, Mapping[Any, Any]]]:
        """Rows with their lines, whatever is in them."""
        suffixes = [suffix for suffix in self.path.suffixes if suffix != ".gz"]
        lines = self._json_rows() if suffixes[-1:] in ([".jsonl"], [".ndjson"]) else self._csv_rows()
        try:
            yield from lines
        except (OSError, EOFError, zlib.error) as err:
            raise LabelledError(f"{self.path} breaks off: {err}; fetch it again") from err

    def _csv_rows(self) -> Iterator[tuple[int, Mapping[Any, Any]]]:
        csv.field_size_limit(_LONGEST_FIELD)
        reader = csv.DictReader(self._stream)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as err:
                self.aside.add(reader.line_num, f"cannot be read: {err}")
            else:
                yield reader.line_num, row

    def _json_rows(self) -> Iterator[tuple[int, Mapping[Any, Any]]]:
        for line, said in enumerate(self._stream, 1):
            if not said.strip():
                continue
            try:
                row = json.loads(said)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                yield line, row
            else:
                self.aside.add(line, "is no JSON object")


def _word(row: Mapping[Any, Any], name: str | None) -> str | None:
    said = None if name is None else row.get(name)
    return str(said).strip() or None if said is not None else None


def _written(line: int, row: Mapping[Any, Any]) -> Labelled:
    """A school line: what it is of is known, and of a harmless one that it is nothing harmful."""
    try:
        found = line_of(row)
    except (KeyError, ValueError, TypeError, AttributeError) as err:
        raise ValueError(f"is no written line: {err}") from None
    truth = {} if found.harm else dict.fromkeys(HARMFUL, False)
    if found.category is not None:
        truth[found.category.value] = True
    return Labelled(line, found.text, truth, found.harm, category=found.category, severity=found.severity)
