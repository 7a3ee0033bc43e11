"""Reads the presets: house-wide defaults that are data files in config/presets/."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from config.schema import Role

FOLDER: Final = Path(__file__).parent / "presets"

ALWAYS_THERE: Final = frozenset({Role.MODERATOR, Role.SAFEGUARDING_LEAD})
"""Roles without which no school's settings load, so a row that names one always reaches somebody."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who hears: everybody with one of `roles`; if nobody has, those with the first of `fallback` that somebody has."""

    roles: tuple[str, ...]
    fallback: tuple[str, ...] = ()


@cache
def routes() -> Mapping[str, Route]:
    """The preset routes by key: "flagged.urgent", "reply_due", "reply_due.no_staffed_time_left" and so on.

    Raises ValueError if config/presets/routes.toml was changed into something that could leave an alert with
    nobody, or that cannot be read.
    """
    table = tomllib.loads((FOLDER / "routes.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: _route(key, row) for key, row in table.items()})


def routes_for(overrides: Mapping[str, tuple[Role, ...]]) -> Mapping[str, Route]:
    """The presets with a school's own `roles` in the rows it names; each row keeps its fallback.

    Raises KeyError on a key that the presets do not have.
    """
    changed = {key: replace(routes()[key], roles=tuple(roles)) for key, roles in overrides.items()}
    return MappingProxyType({**routes(), **changed})


def find(table: Mapping[str, Route], kind: str, detail: str = "") -> Route:
    """The row for a kind and its severity or reason, else the row for the kind alone.

    Raises KeyError with a sentence when there is neither.
    """
    for key in (f"{kind}.{detail}", kind):
        if key in table:
            return table[key]
    raise KeyError(f'No route for "{kind}" ("{detail}"); add a row to config/presets/routes.toml.')


def _route(key: str, row: Mapping[str, Any]) -> Route:
    if set(row) != {"roles", "fallback"} or not row["roles"]:
        raise ValueError(f'routes.toml: "{key}" needs roles and fallback, and nothing else.')
    named = {*row["roles"], *row["fallback"]}
    if not named <= set(Role):
        raise ValueError(
            f'routes.toml: "{key}" names a role that nobody can have: {sorted(named - set(Role))}.'
        )
    if not named & ALWAYS_THERE:
        raise ValueError(f'routes.toml: "{key}" could reach nobody; add "moderator" to its fallback.')
    return Route(tuple(Role(name) for name in row["roles"]), tuple(Role(name) for name in row["fallback"]))
