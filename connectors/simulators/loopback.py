"""A platform's JSON API on the loopback interface: the server, its faults, and what it was asked.

A platform subclasses LoopbackSite and answers calls; everything that any server can do wrong is here.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from connectors.simulators.faults import Fault, Seen, Trouble

_DRIP_S = 0.01
_DRIPS = 1000
"""A slow drip: seconds between two bytes, and how many there are, so that a reader without a limit ends too."""

_HTML = b"<!DOCTYPE html><html><title>Log in</title><form>Password</form></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, taken apart. `form`: of a form body; `body`: of a JSON one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `told` becomes JSON."""

    told: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class LoopbackSite(ABC):
    """A simulated platform. Use it as a context manager; stopping it releases every request it still holds.

    `trouble`: a fault, assigned to. `requests`: what was asked, oldest first. `lock`: around all state, for the tests'
    thread and the server's.
    """

    def __init__(self, port: int = 0) -> None:
        self.lock = threading.RLock()
        self.trouble: Trouble | None = None
        self.requests: list[Seen] = []
        self._stopping = threading.Event()
        self._server = _Server(self, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.005,), name=type(self).__name__
        )

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """What the platform says to a request, when nothing is wrong with the server. Called with the lock held."""

    @abstractmethod
    def page_of(self, call: Call) -> int:
        """Which page of a list is asked for, counted from 1. Called with the lock held."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def outage(self, status: int = 503) -> None:
        """Answer every request with this status, until `mend`."""
        self.trouble = Trouble(Fault.STATUS, status)

    def mend(self) -> None:
        """Nothing is wrong with the server any more."""
        self.trouble = None

    def handle(self, call: Call) -> tuple[Trouble | None, Reply]:
        """The fault for this request, counted down, and what would be answered without it."""
        with self.lock:
            trouble = self.trouble
            if trouble is not None and trouble.page not in {None, self.page_of(call)}:
                trouble = None
            if trouble is not None and trouble.times is not None:
                self.trouble = replace(trouble, times=trouble.times - 1) if trouble.times > 1 else None
            return trouble, self.answer(call)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the site is stopped; True if it was."""
        return self._stopping.wait(seconds)


def serve(site: LoopbackSite) -> None:
    """Run a site until it is interrupted; its address is the first line of the output."""
    with site:
        sys.stdout.write(f"{site.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            site.wait()


class _Server(ThreadingHTTPServer):
    # Handler threads are waited for on closing: a test must leave none behind.
    daemon_threads = False
    block_on_close = True

    def __init__(self, site: LoopbackSite, port: int) -> None:
        self.site = site
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what this server is for; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Say nothing."""

    def _serve(self) -> None:
        site = self.server.site
        site.requests.append(Seen(self.path, dict(self.headers.items())))
        trouble, reply = site.handle(self._call())
        body = json.dumps(
            reply.told
        ).encode()  # in ASCII: lone surrogates travel as escapes, as on the platforms
        if trouble is None:
            self._answer(reply.status, body, headers=reply.headers)
        else:
            _FAULTS[trouble.fault](self, trouble, body)

    def _call(self) -> Call:
        parts = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = "json" in (self.headers.get("Content-Type") or "")
        return Call(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            form={} if is_json else dict(parse_qsl(sent.decode("utf-8", "replace"))),
            body=json.loads(sent) if is_json and sent else None,
        )

    def _answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json; charset=UTF-8",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _status(self, trouble: Trouble, _body: bytes) -> None:
        kind = "application/json" if trouble.body.startswith(b"{") else "text/plain"
        self._answer(trouble.status, trouble.body, kind, trouble.headers)

    def _html(self, _trouble: Trouble, _body: bytes) -> None:
        self._answer(200, _HTML, "text/html")

    def _body(self, trouble: Trouble, _body: bytes) -> None:
        self._answer(200, trouble.body, headers=trouble.headers)

    def _truncated(self, _trouble: Trouble, body: bytes) -> None:
        """All but the end, and a length that says it is all."""
        self._answer(200, body[:-20])

    def _broken_off(self, _trouble: Trouble, body: bytes) -> None:
        """The full length announced, and half of it sent."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])

    def _hang(self, _trouble: Trouble, _body: bytes) -> None:
        self.server.site.wait()

    def _drip_headers(self, _trouble: Trouble, _body: bytes) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        self._drip(b"s")

    def _drip_body(self, _trouble: Trouble, _body: bytes) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        self._drip(b" ")

    def _drip(self, byte: bytes) -> None:
        for _ in range(_DRIPS):
            if self.server.site.wait(_DRIP_S):
                return
            self.wfile.write(byte)

    def _no_content_type(self, _trouble: Trouble, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


_FAULTS = {
    Fault.STATUS: _Handler._status,
    Fault.HTML: _Handler._html,
    Fault.BODY: _Handler._body,
    Fault.TRUNCATED: _Handler._truncated,
    Fault.BROKEN_OFF: _Handler._broken_off,
    Fault.HANG: _Handler._hang,
    Fault.DRIP_HEADERS: _Handler._drip_headers,
    Fault.DRIP_BODY: _Handler._drip_body,
    Fault.NO_CONTENT_TYPE: _Handler._no_content_type,
    Fault.REDIRECT: _Handler._status,
}

__all__ = ["Call", "Fault", "LoopbackSite", "Reply", "Seen", "Trouble", "serve"]
