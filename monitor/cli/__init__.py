"""The command line. Each command imports what it needs when it runs, so that `--help` answers at once."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

_COMMANDS = {
    "init": "monitor.cli.setup:init",
    "check": "monitor.cli.setup:check",
    "migrate": "monitor.cli.setup:migrate",
    "run": "monitor.cli.work:run",
    "alarm": "monitor.cli.work:alarm",
    "once": "monitor.cli.work:once",
    "demo": "monitor.cli.work:demo",
    "score": "monitor.cli.judging:score",
    "evaluate": "monitor.cli.evaluating:evaluate",
    "train": "monitor.cli.judging:train",
    "model": "monitor.cli.models:model",
    "deadline": "monitor.cli.judging:deadline",
    "explain": "monitor.cli.looking:explain",
    "cases": "monitor.cli.looking:cases",
    "decide": "monitor.cli.deciding:decide",
    "outbox": "monitor.cli.looking:outbox",
    "digest": "monitor.cli.looking:digest",
}
_HELP = {
    "init": "Write a commented example of the settings.",
    "check": "Look whether everything is in order, and say what is not.",
    "migrate": "Bring the database to this version's tables.",
    "run": "Watch: the worker, as systemd starts it.",
    "alarm": "Mail the technician and the head that the worker does not work.",
    "once": "Make one pass over everything that is due, and exit.",
    "demo": "Show what Schoolwatch does, with invented comments on this machine alone.",
    "score": "Judge comments from standard input, one a line.",
    "evaluate": "Measure an engine on labelled texts, or by what people decided.",
    "train": "Train the embedded engine from a folder of data.",
    "model": "Fetch a model that does not come with the program, and list those that are there.",
    "deadline": "Say when something received at a given time must be answered.",
    "explain": "Say everything that is known of an item, and why it was decided so.",
    "cases": "List the cases, and note what a person did about one.",
    "decide": "Say whether a flag was right, or a false alarm.",
    "outbox": "List the mails that wait, were refused, or were sent.",
    "digest": "Show a week in figures, as the senior leaders get it by mail.",
}


class _Lazy(click.Group):
    """Knows its commands by name; imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's shape
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="schoolwatch", message="schoolwatch %(version)s")
def schoolwatch() -> None:
    """Watches a school's social accounts, so that no question waits past the policy's deadline and no abuse
    stands unseen.

    Begin with `schoolwatch demo`, which needs no settings; then `schoolwatch init`.
    """


def main() -> None:
    """The console script: every failure is a sentence and an exit code, never a traceback."""
    from monitor.cli.failures import sentence_and_code

    try:
        sys.exit(schoolwatch.main(standalone_mode=False) or 0)
    except BrokenPipeError:
        # Somebody closed the pipe (| head): nothing is wrong, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as err:  # noqa: BLE001  a sentence for whatever it is
        sentence, code = sentence_and_code(err)
        click.echo(sentence, err=True)
        sys.exit(code)
