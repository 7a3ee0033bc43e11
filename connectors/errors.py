"""What can go wrong while reading a platform; the type says what to do next. Messages are redacted before raising."""

from __future__ import annotations

from datetime import datetime, timedelta


class ConnectorError(Exception):
    """Any failure of a connector. `code` is a stable word for logs, alerts and the database."""

    code = "error"


class AuthExpired(ConnectorError):
    """The credential is no longer accepted: a person must renew it."""

    code = "auth_expired"


class PermissionMissing(ConnectorError):
    """The credential is good but may not read this: a person must grant it."""

    code = "permission_missing"


class RateLimited(ConnectorError):
    """Asked too often. `retry_after` is None where the platform did not say how long."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaExhausted(ConnectorError):
    """The allowance is used up until `until` (aware); None where the platform did not say."""

    code = "quota_exhausted"

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class Transient(ConnectorError):
    """Likely to pass by itself: a time-out, a server error, a connection refused."""

    code = "transient"


class BadPayload(ConnectorError):
    """An answer that is not what the platform promises: HTML instead of JSON, a truncated document."""

    code = "bad_payload"


class Permanent(ConnectorError):
    """Will fail the same way until somebody changes the configuration or the platform."""

    code = "permanent"


class NotSupported(ConnectorError):
    """A capability was used that the connector does not declare: a fault in the caller."""

    code = "not_supported"
