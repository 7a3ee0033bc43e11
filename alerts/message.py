"""A finished mail as an RFC 5322 message. Nothing that stands in a mail can become a header. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from alerts.clean import one_line
from alerts.kinds import InlineImage, Mail

_ATOM: Final = re.compile(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f.:]+\]"
)
_BAD_IN_BODY: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*@[A-Za-z0-9.-]+")
_LONGEST_LOCAL_PART: Final = 64
_NO_DOMAIN: Final = "schoolwatch.invalid"


class BadAddress(ValueError):
    """An address to which no mail can go. The text names what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who it is from and to, as the server is told, and the bytes with CRLF line ends.

    `utf8`: an address has letters beyond ASCII before its @, which only a server with SMTPUTF8 takes.
    """

    sender: str
    recipient: str
    data: bytes
    utf8: bool


def message_id(key: str, domain: str) -> str:
    """The Message-ID of an outbox key: the same key always gives the same one."""
    host = _host(domain) or _NO_DOMAIN
    return f"<{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}@{host}>"


def address(value: str) -> str:
    """An address as SMTP takes it: one local part, a domain in ASCII. Raises BadAddress."""
    local, at, domain = value.strip().rpartition("@")
    host = _host(domain)
    well_formed = all(_ATOM.fullmatch(part) for part in local.split("."))
    if not at or not well_formed or len(local.encode("utf-8")) > _LONGEST_LOCAL_PART:
        raise BadAddress(f"{one_line(value, 100)!r} is no mail address")
    if host is None:
        raise BadAddress(f"{one_line(domain, 100)!r} is no mail domain")
    return f"{local}@{host}"


def seal(mail: Mail, sender: str, sender_name: str, message_id: str, now: datetime) -> Envelope:
    """The message, ready to be handed to a server. `now`: aware. Raises BadAddress."""
    recipient, origin = address(mail.to_address), address(sender)
    utf8 = not (recipient.isascii() and origin.isascii())
    message = EmailMessage(policy=policy.SMTPUTF8 if utf8 else policy.SMTP)
    message["From"] = _named(sender_name, origin)
    message["To"] = _named(mail.to_name, recipient)
    message["Subject"] = _header(mail.subject, 200)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _header(message_id, 200)
    message["Auto-Submitted"] = "auto-generated"
    # Everything but NDR: a refusal that comes back later is the only sign that a person was not reached.
    message["X-Auto-Response-Suppress"] = "DR, RN, NRN, OOF, AutoReply"
    if mail.urgent:
        message["X-Priority"] = "1"
        message["Importance"] = "high"
        message["Priority"] = "urgent"
    message.set_content(_body(mail.text), cte="quoted-printable")
    message.add_alternative(_body(mail.html), subtype="html", cte="quoted-printable")
    if mail.images:
        _add_images(message, mail.images)
    return Envelope(origin, recipient, message.as_bytes(), utf8)


def _add_images(message: EmailMessage, images: Iterable[InlineImage]) -> None:
    """Put the images beside the HTML. Mail programs show these, where they would block `data:` and far addresses."""
    page = list(message.iter_parts())[-1]
    for image in images:
        if _CID.fullmatch(image.cid) is None:
            raise ValueError(f"{one_line(image.cid, 60)!r} is no content id")
        name = f"{image.cid.partition('@')[0]}.png"
        page.add_related(image.png, "image", "png", cid=f"<{image.cid}>", disposition="inline", filename=name)


def _named(name: str, where: str) -> Address:
    # Not by addr_spec: that refuses letters beyond ASCII even where the server takes them.
    local, _, domain = where.rpartition("@")
    return Address(_header(name, 80), username=local, domain=domain)


def _header(value: str, limit: int) -> str:
    """One clean line. What looks like an encoded word is broken up: the library would decode it, breaks and all."""
    return one_line(value, limit).replace("=?", "= ?")


def _body(value: str) -> str:
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return _BAD_IN_BODY.sub("\ufffd", text)


def _host(domain: str) -> str | None:
    """A domain in ASCII, or None where it is none."""
    try:
        host = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return host if _DOMAIN.fullmatch(host) else None
