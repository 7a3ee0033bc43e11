"""SIGHUP: read the settings again; a wrong file keeps the old ones, and is said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from config.problems import ConfigError
from config.schema import Settings
from config.secrets import SecretMissing
from monitor.bootstrap import Installation, install, refuse_wrong_options

log = logging.getLogger(__name__)


def reload_with(
    read: Callable[[], Settings], environ: Mapping[str, str]
) -> Callable[[Installation], Installation]:
    """A function that gives the installation of the settings as they are now, or the old one if they are wrong.

    The database stays the one that is open: changing it wants a restart.
    """

    def reload(old: Installation) -> Installation:
        try:
            settings = read()
            refuse_wrong_options(settings)
            if settings.database != old.settings.database:
                log.warning("a changed [database] is used after the next restart")
            new = install(settings, environ, db=old.db)
        except (ConfigError, SecretMissing) as err:
            log.error("settings are wrong, the old ones stay", extra={"problems": str(err)})
            return old
        same_engine = settings.classifier == old.settings.classifier
        old.release()
        log.info("settings read again")
        return replace(new, _assess=old._assess) if same_engine else new

    return reload
