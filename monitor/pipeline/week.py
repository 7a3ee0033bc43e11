"""A side door: a week closes, and the senior leaders get one page about it.

The row says only which week; the figures are gathered when the mail is sent. After a downtime the latest finished
week is told, and no other: nobody reads five digests on one Monday, and `schoolwatch digest --week` has the rest.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from alerts.digest import NOBODY
from alerts.figures import Digest, SourceSeen
from alerts.kinds import Alert, AlertKind, MailFacts
from config.register import advice
from config.schema import WEEKDAYS
from monitor.domain.week import WEEKS_BEFORE, NoWeek, Week, figures, latest_closed
from monitor.pipeline.site import Site
from monitor.storage import events, verdicts
from monitor.storage import week as rows


def close_weeks(site: Site, now: datetime) -> int:
    """Queue the digest of the latest finished week, if its moment has come and nobody has; how many mails."""
    with site.db.read() as conn:
        week = _to_close(conn, site, now)
    if week is None:
        return 0
    with site.db.write("T2 week") as conn:
        events.lock(conn, site.id)
        week = _to_close(conn, site, now)
        if week is None:
            return 0
        alert = Alert(
            kind=AlertKind.DIGEST,
            subject=f"week:{week}",
            occurrence=1,
            severity="low",
            reason="week_closed",
            facts={"week": str(week)},
        )
        queued = site.queue(conn, [alert], now)
        data = {"week": str(week), "mails": queued}
        events.append(conn, site.id, rows.CHAIN, [("digest_queued", now, data)])
    return queued


def next_close(conn: Connection, site: Site) -> datetime | None:
    """When the next week wants to be closed; None before anything was watched."""
    last = rows.last_closed(conn, site.id)
    if last is not None:
        return _closes_at(site, last.plus(1))
    since = rows.watched_since(conn, site.id)
    return None if since is None else _closes_at(site, Week.of(site.rule.calendar.local(since).date()))


def gathered(conn: Connection, site: Site, week: Week, now: datetime) -> Digest:
    """Everything that the week's page tells, as known now."""
    calendar = site.rule.calendar
    weeks = [week.plus(-n) for n in range(WEEKS_BEFORE, 0, -1)]
    start, end = week.span(calendar)
    ledger = rows.ledger(conn, site.id, weeks[0].span(calendar)[0], end)
    since = rows.watched_since(conn, site.id)
    names = [source.name for source in (*site.school.accounts, *site.school.watches)]
    accounts = [(account.name, account.platform) for account in site.school.accounts]
    # What was given by hand, or through a source that the settings no longer have, was read all the same.
    others = sorted({item.source for item in ledger.items} - set(names))
    whole = [one for one in weeks if since is not None and since <= one.span(calendar)[0]]
    blind = rows.blind_now(conn, site.id)
    return Digest(
        week=figures(ledger, week, calendar, names, accounts, now),
        before=tuple(figures(ledger, one, calendar, names, accounts, now) for one in whole),
        sources=(*_sources(conn, site), *(SourceSeen(name, "", official=False) for name in others)),
        blind_now=tuple(name for name in names if name in blind),
        unscored=verdicts.waiting_for_score(conn, site.id),
        undelivered=rows.undelivered(conn, site.id),
        register=tuple(one.sentence for one in advice(site.school, calendar.local(now).date())),
        began_within=since if since is not None and start < since < end else None,
    )


def chosen(site: Site, word: str | None, now: datetime) -> Week:
    """The week of a word, or the last finished one. Raises NoWeek with a sentence."""
    running = Week.of(site.rule.calendar.local(now).date())
    week = running.plus(-1) if word is None else Week.parse(word)
    if week > running:
        raise NoWeek(f"the week {week} has not begun; the last finished one is {running.plus(-1)}")
    return week


def page(site: Site, week: Week, now: datetime) -> MailFacts:
    """The facts of a page that is no mail to anybody. Raises NoWeek where nothing was watched in the week."""
    with site.db.read() as conn:
        since = rows.watched_since(conn, site.id)
        if since is None or since >= week.span(site.rule.calendar)[1]:
            began = "nothing was watched yet" if since is None else f"the watch began on {since:%d %B %Y}"
            raise NoWeek(f"there is no page for {week}: {began}")
        digest = gathered(conn, site, week, now)
    return MailFacts(
        kind=AlertKind.DIGEST,
        school_name=site.school.name,
        timezone=site.school.timezone,
        recipient=NOBODY,
        now=now,
        severity="low",
        digest=digest,
    )


def _sources(conn: Connection, site: Site) -> list[SourceSeen]:
    direct = rows.reading_direct(conn, site.id)
    accounts = {account.name for account in site.school.accounts}
    return [
        SourceSeen(source.name, source.platform, source.name in accounts, source.name in direct)
        for source in (*site.school.accounts, *site.school.watches)
    ]


def _to_close(conn: Connection, site: Site, now: datetime) -> Week | None:
    digest = site.school.digest
    week = latest_closed(now, site.rule.calendar, WEEKDAYS.index(digest.weekday), digest.at)
    last = rows.last_closed(conn, site.id)
    if last is not None and last <= Week.of(site.rule.calendar.local(now).date()):
        return week if last < week else None
    since = rows.watched_since(conn, site.id)
    watched = since is not None and since < week.span(site.rule.calendar)[1]
    return week if watched else None


def _closes_at(site: Site, week: Week) -> datetime:
    digest = site.school.digest
    return week.closes_at(site.rule.calendar, WEEKDAYS.index(digest.weekday), digest.at)
