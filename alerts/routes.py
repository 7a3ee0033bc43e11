"""Who hears an alert: its most specific route, then that route's fallback, and in the end somebody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from alerts.kinds import Alert, AlertKind, Recipient
from alerts.shown import PROTECTED
from config.presets import Route, routes
from config.settings import Person, Role, School

_LAST_RESORT: Final = frozenset({Role.HEAD, Role.SLT, Role.MODERATOR})
_LEADS: Final = frozenset({Role.SAFEGUARDING_LEAD, Role.SAFEGUARDING_DEPUTY})


def recipients(alert: Alert, school: School) -> tuple[Recipient, ...]:
    """Everybody who hears the alert, in the order of the school's list, each address once.

    Empty only where the school has no person at all.
    """
    found = _heard_by(alert, school)
    if alert.facts.get("safeguarding") and alert.kind is not AlertKind.FLAGGED:
        # Warnings about a safeguarding case hold a child's words too: they are the lead's and the deputies' alone.
        found = _having(school, _LEADS) or found
    if _is_urgent(alert) and alert.kind is AlertKind.FLAGGED:
        # A school may name more people for it; that the leads and deputies hear, together, it cannot change.
        leads = _having(school, _LEADS)
        found = [person for person in school.people if person in found or person in leads]
    return tuple(_each_address_once(found))


def keys(alert: Alert) -> tuple[str, ...]:
    """The routes that may be the alert's, the most specific first.

    A safeguarding item goes the urgent way whatever its severity, and whatever else it may be.
    """
    kind = alert.kind.value
    details = [*alert.categories, alert.reason, alert.severity]
    if _is_urgent(alert):
        details.insert(0, "urgent")
    return (*(f"{kind}.{detail}" for detail in dict.fromkeys(details) if detail), kind)


def _is_urgent(alert: Alert) -> bool:
    safeguarding = bool(alert.facts.get("safeguarding")) or bool(PROTECTED & set(alert.categories))
    return alert.severity == "urgent" or safeguarding


def _heard_by(alert: Alert, school: School) -> list[Person]:
    route = _route(alert, school)
    if route is not None:
        everybody = _having(school, route.roles)
        if everybody:
            return everybody
        for role in route.fallback:
            those = _having(school, (role,))
            if those:
                return those
    return _having(school, _LAST_RESORT) or list(school.people)


def _route(alert: Alert, school: School) -> Route | None:
    """The preset of the first key that there is, with the school's own roles where it names some."""
    for key in keys(alert):
        preset, own = routes().get(key), school.routes.get(key)
        if own:
            return Route(tuple(own), preset.fallback if preset else ())
        if preset is not None:
            return preset
    return None


def _having(school: School, roles: Iterable[str]) -> list[Person]:
    wanted = set(roles)
    return [person for person in school.people if wanted & set(person.roles)]


def _each_address_once(people: Iterable[Person]) -> Iterator[Recipient]:
    """A mailbox that stands in the list twice hears once; it is shared if it is so for anybody."""
    by_address: dict[str, list[Person]] = {}
    for person in people:
        by_address.setdefault(person.email.strip().casefold(), []).append(person)
    for those in by_address.values():
        first = those[0]
        shared = len(those) > 1 or any(person.shared_mailbox for person in those)
        yield Recipient(first.id, first.name, first.email, shared)
