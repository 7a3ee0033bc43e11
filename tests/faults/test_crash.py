"""A worker that is killed anywhere ends where one that is never killed does, and repeats mails as they were."""

from __future__ import annotations

import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text

from alerts.outbox import WAITING
from monitor.storage.database import Database
from tests.faults import ledger
from tests.faults.crash import BOUNDARIES, Deaths, Mother, Run
from tests.faults.ledger import Ledger
from tests.faults.stage import Arrived, Stage

SCHOOL = "oakfield"
_MOST_ROUNDS = 8
_SEED = 20261117

Fresh = Callable[[], str]
"""The address of a new, empty database."""


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.db"
        return
    server: URL = request.getfixturevalue("postgres_url")
    made: list[str] = []
    engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def create() -> str:
        made.append(f"crash_{uuid.uuid4().hex}")
        with engine.connect() as conn:
            conn.execute(text(f"CREATE DATABASE {made[-1]}"))
        return server.set(database=made[-1]).render_as_string(hide_password=False)

    yield create
    with engine.connect() as conn:
        for name in made:
            conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def _play(
    mother: Mother, stage: Stage, url: str, deaths: Deaths | None
) -> tuple[Ledger, list[tuple[str, Arrived]]]:
    """Play the story; what is left in the rows, and every mail that arrived with the shared key of its row."""
    run = Run(mother, stage, url, deaths)
    run.play()
    assert run.faults == []
    db = Database(url)
    try:
        keys = ledger.message_ids(db, SCHOOL)
        unknown = [mail for mail in stage.sink.arrived if mail.message_id not in keys]
        assert unknown == [], "mails with a Message-ID that no row has"
        return ledger.read(db, SCHOOL), [(keys[mail.message_id], mail) for mail in stage.sink.arrived]
    finally:
        db.close()


def _compare(kept: Ledger, undisturbed: Ledger) -> None:
    different = [
        f"{name}: {found!r}, undisturbed {expected!r}"
        for name, every in undisturbed.items()
        for found, expected in _pairs(kept[name], every)
        if found != expected
    ]
    assert different == [], "\n".join(different[:20])


def _pairs(kept: Any, undisturbed: Any) -> list[tuple[Any, Any]]:
    """What belongs together, so that only what differs is shown."""
    if isinstance(undisturbed, dict):
        return [((key, kept.get(key)), (key, undisturbed.get(key))) for key in {**undisturbed, **kept}]
    if isinstance(undisturbed, list):
        return list(zip_longest(kept, undisturbed))
    return [(kept, undisturbed)]


def _first_ids(mails: list[tuple[str, Arrived]]) -> dict[tuple[str, str], str]:
    """Recipient, and kind and subject, to the Message-ID. Fails where a mail came again with another one.

    The kind belongs to it, because every mail about a safeguarding case has the case's number as its only subject.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, mail in mails:
        found[mail.recipient, f"{key.partition('/')[0]}: {mail.subject}"].add(mail.message_id)
    different = {which: ids for which, ids in found.items() if len(ids) > 1}
    assert different == {}, "mails that came again with another Message-ID"
    return {which: ids.pop() for which, ids in found.items()}


@pytest.mark.xdist_group("crash")
def test_a_worker_killed_anywhere_ends_where_an_undisturbed_one_does(fresh: Fresh, tmp_path: Path) -> None:
    began = time.monotonic()
    deaths, repeated, rounds = Deaths(_SEED), 0, 0
    with Mother() as mother, Stage(tmp_path) as stage:
        undisturbed, sent = _play(mother, stage, fresh(), None)
        assert len(_first_ids(sent)) == len(sent), "the story must not hold two mails that look alike"
        assert not any(row["state"] in WAITING for row in undisturbed["mails"].values())
        while not deaths.enough and rounds < _MOST_ROUNDS:
            rounds += 1
            kept, arrived = _play(mother, stage, fresh(), deaths)
            _compare(kept, undisturbed)
            _first_ids(arrived)
            times = Counter(key for key, _ in arrived)
            assert set(times) == {key for key, _ in sent}
            repeated += sum(count - 1 for count in times.values())
    found = (
        f"{rounds} rounds with {deaths.happened.total()} deaths in {time.monotonic() - began:.1f} s, "
        f"{len(sent)} mails each, {repeated} repeated, each with its first Message-ID\n{deaths.table()}"
    )
    print(f"\n{found}")
    assert all(deaths.at_boundary(name) >= 5 for name in BOUNDARIES), found
    assert deaths.elsewhere >= 50, found
