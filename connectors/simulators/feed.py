"""A site with an RSS or Atom feed, on the loopback interface.

with FeedSimulator([Post("1", "When does term start?")]) as site:
    read(site.url)

python -m connectors.simulators.feed --port 8080 --items posts.jsonl
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import socket
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.simulators.faults import Fault, Seen, Trouble
from connectors.simulators.feed_xml import FORMATS, Post, render

_DRIP_S = 0.01
_DRIPS = 1000
"""A slow drip: seconds between two bytes, and how many there are, so that a reader without a limit ends too."""


class FeedSimulator:
    """The site. `posts` may be changed at any time by the methods here; `trouble` by assigning to it.

    `page_size`: posts a page, None for one page. `query`: appended to the address, as a private feed's token is.
    `requests`: what was asked, oldest first. Stopping it releases every request it still holds.
    """

    def __init__(
        self,
        posts: Iterable[Post] = (),
        *,
        form: str = "atom",
        page_size: int | None = None,
        port: int = 0,
        query: dict[str, str] | None = None,
    ) -> None:
        self._posts = {post.id: post for post in posts}
        self._form = form
        self._page_size = page_size
        self._query = query or {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(self, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.005,), name="feed-simulator"
        )
        self.trouble: Trouble | None = None
        self.requests: list[Seen] = []

    def __enter__(self) -> FeedSimulator:
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
        """The feed's address."""
        return self.page_url(1)

    def page_url(self, page: int) -> str:
        """The address of a page, counted from 1."""
        query = {**self._query, **({"page": str(page)} if page > 1 else {})}
        return f"http://127.0.0.1:{self._server.server_address[1]}/feed" + (
            f"?{urlencode(query)}" if query else ""
        )

    def publish(self, *posts: Post) -> None:
        """Add posts, or replace those with the same id."""
        with self._lock:
            self._posts.update({post.id: post for post in posts})

    def edit(self, post_id: str, text: str, updated: datetime | None = None) -> None:
        with self._lock:
            self._posts[post_id] = replace(self._posts[post_id], text=text, updated=updated)

    def remove(self, post_id: str) -> None:
        with self._lock:
            del self._posts[post_id]

    def take_trouble(self, page: int) -> Trouble | None:
        """The fault for this request, counted down."""
        with self._lock:
            trouble = self.trouble
            if trouble is None or trouble.page not in {None, page}:
                return None
            if trouble.times is not None:
                self.trouble = replace(trouble, times=trouble.times - 1) if trouble.times > 1 else None
            return trouble

    def document(self, page: int) -> bytes:
        """One page, newest first."""
        with self._lock:
            latest_first = list(self._posts.values())[::-1]
        posts = sorted(latest_first, key=lambda post: post.newest, reverse=True)
        size = self._page_size or max(len(posts), 1)
        here = posts[(page - 1) * size : page * size]
        following = self.page_url(page + 1) if page * size < len(posts) else None
        return render(self._form, here, self.url, following)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the site is stopped; True if it was."""
        return self._stopping.wait(seconds)


class _Server(ThreadingHTTPServer):
    # Handler threads are waited for on closing: a test must leave none behind.
    daemon_threads = False
    block_on_close = True

    def __init__(self, site: FeedSimulator, port: int) -> None:
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
        site = self.server.site
        site.requests.append(Seen(self.path, dict(self.headers.items())))
        numbers = [value for name, value in parse_qsl(urlsplit(self.path).query) if name == "page"]
        page = int(numbers[0]) if numbers and numbers[0].isdigit() else 1
        trouble = site.take_trouble(page)
        body = site.document(page)
        if trouble is None:
            self._conditional(body)
        else:
            _FAULTS[trouble.fault](self, trouble, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Say nothing."""

    def _conditional(self, body: bytes) -> None:
        tag = _tag(body)
        if self.headers.get("If-None-Match") == tag:
            self._answer(304, b"", ETag=tag)
        else:
            self._answer(200, body, ETag=tag)

    def _answer(self, status: int, body: bytes, kind: str | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind or FORMATS[self.server.site._form])
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _status(self, trouble: Trouble, _body: bytes) -> None:
        self._answer(trouble.status, trouble.body, "text/plain", **dict(trouble.headers))

    def _html(self, _trouble: Trouble, _body: bytes) -> None:
        self._answer(
            200, b"<!DOCTYPE html><html><title>Log in</title><form>Password</form></html>", "text/html"
        )

    def _body(self, trouble: Trouble, _body: bytes) -> None:
        self._answer(200, trouble.body, **dict(trouble.headers))

    def _truncated(self, _trouble: Trouble, body: bytes) -> None:
        """All but the end, with a length that says it is all, and the tag of the whole."""
        self._answer(200, body[:-60], ETag=_tag(body))

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


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


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


def read_posts(path: Path) -> list[Post]:
    """Posts from a file of JSON lines with Post's field names; times in ISO form with a zone."""
    posts = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            fields = json.loads(line)
            dates = {
                key: datetime.fromisoformat(fields[key])
                for key in ("published", "updated")
                if fields.get(key)
            }
            posts.append(Post(**{**fields, **dates, "enclosures": tuple(fields.get("enclosures", ()))}))
    return posts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve a feed on the loopback interface.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--items", type=Path, required=True, help="JSON lines with the fields of a Post")
    parser.add_argument("--format", choices=sorted(FORMATS), default="atom")
    parser.add_argument("--page-size", type=int, default=None)
    chosen = parser.parse_args(arguments)
    posts = read_posts(chosen.items)
    with FeedSimulator(posts, form=chosen.format, page_size=chosen.page_size, port=chosen.port) as site:
        sys.stdout.write(f"{site.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            site.wait()


__all__ = ["Fault", "FeedSimulator", "Post", "Seen", "Trouble", "main", "read_posts"]

if __name__ == "__main__":
    main()
