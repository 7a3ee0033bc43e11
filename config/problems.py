"""What is wrong with the settings, in sentences that a school's technician can act on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

Loc = tuple[str | int, ...]

_ARRAYS: Final = frozenset({"people", "accounts", "watches"})

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing; add it.",
    "string_type": "must be text in quotes.",
    "int_type": "must be a whole number.",
    "int_parsing": "must be a whole number.",
    "int_parsing_size": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "finite_number": "must be a whole number.",
    "bool_type": "must be true or false.",
    "bool_parsing": "must be true or false.",
    "greater_than_equal": "must be {ge} or more.",
    "less_than_equal": "must be {le} or less.",
    "literal_error": "must be one of {expected}.",
    "enum": "must be one of {expected}.",
    "tuple_type": "must be a list in square brackets.",
    "model_type": "must be a table of its own.",
    "mapping_type": "must be a table of its own.",
    "dict_type": "must be a table of its own.",
    "model_attributes_type": "must be a table of its own.",
    "too_short": "must not be empty.",
    "too_long": "must have at most {max_length} entries.",
    "path_type": "must be a path in quotes.",
}
"""By pydantic's type of error. None repeats the value: it may be a secret in the wrong place."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `file` as it was given, or "environment"; `line` from 1, where it is known.

    `sentence` reads on from `key_path`, or stands alone where there is no key path.
    """

    file: str
    line: int | None
    key_path: str
    sentence: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key_path}: {self.sentence}" if self.key_path else f"{place}: {self.sentence}"


class ConfigError(ValueError):
    """The settings cannot be used. Holds every problem at once; its text has one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def key_path(loc: Loc) -> str:
    """A path as people write it: accounts[1].staff, counted from 0; a key with a dot in it is in quotes."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + (f'"{part}"' if "." in part else part)
    return path


def sentence(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One sentence for one of pydantic's errors, `model` being what was validated."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return unknown(str(error["loc"][-1]), _names(model, error["loc"][:-1]))
    if kind == "tuple_type" and error["loc"] and error["loc"][-1] in _ARRAYS:
        return f"must stand as [[{error['loc'][-1]}]] with double brackets, once for each."
    template = _SENTENCES.get(kind)
    return template.format_map(context) if template else "has a value that cannot be used; see example.toml."


def unknown(name: str, known: Sequence[str]) -> str:
    """The sentence for a key that no setting has."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f'is no setting; did you mean "{near[0]}"?'
    return (
        f"is no setting here; remove it, or choose from: {', '.join(known)}." if known else "is no setting."
    )


def _names(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that are allowed in the table at a path."""
    found: type[BaseModel] | None = model
    any_key = False  # the next part is a key of a mapping, whose values are of the model found
    for part in loc:
        if isinstance(part, int) or found is None or any_key:
            any_key = False
            continue
        fields = {(field.alias or name): field for name, field in found.model_fields.items()}
        annotation = fields[part].annotation if part in fields else None
        found, any_key = _model_in(annotation), get_origin(annotation) is Mapping
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as `Hours` or `tuple[Person, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
