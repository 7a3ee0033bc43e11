"""What the worker tells systemd, through both kinds of socket, and that it never dies of telling."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.systemd import Notifier


@pytest.fixture(params=["a path", "the abstract namespace"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = f"schoolwatch-{uuid.uuid4().hex}"
    abstract = request.param != "a path"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}" if abstract else str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening, f"@{name}" if abstract else str(tmp_path / "notify")


def test_every_word_arrives_as_systemd_wants_it(ear: tuple[socket.socket, str]) -> None:
    listening, address = ear
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.alive()
    notifier.status("3 schools watched;\nREADY=1")
    notifier.reloading(12345)
    notifier.stopping()
    assert [listening.recv(200).decode() for _ in range(5)] == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=3 schools watched; READY=1",
        "RELOADING=1\nMONOTONIC_USEC=12345",
        "STOPPING=1",
    ]


def test_without_systemd_nothing_is_said() -> None:
    notifier = Notifier({})
    notifier.ready()
    assert notifier.watchdog_s is None


def test_a_socket_that_nobody_hears_does_not_stop_the_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive()
    Notifier({"NOTIFY_SOCKET": "@" + "x" * 500}).alive()
    assert caplog.messages == ["systemd does not hear"] * 2


def test_an_ear_that_is_full_does_not_hold_the_worker(
    ear: tuple[socket.socket, str], caplog: pytest.LogCaptureFixture
) -> None:
    _, address = ear
    notifier = Notifier({"NOTIFY_SOCKET": address}, patience_s=0.01)
    while not caplog.messages:
        notifier.alive()
    assert caplog.messages == ["systemd does not hear"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("120000000", 120.0),
        ("500000", 0.5),
        ("", None),
        ("0", None),
        ("soon", None),
        ("²", None),
        ("-5", None),
    ],
)
def test_the_watchdogs_patience_is_read(given: str, seconds: float | None) -> None:
    assert Notifier({"WATCHDOG_USEC": given}).watchdog_s == seconds
