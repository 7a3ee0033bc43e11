"""init, check, migrate: what a technician does before and beside the worker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import Failure
from monitor.cli.options import config_option, json_line, json_option, settings_of

if TYPE_CHECKING:
    from config.schema import School, Settings


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="schoolwatch.toml")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
def init(path: Path, *, force: bool) -> None:
    """Write a commented example of the settings to PATH (default: schoolwatch.toml).

    Every setting stands in it with its default and one line why. Change the names and addresses, then run
    `schoolwatch check`.
    """
    if path.exists() and not force:
        raise Failure(f"{path} exists already; choose another path, or overwrite it with --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(files("config").joinpath("example.toml").read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(
        f"wrote {path}; change the names and addresses in it, then run: schoolwatch check --config {path}"
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`. `level`: problem (something does not work), advice (the policies ask for it)."""

    level: str
    about: str
    sentence: str


@click.command()
@config_option
@click.option(
    "--offline", is_flag=True, help="Look at the settings only: no secrets, database, mail or sources."
)
@json_option
def check(config_path: Path | None, *, offline: bool, as_json: bool) -> None:
    """Look whether everything is in order: settings, register, days of cover, database, mail, sources.

    Exit code 0: nothing is wrong (advice may be given); 1: something does not work; 78: the settings are wrong.
    """
    from monitor.bootstrap import refuse_wrong_options

    settings = settings_of(config_path)
    refuse_wrong_options(settings)
    found = _register(settings) + _judgement(settings)
    if not offline:
        found += _online(settings)
    for one in found:
        if as_json:
            click.echo(json_line({"level": one.level, "about": one.about, "sentence": one.sentence}))
        else:
            click.echo(f"{one.level:8} {one.about}: {one.sentence}")
    problems = sum(one.level == "problem" for one in found)
    if not as_json:
        what = "the settings" if offline else "settings, database, mail and sources"
        click.echo(f"looked at {what}: {problems} problems, {len(found) - problems} pieces of advice")
    if problems:
        raise SystemExit(1)


def _register(settings: Settings) -> list[Finding]:
    from config.register import advice

    today = datetime.now(UTC).date()
    return [
        Finding("advice", f"{school.id}/{one.account}" if one.account else school.id, one.sentence)
        for school in settings.schools
        for one in advice(school, today)
    ]


def _judgement(settings: Settings) -> list[Finding]:
    from monitor.bootstrap import judgement_advice
    from monitor.classifier.engine import EngineError

    try:
        return [
            Finding("advice", f"{school.id}/{key}", said)
            for school in settings.schools
            for key, said in judgement_advice(settings, school)
        ]
    except EngineError as err:
        return [Finding("problem", "classifier.engine", str(err))]


def _online(settings: Settings) -> list[Finding]:
    found = _model(settings) + _database(settings) + _mail(settings)
    for school in settings.schools:
        found += _sources(school)
    return found


def _model(settings: Settings) -> list[Finding]:
    """Of an engine that does not come with the program: are its packages and its model there?"""
    from importlib.util import find_spec

    from monitor.bootstrap import models_of
    from monitor.classifier.models import ModelError, State, inspect
    from monitor.classifier.released import RELEASED

    engine = settings.classifier.engine
    if engine not in RELEASED:
        return []
    lacking = [name for name in ("torch", "transformers", "detoxify") if find_spec(name) is None]
    found = []
    if lacking:
        said = f"needs packages that are not installed ({', '.join(lacking)}); docs/detoxify.md says how"
        found.append(Finding("problem", engine, said))
    try:
        state = inspect(RELEASED[engine], models_of(settings)).state
    except ModelError as err:
        return [*found, Finding("problem", engine, str(err))]
    if state is not State.VERIFIED:
        said = f"its model is {state}; run: schoolwatch model fetch {engine}"
        found.append(Finding("problem", engine, said))
    return found


def _database(settings: Settings) -> list[Finding]:
    from sqlalchemy.exc import OperationalError

    from config.secrets import SecretMissing
    from monitor.bootstrap import open_database
    from monitor.storage import events, migrate, outages, set_asides
    from monitor.storage.database import sqlite_advice

    try:
        db = open_database(settings, os.environ)
    except (SecretMissing, OSError) as err:
        return [Finding("problem", "database", str(err))]
    found = [Finding("advice", "database", advice) for advice in sqlite_advice(db)]
    try:
        with db.read() as conn:
            at = migrate.revision(conn)
            if at != migrate.head():
                said = "is empty" if at is None else f"is at revision {at}"
                found.append(
                    Finding("advice", "database", f"{said}; `run`, `once` or `migrate` will bring it up")
                )
                return found
            for school in settings.schools:
                broken = events.first_broken(conn, school.id)
                if broken is not None:
                    found.append(Finding("problem", school.id, f"the chain of events is broken at {broken}"))
                found += [
                    Finding(
                        "problem",
                        school.id,
                        f"{one.subject} fails since {one.began_at:%d %b %H:%M} UTC ({one.code})",
                    )
                    for one in outages.running(conn, school.id)
                ]
                aside = set_asides.rows(conn, school.id)
                found += [
                    Finding(
                        "advice", f"{school.id}/{one.source_name}", f"set aside no. {one.id}: {one.reason}"
                    )
                    for one in aside
                ]
    except OperationalError as err:
        found.append(Finding("problem", "database", str(err.orig).splitlines()[0]))
    finally:
        db.close()
    return found


def _mail(settings: Settings) -> list[Finding]:
    from alerts.smtp import SmtpTransport
    from config.secrets import SecretMissing
    from monitor.bootstrap import open_transport

    try:
        transport = open_transport(settings, os.environ)
    except (SecretMissing, ValueError) as err:
        return [Finding("problem", "mail", str(err))]
    assert isinstance(transport, SmtpTransport)  # noqa: S101  bootstrap gives no other
    said = transport.greet()
    transport.close()
    return [] if said is None else [Finding("problem", "mail", said)]


def _sources(school: School) -> list[Finding]:
    from connectors.errors import ConnectorError
    from monitor.bootstrap import open_source

    found = []
    for source in (*school.accounts, *school.watches):
        about = f"{school.id}/{source.name}"
        try:
            connector = open_source(school, source, os.environ)
            health = connector.check(datetime.now(UTC))
            connector.close()
        except ConnectorError as err:
            found.append(Finding("problem", about, str(err)))
            continue
        if not health.ok:
            found.append(Finding("problem", about, health.detail))
    return found


@click.command()
@config_option
def migrate(config_path: Path | None) -> None:
    """Bring the database to this version's tables. `run` and `once` do it by themselves."""
    from monitor.bootstrap import open_database
    from monitor.storage import migrate as migration

    db = open_database(settings_of(config_path), os.environ)
    try:
        before, after = migration.upgrade(db)
    finally:
        db.close()
    click.echo(
        f"the database is at revision {after} already"
        if before == after
        else f"brought the database from revision {before or 'none'} to {after}"
    )
