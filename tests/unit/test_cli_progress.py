"""How far `score` is: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.cli.progress import comments


def clock(*times: float) -> Iterator[float]:
    return iter(times)


def test_a_log_gets_a_line_every_half_minute_with_share_and_speed(capsys: pytest.CaptureFixture[str]) -> None:
    times = clock(0.0, 10.0, 31.0, 40.0, 70.0)
    with comments(2000, lambda: next(times)) as heard:
        for _ in range(4):
            heard(1500, 400)
    assert capsys.readouterr().err.splitlines() == [
        "3,000 comments judged, 40% of all; 97 a second",
        "6,000 comments judged, 80% of all; 86 a second",
    ]


def test_of_a_pipe_nobody_knows_the_share(capsys: pytest.CaptureFixture[str]) -> None:
    times = clock(0.0, 50.0)
    with comments(None, lambda: next(times)) as heard:
        heard(100, 400)
    assert capsys.readouterr().err == "100 comments judged; 2 a second\n"
