"""What must fit together in one school's settings. Each check looks only at parts that are right in themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from config.fields import holds_password
from config.frozen import Frozen
from config.presets import routes
from config.problems import Loc, unknown
from config.schema import Deadline, Hours, Person, Role

Finding = tuple[Loc, str]
"""A path in the file, and the sentence that reads on from it."""

_M = TypeVar("_M", bound=Frozen)

_SECRET: Final = re.compile(
    r"(?:.*[-_])?(?:password|passwd|passphrase|token|secret|credentials?|apikey|(?:api|access|private)[-_]?key)",
    re.IGNORECASE,
)


def school_findings(raw: Mapping[str, Any]) -> list[Finding]:
    """All that does not fit in one school's tables, as TOML gave them."""
    return [*_hours(raw), *_deadline(raw), *_people(raw), *_sources(raw), *_routes(raw)]


def secret_findings(raw: Any, loc: Loc = ()) -> Iterator[Finding]:
    """Every secret that stands in a file, by the look of its key or of an address. Never repeats it."""
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            if _is_secret(loc, key, value):
                yield (*loc, key), _take_out(loc)
            else:
                yield from secret_findings(value, (*loc, key))
    elif isinstance(raw, list):
        for position, value in enumerate(raw):
            yield from secret_findings(value, (*loc, position))
    elif isinstance(raw, str) and loc != ("database", "url") and holds_password(raw):
        yield loc, "must not hold a password in its address; take it out, change it, and give it as a secret."


def _is_secret(loc: Loc, key: str, value: Any) -> bool:
    if loc[:1] in {("accounts",), ("watches",)} and loc[2:] == ("secrets",):
        return False  # names stand there, and the schema refuses what is none
    written = (isinstance(value, str) and value != "") or (
        isinstance(value, int) and not isinstance(value, bool)
    )
    return written and key != "password_secret" and _SECRET.fullmatch(key) is not None


def _take_out(loc: Loc) -> str:
    where = "password_secret" if loc and loc[0] in {"mail", "database"} else "the source's secrets table"
    return (
        "must not stand in a file; take it out, change it, give it to systemd or the environment, "
        f"and write only its name in {where}."
    )


def _hours(raw: Mapping[str, Any]) -> Iterator[Finding]:
    hours = _parsed(Hours, raw.get("hours", {}))
    if hours is None:
        return
    if hours.staffed_from >= hours.staffed_until:
        yield ("hours", "staffed_until"), "must be later than staffed_from."
    elif hours.quiet_from != hours.quiet_until and _swallows(hours):
        yield (
            ("hours", "quiet_from"),
            "to quiet_until covers the whole staffed time; make the quiet hours shorter.",
        )
    if hours.duty_from >= hours.duty_until:
        yield ("hours", "duty_until"), "must be later than duty_from."
    if len(set(hours.working_days)) < len(hours.working_days):
        yield ("hours", "working_days"), "names a day twice; remove one."


def _swallows(hours: Hours) -> bool:
    """Do the quiet hours hold all of the staffed time?"""
    if hours.quiet_from < hours.quiet_until:
        return hours.quiet_from <= hours.staffed_from and hours.staffed_until <= hours.quiet_until
    return hours.staffed_until <= hours.quiet_until or hours.quiet_from <= hours.staffed_from


def _deadline(raw: Mapping[str, Any]) -> Iterator[Finding]:
    deadline = _parsed(Deadline, raw.get("deadline", {}))
    if deadline is not None and deadline.lead_hours >= deadline.hours:
        yield ("deadline", "lead_hours"), "must be less than hours, else every warning comes too late."


def _people(raw: Mapping[str, Any]) -> Iterator[Finding]:
    if not isinstance(raw.get("people", []), list):
        return
    rows = _rows(raw, "people")
    yield from _twice([(("people", n, "id"), row.get("id")) for n, row in rows], "person")
    people = [_parsed(Person, row) for _, row in rows]
    roles = {role for person in people if person for role in person.roles}
    if None in people:
        return  # who is missing may be the one that is written wrongly
    if Role.MODERATOR not in roles:
        yield ("people",), 'need at least one with the role "moderator"; nobody would be told otherwise.'
    if Role.SAFEGUARDING_LEAD not in roles:
        yield (
            ("people",),
            'need at least one with the role "safeguarding_lead"; add it to that person\'s roles.',
        )


def _sources(raw: Mapping[str, Any]) -> Iterator[Finding]:
    names = [
        ((section, n, "name"), row.get("name"))
        for section in ("accounts", "watches")
        for n, row in _rows(raw, section)
    ]
    yield from _twice(names, "account or watch")
    ids = {row.get("id") for _, row in _rows(raw, "people") if isinstance(row.get("id"), str)}
    for n, row in _rows(raw, "accounts"):
        for key in ("staff", "training_done"):
            named = row.get(key)
            for person in named if isinstance(named, list) else []:
                if isinstance(person, str) and person not in ids:
                    yield (
                        ("accounts", n, key),
                        f'names "{person}", who is not among [[people]]; add that person or correct the name.',
                    )


def _routes(raw: Mapping[str, Any]) -> Iterator[Finding]:
    table = raw.get("routes", {})
    for key, roles in table.items() if isinstance(table, Mapping) else ():
        if isinstance(roles, Mapping):
            yield (
                ("routes", key),
                f'must be one key in quotes with a list, such as "{key}.{next(iter(roles), "")}".',
            )
        elif key not in routes():
            yield ("routes", key), unknown(key, list(routes()))
        elif not roles:
            yield ("routes", key), "must not be empty; an alert needs somebody who hears it."


def _twice(named: Iterable[tuple[Loc, Any]], what: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for loc, name in named:
        if isinstance(name, str) and name in seen:
            yield loc, f'is "{name}", which an earlier {what} has already; choose another.'
        elif isinstance(name, str):
            seen.add(name)


def _rows(raw: Mapping[str, Any], section: str) -> list[tuple[int, Mapping[str, Any]]]:
    """The tables of an array of tables, with their positions; none where it is something else."""
    rows = raw.get(section, [])
    return (
        [(n, row) for n, row in enumerate(rows) if isinstance(row, Mapping)] if isinstance(rows, list) else []
    )


def _parsed(model: type[_M], raw: Any) -> _M | None:
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None
