"""The kinds of value a setting may have, each refusing a wrong one with a sentence that never repeats it.

A sentence reads on from the key's path: "hours.quiet_from: must be a time of day such as \\"20:00\\"."
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator

from config.secrets import is_name

LOOPBACK: Final = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]")
"""Hosts that are this very machine."""

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SCHOOL: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:localhost|(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63})"
)
_RESERVED: Final = frozenset(
    {"database", "mail", "worker", "classifier", "state_dir", "public_url", "config"}
)
"""SCHOOLWATCH_<one of these> means a setting, so no secret can have the name."""


def _matching(pattern: re.Pattern[str], sentence: str) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(sentence)
        return value

    return AfterValidator(check)


def _line(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty.")
    if len(value) > 300 or not value.isprintable():
        raise ValueError("must be one line of at most 300 characters.")
    return value.strip()


def _number(value: Any) -> Any:
    # pydantic would read true as 1.
    if isinstance(value, bool):
        raise ValueError("must be a whole number.")  # noqa: TRY004  pydantic turns only ValueError into a problem
    return value


def _clock(value: Any) -> time:
    # pydantic would read 830 as 830 seconds after midnight.
    sentence = 'must be a time of day in quotes, such as "08:30".'
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            raise ValueError(sentence) from None
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError(sentence)
    return value


def _day(value: Any) -> date:
    sentence = "must be a date such as 2026-09-01."
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError(sentence) from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(sentence)  # noqa: TRY004
    return value


def _moment(value: Any) -> datetime:
    sentence = "must be a date and time such as 2026-09-01T08:00:00."
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(sentence) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001  School adds its own zone
    if not isinstance(value, datetime):
        raise ValueError(sentence)  # noqa: TRY004
    if not 1990 <= value.year <= 2200:
        raise ValueError("must lie between the years 1990 and 2200.")
    return value


def _secret_name(value: str) -> str:
    if not is_name(value):
        raise ValueError(
            'must be the name of a secret, such as "facebook-token", and never the secret itself; '
            "if one stands here, take it out, change it, and give it to systemd or the environment."
        )
    if value.replace("-", "_") in _RESERVED or value.endswith("file"):
        raise ValueError('is a name that Schoolwatch uses itself; choose another, such as "mail-password".')
    return value


def _database_url(value: str) -> str:
    if holds_password(value):
        raise ValueError(
            'must not hold a password; take it out and name it: password_secret = "database-password".'
        )
    sqlite = value.startswith("sqlite:///") and len(value) > len("sqlite:///") and ":memory:" not in value
    if not (sqlite or re.match(r"postgresql\+psycopg://[^/]*/.", value)):
        raise ValueError(
            'must be "sqlite:///schoolwatch.db" or of the form "postgresql+psycopg://user@host/name".'
        )
    return value


def _public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError('must be an address such as "https://schoolwatch.school.example".') from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ValueError('must be an address such as "https://schoolwatch.school.example".')
    if parts.scheme != "https" and not (parts.scheme == "http" and LOOPBACK.fullmatch(host)):
        raise ValueError("must begin with https:// because mails link to it with keys in the link.")
    return value.rstrip("/")


def _folder(value: Path) -> Path:
    # Under systemd "~" is mostly another folder than at the technician's own prompt.
    if not str(value).isprintable() or str(value).startswith("~"):
        raise ValueError('must be a path without ~ in it, such as "/var/lib/schoolwatch".')
    return value


def holds_password(url: str) -> bool:
    """Does a text that may be an address carry a password in it?"""
    if "://" not in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return True  # cannot be told, so it is treated as one
    return bool(parts.password) or any(key.lower() == "password" for key, _ in parse_qsl(parts.query))


Line = Annotated[str, AfterValidator(_line)]
"""Words on one line, without spaces around them."""
Slug = Annotated[str, _matching(_SLUG, "must be lower-case letters, digits and hyphens, at most 63 of them.")]
SchoolId = Annotated[
    str,
    _matching(_SCHOOL, "must be 2 to 63 lower-case letters, digits and hyphens; it can never change later."),
]
Language = Annotated[str, _matching(_LANGUAGE, 'must be a language code such as "en" or "cy".')]
Address = Annotated[str, _matching(_ADDRESS, 'must be a mail address such as "name@school.example".')]
Clock = Annotated[time, BeforeValidator(_clock)]
"""A time of day, naive, in the school's zone."""
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Folder = Annotated[Path, AfterValidator(_folder)]
Whole = Annotated[int, BeforeValidator(_number)]
