"""The layers over the installation's sections: SCHOOLWATCH_MAIL__HOST, SCHOOLWATCH_MAIL__HOST_FILE, then the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from config.fields import Folder, PublicUrl
from config.problems import Loc, Problem, sentence, unknown
from config.schema import Classifier, Database, MailServer, Worker
from config.secrets import PREFIX

PLACE: Final = "environment"
_BETWEEN: Final = "__"
_FILE: Final = "_FILE"

Layer = dict[str, tuple[Loc, str]]
"""Variables by name, without _FILE: the path of what each sets, and its value."""


class Installation(BaseSettings):
    """The sections that belong to the installation and not to a school."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter=_BETWEEN,
    )

    database: Database = Database()
    mail: MailServer
    worker: Worker = Worker()
    classifier: Classifier = Classifier()
    state_dir: Folder = Path("state")
    public_url: PublicUrl | None = None


class Variables(EnvSettingsSource):
    """pydantic-settings' environment source over given variables instead of the process's own."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


def known() -> dict[str, Loc]:
    """Every variable that sets something, to the path of what it sets."""
    paths: dict[str, Loc] = {}
    for name, field in Installation.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            for key in section.model_fields:
                paths[f"{PREFIX}{name}{_BETWEEN}{key}".upper()] = (name, key)
        else:
            paths[f"{PREFIX}{name}".upper()] = (name,)
    return paths


def read(
    table: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Installation | None, list[Problem], list[tuple[Loc, str]]]:
    """The installation's sections from the file's tables, under the files' values, under the variables.

    An empty variable counts as not set. Gives the problems of the environment, and those of the file as pairs of
    a path and a sentence, for the caller knows the lines. None where there is any.
    """
    variables, files, problems = _split(environ)
    origins = {loc: f"{name}{_FILE}" for name, (loc, _) in files.items()}
    origins |= {loc: name for name, (loc, _) in variables.items()}

    class Layered(Installation):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  replaced: they read the process's own
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """First wins."""
            return (
                Variables(settings_cls, {name: value for name, (_, value) in variables.items()}),
                Variables(settings_cls, {name: value for name, (_, value) in files.items()}),
                init_settings,
            )

    in_file: list[tuple[Loc, str]] = []
    try:
        found = Layered(**{"mail": {}, **table})
    except ValidationError as errors:
        for error in errors.errors(include_url=False, include_input=False):
            loc, said = error["loc"], sentence(error, Installation)
            if loc in origins:
                problems.append(Problem(PLACE, None, origins[loc], said))
            else:
                in_file.append((loc, said))
        return None, problems, in_file
    return (None if problems else found), problems, in_file


def _split(environ: Mapping[str, str]) -> tuple[Layer, Layer, list[Problem]]:
    """The variables' values, the values in the files that variables name, and what is wrong with either."""
    paths = known()
    variables: Layer = {}
    files: Layer = {}
    problems: list[Problem] = []
    for name, value in environ.items():
        base = name.removesuffix(_FILE)
        if not name.startswith(PREFIX) or not value:
            continue
        if name in paths:
            variables[name] = (paths[name], value)
        elif base in paths:
            try:
                files[base] = (paths[base], Path(value).read_text(encoding="utf-8").rstrip("\r\n"))
            except (OSError, ValueError):
                problems.append(
                    Problem(
                        PLACE,
                        None,
                        name,
                        "names a file that cannot be read; correct its path or permissions.",
                    )
                )
        elif base.removeprefix(PREFIX).lower() in Installation.model_fields:
            said = f"would set a whole section; set its keys one by one, such as {base}{_BETWEEN}..."
            problems.append(Problem(PLACE, None, name, said))
        elif _BETWEEN in name:
            # Only settings have two underscores; what has none may be a secret's own name.
            problems.append(Problem(PLACE, None, name, unknown(base, list(paths))))
    return variables, files, problems
