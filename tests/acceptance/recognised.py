"""What the program made of comments: given from outside, judged by the real engine, read from its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from monitor.domain.verdict import SAFEGUARDING, Severity
from monitor.storage import verdicts
from monitor.storage.database import Database
from monitor.storage.tables import items
from tests.acceptance.outside import Outside

STAFF = """
[judgement]
staff = ["Mrs Harker", "Mr Lidgett"]
allowed = ["01632 960100"]
"""


@dataclass(frozen=True, slots=True)
class Recognised:
    """The stored verdict on one comment."""

    severity: Severity
    categories: tuple[str, ...]

    @property
    def flagged(self) -> bool:
        return self.severity >= Severity.MEDIUM or not {one.value for one in SAFEGUARDING}.isdisjoint(
            self.categories
        )


def recognised(school: Outside, comments: Mapping[str, str], **fields: object) -> dict[str, Recognised]:
    """Give the comments (id to text) in one pass; what stands in the database of each, by its id."""
    path = school.write(
        "comments.jsonl", *({"external_id": one, "text": text, **fields} for one, text in comments.items())
    )
    summary = school.once(path)
    assert (summary["items_new"], summary["unscored"], summary["set_aside"]) == (len(comments), 0, 0)
    db = Database(school.database)
    try:
        with db.read() as conn:
            ids = {row.id: row.external_id for row in conn.execute(select(items.c.id, items.c.external_id))}
            rows = verdicts.latest_verdicts(conn, "oakfield", list(ids))
    finally:
        db.close()
    assert len(rows) == len(comments), "every one is judged"
    return {
        ids[one]: Recognised(Severity.parse(row.severity), tuple(row.categories)) for one, row in rows.items()
    }


def wrong(
    found: Mapping[str, Recognised], wanted: Mapping[str, tuple[str, str]], comments: Mapping[str, str]
) -> list[str]:
    """A sentence for each comment that was not taken for its category, or for less than its severity."""
    return [
        f"{comments[one]}: not {category}, {least}, but {', '.join(found[one].categories)}, {found[one].severity}"
        for one, (category, least) in wanted.items()
        if category not in found[one].categories or found[one].severity < Severity.parse(least)
    ]
