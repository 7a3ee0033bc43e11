"""Takes credentials out of text before anybody sees it: messages, log lines, anything raised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

_NAME_OF_ONE = (
    r"[\w.-]*(?:token|secret|passwd|password|api[_-]?key|signature|appsecret_proof)"
    r"|x-goog-api-key|key|sig|auth|pwd|session(?:_?id)?|sid"
)
SECRET_PARAMETER = re.compile(rf"(?:{_NAME_OF_ONE})", re.IGNORECASE)
"""Matches, in full, the name of a query or form parameter whose value is a credential."""

# The look-behinds make each word be tried once, from its beginning: long words stay linear.
_PARAMETER = re.compile(rf"(?<![\w.-])((?:{_NAME_OF_ONE})=)[^&\s\"'<>]+", re.IGNORECASE)
_QUOTED = re.compile(rf"(?<![\w.-])((?:{_NAME_OF_ONE})[\"']\s*:\s*b?[\"'])[^\"']+", re.IGNORECASE)
_HEADER = re.compile(
    r"(?<![\w-])((?:proxy-)?authorization[\"']?\s*[:=]\s*(?:b?[\"'])?)(?:(?:bearer|basic|digest|token|oauth)\s+)?[^\s\"',;]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
_COOKIE = re.compile(r"(?<![\w-])((?:set-)?cookie[\"']?\s*:\s*(?:b?[\"'])?)[^\r\n\"']+", re.IGNORECASE)
_USERINFO = re.compile(r"(://)[^/\s@\"'<>]+@")

_PATTERNS = (_USERINFO, _COOKIE, _HEADER, _SCHEME, _PARAMETER, _QUOTED)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace every secret, as it is and percent-encoded, and the values of well-known query parameters, headers and
    of user:password@ in addresses with "[redacted]"."""
    for spelling in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(spelling, REDACTED)
    for pattern in _PATTERNS:
        text = pattern.sub(_keep_name, text)
    return text


def contains_secret(text: str, secrets: Iterable[str]) -> bool:
    """Does one of the secrets occur, as it is or percent-encoded?"""
    return any(spelling in text for spelling in _spellings(secrets))


def _spellings(secrets: Iterable[str]) -> set[str]:
    return {
        form
        for secret in secrets
        if secret
        for form in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
    }


def _keep_name(match: re.Match[str]) -> str:
    end = "@" if match.re is _USERINFO else ""
    return f"{match.group(1)}{REDACTED}{end}"
