"""The sockets under the guarded session: connections that a deadline can end, and an adapter that counts bytes.

A time-out per read does not stop a server that sends one byte a second, so a timer shuts the socket down when the
whole request has taken too long. That ends a drip of headers, of body and of chunk lengths alike. What it cannot
end is the operating system's name resolution, which has limits of its own (resolv.conf).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Any

import requests
from requests.adapters import DEFAULT_POOLBLOCK, HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import create_connection

_CHUNK = 64 * 1024
_CURRENT = threading.local()

URLLIB3_LOGGERS = tuple(
    f"urllib3.{name}" for name in ("connection", "connectionpool", "poolmanager", "response", "util.retry")
)
"""The loggers that write addresses, query and all."""


class BytesSpent(requests.RequestException):
    """The answer is larger than the budget allows, as sent or when decompressed."""


class Deadline:
    """A time limit, in seconds, for all that one thread does inside `with`: on expiry every socket it used is shut
    down. `spent` tells whether that happened."""

    def __init__(self, seconds: float) -> None:
        self.spent = False
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._outer: Deadline | None = getattr(_CURRENT, "deadline", None)
        _CURRENT.deadline = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        _CURRENT.deadline = self._outer
        self._timer.cancel()
        self._timer.join()
        self._sockets.clear()

    def left(self) -> float:
        """Seconds until it expires, never less than a millisecond: zero would mean 'do not block'."""
        return max(self._end - time.monotonic(), 0.001)

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.append(sock)
            if self.spent:
                _shut_down(sock)

    def _expire(self) -> None:
        with self._lock:
            self.spent = True
            for sock in self._sockets:
                _shut_down(sock)


def _shut_down(sock: socket.socket) -> None:
    # The plain socket's method: SSLSocket's own forgets its TLS state under the thread that is reading.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _watch(sock: Any) -> None:
    deadline: Deadline | None = getattr(_CURRENT, "deadline", None)
    if deadline is not None and isinstance(sock, socket.socket):
        deadline.watch(sock)


class _Guarded(HTTPConnection):
    """Registers its socket with the thread's deadline, whether it is new or comes from the pool."""

    def connect(self) -> None:
        super().connect()
        _watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self.sock)
        super().request(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        """Try the host's addresses in turn within the deadline: a name may have very many, each with a time-out."""
        deadline: Deadline | None = getattr(_CURRENT, "deadline", None)
        try:
            found = socket.getaddrinfo(
                self._dns_host.strip("[]"), self.port or self.default_port, 0, socket.SOCK_STREAM
            )
        except UnicodeError as err:  # a label that is empty or too long
            raise LocationParseError(self.host) from err
        except socket.gaierror as err:
            raise NameResolutionError(self.host, self, err) from err
        limit = float(self.timeout) if isinstance(self.timeout, int | float) else 5.0
        failure: OSError = OSError("the name has no address")
        for *_, address in found:
            if deadline is not None and deadline.spent:
                break
            patience = min(limit, deadline.left()) if deadline else limit
            try:
                return create_connection(
                    (str(address[0]), int(address[1])), patience, None, self.socket_options
                )
            except OSError as err:
                failure = err
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from failure
        raise NewConnectionError(self, f"Failed to establish a new connection: {failure}") from failure


class _GuardedTLS(_Guarded, HTTPSConnection):
    """The same over TLS; the handshake is one step with the connection's time-out over all of it."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class GuardedAdapter(HTTPAdapter):
    """An adapter that reads the whole body at once, at most `max_bytes` of it after decompression.

    An SDK that needs an adapter of its own (to rewrite the host, say) subclasses this one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = DEFAULT_POOLBLOCK, **kwargs: Any
    ) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().send(request, *args, **kwargs)
        try:
            body = self._read(response)
        except BaseException:
            response.raw.close()
            raise
        response._content = (
            body  # requests offers no other way to hand over a body that has been read already
        )
        response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _read(self, response: requests.Response) -> bytes:
        promised = response.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) > self._max_bytes and response.request.method != "HEAD":
            raise BytesSpent(f"the answer announces {promised} bytes")
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read(_CHUNK, decode_content=True):
            size += len(part)
            if size > self._max_bytes:
                raise BytesSpent(f"the answer is longer than {self._max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


__all__ = ["URLLIB3_LOGGERS", "BytesSpent", "Deadline", "GuardedAdapter"]
