"""score, train, deadline: single judgements, without a database."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import BAD_DATA, USAGE, Failure
from monitor.cli.options import (
    config_option,
    json_line,
    json_option,
    models_folder,
    school_of,
    school_option,
    settings_of,
)

if TYPE_CHECKING:
    from monitor.classifier.standard import Standard
    from monitor.domain.deadline import Deadline, DeadlineRule
    from monitor.domain.verdict import Verdict

_READ_BYTES = 65_536
_BATCH = (
    64  # lines judged together at most: the next answers are never far, and the time limit is for so many
)
_SCORE_SECONDS = 60.0


@click.command()
@click.option("--engine", help="Which engine judges. [default: the settings', else the program's]")
@click.option(
    "--preset",
    type=click.Choice(["cautious", "balanced", "quiet"]),
    help="How much is flagged. [default: the settings', else balanced]",
)
@config_option
@school_option
def score(engine: str | None, preset: str | None, config_path: Path | None, school_id: str | None) -> None:
    """Judge comments: one a line on standard input, one JSON object a line on standard output, as they come.

    With --config as that school judges: its preset, thresholds, names. Without, as any school does.
    Each object has text, scores (label to probability), categories, severity (none, low, medium, high, urgent)
    and flagged (medium or above); language, where it is not English, as "pl", and unread, where the engine cannot
    judge that language, so that its scores say nothing.
    """
    # Not by monitor.bootstrap: with the database, mail and connectors it would take twice as long to start.
    from monitor.classifier.bench import Bench
    from monitor.classifier.registry import FETCHED, MODELS, load
    from monitor.cli.progress import comments

    name, standard = judging_by(engine, preset, config_path, school_id)
    models = models_folder(config_path) if name in FETCHED else MODELS
    assess = Bench(load(name, models), _SCORE_SECONDS)
    source = sys.stdin.fileno()
    with comments(_size(source)) as heard:
        for lines in _lines(source):
            texts = [_text(line) for line in lines]
            for text, verdict in zip(texts, assess(texts, standard), strict=True):
                click.echo(_answer(text, verdict))
            sys.stdout.flush()
            heard(len(lines), sum(len(line) + 1 for line in lines))


def _answer(text: str, verdict: Verdict) -> str:
    return json_line(
        {
            "text": text,
            "scores": {label: round(value, 4) for label, value in verdict.scores.items()},
            "categories": [category.value for category in verdict.categories],
            "severity": str(verdict.severity),
            "flagged": verdict.flagged,
            "language": verdict.language,
            "unread": verdict.unread,
        }
    )


def judging_by(
    engine: str | None, preset: str | None, config_path: Path | None, school_id: str | None
) -> tuple[str, Standard]:
    """The engine's name, and the standard; what is asked for wins over the settings."""
    from dataclasses import replace

    from monitor.classifier.registry import DEFAULT
    from monitor.classifier.standard import ANY_SCHOOL

    name, standard = DEFAULT, ANY_SCHOOL
    if config_path is not None:
        from monitor.bootstrap import standard_of

        settings = settings_of(config_path)
        name, standard = settings.classifier.engine, standard_of(settings, school_of(settings, school_id))
    return engine or name, standard if preset is None else replace(standard, preset=preset)


def _lines(descriptor: int) -> Iterator[list[bytes]]:
    """Whole lines as they arrive, those that are there at once together: a person typing is answered line by line,
    a file is judged in batches of at most _BATCH."""
    rest = b""
    while chunk := os.read(descriptor, _READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        for first in range(0, len(whole), _BATCH):
            yield whole[first : first + _BATCH]
    if rest:
        yield [rest]


def _size(descriptor: int) -> int | None:
    """How many bytes of a file are still to be read; None of what is no file."""
    found = os.fstat(descriptor)
    return found.st_size - os.lseek(descriptor, 0, os.SEEK_CUR) if stat.S_ISREG(found.st_mode) else None


def _text(line: bytes) -> str:
    """Bytes that are no UTF-8 become U+FFFD."""
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
@click.option("--small", is_flag=True, help="The linear model alone, in minutes and without PyTorch.")
def train(data: Path, out: Path, seed: int, *, small: bool) -> None:
    """Train the embedded engines from a folder of data, and write weights, thresholds and the model card.

    With the encoder it takes an hour or three on a CPU; a run that was cut off goes on where it was.
    """
    from monitor.classifier.train import train as fit
    from monitor.cli.progress import stages

    out.mkdir(parents=True, exist_ok=True)
    with stages() as heard:
        reports = fit(data, out, seed=seed, progress=heard, small=small)
    for report in reports:
        click.echo(f"{report.engine} {report.version}")
        for label, value in report.auc.items():
            click.echo(f"  {label:16} AUC {value:.3f}")
        for preset, rates in report.rates.items():
            click.echo(
                f"  {preset}: {rates['caught']:.1%} of the harmful and {rates['urgent_caught']:.1%} of the urgent "
                f"lines caught, {rates['harmless_flagged']:.1%} of the harmless flagged"
            )
    click.echo(f"wrote them to {out}")


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
