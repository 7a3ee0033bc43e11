"""The one way to a database: short write transactions that no other writer can interrupt, and reads.

SQLite: every writing process holds one file lock around BEGIN IMMEDIATE ... COMMIT, and checkpoints are made
only under it (versions 3.7.0 to 3.51.2 can corrupt a log that two connections reset at once). synchronous=FULL,
because NORMAL lost acknowledged commits when the power was cut. PostgreSQL needs none of this.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA wal_autocheckpoint = 0",
)
_CHECKPOINT_EVERY = 500  # commits; the log stays a few megabytes
STAGE = "schoolwatch_stage"
"""Execution option naming the write transaction (T1 ... T4), for whoever watches the engine's events."""

_WRITES = "schoolwatch_writes"


class DatabaseInUse(Exception):
    """Another `run` already works on this SQLite database."""


class Database:
    """A database of one or many schools. Use `write` and `read`; nothing else opens a transaction."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._thread_lock = threading.RLock()
        self._commits = 0
        self._run_lock: IO[bytes] | None = None
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ValueError("Schoolwatch needs a database file; give database.url a path")
            self._path = Path(self.url.database)
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The database holds what children wrote: nobody but the service's own user reads it.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self.engine = self._engine()

    def _engine(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True)
        engine = create_engine(self.url, connect_args={"timeout": 30, "check_same_thread": False})
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
        return engine

    @contextmanager
    def write(self, stage: str = "") -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back if the block raises.

        `stage` names it for those who watch. Not to be nested.
        """
        if not self.is_sqlite:
            with self.engine.connect().execution_options(**{STAGE: stage}) as conn, conn.begin():
                yield conn
            return
        with self._thread_lock, self._file_lock():
            options = {STAGE: stage, _WRITES: True}
            with self.engine.connect().execution_options(**options) as conn, conn.begin():
                yield conn
            self._commits += 1
            if self._commits % _CHECKPOINT_EVERY == 0:
                self._checkpoint()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one state of the database."""
        with self.engine.connect() as conn, conn.begin():
            yield conn

    def claim_run(self) -> None:
        """Make this the only `run` on a SQLite database, until the process ends. Raises DatabaseInUse."""
        if not self.is_sqlite or self._run_lock is not None:
            return
        lock = self._beside(".run").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise DatabaseInUse(
                f"another `schoolwatch run` already works on {self._path}; stop it first, or use PostgreSQL "
                "for several workers"
            ) from None
        self._run_lock = lock

    def close(self) -> None:
        """Close every connection. SQLite checkpoints its log when the last one closes: under the lock."""
        if self.is_sqlite:
            with self._thread_lock, self._file_lock():
                self.engine.dispose()
        else:
            self.engine.dispose()
        if self._run_lock is not None:
            self._run_lock.close()
            self._run_lock = None

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        with self._beside(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _checkpoint(self) -> None:
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))


def add_if_new(conn: Connection, table: Table, **values: Any) -> None:
    """Insert a row, or do nothing where its key stands already: two workers may find the same thing missing."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    conn.execute(insert(table).values(**values).on_conflict_do_nothing())


def sqlite_advice(db: Database) -> list[str]:
    """What a technician should know of the SQLite library in use; nothing on PostgreSQL."""
    if not db.is_sqlite or sqlite3.sqlite_version_info >= (3, 51, 3):
        return []
    return [
        f"SQLite {sqlite3.sqlite_version} can, rarely, corrupt its log when two connections write; Schoolwatch "
        "keeps to one writer, so make no changes with other programs, and keep backups"
    ]


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event says BEGIN, not the driver
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _sqlite_begin(conn: Connection) -> None:
    # A transaction that reads and then writes fails with BUSY at once, whatever the time-out: writers say so first.
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(_WRITES) else "BEGIN")
