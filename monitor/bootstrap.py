"""The one file that wires: settings in, an installation at work out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import make_url

from alerts.smtp import SmtpTransport, Transport
from config.problems import ConfigError, Problem, sentence
from config.schema import Account, School, Settings, Watch
from config.secrets import SecretMissing, resolve
from connectors import registry
from connectors.base import Connector, SourceRef
from connectors.errors import AuthExpired, Permanent
from connectors.item import ItemKind
from monitor.classifier.registry import ENGINES
from monitor.domain.calendar import Calendar
from monitor.domain.deadline import DeadlineRule
from monitor.domain.verdict import Verdict
from monitor.pipeline.site import Assess, Site
from monitor.storage.database import Database

if TYPE_CHECKING:
    from monitor.classifier.engine import Engine

Environ = Mapping[str, str]


def rule_of(school: School) -> DeadlineRule:
    """The school's calendar and deadline as the domain knows them."""
    hours, deadline = school.hours, school.deadline
    calendar = Calendar(
        nation=school.nation,
        zone=ZoneInfo(school.timezone),
        working_weekdays=hours.weekdays,
        bank_holidays=deadline.bank_holidays,
        closed=deadline.closed_dates(),
        staffed_from=hours.staffed_from,
        staffed_until=hours.staffed_until,
        close_of_day=deadline.close_of_day,
        quiet_from=hours.quiet_from,
        quiet_until=hours.quiet_until,
        duty_from=hours.duty_from,
        duty_until=hours.duty_until,
    )
    return DeadlineRule(
        calendar=calendar,
        answer_within=timedelta(hours=deadline.hours),
        move_off_days=deadline.friday_rule == "next_working_day",
        lead=timedelta(hours=deadline.lead_hours),
        kinds=frozenset(ItemKind(kind) for kind in deadline.kinds),
    )


def open_database(settings: Settings, environ: Environ) -> Database:
    """The configured database, its password resolved. Raises SecretMissing."""
    url = make_url(settings.database_url)
    if settings.database.password_secret:
        url = url.set(password=resolve(settings.database.password_secret, environ))
    return Database(url)


def open_transport(settings: Settings, environ: Environ) -> Transport:
    """The configured mail server. Raises SecretMissing."""
    mail = settings.mail
    password = resolve(mail.password_secret, environ) if mail.password_secret else None
    return SmtpTransport(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=password,
        sender=mail.sender,
        sender_name=mail.sender_name,
        timeout_s=mail.timeout_s,
    )


def open_source(school: School, source: Account | Watch, environ: Environ) -> Connector:
    """The connector of one account or watch. Raises ConnectorError with one sentence."""
    try:
        kind = registry.load(source.platform)
        options = kind.options_model.model_validate(dict(source.options))
    except (registry.RegistryError, ValidationError):
        raise Permanent(f"the settings of {source.name} are wrong; run `schoolwatch check`") from None
    secrets = {}
    given = tuple(name for name in kind.optional_secret_names if name in source.secrets)
    for name in (*kind.secret_names, *given):
        try:
            secrets[name] = resolve(source.secrets.get(name, name), environ)
        except SecretMissing as err:
            raise AuthExpired(str(err)) from None
    return kind(SourceRef(school.id, source.name, school.timezone), options, secrets)


def option_problems(settings: Settings) -> list[Problem]:
    """What the connectors find wrong with their own options, as sentences like config's own."""
    found: list[Problem] = []
    if settings.classifier.engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        found.append(Problem("settings", None, "classifier.engine", f"is no engine; choose one of {known}."))
    for school in settings.schools:
        for section, sources in (("accounts", school.accounts), ("watches", school.watches)):
            for at, source in enumerate(sources):
                path = f"{section}[{at}]"
                try:
                    model = registry.load(source.platform).options_model
                    model.model_validate(dict(source.options))
                except registry.RegistryError as err:
                    found.append(Problem(school.id, None, f"{path}.platform", str(err)))
                except ValidationError as err:
                    found += [
                        Problem(school.id, None, _option_path(path, one["loc"]), sentence(one, model))
                        for one in err.errors()
                    ]
    return found


def _option_path(path: str, loc: Sequence[int | str]) -> str:
    return ".".join((path, "options", *(str(part) for part in loc)))


def refuse_wrong_options(settings: Settings) -> None:
    """Raises ConfigError with every problem that the connectors find."""
    problems = option_problems(settings)
    if problems:
        raise ConfigError(problems)


def load_assess(name: str, limit_s: float) -> Assess:
    """The named engine with its thresholds and its time limit, as one function. Raises EngineError."""
    from monitor.classifier.judge import Thresholds, judge, score_guarded
    from monitor.classifier.registry import load
    from monitor.classifier.rules import with_rules

    engine: Engine = load(name)
    thresholds = Thresholds.load(None)

    def assess(texts: Sequence[str]) -> list[Verdict]:
        scored = score_guarded(engine, texts, limit_s)
        return [
            with_rules(judge(scores, text, thresholds, engine), text)
            for scores, text in zip(scored, texts, strict=True)
        ]

    return assess


@dataclass(slots=True)
class Installation:
    """Everything that runs: one database, one mail server, one engine, and a site for each school."""

    settings: Settings
    environ: Environ
    db: Database
    transport: Transport
    sites: tuple[Site, ...]
    load_engine: Callable[[], Assess]
    _assess: Assess | None = None
    _connectors: dict[tuple[str, str], Connector] = field(default_factory=dict)

    @property
    def engine_name(self) -> str:
        """The configured engine."""
        return self.settings.classifier.engine

    def assess(self, texts: Sequence[str]) -> list[Verdict]:
        """Judge texts, loading the engine when the first ones come. Raises EngineError."""
        if self._assess is None:
            self._assess = self.load_engine()
        return self._assess(texts)

    def connector(self, site: Site, name: str) -> Connector:
        """The open connector of a source. Raises ConnectorError."""
        key = (site.id, name)
        if key not in self._connectors:
            source = site.school.source(name)
            if source is None:
                raise Permanent(f"{name} is no longer in the settings")
            self._connectors[key] = open_source(site.school, source, self.environ)
        return self._connectors[key]

    def adopt(self, site: Site, name: str, connector: Connector) -> None:
        """Use this connector for a source that is not in the settings (items given by hand)."""
        self._connectors[(site.id, name)] = connector

    def release(self) -> None:
        """Let go of connections and files, but not of the database."""
        for connector in self._connectors.values():
            connector.close()
        self._connectors.clear()
        self.transport.close()

    def close(self) -> None:
        """Let go of everything."""
        self.release()
        self.db.close()


def site_of(settings: Settings, school: School, db: Database) -> Site:
    """One school at work on the database."""
    domain = settings.mail.sender.rpartition("@")[2]
    return Site(school=school, rule=rule_of(school), db=db, worker=settings.worker, mail_domain=domain)


def install(
    settings: Settings,
    environ: Environ,
    *,
    db: Database | None = None,
    transport: Transport | None = None,
    load_engine: Callable[[], Assess] | None = None,
) -> Installation:
    """Wire an installation; parts given take the place of the configured ones. Raises SecretMissing."""
    database = db or open_database(settings, environ)
    sites = tuple(site_of(settings, school, database) for school in settings.schools)
    return Installation(
        settings=settings,
        environ=environ,
        db=database,
        transport=transport or open_transport(settings, environ),
        sites=sites,
        load_engine=load_engine
        or (lambda: load_assess(settings.classifier.engine, settings.worker.score_seconds)),
    )
