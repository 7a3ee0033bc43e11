"""One conversation with a mail server in which nothing can last for ever and the final dot is known to have gone.

smtplib bounds one read at a time, so a server that drips one byte every few seconds holds it for hours; and it
does not tell a break before the final dot, where nothing was taken over, from one after it.
"""

from __future__ import annotations

import base64
import io
import ipaddress
import re
import smtplib
import socket
import ssl
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any, Final, Literal

Security = Literal["starttls", "tls", "none"]

_CHUNK: Final = 64 * 1024
_MOST_BYTES: Final = 1024 * 1024
"""Of answers in one delivery: a server that talks without end is as bad as one that says nothing."""
_LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost."})


class Budget:
    """The time and the bytes that a delivery may still take."""

    def __init__(self, step_s: float, total_s: float) -> None:
        self._step_s = step_s
        self._end = time.monotonic() + total_s
        self._bytes = _MOST_BYTES

    def step(self) -> float:
        """Seconds that the next wait may last. Raises TimeoutError when the total is used up."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server took too long")
        return min(self._step_s, left)

    def took(self, count: int) -> None:
        """So many bytes came. Raises SMTPServerDisconnected when they are too many."""
        self._bytes -= count
        if self._bytes < 0:
            raise smtplib.SMTPServerDisconnected("the mail server talks without end")


class NotSecure(Exception):
    """The connection cannot be made as safe as the settings ask."""


class LoginRefused(Exception):
    """The server does not let us in. `code` is its answer's, 0 where it offers no way that we know."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Session(smtplib.SMTP):
    """An open connection. Not for several threads."""

    def __init__(
        self, host: str, port: int, security: Security, context: ssl.SSLContext, budget: Budget
    ) -> None:
        self.budget = budget
        self.dot_sent = False
        self._security = security
        self._context = context
        self._server = host
        super().__init__(local_hostname=_own_name(), timeout=budget.step())
        try:
            self._open(host, port)
        except BaseException:
            self.close()
            raise

    def _open(self, host: str, port: int) -> None:
        code, text = self.connect(host, port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()
        if self._security == "starttls":
            self._secure()

    def _secure(self) -> None:
        if not self.has_extn("starttls"):
            raise NotSecure("the mail server does not offer STARTTLS")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise NotSecure(f"the mail server refuses STARTTLS: {code} {text.decode('utf-8', 'replace')}")
        assert self.sock is not None  # noqa: S101  for the type checker: docmd has just used it
        self.sock = self._wrapped(self.sock)
        # What was said in clear text does not count any more, and neither do bytes read ahead of the handshake.
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo_or_helo_if_needed()

    def _wrapped(self, sock: socket.socket) -> ssl.SSLSocket:
        sock.settimeout(self.budget.step())
        return self._context.wrap_socket(sock, server_hostname=self._server)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:  # noqa: ARG002  smtplib's shape
        sock = _connect(host, port, self.budget)
        try:
            if self._security == "none" and not ipaddress.ip_address(sock.getpeername()[0]).is_loopback:
                raise NotSecure("mail without encryption may only go to a server on this machine")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._wrapped(sock) if self._security == "tls" else sock
        except BaseException:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """One answer, read under the budget."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reader(self))
        return super().getreply()

    def send(self, s: Any) -> None:
        """All of it, under the budget; a server that does not read ends it."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        data = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        try:
            for start in range(0, len(data), _CHUNK):
                self.sock.settimeout(self.budget.step())
                self.sock.sendall(data[start : start + _CHUNK])
        except OSError:
            self.close()
            raise

    def hand_over(self, message: bytes) -> tuple[int, bytes]:
        """DATA, the message, the dot. `dot_sent` is True from the moment in which the server may have it all."""
        self.dot_sent = False
        code, text = self.docmd("DATA")
        if code != 354:
            return code, text
        body = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
        body = re.sub(rb"(?m)^\.", b"..", body)
        self.send(body if body.endswith(b"\r\n") else body + b"\r\n")
        self.dot_sent = True
        self.send(b".\r\n")
        return self.getreply()

    def log_in(self, username: str, password: str) -> None:
        """AUTH with UTF-8, PLAIN before LOGIN. Raises LoginRefused, with nothing of the password in it."""
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            code, text = self.docmd("AUTH", "PLAIN " + as_base64(f"\0{username}\0{password}"))
        elif "LOGIN" in offered:
            code, text = self.docmd("AUTH", "LOGIN " + as_base64(username))
            if code == 334:
                code, text = self.docmd(as_base64(password))
        else:
            raise LoginRefused(0, "the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
        if code not in (235, 503):  # 503: already logged in
            raise LoginRefused(code, text.decode("utf-8", "replace"))


class _Reader(io.RawIOBase):
    """Reads from the session's socket, each read under what is left of the budget."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        sock = self._session.sock
        if sock is None:
            return 0
        sock.settimeout(self._session.budget.step())
        count = sock.recv_into(buffer)
        self._session.budget.took(count)
        return count


def is_loopback(host: str) -> bool:
    """Is the host, by its name alone, this machine?"""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(host: str, port: int, budget: Budget) -> socket.socket:
    """A connection to the first of the host's addresses that takes one."""
    trouble: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, where in _addresses(host, port, budget.step()):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(budget.step())
            sock.connect(where)
        except OSError as error:
            sock.close()
            trouble = error
            continue
        return sock
    raise trouble


def _addresses(host: str, port: int, timeout_s: float) -> list[Any]:
    """The host's addresses. The system's resolver knows no time-out, so it is asked from the side."""
    answers: SimpleQueue[list[Any] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(f"{host} is no host name"))

    threading.Thread(target=ask, name="resolve-mail-server", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except Empty:
        raise TimeoutError(f"no address was found for {host} in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def as_base64(text: str) -> str:
    """The text as AUTH sends it."""
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _own_name() -> str:
    """What we call ourselves in EHLO. Not getfqdn: that asks the network, without a time-out."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"
