"""The session under a platform's SDK: the SDK builds the request, and this judges the answer before the SDK sees it.

SDKs turn a failed answer into exceptions of their own, with the request or the answer's words attached, lose its
headers, or take an HTML page for success. So each answer is judged here, by the platform's own table, and what the
SDK gets is JSON or nothing: the port's errors pass through it unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
from pydantic import AfterValidator

from connectors.base import Rejected
from connectors.errors import BadPayload, ConnectorError
from connectors.http import GuardedSession
from connectors.redaction import contains_secret
from connectors.statuses import PASSES

Judge = Callable[[requests.Response, Any, datetime | None], ConnectorError | None]
"""An answer, its JSON (None where it is none) and now -> the error it means, None if it may pass."""


class JudgedSession(GuardedSession):
    """A guarded session that raises ConnectorErrors. For one thread at a time, as any requests.Session.

    `judge`: what an answer means. `moment`: now, set before each call of the SDK; what dates in headers are measured
    against. `last`: the last answer, for its status and headers.
    """

    def __init__(self, judge: Judge, *, total_s: float, secrets: Iterable[str]) -> None:
        super().__init__(total_s=total_s, secrets=secrets)
        self.moment: datetime | None = None
        self.last: requests.Response | None = None
        self._judge = judge

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests.Session.request, but raises ConnectorErrors only; what it returns is JSON and says so."""
        failure: ConnectorError | None = None
        kwargs["allow_redirects"] = False
        self.last = None
        try:
            response = super().request(method, url, *args, **kwargs)
        except requests.RequestException as err:
            failure = self._failure(err, str(urlsplit(str(url)).hostname))
        else:
            self.last = response
            failure = self._judged(response)
        if failure is not None:  # raised here, not in the handler: __context__ would keep what was there
            raise failure
        response.headers["Content-Type"] = "application/json"  # some answers have none; SDKs fail over it
        return response

    def _judged(self, response: requests.Response) -> ConnectorError | None:
        try:
            told = json.loads(response.content)
        except (ValueError, RecursionError):
            told = None
        failure = self._judge(response, told, self.moment)
        if failure is None and (response.status_code not in PASSES or not isinstance(told, dict | list)):
            host = urlsplit(str(response.url)).hostname
            failure = BadPayload(
                f"{host} answered with something else than JSON, look at the platform's status."
            )
        return failure


def _safe_address(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if (
        not host
        or parts.username
        or parts.query
        or not (parts.scheme == "https" or (parts.scheme == "http" and local))
    ):
        raise ValueError(
            "is to be an https address without a login, or one on this very machine (a simulator)"
        )
    return url.rstrip("/")


ApiUrl = Annotated[str, AfterValidator(_safe_address)]
"""The address of a platform's API, without a final slash: https, or http on the loopback interface only."""


def scrubbed(value: Any, session: GuardedSession, depth: int = 100) -> Any:
    """A payload for an item's `raw`: without links to further pages, which carry the token, without any secret, and
    without what is nested deeper than anybody means."""
    if isinstance(value, dict | list) and depth == 0:
        return None
    if isinstance(value, dict):
        return {
            str(key): scrubbed(part, session, depth - 1)
            for key, part in value.items()
            if key not in {"paging", "access_token"}
        }
    if isinstance(value, list):
        return [scrubbed(part, session, depth - 1) for part in value]
    if isinstance(value, str) and contains_secret(
        value, session.secrets
    ):  # people's own words stay as they are
        return session.redact(value)
    return value


def rejected(what: str, why: str, row: Any, session: GuardedSession) -> Rejected:
    """A part of an answer that is set aside, kept as it came but for its credentials."""
    raw = json.dumps(scrubbed(row, session), default=str).encode()
    return Rejected(f"{what} was set aside: {why}.", raw, _id(row))


def _id(row: Any) -> str | None:
    return str(row["id"]) if isinstance(row, dict) and row.get("id") else None
