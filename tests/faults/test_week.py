"""The simulated week, its worker killed a hundred times, ends as the undisturbed one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts import outbox
from monitor.demo.play import SCHOOL, Child, Summary, Watcher, play
from monitor.storage import cases, events
from monitor.storage.database import Database
from monitor.storage.tables import item_versions, items, verdicts
from tests.faults.week_child import DEATHS


def quick(kind: Callable[[Path], Child]) -> Callable[[Path], Child]:
    """A child that judges with the quick engine: what is shown here is that nothing is lost, whatever is judged."""

    def start(settings: Path) -> Child:
        told = settings.read_text(encoding="utf-8")
        settings.write_text(f'{told}\n[classifier]\nengine = "embedded-small"\n', encoding="utf-8")
        return kind(settings)

    return start


class MortalChild(Child):
    """A worker that dies, and is told the same step again."""

    module = "tests.faults.week_child"
    deaths = 0

    def step(self, start: datetime, end: datetime) -> None:
        told = json.dumps({"from": start.isoformat(), "until": end.isoformat()}) + "\n"
        while "died" in (answer := self.say(told)):
            type(self).deaths += 1
        assert answer, "the worker ended by itself"


def ending(out: Path) -> dict[str, Any]:
    """What the rows say at the end, by the platforms' ids: the numbers of cases depend on what was read first, and
    that on how long a dead worker's lease still ran."""
    db = Database(f"sqlite:///{(out / 'state' / 'schoolwatch.db').absolute()}")
    with db.read() as conn:
        known = {row.id: row for row in conn.execute(select(items))}
        names = {row.id: f"{row.platform}/{row.external_id}" for row in known.values()}
        rows = cases.rows(conn, SCHOOL, open_only=False)
        numbers = {f"case:{row.number}": names[row.item_id] for row in rows}
        found = {
            "items": sorted(
                (names[row.id], row.kind, row.state, row.cold, row.thread_key) for row in known.values()
            ),
            "versions": sorted(
                (names[row.item_id], row.no, row.title or "", row.text)
                for row in conn.execute(select(item_versions))
            ),
            "verdicts": sorted(
                (names[row.item_id], row.severity, tuple(row.categories))
                for row in conn.execute(select(verdicts))
            ),
            "cases": sorted(
                (
                    names[row.item_id],
                    row.answer,
                    row.flag,
                    row.second_clock,
                    str(row.severity),
                    row.opening,
                    row.due_at,
                )
                for row in rows
            ),
            "events": sorted(
                (numbers[subject], event.kind.value)
                for subject in numbers
                for event in events.of_case(conn, SCHOOL, int(subject.split(":")[1]))
            ),
            "mails": sorted(_mail(row, numbers) for row in outbox.rows(conn, SCHOOL)),
        }
        assert events.first_broken(conn, SCHOOL) is None
    db.close()
    return found


def _mail(row: Any, numbers: dict[str, str]) -> tuple[Any, ...]:
    about = numbers.get(row.subject, row.subject if row.kind != "ask_answered" else "item")
    return (row.kind, about, row.occurrence, row.step, row.recipient, row.state)


@pytest.mark.xdist_group("week")
def test_the_week_killed_a_hundred_times_ends_in_the_same_rows_and_mails(tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    killed = tmp_path / "killed"
    calm: Summary = play(undisturbed, Watcher(), quick(Child))
    MortalChild.deaths = 0
    hard = play(killed, Watcher(), quick(MortalChild))
    print(f"{MortalChild.deaths} deaths, {calm.mails} mails undisturbed, {hard.mails} with repeats")
    assert MortalChild.deaths >= min(100, DEATHS)
    expected, found = ending(undisturbed), ending(killed)
    for what, rows in expected.items():
        missing, more = Counter(rows) - Counter(found[what]), Counter(found[what]) - Counter(rows)
        assert (list(missing)[:5], list(more)[:5]) == ([], []), what
    assert hard.mails - calm.mails <= 10, "few mails are repeated"
