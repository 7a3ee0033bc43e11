"""The column types that both stores share, against SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection
from sqlalchemy.exc import StatementError
from sqlalchemy.schema import CreateTable

from config.db import NAMING, NEVER_REUSED, JsonText, UtcTime, from_micros, id_column, to_micros

METADATA = MetaData(naming_convention=NAMING)
THINGS = Table(
    "things",
    METADATA,
    id_column(),
    Column("at", UtcTime, index=True),
    Column("facts", JsonText),
    **NEVER_REUSED,
)

ZONES = st.sampled_from([UTC, ZoneInfo("Europe/London"), timezone(timedelta(hours=-11, minutes=-30))])
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001  hypothesis adds the zones
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=ZONES,
    allow_imaginary=False,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        METADATA.create_all(connection)
        yield connection
    engine.dispose()


@given(MOMENTS)
def test_a_time_comes_back_exactly_and_in_utc(moment: datetime) -> None:
    found = from_micros(to_micros(moment))
    assert found - moment == timedelta()
    assert found.tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_stored_times_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (to_micros(one) < to_micros(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_first_and_the_last_moment_can_be_stored(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


def test_the_second_half_past_one_in_october_is_an_hour_after_the_first() -> None:
    first = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    assert to_micros(first.replace(fold=1)) - to_micros(first) == 3_600_000_000


def test_a_time_comes_back_from_the_database_to_the_microsecond(conn: Connection) -> None:
    moment = datetime(2026, 11, 20, 9, 0, 0, 123_457, tzinfo=ZoneInfo("Europe/London"))
    conn.execute(insert(THINGS).values(at=moment))
    assert conn.execute(select(THINGS.c.at).where(THINGS.c.at <= moment)).scalar_one() == moment
    assert conn.exec_driver_sql("SELECT at, typeof(at) FROM things").one() == (1795165200123457, "integer")


def test_no_time_is_null(conn: Connection) -> None:
    conn.execute(insert(THINGS).values(at=None, facts=None))
    assert conn.execute(select(THINGS.c.at, THINGS.c.facts)).one() == (None, None)
    assert (
        conn.exec_driver_sql("SELECT count(*) FROM things WHERE at IS NULL AND facts IS NULL").scalar() == 1
    )


def test_a_naive_time_is_refused_with_a_sentence(conn: Connection) -> None:
    with pytest.raises(StatementError, match="needs a time zone, and 2026-11-20T09:00:00 has none"):
        conn.execute(insert(THINGS).values(at=datetime(2026, 11, 20, 9)))  # noqa: DTZ001


def test_what_is_no_time_is_refused_with_a_sentence(conn: Connection) -> None:
    with pytest.raises(StatementError, match="must be a datetime, and this is a float"):
        conn.execute(insert(THINGS).values(at=1.5))


def test_a_time_beyond_utcs_years_is_refused_going_in_and_coming_out() -> None:
    west = timezone(timedelta(hours=-5))
    with pytest.raises(ValueError, match="must lie in the years 1 to 9999 of UTC"):
        to_micros(datetime(9999, 12, 31, 23, tzinfo=west))
    with pytest.raises(ValueError, match="lies outside the years 1 to 9999"):
        from_micros(2**63 - 1)


@given(JSON)
def test_json_comes_back_as_it_went_in(value: Any) -> None:
    kind = JsonText()
    dialect = postgresql.dialect()
    text = kind.process_bind_param(value, dialect)
    assert kind.process_result_value(text, dialect) == value
    assert text is None or (text.isascii() and "\x00" not in text)


def test_json_has_one_spelling_and_no_sign_a_database_refuses() -> None:
    value = {"b": "\ud800\x00", "a": [1, "é"]}
    assert (
        JsonText().process_bind_param(value, postgresql.dialect()) == r'{"a":[1,"\u00e9"],"b":"\ud800\u0000"}'
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        JsonText().process_bind_param([value], postgresql.dialect())


def test_an_id_is_never_given_twice(conn: Connection) -> None:
    first = conn.execute(insert(THINGS).values(facts={})).inserted_primary_key
    conn.execute(THINGS.delete())
    second = conn.execute(insert(THINGS).values(facts={})).inserted_primary_key
    assert first is not None
    assert second is not None
    assert second[0] > first[0]


def test_an_id_has_64_bits_in_both_databases(conn: Connection) -> None:
    conn.execute(insert(THINGS).values(id=2**62, facts=json.loads("{}")))
    assert conn.execute(select(THINGS.c.id)).scalar_one() == 2**62
    ddl = str(CreateTable(THINGS).compile(dialect=postgresql.dialect()))
    assert "id BIGINT GENERATED BY DEFAULT AS IDENTITY" in ddl
    assert "at BIGINT" in ddl


def test_every_constraint_has_a_name() -> None:
    assert {c.name for c in THINGS.constraints} == {"pk_things"}
    assert {index.name for index in THINGS.indexes} == {"ix_things_at"}
