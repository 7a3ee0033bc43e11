"""The sentences for codes. The domain gives reasons as codes; only this package knows how a person reads them.

One folder a language, one TOML file a section, one table a part of it: `errors.toml` with `[cause]` is the section
"errors.cause". A file without tables is one section. A second language is a second folder.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

DEFAULT_LANGUAGE: Final = "en"
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@cache
def sections(language: str = DEFAULT_LANGUAGE) -> Mapping[str, Mapping[str, str]]:
    """Every section of a language with its sentences. An unknown language is answered in English."""
    found: dict[str, dict[str, str]] = {}
    folder = files(__package__) / language
    if not re.fullmatch(r"[a-z]{2,3}", language) or not folder.is_dir():
        return sections(DEFAULT_LANGUAGE)
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        stem = file.name.removesuffix(".toml")
        for key, value in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(value, str):
                found.setdefault(stem, {})[key] = value
            else:
                found.setdefault(f"{stem}.{key}", {}).update(value)
    return MappingProxyType({name: MappingProxyType(words) for name, words in found.items()})


def knows(language: str, section: str, code: str) -> bool:
    """Is there a sentence for the code?"""
    return code in sections(language).get(section, {})


def sentence(language: str, section: str, code: str, **params: object) -> str:
    """The words for a code, with `params` filled in.

    Never raises: an unknown code, or one whose parameters are missing, reads as itself with spaces for
    underscores; what is already a sentence (a connector's own words) comes back as it is.
    """
    words = sections(language).get(section, {}).get(code)
    if words is not None:
        try:
            return words.format_map(params)
        except (KeyError, IndexError, ValueError, AttributeError):
            pass  # a wrong template must not stop a mail; the unit tests find it
    return readable(code)


def counted(language: str, section: str, code: str, number: int, **params: object) -> str:
    """The words for one or for many: the code with `_one` or `_many`, `{n}` being the number."""
    form = "one" if number == 1 else "many"
    return sentence(language, section, f"{code}_{form}", n=f"{number:,}", **params)


def readable(code: str) -> str:
    """A code as a person may read it: `quota_exhausted` becomes `quota exhausted`. Anything else stays."""
    return code.replace("_", " ") if _CODE.fullmatch(code) else code
