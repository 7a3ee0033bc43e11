"""The mails about Schoolwatch itself: settings that it does not take, and a worker that does not work."""

from __future__ import annotations

from typing import Final

from alerts.clean import one_line
from alerts.letters.desk import Desk, Letter

_MOST_PROBLEMS: Final = 10
_WHY_STOPPED: Final = {
    "settings": "stopped_settings",
    "failed": "stopped_failed",
    "silent": "stopped_silent",
}


def settings_refused(desk: Desk) -> Letter:
    """Settings that were read again are wrong: `count` problems; the old ones stay in use."""
    facts = desk.facts
    lead = []
    if facts.since is not None:
        lead.append(desk.p("refused_at", since=desk.times.moment(facts.since)))
    wrong = desk.count("paragraphs", "refused_places", facts.count) if facts.count else ""
    return Letter(
        template="source",
        subject=desk.subject("settings_refused"),
        todo=desk.say("todo", "settings_refused"),
        lead=tuple(lead),
        sections=(
            desk.section("cause", wrong or desk.p("refused_unknown")),
            desk.section(
                "do", desk.p("refused_do", check=desk.check(), reload=desk.say("commands", "reload"))
            ),
            desk.section("next", desk.p("next_settings_refused")),
        ),
        severity="high",
    )


def worker_stopped(desk: Desk) -> Letter:
    """The worker does not work: `since` its last sign of life, `error` what is wrong with the settings."""
    facts = desk.facts
    lead = [desk.p("stopped_look")]
    if facts.since is not None:
        since = desk.times.moment(facts.since)
        lead.insert(0, desk.p("stopped_since", since=since, length=desk.since(facts.since)))
    problems = [line for line in map(_cleaned, (facts.error or "").split("\n")) if line]
    return Letter(
        template="source",
        subject=desk.subject("worker_stopped"),
        todo=desk.say("todo", "worker_stopped"),
        lead=tuple(lead),
        sections=(
            desk.section(
                "cause",
                desk.p(_WHY_STOPPED.get(facts.reason, "stopped_unknown")),
                *problems[:_MOST_PROBLEMS],
                desk.more(len(problems) - _MOST_PROBLEMS, "check"),
            ),
            desk.section(
                "do",
                desk.p("stopped_do", check=desk.check(), journal=desk.say("commands", "journal")),
                desk.p("stopped_start", restart=desk.say("commands", "restart")),
            ),
            desk.section("next", desk.p("next_worker_stopped")),
        ),
        severity="high",
        urgent=True,
    )


def _cleaned(line: str) -> str:
    return one_line(line, 300)
