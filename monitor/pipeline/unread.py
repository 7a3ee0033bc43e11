"""A side door: once a day, what no engine could judge because of its language, in one mail to people.

It was scored, and found to be nothing; but that means nothing, so it is never counted as clean. The mail comes on
every day that has something, weekends too: harm in Polish waits for Monday no more than harm in English.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from alerts.kinds import Alert, AlertKind
from monitor.pipeline.site import Site
from monitor.storage import events, unread

MOST = 50
"""Items in one mail; what is left over comes on the next day, so that none is only a number."""

_ONE_DAY = timedelta(days=1)


def tell(site: Site, now: datetime) -> int:
    """Queue the day's mail, if its moment has come, something waits, and nobody has; how many mails."""
    day, moment = _latest(site, now)
    with site.db.read() as conn:
        if not _wanted(conn, site, day, moment):
            return 0
    with site.db.write("T2 unread") as conn:
        events.lock(conn, site.id)
        if not _wanted(conn, site, day, moment):
            return 0
        ids = unread.waiting(conn, site.id, moment, MOST)
        number = unread.times_told(conn, site.id) + 1
        unread.told(conn, site.id, ids)
        data = {"day": day.isoformat(), "items": ids}
        events.append(conn, site.id, unread.CHAIN, [("unread_told", now, data)])
        alert = Alert(
            kind=AlertKind.UNREAD,
            subject=unread.CHAIN,
            occurrence=number,
            reason="no_engine_reads_it",
            facts={"items": ids, "more": len(unread.waiting(conn, site.id, moment, 10 * MOST))},
        )
        return site.queue(conn, [alert], now)


def next_due(conn: Connection, site: Site) -> datetime | None:
    """When the next mail wants to be queued; None while nothing waits."""
    since = unread.first(conn, site.id)
    if since is None:
        return None
    day, moment = _latest(site, since)
    last = unread.last_told(conn, site.id)
    following = day + _ONE_DAY if last is None or last <= day else last + _ONE_DAY
    return _moment(site, following) if moment <= since else moment


def _wanted(conn: Connection, site: Site, day: date, moment: datetime) -> bool:
    return unread.last_told(conn, site.id) != day and bool(unread.waiting(conn, site.id, moment, 1))


def _latest(site: Site, now: datetime) -> tuple[date, datetime]:
    """The last day whose moment has come, and that moment."""
    today = site.rule.calendar.local(now).date()
    moment = _moment(site, today)
    return (today, moment) if moment <= now else (today - _ONE_DAY, _moment(site, today - _ONE_DAY))


def _moment(site: Site, day: date) -> datetime:
    """When somebody sits down to read it: at the beginning of the staffed time, in UTC."""
    return site.rule.calendar.at(day, site.rule.calendar.staffed_from)
