"""run, once, demo: the work itself."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import CONFIG, Failure
from monitor.cli.options import config_option, json_line, json_option, school_of, school_option, settings_of

if TYPE_CHECKING:
    from config.schema import Settings
    from monitor.bootstrap import Installation


def _install(settings: Settings) -> Installation:
    """The installation, migrated, its register looked at. Raises what the settings deserve."""
    from monitor.bootstrap import install, refuse_wrong_options
    from monitor.storage import migrate

    refuse_wrong_options(settings)
    installation = install(settings, os.environ)
    try:
        migrate.upgrade(installation.db)
        _look_at_register(installation)
    except BaseException:
        installation.close()
        raise
    return installation


def _look_at_register(installation: Installation) -> None:
    """A new account that the policies would not allow is refused; a running one is only warned of (R01)."""
    import logging

    from config.register import advice
    from monitor.storage import polls

    log = logging.getLogger("monitor.register")
    today = datetime.now(UTC).date()
    refused = []
    for site in installation.sites:
        with site.db.read() as conn:
            known = polls.source_names(conn, site.id)
        for one in advice(site.school, today):
            about = f"{site.id}/{one.account}" if one.account else site.id
            if one.refuses_new and one.account and one.account not in known:
                refused.append(f"{about}: {one.sentence}")
            else:
                log.warning(one.sentence, extra={"about": about, "code": one.code})
    if refused:
        raise Failure("\n".join(("these accounts cannot be watched yet:", *refused)), CONFIG)


@click.command()
@config_option
def run(config_path: Path | None) -> None:
    """Watch: poll, judge and mail until SIGTERM. SIGHUP reads the settings again.

    Logs JSON to standard error. Exit code 78: the settings are wrong; 75: another worker has the database.
    """
    from monitor import logs
    from monitor.reload import reload_with
    from monitor.service import Service

    settings = settings_of(config_path)
    logs.to_json(settings.worker.log_level)
    installation = _install(settings)
    installation.db.claim_run()
    Service(installation, os.environ, reload_with(lambda: settings_of(config_path), os.environ)).run()


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
    pass or for `run`.
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
    for source, code in sorted(result.failed.items()):
        click.echo(f"schoolwatch: {source} could not be read ({code}); see `schoolwatch check`", err=True)
    if result.mails_waiting:
        click.echo(
            f"schoolwatch: {result.mails_waiting} mails wait; see `schoolwatch outbox` for why", err=True
        )


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
    """Show what Schoolwatch does: a feed and a folder of invented comments, judged and mailed on this machine.

    Nothing leaves the machine: the feed and the mail server are its own, on loopback.
    """
    from dataclasses import asdict

    from monitor.demo import play

    if as_json:
        click.echo(json_line(asdict(play(out, lambda _words: None))))
    else:
        click.echo(play(out, click.echo).in_words())


if TYPE_CHECKING:
    from collections.abc import Callable

    _Say = Callable[[str], None]
