"""The mails about many items: a summary, what a reply may answer, what waits to be judged."""

from __future__ import annotations

from typing import Final

from alerts.kinds import ItemView
from alerts.letters.desk import Desk, Letter
from alerts.shown import language_name, listed, show

MOST_ITEMS: Final = 50
"""Shown in one mail; the rest is counted. Urgent items are shown however many they are."""
_MOST_NAMED: Final = 3
_WORST_FIRST: Final = ("urgent", "high", "medium", "low", "none")


def flagged_summary(desk: Desk) -> Letter:
    """Flagged items from before the watch began, in one mail."""
    ranked = sorted(desk.facts.items, key=_rank)
    kept = ranked[: max(MOST_ITEMS, sum(item.severity == "urgent" for item in ranked))]
    number = max(desk.facts.count, len(ranked))
    on = desk.on_one_platform(ranked)
    return Letter(
        template="list",
        subject=desk.as_subject(desk.count("subjects", "flagged_summary", number, on=on)),
        todo=desk.count("todo", "flagged_summary", number),
        lead=(desk.p("summary_origin"),),
        items=desk.show(kept, excerpt=True),
        more=desk.more(number - len(kept)),
        sections=(desk.section("next", desk.p("next_summary")),),
    )


def _rank(item: ItemView) -> int:
    return _WORST_FIRST.index(item.severity) if item.severity in _WORST_FIRST else 0


def ask_answered(desk: Desk) -> Letter:
    """The school wrote under a post; which of the waiting comments does that answer?"""
    facts = desk.facts
    number = max(facts.count, len(facts.items))
    on = desk.on_one_platform(facts.items or ((facts.reply,) if facts.reply else ()))
    return Letter(
        template="list",
        subject=desk.as_subject(desk.count("subjects", "ask_answered", number, on=on)),
        todo=desk.count("todo", "ask_answered", number),
        lead=(desk.p("ask_how"),),
        reply=None if facts.reply is None else show(facts.reply, facts, desk.times),
        items=desk.show(facts.items[:MOST_ITEMS], excerpt=True),
        more=desk.more(number - len(facts.items[:MOST_ITEMS])),
        sections=(
            desk.section("do", desk.p("ask_do"), desk.p("ask_close", command=desk.command("answered"))),
            desk.section("next", desk.p("next_ask_answered")),
        ),
    )


def unscored(desk: Desk) -> Letter:
    """The classifier failed: people look at the items themselves."""
    facts = desk.facts
    number = max(facts.count, len(facts.items))
    kept = facts.items[:MOST_ITEMS]
    waiting = ""
    if facts.since is not None:
        since = desk.times.moment(facts.since)
        waiting = desk.p("unscored_since", since=since, length=desk.since(facts.since))
    cause = desk.say("errors.classifier", facts.error or facts.reason or "engine_failed")
    return Letter(
        template="list",
        subject=desk.as_subject(_counted(desk, "subjects", "unscored", number)),
        todo=_counted(desk, "todo", "unscored", number),
        lead=tuple(
            line for line in (waiting, desk.p("unscored_read" if kept else "unscored_unlisted")) if line
        ),
        items=desk.show(kept, excerpt=True),
        more=desk.more(number - len(kept)) if kept else "",
        sections=(
            desk.section("cause", cause),
            desk.section("next", desk.p("next_unscored")),
        ),
        severity="high",
    )


def unread(desk: Desk) -> Letter:
    """A day's items in languages that no engine can judge."""
    facts = desk.facts
    kept = facts.items[:MOST_ITEMS]
    number = len(kept)
    named = _languages(desk)
    return Letter(
        template="list",
        subject=desk.as_subject(desk.count("subjects", "unread", number, named=named)),
        todo=desk.count("todo", "unread", number, named=named),
        lead=(desk.p("unread_means"),),
        items=desk.show(kept, excerpt=True),
        more=desk.count("paragraphs", "unread_more", facts.count - number) if facts.count > number else "",
        sections=(
            desk.section("do", desk.p("unread_how"), desk.p("unread_harm")),
            desk.section("next", desk.p("next_unread")),
        ),
    )


def _languages(desk: Desk) -> str:
    """The languages of the items as people list them; of more than three only how many."""
    codes = dict.fromkeys(item.language for item in desk.facts.items if item.language is not None)
    names = sorted(language_name(desk.language, code) for code in codes)
    if 1 <= len(names) <= _MOST_NAMED:
        return listed(desk.language, names)
    return desk.count("labels", "languages", len(names)) if names else desk.say("labels", "another_language")


def scored_again(desk: Desk) -> Letter:
    """The classifier works again and has judged what waited."""
    facts = desk.facts
    number = max(facts.count, len(facts.items))
    lead = [desk.p("scored_again")]
    if facts.since is not None:
        until = facts.until or facts.now
        length = desk.times.span(until - facts.since)
        since, till = desk.times.moment(facts.since), desk.times.moment(until)
        lead.append(desk.p("was_unscored", since=since, until=till, length=length))
    return Letter(
        template="list",
        subject=desk.as_subject(_counted(desk, "subjects", "scored_again", number)),
        todo=_counted(desk, "todo", "scored_again", number),
        lead=tuple(lead),
        severity="low",
    )


def _counted(desk: Desk, section: str, code: str, number: int) -> str:
    """None wait at the moment of writing: then the mail is about what comes, or about what has come."""
    return desk.count(section, code, number) if number else desk.say(section, f"{code}_nothing")
