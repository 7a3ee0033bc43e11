"""Tables: drawn in a terminal, plain lines for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Shown:
    """A table of words: one row a thing, which its first cell names."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def show(tables: Iterable[Shown]) -> None:
    """Print each table that has rows."""
    for table in tables:
        if table.rows:
            _draw(table) if sys.stdout.isatty() else _say(table)


def _say(table: Shown) -> None:
    click.echo(f"{table.title}:")
    for name, *cells in table.rows:
        said = ", ".join(f"{head} {cell}" for head, cell in zip(table.heads[1:], cells, strict=True))
        click.echo(f"  {name}: {said}")


def _draw(table: Shown) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=table.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(table.heads):
        drawn.add_column(head, overflow="fold", justify="right" if number else "left")
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)
