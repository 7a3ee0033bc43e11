"""What the terminal shows while the week is played: the story as it happens, and the days with their figures."""

from __future__ import annotations

from datetime import date, datetime
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitor.demo.play import Counts, Summary, Watcher
from monitor.demo.story import ZONE, Scene

_HEADS = ("day", "items", "flagged", "answered", "missed", "mails")


class Screen(Watcher):
    """A live table of days under the story; where there is no terminal, plain lines."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._days: dict[date, Counts] = {}
        self._start: Counts = Counts(alerts={})
        self._live = Live(self._table(), console=self._console, refresh_per_second=8, transient=False)

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._console.print(self._table())

    def scene(self, scene: Scene) -> None:
        """A turning point is told."""
        if scene.story:
            where = scene.on or "mail"
            line = Text.assemble((f"{scene.at:%a %H:%M}  ", "cyan"), (f"{where:9}", "dim"), scene.story)
            self._console.print(line)

    def stands(self, now: datetime, counts: Counts) -> None:
        """The day's row is brought up to date."""
        self._days[now.astimezone(ZONE).date()] = counts
        if self._console.is_terminal:
            self._live.update(self._table())

    def end(self, summary: Summary) -> None:
        """Where to look."""
        kinds = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in summary.alerts.items())
        self._console.print(
            Text(
                f"{summary.items} items, {summary.flagged} flagged, {summary.answered} answered, "
                f"{summary.missed} deadlines missed, {summary.mails} mails in {summary.seconds} s",
                "bold",
            )
        )
        self._console.print(Text(f"mails by kind: {kinds}"))
        self._console.print(
            Text(f"every mail, as people see it and as it was sent: {summary.mails_folder}"), soft_wrap=True
        )
        self._console.print(Text(f"the week for the senior leaders: {summary.digest}"), soft_wrap=True)

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for head in _HEADS:
            table.add_column(head, justify="left" if head == "day" else "right")
        before = self._start
        for day, counts in self._days.items():
            row = [
                counts.items - before.items,
                counts.flagged - before.flagged,
                counts.answered - before.answered,
                counts.missed - before.missed,
                counts.mails - before.mails,
            ]
            table.add_row(f"{day:%a %d %b}", *(str(number) for number in row))
            before = counts
        return table
