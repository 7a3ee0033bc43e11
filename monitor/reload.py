"""SIGHUP: read the settings again; wrong ones keep the old ones, and the technician hears of it once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from alerts import outbox
from alerts.kinds import Alert, AlertKind
from alerts.routes import recipients
from config.problems import ConfigError
from config.register import advice
from config.schema import Settings
from config.secrets import SecretMissing
from monitor.bootstrap import Installation, install, refuse_wrong_options
from monitor.pipeline.site import Site
from monitor.storage import events, outages, polls

log = logging.getLogger(__name__)

SUBJECT = "settings"


class RegisterRefuses(Exception):
    """New accounts that the policies do not allow. One a line."""


def reload_with(
    read: Callable[[], Settings], environ: Mapping[str, str]
) -> Callable[[Installation, datetime], Installation]:
    """A function that gives the installation of the settings as they are now, or the old one if they are wrong.

    The database stays the one that is open: changing it wants a restart.
    """

    def reload(old: Installation, now: datetime) -> Installation:
        try:
            settings = read()
            refuse_wrong_options(settings)
            new = install(settings, environ, db=old.db)
            look_at_register(new, now.date())
        except (ConfigError, SecretMissing, RegisterRefuses) as err:
            log.error("settings are wrong, the old ones stay", extra={"problems": str(err)})
            refused(old, str(err), now)
            return old
        if (settings.database, settings.database_url) != (old.settings.database, old.settings.database_url):
            log.warning("a changed database is used after the next restart")
        old.release()
        logging.getLogger().setLevel(settings.worker.log_level)
        log.info("settings read again", extra={"schools": len(new.sites)})
        accepted(new, now)
        return replace(new, _assess=old._assess) if _judges_alike(settings, old.settings) else new

    return reload


def look_at_register(installation: Installation, today: date) -> None:
    """A new installation with accounts that the policies would not allow is refused; a running one is warned, and
    keeps watching them all (R01): one bad account never stops the others.

    Raises RegisterRefuses.
    """
    refuses = []
    for site in installation.sites:
        with site.db.read() as conn:
            known = polls.source_names(conn, site.id)
        for one in advice(site.school, today):
            about = f"{site.id}/{one.account}" if one.account else site.id
            if one.refuses_new and one.account and not known:
                refuses.append(f"{about}: {one.sentence}")
            else:
                log.warning(one.sentence, extra={"about": about, "code": one.code})
    if refuses:
        raise RegisterRefuses("\n".join(("these accounts cannot be watched yet:", *refuses)))


def refused(old: Installation, problems: str, now: datetime) -> None:
    """Tell people of settings that are wrong: once for the same problems, each mailbox once."""
    code = f"wrong_{hashlib.sha256(problems.encode()).hexdigest()[:12]}"
    told: set[str] = set()
    for site in old.sites:
        with site.db.write("settings refused") as conn:
            events.lock(conn, site.id)
            running = outages.current(conn, site.id, SUBJECT)
            if running is not None and running.code == code:
                continue
            _end(conn, site, now)
            outage = outages.begin(conn, site.id, SUBJECT, code, now)
            outages.told(conn, site.id, outage.id, now)
            data = {"number": outage.number, "code": code}
            events.append(conn, site.id, SUBJECT, [("outage_began", now, data)])
            alert = Alert(
                kind=AlertKind.SETTINGS_REFUSED,
                subject=SUBJECT,
                occurrence=outage.number,
                severity="high",
                reason="settings_refused",
                facts={"outage": outage.number, "problems": len(problems.splitlines())},
            )
            fresh = [one for one in recipients(alert, site.school) if one.address.casefold() not in told]
            outbox.add(conn, site.id, alert, fresh, site.mail_domain, now)
            told.update(one.address.casefold() for one in fresh)


def accepted(new: Installation, now: datetime) -> None:
    """The settings in use are good: what was refused before is over."""
    for site in new.sites:
        with site.db.read() as conn:
            running = outages.current(conn, site.id, SUBJECT)
        if running is not None:
            with site.db.write("settings accepted") as conn:
                events.lock(conn, site.id)
                _end(conn, site, now)


def _end(conn: Connection, site: Site, now: datetime) -> None:
    running = outages.current(conn, site.id, SUBJECT)
    if running is None:
        return
    outages.end(conn, site.id, running.id, now)
    data = {"number": running.number, "code": running.code}
    events.append(conn, site.id, SUBJECT, [("outage_ended", now, data)])


def _judges_alike(new: Settings, old: Settings) -> bool:
    """May the loaded engine stay? What a school sets about judgement comes with its site, not with the engine."""
    return (new.classifier.engine, new.worker.score_seconds) == (
        old.classifier.engine,
        old.worker.score_seconds,
    )
