"""The program from outside, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.acceptance.outside import Outside, outside


@pytest.fixture
def oakfield(tmp_path: Path) -> Iterator[Outside]:
    """A school on SQLite."""
    with outside(tmp_path) as school:
        yield school


@pytest.fixture
def oakfield_anywhere(tmp_path: Path, database_url: URL) -> Iterator[Outside]:
    """A school on each of the databases."""
    with outside(tmp_path) as school:
        school.database = database_url.render_as_string(hide_password=False)
        school.settle()
        yield school
