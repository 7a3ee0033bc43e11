"""Watches that no credential is seen: in what a connector gives, raises or logs, and in the addresses it asks for."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from connectors.base import Connector, Page


def leaked(text: str, secrets: Iterable[str]) -> bool:
    return any(form in text for secret in secrets for form in (secret, quote(secret, safe="")))


def chain(err: BaseException | None) -> Iterator[BaseException]:
    """The exception with all that it was raised from or while handling."""
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__


def watched(kind: type[Connector], secrets: Iterable[str]) -> type[Connector]:
    """The connector, with every answer and every exception looked through."""

    def looked_through(action: Callable[..., Any], *given: Any, **details: Any) -> Any:
        try:
            result = action(*given, **details)
        except Exception as err:
            told = [*traceback.format_exception(err), *(repr(vars(one)) + str(one) for one in chain(err))]
            assert not [line for line in told if leaked(line, secrets)], "a credential in an exception"
            raise
        told = [repr(result)]
        if isinstance(result, Page):
            told += [json.dumps(result.checkpoint), *(json.dumps(item.raw) for item in result.items)]
            told += [part.raw.decode() for part in result.partial_errors]
        assert not [line for line in told if leaked(line, secrets)], "a credential in an answer"
        return result

    class Watched(kind):  # type: ignore[misc, valid-type]
        def fetch(self, *given: Any) -> Any:
            return looked_through(super().fetch, *given)

        def refresh(self, *given: Any) -> Any:
            return looked_through(super().refresh, *given)

        def check(self, *given: Any) -> Any:
            return looked_through(super().check, *given)

        def moderate(self, *given: Any, **details: Any) -> None:
            looked_through(super().moderate, *given, **details)

    return Watched


def silent_log(
    caplog: pytest.LogCaptureFixture, secrets: Iterable[str], loggers: Iterable[str] = ()
) -> Iterator[None]:
    """The body of an autouse fixture: every logger at DEBUG, also those named, which have a level of their own; and
    afterwards no line with a credential."""
    caplog.set_level(logging.DEBUG)
    for name in loggers:
        caplog.set_level(logging.DEBUG, logger=name)
    yield
    lines = [record.getMessage() + str(record.__dict__) for record in caplog.get_records("call")]
    assert not [line for line in lines if leaked(line, secrets)], "a credential in the log"
