"""The one guarded session: every connector and every platform's SDK reads the network through it.

It bounds time and bytes, takes nothing from the environment, keeps no cookies, carries no credential through a
redirect, and lets no credential into a message, a log line or an exception. An SDK gets it as its
`requests.Session` and sees requests' own exceptions; our connectors call `fetch` and see the port's.
"""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakSet

import requests
from urllib3 import exceptions as urllib3_errors

from connectors.errors import BadPayload, ConnectorError, Permanent, Transient
from connectors.redaction import SECRET_PARAMETER, contains_secret, redact
from connectors.statuses import error_for
from connectors.transport import URLLIB3_LOGGERS, BytesSpent, Deadline, GuardedAdapter

MEGABYTE = 1024 * 1024
MAX_REDIRECTS = 5
USER_AGENT = "Schoolwatch/0.1 (feed and comment reader of a school)"

_CREDENTIAL_HEADERS = ("Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Goog-Api-Key")


class TimeSpent(requests.Timeout):
    """The request as a whole, redirects included, took longer than its budget."""


class RedirectRefused(requests.RequestException):
    """A redirect that must not be followed: the request carries a credential, or the target is no web address."""


_FAILURES: Mapping[type[BaseException], tuple[type[ConnectorError], str]] = {
    BytesSpent: (BadPayload, "sent more than the {max_bytes} bytes that are allowed, check the address"),
    TimeSpent: (Transient, "did not finish within {total_s:g} seconds, it is tried again"),
    RedirectRefused: (Permanent, "redirects this request to another place, check the address and correct it"),
    requests.TooManyRedirects: (Permanent, "redirects without end, check the address"),
    requests.Timeout: (Transient, "did not answer in time, it is tried again"),
    requests.exceptions.SSLError: (
        Transient,
        "has no TLS that can be trusted, look at its certificate if this lasts",
    ),
    requests.exceptions.InvalidURL: (Permanent, "is no address that can be read, correct it"),
    requests.exceptions.InvalidSchema: (Permanent, "is no http or https address, correct it"),
    requests.exceptions.MissingSchema: (Permanent, "is no http or https address, correct it"),
    requests.exceptions.InvalidHeader: (
        Permanent,
        "cannot be asked, a credential holds characters no header may hold",
    ),
    requests.exceptions.ContentDecodingError: (BadPayload, "sent a body that cannot be decompressed"),
    requests.exceptions.ChunkedEncodingError: (
        Transient,
        "broke off in the middle of its answer, it is tried again",
    ),
    requests.ConnectionError: (Transient, "cannot be reached, it is tried again"),
    requests.RequestException: (Transient, "could not be read, it is tried again"),
}
"""How a failed transport is told to the caller; the nearest class counts."""

_AS_REQUESTS: tuple[tuple[type[BaseException], type[requests.RequestException]], ...] = (
    (urllib3_errors.TimeoutError, requests.exceptions.ReadTimeout),
    (urllib3_errors.SSLError, requests.exceptions.SSLError),
    (urllib3_errors.DecodeError, requests.exceptions.ContentDecodingError),
    (urllib3_errors.ProtocolError, requests.exceptions.ChunkedEncodingError),
    (urllib3_errors.LocationValueError, requests.exceptions.InvalidURL),
    (ValueError, requests.exceptions.InvalidURL),
    (Exception, requests.ConnectionError),
)
"""What slips through requests unconverted, and what it should have been."""

_SLIPS = (requests.RequestException, urllib3_errors.HTTPError, http.client.HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose status passes. `headers` ignore case. `url` is the last one after redirects; like `body` it is
    kept out of the repr, because either may hold a credential."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str = field(repr=False)


class GuardedSession(requests.Session):
    """A requests.Session that is safe to point at strangers.

    `total_s`: seconds for one request with all its redirects. `connect_s`, `read_s`: seconds to connect to one
    address and between two reads. `max_bytes`: of one body, decompressed. `secrets`: values that must never be seen.
    A caller's own `timeout` is not used. Redirects: at most 5, only http and https, only for GET and HEAD without
    any credential. Bodies are read in full (`stream=True` changes nothing).
    """

    def __init__(
        self,
        *,
        total_s: float = 60,
        max_bytes: int = 20 * MEGABYTE,
        connect_s: float = 5,
        read_s: float = 20,
        secrets: Iterable[str] = (),
        user_agent: str = USER_AGENT,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = MAX_REDIRECTS
        self.headers["User-Agent"] = user_agent
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.total_s = total_s
        self.max_bytes = max_bytes
        self.secrets = tuple(secret for secret in secrets if secret)
        self._timeout = (min(connect_s, total_s), min(read_s, total_s))
        self.mount("https://", GuardedAdapter(max_bytes))
        self.mount("http://", GuardedAdapter(max_bytes))
        _FILTER.add(self)

    def fetch(self, method: str, url: str, now: datetime, **kwargs: Any) -> Answer:
        """Ask for one address; `kwargs` as of requests (headers, params, data, json, auth).

        `now` (aware) is what a Retry-After date is measured against. Statuses 2xx and 304 come back; every other, and
        every failure of the transport, is raised as the ConnectorError that says what to do.
        """
        failure: ConnectorError | None = None
        host = _host(url)
        try:
            response = self.request(method, url, **kwargs)
        except requests.RequestException as err:
            failure = self._failure(err, host)
        else:
            host = _host(str(response.url))
            failure = error_for(response.status_code, host, response.headers.get("Retry-After"), now)
        if failure is not None:  # raised here, not in the handler: __context__ would keep the address
            raise failure
        return Answer(response.status_code, response.headers, response.content, str(response.url))

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As requests.Session.request. Raises requests' exceptions, redacted and without the request in them."""
        return self._plainly(lambda: super(GuardedSession, self).request(*args, **kwargs))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As requests.Session.send, within the budgets."""
        follow = bool(kwargs.pop("allow_redirects", True))
        kwargs["timeout"] = self._timeout

        def within_time() -> requests.Response:
            with Deadline(self.total_s) as deadline:
                try:
                    return self._follow(request, follow, kwargs)
                finally:
                    if deadline.spent:  # whatever came of the shut socket, even a short but valid answer
                        raise TimeSpent(f"no end after {self.total_s:g} seconds")

        return self._plainly(within_time)

    def redact(self, text: str) -> str:
        """The text without this session's secrets and without any well-known credential."""
        return redact(text, self.secrets)

    def _follow(
        self, request: requests.PreparedRequest, follow: bool, kwargs: dict[str, Any]
    ) -> requests.Response:
        response = super().send(request, allow_redirects=False, **kwargs)
        if not (follow and response.is_redirect):
            return response
        if request.method not in {"GET", "HEAD"} or carries_credential(request, self.secrets):
            raise RedirectRefused("a request with a credential or a body is not carried elsewhere")
        history: list[requests.Response] = []
        while response.is_redirect:
            target = response.next
            if len(history) >= self.max_redirects:
                raise requests.TooManyRedirects(f"more than {self.max_redirects} redirects")
            if target is None or urlsplit(target.url or "").scheme not in {"http", "https"}:
                raise RedirectRefused("the target is no web address")
            history.append(response)
            response = super().send(target, allow_redirects=False, **kwargs)
        response.history = history
        return response

    def _plainly(self, action: Callable[[], requests.Response]) -> requests.Response:
        """Run; what is raised is one of requests' exceptions with clean words and nothing attached."""
        try:
            return action()
        except _SLIPS as err:
            kind = type(err) if isinstance(err, requests.RequestException) else _as_requests(err)
            failure = kind(self.redact(str(err)))
        raise failure

    def _failure(self, err: requests.RequestException, host: str) -> ConnectorError:
        kind, words = next(_FAILURES[cls] for cls in type(err).__mro__ if cls in _FAILURES)
        return kind(f"{host} {words.format(max_bytes=self.max_bytes, total_s=self.total_s)}.")


def carries_credential(request: requests.PreparedRequest, secrets: Iterable[str] = ()) -> bool:
    """Does the request hold a credential: in a header, its address, its body, or as one of the secrets anywhere?"""
    if any(name in request.headers for name in _CREDENTIAL_HEADERS):
        return True
    url = request.url or ""
    body = (
        request.body.decode("utf-8", "replace")
        if isinstance(request.body, bytes)
        else str(request.body or "")
    )
    parameters = parse_qsl(urlsplit(url).query) + parse_qsl(body)
    if any(SECRET_PARAMETER.fullmatch(name) for name, _ in parameters):
        return True
    return any(contains_secret(text, secrets) for text in (url, body, *map(str, request.headers.values())))


def _host(url: str) -> str:
    """The name of the server, for messages. Never the rest of the address."""
    try:
        return urlsplit(url).hostname or "The source"
    except ValueError:
        return "The source"


def _as_requests(err: BaseException) -> type[requests.RequestException]:
    return next(new for old, new in _AS_REQUESTS if isinstance(err, old))


class _RedactingFilter(logging.Filter):
    """urllib3 logs each request's address at DEBUG, token and all; this cleans the record before a handler sees it."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._sessions: WeakSet[GuardedSession] = WeakSet()

    def add(self, session: GuardedSession) -> None:
        with self._lock:
            self._sessions.add(session)

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            secrets = {secret for session in self._sessions for secret in session.secrets}
        record.msg, record.args = redact(record.getMessage(), secrets), None
        record.exc_info = record.exc_text = None
        return True


_FILTER = _RedactingFilter()


def redact_loggers(*names: str) -> None:
    """Clean what these loggers write, as urllib3's: for an SDK that logs its requests. By their exact names."""
    for name in names:
        logging.getLogger(name).addFilter(_FILTER)


redact_loggers(*URLLIB3_LOGGERS)

__all__ = [
    "Answer",
    "BytesSpent",
    "GuardedSession",
    "RedirectRefused",
    "TimeSpent",
    "carries_credential",
    "redact",
    "redact_loggers",
]
