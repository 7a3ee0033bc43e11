"""Reads the settings: one TOML file, schools.d beside it, and the environment, into one frozen tree.

    schoolwatch.toml      the installation's sections, and one school's unless all are in schools.d
    schools.d/*.toml      one school each, the same schema without the installation's sections
    SCHOOLWATCH_...       over the installation's sections (config.environment)

`load` finds every problem in all of them before it complains.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from config import environment
from config.checks import Finding, school_findings, secret_findings
from config.judgement import Judgement
from config.problems import ConfigError, Loc, Problem, key_path, sentence, unknown
from config.schema import (
    Account,
    Classifier,
    Closure,
    Database,
    Deadline,
    Digest,
    Hours,
    MailServer,
    Person,
    Role,
    School,
    Settings,
    Watch,
    Worker,
)
from config.toml_lines import key_lines, line_of

__all__ = [
    "Account",
    "Classifier",
    "Closure",
    "ConfigError",
    "Database",
    "Deadline",
    "Digest",
    "Hours",
    "Judgement",
    "MailServer",
    "Person",
    "Problem",
    "Role",
    "School",
    "Settings",
    "Watch",
    "Worker",
    "load",
]

SCHOOLS_FOLDER: Final = "schools.d"
SCHOOL_KEYS: Final = ("id", "name", "nation", "timezone", "language")
"""The fields of a school that stand in its file's [school]; the others are sections of their own."""
SCHOOL_SECTIONS: Final = (
    "school",
    "hours",
    "deadline",
    "digest",
    "people",
    "accounts",
    "watches",
    "routes",
    "judgement",
)
INSTALLATION_SECTIONS: Final = ("database", "mail", "worker", "classifier", "state_dir", "public_url")
_STAND_IN: Final = {"id": "stand-in", "name": "Stand-in", "nation": "ENG"}
"""For a [school] that is no table, so that the other sections are looked at all the same."""

_TIME_WITHOUT_QUOTES: Final = re.compile(r"=[ \t]*\d{1,2}:\d{2}[ \t]*(?:#.*)?$")
_TOMLS_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True)
class _File:
    """One file as read: its name as it was given, its text and its tables."""

    name: str
    text: str
    table: Mapping[str, Any]

    @cached_property
    def _lines(self) -> dict[Loc, int]:
        return key_lines(self.text)

    def problem(self, loc: Loc, said: str) -> Problem:
        """A problem at a path of this file, with its line."""
        return Problem(self.name, line_of(self._lines, loc), key_path(loc), said)


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of the main file, of schools.d beside it, and of the environment given.

    A relative state_dir counts from the main file's folder. Raises ConfigError with all problems at once.
    """
    problems: list[Problem] = []
    main = _read(path, problems)
    schools: dict[str, tuple[str, School]] = {}
    installation = None
    if main is not None:
        installation = _installation(main, environ, problems)
        if any(section in main.table for section in SCHOOL_SECTIONS):
            _add(_school(main, problems), main, schools, problems)
    others = _others(path, problems)
    for other in others:
        file = _read(other, problems)
        if file is not None:
            _refuse_unknown(file, SCHOOL_SECTIONS, problems)
            _add(_school(file, problems), file, schools, problems)
    if main is not None and not schools and not problems:
        problems.append(
            Problem(str(path), None, "", "Has no school; add [school] here or a file in schools.d.")
        )
    if problems or installation is None:
        raise ConfigError(problems)
    sections = {name: getattr(installation, name) for name in INSTALLATION_SECTIONS}
    sections["state_dir"] = path.absolute().parent / installation.state_dir
    return Settings(schools=tuple(school for _, school in schools.values()), **sections)


def _read(path: Path, problems: list[Problem]) -> _File | None:
    """One file's text and tables; what stands in the way goes to `problems`."""
    name = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = (
            "write one with `schoolwatch init`."
            if isinstance(error, FileNotFoundError)
            else "correct that first."
        )
        problems.append(Problem(name, None, "", f"Cannot be read ({reason}); {hint}"))
        return None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(name, line, "", "Has a sign that is not UTF-8; save the file as UTF-8."))
        return None
    try:
        return _File(name, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax(name, text, str(error)))
    except RecursionError:
        problems.append(Problem(name, None, "", "Is nested too deeply; compare it with example.toml."))
    return None


def _syntax(name: str, text: str, said: str) -> Problem:
    """tomllib's complaint as a sentence with its line."""
    found = _TOMLS_PLACE.search(said)
    lines = text.split("\n")
    line = int(found[1]) if found and found[1] else len(lines)
    if line <= len(lines) and _TIME_WITHOUT_QUOTES.search(lines[line - 1]):
        return Problem(name, line, "", 'Has a time without quotes; write it as "08:30".')
    reason = _TOMLS_PLACE.sub("", said)
    return Problem(
        name, line, "", f"Is not TOML here: {reason[:1].lower()}{reason[1:]}; compare with example.toml."
    )


def _others(path: Path, problems: list[Problem]) -> list[Path]:
    """The schools' own files, in the order of their names."""
    folder = path.parent / SCHOOLS_FOLDER
    try:
        return (
            sorted(other for other in folder.iterdir() if other.suffix == ".toml") if folder.exists() else []
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problems.append(Problem(str(folder), None, "", f"Cannot be read ({reason}); correct that first."))
        return []


def _installation(
    file: _File, environ: Mapping[str, str], problems: list[Problem]
) -> environment.Installation | None:
    """The installation's sections. None when something is wrong with them."""
    _refuse_unknown(file, (*INSTALLATION_SECTIONS, *SCHOOL_SECTIONS), problems)
    table = {name: file.table[name] for name in INSTALLATION_SECTIONS if name in file.table}
    found, in_environment, in_file = environment.read(table, environ)
    problems.extend(in_environment)
    _report(file, secret_findings(table), in_file, problems)
    return found


def _school(file: _File, problems: list[Problem]) -> School | None:
    """The one school of a file. None when something is wrong with it."""
    table = {name: file.table[name] for name in SCHOOL_SECTIONS if name in file.table}
    secrets, fitting = [*secret_findings(table)], school_findings(table)
    school, shape = _validated(table)
    said = dict(fitting)  # of two sentences about one key, the one that knows the other keys says more
    findings = [*fitting, *(finding for finding in shape if finding[0] not in said)]
    _report(file, secrets, findings, problems)
    return None if findings or secrets else school


def _validated(table: Mapping[str, Any]) -> tuple[School | None, list[Finding]]:
    """A school's tables by the schema, and what the schema refuses, at the paths of the file."""
    own = table.get("school", {})
    if not isinstance(own, Mapping):
        _, findings = _validated({**table, "school": _STAND_IN})
        return None, [(("school",), "must be a table of its own."), *findings]
    findings = [(("school", key), unknown(key, SCHOOL_KEYS)) for key in own if key not in SCHOOL_KEYS]
    sections = {name: value for name, value in table.items() if name != "school"}
    fields = {key: value for key, value in own.items() if key in SCHOOL_KEYS}
    try:
        return School.model_validate({**fields, **sections}), findings
    except ValidationError as errors:
        for error in errors.errors(include_url=False, include_input=False):
            loc = tuple(
                part for part in error["loc"] if part != "[key]"
            )  # pydantic's mark of a mapping's key
            findings.append((("school", *loc) if loc[0] in SCHOOL_KEYS else loc, sentence(error, School)))
        return None, findings


def _add(
    school: School | None, file: _File, schools: dict[str, tuple[str, School]], problems: list[Problem]
) -> None:
    """Keeps a school, unless another file has its id."""
    if school is None:
        return
    if school.id in schools:
        earlier = schools[school.id][0]
        problems.append(file.problem(("school", "id"), f'is "{school.id}", as in {earlier}; choose another.'))
        return
    schools[school.id] = (file.name, school)


def _refuse_unknown(file: _File, known: tuple[str, ...], problems: list[Problem]) -> None:
    for key in file.table:
        if key in INSTALLATION_SECTIONS and key not in known:
            problems.append(
                file.problem((key,), "belongs to the whole installation; move it to the main file.")
            )
        elif key not in known:
            problems.append(file.problem((key,), unknown(key, known)))


def _report(
    file: _File, secrets: Iterable[Finding], findings: Iterable[Finding], problems: list[Problem]
) -> None:
    """Adds the findings in the order of their lines. What else is wrong with a key that holds a secret is not said."""
    hidden = dict(secrets)
    others = dict.fromkeys(finding for finding in findings if finding[0] not in hidden)
    found = [file.problem(loc, said) for loc, said in (*hidden.items(), *others)]
    problems.extend(sorted(found, key=lambda problem: problem.line or 0))
