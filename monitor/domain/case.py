"""A case: what a moderator works on. Its state is a pure fold over its events; the events are the truth.

Two clocks run beside each other. The answer's clock is stopped by a reply, or because nobody needs one any
more. The second clock, of safeguarding and urgent cases, is stopped by nothing on the platform: only the
safeguarding lead's acknowledgement ends its ladder, and only their recorded outcome closes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from monitor.domain.verdict import Severity


class EventKind(StrEnum):
    """What can happen to a case. The data of each holds ids and codes, never words or names."""

    OPENED = "opened"
    """`item`; `number`, the case's; `cold`: from before the watch began."""
    JUDGED = "judged"
    """`severity` (a word; null where the engine failed), `safeguarding`, `categories`."""
    DEADLINE_SET = "deadline_set"
    """`due_at` (ISO, UTC), `reason`. Each is a new revision of the plan."""
    ANSWERED = "answered"
    """`by`: the item that is the school's reply; null where a person said so (`person`)."""
    REPLY_GONE = "reply_gone"
    """`by`: the reply that was deleted or hidden again."""
    NO_ANSWER_NEEDED = "no_answer_needed"
    """`reason`."""
    WITHDRAWN = "withdrawn"
    """`state`: the item is no longer to be seen on the platform."""
    RESTORED = "restored"
    """The item is to be seen again."""
    REOPENED = "reopened"
    """`reason`. Each is a new opening, and is mailed again."""
    ACKNOWLEDGED = "acknowledged"
    """`person`: somebody has it in hand."""
    DECIDED = "decided"
    """`person`, `outcome`: nothing more is to be done about the flag."""
    REVIEWED = "reviewed"
    """`person`, `rightly`, `version`: whether the flag on those words was right. It closes nothing by itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a case at a moment (aware)."""

    kind: EventKind
    at: datetime
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Answer(StrEnum):
    """The first clock."""

    NOT_NEEDED = "not_needed"
    WAITING = "waiting"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Flag(StrEnum):
    """What the moderators still have to decide."""

    NONE = "none"
    OPEN = "open"
    WITHDRAWN = "withdrawn"
    DECIDED = "decided"


class SecondClock(StrEnum):
    """Safeguarding and urgent cases."""

    NONE = "none"
    RUNNING = "running"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The state after all events so far. `opening` and `plan` count from 1 and are stored with every mail.

    `severity` is that of the latest verdict, None while no engine could judge; `known` that of the latest one
    that there is, None while there is none at all; `worst` the highest ever seen; `categories` those for which it
    was flagged last. `answered_by`: the replies that answer it now; `outdated`: those it answered before it got
    worse. `gone`: not to be seen on the platform; then nothing waits but the second clock. `unscored_at`: when an
    engine last failed on it.
    """

    item: int = 0
    number: int = 0
    opening: int = 0
    plan: int = 0
    cold: bool = False
    answer: Answer = Answer.NOT_NEEDED
    due_at: datetime | None = None
    due_reason: str | None = None
    answered_by: frozenset[int | None] = frozenset()
    outdated: frozenset[int | None] = frozenset()
    flag: Flag = Flag.NONE
    second_clock: SecondClock = SecondClock.NONE
    severity: Severity | None = None
    known: Severity | None = None
    worst: Severity = Severity.NONE
    categories: tuple[str, ...] = ()
    needs_review: bool = False
    unscored_at: datetime | None = None
    gone: bool = False

    @property
    def open(self) -> bool:
        """Is there anything left for a person to do?"""
        return (
            self.answer is Answer.WAITING
            or self.flag is Flag.OPEN
            or self.needs_review
            or self.second_clock in (SecondClock.RUNNING, SecondClock.ACKNOWLEDGED)
        )


def apply(case: Case, event: Event) -> Case:
    """The case after one more event."""
    return _APPLY[event.kind](case, event)


def fold(events: Iterable[Event], case: Case | None = None) -> Case:
    """The case after all those events, from nothing or from a state already folded."""
    state = case or Case()
    for event in events:
        state = apply(state, event)
    return state


def _opened(case: Case, event: Event) -> Case:
    data = event.data
    return replace(case, item=data["item"], number=data["number"], cold=data["cold"], opening=1)


def _judged(case: Case, event: Event) -> Case:
    word = event.data["severity"]
    if word is None:
        return replace(case, severity=None, needs_review=not case.gone, unscored_at=event.at)
    severity = Severity.parse(word)
    safeguarding = event.data["safeguarding"]
    flagged = safeguarding or severity >= Severity.MEDIUM
    starts = safeguarding and case.second_clock is SecondClock.NONE
    return replace(
        case,
        severity=severity,
        known=severity,
        worst=max(case.worst, severity),
        categories=tuple(event.data["categories"]) if flagged else case.categories,
        flag=_raised(case) if flagged and case.flag is Flag.NONE else case.flag,
        second_clock=SecondClock.RUNNING if starts else case.second_clock,
        needs_review=False,
    )


def _raised(case: Case) -> Flag:
    return Flag.WITHDRAWN if case.gone else Flag.OPEN


def _deadline_set(case: Case, event: Event) -> Case:
    due = datetime.fromisoformat(event.data["due_at"])
    answer = Answer.WITHDRAWN if case.gone else Answer.WAITING
    return replace(case, answer=answer, due_at=due, due_reason=event.data["reason"], plan=case.plan + 1)


def _answered(case: Case, event: Event) -> Case:
    return replace(case, answer=Answer.ANSWERED, answered_by=case.answered_by | {event.data["by"]})


def _reply_gone(case: Case, event: Event) -> Case:
    left = case.answered_by - {event.data["by"]}
    # The platform deletes the replies under a deleted item: nobody waits for an answer to what is gone.
    withdrawn = case.gone and not left and case.answer is Answer.ANSWERED
    return replace(case, answered_by=left, answer=Answer.WITHDRAWN if withdrawn else case.answer)


def _no_answer_needed(case: Case, event: Event) -> Case:
    return replace(case, answer=Answer.NOT_NEEDED)


def _withdrawn(case: Case, event: Event) -> Case:
    answer = Answer.WITHDRAWN if case.answer is Answer.WAITING else case.answer
    flag = Flag.WITHDRAWN if case.flag is Flag.OPEN else case.flag
    return replace(case, answer=answer, flag=flag, needs_review=False, gone=True)


def _restored(case: Case, event: Event) -> Case:
    answer = Answer.NOT_NEEDED if case.answer is Answer.WITHDRAWN else case.answer
    flag = Flag.OPEN if case.flag is Flag.WITHDRAWN else case.flag
    return replace(case, answer=answer, flag=flag, needs_review=case.severity is None, gone=False)


def _reopened(case: Case, event: Event) -> Case:
    flagged = case.severity is not None and case.severity >= Severity.MEDIUM
    case = replace(case, opening=case.opening + 1, flag=_raised(case) if flagged else case.flag)
    if event.data["reason"] != "more_severe":
        return case
    runs = case.second_clock is not SecondClock.NONE
    return replace(
        case,
        flag=_raised(case),
        second_clock=SecondClock.RUNNING if runs else case.second_clock,
        answered_by=frozenset(),
        outdated=case.outdated | case.answered_by,
    )


def _acknowledged(case: Case, event: Event) -> Case:
    if case.second_clock is not SecondClock.RUNNING:
        return case
    return replace(case, second_clock=SecondClock.ACKNOWLEDGED)


def _decided(case: Case, event: Event) -> Case:
    flag = Flag.DECIDED if case.flag is not Flag.NONE else Flag.NONE
    clock = SecondClock.CLOSED if case.second_clock is not SecondClock.NONE else SecondClock.NONE
    return replace(case, flag=flag, second_clock=clock, needs_review=False)


def _reviewed(case: Case, event: Event) -> Case:
    return case


_APPLY = {
    EventKind.OPENED: _opened,
    EventKind.JUDGED: _judged,
    EventKind.DEADLINE_SET: _deadline_set,
    EventKind.ANSWERED: _answered,
    EventKind.REPLY_GONE: _reply_gone,
    EventKind.NO_ANSWER_NEEDED: _no_answer_needed,
    EventKind.WITHDRAWN: _withdrawn,
    EventKind.RESTORED: _restored,
    EventKind.REOPENED: _reopened,
    EventKind.ACKNOWLEDGED: _acknowledged,
    EventKind.DECIDED: _decided,
    EventKind.REVIEWED: _reviewed,
}
