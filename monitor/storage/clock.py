"""Rows after a wrong clock: what was put off while it stood years ahead must not wait for years."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, update

from alerts.outbox import LATER, WAITING, mails
from monitor.storage.tables import items, polls

_POLLS_WAIT = timedelta(hours=25)
_OTHERS_WAIT = timedelta(days=2)
_URGENT_WAITS = timedelta(minutes=16)
"""Longer than anything is put off by a right clock: a day that a platform asked for, a night without mails, the longest
pause between two tries of an urgent mail."""


def bring_back(conn: Connection, school_id: str, now: datetime) -> int:
    """Let what waits for longer than anything ever waits be due now; how many rows did."""
    mine = polls.c.school_id == school_id
    late = update(polls).where(mine, polls.c.due_at > now + _POLLS_WAIT).values(due_at=now)
    held = update(polls).where(mine, polls.c.lease_until > now + _OTHERS_WAIT)
    unsent = update(mails).where(
        mails.c.school_id == school_id,
        mails.c.state.in_([state.value for state in WAITING]),
        mails.c.due_at > now + _OTHERS_WAIT,
    )
    urgent = update(mails).where(
        mails.c.school_id == school_id,
        mails.c.state.in_([state.value for state in WAITING]),
        mails.c.urgency < LATER,
        mails.c.due_at > now + _URGENT_WAITS,
    )
    unjudged = update(items).where(
        items.c.school_id == school_id, items.c.score_again_at > now + _OTHERS_WAIT
    )
    changes = (
        late,
        held.values(lease_until=None, lease_no=polls.c.lease_no + 1),
        unsent.values(due_at=now),
        urgent.values(due_at=now),
        unjudged.values(score_again_at=now),
    )
    return sum(conn.execute(change).rowcount for change in changes)
