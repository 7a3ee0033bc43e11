"""What an alert is and what a mail is told. Plain types; imports nothing but plain types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from alerts.figures import Digest


class AlertKind(StrEnum):
    """Every reason for which Schoolwatch writes to a person."""

    FLAGGED = "flagged"
    """An item was judged medium or worse."""
    FLAGGED_SUMMARY = "flagged_summary"
    """Items from before the watch began that were judged medium or high, in one mail."""
    REPLY_DUE = "reply_due"
    """A deadline comes near and nobody has answered."""
    DEADLINE_MISSED = "deadline_missed"
    """A deadline has passed and nobody has answered."""
    ASK_ANSWERED = "ask_answered"
    """The school wrote under a post; only a person can say which comments that answers."""
    UNSCORED = "unscored"
    """The classifier failed; items wait for a person to look at them."""
    SCORED_AGAIN = "scored_again"
    """The classifier works again and has judged what waited."""
    UNREAD = "unread"
    """Items in languages that no engine can judge, of one day: only a person can say what they are."""
    SET_ASIDE = "set_aside"
    """Input that could not be read as it stood, kept where people see it."""
    BLIND = "blind"
    """A source could not be read for hours."""
    SEES_AGAIN = "sees_again"
    """A blind source can be read again."""
    UNDELIVERED = "undelivered"
    """A mail could not be delivered to somebody who should have heard: `source` is whom, `error` why."""
    SETTINGS_REFUSED = "settings_refused"
    """Changed settings are wrong, and the old ones stay in use: `count` is how many problems they have."""
    WORKER_STOPPED = "worker_stopped"
    """The worker cannot start or does not work. Goes past the outbox, which may be what is broken."""
    DIGEST = "digest"
    """A week has ended: its figures, for the senior leaders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A decision to write to people, before anybody has been chosen.

    `subject` is opaque outside monitor ("case:12"); (kind, subject, occurrence, step) is said once to each
    recipient. `occurrence` is a stored counter: opening of the case, revision of the plan, number of the
    outage. `severity` and `categories` choose the route; `facts` hold ids, codes and times, never words.
    `not_before`: aware; quiet hours.
    """

    kind: AlertKind
    subject: str
    occurrence: int
    step: int = 0
    severity: str = "medium"
    categories: tuple[str, ...] = ()
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who hears. `shared` marks a mailbox that more than one person reads: it never gets words of a
    safeguarding item."""

    person_id: str
    name: str
    address: str
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """An item as a mail shows it. Times aware. `attachments` are counted and linked, never embedded."""

    case_number: int | None
    platform: str
    source: str
    kind: str
    author_name: str | None
    text: str
    title: str | None = None
    created_at: datetime | None = None
    created_at_estimated: bool = False
    permalink: str | None = None
    attachments: tuple[str, ...] = ()
    severity: str = "none"
    categories: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    """The words that weighed most, as they stand in the text."""
    edited: bool = False
    state: str = "visible"
    language: str | None = None
    """BCP 47 code, where it is not English. `unread`: no engine could judge it, so its severity says nothing."""
    unread: bool = False
    due_at: datetime | None = None
    due_reason: str | None = None
    protected: bool = False
    """The case has the safeguarding lead's clock, whatever the latest verdict says: in a list for others it is no more
    than its number."""


@dataclass(frozen=True, slots=True)
class SetAsideView:
    """One piece of input that was set aside or cleaned. `reason` is a code or a sentence from the connector."""

    number: int
    reason: str
    external_id: str | None
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """Everything one mail is made of, gathered at the moment of sending. Times aware, shown in `timezone`."""

    kind: AlertKind
    school_name: str
    timezone: str
    recipient: Recipient
    now: datetime
    severity: str = "medium"
    reason: str = ""
    safeguarding: bool = False
    """A case number as subject, no preview; words only to personal mailboxes."""
    items: tuple[ItemView, ...] = ()
    reply: ItemView | None = None
    """For ASK_ANSWERED: what the school wrote."""
    due_at: datetime | None = None
    due_reason: str | None = None
    source: str | None = None
    error: str | None = None
    count: int = 0
    since: datetime | None = None
    until: datetime | None = None
    set_aside: tuple[SetAsideView, ...] = ()
    digest: Digest | None = None
    """For DIGEST: the week's figures."""


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A PNG that travels inside the mail; the HTML shows it as `cid:` and its `cid`."""

    cid: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail for one recipient. `subject` is one line; `html` is whole and self-contained."""

    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    urgent: bool = False
    images: tuple[InlineImage, ...] = ()
