"""Real SMTP on the loopback: what becomes of a mail when a server is kind, strict, slow or broken."""

from __future__ import annotations

import asyncio
import base64
import email
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from alerts.kinds import Mail
from alerts.message import address
from alerts.session import Budget, Session
from alerts.smtp import Outcome, SmtpTransport, Status, message_id

NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
ID = message_id("oakfield/flagged/case:12/1/0/ana", "oakfield.example")
PASSWORD = "correct-horse-\N{SNOWMAN}"


def mail(**said: Any) -> Mail:
    fields = {
        "to_name": "Ana Sample",
        "to_address": "ana@oakfield.example",
        "subject": "A question on Facebook (case 12)",
        "text": "Reply to this comment.\n.\n..dots\nFrom here\n",
        "html": "<!doctype html><html lang='en'><body><p>Reply \N{SMILING FACE WITH SUNGLASSES}</p></body></html>\n",
    }
    return Mail(**{**fields, **said})


def transport(port: int, **said: Any) -> SmtpTransport:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "username": None,
        "password": None,
        "sender": "schoolwatch@oakfield.example",
        "sender_name": "Schoolwatch",
        "timeout_s": 2,
    }
    return SmtpTransport(**{**fields, **said})


def send(port: int, one: Mail | None = None, **said: Any) -> Outcome:
    with transport(port, **said) as sender:
        return sender.send(one or mail(), ID, NOW)


# --- a real server ---


class Inbox:
    """What a server was given; `answers` are its replies by command, where they are not yes."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.got: list[Envelope] = []
        self.greeted = 0

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greeted += 1
        session.host_name = hostname
        return [self.answers["EHLO"]] if "EHLO" in self.answers else responses

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers and not address.startswith("good"):
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.got.append(envelope)
        return self.answers.get("DATA", "250 2.0.0 OK queued")

    def message(self) -> EmailMessage:
        (envelope,) = self.got
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = email.message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Server(Controller):
    """aiosmtpd on a port of the system's choice."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def serving(inbox: Inbox, **said: Any) -> Iterator[int]:
    server = Server(inbox, hostname="127.0.0.1", port=0, **said)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


# --- a server that follows a script ---


class Talk:
    """The server's end of a conversation."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self.connection = connection
        self.over = over
        self.lines = connection.makefile("rb")

    def say(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hear(self) -> str:
        return self.lines.readline().decode().strip()

    def until_data(self) -> None:
        """Be polite up to and including DATA."""
        self.say("220 hello")
        for _ in range(4):
            said = self.hear()
            if said == "DATA":
                return
            self.say("250 OK")

    def until_the_dot(self) -> None:
        self.until_data()
        self.say("354 go on")
        while self.hear() != ".":
            pass


@contextmanager
def scripted(*conversations: Callable[[Talk], None]) -> Iterator[int]:
    """A server that holds one conversation a connection, then closes it."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for hold in conversations:
                with suppress(OSError):
                    connection, _ = listener.accept()
                    connection.settimeout(5)
                    talk = Talk(connection, over)
                    with connection, talk.lines:
                        with suppress(OSError):
                            hold(talk)
                        with suppress(OSError):
                            connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)
            assert not thread.is_alive()


# --- certificates ---


class Tls:
    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.server = self.context_for("127.0.0.1", "localhost")
        self.client = ssl.create_default_context()
        self.authority.configure_trust(self.client)

    def context_for(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def tls() -> Tls:
    return Tls()


# --- the happy way ---


def test_a_mail_arrives_whole() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        assert send(port, mail(urgent=True)) == Outcome(Status.SENT, "250", "2.0.0 OK queued")
    message, (envelope,) = inbox.message(), inbox.got
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "schoolwatch@oakfield.example",
        ["ana@oakfield.example"],
    )
    assert str(message["From"]) == "Schoolwatch <schoolwatch@oakfield.example>"
    assert str(message["To"]) == "Ana Sample <ana@oakfield.example>"
    assert str(message["Subject"]) == mail().subject
    assert message["Date"].datetime == NOW
    assert str(message["Message-ID"]) == ID
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert "OOF" in str(message["X-Auto-Response-Suppress"])
    assert (str(message["Importance"]), str(message["X-Priority"])) == ("high", "1")
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(page, EmailMessage)
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == mail().text
    assert page.get_content().replace("\r\n", "\n") == mail().html
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()
    assert max(len(line) for line in envelope.content.splitlines()) < 200


def test_an_ordinary_mail_claims_no_priority() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        send(port)
    assert not {"Importance", "X-Priority", "Priority"} & set(inbox.message().keys())


def test_several_mails_go_over_one_connection() -> None:
    inbox = Inbox()
    with serving(inbox) as port, transport(port) as sender:
        assert [sender.send(mail(), ID, NOW).status for _ in range(3)] == [Status.SENT] * 3
    assert (len(inbox.got), inbox.greeted) == (3, 1)


def test_a_connection_that_was_dropped_is_made_again() -> None:
    def one_mail(talk: Talk) -> None:
        talk.until_the_dot()
        talk.say("250 taken")

    with scripted(one_mail, one_mail) as port, transport(port) as sender:
        assert [sender.send(mail(), ID, NOW).status for _ in range(2)] == [Status.SENT] * 2


def test_one_bad_recipient_does_not_block_the_next() -> None:
    inbox = Inbox(RCPT="550 5.1.1 no such user")
    with serving(inbox) as port, transport(port) as sender:
        assert sender.send(mail(), ID, NOW).status is Status.DEAD
        assert sender.send(mail(to_address="good@oakfield.example"), ID, NOW).status is Status.SENT
    assert inbox.greeted == 1


# --- what a server refuses ---


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_not_now_is_deferred_with_the_servers_words(command: str) -> None:
    with serving(Inbox(**{command: "451 4.3.0 try again later"})) as port:
        assert send(port) == Outcome(Status.DEFERRED, "451", "4.3.0 try again later")


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_never_is_dead_with_the_servers_words(command: str) -> None:
    with serving(Inbox(**{command: "550 5.7.1 not here"})) as port:
        assert send(port) == Outcome(Status.DEAD, "550", "5.7.1 not here")


@pytest.mark.parametrize("banner", ["554 go away", "421 too busy", "nonsense"])
def test_a_server_that_does_not_even_greet_us_kills_no_mail(banner: str) -> None:
    with scripted(lambda talk: talk.say(banner)) as port:
        outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")


def test_a_refused_greeting_kills_no_mail() -> None:
    def refuse(talk: Talk) -> None:
        talk.say("220 hello")
        for _ in range(2):
            talk.hear()
            talk.say("550 not you")

    with scripted(refuse) as port:
        outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")
    assert "not you" in outcome.text


def test_a_refused_data_command_is_told_from_a_refused_message() -> None:
    def refuse(talk: Talk) -> None:
        talk.until_data()
        talk.say("452 4.3.1 disk full")
        talk.hear()

    with scripted(refuse) as port:
        assert send(port) == Outcome(Status.DEFERRED, "452", "4.3.1 disk full")


def test_a_server_that_closes_with_421_is_asked_anew_for_the_next_mail() -> None:
    def closing(talk: Talk) -> None:
        talk.until_the_dot()
        talk.say("421 4.3.2 shutting down")

    def kind(talk: Talk) -> None:
        talk.until_the_dot()
        talk.say("250 taken")

    with scripted(closing, kind) as port, transport(port) as sender:
        assert sender.send(mail(), ID, NOW) == Outcome(Status.DEFERRED, "421", "4.3.2 shutting down")
        assert sender.send(mail(), ID, NOW).status is Status.SENT


def test_a_server_that_wants_a_login_kills_no_mail() -> None:
    with serving(Inbox(MAIL="530 5.7.0 authentication required")) as port:
        outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "auth")


# --- connections that break ---


def test_a_break_after_the_dot_is_ambiguous() -> None:
    with scripted(lambda talk: talk.until_the_dot()) as port:
        outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.AMBIGUOUS, "connect")


def test_silence_after_the_dot_is_ambiguous() -> None:
    def silent(talk: Talk) -> None:
        talk.until_the_dot()
        talk.over.wait(5)

    with scripted(silent) as port:
        assert send(port, timeout_s=0.2).status is Status.AMBIGUOUS


def test_nonsense_after_the_dot_is_ambiguous() -> None:
    def mad(talk: Talk) -> None:
        talk.until_the_dot()
        talk.say("well, well")

    with scripted(mad) as port:
        assert send(port).status is Status.AMBIGUOUS


def test_a_break_before_the_dot_is_deferred() -> None:
    with scripted(lambda talk: talk.until_data()) as port:
        outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")


def test_the_dot_is_not_counted_as_sent_while_the_message_is_stuck() -> None:
    def deaf(talk: Talk) -> None:
        talk.until_data()
        talk.say("354 go on")
        talk.over.wait(5)

    with scripted(deaf) as port:
        context = ssl.create_default_context()
        session = Session("127.0.0.1", port, "none", context, Budget(0.3, 2))
        try:
            session.mail("a@oakfield.example")
            session.rcpt("b@oakfield.example")
            with pytest.raises(TimeoutError):
                session.hand_over(b"x" * 78 * 300_000)
            assert not session.dot_sent
        finally:
            session.close()


def test_nobody_there_is_deferred() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = send(port)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")


def test_a_name_that_is_never_found_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def stuck(*_: Any, **__: Any) -> list[Any]:
        over.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    began = time.monotonic()
    outcome = send(25, host="mail.oakfield.example", security="starttls", timeout_s=0.2)
    over.set()
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("when", ["banner", "answer"])
def test_a_slow_drip_ends_within_the_budget(when: str) -> None:
    def drip(talk: Talk) -> None:
        if when == "answer":
            talk.say("220 hello")
            talk.hear()
        while not talk.over.wait(0.05):
            talk.connection.sendall(b"2")

    with scripted(drip) as port:
        sender = transport(port, timeout_s=0.2)
        began = time.monotonic()
        outcome = sender.send(mail(), ID, NOW)
        assert time.monotonic() - began < sender.budget_s
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "connect")


def test_a_server_that_talks_without_end_is_left() -> None:
    def chatter(talk: Talk) -> None:
        talk.say("220 hello")
        talk.hear()
        while not talk.over.is_set():
            talk.say(*["250-and another thing"] * 500)

    with scripted(chatter) as port:
        outcome = send(port, timeout_s=3)
    assert outcome.status is Status.DEFERRED
    assert "without end" in outcome.text


# --- encryption ---


def test_starttls_with_a_good_certificate(tls: Tls) -> None:
    inbox = Inbox()
    with serving(inbox, tls_context=tls.server, require_starttls=True) as port:
        assert send(port, security="starttls", tls_context=tls.client).status is Status.SENT
    assert inbox.greeted == 2


def test_tls_from_the_first_byte(tls: Tls) -> None:
    inbox = Inbox()
    with serving(inbox, ssl_context=tls.server) as port:
        assert send(port, security="tls", tls_context=tls.client).status is Status.SENT
    assert len(inbox.got) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_wrong_certificate_gets_no_mail(tls: Tls, security: str, wrong: str) -> None:
    server = Tls().server if wrong == "authority" else tls.context_for("elsewhere.example")
    inbox = Inbox()

    def wrapped(talk: Talk) -> None:
        if security == "starttls":
            talk.say("220 hello")
            talk.hear()
            talk.say("250-hello", "250 STARTTLS")
            talk.hear()
            talk.say("220 go on")
        with server.wrap_socket(talk.connection, server_side=True) as inside:
            inside.recv(1)

    with scripted(wrapped) as port:
        outcome = send(port, security=security, tls_context=tls.client)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "tls")
    assert "certificate" in outcome.text
    assert not inbox.got


def test_a_server_without_starttls_gets_no_mail(tls: Tls) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        outcome = send(port, security="starttls", tls_context=tls.client)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "tls")
    assert not inbox.got


def test_what_was_slipped_in_before_the_handshake_is_forgotten(tls: Tls) -> None:
    heard: list[str] = []

    def slip(talk: Talk) -> None:
        talk.say("220 hello")
        talk.hear()
        talk.say("250-hello", "250 STARTTLS")
        talk.hear()
        talk.say("220 go on", "250-slipped in", "250 AUTH PLAIN")
        with (
            tls.server.wrap_socket(talk.connection, server_side=True) as inside,
            inside.makefile("rb") as lines,
        ):
            heard.append(lines.readline().decode())
            inside.sendall(b"250 no login here\r\n")
            heard.append(lines.readline().decode())

    with scripted(slip) as port:
        outcome = send(port, security="starttls", tls_context=tls.client, username="watch", password=PASSWORD)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "auth")
    assert heard[0].upper().startswith("EHLO")
    assert "AUTH" not in heard[1].upper()


def test_clear_text_leaves_this_machine_never() -> None:
    with pytest.raises(ValueError, match="only go to a server on this machine"):
        transport(25, host="mail.oakfield.example")


def test_clear_text_to_a_name_that_is_not_this_machine_after_all_goes_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Elsewhere(socket.socket):
        def getpeername(self) -> Any:
            return ("192.0.2.7", 25)

    inbox = Inbox()
    with serving(inbox) as port:
        there = socket.create_connection(("127.0.0.1", port))
        monkeypatch.setattr("alerts.session._connect", lambda *_: Elsewhere(fileno=there.detach()))
        outcome = send(port, host="localhost")
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "tls")
    assert not inbox.got


@pytest.mark.parametrize(("name", "value"), [("security", "ssl"), ("timeout_s", 0), ("sender", "nobody")])
def test_settings_with_which_no_mail_can_go_are_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        transport(25, **{name: value})


# --- logging in ---


@contextmanager
def guarded(tls: Tls, inbox: Inbox, **said: Any) -> Iterator[int]:
    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        good = given.login == b"watch" and given.password == PASSWORD.encode()
        return AuthResult(success=good, handled=False)

    with serving(
        inbox,
        tls_context=tls.server,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticator,
        **said,
    ) as port:
        yield port


@pytest.mark.parametrize("left_out", ["LOGIN", "PLAIN"])
def test_a_login_with_letters_beyond_ascii(tls: Tls, left_out: str) -> None:
    inbox = Inbox()
    with guarded(tls, inbox, auth_exclude_mechanism=[left_out]) as port:
        outcome = send(port, security="starttls", tls_context=tls.client, username="watch", password=PASSWORD)
    assert outcome.status is Status.SENT
    assert len(inbox.got) == 1


def test_a_wrong_password_is_deferred_and_never_told(tls: Tls) -> None:
    wrong = "wrong-horse"
    with guarded(tls, Inbox()) as port:
        outcome = send(port, security="starttls", tls_context=tls.client, username="watch", password=wrong)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "auth")
    assert "535" in outcome.text
    assert wrong not in repr(outcome)


@pytest.mark.parametrize("echo", ["as it stands", "as AUTH sends it"])
def test_a_server_that_echoes_the_password_does_not_get_it_into_our_rows(echo: str) -> None:
    whole = base64.b64encode(f"\0watch\0{PASSWORD}".encode()).decode()

    def parrot(talk: Talk) -> None:
        talk.say("220 hello")
        talk.hear()
        talk.say("250-hello", "250 AUTH PLAIN")
        talk.hear()
        talk.say(f"535 no: {PASSWORD if echo == 'as it stands' else whole}")

    with scripted(parrot) as port:
        outcome = send(port, username="watch", password=PASSWORD)
    assert outcome == Outcome(Status.DEFERRED, "auth", "535 no: [password]")


def test_a_server_that_knows_no_login_of_ours_is_deferred() -> None:
    with serving(Inbox()) as port:
        outcome = send(port, username="watch", password=PASSWORD)
    assert (outcome.status, outcome.code) == (Status.DEFERRED, "auth")
    assert PASSWORD not in repr(outcome)


def test_the_transport_does_not_show_its_password() -> None:
    assert PASSWORD not in repr(transport(25, username="watch", password=PASSWORD))


# --- addresses and headers ---


def test_letters_beyond_ascii_in_an_address_need_a_server_that_takes_them() -> None:
    inbox = Inbox()
    with serving(inbox, enable_SMTPUTF8=True) as port:
        assert send(port, mail(to_address="zoë@oakfield.example")).status is Status.SENT
    assert inbox.got[0].rcpt_tos == ["zoë@oakfield.example"]
    assert "zoë@oakfield.example" in str(inbox.message()["To"])
    with serving(Inbox(), enable_SMTPUTF8=False) as port:
        outcome = send(port, mail(to_address="zoë@oakfield.example"))
    assert (outcome.status, outcome.code) == (Status.DEAD, "smtputf8")


def test_a_domain_beyond_ascii_is_spelt_in_ascii() -> None:
    assert address("ana@schüle.example") == "ana@xn--schle-mva.example"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ana",
        "@oakfield.example",
        "ana@",
        "ana@oak field.example",
        "ana <ana@oakfield.example>",
        "ana@oakfield.example\r\nRCPT TO:<x@y.example>",
        "a,b@oakfield.example",
        ".ana@oakfield.example",
        "ana@-oakfield.example",
        "ana@oakfield..example",
        "a\x00b@oakfield.example",
        "\ud83d@oakfield.example",
        "a" * 65 + "@oakfield.example",
    ],
)
def test_what_is_no_address_is_dead_without_a_connection(wrong: str) -> None:
    outcome = transport(1).send(mail(to_address=wrong), ID, NOW)
    assert (outcome.status, outcome.code) == (Status.DEAD, "address")
    assert outcome.text.isprintable()


@pytest.mark.parametrize(
    "hostile",
    [
        "Hello\r\nBcc: everybody@example.org\r\n\r\nbody",
        "=?utf-8?q?Hello=0D=0ABcc:_everybody@example.org?=",
        "nul \x00, half \ud83d, line \u2028, bell \x07",
        'quotes " and \\ and , and <x@y.example>',
        "\N{SNOWMAN}" * 300,
        "long " * 300,
    ],
    ids=range(6),
)
def test_nothing_in_a_mail_becomes_a_header(hostile: str) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        outcome = send(
            port, mail(to_name=hostile, subject=hostile, text=hostile, html=hostile), sender_name=hostile
        )
    assert outcome.status is Status.SENT
    message = inbox.message()
    assert sorted(key.lower() for key in message.keys()) == sorted(  # noqa: SIM118
        [
            *("from", "to", "subject", "date", "message-id", "auto-submitted"),
            *("x-auto-response-suppress", "mime-version", "content-type"),
        ]
    )
    assert [one.addr_spec for one in message["To"].addresses] == ["ana@oakfield.example"]
    assert [one.addr_spec for one in message["From"].addresses] == ["schoolwatch@oakfield.example"]
    assert not message.defects


def test_a_message_id_is_the_same_for_the_same_key() -> None:
    assert message_id("a", "oakfield.example") == message_id("a", "oakfield.example")
    assert message_id("a", "oakfield.example") != message_id("b", "oakfield.example")
    assert message_id("a", "oakfield.example").endswith("@oakfield.example>")
    assert message_id("\ud83d", "not a domain\r\n").endswith("@schoolwatch.invalid>")


def test_the_budget_outlasts_every_step() -> None:
    assert transport(25, timeout_s=20).budget_s > 20
