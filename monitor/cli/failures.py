"""What a failure says to the person at the terminal, and the exit code it gives (sysexits.h)."""

from __future__ import annotations

import os
import traceback

import click

USAGE, BAD_DATA, NO_INPUT, SOFTWARE, OS_ERROR, TRY_LATER, CONFIG = 64, 65, 66, 70, 71, 75, 78


class Failure(Exception):
    """A sentence for the person at the terminal, and the exit code."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


_CODES = {
    "ConfigError": CONFIG,
    "SecretMissing": CONFIG,
    "DatabaseInUse": TRY_LATER,
    "NewerDatabase": CONFIG,
    "EngineError": SOFTWARE,
    "TrainError": BAD_DATA,
    "LabelledError": BAD_DATA,
    "NothingFlagged": USAGE,
    "NotTheirs": 77,
    "OperationalError": OS_ERROR,
    "DatabaseError": OS_ERROR,
}
"""By the class's name: to know the classes would mean to import all rooms before the first word."""


def sentence_and_code(err: BaseException) -> tuple[str, int]:
    """One sentence and an exit code for any failure. SCHOOLWATCH_DEBUG=1 adds the traceback."""
    if os.environ.get("SCHOOLWATCH_DEBUG"):
        traceback.print_exception(err)
    if isinstance(err, Failure):
        return f"schoolwatch: {err}", err.code
    if isinstance(err, click.exceptions.Abort):
        return "schoolwatch: stopped", 130
    if isinstance(err, click.ClickException):
        context = getattr(err, "ctx", None)
        where = f" (see `{context.command_path} --help`)" if context else ""
        return f"schoolwatch: {err.format_message()}{where}", err.exit_code
    name = type(err).__name__
    if name in ("OperationalError", "DatabaseError"):
        return (
            f"schoolwatch: the database cannot be used: {str(getattr(err, 'orig', err)).splitlines()[0]}",
            OS_ERROR,
        )
    if name in _CODES:
        return str(err) if name == "ConfigError" else f"schoolwatch: {err}", _CODES[name]
    if isinstance(err, OSError):
        return f"schoolwatch: {err.strerror or err}{f': {err.filename}' if err.filename else ''}", OS_ERROR
    return (
        f"schoolwatch: an unexpected fault ({name}); run again with SCHOOLWATCH_DEBUG=1 and report what it says",
        SOFTWARE,
    )
