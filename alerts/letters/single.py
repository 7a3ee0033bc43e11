"""The mails about one item: flagged, a reply is due, a deadline was missed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from alerts.kinds import ItemView
from alerts.letters.desk import Desk, Letter, Section
from alerts.shown import ShownItem, listed
from alerts.wording import knows

_DELICATE: Final = ("allegation", "data_breach", "media")
"""Categories whose first line is their own, the most delicate first."""
_ELSEWHERE: Final = frozenset({"mention", "post"})
"""Kinds that do not stand under the school's own posts, where nobody can hide them."""
_OUT_OF_SIGHT: Final = frozenset({"hidden", "held", "deleted"})
_NEVER_PUBLIC: Final = frozenset({"direct", "report"})
_WORSE: Final = frozenset({"edited_more_severe", "more_severe"})


def flagged(desk: Desk) -> Letter:
    """An item was judged medium or worse."""
    facts, item = desk.facts, the_item(desk)
    sections = [why(desk, item)]
    if facts.reason not in ("", "first"):
        sections.append(desk.section("now", desk.say("alerts", facts.reason)))
    due_at, section = deadline(desk)
    if section is not None:
        sections.append(section)
    if due_at is None:
        what_next = desk.p("next_flagged")
    elif due_at <= facts.now:
        what_next = desk.p("next_flagged_overdue")
    else:
        what_next = desk.p("next_flagged_due", due=desk.times.moment(due_at))
    public = desk.p("next_public") if _is_public(facts.items[0]) else ""
    close = desk.p("close_case", command=desk.command("close", item.case)) if item.explain else ""
    wrong = desk.p("false_alarm", command=desk.command("false_alarm", item.case)) if item.explain else ""
    sections.append(desk.section("next", public, what_next, close, wrong, _history(desk, item)))
    return Letter(
        template="item",
        subject=_flagged_subject(desk, item),
        todo=desk.say("todo", f"flagged_{_first_line(desk)}", item=item.kind),
        items=(item,),
        sections=tuple(sections),
        severity=facts.severity,
    )


def _is_public(item: ItemView) -> bool:
    return item.state not in _OUT_OF_SIGHT and item.kind not in _NEVER_PUBLIC


def _first_line(desk: Desk) -> str:
    view = desk.facts.items[0]
    own = delicate(desk)
    if own is not None:
        return own
    return f"elsewhere_{desk.facts.severity}" if view.kind in _ELSEWHERE else desk.facts.severity


def delicate(desk: Desk) -> str | None:
    """The category, if any, for which nobody should reply before they have agreed on the words."""
    categories = {code for item in desk.facts.items[:1] for code in item.categories}
    return next((code for code in _DELICATE if code in categories), None)


def _flagged_subject(desk: Desk, item: ShownItem) -> str:
    reason = desk.facts.reason
    if reason in _WORSE:
        return desk.subject("flagged_again", **_subject_words(desk, item))
    if reason not in ("", "first") and knows(desk.language, "alerts", reason):
        return desk.subject("flagged_reopened", **_subject_words(desk, item))
    if not item.categories:
        return desk.subject("flagged_unnamed", **_subject_words(desk, item))
    return desk.subject("flagged", what=item.categories[0], **_subject_words(desk, item))


def reply_due(desk: Desk) -> Letter:
    """The deadline comes near and nobody has answered."""
    facts, item = desk.facts, the_item(desk)
    due_at, section = deadline(desk)
    if due_at is None:
        subject = desk.subject("reply_due_undated", **_subject_words(desk, item))
        todo = desk.say("todo", "reply_due_undated", item=item.kind)
    else:
        in_time = "reply_due_alone" if facts.reason == "no_staffed_time_left" else "reply_due"
        subject = desk.subject("reply_due", due=desk.times.short(due_at), **_subject_words(desk, item))
        todo = desk.say(
            "todo",
            in_time if due_at > facts.now else "reply_due_over",
            item=item.kind,
            due=desk.times.moment(due_at),
            left=desk.times.span(due_at - facts.now),
        )
    sections = [] if section is None else [section]
    if facts.reason:
        sections.append(desk.section("now", desk.say("alerts", facts.reason)))
    sections.append(desk.section("next", desk.p("next_reply_due"), _history(desk, item)))
    return Letter(template="item", subject=subject, todo=todo, items=(item,), sections=tuple(sections))


def deadline_missed(desk: Desk) -> Letter:
    """The deadline has passed and nobody has answered."""
    facts, item = desk.facts, the_item(desk)
    due_at, section = deadline(desk, past=True)
    if due_at is None:
        subject = desk.subject("deadline_missed_undated", **_subject_words(desk, item))
        todo = desk.say("todo", "deadline_missed_undated", item=item.kind)
    else:
        subject = desk.subject("deadline_missed", due=desk.times.short(due_at), **_subject_words(desk, item))
        over = desk.since(min(due_at, facts.now))
        todo = desk.say("todo", "deadline_missed", item=item.kind, over=over)
    sections = [] if section is None else [section]
    sections.append(desk.section("next", desk.p("next_deadline_missed"), _history(desk, item)))
    return Letter(
        template="item",
        subject=subject,
        todo=todo,
        items=(item,),
        sections=tuple(sections),
        severity="high",
    )


def the_item(desk: Desk) -> ShownItem:
    """The one item that the mail is about. Raises ValueError where there is none."""
    if not desk.facts.items:
        raise ValueError(f"a mail of kind {desk.facts.kind.value} needs an item")
    return desk.show(desk.facts.items[:1])[0]


def why(desk: Desk, item: ShownItem) -> Section:
    """Why it was flagged: categories in words, and the words that weighed most."""
    named = desk.p("flagged_for", categories=listed(desk.language, item.categories))
    words = ", ".join(desk.say("labels", "quote", words=span) for span in item.spans)
    return desk.section(
        "why",
        named if item.categories else desk.p("flagged_for_nothing_named"),
        desk.p("weighed_most", words=words) if item.spans else "",
        desk.p("severity", severity=desk.say("severities", item.severity)),
        desk.p("judged_by_a_program"),
    )


def deadline(
    desk: Desk, *, past: bool = False, agree: str | None = None
) -> tuple[datetime | None, Section | None]:
    """When an answer is due, and the section that says why; None where nothing is known of it.

    `agree`: with whom the words must be agreed before anybody replies; else the item's category says.
    """
    facts = desk.facts
    item = facts.items[0] if facts.items else None
    due_at = facts.due_at or (item.due_at if item else None)
    code = facts.due_reason or (item.due_reason if item else None)
    if due_at is None:
        if code is None:
            return None, None
        none = desk.p("no_deadline", reason=desk.say("deadlines.none", code))
        return None, desk.section("deadline", none)
    name = "due_was" if past or due_at <= facts.now else "due_by"
    due = desk.times.moment(due_at)
    line = desk.p(f"{name}_unexplained", due=due)
    if code is not None:
        line = desk.p(name, due=due, reason=desk.say("deadlines.due", code))
    if agree is not None:
        return due_at, desk.section("deadline", line, desk.p(f"agree_first_{agree}"))
    how = "acknowledge" if delicate(desk) is None else "agree_first"
    return due_at, desk.section("deadline", line, desk.p(how), desk.p("seen_by_itself"))


def _subject_words(desk: Desk, item: ShownItem) -> dict[str, str]:
    case = "" if item.case is None else desk.say("labels", "case_note", case=item.case)
    return {"item": item.a_kind, "on": item.on_platform, "case": case}


def _history(desk: Desk, item: ShownItem) -> str:
    return desk.p("explain", explain=item.explain) if item.explain else ""
