"""The files connector: the contract over JSON lines and over CSV, and what only files have."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connector, Page, SourceRef
from connectors.errors import Permanent
from connectors.files import FilesConnector, FilesOptions
from connectors.item import ItemKind, ItemState
from tests.contract.suite import NOW, PAGE_SIZE, SCHOOL, ConnectorContract, Harness, Said, walk

SOURCE = SourceRef("st-marys", "our-source", "Europe/London")


class FilesHarness(Harness):
    states = frozenset(ItemState)

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[Said | datetime] = []
        self._write()

    def connector(self, patience_s: float = 30) -> Connector:
        return FilesConnector(SOURCE, FilesOptions(paths=(self.path,), page_size=PAGE_SIZE), {})

    def publish(self, *said: Said) -> None:
        self.said.extend(said)
        self._write()

    def edit(self, external_id: str, text: str) -> None:
        self.said = [
            replace(one, text=text) if isinstance(one, Said) and one.id == external_id else one
            for one in self.said
        ]
        self._write()

    def remove(self, external_id: str) -> None:
        self.said = [one for one in self.said if not (isinstance(one, Said) and one.id == external_id)]
        self._write()

    def publish_what_cannot_be_read(self, at: datetime) -> None:
        self.said.append(at)
        self._write()

    def rows(self) -> list[dict[str, Any]]:
        return [self._row(one) if isinstance(one, Said) else {"created_at": "yesterday"} for one in self.said]

    def _row(self, one: Said) -> dict[str, Any]:
        return {
            "external_id": one.id,
            "text": one.text,
            "created_at": one.at.isoformat(),
            "author_name": one.author,
            "author_is_school": one.author == SCHOOL,
            "parent_id": one.parent,
            "state": one.state.value,
        }

    def _write(self) -> None:
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows()))


class CsvHarness(FilesHarness):
    keeps_forbidden_characters = False

    def _write(self) -> None:
        out = io.StringIO(newline="")
        names = list(self._row(Said("")))
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows(self.rows())
        # CSV has no way to write a lone surrogate: what exports it writes U+FFFD, and here NUL goes the same way.
        self.path.write_bytes(
            out.getvalue().replace("\ud800", "\ufffd").replace("\x00", "\ufffd").encode("utf-8-sig")
        )


@contextmanager
def held(harness: FilesHarness) -> Iterator[FilesHarness]:
    yield harness


class TestJsonLines(ConnectorContract):
    def make(self, folder: Path):
        return held(FilesHarness(folder / "export.jsonl"))


class TestCsv(ConnectorContract):
    def make(self, folder: Path):
        return held(CsvHarness(folder / "export.csv"))


def reader(*paths: Path, page_size: int = 500) -> FilesConnector:
    return FilesConnector(SOURCE, FilesOptions(paths=paths, page_size=page_size), {})


def read(*paths: Path, checkpoint: Any = None, page_size: int = 500) -> Page:
    return reader(*paths, page_size=page_size).fetch("rows", checkpoint, NOW)


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def ids(page: Page) -> list[str]:
    return [item.external_id for item in page.items]


def test_reading_files_loads_no_network_library():
    code = "import sys, connectors.files; sys.exit(bool({'requests', 'urllib3', 'feedparser'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_field_of_an_item_may_be_given(jsonl):
    row = {
        "platform": "classdojo",
        "account": "year-3",
        "external_id": 17,
        "kind": "review",
        "text": "Good",
        "title": "T",
        "parent_id": "p",
        "post_id": "q",
        "thread_id": "r",
        "author_id": 5,
        "author_name": "N",
        "author_is_school": True,
        "created_at": 1772445600,
        "updated_at": 1772445600000,
        "permalink": "http://x.example/1",
        "url": "http://x.example/2",
        "attachments": ["http://x.example/a.jpg"],
        "rating": 4,
        "state": "hidden",
        "mood": "cheerful",
    }
    jsonl.write_text(json.dumps(row))
    (item,) = read(jsonl).items
    assert item.raw == row
    assert (item.platform, item.account, item.external_id, item.author_id) == (
        "classdojo",
        "year-3",
        "17",
        "5",
    )
    assert (item.kind, item.state, item.rating) == (ItemKind.REVIEW, ItemState.HIDDEN, 4.0)
    assert item.created_at == item.updated_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert item.attachments == ("http://x.example/a.jpg",)


def test_what_a_row_does_not_say_has_defaults(jsonl):
    jsonl.write_text('{"text": "hi"}\n{"text": "hi"}\n{"text": "ho"}\n')
    one, same, other = read(jsonl).items
    assert (one.platform, one.account, one.kind) == ("files/our-source", "our-source", ItemKind.COMMENT)
    assert one.external_id == same.external_id != other.external_id
    assert one.created_at is None


def test_a_time_without_a_zone_is_the_schools_and_the_first_of_two(jsonl):
    jsonl.write_text(
        '{"created_at": "2026-10-25T01:30:00"}\n{"created_at": "2026-07-01 09:00"}\n{"created_at": "2026-07-01T09:00Z"}'
    )
    assert [item.created_at for item in read(jsonl).items] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 7, 1, 9, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"text": "cut', "not JSON"),
        (b"[1, 2]", "no object"),
        (b'"words"', "no object"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"created_at": "soon"}', "created_at is not a time"),
        (b'{"created_at": true}', "created_at is not a time"),
        (b'{"created_at": 1e300}', "created_at is not a time"),
        (b'{"created_at": NaN}', "created_at is not a time"),
        (b'{"created_at": "0001-01-01T00:00:00+14:00"}', "created_at"),
        (b'{"kind": "shout"}', "kind is not one of"),
        (b'{"state": "lost"}', "state is not one of"),
        (b'{"text": 5}', "text is not text"),
        (b'{"external_id": 1.5}', "external_id is not text"),
        (b'{"external_id": true}', "external_id is not text"),
        (b'{"attachments": [1]}', "attachments is not a list"),
        (b'{"rating": "many"}', "rating is not a number"),
        (b'{"author_is_school": "perhaps"}', "author_is_school is neither"),
        (b'{"colour": "red"}', "none of the fields"),
        (b"[" * 100_000, "JSON"),
        (b'{"rating": ' + b"9" * 5000 + b"}", "JSON"),
    ],
    ids=range(20),
)
def test_a_bad_line_is_set_aside_by_name_and_number_and_the_rest_goes_on(jsonl, line, says):
    jsonl.write_bytes(b'{"external_id": "1"}\n' + line + b'\n{"external_id": "3"}\n')
    page = read(jsonl)
    assert ids(page) == ["1", "3"]
    (rejected,) = page.partial_errors
    assert rejected.raw == line + b"\n"
    assert rejected.reason.startswith(f"{jsonl}:2: ")
    assert says in rejected.reason


def test_words_whose_time_cannot_be_read_are_read_all_the_same_and_told_of(jsonl):
    jsonl.write_bytes(b'{"external_id": "1", "text": "help me", "created_at": "yesterday"}\n')
    page = read(jsonl)
    assert [(item.text, item.created_at) for item in page.items] == [("help me", None)]
    (rejected,) = page.partial_errors
    assert "created_at is not a time" in rejected.reason


def test_a_spreadsheets_british_time_is_a_time(jsonl):
    jsonl.write_text('{"created_at": "1/7/2026 09:00"}\n{"created_at": "28/03/2026"}\n')
    assert [item.created_at for item in read(jsonl).items] == [
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 3, 28, tzinfo=UTC),
    ]


def test_csv_holds_line_breaks_commas_and_long_cells(table):
    words = 'Dear school,\r\nplease "call" me.\n' * 20_000
    out = io.StringIO(newline="")
    csv.writer(out).writerows(
        [["External_ID ", "text", "attachments"], ["1", words, "http://a http://b"], ["2", "b"], []]
    )
    table.write_bytes(out.getvalue().encode("utf-8-sig"))
    one, two = read(table).items
    assert one.text == words
    assert one.attachments == ("http://a", "http://b")
    assert (two.external_id, two.text) == ("2", "b")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b"2,a,b,c,d", "5 cells"),
        (b'2,"a"b,', "not CSV"),
        (b'2,"a,', "not CSV"),
        (b"2,\xff,", "not UTF-8"),
        (b"2,,soon", "created_at"),
    ],
)
def test_a_bad_csv_row_costs_only_itself(table, row, says):
    table.write_bytes(b"external_id,text,created_at\n1,a,\n" + row + b"\n3,c,\n4,d,\n")
    page = read(table)
    assert ids(page) == ["1", "3", "4"]
    (rejected,) = page.partial_errors
    assert rejected.reason.startswith(f"{table}:3: ")
    assert says in rejected.reason
    assert rejected.raw == row + b"\n"


def test_a_csv_file_without_known_columns_is_one_complaint_not_a_thousand_empty_items(table):
    table.write_text("colour;mood\n" + "red;good\n" * 1000)
    page = read(table)
    assert ids(page) == []
    assert len(page.partial_errors) == 1
    assert not read(table, checkpoint=page.checkpoint).partial_errors


def test_a_file_that_grew_is_read_on_from_where_it_ended(jsonl):
    jsonl.write_text('{"external_id": "1"}\n')
    page = read(jsonl)
    with jsonl.open("a") as file:
        file.write('{"external_id": "2"}\n')
    assert ids(read(jsonl, checkpoint=page.checkpoint)) == ["2"]


@pytest.mark.parametrize(
    "after", ['{"external_id": "9"}\n', '{"external_id": "1", "text": "b"}\n{"external_id": "2"}\n', ""]
)
def test_a_file_that_shrank_or_was_replaced_is_read_again(jsonl, after):
    jsonl.write_text('{"external_id": "1", "text": "a"}\n{"external_id": "2"}\n')
    page = read(jsonl)
    jsonl.write_text(after)
    assert ids(read(jsonl, checkpoint=page.checkpoint)) == [
        json.loads(line)["external_id"] for line in after.splitlines()
    ]


def test_a_row_that_is_still_being_written_is_not_lost(jsonl):
    jsonl.write_text('{"external_id": "1"}\n{"external_id": "2", "te')
    first = read(jsonl)
    assert ids(first) == ["1"]
    jsonl.write_text('{"external_id": "1"}\n{"external_id": "2", "text": "whole"}\n')
    assert ids(read(jsonl, checkpoint=first.checkpoint)) == ["2"]


def test_a_last_row_that_never_gets_its_end_is_told_once(jsonl):
    jsonl.write_text('{"external_id": "1"}\n{"external_id": "2", "te')
    first = read(jsonl)
    assert len(first.partial_errors) == 1
    second = read(jsonl, checkpoint=first.checkpoint)
    third = read(jsonl, checkpoint=second.checkpoint)
    assert not second.partial_errors
    assert not third.partial_errors


def test_a_last_csv_row_without_a_line_break_is_given_at_once_and_whole_later(table):
    table.write_text("external_id,text\n1,a\n2,hel")
    first = read(table)
    assert ids(first) == ["1", "2"]
    assert ids(read(table, checkpoint=first.checkpoint)) == []
    table.write_text("external_id,text\n1,a\n2,hello\n3,c")
    assert [item.text for item in read(table, checkpoint=first.checkpoint).items] == ["hello", "c"]


def test_an_open_quote_at_the_end_costs_one_row_once_the_file_stands_still(table):
    table.write_text('external_id,text\n1,a\n2,"open\n3,c')
    first = read(table)
    assert ids(first) == ["1"]
    second = read(table, checkpoint=first.checkpoint)
    assert ids(second) == ["3"]
    assert ids(read(table, checkpoint=second.checkpoint)) == []


def test_a_header_that_is_still_being_written_waits(table):
    table.write_text("external_id,te")
    first = read(table)
    table.write_text("external_id,text\n1,a\n")
    assert ids(read(table, checkpoint=first.checkpoint)) == ["1"]


def test_a_folder_is_every_such_file_in_it_in_order(tmp_path):
    (tmp_path / "b.ndjson").write_text('{"external_id": "b"}\n')
    (tmp_path / "a.CSV").write_text("external_id\na\n")
    (tmp_path / "c.json").write_text('{"external_id": "c"}\n')
    (tmp_path / ".hidden.jsonl").write_text('{"external_id": "h"}\n')
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "deeper.jsonl").mkdir()
    assert ids(read(tmp_path)) == ["a", "b", "c"]
    assert ids(read(tmp_path, tmp_path / "c.json")) == ["a", "b", "c"]


def test_a_file_that_comes_into_the_folder_later_is_read(tmp_path):
    (tmp_path / "b.jsonl").write_text('{"external_id": "b"}\n')
    first = read(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"external_id": "a"}\n')
    (tmp_path / "b.jsonl").unlink()
    assert ids(read(tmp_path, checkpoint=first.checkpoint)) == ["a"]


@pytest.mark.parametrize("name", ["missing.jsonl", "missing"])
def test_a_path_that_does_not_exist_is_told_to_people(tmp_path, name):
    with pytest.raises(Permanent, match=r"does not exist.*\.$"):
        read(tmp_path / name)
    health = reader(tmp_path / name).check(NOW)
    assert not health.ok
    assert "does not exist" in health.detail


def test_a_file_of_another_kind_is_told_to_people(tmp_path):
    (tmp_path / "report.docx").write_text("x")
    with pytest.raises(Permanent, match=r"report\.docx"):
        read(tmp_path / "report.docx")


def test_a_long_file_is_read_once_not_once_a_page(jsonl):
    """The bytes before a page are hashed again only by a new connector; hashing them for each page of 2,000 would
    read 1.4 GB here."""
    jsonl.write_text(
        "".join(json.dumps({"external_id": str(n), "text": "x" * 300}) + "\n" for n in range(4000))
    )
    connector = reader(jsonl, page_size=2)
    count, checkpoint, more = 0, None, True
    while more:
        page = connector.fetch("rows", checkpoint, NOW)
        count, checkpoint, more = count + len(page.items), page.checkpoint, page.has_more
    assert count == 4000


def test_an_edit_is_seen_by_a_connector_that_lives_on(jsonl):
    connector = reader(jsonl)
    jsonl.write_text('{"external_id": "1", "text": "a"}\n')
    first = connector.fetch("rows", None, NOW)
    jsonl.write_text('{"external_id": "1", "text": "b"}\n')
    assert [item.text for item in connector.fetch("rows", first.checkpoint, NOW).items] == ["b"]


def test_walking_a_folder_page_by_page_gives_each_row_once(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text(
            "".join(f'{{"external_id": "{name}{n}"}}\n' for n in range(5))
        )

    class Folder(FilesHarness):
        def _write(self) -> None:
            """The files are there already."""

    done = walk(Folder(tmp_path), killed=True)
    assert done.ids == [f"{name}{n}" for name in "abc" for n in range(5)]
