"""The mail about a mail that did not arrive."""

from __future__ import annotations

from alerts.clean import one_line
from alerts.letters.desk import Desk, Letter


def undelivered(desk: Desk) -> Letter:
    """Somebody who should have heard has not: `source` is whom, `error` the mail server's words."""
    facts = desk.facts
    person = one_line(facts.source, 120) or desk.say("labels", "somebody")
    lead = []
    if facts.since is not None:
        since = desk.times.moment(facts.since)
        lead.append(desk.p("undelivered_since", since=since, length=desk.since(facts.since)))
    cause = one_line(facts.error, 300) or desk.p("undelivered_unknown")
    return Letter(
        template="source",
        subject=desk.subject("undelivered", person=one_line(facts.source, 40) or person),
        todo=desk.say("todo", "undelivered", person=person),
        lead=tuple(lead),
        sections=(
            desk.section("cause", cause),
            desk.section("do", desk.p("undelivered_do", outbox=desk.say("commands", "outbox"))),
            desk.section("next", desk.p("next_undelivered")),
        ),
        severity="high",
        urgent=facts.severity == "urgent",
    )
