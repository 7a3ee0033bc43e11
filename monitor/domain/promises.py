"""Promises: answers that were due, and what became of them. Pure.

A promise is decided once: when it is answered in time, or when its time is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from alerts.figures import Answers
from monitor.domain.case import Event, EventKind


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case that has or had a deadline. `reply_times`: the ids of the school's replies to when they were written."""

    source: str
    received_at: datetime
    events: tuple[Event, ...]
    reply_times: Mapping[int, datetime] = field(default_factory=lambda: MappingProxyType({}))


_GONE = {EventKind.WITHDRAWN: True, EventKind.RESTORED: False}
"""Nobody waits for an answer to what is not to be seen; when it is seen again, its deadline is set anew."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An answer that was due. `by_reply`: the school's own reply was seen, so its time is known exactly.
    `dropped`: nobody waits for it any more."""

    due_at: datetime
    answered_at: datetime | None = None
    by_reply: bool = False
    dropped: bool = False

    @property
    def kept(self) -> bool:
        """Was it answered in time?"""
        return self.answered_at is not None and self.answered_at <= self.due_at

    def decided_at(self, now: datetime) -> datetime | None:
        """When it was kept or missed; None while it is neither."""
        if self.kept:
            return self.answered_at
        return self.due_at if self.due_at <= now else None


def promises(case: CaseRow) -> list[Promise]:
    """What was promised about the case, one after the other: a new one only where the deadline moved after the
    old one was decided."""
    made: list[Promise] = []
    current: Promise | None = None
    gone = False
    for event in case.events:
        gone = _GONE.get(event.kind, gone)
        if event.kind is EventKind.DEADLINE_SET and not gone:
            due = datetime.fromisoformat(event.data["due_at"])
            if current is not None and current.due_at != due and current.decided_at(event.at) is not None:
                made.append(replace(current, dropped=True))
            current = Promise(due)
        elif current is not None:
            current = _after(current, event, case)
    return [*made, current] if current is not None else made


def _after(promise: Promise, event: Event, case: CaseRow) -> Promise | None:
    if event.kind is EventKind.ANSWERED:
        written = case.reply_times.get(event.data["by"])
        at = written or event.at
        if promise.answered_at is not None and promise.answered_at <= at:
            return promise
        return replace(promise, answered_at=at, by_reply=written is not None)
    if event.kind is EventKind.NO_ANSWER_NEEDED:
        return None
    if event.kind is EventKind.WITHDRAWN and promise.answered_at is None:
        return replace(promise, dropped=True) if promise.due_at <= event.at else None
    return promise


def answers(cases: Iterable[CaseRow], within: Callable[[datetime], bool], now: datetime) -> Answers:
    """What became of the promises in a span of time."""
    counts: Counter[str] = Counter()
    took: list[timedelta] = []
    for case in cases:
        first = True
        for promise in promises(case):
            decided = promise.decided_at(now)
            if decided is not None and within(decided):
                counts["kept" if promise.kept else "missed"] += 1
            if promise.answered_at is not None:
                answered = within(promise.answered_at)
                counts["answered"] += answered
                if answered and first and promise.by_reply:
                    took.append(max(promise.answered_at - case.received_at, timedelta()))
                first = False
            elif not promise.dropped:
                counts["waiting" if promise.due_at > now else "overdue"] += 1
    return Answers(**counts, median=share_within(took, 0.5), ninth=share_within(took, 0.9))


def share_within(lengths: Iterable[timedelta], share: float) -> timedelta | None:
    """The shortest of the lengths within which that share of them lies; None for none."""
    ordered = sorted(lengths)
    if not ordered:
        return None
    needed = next(n for n in range(1, len(ordered) + 1) if n >= share * len(ordered) - 1e-9)
    return ordered[needed - 1]
