"""Tell systemd how the worker is (sd_notify): one datagram to the socket it names. Not under systemd: nothing."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Speaks to the socket in NOTIFY_SOCKET. `watchdog_s`: within how many seconds systemd wants a sign of life,
    or None. What cannot be said is logged: a worker that watches is worth more than its status."""

    def __init__(self, environ: Mapping[str, str], patience_s: float = 1.0) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._patience_s = patience_s
        microseconds = environ.get("WATCHDOG_USEC", "")
        wanted = int(microseconds) if microseconds.isascii() and microseconds.isdigit() else 0
        self.watchdog_s = wanted / 1_000_000 if wanted else None

    def ready(self) -> None:
        """The worker does its work from now on."""
        self._say("READY=1")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._say("WATCHDOG=1")

    def status(self, words: str) -> None:
        """A line for `systemctl status`."""
        self._say(f"STATUS={' '.join(words.split())}")

    def reloading(self, monotonic_us: int) -> None:
        """The settings are read again; `ready` ends it."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        """The worker ends its work in good order."""
        self._say("STOPPING=1")

    def _say(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ means Linux's abstract namespace, which the socket call spells as a NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(self._patience_s)
                sock.connect(address)
                sock.sendall(message.encode())
        except OSError as err:
            log.warning("systemd does not hear", extra={"error": err.strerror or type(err).__name__})
