"""The frozen, typed tree of settings. What one value may be is said here; what must fit together, in checks.py.

Times of day are naive and in the school's zone; moments are aware, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.fields import (
    LOOPBACK,
    Address,
    Clock,
    DatabaseUrl,
    Day,
    Folder,
    Language,
    Line,
    Moment,
    PublicUrl,
    SchoolId,
    SecretName,
    Slug,
    Whole,
)
from config.frozen import Frozen
from config.judgement import Judgement, PresetName

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_CLOSURE: Final = 400

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ItemKindName = Literal["comment", "reply", "mention", "visitor_post", "review", "direct", "post", "report"]
"""The same words as connectors.item.ItemKind, which this room may not import; a test compares them."""


class Role(StrEnum):
    """What a person does for Schoolwatch. The words shown to people follow the nation (alerts/wording)."""

    MODERATOR = "moderator"
    DUTY = "duty"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    SAFEGUARDING_DEPUTY = "safeguarding_deputy"
    HEAD = "head"
    SLT = "slt"
    TECHNICIAN = "technician"
    GOVERNORS_CHAIR = "governors_chair"


class Database(Frozen):
    """Where the rows live. `url` never holds a password; a relative SQLite path counts from the state folder."""

    url: DatabaseUrl = "sqlite:///schoolwatch.db"
    password_secret: SecretName | None = None


class MailServer(Frozen):
    """The server that takes the mails. `timeout_s`: seconds for each step of a delivery."""

    host: Line = "localhost"
    port: Annotated[Whole, Field(ge=1, le=65535)] = 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Line | None = None
    password_secret: SecretName | None = None
    sender: Address
    sender_name: Line = "Schoolwatch"
    timeout_s: Annotated[Whole, Field(ge=1, le=300)] = 20

    @field_validator("security")
    @classmethod
    def _clear_text_stays_at_home(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and LOOPBACK.fullmatch(info.data.get("host", "localhost")) is None:
            raise ValueError(
                'may be "none" only for a mail server on this machine; use "starttls", or "tls" on port 465.'
            )
        return value

    @model_validator(mode="after")
    def _name_and_password_go_together(self) -> MailServer:
        if (self.username is None) != (self.password_secret is None):
            raise ValueError("needs username and password_secret together, or neither of them.")
        return self


class Worker(Frozen):
    """How the worker runs. `poll_minutes` between two polls of a source, `fetch_seconds` for one page,
    `score_seconds` for one batch of texts, `blind_hours` without a good poll before people are told."""

    poll_minutes: Annotated[Whole, Field(ge=1, le=1440)] = 5
    fetch_seconds: Annotated[Whole, Field(ge=1, le=600)] = 60
    score_seconds: Annotated[Whole, Field(ge=1, le=600)] = 60
    blind_hours: Annotated[Whole, Field(ge=1, le=168)] = 4
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Classifier(Frozen):
    """Which engine judges texts, by its name in the engines' registry, and by which preset of its thresholds."""

    engine: Slug = "embedded"
    preset: PresetName = "balanced"


class Hours(Frozen):
    """The school's day, in its own zone. quiet_from equal to quiet_until means: no quiet hours."""

    staffed_from: Clock = time(8, 30)
    staffed_until: Clock = time(17, 0)
    quiet_from: Clock = time(20, 0)
    quiet_until: Clock = time(7, 0)
    duty_from: Clock = time(8, 0)
    duty_until: Clock = time(20, 0)
    working_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")

    @property
    def weekdays(self) -> frozenset[int]:
        """The working days as datetime counts them: Monday is 0."""
        return frozenset(WEEKDAYS.index(day) for day in self.working_days)


class Closure(Frozen):
    """Days on which the school is closed and the clock stops, first and last included. A lone date is one day."""

    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="until")]

    @model_validator(mode="before")
    @classmethod
    def _one_day(cls, value: Any) -> Any:
        return value if isinstance(value, dict | Closure) else {"from": value, "until": value}

    @model_validator(mode="after")
    def _in_order(self) -> Closure:
        if self.last < self.first:
            raise ValueError("ends before it begins; swap its dates.")
        if (self.last - self.first).days > _LONGEST_CLOSURE:
            raise ValueError(f"is longer than {_LONGEST_CLOSURE} days; correct a year in it.")
        return self

    def dates(self) -> Iterable[date]:
        """Every date in it."""
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


class Deadline(Frozen):
    """By when an answer is due, as the school's policy says. `lead_hours`: how long before it the warning comes."""

    hours: Annotated[Whole, Field(ge=1, le=24 * 14)] = 24
    close_of_day: Clock = time(17, 0)
    lead_hours: Annotated[Whole, Field(ge=0, le=24 * 7)] = 4
    friday_rule: Literal["24_hours", "next_working_day"] = "24_hours"
    bank_holidays: bool = True
    closure_days: tuple[Closure, ...] = ()
    kinds: tuple[ItemKindName, ...] = ("comment", "reply", "visitor_post", "review", "direct", "report")

    def closed_dates(self) -> frozenset[date]:
        """Every date on which the school is closed, bank holidays not counted in."""
        return frozenset(day for closure in self.closure_days for day in closure.dates())


class Digest(Frozen):
    """When the week that ended is told to the senior leaders: the first such day after it, at that time."""

    weekday: Weekday = "mon"
    at: Clock = time(7, 0)


class Person(Frozen):
    """Somebody who hears. A `shared_mailbox` is read by more than one person and gets no safeguarding words."""

    id: Slug
    name: Line
    email: Address
    roles: tuple[Role, ...] = ()
    shared_mailbox: bool = False


class Watch(Frozen):
    """A search or feed about the school; nobody is responsible for what stands there.

    `options` are the connector's own and are validated by it. `secrets`: the connector's name of a secret to the
    name under which `config.secrets.resolve` finds it. `watch_from`: aware UTC; None means a day before the
    first good poll. `poll_minutes`: None means the worker's.
    """

    name: Slug
    platform: Slug
    watch_from: Moment | None = None
    options: Mapping[str, Any] = Field(default_factory=dict)
    secrets: Mapping[str, SecretName] = Field(default_factory=dict)
    poll_minutes: Annotated[Whole, Field(ge=1, le=1440)] | None = None


class Account(Watch):
    """An official page, channel or profile, with its entry in the school's register (R01).

    Every field of the register may be lacking here: what is lacking is advice (config.register), and never stops
    the watch. `staff` and `training_done` are ids of people.
    """

    aim: Line | None = None
    audience: Line | None = None
    promoted: Line | None = None
    open: bool | None = None
    staff: tuple[str, ...] = ()
    approved_by: Line | None = None
    approved_on: Day | None = None
    training_done: tuple[str, ...] = ()
    risk_assessment: Line | None = None
    consent: Line | None = None
    exit_plan: Line | None = None
    minimum_age: Annotated[Whole, Field(ge=0, le=120)] | None = None
    review_date: Day | None = None


_S = TypeVar("_S", bound=Watch)


class School(Frozen):
    """One school: a tenant. `id` never changes; every row in the database carries it."""

    id: SchoolId
    name: Line
    nation: Literal["ENG", "WLS", "SCT", "NIR"]
    timezone: str = "Europe/London"
    language: Language = "en"
    hours: Hours = Hours()
    deadline: Deadline = Deadline()
    digest: Digest = Digest()
    people: tuple[Person, ...] = ()
    accounts: tuple[Account, ...] = ()
    watches: tuple[Watch, ...] = ()
    routes: Mapping[str, tuple[Role, ...]] = Field(default_factory=dict)
    judgement: Judgement = Judgement()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # "Europe" is a folder, "" and "/x" are no keys
            raise ValueError('is no known time zone; write one such as "Europe/London".') from None
        return value

    @field_validator("accounts", "watches")
    @classmethod
    def _in_the_schools_zone(cls, value: tuple[_S, ...], info: ValidationInfo) -> tuple[_S, ...]:
        zone = ZoneInfo(info.data.get("timezone", "Europe/London"))
        return tuple(
            source.model_copy(update={"watch_from": _aware(source.watch_from, zone)}) for source in value
        )

    @property
    def staff_names(self) -> tuple[str, ...]:
        """Whom an allegation may be about: the people in these settings, and judgement's `staff`; each once."""
        named = (person.name for person in self.people if not person.shared_mailbox)
        return tuple(dict.fromkeys((*named, *self.judgement.staff)))

    def account(self, name: str) -> Account | None:
        """The official account of that name, or None."""
        return next((account for account in self.accounts if account.name == name), None)

    def source(self, name: str) -> Account | Watch | None:
        """The account or watch of that name, or None."""
        return self.account(name) or next((watch for watch in self.watches if watch.name == name), None)


class Settings(Frozen):
    """The whole tree. `state_dir` is absolute once loaded; `public_url` has no slash at its end."""

    schools: tuple[School, ...]
    database: Database = Database()
    mail: MailServer
    worker: Worker = Worker()
    classifier: Classifier = Classifier()
    state_dir: Folder = Path("state")
    public_url: PublicUrl | None = None

    @cached_property
    def _by_id(self) -> dict[str, School]:
        return {school.id: school for school in self.schools}

    def school(self, school_id: str) -> School:
        """The school of that id. Raises KeyError with a sentence."""
        try:
            return self._by_id[school_id]
        except KeyError:
            raise KeyError(f'No school "{school_id}" is configured; choose one of the ids in it.') from None

    @property
    def database_url(self) -> str:
        """The database's URL with SQLite's path made absolute, still without a password."""
        head, mark, path = self.database.url.partition("sqlite:///")
        return self.database.url if head or not mark else f"{mark}{self.state_dir / path}"


def _aware(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A naive moment is one of the school's own clock."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
