"""cases, explain, outbox, digest: what is known, and what a person did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.failures import NO_INPUT, OS_ERROR, USAGE, Failure
from monitor.cli.options import config_option, json_line, json_option, open_site, person_of, school_option

if TYPE_CHECKING:
    from monitor.pipeline.site import Site


@click.command()
@config_option
@school_option
@click.option("--all", "everything", is_flag=True, help="Closed cases too.")
@click.option("--answered", type=int, metavar="CASE", help="Note that a person answered the case elsewhere.")
@click.option("--acknowledge", type=int, metavar="CASE", help="Note that a person has the case in hand.")
@click.option(
    "--close", "close_", type=int, metavar="CASE", help="Note that nothing more is to be done about it."
)
@click.option("--by", "person", metavar="PERSON", help="Who did it: a person's id from the settings.")
@json_option
def cases(
    config_path: Path | None,
    school_id: str | None,
    *,
    everything: bool,
    answered: int | None,
    acknowledge: int | None,
    close_: int | None,
    person: str | None,
    as_json: bool,
) -> None:
    """List the open cases, the most pressing first; or note what a person did about one.

    Only the safeguarding lead or a deputy can acknowledge or close a safeguarding or urgent case.
    """
    from monitor.storage import cases as stored

    asked = [("answered", answered), ("acknowledged", acknowledge), ("decided", close_)]
    actions = [(action, number) for action, number in asked if number is not None]
    with open_site(config_path, school_id) as site:
        if actions:
            for action, number in actions:
                click.echo(_act(site, action, number, person))
            return
        with site.db.read() as conn:
            rows = stored.rows(conn, site.id, open_only=not everything)
            shown = [_case(row, names) for row, names in _with_categories(conn, site, rows)]
    if as_json:
        for one in shown:
            click.echo(json_line(one))
        return
    _table(
        f"{len(shown)} {'cases' if everything else 'open cases'} of {site.school.name}",
        ("case", "severity", "categories", "answer", "due", "flag", "item"),
        [
            (
                str(one["case"]),
                one["severity"] or "not judged",
                ", ".join(one["categories"]),
                one["answer"],
                _local(site, one["due_at"]),
                one["flag"]
                if one["second_clock"] == "none"
                else f"{one['flag']}, lead: {one['second_clock']}",
                f"{one['platform']} {one['external_id']}",
            )
            for one in shown
        ],
    )


def _with_categories(conn: Any, site: Site, rows: list[Any]) -> list[tuple[Any, list[str]]]:
    from monitor.storage import verdicts

    judged = verdicts.latest_verdicts(conn, site.id, [row.item_id for row in rows])
    return [(row, list(judged[row.item_id].categories) if row.item_id in judged else []) for row in rows]


def _case(row: Any, categories: list[str]) -> dict[str, Any]:
    return {
        "case": row.number,
        "platform": row.platform,
        "external_id": row.external_id,
        "kind": row.kind,
        "open": row.open,
        "severity": row.severity,
        "categories": categories,
        "answer": row.answer,
        "due_at": row.due_at,
        "due_reason": row.due_reason,
        "flag": row.flag,
        "second_clock": row.second_clock,
    }


def _act(site: Site, action: str, number: int, person: str | None) -> str:
    from monitor.domain.case import EventKind
    from monitor.pipeline.act import act

    result = act(site, number, EventKind(action), person_of(site, person), datetime.now(UTC))
    if result is None:
        raise Failure(f"there is no case {number} at {site.school.name}", NO_INPUT)
    return f"case {number}: {result.replace('_', ' ')}"


@click.command()
@click.argument("item")
@config_option
@school_option
@json_option
def explain(item: str, config_path: Path | None, school_id: str | None, *, as_json: bool) -> None:
    """Say everything that is known of ITEM, and why it was decided so.

    ITEM is the platform's own id, or case:12 for the item of a case.
    """
    from monitor.explain import explained, in_words

    with open_site(config_path, school_id) as site:
        found = explained(site, item)
        if not found:
            raise Failure(
                f"{site.school.name} has no item or case {item}; see `schoolwatch cases --all`", NO_INPUT
            )
        for one in found:
            click.echo(json_line(one) if as_json else in_words(site, one, datetime.now(UTC)))


@click.command()
@config_option
@school_option
@click.option("--all", "everything", is_flag=True, help="Sent and dropped mails too.")
@click.option("--again", type=int, metavar="MAIL", help="Try a dead mail again, with the same Message-ID.")
@json_option
def outbox(
    config_path: Path | None, school_id: str | None, *, everything: bool, again: int | None, as_json: bool
) -> None:
    """List the mails that wait or were refused for good; with --all, every mail."""
    from alerts import outbox as box

    with open_site(config_path, school_id) as site:
        if again is not None:
            with site.db.write("again") as conn:
                if not box.send_again(conn, site.id, again, datetime.now(UTC)):
                    raise Failure(f"there is no dead mail {again}; see `schoolwatch outbox`", NO_INPUT)
            click.echo(f"mail {again} will be tried again")
            return
        with site.db.read() as conn:
            shown = [_mail(row) for row in box.rows(conn, site.id, waiting_only=not everything)]
    if as_json:
        for one in shown:
            click.echo(json_line(one))
        return
    _table(
        f"{len(shown)} {'mails' if everything else 'mails waiting or dead'} of {site.school.name}",
        ("mail", "state", "kind", "subject", "to", "due", "attempts", "why"),
        [
            (
                str(one["mail"]),
                one["state"].replace("_", " "),
                one["kind"].replace("_", " "),
                one["subject"],
                one["recipient"],
                _local(site, one["due_at"]),
                str(one["attempts"]),
                one["ended_reason"] or "",
            )
            for one in shown
        ],
    )


def _mail(row: Any) -> dict[str, Any]:
    return {
        "mail": row.id,
        "state": row.state,
        "kind": row.kind,
        "subject": row.subject,
        "occurrence": row.occurrence,
        "step": row.step,
        "severity": row.severity,
        "recipient": row.recipient,
        "message_id": row.message_id,
        "queued_at": row.queued_at,
        "due_at": row.due_at,
        "attempts": row.attempt,
        "ambiguous": row.ambiguous,
        "ended_at": row.ended_at,
        "ended_reason": row.ended_reason,
    }


@click.command()
@config_option
@school_option
@click.option("--week", metavar="WEEK", help="Such as 2026-W46. [default: the last finished one]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this HTML file."
)
@json_option
def digest(
    config_path: Path | None, school_id: str | None, week: str | None, out: Path | None, *, as_json: bool
) -> None:
    """Show a week in figures, as the senior leaders get it by mail: counts only, nobody's words or names."""
    from dataclasses import asdict

    from alerts.digest import as_page, as_text, in_short
    from monitor.pipeline.week import chosen, page

    if out is not None and not out.parent.is_dir():
        raise Failure(f"{out} cannot be written: there is no folder {out.parent}; make it first", OS_ERROR)
    now = datetime.now(UTC)
    with open_site(config_path, school_id) as site:
        try:
            facts = page(site, chosen(site, week, now), now)
        except ValueError as err:
            raise Failure(str(err), USAGE) from None
    if out is not None:
        out.write_text(as_page(facts), encoding="utf-8")
    if as_json and facts.digest is not None:
        click.echo(json_line(_in_seconds(asdict(facts.digest))))
    elif out is not None:
        click.echo("\n".join(in_short(facts)))
    else:
        click.echo(as_text(facts), nl=False)


def _in_seconds(value: Any) -> Any:
    """The same value with lengths of time as numbers of seconds."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: _in_seconds(one) for key, one in value.items()}
    return [_in_seconds(one) for one in value] if isinstance(value, list | tuple) else value


def _local(site: Site, moment: datetime | None) -> str:
    return "" if moment is None else f"{site.rule.calendar.local(moment):%a %d %b %H:%M}"


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        # The first columns are short and must be readable whole; the last may be folded.
        table.add_column(head, overflow="fold", no_wrap=head in ("case", "mail", "severity", "state", "due"))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table if rows else title)
