"""A side door: a person did something about a case."""

from __future__ import annotations

from datetime import datetime

from monitor.domain.case import EventKind
from monitor.domain.decide import on_person
from monitor.pipeline.site import Site
from monitor.storage import cases, events

_ACTIONS = frozenset({EventKind.ACKNOWLEDGED, EventKind.ANSWERED, EventKind.DECIDED})
_LEADS = frozenset({"safeguarding_lead", "safeguarding_deputy"})


def may_lead(site: Site, person: str) -> bool:
    """Is the person the safeguarding lead or a deputy?"""
    return any(one.id == person and _LEADS & {role.value for role in one.roles} for one in site.school.people)


def act(site: Site, number: int, action: EventKind, person: str, now: datetime) -> str | None:
    """Note what the person did; the code of what it changed ("nothing_changed" if nothing), None: no such case.

    Raises NotTheirs where only the safeguarding lead or a deputy may do it, ValueError on what no person does.
    """
    if action not in _ACTIONS:
        raise ValueError(f"no person can let a case be {action.value}")
    leads = may_lead(site, person)
    with site.db.write("T2 act") as conn:
        events.lock(conn, site.id)
        case = cases.load(conn, site.id, number)
        if case is None:
            return None
        decision = on_person(case, action, person, leads, now)
        if decision is None:
            return "nothing_changed"
        cases.save(conn, site.id, number, decision, summary_wanted=False)
        return decision.reason
