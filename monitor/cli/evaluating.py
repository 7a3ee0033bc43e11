"""evaluate: how good the judgement is, on labelled texts and by what people decided."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.failures import USAGE, Failure
from monitor.cli.judging import judging_by
from monitor.cli.options import (
    config_option,
    json_line,
    json_option,
    models_folder,
    open_site,
    school_option,
    settings_of,
)
from monitor.cli.tables import Shown, show

if TYPE_CHECKING:
    from monitor.classifier.engine import Engine
    from monitor.classifier.evaluate import Group, Report, Share
    from monitor.classifier.standard import Standard
    from monitor.domain.precision import CategoryPrecision


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--engine", help="Which engine judges. [default: the settings', else the program's]")
@click.option(
    "--preset",
    type=click.Choice(["cautious", "balanced", "quiet"]),
    help="How much is flagged. [default: the settings', else balanced]",
)
@click.option("--text", metavar="COLUMN", help="The column that holds the texts, where it has an odd name.")
@click.option("--label", metavar="COLUMN", help="The one column of labels, where it has an odd name.")
@click.option("--split", metavar="NAME", help="Only rows whose column `split` says so, such as dev.")
@click.option(
    "--disguised", is_flag=True, help="Each harmful text in seven disguises too: which flags are kept."
)
@click.option("--decisions", is_flag=True, help="What people decided about flags: precision by category.")
@config_option
@school_option
@json_option
def evaluate(
    files: tuple[Path, ...],
    engine: str | None,
    preset: str | None,
    text: str | None,
    label: str | None,
    split: str | None,
    config_path: Path | None,
    school_id: str | None,
    *,
    disguised: bool,
    decisions: bool,
    as_json: bool,
) -> None:
    """Measure an engine on labelled texts, or by what people decided.

    FILE is CSV or JSON lines, gzipped or not, with a column of texts and either columns named like the engine's
    labels (1, 0 or empty) or one column of labels (label, harm, toxic, hateful ...). A column functionality makes it
    a functional test. AUC, recall and calibration are of scores; what is flagged is what a school would see: engine,
    rules and languages. A row that is wrong is named and set aside.
    """
    if not files and not decisions:
        raise Failure("name a file of labelled texts, or say --decisions", USAGE)
    if files:
        from monitor.classifier.registry import load

        name, standard = judging_by(engine, preset, config_path, school_id)
        judge = load(name, models_folder(config_path))
        for path in files:
            report = _evaluated(
                path, judge, standard, text=text, label=label, split=split, disguise=disguised
            )
            click.echo(json_line({"file": str(path), **_plain(report)})) if as_json else _show(path, report)
    if decisions:
        _decisions(engine, preset, config_path, school_id, as_json=as_json)


def _evaluated(
    path: Path,
    judge: Engine,
    standard: Standard,
    *,
    text: str | None,
    label: str | None,
    split: str | None,
    disguise: bool,
) -> Report:
    from monitor.classifier.evaluate import Evaluation
    from monitor.classifier.labelled import LabelledFile

    with LabelledFile(path, judge.labels, text=text, label=label, split=split) as file:
        evaluation = Evaluation(judge, file, standard, disguise=disguise)
        with _bar(path.name, file.bytes) as heard:
            return evaluation.run(heard)


@contextmanager
def _bar(title: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, in a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=size)
        yield lambda read: bar.update(task, completed=read)


def _show(path: Path, report: Report) -> None:
    click.echo(
        f"{path.name}: {report.rows:,} texts judged by {report.engine}, preset {report.preset}"
        + (f"; rows set aside: {report.set_aside:,}" if report.set_aside else "")
    )
    for why in report.set_aside_first:
        click.echo(f"  {why}")
    show(_tables(report))
    if report.clean.of:
        click.echo(f"harmless texts that name a group of people: {_of(report.clean)} kept clean")
    if report.urgent.of:
        click.echo(f"urgent texts: {_of(report.urgent)} flagged")


def _tables(report: Report) -> Iterator[Shown]:
    yield Shown(
        "Scores against labels",
        ("label", "texts", "so", "AUC", "balanced accuracy", "recall at 1 % false", "calibration error"),
        [
            (
                one.label,
                f"{one.rows:,}",
                f"{one.positive:,}",
                *map(_three, (one.auc, one.balanced_accuracy, one.recall, one.calibration_error)),
            )
            for one in report.labels
        ],
    )
    yield Shown(
        "By function",
        ("function", "right"),
        [(name, _of(one.right)) for name, one in report.functions.items()],
    )
    yield Shown(
        "By target",
        ("target", "right", "harmless kept clean"),
        [(name, _of(one.right), _of(one.kept)) for name, one in report.targets.items()],
    )
    yield Shown(
        "Harmful lines flagged",
        ("category", "flagged"),
        [(name, _of(one)) for name, one in report.caught.items()],
    )
    yield Shown(
        "Alarms a week on a page with 100 items, one of them harmful, if judged as these texts are",
        ("preset", "harm caught", "alarms", "false", "false, high or urgent"),
        [
            (one.preset, _percent(one.caught), f"{one.alarms:.1f}", f"{one.false:.1f}", f"{one.serious:.1f}")
            for one in report.weeks
        ],
    )
    yield Shown(
        "Flags kept in disguise",
        ("disguise", "kept"),
        [(way, _of(one)) for way, one in report.disguises.items()],
    )


def _plain(report: Report) -> dict[str, Any]:
    """For scripts: shares as numbers, what is not known as null."""
    from dataclasses import asdict

    return {
        "engine": report.engine,
        "preset": report.preset,
        "rows": report.rows,
        "set_aside": {"number": report.set_aside, "first": list(report.set_aside_first)},
        "labels": [_known(asdict(one)) for one in report.labels],
        "functions": {name: _group(one) for name, one in report.functions.items()},
        "targets": {name: _group(one) for name, one in report.targets.items()},
        "identities_kept_clean": _share(report.clean),
        "caught": {name: _share(one) for name, one in report.caught.items()},
        "urgent_caught": _share(report.urgent),
        "weeks": [_known(asdict(one)) for one in report.weeks],
        "disguises": {way: _share(one) for way, one in report.disguises.items()},
    }


def _group(one: Group) -> dict[str, Any]:
    return {"right": _share(one.right), "kept_clean": _share(one.kept)}


def _share(one: Share) -> dict[str, Any] | None:
    return {"share": round(one.share, 4), "number": one.of} if one.of else None


def _known(values: dict[str, Any]) -> dict[str, Any]:
    rounded = {key: round(one, 4) if isinstance(one, float) else one for key, one in values.items()}
    return {key: None if isinstance(one, float) and isnan(one) else one for key, one in rounded.items()}


def _decisions(
    engine: str | None,
    preset: str | None,
    config_path: Path | None,
    school_id: str | None,
    *,
    as_json: bool,
) -> None:
    from monitor.pipeline.review import precision

    with open_site(config_path, school_id) as site:
        found = precision(
            site, engine or settings_of(config_path).classifier.engine, preset or site.standard.preset
        )
        school = site.school
    if as_json:
        categories = [_known(_category(one)) for one in found]
        click.echo(json_line({"school": school.id, "decisions": categories}))
        return
    if not found:
        click.echo(f"nobody at {school.name} has decided about a flag yet; see `schoolwatch decide --help`")
        return
    show(
        [
            Shown(
                f"Decisions of {school.name}",
                ("category", "rightly flagged", "told from", "suggested"),
                [
                    (one.category.value, f"{one.right} of {one.decided}", _told_from(one), _suggested(one))
                    for one in found
                ],
            )
        ]
    )


def _category(one: CategoryPrecision) -> dict[str, Any]:
    return {
        "category": one.category.value,
        "decided": one.decided,
        "right": one.right,
        "precision": one.share,
        "threshold": one.threshold,
        "suggested": one.suggested,
        "reason": one.reason,
    }


def _told_from(one: CategoryPrecision) -> str:
    return "a rule" if one.threshold is None else f"{one.threshold:.3f}"


def _suggested(one: CategoryPrecision) -> str:
    from monitor.domain.precision import ENOUGH

    if one.suggested is not None:
        return "as it is" if one.suggested == one.threshold else f"{one.suggested:.3f}"
    return {
        "always_told": "none: people are told of this each time",
        "rules_only": "none: a rule tells, not a score",
        "too_few": f"none: {one.scored} decisions on scores, {ENOUGH} are needed",
        "never_right": "none: at no score is half of it right; consider `off`",
    }[one.reason or "rules_only"]


def _three(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _percent(share: float) -> str:
    return "-" if isnan(share) else f"{share:.1%}"


def _of(one: Share) -> str:
    return f"{_percent(one.share)} of {one.of:,}" if one.of else "-"
