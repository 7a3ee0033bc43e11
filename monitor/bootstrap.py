"""The one file that wires: settings in, an installation at work out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import make_url

from alerts.smtp import SmtpTransport, Transport
from config.judgement import OwnSteps
from config.problems import ConfigError, Problem, sentence
from config.schema import Account, School, Settings, Watch
from config.secrets import SecretMissing, resolve
from connectors import registry
from connectors.base import Connector, SourceRef
from connectors.errors import AuthExpired, Permanent
from connectors.item import ItemKind
from monitor.classifier.registry import ENGINES, MODELS, thresholds
from monitor.classifier.standard import ANY_SCHOOL, Standard, Step, without_effect
from monitor.domain.calendar import Calendar
from monitor.domain.deadline import DeadlineRule
from monitor.domain.verdict import Category, Severity, Verdict
from monitor.pipeline.site import Judges, Site
from monitor.storage.database import Database

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


def standard_of(settings: Settings, school: School) -> Standard:
    """By what the school's texts are judged: its own say, and the installation's where it has none."""
    said = school.judgement
    return Standard(
        preset=said.preset or settings.classifier.preset,
        own=tuple((Category(name), _own_steps(steps)) for name, steps in sorted(said.thresholds.items())),
        off=frozenset(map(Category, said.off)),
        staff=school.staff_names,
        allowed=said.allowed,
    )


def _own_steps(said: OwnSteps) -> float | tuple[Step, ...]:
    if said.start is not None:
        return said.start
    return tuple(Step(score, Severity.parse(severity)) for severity, score in said.steps())


def judgement_advice(settings: Settings, school: School) -> list[tuple[str, str]]:
    """What a school's own say about judgement does that it may not expect: (key path, sentence).

    Raises EngineError where the engine has no such thresholds.
    """
    standard = standard_of(settings, school)
    steps = thresholds(settings.classifier.engine, standard.preset).steps
    found = [
        (
            f"judgement.thresholds.{category}",
            "has no effect: for safeguarding and threats it may only be lower.",
        )
        for category, own in standard.own
        if without_effect(steps.get(category, ()), own, category)
    ]
    off = sorted(standard.off)
    if off:
        found.append(("judgement.off", f"nobody hears of {', '.join(off)}; the moderators should know that."))
    return found


def load_assess(name: str, limit_s: float, models: Path = MODELS) -> Judges:
    """The named engine with its thresholds and its time limit, for every school. Raises EngineError.

    `models`: the folder of fetched models.
    """
    from monitor.classifier.bench import Bench
    from monitor.classifier.registry import load

    return Bench(load(name, models), limit_s)


def models_of(settings: Settings) -> Path:
    """The folder of fetched models."""
    return settings.state_dir / "models"


@dataclass(slots=True)
class Installation:
    """Everything that runs: one database, one mail server, one engine, and a site for each school."""

    settings: Settings
    environ: Environ
    db: Database
    transport: Transport
    sites: tuple[Site, ...]
    load_engine: Callable[[], Judges]
    _assess: Judges | None = None
    _connectors: dict[tuple[str, str], Connector] = field(default_factory=dict)

    @property
    def engine_name(self) -> str:
        """The configured engine."""
        return self.settings.classifier.engine

    def assess(self, texts: Sequence[str], standard: Standard = ANY_SCHOOL) -> list[Verdict]:
        """Judge texts, loading the engine when the first ones come: once for all schools. Raises EngineError."""
        if self._assess is None:
            self._assess = self.load_engine()
        return self._assess(texts, standard)

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
    return Site(
        school=school,
        rule=rule_of(school),
        db=db,
        worker=settings.worker,
        mail_domain=domain,
        standard=standard_of(settings, school),
    )


def install(
    settings: Settings,
    environ: Environ,
    *,
    db: Database | None = None,
    transport: Transport | None = None,
    load_engine: Callable[[], Judges] | None = None,
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
        or (
            lambda: load_assess(
                settings.classifier.engine, settings.worker.score_seconds, models_of(settings)
            )
        ),
    )
