"""Where a secret's value is found. The configuration only ever holds its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PREFIX: Final = "SCHOOLWATCH_"

NAME: Final = re.compile(r"[a-z][a-z0-9]{0,23}(?:[-_][a-z0-9]{1,24})*")
"""A secret's name, whole. No long run without a hyphen: a token that was pasted for a name is not one."""

LONGEST_NAME: Final = 64


class SecretMissing(LookupError):
    """No value can be had for a secret. The message is one sentence and never holds a value."""


def is_name(text: str) -> bool:
    """May a secret be called so?"""
    return len(text) <= LONGEST_NAME and NAME.fullmatch(text) is not None


def variable(name: str) -> str:
    """The environment variable that holds, or with `_FILE` points to, the secret of this name."""
    return PREFIX + name.upper().replace("-", "_")


def resolve(name: str, environ: Mapping[str, str]) -> str:
    """The value of a secret, without its final newline.

    Looked for in this order: the variable SCHOOLWATCH_<NAME>, the file that SCHOOLWATCH_<NAME>_FILE names, the
    file <name> in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=). A file that is named but cannot be read is
    an error, not a reason to look further: a rotated secret must not fall back to an old one unseen.

    Raises SecretMissing where there is none, or an empty one.
    """
    if not is_name(name):
        # The text is not repeated: it may be the secret itself.
        raise SecretMissing("A secret is asked for by something that is no name; use lower case and hyphens.")
    inline = variable(name)
    value = environ.get(inline)
    if value:
        return _stripped(value, name, inline)
    pointed = environ.get(f"{inline}_FILE")
    if pointed:
        return _read(Path(pointed), name, f"{inline}_FILE")
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (Path(folder) / name).exists():
        return _read(Path(folder) / name, name, f"$CREDENTIALS_DIRECTORY/{name}")
    raise SecretMissing(
        f'The secret "{name}" is not set: give it to systemd as LoadCredential={name}:/path, or set {inline}, '
        f"or set {inline}_FILE to a file that holds it."
    )


def _read(path: Path, name: str, place: str) -> str:
    """The content of a secret's file. Raises SecretMissing."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SecretMissing(
            f'The secret "{name}" cannot be read from {place} ({reason}): correct the path or its permissions.'
        ) from None
    except ValueError:
        # Bytes that are no UTF-8, or a path with a NUL in it; the error's own text would show a part of them.
        raise SecretMissing(f'The secret "{name}" in {place} is not UTF-8 text: write it again.') from None
    return _stripped(text, name, place)


def _stripped(value: str, name: str, place: str) -> str:
    """The value without one final newline. Raises SecretMissing on an empty one."""
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretMissing(f'The secret "{name}" is empty in {place}: put its value there.')
    return value
