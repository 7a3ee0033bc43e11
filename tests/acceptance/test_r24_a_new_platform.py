"""R24: equal standards whatever the medium: a new platform is one small file, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.outside import Outside

CONNECTOR = '''
"""A noticeboard whose messages are lines of a text file."""

from pathlib import Path

from connectors.base import Connector, Health, Options, Page
from connectors.item import Item, ItemKind


class BoardOptions(Options):
    board: Path


class Board(Connector):
    options_model = BoardOptions

    def __init__(self, source, options, secrets):
        self._source, self._board = source, options.board

    def streams(self):
        return ("messages",)

    def fetch(self, stream, checkpoint, now):
        items = tuple(
            Item(platform="noticeboard", account=self._source.name, external_id=f"line-{n}",
                 kind=ItemKind.COMMENT, text=line, created_at=now)
            for n, line in enumerate(self._board.read_text().splitlines())
        )
        return Page(items=items, checkpoint={"version": 1})

    def check(self, now):
        return Health(ok=self._board.exists(), detail="the board")
'''

ACCOUNT = """
[[accounts]]
name = "hall"
platform = "noticeboard"
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2026-09-01
[accounts.options]
board = "{board}"
"""


def install(folder: Path) -> None:
    """What pip would leave behind: the module, and its entry point."""
    (folder / "noticeboard.py").write_text(CONNECTOR, encoding="utf-8")
    info = folder / "noticeboard-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: noticeboard\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(
        "[schoolwatch.connectors]\nnoticeboard = noticeboard:Board\n", encoding="utf-8"
    )


def test_r24_a_platform_of_one_small_file_is_watched_judged_and_mailed_like_any_other(
    oakfield: Outside,
) -> None:
    packages = oakfield.folder / "packages"
    packages.mkdir()
    install(packages)
    oakfield.environ["PYTHONPATH"] = str(packages)
    board = oakfield.folder / "board.txt"
    board.write_text(
        "When is sports day?\nThe head is a stupid idiot and a pathetic moron.\n", encoding="utf-8"
    )
    oakfield.settle(ACCOUNT.format(board=board))

    checked = oakfield.run("check", "--config", oakfield.config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert oakfield.once()["items_new"] == 2
    assert len(oakfield.sink.to("one")) == 1
    cases = oakfield.cases()
    assert {one["platform"] for one in cases.values()} == {"noticeboard"}
    assert cases["line-0"]["due_at"] is not None


def test_r24_a_platform_that_nobody_knows_is_refused_with_a_sentence(oakfield: Outside) -> None:
    oakfield.settle(ACCOUNT.format(board="/nowhere"))
    done = oakfield.run("check", "--offline", "--config", oakfield.config)
    assert done.returncode == 78
    assert "noticeboard" in done.stderr
    assert "Traceback" not in done.stderr
