"""The mails about Schoolwatch's own sight: input set aside, a source that cannot be read, and that can be again."""

from __future__ import annotations

from typing import Final

from alerts.clean import one_line
from alerts.kinds import SetAsideView
from alerts.letters.desk import Desk, Letter
from alerts.shown import Row
from alerts.wording import knows

_MOST_SET_ASIDE: Final = 50
_GAP: Final = "gap"


def set_aside(desk: Desk) -> Letter:
    """Input that could not be read as it stood, with the numbers by which it is kept."""
    facts = desk.facts
    number = max(facts.count, len(facts.set_aside))
    kept = facts.set_aside[:_MOST_SET_ASIDE]
    source = one_line(facts.source, 60)
    return Letter(
        template="source",
        subject=desk.as_subject(desk.count("subjects", "set_aside", number)),
        todo=desk.count("todo", "set_aside", number),
        lead=(desk.p("set_aside_from", source=source),) if source else (),
        rows=tuple(_set_aside_row(desk, one) for one in kept),
        more=desk.more(number - len(kept), "set_aside"),
        sections=(
            desk.section("do", desk.p("set_aside_see", command=desk.say("commands", "set_aside"))),
            desk.section("next", desk.p("next_set_aside")),
        ),
    )


def _set_aside_row(desk: Desk, one: SetAsideView) -> Row:
    reason = desk.say("set_aside", one.reason).rstrip(".")
    reason = reason[:1].upper() + reason[1:]
    seen = desk.times.moment(one.seen_at)
    # A gap in what was read is kept under a name that we made up ourselves.
    external_id = "" if (one.external_id or "").startswith(f"{_GAP} ") else one_line(one.external_id, 80)
    code = "set_aside_named" if external_id else "set_aside_unnamed"
    label = desk.say("labels", "number", number=one.number)
    return Row(label, desk.p(code, reason=reason, seen=seen, id=external_id))


def blind(desk: Desk) -> Letter:
    """A source could not be read for hours."""
    facts, source = desk.facts, desk.source()
    code = facts.error or "unknown"
    known = code if knows(desk.language, "errors.todo", code) else "unknown"
    todo = desk.say("errors.todo", known, source=source)
    cause = desk.say("errors.cause", code)
    how = desk.say("errors.how", known, check=desk.check())
    if facts.since is None:
        subject = desk.subject("blind_undated", source=desk.source(40))
        first = desk.say("todo", "blind_undated", todo=todo)
    else:
        subject = desk.subject("blind", source=desk.source(36), since=desk.times.short(facts.since))
        when = desk.times.moment(facts.since)
        first = desk.say("todo", "blind", todo=todo, since=when, length=desk.since(facts.since))
    gap = desk.say("alerts", _GAP) if facts.reason == _GAP else ""
    return Letter(
        template="source",
        subject=subject,
        todo=first,
        lead=(desk.p("look_yourself", source=source),),
        sections=(
            desk.section("cause", cause, gap),
            desk.section("do", how),
            desk.section("next", desk.p("next_blind")),
        ),
        severity="high",
    )


def sees_again(desk: Desk) -> Letter:
    """A blind source can be read again, with or without a gap."""
    facts, source = desk.facts, desk.source()
    gap = _GAP in (facts.reason, facts.error)
    until = facts.until or facts.now
    lead = []
    if facts.since is not None:
        since, till = desk.times.moment(facts.since), desk.times.moment(until)
        length = desk.times.span(until - facts.since)
        lead.append(desk.p("was_blind", since=since, until=till, length=length))
        lead.append(desk.p("sees_again_gap" if gap else "sees_again", since=since, until=till))
    else:
        lead.append(desk.p("sees_again_gap_undated" if gap else "sees_again"))
    if facts.count:
        lead.append(desk.count("paragraphs", "found_late", facts.count))
    code = "sees_again_gap" if gap else "sees_again"
    return Letter(
        template="source",
        subject=desk.subject(code, source=desk.source(36)),
        todo=desk.say("todo", code, source=source),
        lead=tuple(lead),
        severity="medium" if gap else "low",
    )
