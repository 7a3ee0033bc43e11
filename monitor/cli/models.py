"""model: what does not come with the program and is fetched once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import NO_INPUT, TRY_LATER, USAGE, Failure
from monitor.cli.options import config_option, json_line, json_option, models_folder

if TYPE_CHECKING:
    from monitor.classifier.models import Heard
    from monitor.classifier.released import ReleasedModel


@click.group()
def model() -> None:
    """Fetch a model that does not come with the program, and list those that are there.

    The engines named after them need packages too; docs/detoxify.md says which.

    \b
    schoolwatch model fetch detoxify-unbiased
    schoolwatch model list
    """


@model.command()
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder that holds the files already. Nothing is asked of the network.",
)
@click.option(
    "--to",
    "models",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of models. [default: models in the state folder of the settings]",
)
@config_option
def fetch(name: str, source: Path | None, models: Path | None, config_path: Path | None) -> None:
    """Bring the model NAME into the folder of models, and check its bytes against what was released.

    What is there and right is not fetched again; what broke off goes on from where it was. Run it as the service's
    own user. Exit code 75: the network or the file was at fault, try again; 66: --from lacks a file.
    """
    from monitor.classifier import models as folder

    wanted = _model(name)
    if source is not None and not source.is_dir():
        raise Failure(f"there is no folder {source}; look at the path", NO_INPUT)
    models = models or models_folder(config_path)
    try:
        with _progress() as heard:
            where = folder.fetch(wanted, models, heard, source=source)
    except folder.ModelError as err:
        raise Failure(str(err), NO_INPUT if source is not None else TRY_LATER) from None
    click.echo(f"{wanted.name} is in {where}, verified")


@model.command(name="list")
@click.option(
    "--to",
    "models",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of models. [default: models in the state folder of the settings]",
)
@config_option
@json_option
def list_models(models: Path | None, config_path: Path | None, *, as_json: bool) -> None:
    """Say which models there are, and read those that were fetched to see whether they are what was released.

    States: absent; incomplete, files are missing; altered, bytes are not those that were released; verified.
    """
    from monitor.classifier import models as folder
    from monitor.classifier.released import RELEASED

    models = models or models_folder(config_path)
    for each in RELEASED.values():
        try:
            found = folder.inspect(each, models)
        except folder.ModelError as err:
            raise Failure(str(err)) from None
        if as_json:
            click.echo(
                json_line(
                    {
                        "name": each.name,
                        "state": found.state.value,
                        "folder": found.folder,
                        "bytes": found.size,
                        "wrong": found.files if found.state is not folder.State.ABSENT else (),
                    }
                )
            )
        else:
            click.echo(f"{each.name:22} {found.state.value:10} {each.about}")


def _model(name: str) -> ReleasedModel:
    from monitor.classifier.released import RELEASED

    if name not in RELEASED:
        raise Failure(f"there is no model {name}; choose one of {', '.join(RELEASED)}", USAGE)
    return RELEASED[name]


@contextmanager
def _progress() -> Iterator[Heard]:
    """A bar for each file in a terminal; elsewhere a line when one is there."""
    if not sys.stderr.isatty():
        yield _say_when_done
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def heard(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield heard


def _say_when_done(name: str, done: int, total: int | None) -> None:
    if done == total:
        click.echo(f"{name}: {done} bytes", err=True)
