"""The mails that say least: a case number as subject, no preview, words only to a mailbox that one person reads."""

from __future__ import annotations

from typing import Final

from alerts.clean import one_line
from alerts.kinds import AlertKind, MailFacts
from alerts.letters.desk import Desk, Letter, Section
from alerts.letters.single import deadline, why
from alerts.shown import explain_command, listed, protected

_ABOUT_ONE: Final = frozenset({AlertKind.FLAGGED, AlertKind.REPLY_DUE, AlertKind.DEADLINE_MISSED})
_RULES: Final = ("danger", "rule", "capture", "pictures", "procedure")


def is_protected(facts: MailFacts) -> bool:
    """Must the mail say nothing in its subject and preview? The facts say so, or the item itself does."""
    about_one = facts.kind in _ABOUT_ONE and any(protected(item) for item in facts.items)
    return facts.safeguarding or about_one


def safeguarding(desk: Desk) -> Letter:
    """What not to do comes first; the words stand far enough down that no preview shows them."""
    facts, shared = desk.facts, desk.facts.recipient.shared
    numbers = sorted({item.case_number for item in facts.items if item.case_number is not None})
    how_many = {0: "safeguarding_unnumbered", 1: "safeguarding"}.get(len(numbers), "safeguarding_several")
    cases = listed(desk.language, (str(number) for number in numbers))
    rules = [desk.say("safeguarding", rule) for rule in _RULES]
    if not shared and any("grooming" in item.categories for item in facts.items):
        rules.append(desk.say("safeguarding", "grooming"))
    return Letter(
        template="safeguarding",
        subject=desk.subject(how_many, case=cases, cases=cases),
        todo=_todo(desk, numbers),
        lead=(desk.say("safeguarding", "not_here" if shared else "together"),),
        rules=tuple(rules),
        items=() if shared else desk.show(facts.items),
        sections=_where_to_look(desk) if shared else _the_rest(desk),
        severity="urgent",
        urgent=True,
    )


def _todo(desk: Desk, numbers: list[int]) -> str:
    if not desk.facts.recipient.shared:
        return desk.say("todo", "safeguarding")
    if not numbers:
        return desk.say("todo", "safeguarding_shared_unnumbered")
    names = listed(desk.language, (desk.say("labels", "case_in_words", case=number) for number in numbers))
    return desk.say("todo", "safeguarding_shared", case=names)


def _the_rest(desk: Desk) -> tuple[Section, ...]:
    sections = [why(desk, item) for item in desk.show(desk.facts.items[:1])]
    due = deadline(desk, agree="safeguarding")[1]
    if due is not None:
        sections.append(due)
    what_next = [desk.p("next_safeguarding")]
    for item in desk.show(desk.facts.items):
        if item.explain:
            what_next.append(desk.p("acknowledge_case", command=desk.command("acknowledge", item.case)))
            what_next.append(desk.p("explain", explain=item.explain))
    sections.append(desk.section("next", *what_next))
    return tuple(sections)


def _where_to_look(desk: Desk) -> tuple[Section, ...]:
    """For a shared mailbox: the case's number and the platform, and who has the rest. No link, no name."""
    lines = []
    for item, view in zip(desk.show(desk.facts.items), desk.facts.items, strict=True):
        code = "look" if view.source else "look_platform"
        name = desk.say("labels", "the_item") if item.case is None else item.case_label
        source = one_line(view.source, 60)
        lines.append(desk.say("safeguarding", code, item=name, on=item.on_platform, source=source))
    number = next((view.case_number for view in desk.facts.items if view.case_number is not None), None)
    explain = explain_command(desk.language, number) or desk.check()
    lines.append(desk.say("safeguarding", "look_how", explain=explain))
    return (desk.section("look", *lines), desk.section("next", desk.p("next_safeguarding")))
