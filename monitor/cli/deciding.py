"""decide: a person says whether a flag was right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.failures import NO_INPUT, Failure
from monitor.cli.options import config_option, open_site, person_of, school_option

if TYPE_CHECKING:
    from monitor.pipeline.review import Reviewed

_SHOWN = 80  # characters of the words, so that who decides sees what about


@click.command()
@click.argument("case", type=int)
@click.argument("answer", type=click.Choice(["right", "wrong"]))
@click.option("--by", "person", metavar="PERSON", help="Who decides: a person's id from the settings.")
@config_option
@school_option
def decide(
    case: int, answer: str, person: str | None, config_path: Path | None, school_id: str | None
) -> None:
    """Say whether the flag of CASE was right, or wrong: a false alarm.

    A false alarm is closed, and the same words are not flagged again at this school, whoever writes them; but of
    safeguarding, threats and anything urgent people are told each time. The latest decision about the same words
    counts. `schoolwatch evaluate --decisions` sums them up. Only the safeguarding lead or a deputy can decide about
    a safeguarding or urgent case.
    """
    from monitor.pipeline.review import review

    with open_site(config_path, school_id) as site:
        by = person_of(site, person)
        found = review(site, case, by, datetime.now(UTC), rightly=answer == "right")
        if found is None:
            raise Failure(f"there is no case {case} at {site.school.name}", NO_INPUT)
    click.echo(f"case {case}: {_in_words(found)}")


def _in_words(found: Reviewed) -> str:
    words = " ".join(found.words.split())
    words = words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"
    if found.reason == "rightly_flagged":
        return f'rightly flagged, noted of "{words}"'
    if not found.remembered:
        return (
            f'a false alarm, noted of "{words}"; people will be told of the same words again all the same, as of '
            "all safeguarding, threats and urgent things"
        )
    names = ", ".join(category.value for category in found.remembered)
    return f'a false alarm, noted; "{words}" is not flagged again as {names}'
