"""The SQLAlchemy pieces that monitor/storage and alerts/outbox share: names and column types.

The only module of this room that imports SQLAlchemy, so that reading the settings stays quick.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Identity, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

NAMING: Final[dict[str, str]] = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""For `MetaData(naming_convention=NAMING)`: a migration can only alter a constraint whose name it knows."""

Id = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit ids. SQLite spells them INTEGER (64 bits there too): AUTOINCREMENT works with no other name."""

NEVER_REUSED: Final[dict[str, Any]] = {"sqlite_autoincrement": True}
"""`Table(..., **NEVER_REUSED)`: SQLite otherwise gives a deleted row's id to the next one."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND


def id_column(name: str = "id") -> Column[int]:
    """A primary key that the database never gives twice; its table takes `**NEVER_REUSED` too."""
    return Column(name, Id, Identity(), primary_key=True)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware time, exactly.

    Raises TypeError on anything but a datetime, ValueError on a naive one and outside UTC's years 1 to 9999.
    """
    if not isinstance(moment, datetime):
        raise TypeError(
            f"A stored time must be a datetime, and this is a {type(moment).__name__}: {moment!r}."
        )
    if moment.utcoffset() is None:
        raise ValueError(
            f"A stored time needs a time zone, and {moment.isoformat()} has none: attach one first."
        )
    micros = (moment - EPOCH) // _MICROSECOND
    if not _FIRST <= micros <= _LAST:
        raise ValueError(
            f"A stored time must lie in the years 1 to 9999 of UTC, and {moment.isoformat()} does not."
        )
    return micros


def from_micros(micros: int) -> datetime:
    """The aware UTC time that many microseconds after 1970-01-01 UTC.

    Raises ValueError outside the years 1 to 9999.
    """
    if not _FIRST <= micros <= _LAST:
        raise ValueError(
            f"The database holds {micros} microseconds as a time, which lies outside the years 1 to 9999."
        )
    return EPOCH + timedelta(microseconds=micros)


class UtcTime(TypeDecorator[datetime]):
    """A moment as a 64-bit integer: microseconds since 1970-01-01 UTC, the same in both databases.

    Takes aware datetimes of any zone, gives aware UTC ones, exact to the microsecond; refuses naive ones
    (SQLAlchemy wraps the ValueError in a StatementError).
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002  the port's shape
        """What goes to the database."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """What comes from the database."""
        return None if value is None else from_micros(value)


class JsonText(TypeDecorator[Any]):
    """JSON in a TEXT column: compact, keys sorted, pure ASCII.

    One value has one spelling, so it can be hashed and compared; a lone surrogate or a NUL, which a database
    would refuse, is only an escape. None is NULL. Raises ValueError on NaN and TypeError on what is not JSON.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """What goes to the database."""
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """What comes from the database."""
        return None if value is None else json.loads(value)


def dumps(value: Any) -> str:
    """The one spelling of a JSON value: compact, keys sorted, pure ASCII."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
