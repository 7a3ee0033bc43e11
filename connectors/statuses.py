"""What an HTTP status means for the reader: which error is raised, and what it tells a person to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    Transient,
)

ACTIONS: Mapping[int, type[ConnectorError]] = {
    401: AuthExpired,
    402: QuotaExhausted,
    403: PermissionMissing,
    404: Permanent,
    408: Transient,
    410: Permanent,
    421: Transient,
    423: Transient,
    425: Transient,
    429: RateLimited,
}
"""Statuses with a meaning of their own."""

CLASSES: Mapping[int, type[ConnectorError]] = {1: BadPayload, 3: Permanent, 4: Permanent, 5: Transient}
"""The others, by their first digit."""

PASSES = frozenset({*range(200, 300), 304})
"""Answers that are no error: a body, or nothing new."""

ADVICE: Mapping[type[ConnectorError], str] = {
    AuthExpired: "it does not accept the credential, renew it",
    BadPayload: "that is no answer to read, check the address",
    Permanent: "check the address of this source",
    PermissionMissing: "it does not let us read this, grant the permission",
    QuotaExhausted: "the allowance is used up, raise it or wait",
    RateLimited: "we asked too often and wait before asking again",
    Transient: "it is tried again",
}


def error_for(status: int, host: str, retry_after: str | None, now: datetime) -> ConnectorError | None:
    """The error for a status, None for one that passes. `retry_after` is the header's value; `now` aware."""
    if status in PASSES:
        return None
    kind = ACTIONS.get(status) or CLASSES.get(status // 100, BadPayload)
    message = f"{host} answered with status {status}: {ADVICE[kind]}."
    return RateLimited(message, wait_time(retry_after, now)) if kind is RateLimited else kind(message)


def wait_time(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds, or an HTTP date relative to `now` (aware). None where it tells nothing."""
    if value is None:
        return None
    try:
        if value.strip().isascii() and value.strip().isdigit():
            return timedelta(seconds=int(value))
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)  # "-0000" is UTC without a place
    return max(aware - now, timedelta(0))
