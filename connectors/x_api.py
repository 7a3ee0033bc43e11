"""X API v2 through tweepy: one guarded session, and every error a row of a table.

What tweepy (4.17) does by itself, and why it is given this session:
- its host is fixed, so an adapter on the session rewrites it; its Client has no time-out, the session has [ran];
- with wait_on_rate_limit it sleeps in the thread and, without a reset header, calls itself without end [ran]: that is
  never switched on;
- its logger writes the bearer token and every answer at DEBUG [ran], as do those of the OAuth libraries under it [src]:
  they are cleaned, and kept at INFO.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import tweepy

from connectors.errors import (
    BadPayload,
    ConnectorError,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from connectors.http import redact_loggers
from connectors.sdk_session import JudgedSession
from connectors.statuses import ADVICE, PASSES, error_for, wait_time
from connectors.transport import GuardedAdapter

HOST = "https://api.twitter.com"
_NO_MATTER = datetime(1970, 1, 1, tzinfo=UTC)
USER_SECRETS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
"""OAuth 1.0a user context: for direct messages and for hiding. It does not rotate."""

LOGGERS = (
    "tweepy.client",
    "requests_oauthlib.oauth1_auth",
    "requests_oauthlib.oauth1_session",
    "oauthlib.oauth1.rfc5849",
    "oauthlib.oauth1.rfc5849.signature",
)
redact_loggers(*LOGGERS)
for _name in LOGGERS:  # at DEBUG they write every answer in full, and people's words are for no log
    logging.getLogger(_name).setLevel(logging.INFO)

PROBLEMS: Mapping[str, type[ConnectorError]] = {
    "usage-capped": QuotaExhausted,
    "credits": QuotaExhausted,
    "rate-limit-exceeded": RateLimited,
    "client-forbidden": PermissionMissing,
    "unsupported-authentication": PermissionMissing,
    "not-authorized-for-resource": PermissionMissing,
    "not-authorized-for-field": PermissionMissing,
    "disallowed-resource": PermissionMissing,
    "resource-not-found": Permanent,
    "invalid-request": Permanent,
    "invalid-resource": Permanent,
    "operational-disconnect": Transient,
    "service-unavailable": Transient,
}
"""What the last word of a problem's `type` means [doc: Response codes and errors]. It says more than the status: a 429
is a rate limit or the usage cap. `about:blank` says nothing: the status counts."""


class _Rewriting(GuardedAdapter):
    """Sends what is meant for X to the configured host: a simulator on this machine."""

    def __init__(self, api_url: str, max_bytes: int) -> None:
        self._to = urlsplit(api_url)
        super().__init__(max_bytes)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        moved = request.copy()
        path = self._to.path + asked.path
        moved.url = urlunsplit((self._to.scheme, self._to.netloc, path, asked.query, ""))
        return super().send(moved, *args, **kwargs)


def x_error(
    status: int, headers: Mapping[str, str], told: Any, now: datetime | None
) -> ConnectorError | None:
    """What an answer means; None if it may pass. `told`: its JSON, None where it is none."""
    problem = told if isinstance(told, dict) else {}
    first = problem.get("errors")
    if not problem.get("type") and isinstance(first, list) and first and isinstance(first[0], dict):
        problem = first[0]
    kind = PROBLEMS.get(problem_word(problem))
    if status in PASSES:
        return _passing(told, kind, problem)
    retry_after = headers.get("Retry-After") if now else None
    usual = error_for(status, "X", retry_after, now or _NO_MATTER)
    if kind is None:
        kind = type(usual) if usual is not None else BadPayload
    word = problem_word(problem)
    words = f"X answered with status {status}" + (f" ({word})" if word else "")
    if kind is RateLimited:
        wait = _until_reset(headers, now) if now else None
        if wait is None and now is not None:
            wait = wait_time(retry_after, now)
        return RateLimited(f"{words}: {ADVICE[kind]}.", wait)
    if kind is QuotaExhausted:
        return QuotaExhausted(f"{words}: {ADVICE[kind]}.", _cap_ends(problem, now))
    return kind(f"{words}: {_ADVICE.get(kind, ADVICE[kind])}.")


_ADVICE: Mapping[type[ConnectorError], str] = {
    Permanent: "check the account's number and the search of this source"
}


def problem_word(problem: Mapping[str, Any]) -> str:
    """The last word of a problem's type: usage-capped of https://api.twitter.com/2/problems/usage-capped. Nothing for
    about:blank, which says nothing."""
    _, slash, word = str(problem.get("type") or "").rpartition("/")
    return word if slash else ""


def _passing(
    told: Any, kind: type[ConnectorError] | None, problem: Mapping[str, Any]
) -> ConnectorError | None:
    """An answer with data or meta stands, errors beside it or not; one that names what it cannot give stands too, and
    its reader says what that means [doc: Partial errors]."""
    if not isinstance(told, dict):
        return None  # the session says that this is no JSON
    if isinstance(told.get("data"), dict | list) or isinstance(told.get("meta"), dict):
        return None
    if partial_errors(told) and kind in (Permanent, PermissionMissing):
        return None
    if kind is not None:
        return kind(f"X answered with nothing but an error ({problem_word(problem)}): {ADVICE[kind]}.")
    return BadPayload("X answered with something else than was asked for, look at the platform's status.")


def nothing_but_errors(told: Mapping[str, Any]) -> ConnectorError:
    """The error for a list that did not come."""
    errors = partial_errors(told)
    kind = PROBLEMS.get(problem_word(errors[0]), BadPayload) if errors else BadPayload
    word = f" ({problem_word(errors[0])})" if errors else ""
    return kind(f"X answered without the list that was asked for{word}: {_ADVICE.get(kind, ADVICE[kind])}.")


def partial_errors(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What X says beside what it can give [doc: Partial errors]."""
    errors = told.get("errors")
    return [one for one in errors if isinstance(one, Mapping)] if isinstance(errors, list) else []


def _until_reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """x-rate-limit-reset is in seconds since 1970 [doc: Rate limits]; it may be missing."""
    told = headers.get("x-rate-limit-reset", "")
    if not (told.isascii() and told.isdigit() and int(told) < 1e11):
        return None
    return max(datetime.fromtimestamp(int(told), UTC) - now, timedelta(0))


def _cap_ends(problem: Mapping[str, Any], now: datetime | None) -> datetime | None:
    """A usage cap says its period; the day and the month are UTC's. Without one nobody knows (credits used up)."""
    if now is None:
        return None
    period = str(problem.get("period") or "").lower()
    if period == "daily":
        return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return next_month(now) if period == "monthly" else None


def next_month(now: datetime) -> datetime:
    """The first moment of the next month, UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


class XApi:
    """tweepy's client on the guarded session. All calls raise ConnectorErrors only, and give X's own JSON."""

    def __init__(self, api_url: str, secrets: Mapping[str, str], total_s: float) -> None:
        self.session = JudgedSession(
            lambda response, told, now: x_error(response.status_code, response.headers, told, now),
            total_s=total_s,
            secrets=tuple(secrets.values()),
        )
        if api_url != HOST:
            self.session.mount(f"{HOST}/", _Rewriting(api_url, self.session.max_bytes))
        user = {name: secrets[name] for name in USER_SECRETS if secrets.get(name)}
        self.has_user = len(user) == len(USER_SECRETS)
        self._client = tweepy.Client(
            bearer_token=secrets["bearer_token"], return_type=dict, wait_on_rate_limit=False, **user
        )
        self._client.session.close()
        self._client.session = self.session

    def mentions(self, user_id: str, now: datetime, **params: Any) -> dict[str, Any]:
        return self._ask(self._client.get_users_mentions, now, user_id, **params)

    def posts(self, user_id: str, now: datetime, **params: Any) -> dict[str, Any]:
        return self._ask(self._client.get_users_tweets, now, user_id, **params)

    def search(self, query: str, now: datetime, **params: Any) -> dict[str, Any]:
        return self._ask(self._client.search_recent_tweets, now, query, **params)

    def direct(self, now: datetime, **params: Any) -> dict[str, Any]:
        return self._ask(self._client.get_direct_message_events, now, **params)

    def lookup(self, ids: Sequence[str], now: datetime, **params: Any) -> dict[str, Any]:
        return self._ask(self._client.get_tweets, now, list(ids), **params)

    def usage(self, now: datetime) -> dict[str, Any]:
        """How many posts the project has read this month, of how many [doc: Usage]; costs nothing."""
        fields = {"usage.fields": "cap_reset_day,project_cap,project_usage"}
        return self._ask(lambda: self._client.request("GET", "/2/usage/tweets", params=fields).json(), now)

    def hide(self, external_id: str) -> None:
        told = self._ask(self._client.hide_reply, None, external_id)
        data = told.get("data")
        if not (isinstance(data, dict) and data.get("hidden") is True):
            raise Permanent("X did not hide the reply, look at it there.")

    def _ask(self, action: Any, now: datetime | None, *given: Any, **params: Any) -> dict[str, Any]:
        self.session.moment = now
        told = action(*given, **{key: value for key, value in params.items() if value is not None})
        if not isinstance(told, dict):
            raise BadPayload(
                "X answered with something else than was asked for, look at the platform's status."
            )
        return told
