"""What a simulated platform can do wrong, the same words for every platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What the site does wrong."""

    STATUS = "status"
    HTML = "html"
    BODY = "body"
    TRUNCATED = "truncated"
    BROKEN_OFF = "broken_off"
    HANG = "hang"
    DRIP_HEADERS = "drip_headers"
    DRIP_BODY = "drip_body"
    NO_CONTENT_TYPE = "no_content_type"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: `status` for STATUS and REDIRECT, `headers` added to it, `body` for BODY and STATUS. `times`: how many
    requests it lasts, None for ever. `page`: only where this page is asked for (from 1)."""

    fault: Fault
    status: int = 500
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    times: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    path: str
    headers: dict[str, str] = field(repr=False)
