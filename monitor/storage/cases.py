"""Cases, their planned notices, and what deciding left behind; each a fold over events, kept in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, select, update

from alerts.kinds import AlertKind
from monitor.domain.case import Case, SecondClock, fold
from monitor.domain.decide import Decision
from monitor.domain.notices import PlannedNotice
from monitor.domain.verdict import Severity
from monitor.storage import events
from monitor.storage.tables import cases, items, notices

_PRESSING = case(
    (cases.c.second_clock == SecondClock.RUNNING.value, 0),
    (and_(cases.c.open, cases.c.severity == str(Severity.URGENT)), 1),
    (and_(cases.c.open, cases.c.severity == str(Severity.HIGH)), 2),
    else_=3,
)
"""What a person must look at first: the lead's unacknowledged cases, then by severity, then by deadline."""


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A planned notice whose moment has come."""

    id: int
    number: int
    plan: int
    kind: AlertKind
    reason: str


def number_of(conn: Connection, school_id: str, item_id: int) -> int | None:
    """The number of the item's case; None if it has none."""
    query = select(cases.c.number).where(cases.c.school_id == school_id, cases.c.item_id == item_id)
    return conn.execute(query).scalar()


def next_number(conn: Connection, school_id: str) -> int:
    """The number of the school's next case. Take the school's lock first."""
    last = conn.execute(select(func.max(cases.c.number)).where(cases.c.school_id == school_id)).scalar()
    return (last or 0) + 1


def load(conn: Connection, school_id: str, number: int) -> Case | None:
    """The case with that number, folded from its events; None if there is none."""
    happened = events.of_case(conn, school_id, number)
    return fold(happened) if happened else None


def save(conn: Connection, school_id: str, number: int, decision: Decision, *, summary_wanted: bool) -> None:
    """Write what was decided about the case: its events, its plan, and its row."""
    case = decision.case
    if case is None or not decision.events:
        return
    events.append_case(conn, school_id, number, decision.events)
    row_id = _write_row(conn, school_id, number, case, summary_wanted=summary_wanted)
    if decision.notices is not None:
        _replan(conn, school_id, row_id, case.plan, decision.notices)


def _write_row(conn: Connection, school_id: str, number: int, case: Case, *, summary_wanted: bool) -> int:
    values: dict[str, Any] = {
        "open": case.open,
        "answer": case.answer.value,
        "due_at": case.due_at,
        "due_reason": case.due_reason,
        "flag": case.flag.value,
        "second_clock": case.second_clock.value,
        "severity": None if case.severity is None else str(case.severity),
        "opening": case.opening,
        "plan": case.plan,
    }
    if summary_wanted:
        values["summary_wanted"] = True
    mine = (cases.c.school_id == school_id, cases.c.number == number)
    row_id = conn.execute(select(cases.c.id).where(*mine)).scalar()
    if row_id is None:
        values.setdefault("summary_wanted", False)
        added = cases.insert().values(school_id=school_id, number=number, item_id=case.item, **values)
        return int(conn.execute(added.returning(cases.c.id)).scalar_one())
    conn.execute(update(cases).where(*mine).values(**values))
    return int(row_id)


def _replan(
    conn: Connection, school_id: str, case_id: int, plan: int, planned: Sequence[PlannedNotice]
) -> None:
    """Void what was planned and plan anew; a notice of the same plan and kind is never planned twice."""
    mine = (notices.c.school_id == school_id, notices.c.case_id == case_id)
    conn.execute(update(notices).where(*mine, notices.c.state == "planned").values(state="void"))
    for notice in planned:
        conn.execute(
            notices.insert().values(
                school_id=school_id,
                case_id=case_id,
                plan=plan,
                kind=notice.kind.value,
                due_at=notice.at,
                reason=notice.reason,
                state="planned",
            )
        )


def due_notices(conn: Connection, school_id: str, now: datetime, limit: int) -> list[DueNotice]:
    """Planned notices whose moment has come, oldest first."""
    query = (
        select(notices, cases.c.number)
        .join(cases, cases.c.id == notices.c.case_id)
        .where(notices.c.school_id == school_id, cases.c.school_id == school_id)
        .where(notices.c.state == "planned", notices.c.due_at <= now)
        .order_by(notices.c.due_at, notices.c.id)
        .limit(limit)
    )
    return [
        DueNotice(row.id, row.number, row.plan, AlertKind(row.kind), row.reason)
        for row in conn.execute(query)
    ]


def close_notice(conn: Connection, school_id: str, notice_id: int, state: str) -> bool:
    """The notice was sent or is void. False: somebody else was first."""
    done = conn.execute(
        update(notices)
        .where(notices.c.school_id == school_id, notices.c.id == notice_id, notices.c.state == "planned")
        .values(state=state)
    )
    return done.rowcount == 1


def notices_of(conn: Connection, school_id: str, number: int) -> list[Row[Any]]:
    """The notices of one case, in the order of their moments."""
    query = (
        select(notices)
        .join(cases, cases.c.id == notices.c.case_id)
        .where(notices.c.school_id == school_id, cases.c.school_id == school_id, cases.c.number == number)
        .order_by(notices.c.due_at, notices.c.id)
    )
    return list(conn.execute(query))


def next_notice(conn: Connection, school_id: str) -> datetime | None:
    """When the next planned notice falls due."""
    query = select(func.min(notices.c.due_at)).where(
        notices.c.school_id == school_id, notices.c.state == "planned"
    )
    found: datetime | None = conn.execute(query).scalar()
    return found


def wanting_summary(conn: Connection, school_id: str) -> dict[int, list[int]]:
    """Source id to the numbers of its old flagged cases that no summary has told of yet."""
    query = (
        select(cases.c.number, items.c.source_id)
        .join(items, items.c.id == cases.c.item_id)
        .where(cases.c.school_id == school_id, items.c.school_id == school_id, cases.c.summary_wanted)
        .order_by(cases.c.number)
    )
    found: dict[int, list[int]] = {}
    for row in conn.execute(query):
        found.setdefault(row.source_id, []).append(row.number)
    return found


def summarised(conn: Connection, school_id: str, numbers: Sequence[int]) -> None:
    """A summary tells of those cases."""
    told = update(cases).where(cases.c.school_id == school_id, cases.c.number == bindparam("told"))
    if numbers:
        conn.execute(told.values(summary_wanted=False), [{"told": number} for number in numbers])


def rows(conn: Connection, school_id: str, *, open_only: bool = True) -> list[Row[Any]]:
    """The school's cases, the most pressing first, for people to look at."""
    query = (
        select(cases, items.c.platform, items.c.external_id, items.c.kind)
        .join(items, items.c.id == cases.c.item_id)
        .where(cases.c.school_id == school_id, items.c.school_id == school_id)
        .order_by(_PRESSING, cases.c.due_at.is_(None), cases.c.due_at, cases.c.number)
    )
    if open_only:
        query = query.where(cases.c.open)
    return list(conn.execute(query))


def item_ids(conn: Connection, school_id: str, numbers: Sequence[int]) -> dict[int, int]:
    """Case number to item id."""
    query = select(cases.c.number, cases.c.item_id).where(
        cases.c.school_id == school_id, cases.c.number.in_(numbers)
    )
    return {row.number: row.item_id for row in conn.execute(query)}


def count_items(conn: Connection, school_id: str) -> int:
    """How many items the school has."""
    return int(conn.execute(select(func.count()).where(items.c.school_id == school_id)).scalar_one())
