"""A side door: a person says whether a flag was right; it is heeded when the same words come, and summed up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.classifier.registry import thresholds
from monitor.classifier.text import tidy
from monitor.domain.precision import CategoryPrecision, Decided, precisions
from monitor.domain.review import covers, heeded, on_review
from monitor.domain.verdict import Category, Severity, Verdict
from monitor.pipeline.act import may_lead
from monitor.pipeline.site import Site
from monitor.storage import cases, decisions, events


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of it: the decision's code, the `words` it is about, and the categories as which the same words
    will not be flagged again; none if they will."""

    reason: str
    words: str
    remembered: tuple[Category, ...]


class NothingFlagged(ValueError):
    """The case was never flagged: there is nothing to be right or wrong about."""


def review(site: Site, number: int, person: str, now: datetime, *, rightly: bool) -> Reviewed | None:
    """Note what the person decided about the case's flag; None: there is no such case.

    Raises NothingFlagged, and NotTheirs where only the safeguarding lead or a deputy may.
    """
    with site.db.write("T2 review") as conn:
        events.lock(conn, site.id)
        case = cases.load(conn, site.id, number)
        if case is None:
            return None
        row = decisions.flagged(conn, site.id, case.item)
        if row is None:
            raise NothingFlagged(
                f"case {number} was not flagged: there is nothing to be right or wrong about"
            )
        decision = on_review(
            case,
            rightly=rightly,
            version=row.version_id,
            person=person,
            leads=may_lead(site, person),
            now=now,
        )
        cases.save(conn, site.id, number, decision, summary_wanted=False)
        words = f"{row.title}\n{row.text}" if row.title else str(row.text)
        decisions.remember(conn, site.id, _digest(site, words), row, rightly=rightly, now=now)
    found = decisions.verdict_of(row)
    lasts = not rightly and covers(found.severity, found.categories).issuperset(found.categories)
    return Reviewed(decision.reason, words, found.categories if lasts else ())


def heed(conn: Connection, site: Site, judged: Mapping[int, tuple[str, Verdict]]) -> dict[int, Verdict]:
    """The verdicts that a decision about the same words lowers, by item; of (text, verdict) by item."""
    asked = {item: _digest(site, words) for item, (words, verdict) in judged.items() if verdict.flagged}
    known = decisions.false_alarms(conn, site.id, set(asked.values()))
    found = {}
    for item, digest in asked.items():
        if digest in known:
            before = decisions.verdict_of(known[digest])
            verdict = heeded(judged[item][1], covers(before.severity, before.categories))
            if verdict.dismissed:
                found[item] = verdict
    return found


def precision(site: Site, engine: str, preset: str) -> list[CategoryPrecision]:
    """What the school's decisions say of each category, judged by that engine and preset. Raises EngineError."""
    steps = thresholds(engine, preset).under(site.standard).steps
    told = {
        category: min(step.threshold for step in some)
        for category, given in steps.items()
        if (some := [step for step in given if step.severity >= Severity.MEDIUM])
    }
    with site.db.read() as conn:
        rows = decisions.all_of(conn, site.id)
    decided = [
        Decided(row.rightly, decisions.verdict_of(row).categories, row.scores, row.engine) for row in rows
    ]
    return precisions(decided, engine, told)


def _digest(site: Site, words: str) -> str:
    """The same for what a reader takes for the same: capitals, spaces and invisible signs aside. Names, links and
    handles stay what they are: a decision about one person's name says nothing about another's."""
    return decisions.digest_of(site.id, tidy(words).casefold())
