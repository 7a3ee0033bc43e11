"""The guarded session, against servers that misbehave on the loopback interface."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
import requests
import trustme

from connectors import errors
from connectors.http import BytesSpent, GuardedSession, RedirectRefused, TimeSpent, redact
from connectors.statuses import ACTIONS, PASSES, error_for, wait_time

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "EAAB-s3cret/+value"

Script = Callable[[socket.socket, bytes, threading.Event], None]


class Server:
    """Answers each connection with a script, in a thread of its own; stopping ends every script."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[bytes] = []
        self._script = script
        self._context = context
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._stopping.is_set():
            connection, _ = self._socket.accept()
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            with (
                self._context.wrap_socket(connection, server_side=True)
                if self._context
                else connection as talk
            ):
                request = b""
                while b"\r\n\r\n" not in request and (part := talk.recv(65536)):
                    request += part
                self.seen.append(request)
                if request:
                    self._script(talk, request, self._stopping)

    def stop(self) -> None:
        self._stopping.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._threads[0].join()
        for thread in self._threads[1:]:
            thread.join()
        self._socket.close()


@contextmanager
def serving(script: Script, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(script, context)
    try:
        yield server
    finally:
        server.stop()


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> Script:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]

    def script(talk: socket.socket, request: bytes, stopping: threading.Event) -> None:
        talk.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return script


def drip(opening: bytes, piece: bytes) -> Script:
    def script(talk: socket.socket, request: bytes, stopping: threading.Event) -> None:
        talk.sendall(opening)
        for _ in range(500):  # five seconds: a session without a limit fails the test instead of hanging
            if stopping.wait(0.01):
                return
            talk.sendall(piece)

    return script


DRIPS = {
    "a header": drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"s"),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"b"),
    "body to the end": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"b"),
    "chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nc\r\n"),
    "a chunk's length": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "nothing": drip(b"", b""),
}


@pytest.fixture
def session() -> Iterator[GuardedSession]:
    with GuardedSession(secrets=[SECRET]) as made:
        yield made


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("name", DRIPS)
def test_a_drip_ends_with_the_time_budget(name):
    begun = time.monotonic()
    with (
        serving(DRIPS[name]) as server,
        GuardedSession(total_s=0.15) as session,
        pytest.raises(errors.Transient, match=r"within 0\.15 seconds"),
    ):
        session.fetch("GET", server.url, NOW)
    assert time.monotonic() - begun < 5


def test_a_drip_over_tls_ends_with_the_time_budget(tls, authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with (
        serving(DRIPS["body"], tls) as server,
        GuardedSession(total_s=0.5) as session,
        pytest.raises(errors.Transient, match=r"within 0\.5 seconds"),
    ):
        session.fetch("GET", server.url, NOW, verify=str(tmp_path / "ca.pem"))


def test_tls_is_read_where_the_certificate_is_trusted(tls, authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with serving(answer("200 OK", b"safe"), tls) as server, GuardedSession() as session:
        assert session.fetch("GET", server.url, NOW, verify=str(tmp_path / "ca.pem")).body == b"safe"


def test_a_certificate_nobody_trusts_is_not_accepted(tls, session):
    with serving(answer(), tls) as server, pytest.raises(errors.Transient, match="certificate"):
        session.fetch("GET", server.url, NOW)


def test_a_session_is_usable_after_it_ran_out_of_time():
    with GuardedSession(total_s=0.15) as session:
        with serving(DRIPS["body"]) as server, pytest.raises(errors.Transient):
            session.fetch("GET", server.url, NOW)
        with serving(answer("200 OK", b"fine")) as server:
            assert session.fetch("GET", server.url, NOW).body == b"fine"


def test_no_timer_outlives_its_request(session):
    before = threading.active_count()
    with serving(answer()) as server:
        session.fetch("GET", server.url, NOW)
    assert threading.active_count() == before


def test_a_body_over_the_byte_budget_is_refused():
    chunks = b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(100)) + b"0\r\n\r\n"

    def script(talk: socket.socket, request: bytes, stopping: threading.Event) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    with (
        serving(script) as server,
        GuardedSession(max_bytes=100_000) as session,
        pytest.raises(errors.BadPayload, match="100000 bytes"),
    ):
        session.fetch("GET", server.url, NOW)


def test_an_announced_length_over_the_budget_is_not_even_read():
    with (
        serving(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x")) as server,
        GuardedSession(total_s=30) as session,
        pytest.raises(errors.BadPayload),
    ):
        session.fetch("GET", server.url, NOW)


def test_a_gzip_bomb_counts_as_what_it_becomes():
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    with (
        serving(answer("200 OK", bomb, "Content-Encoding: gzip")) as server,
        GuardedSession(max_bytes=1_000_000) as session,
        pytest.raises(errors.BadPayload, match="1000000 bytes"),
    ):
        session.fetch("GET", server.url, NOW)


def test_a_compressed_body_is_given_decompressed(session):
    with serving(answer("200 OK", gzip.compress(b"words"), "Content-Encoding: gzip")) as server:
        assert session.fetch("GET", server.url, NOW).body == b"words"


def test_a_body_that_is_not_what_its_encoding_says_is_a_bad_payload(session):
    with (
        serving(answer("200 OK", b"plain", "Content-Encoding: gzip")) as server,
        pytest.raises(errors.BadPayload, match="decompressed"),
    ):
        session.fetch("GET", server.url, NOW)


@pytest.mark.parametrize("head", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_truncated_body_is_transient(session, head):
    def script(talk: socket.socket, request: bytes, stopping: threading.Event) -> None:
        talk.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nhalf".encode())

    with serving(script) as server, pytest.raises(errors.Transient, match="middle"):
        session.fetch("GET", server.url, NOW)


def test_a_refused_connection_and_an_unknown_name_are_transient(session, deaf_port):
    for url in (f"http://127.0.0.1:{deaf_port}/", "http://no-such-host.invalid/"):
        with pytest.raises(errors.Transient):
            session.fetch("GET", url, NOW)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example/",
        "no address",
        "http://",
        "http://[bad/",
        "http://" + "x" * 80 + ".example/",
        "http://a..b/",
    ],
)
def test_an_address_that_cannot_be_read_is_permanent(session, url):
    with pytest.raises(errors.Permanent):
        session.fetch("GET", url, NOW)


def test_a_redirect_without_credentials_is_followed(session):
    with (
        serving(answer("200 OK", b"there")) as there,
        serving(answer("302 Found", b"", f"Location: {there.url}/x")) as here,
    ):
        got = session.fetch("GET", here.url, NOW)
    assert (got.body, got.url) == (b"there", f"{there.url}/x")


@pytest.mark.parametrize(
    "asked",
    [
        {"headers": {"Authorization": "Bearer abcdefgh"}},
        {"headers": {"X-Api-Key": "abcdefgh"}},
        {"auth": ("user", "password")},
        {"params": {"access_token": "abcdefgh"}},
        {"params": {"x": SECRET}},
        {"headers": {"X-Odd": SECRET}},
    ],
    ids=["bearer", "api key", "basic", "parameter", "secret in the query", "secret in a header"],
)
def test_a_redirect_with_a_credential_is_refused(session, asked):
    with serving(answer()) as there, serving(answer("302 Found", b"", f"Location: {there.url}/x")) as here:
        with pytest.raises(errors.Permanent, match="redirects"):
            session.fetch("GET", here.url, NOW, **asked)
        with pytest.raises(RedirectRefused):
            session.get(here.url, **asked)
        assert there.seen == []


def test_a_redirect_of_a_body_is_refused(session):
    with (
        serving(answer("307 Temporary Redirect", b"", "Location: /again")) as server,
        pytest.raises(errors.Permanent),
    ):
        session.fetch("POST", server.url, NOW, data={"a": "b"})


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.example/", "http://[bad"])
def test_a_redirect_to_no_web_address_is_refused(session, target):
    with serving(answer("302 Found", b"", f"Location: {target}")) as server, pytest.raises(errors.Permanent):
        session.fetch("GET", server.url, NOW)


def test_redirects_end_after_five(session):
    with serving(answer("302 Found", b"", "Location: /again")) as server:
        with pytest.raises(errors.Permanent, match="without end"):
            session.fetch("GET", server.url, NOW)
        assert len(server.seen) == 6


def test_redirects_share_one_time_budget():
    def script(talk: socket.socket, request: bytes, stopping: threading.Event) -> None:
        stopping.wait(0.1)
        talk.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )

    with (
        serving(script) as server,
        GuardedSession(total_s=0.25) as session,
        pytest.raises(errors.Transient, match="seconds"),
    ):
        session.fetch("GET", server.url, NOW)


def test_nothing_is_taken_from_the_environment(session, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(answer()) as server:
        session.fetch("GET", server.url, NOW)
        assert b"Authorization" not in server.seen[0]


def test_cookies_are_not_kept(session):
    with serving(answer("200 OK", b"", "Set-Cookie: id=1; Path=/")) as server:
        session.fetch("GET", server.url, NOW)
        session.fetch("GET", server.url, NOW)
        assert b"Cookie" not in server.seen[1]


def test_an_sdks_own_timeout_cannot_lift_ours():
    with (
        serving(DRIPS["nothing"]) as server,
        GuardedSession(total_s=0.15) as session,
        pytest.raises(TimeSpent),
    ):
        session.get(server.url, timeout=None, stream=True)


def test_an_sdk_sees_requests_own_answers_and_exceptions():
    with serving(answer("404 Not Found", b'{"a": 1}')) as server, GuardedSession(max_bytes=100) as session:
        got = session.get(server.url, stream=True)
        assert (got.status_code, got.json(), b"".join(got.iter_content(3))) == (404, {"a": 1}, b'{"a": 1}')
    with (
        serving(answer("200 OK", b"x" * 101)) as server,
        GuardedSession(max_bytes=100) as session,
        pytest.raises(BytesSpent) as caught,
    ):
        session.get(server.url)
    assert isinstance(caught.value, requests.RequestException)


@pytest.fixture
def deaf_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.mark.parametrize("method", ["fetch", "get"])
@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1:{deaf}/{secret}?access_token=abcdefgh",
        "https://127.0.0.1:{deaf}/{secret}?access_token=abcdefgh",
        "http://127.0.0.1:{server}/{secret}?access_token=abcdefgh",
        "http://127.0.0.1:{server}/loop?x={secret}",
        "bad://{secret}?access_token=abcdefgh",
        "http://[{secret}?access_token=abcdefgh",
        "{secret}?access_token=abcdefgh",
    ],
)
def test_a_secret_is_in_no_exception_and_no_log_line(session, caplog, deaf_port, method, url):
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with serving(answer("302 Found", b"", "Location: /again")) as server:
        asked = url.format(deaf=deaf_port, server=server.port, secret=SECRET)
        try:
            session.fetch("GET", asked, NOW) if method == "fetch" else session.get(asked)
        except (errors.ConnectorError, requests.RequestException) as err:
            told.append(str(err))
            told.extend(
                map(repr, filter(None, [err, err.__context__, err.__cause__, getattr(err, "request", None)]))
            )
    told.extend(record.getMessage() for record in caplog.records)
    assert told
    for hidden in (SECRET, "abcdefgh", "hunter2", "s3cret%2F"):
        assert not [line for line in told if hidden in line]


def test_urllib3_still_logs_only_without_the_credential(session, caplog):
    caplog.set_level(logging.DEBUG)
    with serving(answer()) as server:
        session.fetch("GET", f"{server.url}/x?access_token=abcdefgh&limit=5", NOW)
    assert [record.getMessage() for record in caplog.records if "limit=5" in record.getMessage()]
    assert "abcdefgh" not in caplog.text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /x?access_token=abc&limit=5", "GET /x?access_token=[redacted]&limit=5"),
        ("?a=1&API_KEY=abc", "?a=1&API_KEY=[redacted]"),
        ("?key=abc#top", "?key=[redacted]"),
        ("?monkey=abc&tokens=5", "?monkey=abc&tokens=5"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': '[redacted]'}"),
        ("authorization=Basic dXNlcg==", "authorization=[redacted]"),
        ("sent bearer abcdefgh to it", "sent bearer [redacted] to it"),
        ("https://me:pw@x.example/a", "https://[redacted]@x.example/a"),
        ('{"access_token": "abc", "b": 1}', '{"access_token": "[redacted]", "b": 1}'),
        ("Cookie: a=b; c=d", "Cookie: [redacted]"),
        ("plain words, no key to it", "plain words, no key to it"),
        ("", ""),
    ],
)
def test_well_known_credentials_are_redacted(text, clean):
    assert redact(text) == clean


def test_secrets_are_redacted_as_they_are_and_encoded():
    assert (
        redact("a EAAB-s3cret/+value b EAAB-s3cret%2F%2Bvalue", [SECRET, ""]) == "a [redacted] b [redacted]"
    )


def test_redaction_of_a_long_word_costs_no_time():
    begun = time.monotonic()
    redact("token" * 200_000)
    redact("a" * 1_000_000)
    assert time.monotonic() - begun < 5


def test_every_status_passes_or_has_an_error_with_one_sentence():
    for status in range(100, 600):
        error = error_for(status, "x.example", None, NOW)
        assert (error is None) == (status in PASSES)
        if error is not None:
            assert str(error).startswith(f"x.example answered with status {status}: ")
            assert type(error) is ACTIONS.get(status, type(error))


@pytest.mark.parametrize(
    ("header", "waiting"),
    [
        (None, None),
        ("120", timedelta(minutes=2)),
        ("Mon, 02 Mar 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 02 Mar 2026 12:05:00 -0000", timedelta(minutes=5)),
        ("Mon, 02 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("9" * 30, None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(header, waiting):
    assert wait_time(header, NOW) == waiting
