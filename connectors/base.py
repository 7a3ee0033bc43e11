"""The port: what every platform's connector does, and nothing more.

A connector reads; it never sleeps, retries, stores or decides. The scheduler calls `fetch` one page at a time,
and commits that page's items together with its checkpoint, so a crash only reads a page again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from connectors.errors import NotSupported
from connectors.item import Item

API = 1
"""The major version of this port. A connector declares the one it was written for; another is refused by name."""

Checkpoint = Mapping[str, Any]
"""JSON with a `version`. An unreadable or unknown one means: walk again from the start."""


class Capability(StrEnum):
    """What a connector can do beyond reading."""

    REFRESH = "refresh"
    HIDE = "hide"
    DELETE = "delete"
    REPLY = "reply"
    BLOCK = "block"


class Options(BaseModel):
    """A connector's own settings; each connector subclasses it. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class SourceRef:
    """What a connector needs to know of the source it reads: whose it is and how it is called.

    `timezone` is the school's IANA zone, for platforms and files that give naive times.
    """

    school: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Part of a page that could not become an item. It is set aside where people see it; the rest goes on.

    `reason` is one sentence, redacted; `raw` the bytes as given, so that nothing is lost.
    """

    reason: str
    raw: bytes
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a stream.

    `checkpoint`: where to go on; committed with the items. `has_more`: call again now. `partial_errors`: what
    could not be read. `gap`: a sentence when the walk could not reach its old high water and items may be
    missing. `cost`: units of the platform's quota. `poll_after`: the platform's own wish for the next poll.
    """

    items: tuple[Item, ...] = ()
    checkpoint: Checkpoint = field(default_factory=dict)
    has_more: bool = False
    partial_errors: tuple[Rejected, ...] = ()
    gap: str | None = None
    cost: int = 0
    poll_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What `check` found. Times aware; `token_until` None where the platform does not tell."""

    ok: bool
    detail: str
    token_until: datetime | None = None
    permissions_missing: tuple[str, ...] = ()
    quota_left: int | None = None


class Connector(ABC):
    """One source on one platform. Constructed with its options and resolved secrets; cheap to construct."""

    api: ClassVar[int] = API
    options_model: ClassVar[type[Options]] = Options
    secret_names: ClassVar[tuple[str, ...]] = ()
    """Secrets it needs, by the name under which the configuration and systemd know them."""
    optional_secret_names: ClassVar[tuple[str, ...]] = ()
    """Secrets that it can do without; only those that the settings name are looked for."""
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    @abstractmethod
    def __init__(self, source: SourceRef, options: Any, secrets: Mapping[str, str]) -> None: ...

    @abstractmethod
    def streams(self) -> Sequence[str]:
        """The names of the streams this source has (comments, mentions, search, direct ...)."""

    @abstractmethod
    def fetch(self, stream: str, checkpoint: Checkpoint | None, now: datetime) -> Page:
        """Read one page. Raises a ConnectorError; its type says what to do next."""

    def refresh(self, ids: Sequence[str], now: datetime) -> Sequence[Item]:
        """Read known items again, for edits and deletions. One that is gone comes back with state `deleted`."""
        raise NotSupported(f"{type(self).__name__} cannot refresh items")

    def moderate(self, action: Capability, external_id: str, **details: str) -> None:
        """Carry out an action a person has clicked. Only where the capability is declared."""
        raise NotSupported(f"{type(self).__name__} cannot {action.value} an item")

    @abstractmethod
    def check(self, now: datetime) -> Health:
        """Can the source be read? Makes at most one request; raises a ConnectorError when it cannot tell."""

    def close(self) -> None:  # noqa: B027  most connectors hold nothing open
        """Let go of connections and files."""
