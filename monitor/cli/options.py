"""Options that several commands share, and what they open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.failures import USAGE, Failure

if TYPE_CHECKING:
    from config.schema import School, Settings
    from monitor.pipeline.site import Site

_PLACES = (Path("schoolwatch.toml"), Path("/etc/schoolwatch/schoolwatch.toml"))

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SCHOOLWATCH_CONFIG",
    help="The settings' file. [default: ./schoolwatch.toml, then /etc/schoolwatch/schoolwatch.toml]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For scripts: JSON instead of words.")
school_option = click.option(
    "--school", "school_id", help="Which school, where the settings hold more than one."
)


def place_of(path: Path | None) -> Path:
    """The path, or the first usual place that has settings."""
    return path or next((place for place in _PLACES if place.exists()), _PLACES[0])


def settings_of(path: Path | None) -> Settings:
    """The settings at the path, or at the first usual place that has some. Raises ConfigError."""
    from config.settings import load

    return load(place_of(path), os.environ)


def models_folder(path: Path | None) -> Path:
    """The folder of fetched models: in the state folder of the settings, or of none. Raises ConfigError."""
    if path is None and not place_of(path).exists():
        return Path(os.environ.get("SCHOOLWATCH_STATE_DIR", "state")) / "models"
    from monitor.bootstrap import models_of

    return models_of(settings_of(path))


def school_of(settings: Settings, school_id: str | None) -> School:
    """The school that was asked for. Raises Failure when it is not clear which."""
    if school_id is None and len(settings.schools) == 1:
        return settings.schools[0]
    known = ", ".join(school.id for school in settings.schools)
    for school in settings.schools:
        if school.id == school_id:
            return school
    if school_id is None:
        raise Failure(f"there are several schools; name one with --school ({known})", USAGE)
    raise Failure(f"there is no school {school_id}; choose one of {known}", USAGE)


@contextmanager
def open_site(config_path: Path | None, school_id: str | None) -> Iterator[Site]:
    """One school's site on the migrated database."""
    from monitor.bootstrap import open_database, site_of
    from monitor.storage import migrate

    settings = settings_of(config_path)
    school = school_of(settings, school_id)
    db = open_database(settings, os.environ)
    try:
        migrate.upgrade(db)
        yield site_of(settings, school, db)
    finally:
        db.close()


def person_of(site: Site, person: str | None) -> str:
    """The id of who did something, if it is one of the settings'. Raises Failure."""
    if person is None:
        raise Failure("say who did it with --by PERSON", USAGE)
    if all(one.id != person for one in site.school.people):
        known = ", ".join(one.id for one in site.school.people)
        raise Failure(f"there is no person {person} in the settings; choose one of {known}", USAGE)
    return person


def json_line(value: Any) -> str:
    """One object a line, times as ISO in UTC with a Z."""
    import json

    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    from datetime import UTC, datetime

    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
