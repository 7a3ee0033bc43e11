"""run, once, demo: the work itself."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import CONFIG, TRY_LATER, Failure
from monitor.cli.options import (
    config_option,
    json_line,
    json_option,
    place_of,
    school_of,
    school_option,
    settings_of,
)

if TYPE_CHECKING:
    from config.schema import Settings
    from monitor.bootstrap import Installation
    from monitor.lifeline import Contacts


def _install(settings: Settings, *, alone: bool = False) -> Installation:
    """The installation, migrated, its register looked at. `alone`: as the only `run` on its SQLite database.

    Raises what the settings deserve.
    """
    from monitor.bootstrap import install, refuse_wrong_options
    from monitor.reload import RegisterRefuses, look_at_register
    from monitor.storage import migrate

    refuse_wrong_options(settings)
    installation = install(settings, os.environ)
    try:
        if alone:
            installation.db.claim_run()  # before anything is changed under another worker's hands
        migrate.upgrade(installation.db)
        look_at_register(installation, datetime.now(UTC).date())
    except RegisterRefuses as err:
        installation.close()
        raise Failure(str(err), CONFIG) from None
    except BaseException:
        installation.close()
        raise
    return installation


@click.command()
@config_option
def run(config_path: Path | None) -> None:
    """Watch: poll, judge and mail until SIGTERM. SIGHUP reads the settings again.

    Logs JSON to standard error. Exit code 78: the settings are wrong; 75: another worker has the database.
    """
    from monitor import logs
    from monitor.reload import accepted, reload_with
    from monitor.service import Service

    settings = settings_of(config_path)
    logs.to_json(settings.worker.log_level)
    installation = _install(settings, alone=True)
    accepted(installation, datetime.now(UTC))
    Service(installation, os.environ, reload_with(lambda: settings_of(config_path), os.environ)).run()


@click.command()
@config_option
@click.option("--if-silent", is_flag=True, help="Only if the worker has given no sign of life for an hour.")
def alarm(config_path: Path | None, *, if_silent: bool) -> None:
    """Mail the technician and the head that the worker does not work. systemd calls it; you can, to try it.

    Needs no database. Where the settings are wrong it uses the mail server and the addresses of the last good
    ones. Each person is told once a day, until the worker works again. Exit code 75: somebody is still to be told.
    """
    from monitor import lifeline, logs
    from monitor.bootstrap import open_transport

    logs.to_terminal()
    now = datetime.now(UTC)
    settings, problems, folder = _what_can_be_read(config_path)
    if if_silent and not lifeline.is_silent(folder, now):
        click.echo("the worker gives signs of life; nobody is told")
        return
    contacts = lifeline.Contacts.of(settings) if settings else lifeline.Contacts.load(folder)
    if contacts is None:
        raise Failure(
            f"the settings are wrong, and no contacts are kept in {folder}: nobody can be told\n{problems}",
            CONFIG,
        )
    reason = "settings" if problems or os.environ.get("MONITOR_EXIT_STATUS") == str(CONFIG) else "failed"
    transport = open_transport(_mail_alone(contacts), os.environ)
    try:
        outcomes = lifeline.sound(
            contacts, transport, folder, now, reason="silent" if if_silent else reason, problems=problems
        )
    finally:
        transport.close()
    for address, outcome in outcomes.items():
        click.echo(f"{address}: {outcome.status} {outcome.text}".rstrip())
    if not outcomes:
        click.echo("everybody was told already")
    if any(outcome.status in ("deferred", "ambiguous") for outcome in outcomes.values()):
        raise Failure("not everybody could be told; run this again", TRY_LATER)


def _what_can_be_read(config_path: Path | None) -> tuple[Settings | None, str, Path]:
    """The settings or None, what is wrong with them, and the state folder."""
    from config.problems import ConfigError
    from monitor.bootstrap import refuse_wrong_options

    try:
        settings = settings_of(config_path)
    except ConfigError as err:
        state = os.environ.get("SCHOOLWATCH_STATE_DIR", "state")
        return None, str(err), (place_of(config_path).absolute().parent / state)
    try:
        refuse_wrong_options(settings)
    except ConfigError as err:
        return settings, str(err), settings.state_dir
    return settings, "", settings.state_dir


def _mail_alone(contacts: Contacts) -> Settings:
    """Settings that know the mail server only."""
    from config.schema import Settings

    return Settings(schools=(), mail=contacts.mail)


@click.command()
@config_option
@school_option
@click.option(
    "--items",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Files or folders of items: JSON lines or CSV whose fields are an item's names. May be repeated.",
)
@click.argument("more", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@json_option
def once(
    config_path: Path | None,
    school_id: str | None,
    paths: tuple[Path, ...],
    more: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Make one pass: read the items given and every configured source, judge, mail, and exit.

    Naive times in the items are in the school's zone. Mails that the server does not take now wait for the next
    pass or for `run`. Exit code 0: every source was read; 1: one could not be, and all others were.
    """
    from monitor import logs
    from monitor.once import one_pass

    logs.to_terminal()
    if more and not paths:
        raise Failure(f"name items with --items ({more[0]})", 64)
    settings = settings_of(config_path)
    wanted = school_of(settings, school_id).id if paths else school_id
    missing = [path for path in (*paths, *more) if not path.exists()]
    if missing:
        raise Failure(f"there is no {missing[0]}; look at the path", 66)
    installation = _install(settings)
    try:
        with _progress(quiet=as_json) as say:
            result = one_pass(installation, wanted, (*paths, *more), lambda: datetime.now(UTC), say)
    finally:
        installation.close()
    if as_json:
        click.echo(json_line(result.as_dict()))
    else:
        click.echo(result.in_words())
    for source, why in sorted(result.why.items()):
        click.echo(f"schoolwatch: {source} could not be read: {why}", err=True)
    if result.set_aside:
        click.echo(
            f"schoolwatch: {result.set_aside} rows were set aside; `schoolwatch check` lists them", err=True
        )
    if result.mails_waiting:
        click.echo(
            f"schoolwatch: {result.mails_waiting} mails wait; see `schoolwatch outbox` for why", err=True
        )
    if result.failed:
        raise SystemExit(1)


class _progress:  # noqa: N801  a context manager by nature
    """Progress in a terminal, nothing elsewhere (the summary is the log line)."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = sys.stderr.isatty() and not quiet

    def __enter__(self) -> _Say:
        if not self._shown:
            return lambda _words: None
        from rich.console import Console

        self._status = Console(stderr=True).status("looking")
        self._status.start()
        return self._status.update

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._status.stop()


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="demo-out",
    show_default=True,
    help="Where the mails and the database go.",
)
@json_option
def demo(out: Path, *, as_json: bool) -> None:
    """Show what Schoolwatch does: one week of an invented school, played in a minute or two.

    Facebook, X, a blog and a news feed are simulated on this machine, and so is the mail server; everything else is
    the real program. Nothing leaves the machine.
    """
    from dataclasses import asdict

    from monitor.demo.play import Watcher, play
    from monitor.demo.screen import Screen

    if as_json:
        click.echo(json_line(asdict(play(out, Watcher()))))
        return
    with Screen() as screen:
        summary = play(out, screen)
    screen.end(summary)


if TYPE_CHECKING:
    from collections.abc import Callable

    _Say = Callable[[str], None]
