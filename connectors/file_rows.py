"""The rows of a JSON lines or CSV file, each with the bytes it was made from, so that a reader can stop after
any of them and go on there. One bad row costs only itself.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

BOM = b"\xef\xbb\xbf"

FIELD_LIMIT = 8 * 1024 * 1024
"""Longest CSV cell, in characters. A quote that is never closed stops here instead of swallowing the file."""

Final = Callable[[bytes], bool]
"""Answers whether an end of file without a line break is the end, or a row that somebody is still writing."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: `raw` bytes as read, `line` its number (from 1), `height` the lines it spans.

    Either `values` or `problem` (words after "file:line: ") is set; neither on a blank line. `whole` is False
    for an end of file that may still be being written: it is given, but the position stays before it.
    """

    raw: bytes
    line: int
    height: int = 1
    values: dict[str, Any] | None = None
    problem: str | None = None
    whole: bool = True


class BadHeader(ValueError):
    """A CSV file whose first row names no field; the message says what is wrong."""


def json_rows(file: BinaryIO, line: int, final: Final) -> Iterator[RawRow]:
    """Read JSON lines from the file's position, which is the start of line `line`."""
    for number, raw in enumerate(iter(file.readline, b""), start=line):
        words = raw.removeprefix(BOM) if number == 1 else raw
        if not words.strip():
            yield RawRow(raw, number)
            continue
        values, problem = _json_object(words)
        whole = values is not None or raw.endswith(b"\n") or final(raw)
        yield RawRow(raw, number, values=values, problem=problem, whole=whole)


def _json_object(raw: bytes) -> tuple[dict[str, Any] | None, str | None]:
    try:
        values = json.loads(raw.decode())
    except UnicodeDecodeError as err:
        return None, f"the line is not UTF-8 at its byte {err.start + 1}"
    except json.JSONDecodeError as err:
        return None, f"the line is not JSON ({err.msg} at character {err.pos + 1})"
    except (ValueError, RecursionError):
        return None, "the line is JSON too large or too deep to be an item"
    if not isinstance(values, dict):
        return None, "the line is JSON, but no object"
    return values, None


def csv_header(file: BinaryIO, known: frozenset[str]) -> tuple[list[str], bytes, int]:
    """Read the header row from the start of the file: the column names, its bytes, the lines it spans.

    Names are trimmed and in lower case. Raises BadHeader where none of them is `known`; without it a file in
    another layout would become items that hold nothing. An empty file gives no names.
    """
    _allow_long_cells()
    for row in _csv_cells(file, 1, lambda _raw: True):
        if row.cells is None:
            raise BadHeader(row.problem or "the header row cannot be read")
        names = [name.strip().casefold() for name in row.cells]
        if not known.intersection(names):
            raise BadHeader(
                "the header row names no field of an item, or its columns are not separated by commas"
            )
        return names, row.raw, row.height
    return [], b"", 0


def csv_rows(file: BinaryIO, line: int, header: list[str], final: Final) -> Iterator[RawRow]:
    """Read CSV rows from the file's position, which is the start of line `line`."""
    _allow_long_cells()
    for row in _csv_cells(file, line, final):
        values: dict[str, Any] | None = None
        problem = row.problem
        if row.cells:
            values = dict(zip(header, row.cells, strict=False))
            problem = _misfit(row.raw, len(row.cells), len(header))
        yield RawRow(row.raw, row.line, row.height, None if problem else values, problem, whole=row.whole)


def _misfit(raw: bytes, cells: int, columns: int) -> str | None:
    try:
        raw.decode()
    except UnicodeDecodeError as err:
        return f"the row is not UTF-8 at its byte {err.start + 1}"
    if cells > columns:
        return f"the row has {cells} cells where the header names {columns}; quote the cells that hold commas"
    return None


@dataclass(frozen=True, slots=True)
class _Cells:
    raw: bytes
    line: int
    height: int
    cells: list[str] | None
    problem: str | None
    whole: bool


def _csv_cells(file: BinaryIO, line: int, final: Final) -> Iterator[_Cells]:
    """Rows as cells. A row that cannot be parsed costs its first line only: the search goes on after it, or a
    single quote too many would swallow every row to the end of the file."""
    offset = file.tell()
    while True:
        taken: list[bytes] = []
        cells, problem = _next_cells(file, taken, line)
        if not taken:
            return
        raw = b"".join(taken)
        whole = raw.endswith(b"\n") or final(raw)
        if problem and whole:
            raw, taken = taken[0], taken[:1]
            file.seek(offset + len(raw))
        yield _Cells(raw, line, len(taken), cells, problem, whole)
        offset += len(raw)
        line += len(taken)


def _next_cells(file: BinaryIO, taken: list[bytes], line: int) -> tuple[list[str] | None, str | None]:
    def lines() -> Iterator[str]:
        for raw in iter(file.readline, b""):
            taken.append(raw)
            words = raw.removeprefix(BOM) if line == 1 and len(taken) == 1 else raw
            yield words.decode("utf-8", "surrogateescape")

    try:
        return next(csv.reader(lines(), strict=True), None), None
    except csv.Error as err:
        return None, f"the row is not CSV ({err})"


def _allow_long_cells() -> None:
    """The limit is the whole process's; it is only ever raised."""
    if csv.field_size_limit() < FIELD_LIMIT:
        csv.field_size_limit(FIELD_LIMIT)
