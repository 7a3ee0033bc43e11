"""What the store promises on both databases: schools never cross, migrations are the tables, the chain tells."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, UniqueConstraint, delete, insert, select, text, update

from alerts import outbox
from alerts.kinds import AlertKind
from connectors.errors import AuthExpired
from connectors.item import ItemKind
from monitor import storage
from monitor.domain.case import EventKind
from monitor.pipeline.act import act
from monitor.pipeline.review import review
from monitor.storage import (
    cases,
    decisions,
    events,
    items,
    migrate,
    outages,
    set_asides,
    tables,
    threads,
    verdicts,
)
from monitor.storage.database import Database
from monitor.storage.migrate import NewerDatabase
from tests.fakes import TUESDAY, Build, World, comment, reply, school

METADATAS: tuple[MetaData, ...] = (tables.metadata, outbox.metadata)
ALL_TABLES = [table for metadata in METADATAS for table in metadata.sorted_tables]
A, B = "ash", "elm"


# Tenancy, by the shape of the tables


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_carries_its_school(table: Table) -> None:
    column = table.c.get("school_id")
    assert column is not None, "a table without school_id could cross schools"
    assert not column.nullable


def test_the_school_is_first_in_every_key_and_index() -> None:
    assert wrongly_keyed(*ALL_TABLES) == []


def wrongly_keyed(*all_of: Table) -> list[str]:
    """Keys and indexes that do not begin with the school; an id of its own as primary key is allowed."""
    found = []
    for table in all_of:
        keys = [[column.name for column in index.columns] for index in table.indexes]
        keys += [
            [column.name for column in one.columns]
            for one in table.constraints
            if isinstance(one, UniqueConstraint)
        ]
        primary = [column.name for column in table.primary_key.columns]
        if primary != ["id"]:
            keys.append(primary)
        found += [f"{table.name}{tuple(key)}" for key in keys if key[:1] != ["school_id"]]
    return found


def test_the_check_of_keys_sees_a_wrong_one() -> None:
    from sqlalchemy import Column, Index, String

    wrong = Table(
        "wrongs",
        MetaData(),
        Column("name", String, primary_key=True),
        Column("school_id", String),
        Column("day", String, unique=True),
        Index("i", "day", "school_id"),
    )
    assert sorted(wrongly_keyed(wrong)) == ["wrongs('day', 'school_id')", "wrongs('day',)", "wrongs('name',)"]


def test_ids_are_never_reused_and_tables_are_named_in_the_plural() -> None:
    for table in ALL_TABLES:
        assert table.name.endswith("s")
        if [column.name for column in table.primary_key.columns] == ["id"]:
            assert table.dialect_options["sqlite"]["autoincrement"], table.name
            assert table.c.id.identity is not None, table.name


# Migrations


def differences(db: Database) -> list[Any]:
    with db.read() as conn, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SQLite cannot tell the order of an index's expressions
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, list(METADATAS)))  # type: ignore[arg-type]


def test_the_migrations_make_exactly_the_tables(db: Database) -> None:
    assert differences(db) == []


def test_a_column_that_no_migration_makes_is_seen(db: Database) -> None:
    with db.write() as conn:
        conn.execute(text("ALTER TABLE outages ADD COLUMN whim INTEGER"))
    assert any("whim" in str(one) for one in differences(db))


def test_migrating_twice_is_a_no_op(db: Database) -> None:
    with db.write() as conn:
        events.append(conn, A, "case:1", [("opened", TUESDAY, {})])
    assert migrate.upgrade(db) == (migrate.head(), migrate.head())
    assert migrate.upgrade(db) == (migrate.head(), migrate.head())
    with db.read() as conn:
        assert len(events.of_subject(conn, A, "case:1")) == 1


def test_an_empty_database_is_migrated_from_nothing(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'new' / 'schoolwatch.db'}")
    assert migrate.upgrade(db) == (None, migrate.head())
    assert differences(db) == []
    db.close()


def test_a_database_of_a_newer_version_is_refused_with_a_sentence_and_left_alone(db: Database) -> None:
    with db.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match=r"9999.*install the newer version"):
        migrate.upgrade(db)
    with db.read() as conn:
        assert migrate.revision(conn) == "9999"


# Two schools with the same remote ids


@pytest.fixture
def two(build: Build) -> World:
    """Ash has had everything happen to it; Elm has the same page with one calm comment of the same ids."""
    world = build(school(A), school(B))
    site = world.installation.sites[0]
    old = TUESDAY - timedelta(days=30)
    for source in ("page", "news"):
        world.give(comment("old", "rude", created_at=old, account=source), source=source, school_id=A)
    world.fail(AuthExpired("the token has run out"), school_id=A)
    world.give(
        comment("1", "you are rude", parent_id="post", post_id="post"),
        comment("2", "urgent", parent_id="post", post_id="post"),
        comment("3", "thanks", parent_id="post", post_id="post"),
        comment("4", "bad \x00 byte"),
        comment("5", "an author nobody can store", author_id="y" * 600),
        school_id=A,
    )
    world.later(minutes=5)
    world.give(
        reply("6", to="1", created_at=world.now),
        reply("7", to="post", post_id="post", kind=ItemKind.COMMENT, created_at=world.now),
        school_id=A,
    )
    act(site, 1, EventKind.DECIDED, "mod", world.now)
    with world.db.read() as conn:
        (rude,) = items.find(conn, A, "1")
    flagged = next(number for number, item in _cases_of(world, A).items() if item == rude)
    assert review(site, flagged, "mod", world.now, rightly=False) is not None
    world.later(days=1)
    world.engine.broken = True
    world.give(comment("8"), school_id=A)
    world.engine.broken = False
    world.give(comment("1", "When is the fair?", created_at=world.now), school_id=B)
    return world
    return world


def _cases_of(world: World, school_id: str) -> dict[int, int]:
    with world.db.read() as conn:
        numbers = [row.number for row in cases.rows(conn, school_id, open_only=False)]
        return cases.item_ids(conn, school_id, numbers)


@dataclass(frozen=True, slots=True)
class Ids:
    """Everything by which a row of one school could be asked for."""

    items: list[int]
    versions: list[int]
    sources: list[int]
    subjects: list[str]
    numbers: list[int]
    mails: list[int]
    threads: list[str]
    digests: list[str]


def ids_of(conn: Connection, school_id: str) -> Ids:
    def those(column: Any) -> list[Any]:
        query = select(column).where(column.table.c.school_id == school_id).order_by(column).distinct()
        return list(conn.execute(query).scalars())

    return Ids(
        items=those(tables.items.c.id),
        versions=those(tables.item_versions.c.id),
        sources=those(tables.sources.c.id),
        subjects=[*those(tables.events.c.subject), *those(tables.outages.c.subject)],
        numbers=those(tables.cases.c.number),
        mails=those(outbox.mails.c.id),
        threads=those(tables.items.c.thread_key),
        digests=those(tables.decisions.c.digest),
    )


WRITES = {
    "append", "append_case", "lock", "add", "add_verdict", "begin", "begin_watch", "bring_back", "claim",
    "close_notice", "dead", "deferred", "dropped", "end", "ensure_poll", "ensure_source", "failed",
    "forget_others", "judged", "keep", "make_due", "page_read", "remember", "restart", "save", "send_again", "sent",
    "store", "summarised", "tell", "told", "wait",
}  # fmt: skip
"""Public functions that change rows; what they may change is asked below."""


def public_reads() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of the store and the outbox that reads a school's rows."""
    modules = [outbox]
    modules += [
        importlib.import_module(f"{storage.__name__}.{one.name}")
        for one in pkgutil.iter_modules(storage.__path__)
        if not one.ispkg
    ]
    for module in modules:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            takes = inspect.signature(function).parameters
            if function.__module__ != module.__name__ or name.startswith("_") or name in WRITES:
                continue
            if "conn" in takes and ("school_id" in takes or "row" in takes):
                yield f"{module.__name__}.{name}", function


def arguments(name: str, of: Ids, now: datetime) -> list[Any]:
    """What to ask with, for a parameter of that name: the ids of another school, or what selects everything."""
    far = now + timedelta(days=9999)
    known: dict[str, list[Any]] = {
        "now": [far],
        "start": [datetime(1970, 1, 2, tzinfo=UTC)],
        "end": [far],
        "until": [far],
        "since": [datetime(1970, 1, 2, tzinfo=UTC)],
        "before": [far],
        "limit": [1000],
        "item_id": of.items,
        "item_ids": [of.items],
        "source_id": of.sources,
        "number": of.numbers,
        "numbers": [of.numbers],
        "subject": of.subjects,
        "mail_id": of.mails,
        "batch": [1, 2],
        "platform": ["fake"],
        "source": ["page", "news"],
        "after": [0],
        "thread_key": of.threads,
        "external_id": ["1", "2", "old", "post"],
        "names": [frozenset({"page", "news"})],
        "digests": [of.digests],
        "open_only": [False, True],
        "waiting_only": [False, True],
    }
    assert name in known, f"tell this test what to ask with for {name}"
    return known[name]


def answers_to(
    function: Callable[..., Any], conn: Connection, asking: str, with_ids: tuple[Ids, ...], now: datetime
) -> list[Any]:
    """All answers that one school gets when it asks with these ids."""
    takes = inspect.signature(function).parameters
    if "row" in takes:
        rows = [outbox._mail_row(row, row.attempt) for row in conn.execute(select(outbox.mails))]
        return [function(conn, replace(row, school_id=asking)) for row in rows if row.school_id == asking]
    asked: list[dict[str, Any]] = [{}]
    for name in takes:
        if name not in ("conn", "school_id"):
            values = [value for of in with_ids for value in arguments(name, of, now)]
            asked = [{**one, name: value} for one in asked for value in values]
    return [function(conn, asking, **one) for one in asked]


def test_no_answer_to_one_school_depends_on_what_another_has(two: World) -> None:
    """Elm asks everything, with its own ids and with Ash's; then the whole of Ash goes, and Elm asks again."""
    with two.db.read() as conn:
        of_a, of_b = ids_of(conn, A), ids_of(conn, B)
        before = {name: repr(answers_to(one, conn, B, (of_a, of_b), two.now)) for name, one in public_reads()}
    with two.db.write() as conn:
        for table in reversed(ALL_TABLES):
            conn.execute(delete(table).where(table.c.school_id == A))
    with two.db.read() as conn:
        after = {name: repr(answers_to(one, conn, B, (of_a, of_b), two.now)) for name, one in public_reads()}
    assert {name for name in before if before[name] != after[name]} == set()
    assert len(before) > 35, "that many functions read"


def test_a_school_that_asks_with_anothers_ids_gets_only_its_own(two: World) -> None:
    with two.db.read() as conn:
        of_a, of_b = ids_of(conn, A), ids_of(conn, B)
        assert not set(of_a.items) & set(of_b.items)
        assert items.current(conn, B, of_a.items) == {}
        assert verdicts.latest_verdicts(conn, B, of_a.items) == {}
        assert [cases.number_of(conn, B, one) for one in of_a.items] == [None] * len(of_a.items)
        assert [outbox.by_id(conn, B, one) for one in of_a.mails] == [None] * len(of_a.mails)
        assert set(items.find(conn, B, "1")) == set(of_b.items)
        assert {one.id for one in threads.thread(conn, B, "fake", "1")} <= set(of_b.items)
        assert all(set_asides.of_batch(conn, B, one, 1) == [] for one in of_a.sources)
        assert outages.running(conn, B) == []


def test_the_same_remote_ids_are_items_cases_and_mails_of_their_own(two: World) -> None:
    with two.db.read() as conn:
        (of_a,) = items.find(conn, A, "1")
        (of_b,) = items.find(conn, B, "1")
        assert of_a != of_b
        texts = [items.current(conn, one, [item])[item].text for one, item in ((A, of_a), (B, of_b))]
        assert texts == ["you are rude", "When is the fair?"]
        assert [row.number for row in cases.rows(conn, B, open_only=False)] == [1]
        kinds = {row.kind for row in outbox.rows(conn, B)}
        assert AlertKind.FLAGGED.value not in kinds
        ids = [row.message_id for one in (A, B) for row in outbox.rows(conn, one)]
        assert len(ids) == len(set(ids))
        assert events.first_broken(conn, A) is None
        assert events.first_broken(conn, B) is None


def test_what_one_school_writes_with_anothers_ids_changes_nothing_there(two: World) -> None:
    def everything(conn: Connection) -> str:
        found = [conn.execute(select(table).where(table.c.school_id == A)).all() for table in ALL_TABLES]
        return repr(found)

    later = two.now + timedelta(days=99)
    with two.db.write() as conn:
        before, of_a = everything(conn), ids_of(conn, A)
        notices = list(conn.execute(select(tables.notices.c.id)).scalars())
        ended = list(conn.execute(select(tables.outages.c.id)).scalars())
        waiting = list(conn.execute(select(tables.set_asides.c.id)).scalars())
        for item in of_a.items:
            verdicts.judged(conn, B, item, 99, "deleted", later)
        for one in notices:
            assert not cases.close_notice(conn, B, one, "void") or one not in _notices_of(conn, A)
        cases.summarised(conn, B, of_a.numbers)
        for outage in ended:
            outages.end(conn, B, outage, later)
            outages.told(conn, B, outage, later)
        for source in of_a.sources:
            set_asides.tell(conn, B, source, waiting)
        for mail in of_a.mails:
            assert not outbox.send_again(conn, B, mail, later)
        some = conn.execute(select(tables.verdicts).where(tables.verdicts.c.school_id == A)).first()
        for digest in of_a.digests:
            assert some is not None
            decisions.remember(conn, B, digest, some, rightly=True, now=later)
        assert everything(conn) == before


def _notices_of(conn: Connection, school_id: str) -> list[int]:
    query = select(tables.notices.c.id).where(tables.notices.c.school_id == school_id)
    return list(conn.execute(query).scalars())


# The chain of events


@pytest.fixture
def chained(db: Database) -> Database:
    """Ash and Elm with six events each, written in turn."""
    for number in range(6):
        for one in (A, B):
            with db.write() as conn:
                at = TUESDAY + timedelta(microseconds=number)
                events.append(conn, one, f"case:{number % 2}", [("opened", at, {"n": number})])
    return db


def broken(db: Database, school_id: str = A) -> int | None:
    with db.read() as conn:
        return events.first_broken(conn, school_id)


def tamper(db: Database, statement: Any) -> None:
    with db.write() as conn:
        assert conn.execute(statement).rowcount == 1


def event(seq: int, school_id: str = A) -> tuple[Any, ...]:
    return (tables.events.c.school_id == school_id, tables.events.c.seq == seq)


def test_an_untouched_chain_is_unbroken(chained: Database) -> None:
    assert broken(chained, A) is None
    assert broken(chained, B) is None
    assert broken(chained, "a-school-without-events") is None


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"n": 99}},
        {"kind": "closed"},
        {"subject": "case:9"},
        {"at": TUESDAY + timedelta(days=1)},
        {"at": TUESDAY + timedelta(microseconds=3)},
        {"hash": "0" * 64},
    ],
    ids=["its data", "its kind", "its subject", "its moment", "its moment by a microsecond", "its hash"],
)
def test_the_chain_tells_when_an_event_was_changed(chained: Database, change: dict[str, Any]) -> None:
    tamper(chained, update(tables.events).where(*event(3)).values(**change))
    assert broken(chained) == 3
    assert broken(chained, B) is None


@pytest.mark.parametrize("seq", [1, 3, 6], ids=["the first", "one within", "the last"])
def test_the_chain_tells_when_an_event_was_removed(chained: Database, seq: int) -> None:
    tamper(chained, delete(tables.events).where(*event(seq)))
    assert broken(chained) == seq


def test_the_chain_tells_when_an_event_was_inserted(chained: Database) -> None:
    values = {"school_id": A, "seq": 7, "subject": "case:1", "kind": "decided", "at": TUESDAY, "data": {}}
    with chained.write() as conn:
        conn.execute(insert(tables.events).values(**values, hash="f" * 64))
    assert broken(chained) == 7


def test_the_chain_tells_when_two_events_changed_places(chained: Database) -> None:
    for old, new in ((2, 100), (3, 2), (100, 3)):
        tamper(chained, update(tables.events).where(*event(old)).values(seq=new))
    assert broken(chained) == 2


def test_the_chain_tells_when_an_event_was_moved_to_another_school(chained: Database) -> None:
    tamper(chained, delete(tables.events).where(*event(6, B)))
    tamper(chained, update(tables.events).where(*event(6)).values(school_id=B))
    assert broken(chained, B) == 6
    assert broken(chained, A) == 6


def test_the_chain_tells_when_its_head_was_put_back(chained: Database) -> None:
    tamper(chained, delete(tables.events).where(*event(6)))
    mine = update(tables.chains).where(tables.chains.c.school_id == A)
    tamper(chained, mine.values(seq=5))
    assert broken(chained) == 6, "the head's hash is still that of the sixth"


def test_the_chain_goes_on_after_what_a_failed_transaction_took_back(chained: Database) -> None:
    def fail() -> None:
        with chained.write() as conn:
            events.append(conn, A, "case:1", [("decided", TUESDAY, {})])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with chained.write() as conn:
        events.append(conn, A, "case:1", [("decided", TUESDAY, {})])
    assert broken(chained) is None


# Times and ids


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 29, 1, 30, 0, 123_457, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    ],
    ids=["an odd microsecond", "the epoch", "just before it", "the last of all", "the first of all"],
)
def test_times_come_back_exact(db: Database, moment: datetime) -> None:
    with db.write() as conn:
        events.append(conn, A, "case:1", [("opened", moment, {"at": moment.isoformat()})])
    with db.read() as conn:
        (row,) = events.of_subject(conn, A, "case:1")
        assert events.first_broken(conn, A) is None
    assert row.at == moment
    assert row.at.utcoffset() == timedelta(0)
    assert datetime.fromisoformat(row.data["at"]) == moment


def test_an_id_is_never_given_twice_even_after_the_last_row_is_deleted(db: Database) -> None:
    def one_more() -> int:
        with db.write() as conn:
            return outages.begin(conn, A, "engine:fake", "down", TUESDAY).id

    given = set()
    for _ in range(3):
        last = one_more()
        assert last not in given
        given.add(last)
        with db.write() as conn:
            conn.execute(delete(tables.outages))
