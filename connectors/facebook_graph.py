"""The Graph API through facebook-sdk: one guarded session, the token in a header only, every error a row of a table.

What the SDK (3.1.0) does by itself, and why it is given this session:
- it accepts versions 2.8 to 3.1 only, so the version is set after construction [ran];
- it puts the token into the address of every GET and DELETE and into the body of every POST [ran]: the session moves
  it to `Authorization: Bearer`;
- it loses status and headers, ignores the status (a 302 with the body {} reads as success) and fails with KeyError
  where the content type is missing [ran]: the session judges each answer first and keeps the last one;
- its host is global to the process [src], so the session rewrites it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import quote

import requests

from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    Permanent,
    PermissionMissing,
    RateLimited,
    Transient,
)
from connectors.sdk_session import JudgedSession
from connectors.statuses import ADVICE, PASSES, error_for, wait_time

with warnings.catch_warnings():  # its patterns hold escapes that newer Pythons warn of, once, on compiling
    warnings.simplefilter("ignore")
    import facebook

VERSION = "v26.0"
HOST = "https://graph.facebook.com"
_NO_MATTER = datetime(1970, 1, 1, tzinfo=UTC)


class Gone(Permanent):
    """The object does not exist, or the token may not see it: Graph tells the two apart for nobody."""


class TooMuch(Transient):
    """Error 1 with a request to ask for less: the same question with smaller pages may be answered."""


ERRORS: Mapping[int, type[ConnectorError]] = {
    1: Transient,  # unknown error
    2: Transient,  # service unavailable
    3: PermissionMissing,  # capability
    4: RateLimited,  # the app
    10: PermissionMissing,
    17: RateLimited,  # the user
    32: RateLimited,  # the page
    100: Permanent,  # a parameter, an expired cursor, or (subcode 33) an object that is gone
    102: AuthExpired,  # session
    190: AuthExpired,
    283: PermissionMissing,  # an extended permission
    341: RateLimited,  # the application's limit
    368: RateLimited,  # blocked for a while
    613: RateLimited,  # calls of one kind
    803: Gone,  # no such alias, in a request for several ids
    80001: RateLimited,  # the page's business use case
}
"""Graph's error codes [doc: Handle Errors, Rate Limits; src of facebook_business]. 200 to 299 are permissions too."""

_PERMISSIONS = range(200, 300)

_TOKEN_IS: Mapping[int, str] = {
    458: "the app was removed from the account",
    459: "the person must log in to Facebook and confirm the account",
    460: "the password was changed",
    463: "the token has expired",
    464: "the person's account is not confirmed",
    467: "the token is no longer valid",
    492: "the person no longer has a task on the page",
}
"""The subcodes of 190 and 102 in words [doc: Handle Errors]."""

_ADVICE = {**ADVICE, Permanent: "check the page's id and the app's settings", Gone: "it is not there"}


def graph_error(error: Mapping[str, Any], redacted: str, wait: timedelta | None) -> ConnectorError | None:
    """The error for Graph's own error object; None where neither its code nor is_transient says anything.

    `redacted`: the platform's words, without any credential; only a Permanent repeats them. `wait`: from the headers.
    """
    code, subcode = error.get("code"), error.get("error_subcode")
    ended = _TOKEN_IS.get(subcode) if isinstance(subcode, int) else None
    kind = ERRORS.get(code) if isinstance(code, int) else None
    if kind is None and code in _PERMISSIONS:
        kind = PermissionMissing
    if kind is None and error.get("is_transient") is True:
        kind = Transient
    if kind is None:
        return None
    if code == 100 and subcode == 33:
        kind = Gone
    if code == 1 and "reduce the amount of data" in redacted:
        kind = TooMuch
    number = f"error {code}" + (f" ({subcode})" if subcode else "")
    why = f"{ended}, renew it" if ended else _ADVICE.get(kind, ADVICE[Transient])
    said = f' It says "{redacted[:200]}".' if kind is Permanent and redacted else ""
    message = f"Facebook answered with {number}: {why}.{said}"
    return RateLimited(message, wait) if kind is RateLimited else kind(message)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of the allowance is used, in per cent, and how long to stay away if it is used up."""

    percent: int = 0
    regain: timedelta | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Usage:
        """From X-App-Usage and X-Business-Use-Case-Usage, JSON in headers that only come after some calls [doc]."""
        percent, minutes = 0, 0
        for name in ("X-App-Usage", "X-Business-Use-Case-Usage"):
            for row in _rows(headers.get(name)):
                shares = [row.get(key) for key in ("call_count", "total_time", "total_cputime")]
                percent = max([percent, *(int(share) for share in shares if _is_share(share))])
                wanted = row.get("estimated_time_to_regain_access")  # minutes [doc]
                minutes = max(minutes, min(wanted, _WEEK) if isinstance(wanted, int) else 0)
        return cls(percent, timedelta(minutes=minutes) if minutes else None)

    @property
    def poll_after(self) -> timedelta | None:
        """When to ask next: the allowance counts calls of the last hour [doc], so near its end we ask less."""
        if self.regain is not None:
            return self.regain
        steps = ((95, timedelta(hours=1)), (75, timedelta(minutes=15)))
        return next((wait for share, wait in steps if self.percent >= share), None)


_WEEK = 7 * 24 * 60


def _is_share(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 <= value <= 10_000


def _rows(header: str | None) -> list[Mapping[str, Any]]:
    """The usage rows of a header: one object, or a list of them per business."""
    try:
        told = json.loads(header or "{}")
    except ValueError:
        return []
    parts = [told, *told.values()] if isinstance(told, dict) else []
    rows = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    return [row for row in rows if isinstance(row, dict)]


class GraphSession(JudgedSession):
    """What facebook-sdk uses as its requests.Session."""

    def __init__(self, api_url: str, *, total_s: float, secrets: Sequence[str]) -> None:
        super().__init__(self._graph_judge, total_s=total_s, secrets=secrets)
        self._api_url = api_url

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Move the token from `params` and `data` into a header, and the request to the configured host."""
        for place in ("params", "data"):
            given = kwargs.get(place)
            if isinstance(given, dict) and "access_token" in given:
                kwargs[place] = {key: value for key, value in given.items() if key != "access_token"}
                bearer = {"Authorization": f"Bearer {given['access_token']}"}
                kwargs["headers"] = {**(kwargs.get("headers") or {}), **bearer}
        path = str(url).removeprefix(facebook.FACEBOOK_GRAPH_URL)
        return super().request(method, f"{self._api_url}/{path}", *args, **kwargs)

    @property
    def usage(self) -> Usage:
        """As the last answer told it."""
        return Usage.of(self.last.headers if self.last is not None else {})

    def _graph_judge(
        self, response: requests.Response, told: Any, now: datetime | None
    ) -> ConnectorError | None:
        retry_after = response.headers.get("Retry-After")
        wait = self.usage.regain or (wait_time(retry_after, now) if now else None)
        error = told.get("error") if isinstance(told, dict) else None
        if isinstance(error, dict):
            failure = graph_error(error, self.redact(str(error.get("message") or "")), wait)
            if failure is None and response.status_code in PASSES:
                failure = BadPayload(
                    "Facebook answered with an error that it does not explain, look at its status."
                )
            if failure is not None:
                return failure
        return error_for(response.status_code, "Facebook", retry_after if now else None, now or _NO_MATTER)


class Graph:
    """The few calls that the connector makes, through the SDK. All raise ConnectorErrors only."""

    def __init__(self, session: GraphSession, access_token: str) -> None:
        self.session = session
        self._token = access_token
        self._api = facebook.GraphAPI(access_token=access_token, session=session)
        self._api.version = VERSION

    def edge(self, parent: str, name: str, now: datetime, **params: Any) -> dict[str, Any]:
        """One page of a list under an object."""
        self.session.moment = now
        given = {key: value for key, value in params.items() if value is not None}
        return _an_object(self._api.get_connections(quote(parent, safe=""), name, **given))

    def object(self, external_id: str, now: datetime, fields: str) -> dict[str, Any]:
        """One object."""
        self.session.moment = now
        return _an_object(self._api.get_object(quote(external_id, safe=""), fields=fields))

    def objects(self, ids: Sequence[str], now: datetime, fields: str) -> dict[str, Any]:
        """Several objects by id; one that is gone fails them all [src]."""
        self.session.moment = now
        return _an_object(self._api.get_objects(ids, fields=fields))

    def token_facts(self, app_id: str, app_secret: str, now: datetime) -> dict[str, Any]:
        """What debug_token says of our token. It wants the token as a parameter and an app's token as login [doc], so
        it is asked for in a batch: a batch is a form [doc: Batch Requests], and its addresses are in no log."""
        self.session.moment = now
        address = f"{VERSION}/debug_token?input_token={quote(self._token, safe='')}"
        form = {
            "access_token": f"{app_id}|{app_secret}",
            "batch": json.dumps([{"method": "GET", "relative_url": address}]),
            "include_headers": "false",
        }
        answers = self._api.request("", post_args=form)
        try:
            told = json.loads(answers[0]["body"])
        except (LookupError, TypeError, ValueError):
            raise BadPayload("Facebook did not say how long the token lives, look at its status.") from None
        error = told.get("error") if isinstance(told, dict) else None
        if isinstance(error, dict):
            failure = graph_error(error, self.session.redact(str(error.get("message") or "")), None)
            raise failure or BadPayload("Facebook did not say how long the token lives, look at its status.")
        facts = told.get("data") if isinstance(told, dict) else None
        if not isinstance(facts, dict):
            raise BadPayload("Facebook did not say how long the token lives, look at its status.")
        return facts

    def post(self, path: str, **data: str) -> None:
        """Change something. Raises Permanent where Facebook does not say that it did."""
        self.session.moment = None
        self._done(self._api.request(f"{VERSION}/{quote(path, safe='/')}", post_args=data, method="POST"))

    def delete(self, external_id: str) -> None:
        self.session.moment = None
        self._done(self._api.delete_object(quote(external_id, safe="")))

    def _done(self, told: Any) -> None:
        # {"success": true}, the id of what was made, or for a block {person: true} [doc]
        if not (isinstance(told, dict) and told) or any(value is False for value in told.values()):
            raise Permanent("Facebook did not carry the action out, look at the page itself.")


def _an_object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise BadPayload("Facebook answered with something else than was asked for, look at its status.")
    return told
