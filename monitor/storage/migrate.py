"""Bring a database to this version's tables; done at every start, and a no-op when there is nothing to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from monitor.storage.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 5_403_115  # any number of our own: workers that start together migrate one after the other


class NewerDatabase(Exception):
    """The database was migrated by a later version of Schoolwatch."""


def head() -> str:
    """The revision that this version works with: the newest file of migrations/versions, which are numbered."""
    return max(path.stem.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision(conn: Connection) -> str | None:
    """The database's revision; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(db: Database) -> tuple[str | None, str]:
    """Migrate in one transaction; (revision before, revision after). Raises NewerDatabase."""
    with db.read() as conn:
        before = revision(conn)
    if before == head():
        return before, before
    with db.write("migrate") as conn:
        if not db.is_sqlite:
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = revision(conn)
        if before is not None and before > head():
            raise NewerDatabase(
                f"the database is at revision {before} and this version of Schoolwatch knows {head()}; "
                "install the newer version again"
            )
        _run(conn)
    return before, head()


def _run(conn: Connection) -> None:
    # Imported late: at most starts there is nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
