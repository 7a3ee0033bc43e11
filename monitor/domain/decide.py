"""What follows from what was seen: events of the case, notices, alerts. Pure; every answer has a named reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.kinds import Alert, AlertKind
from connectors.item import ItemKind, ItemState
from monitor.domain.case import Answer, Case, Event, EventKind, Flag, SecondClock, apply, fold
from monitor.domain.deadline import Deadline, DeadlineRule, deadline
from monitor.domain.notices import PlannedNotice, plan
from monitor.domain.verdict import Category, Severity, Verdict

LIVE = frozenset({ItemState.VISIBLE, ItemState.UNKNOWN})
"""States in which the public can read an item, as far as we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What deciding needs to know of a stored item.

    `official`: read on an account of the school, not by a watch. `cold`: from before the watch began.
    `received_at`: the platform's time stamp, or when we first saw it; aware. `edited_at`: when the version that
    is judged was seen, if it is an edit.
    """

    id: int
    kind: ItemKind
    official: bool
    author_is_school: bool
    received_at: datetime
    edited_at: datetime | None = None
    cold: bool = False
    state: ItemState = ItemState.VISIBLE

    @property
    def live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be written: `events` of the case and the `case` after them; `notices`, the new plan (None: the
    plan stands, empty: no plan any more); `alerts` for people; `reason`, the code that names the decision."""

    reason: str
    case: Case | None
    events: tuple[Event, ...] = ()
    notices: tuple[PlannedNotice, ...] | None = None
    alerts: tuple[Alert, ...] = ()


class NotTheirs(ValueError):
    """The person may not do that to the case."""


def carries_deadline(seen: Seen, rule: DeadlineRule) -> bool:
    """May this item need an answer at all? Posts, watches, the school's own words and old items never do."""
    return seen.official and not seen.author_is_school and not seen.cold and seen.kind in rule.kinds


def _needs_answer(seen: Seen, verdict: Verdict | None, rule: DeadlineRule) -> bool:
    """An unjudged item needs an answer too: only a verdict can say that it is mere thanks."""
    return carries_deadline(seen, rule) and not (verdict is not None and verdict.needs_no_answer)


def on_verdict(
    seen: Seen,
    verdict: Verdict | None,
    case: Case | None,
    number: int,
    replies: Iterable[int],
    rule: DeadlineRule,
    now: datetime,
) -> Decision:
    """A version of the item was judged; `verdict` None: the engine failed and a person must look.

    `number` is the case's, existing or next; `replies` are the school's live replies that answer the item.
    """
    # What the school replied to earlier words does not answer the new ones.
    known = tuple(replies) if seen.edited_at is None else ()
    if case is None:
        return _first_verdict(seen, verdict, number, known, rule, now)
    return _later_verdict(seen, verdict, case, known, rule, now)


def _first_verdict(
    seen: Seen,
    verdict: Verdict | None,
    number: int,
    replies: tuple[int, ...],
    rule: DeadlineRule,
    now: datetime,
) -> Decision:
    flagged = verdict is not None and verdict.flagged
    needs_answer = _needs_answer(seen, verdict, rule)
    if not (flagged or needs_answer or verdict is None):
        return Decision(reason="nothing_to_do", case=None)
    cold = seen.cold and seen.edited_at is None
    opened = Event(EventKind.OPENED, now, {"item": seen.id, "number": number, "cold": cold})
    events = [opened, _judged(verdict, now)]
    notices = None
    if needs_answer:
        since = seen.edited_at or seen.received_at
        due = deadline(since, rule)
        events.append(_deadline_set(due, now))
        notices = plan(since, due.due_at, rule)
    events += [_answered(reply, now) for reply in replies if needs_answer]
    if not seen.live:
        events.append(Event(EventKind.WITHDRAWN, now, {"state": seen.state.value}))
    case = fold(events)
    return Decision(
        reason="flagged" if flagged else "needs_answer" if needs_answer else "unscored",
        case=case,
        events=tuple(events),
        notices=_still_needed(case, notices),
        alerts=_flag_alerts(case, "first", rule, now),
    )


def _later_verdict(
    seen: Seen,
    verdict: Verdict | None,
    case: Case,
    replies: tuple[int, ...],
    rule: DeadlineRule,
    now: datetime,
) -> Decision:
    events = [_judged(verdict, now)]
    if verdict is None:
        # Tried again in vain: one event says so, not one for each time.
        failed_at = case.unscored_at if case.severity is None else None
        in_vain = failed_at is not None and (seen.edited_at is None or seen.edited_at <= failed_at)
        return Decision(reason="unscored", case=fold(events, case), events=() if in_vain else tuple(events))
    # The first verdict after a failure of the engine is no edit: the case was never judged at all.
    first = case.known is None
    worse = verdict.flagged and (
        verdict.severity > (case.known or Severity.NONE) or _new_concern(seen, verdict, case)
    )
    if worse and not first:
        events.append(Event(EventKind.REOPENED, now, {"reason": "more_severe"}))
    notices: tuple[PlannedNotice, ...] | None = None
    answered_too_soon = worse and not first and case.answer is Answer.ANSWERED
    newly = case.answer is Answer.NOT_NEEDED and _needs_answer(seen, verdict, rule)
    if answered_too_soon or newly:
        due = _due_again(case, rule, now)
        events.append(_deadline_set(due, now))
        notices = plan(now, due.due_at, rule)
        events += [_answered(reply, now) for reply in replies if newly]
    elif seen.author_is_school and case.answer is Answer.WAITING:
        events.append(Event(EventKind.NO_ANSWER_NEEDED, now, {"reason": "own_post"}))
        notices = ()
    elif case.severity is None and verdict.needs_no_answer and case.answer is Answer.WAITING:
        # Only the missing verdict made it wait; now it is known to be thanks.
        events.append(Event(EventKind.NO_ANSWER_NEEDED, now, {"reason": "judged_late"}))
        notices = ()
    after = fold(events, case)
    reason = "first" if first else "more_severe"
    return Decision(
        reason=reason if worse else "unchanged",
        case=after,
        events=tuple(events),
        notices=_still_needed(after, notices),
        alerts=_flag_alerts(after, reason, rule, now) if worse else (),
    )


def _new_concern(seen: Seen, verdict: Verdict, case: Case) -> bool:
    """Safeguarding of which the lead does not know, or in words that are newer than what they closed."""
    edited = seen.edited_at is not None
    closed = case.second_clock is SecondClock.CLOSED
    return verdict.safeguarding and (case.second_clock is SecondClock.NONE or (closed and edited))


def on_state(seen: Seen, case: Case, rule: DeadlineRule, now: datetime) -> Decision | None:
    """The item was hidden, deleted or shown again. None if that changes nothing."""
    if not seen.live:
        if case.gone:
            return None
        event = Event(EventKind.WITHDRAWN, now, {"state": seen.state.value})
        return Decision(reason="withdrawn", case=apply(case, event), events=(event,), notices=())
    if not case.gone:
        return None
    events = [Event(EventKind.RESTORED, now, {})]
    notices: tuple[PlannedNotice, ...] | None = None
    if Answer.WITHDRAWN is case.answer or case.flag is Flag.WITHDRAWN:
        events.append(Event(EventKind.REOPENED, now, {"reason": "visible_again"}))
    if case.answer is Answer.WITHDRAWN:
        due = _due_again(case, rule, now)
        events.append(_deadline_set(due, now))
        notices = plan(now, due.due_at, rule)
    after = fold(events, case)
    return Decision(
        reason="visible_again",
        case=after,
        events=tuple(events),
        notices=notices,
        alerts=_flag_alerts(after, "visible_again", rule, now),
    )


def on_reply(case: Case, reply: int, now: datetime) -> Decision | None:
    """The school's reply answers the case. None if the case knows that, or needs no answer.

    The second clock is not touched: no reply stops it.
    """
    if reply in case.answered_by | case.outdated or case.answer is Answer.NOT_NEEDED:
        return None
    event = _answered(reply, now)
    return Decision(reason="answered", case=apply(case, event), events=(event,), notices=())


def on_reply_gone(case: Case, reply: int, rule: DeadlineRule, now: datetime) -> Decision | None:
    """A reply that answered the case was deleted or hidden: reopened, unless another one still answers it."""
    if reply not in case.answered_by:
        return None
    gone = Event(EventKind.REPLY_GONE, now, {"by": reply})
    after = apply(case, gone)
    if after.answered_by or after.answer is not Answer.ANSWERED:
        reason = "still_answered" if after.answered_by else "not_waiting"
        return Decision(reason=reason, case=after, events=(gone,))
    due = _due_again(case, rule, now)
    events = (gone, Event(EventKind.REOPENED, now, {"reason": "reply_gone"}), _deadline_set(due, now))
    after = fold(events, case)
    return Decision(
        reason="reply_gone",
        case=after,
        events=events,
        notices=plan(now, due.due_at, rule),
        alerts=_flag_alerts(after, "reply_gone", rule, now),
    )


def still_wanted(kind: AlertKind, occurrence: int, case: Case | None, now: datetime) -> str | None:
    """Why a mail need not go any more; None if it is wanted. Looked at again at the moment of sending."""
    if case is None:
        return None
    if kind is AlertKind.REPLY_DUE or kind is AlertKind.DEADLINE_MISSED:
        if case.answer is not Answer.WAITING:
            return f"answer_{case.answer.value}"
        if case.plan != occurrence:
            return "replanned"
        if kind is AlertKind.REPLY_DUE and case.due_at is not None and now >= case.due_at:
            return "deadline_passed"
    if kind is AlertKind.FLAGGED and case.flag is Flag.DECIDED and case.second_clock is SecondClock.NONE:
        return "decided"
    return None


def on_person(case: Case, action: EventKind, person: str, leads: bool, now: datetime) -> Decision | None:
    """A person acknowledged the case, decided about it, or says that it was answered; None if that changes
    nothing. `leads`: they are the safeguarding lead or a deputy, whose word alone moves the second clock.

    Raises NotTheirs.
    """
    second = case.second_clock in (SecondClock.RUNNING, SecondClock.ACKNOWLEDGED)
    if second and action in (EventKind.ACKNOWLEDGED, EventKind.DECIDED) and not leads:
        raise NotTheirs("only the safeguarding lead or a deputy can acknowledge or close this case")
    if action is EventKind.ANSWERED and case.answer is Answer.NOT_NEEDED:
        return None
    event = Event(action, now, {"person": person, "by": None})
    after = apply(case, event)
    if after == case:
        return None
    notices = () if action is EventKind.ANSWERED else None
    return Decision(reason=action.value, case=after, events=(event,), notices=notices)


def is_safeguarding(case: Case | None) -> bool:
    """Does the case have a second clock? Then what is said of it is said to the safeguarding lead and deputies."""
    return case is not None and case.second_clock is not SecondClock.NONE


def flag_not_before(severity: Severity, rule: DeadlineRule, now: datetime) -> datetime | None:
    """Until when quiet hours hold the mail back: medium only; high and urgent know none."""
    return rule.calendar.end_of_quiet(now) if severity <= Severity.MEDIUM else None


def _flag_alerts(case: Case, reason: str, rule: DeadlineRule, now: datetime) -> tuple[Alert, ...]:
    """The alert of a case whose flag is open. Old items come in the source's one summary; a case with a second
    clock is the lead's, whatever its words have become, and nothing holds it back."""
    safeguarding = case.second_clock is not SecondClock.NONE
    if not safeguarding and (case.flag is not Flag.OPEN or (case.cold and case.opening == 1)):
        return ()
    flagged_now = case.severity is not None and case.severity >= Severity.MEDIUM
    severity = (
        case.severity if case.severity is not None and flagged_now else max(case.worst, Severity.MEDIUM)
    )
    return (
        Alert(
            kind=AlertKind.FLAGGED,
            subject=f"case:{case.number}",
            occurrence=case.opening,
            severity=str(severity),
            categories=case.categories,
            reason=reason,
            facts={"case": case.number, "safeguarding": safeguarding},
            not_before=None if safeguarding else flag_not_before(severity, rule, now),
        ),
    )


def _judged(verdict: Verdict | None, now: datetime) -> Event:
    if verdict is None:
        return Event(EventKind.JUDGED, now, {"severity": None, "safeguarding": False, "categories": []})
    return Event(
        EventKind.JUDGED,
        now,
        {
            "severity": str(verdict.severity),
            "safeguarding": verdict.safeguarding,
            "categories": [category.value for category in verdict.categories],
        },
    )


def _deadline_set(due: Deadline, now: datetime) -> Event:
    return Event(EventKind.DEADLINE_SET, now, {"due_at": due.due_at.isoformat(), "reason": due.reason})


def _answered(reply: int, now: datetime) -> Event:
    return Event(EventKind.ANSWERED, now, {"by": reply})


def _due_again(case: Case, rule: DeadlineRule, now: datetime) -> Deadline:
    """The old due time if it is still ahead, else counted from now, when the change was seen."""
    if case.due_at is not None and case.due_at > now and case.due_reason is not None:
        return Deadline(case.due_at, case.due_reason)
    return deadline(now, rule)


def _still_needed(case: Case, notices: tuple[PlannedNotice, ...] | None) -> tuple[PlannedNotice, ...] | None:
    return notices if notices is None or case.answer is Answer.WAITING else ()


def is_greeting(categories: Iterable[str]) -> bool:
    """Is an item of these categories a greeting, which a general comment of the school answers?"""
    return Category.THANKS.value in categories
