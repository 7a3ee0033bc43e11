"""Hands mails to a mail server and says truly what became of each."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Protocol, Self

from alerts.clean import one_line
from alerts.kinds import Mail
from alerts.message import BadAddress, Envelope, address, message_id, seal
from alerts.session import Budget, LoginRefused, NotSecure, Security, Session, as_base64, is_loopback

__all__ = ["Outcome", "SmtpTransport", "Status", "Transport", "message_id"]

_STEPS_IN_BUDGET: Final = 4
_LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
"""Answers that mean: log in, or log in better. A person mends that, so no mail dies of it."""
_CLOSING: Final = 421


class Status(StrEnum):
    """What became of a mail."""

    SENT = "sent"
    """The server has taken it over."""
    DEFERRED = "deferred"
    """Not now; try again later."""
    DEAD = "dead"
    """Never, as it stands."""
    AMBIGUOUS = "ambiguous"
    """The connection broke between the final dot and the answer: perhaps taken over. Again, with the same id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail, and why. `code`: the server's three digits, or one of address, auth, connect,
    smtputf8, tls. `text`: one line, with the server's own words and no secret."""

    status: Status
    code: str = ""
    text: str = ""


class Transport(Protocol):
    """A way by which mails leave. `budget_s`: the longest one `send` can last, which a lease must outlast."""

    @property
    def budget_s(self) -> float:
        """The longest that one `send` can last, in seconds; a lease must outlast it."""
        ...

    def send(self, mail: Mail, message_id: str, now: datetime) -> Outcome:
        """Hand one mail over. `now`: aware, for its Date. Never raises for what a server or a network does."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class SmtpTransport:
    """Sends by SMTP. Keeps its connection open between mails; a context manager closes it. Not for several threads.

    `security`: starttls or tls, with certificates checked; none only to this machine. `timeout_s`: for each
    wait; `budget_s`: for one whole `send`, which an outbox lease must outlast.

    Raises ValueError on settings with which no mail may be sent.
    """

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        username: str | None,
        password: str | None,
        sender: str,
        sender_name: str,
        timeout_s: float,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        if security not in ("starttls", "tls", "none"):
            raise ValueError(f"security must be starttls, tls or none, and is {security!r}")
        if security == "none" and not is_loopback(host):
            raise ValueError("mail without encryption may only go to a server on this machine")
        if timeout_s <= 0:
            raise ValueError("timeout_s must be more than 0")
        self._host, self._port, self._security = host, port, security
        self._username, self._password = username, password
        self._sender, self._sender_name = address(sender), sender_name
        self._timeout_s = timeout_s
        self._context = tls_context or ssl.create_default_context()
        self._session: Session | None = None

    @property
    def budget_s(self) -> float:
        """The longest that one `send` can last, in seconds."""
        return self._timeout_s * _STEPS_IN_BUDGET + 1

    def __repr__(self) -> str:
        return f"SmtpTransport({self._host!r}, {self._port}, {self._security!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye to the server and close the connection, if one is open."""
        session, self._session = self._session, None
        if session is None:
            return
        session.budget = Budget(self._timeout_s, self._timeout_s)
        try:
            session.quit()
        except (OSError, smtplib.SMTPException):
            pass  # it is gone already, which is all that was wanted
        finally:
            session.close()

    def greet(self) -> str | None:
        """Connect and log in, sending nothing; None if that works, else one sentence why not."""
        try:
            self._drop()
            self._session = self._connected(Budget(self._timeout_s, self._timeout_s * _STEPS_IN_BUDGET))
        except (OSError, smtplib.SMTPException, NotSecure, LoginRefused, UnicodeError) as error:
            outcome = self._broken(error, after_the_dot=False)
            return f"{self._host}:{self._port} cannot be used ({outcome.code}: {outcome.text})"
        return None

    def send(self, mail: Mail, message_id: str, now: datetime) -> Outcome:
        """Hand one mail over. Never raises for what a server, a network or a bad address does."""
        try:
            envelope = seal(mail, self._sender, self._sender_name, message_id, now)
        except BadAddress as error:
            return Outcome(Status.DEAD, "address", str(error))
        budget = Budget(self._timeout_s, self._timeout_s * _STEPS_IN_BUDGET)
        kept = self._session
        if kept is not None:
            kept.budget = budget
            if not _alive(kept):
                self._drop()
        return self._attempt(envelope, budget)

    def _attempt(self, envelope: Envelope, budget: Budget) -> Outcome:
        session = self._session
        try:
            if session is None:
                session = self._session = self._connected(budget)
            outcome = self._deliver(session, envelope)
        except (OSError, smtplib.SMTPException, NotSecure, LoginRefused, UnicodeError) as error:
            sent = session is not None and session.dot_sent
            self._drop()
            return self._broken(error, after_the_dot=sent)
        if outcome.code == str(_CLOSING):
            self._drop()
        return outcome

    def _connected(self, budget: Budget) -> Session:
        session = Session(self._host, self._port, self._security, self._context, budget)
        try:
            if self._username is not None and self._password is not None:
                session.log_in(self._username, self._password)
        except BaseException:
            session.close()
            raise
        return session

    def _deliver(self, session: Session, envelope: Envelope) -> Outcome:
        session.dot_sent = False
        if envelope.utf8 and not session.has_extn("smtputf8"):
            text = "the mail server cannot take an address with letters beyond ASCII"
            return Outcome(Status.DEAD, "smtputf8", text)
        options = ["SMTPUTF8", "BODY=8BITMIME"] if envelope.utf8 else []
        if session.has_extn("size"):
            options.append(f"SIZE={len(envelope.data)}")
        code, said = _reply(session.mail(envelope.sender, options))
        if _yes(code):
            code, said = _reply(session.rcpt(envelope.recipient))
        if _yes(code):
            code, said = _reply(session.hand_over(envelope.data))
        if _yes(code):
            return Outcome(Status.SENT, str(code), self._said(said))
        return self._refused(code, said, after_the_dot=session.dot_sent)

    def _refused(self, code: int, text: str | bytes, *, after_the_dot: bool) -> Outcome:
        """The server answered, and not with yes."""
        said = self._said(text)
        if code in _LOGIN_CODES:
            return Outcome(Status.DEFERRED, "auth", f"{code} {said}")
        if 500 <= code <= 599:
            return Outcome(Status.DEAD, str(code), said)
        if 400 <= code <= 499:
            return Outcome(Status.DEFERRED, str(code), said)
        # No answer of SMTP at all: what it means for the mail depends on how far we were.
        self._drop()
        if after_the_dot:
            return Outcome(Status.AMBIGUOUS, "connect", f"the mail server's answer makes no sense: {said}")
        return Outcome(Status.DEFERRED, "connect", f"the mail server's answer makes no sense: {said}")

    def _broken(self, error: Exception, *, after_the_dot: bool) -> Outcome:
        """The conversation broke off."""
        text = self._said(str(error) or type(error).__name__)
        if after_the_dot:
            return Outcome(Status.AMBIGUOUS, "connect", text)
        if isinstance(error, LoginRefused):
            return Outcome(Status.DEFERRED, "auth", f"{error.code} {text}" if error.code else text)
        if isinstance(error, NotSecure | ssl.SSLError):
            return Outcome(Status.DEFERRED, "tls", text)
        if isinstance(error, smtplib.SMTPResponseException):
            # Refused before any mail was named: it is about us or the server, so no mail dies of it.
            reply = self._said(error.smtp_error)
            return Outcome(Status.DEFERRED, "connect", f"{error.smtp_code} {reply}")
        return Outcome(Status.DEFERRED, "connect", text)

    def _said(self, text: str | bytes) -> str:
        """A server's words as one line; should it echo the password, without that."""
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for secret in _spellings(self._username, self._password):
            words = words.replace(secret, "[password]")
        return one_line(re.sub(r"\s+", " ", words), 300)

    def _drop(self) -> None:
        """Close the connection without a word."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _reply(reply: tuple[int, Any]) -> tuple[int, bytes]:
    """A server's answer; typeshed and smtplib do not agree on what its words are."""
    code, text = reply
    return code, text if isinstance(text, bytes) else str(text).encode()


def _yes(code: int) -> bool:
    return 200 <= code <= 299


def _alive(session: Session) -> bool:
    """Does a kept connection still work? RSET also clears what a refused mail left behind."""
    try:
        code, _ = session.rset()
    except (OSError, smtplib.SMTPException):
        return False
    return code == 250


def _spellings(username: str | None, password: str | None) -> list[str]:
    """The password as it stands and as AUTH sends it."""
    if not password:
        return []
    return [as_base64(f"\0{username}\0{password}"), as_base64(password), password]
