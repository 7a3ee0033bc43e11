"""The documentation is true: every option, command and file that it names exists, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from config.judgement import ALWAYS_ON, Judgement, PresetName
from connectors import registry
from monitor.cli import _COMMANDS

ROOT = Path(__file__).parents[2]
HIDDEN_OPTIONS = {"api_url"}
"""For the simulators only; no school sets it."""


def section(platform: str) -> str:
    text = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
    return text.split(f"## {platform}:")[1].split("\n## ")[0]


@pytest.mark.parametrize("platform", registry.CONNECTORS)
def test_every_option_of_a_connector_is_documented_and_no_other(platform: str) -> None:
    documented = set(re.findall(r"^\| `(\w+)`", section(platform), re.MULTILINE))
    options = set(registry.load(platform).options_model.model_fields) - HIDDEN_OPTIONS
    assert documented == options


@pytest.mark.parametrize("platform", registry.CONNECTORS)
def test_every_secret_of_a_connector_is_documented(platform: str) -> None:
    kind = registry.load(platform)
    for name in (*kind.secret_names, *kind.optional_secret_names):
        assert f"`{name}`" in section(platform)


def test_every_command_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in _COMMANDS if name not in readme] == []


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/install.md",
        "docs/connectors.md",
        "docs/detoxify.md",
        "docs/judgement.md",
    ],
)
def test_every_file_that_a_page_links_to_exists(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []


def test_every_setting_of_judgement_and_every_category_that_stays_on_is_documented() -> None:
    text = (ROOT / "docs" / "judgement.md").read_text(encoding="utf-8")
    assert [name for name in Judgement.model_fields if name not in text] == []
    assert [name for name in (*ALWAYS_ON, *get_args(PresetName)) if f"`{name}`" not in text] == []
