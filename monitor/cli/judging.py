"""score, train, deadline: single judgements, without a database."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import BAD_DATA, USAGE, Failure
from monitor.cli.options import config_option, json_line, json_option, school_of, school_option, settings_of

if TYPE_CHECKING:
    from monitor.domain.deadline import Deadline, DeadlineRule

_READ_BYTES = 65_536
_SCORE_SECONDS = 60.0


@click.command()
@click.option("--engine", default="embedded-small", show_default=True, help="Which engine judges.")
def score(engine: str) -> None:
    """Judge comments: one a line on standard input, one JSON object a line on standard output, as they come.

    Each object has text, scores (label to probability), categories, severity (none, low, medium, high, urgent)
    and flagged (medium or above).
    """
    from monitor.bootstrap import load_assess

    assess = load_assess(engine, _SCORE_SECONDS)
    for texts in _lines(sys.stdin.fileno()):
        for text, verdict in zip(texts, assess(texts), strict=True):
            click.echo(
                json_line(
                    {
                        "text": text,
                        "scores": {label: round(value, 4) for label, value in verdict.scores.items()},
                        "categories": [category.value for category in verdict.categories],
                        "severity": str(verdict.severity),
                        "flagged": verdict.flagged,
                    }
                )
            )
        sys.stdout.flush()


def _lines(descriptor: int) -> Iterator[list[str]]:
    """Whole lines as they arrive, all that are there at once: a person typing is answered line by line, a file
    is judged in batches. Bytes that are no UTF-8 become U+FFFD."""
    rest = b""
    while chunk := os.read(descriptor, _READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if whole:
            yield [_text(line) for line in whole]
    if rest:
        yield [_text(rest)]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The folder with toxicity.csv.gz and its neighbours.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where the weights and thresholds go.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed and data give the same bytes.")
def train(data: Path, out: Path, seed: int) -> None:
    """Train the embedded engine from a folder of data, in a few minutes on one core."""
    from rich.progress import Progress

    from monitor.classifier.train import train as fit

    out.mkdir(parents=True, exist_ok=True)
    with Progress(disable=not sys.stderr.isatty()) as bar:
        tasks: dict[str, object] = {}

        def heard(stage: str, done: int, of: int) -> None:
            task = tasks.setdefault(stage, bar.add_task(stage, total=of) if stage not in tasks else None)
            bar.update(task, completed=done, total=of)  # type: ignore[arg-type]
            if not sys.stderr.isatty() and done == of:
                click.echo(f"{stage}: {done} of {of}", err=True)

        report = fit(data, out, seed=seed, progress=heard)
    for label, value in report.auc.items():
        click.echo(f"{label:16} AUC {value:.3f}")
    click.echo(
        f"school lines: {report.caught:.1%} of the harmful and {report.urgent_caught:.1%} of the urgent caught, "
        f"{report.harmless_flagged:.1%} of the harmless flagged"
    )
    click.echo(f"wrote {report.weights} and {report.thresholds}, version {report.version}")


@click.command()
@click.argument("times", metavar="TIME...", nargs=-1, required=True)
@click.option(
    "--nation",
    type=click.Choice(["ENG", "WLS", "SCT", "NIR"], case_sensitive=False),
    help="Whose bank holidays count. [default: the settings', else ENG]",
)
@config_option
@school_option
@json_option
def deadline(
    times: tuple[str, ...],
    nation: str | None,
    config_path: Path | None,
    school_id: str | None,
    *,
    as_json: bool,
) -> None:
    """Say when something received at TIME must be answered, and why.

    TIME is ISO 8601, such as 2026-11-20T18:00 or 2026-03-28T23:30:00Z; without a zone it is the school's clock
    (of an hour that comes twice, the first). Without --config the policies' own rule for a school in England.
    """
    rule = _rule(nation, config_path, school_id)
    for word in times:
        received, due = _due(word, rule)
        if as_json:
            click.echo(json_line({"received": received, "due_at": due.due_at, "reason": due.reason}))
        else:
            click.echo(_in_words(received, due, rule))


def _rule(nation: str | None, config_path: Path | None, school_id: str | None) -> DeadlineRule:
    from dataclasses import replace

    from monitor.domain.calendar import Calendar
    from monitor.domain.deadline import DeadlineRule

    if config_path is None:
        return DeadlineRule(calendar=Calendar(nation=(nation or "ENG").upper()))
    from monitor.bootstrap import rule_of

    rule = rule_of(school_of(settings_of(config_path), school_id))
    if nation is None:
        return rule
    return replace(rule, calendar=replace(rule.calendar, nation=nation.upper()))


def _due(word: str, rule: DeadlineRule) -> tuple[datetime, Deadline]:
    from monitor.domain.deadline import deadline as work_out

    try:
        received = datetime.fromisoformat(word.strip())
    except ValueError:
        raise Failure(
            f'"{word}" is no time; write it as 2026-11-20T18:00 or 2026-11-20T18:00:00Z', USAGE
        ) from None
    if received.tzinfo is None:
        received = received.replace(tzinfo=rule.calendar.zone, fold=0)
    try:
        received = received.astimezone(UTC)
        return received, work_out(received, rule)
    except (OverflowError, ValueError):
        raise Failure(f'"{word}" is too far from today; look at its year', BAD_DATA) from None


def _in_words(received: datetime, due: Deadline, rule: DeadlineRule) -> str:
    from alerts.times import Times
    from alerts.wording import sentence

    said = Times("en", rule.calendar.zone, received)
    hours = int(rule.answer_within.total_seconds() // 3600)
    why = sentence("en", "deadlines.due", due.reason, hours=hours)
    return f"received {said.moment(received)}: due {said.moment(due.due_at)} ({why})"
