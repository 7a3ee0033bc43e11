"""5,000 real comments through both doors and into both databases: the same judgement everywhere.

The comments are not in this repository: they are read from the folder `shared` beside it, or, where that is
missing, the examples written for this project stand in, repeated.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.schema import Account, Classifier, MailServer, School, Settings
from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from monitor.bootstrap import install
from monitor.once import PassResult, one_pass
from monitor.storage import cases, verdicts
from monitor.storage.database import Database
from monitor.storage.tables import items as items_table
from tests.fakes import FakeTransport, school

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "toxicity.csv.gz"
EXAMPLES = ROOT / "monitor" / "classifier" / "examples" / "uk_school.jsonl"
ROWS = 5_000
NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)

Judged = tuple[str, tuple[str, ...], str, datetime | None]


def texts() -> Iterator[str]:
    """Comments without end."""
    while True:
        if REAL.exists():
            with gzip.open(REAL, "rt", encoding="utf-8") as lines:
                yield from (row["text"] for row in csv.DictReader(lines))
        else:
            yield from (
                json.loads(line)["text"] for line in EXAMPLES.read_text(encoding="utf-8").splitlines()
            )


@pytest.fixture(scope="module")
def comments() -> list[tuple[str, str, datetime]]:
    """(id, text, time): all within the last day, so that each has a deadline of its own."""
    step = timedelta(seconds=14)  # whole seconds: a feed's times have no smaller ones
    found = zip(range(ROWS), texts(), strict=False)
    return [(f"c{n:04}", " ".join(text.split()), NOW - timedelta(hours=20) + n * step) for n, text in found]


def by_file(db: Database, comments: list[tuple[str, str, datetime]], folder: Path) -> PassResult:
    """The comments as lines of a file, as `schoolwatch once --items` takes them."""
    path = folder / "comments.jsonl"
    lines = [
        json.dumps({"external_id": one, "text": text, "created_at": at.isoformat()})
        for one, text, at in comments
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run(db, settings_of(school(accounts=(), watches=())), (path,))


def by_feed(db: Database, comments: list[tuple[str, str, datetime]], _folder: Path) -> PassResult:
    """The comments as entries of a feed on loopback."""
    posts = [Post(one, html.escape(text), title="", published=at) for one, text, at in comments]
    with FeedSimulator(posts, page_size=500) as site:
        options = {"url": site.url, "kind": "comment"}
        account = Account(name="blog", platform="feed", options=options)
        return run(db, settings_of(school(accounts=(account,), watches=())), ())


def settings_of(one: School) -> Settings:
    """The quick engine: what is shown here is that both doors lead to the same judgement, whatever it is."""
    return Settings(
        schools=(one,),
        mail=MailServer(sender="schoolwatch@school.example"),
        classifier=Classifier(engine="embedded-small"),
    )


def run(db: Database, settings: Settings, paths: tuple[Path, ...]) -> PassResult:
    installation = install(settings, {}, db=db, transport=FakeTransport())
    try:
        return one_pass(installation, "oakfield", paths, lambda: NOW, lambda _words: None)
    finally:
        installation.release()


def judged(db: Database) -> list[Judged]:
    with db.read() as conn:
        ids = {row.id: row.external_id for row in conn.execute(select(items_table))}
        due = {row.item_id: row.due_at for row in cases.rows(conn, "oakfield", open_only=False)}
        found = {}
        some = list(ids)
        for start in range(0, len(some), 500):
            found |= verdicts.latest_verdicts(conn, "oakfield", some[start : start + 500])
    return sorted(
        (ids[one], tuple(row.categories), row.severity or "unscored", due.get(one))
        for one, row in found.items()
    )


_SEEN: dict[str, list[Judged]] = {}


@pytest.mark.xdist_group("real_comments")
@pytest.mark.parametrize("way", [by_file, by_feed], ids=["file", "feed"])
def test_every_row_is_stored_and_judged_the_same_by_both_ways_on_both_databases(
    way: Any, db: Database, comments: list[tuple[str, str, datetime]], tmp_path: Path
) -> None:
    result = way(db, comments, tmp_path)
    assert (result.new, result.set_aside, result.unscored, result.failed) == (ROWS, 0, 0, {})
    found = judged(db)
    assert len(found) == ROWS
    assert sum(severity == "unscored" for _, _, severity, _ in found) == 0
    assert any(due is not None for *_, due in found)
    _SEEN.setdefault("first", found)
    assert found == _SEEN["first"]
