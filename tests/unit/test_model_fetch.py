"""Fetching a model, from a real server on loopback and from a folder: whole and right, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.classifier import released
from monitor.classifier.models import ModelError, State, fetch, inspect
from monitor.classifier.released import RELEASED, ReleasedModel, RemoteFile
from monitor.cli.models import model as command

WEIGHTS = bytes(range(256)) * 4_000
WORDS = b"[PAD]\n[UNK]\n"


@dataclass
class Site:
    """What the server has and does. `cut_at`: bytes of an answer after which the connection breaks, once."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    cut_at: int | None = None
    ranges: bool = True
    status: int = 200
    moved_to: str | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def site() -> Iterator[Site]:
    here = Site(files={"/weights.ckpt": WEIGHTS, "/vocab.txt": WORDS})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            here.asked.append((self.path, asked))
            body = here.files.get(self.path, b"")
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and here.ranges else 0
            if here.moved_to is not None and self.path != here.moved_to:
                self.send_response(302)
                self.send_header("Location", here.moved_to)
                self.end_headers()
                return
            if begin >= len(body) > 0:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(here.status if here.status != 200 or not begin else 206)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - begin))
            self.end_headers()
            cut, here.cut_at = here.cut_at, None
            self.wfile.write(body[begin:][: cut if self.path == "/weights.ckpt" else None])
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.005,))
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def model(site: Site) -> ReleasedModel:
    def remote(name: str, content: bytes, digits: int) -> RemoteFile:
        return RemoteFile(name, site.url(f"/{name}"), hashlib.sha256(content).hexdigest()[:digits])

    return ReleasedModel(
        name="small",
        about="a small one",
        checkpoint=remote("weights.ckpt", WEIGHTS, 8),
        vocabulary=(remote("vocab.txt", WORDS, 64),),
        written={"config.json": "{}\n"},
        labels=("toxicity",),
    )


@dataclass
class Ear:
    told: list[tuple[str, int, int | None]] = field(default_factory=list)

    def __call__(self, name: str, done: int, total: int | None) -> None:
        self.told.append((name, done, total))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_fetched_model_is_whole_and_verified(model: ReleasedModel, tmp_path: Path) -> None:
    ear = Ear()
    assert inspect(model, tmp_path).state is State.ABSENT
    assert fetch(model, tmp_path, ear) == tmp_path / "small"
    assert names(tmp_path) == ["config.json", "vocab.txt", "weights.ckpt"]
    assert (tmp_path / "small" / "weights.ckpt").read_bytes() == WEIGHTS
    found = inspect(model, tmp_path)
    assert (found.state, found.files, found.size) == (State.VERIFIED, (), len(WEIGHTS) + len(WORDS) + 3)
    assert ear.told[-1] == ("weights.ckpt", len(WEIGHTS), len(WEIGHTS))


def test_what_is_there_and_right_is_not_asked_for_again(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    fetch(model, tmp_path, Ear())
    site.asked.clear()
    fetch(model, tmp_path, Ear())
    assert site.asked == []


def test_what_was_altered_is_fetched_again(model: ReleasedModel, tmp_path: Path) -> None:
    fetch(model, tmp_path, Ear())
    (tmp_path / "small" / "weights.ckpt").write_bytes(b"other")
    (tmp_path / "small" / "config.json").write_text("other")
    assert inspect(model, tmp_path).state is State.ALTERED
    fetch(model, tmp_path, Ear())
    assert inspect(model, tmp_path).state is State.VERIFIED


def test_a_broken_connection_leaves_no_file_and_the_next_attempt_goes_on(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    fetch(model, tmp_path, Ear())
    (tmp_path / "small" / "weights.ckpt").unlink()
    site.cut_at = 500_000
    with pytest.raises(ModelError, match=r"broke off after \d+ bytes of weights\.ckpt .* goes on from there"):
        fetch(model, tmp_path, Ear())
    assert names(tmp_path) == [".weights.ckpt.part", "config.json", "vocab.txt"]
    assert inspect(model, tmp_path).state is State.INCOMPLETE
    kept = (tmp_path / "small" / ".weights.ckpt.part").stat().st_size
    assert kept > 0
    ear = Ear()
    fetch(model, tmp_path, ear)
    assert site.asked[-1] == ("/weights.ckpt", f"bytes={kept}-")
    assert ear.told[-1] == ("weights.ckpt", len(WEIGHTS), len(WEIGHTS))
    assert names(tmp_path) == ["config.json", "vocab.txt", "weights.ckpt"]


def left_behind(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / ".weights.ckpt.part").write_bytes(content)


def test_a_server_that_cannot_go_on_is_asked_from_the_start(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    left_behind(tmp_path, WEIGHTS[:1000])
    site.ranges = False
    fetch(model, tmp_path, Ear())
    assert inspect(model, tmp_path).state is State.VERIFIED


def test_a_server_that_has_a_bad_day_costs_nothing_that_is_there(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    left_behind(tmp_path, WEIGHTS[:1000])
    (tmp_path / "small" / "vocab.txt").write_bytes(WORDS)
    site.status = 503
    with pytest.raises(ModelError, match="answered 503"):
        fetch(model, tmp_path, Ear())
    assert (tmp_path / "small" / ".weights.ckpt.part").read_bytes() == WEIGHTS[:1000]


@pytest.mark.parametrize("rest", [b"of another file" * 100, WEIGHTS + b"and more"])
def test_a_rest_that_belongs_to_another_file_is_thrown_away(
    site: Site, model: ReleasedModel, tmp_path: Path, rest: bytes
) -> None:
    left_behind(tmp_path, rest)
    fetch(model, tmp_path, Ear())
    assert inspect(model, tmp_path).state is State.VERIFIED


def test_bytes_that_were_not_released_never_get_the_name(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    site.files["/weights.ckpt"] = b"<html>Your school's filter says no</html>"
    with pytest.raises(
        ModelError, match=r"is not the released file: its SHA-256 begins with [0-9a-f]{8}, not"
    ) as said:
        fetch(model, tmp_path, Ear())
    assert "--from FOLDER" in str(said.value)
    assert "\n" not in str(said.value)
    assert names(tmp_path) == ["vocab.txt"]


def test_a_server_that_refuses_is_named_with_its_answer(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    site.status = 503
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 answered 503 for vocab\.txt; try again later"):
        fetch(model, tmp_path, Ear())
    assert names(tmp_path) == []


def test_a_server_that_is_not_there_is_said_in_one_sentence(model: ReleasedModel, tmp_path: Path) -> None:
    nowhere = RemoteFile("vocab.txt", "http://127.0.0.1:1/vocab.txt", "0" * 64)
    gone = ReleasedModel(
        name="small",
        about="",
        checkpoint=model.checkpoint,
        vocabulary=(nowhere,),
        written={},
        labels=(),
    )
    with pytest.raises(
        ModelError, match=r"127\.0\.0\.1 cannot be asked for vocab\.txt \(ConnectionError\); try again"
    ):
        fetch(gone, tmp_path, Ear())
    assert names(tmp_path) == []


def test_a_redirect_is_followed_as_the_releases_need_it(
    site: Site, model: ReleasedModel, tmp_path: Path
) -> None:
    site.files["/elsewhere"] = WORDS
    site.moved_to = "/elsewhere"
    with pytest.raises(
        ModelError, match=r"weights\.ckpt from"
    ):  # the vocabulary came, the weights are not there
        fetch(model, tmp_path, Ear())
    assert names(tmp_path) == ["vocab.txt"]


def test_two_fetches_at_once_do_not_mix_their_bytes(model: ReleasedModel, tmp_path: Path) -> None:
    import fcntl

    left_behind(tmp_path, b"")
    with (tmp_path / "small" / ".weights.ckpt.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="being fetched already"):
            fetch(model, tmp_path, Ear())


def test_an_offline_folder_serves_as_well(site: Site, model: ReleasedModel, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "weights.ckpt").write_bytes(WEIGHTS)
    with pytest.raises(ModelError, match=r"stick has no vocab\.txt; it must hold vocab\.txt, weights\.ckpt"):
        fetch(model, tmp_path / "models", Ear(), source=stick)
    (stick / "vocab.txt").write_bytes(WORDS)
    fetch(model, tmp_path / "models", Ear(), source=stick)
    assert inspect(model, tmp_path / "models").state is State.VERIFIED
    assert site.asked == []
    assert names(stick) == ["vocab.txt", "weights.ckpt"]


def test_a_wrong_file_in_an_offline_folder_is_refused(model: ReleasedModel, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "weights.ckpt").write_bytes(WEIGHTS[:-1])
    (stick / "vocab.txt").write_bytes(WORDS)
    with pytest.raises(ModelError, match=r"weights\.ckpt is not the released file"):
        fetch(model, tmp_path / "models", Ear(), source=stick)
    assert names(tmp_path / "models") == ["vocab.txt"]


def test_a_folder_that_cannot_be_written_is_said(model: ReleasedModel, tmp_path: Path) -> None:
    (tmp_path / "small").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="look at the disk, or name another folder with --to"):
        fetch(model, tmp_path, Ear())


@pytest.mark.parametrize("each", RELEASED.values(), ids=RELEASED)
def test_the_released_models_are_named_by_their_hashes(each: ReleasedModel) -> None:
    assert each.checkpoint.name.endswith(f"-{each.checkpoint.sha256}.ckpt")
    assert all(
        file.url.startswith("https://") and file.url.endswith(f"/{file.name}") for file in each.fetched
    )
    assert all(len(file.sha256) == 64 for file in each.vocabulary)
    assert json.loads(each.written["tokenizer_config.json"])["model_max_length"] == 512


def test_the_command_fetches_and_lists(
    model: ReleasedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, "RELEASED", {"small": model})
    to = ("--to", str(tmp_path))
    listed = CliRunner().invoke(command, ["list", "--json", *to])
    assert json.loads(listed.stdout) == {
        "name": "small",
        "state": "absent",
        "folder": str(tmp_path / "small"),
        "bytes": 0,
        "wrong": [],
    }
    fetched = CliRunner().invoke(command, ["fetch", "small", *to])
    assert fetched.stdout == f"small is in {tmp_path / 'small'}, verified\n"
    assert fetched.stderr == f"vocab.txt: {len(WORDS)} bytes\nweights.ckpt: {len(WEIGHTS)} bytes\n"
    assert json.loads(CliRunner().invoke(command, ["list", "--json", *to]).stdout)["state"] == "verified"
    assert "verified" in CliRunner().invoke(command, ["list", *to]).stdout


def test_without_to_the_models_stand_in_the_state_folder_of_the_settings(
    model: ReleasedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, "RELEASED", {"small": model})
    monkeypatch.chdir(tmp_path)
    for at, place in ((None, "state"), ("/etc/elsewhere", "/etc/elsewhere")):
        if at is not None:
            monkeypatch.setenv("SCHOOLWATCH_STATE_DIR", at)
        listed = CliRunner().invoke(command, ["list", "--json"])
        assert json.loads(listed.stdout)["folder"] == f"{place}/models/small"


def test_in_a_terminal_a_bar_is_shown(site: Site, model: ReleasedModel, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from monitor.classifier import released as r\n"
        "url, words, weights, to = sys.argv[1:]\n"
        "r.RELEASED = {'small': r.ReleasedModel(name='small', about='', labels=(), written={}, checkpoint="
        "r.RemoteFile('weights.ckpt', url + 'weights.ckpt', weights), "
        "vocabulary=(r.RemoteFile('vocab.txt', url + 'vocab.txt', words),))}\n"
        "from monitor.cli.models import model\n"
        "model.main(['fetch', 'small', '--to', to])\n"
    )
    hashes = (model.vocabulary[0].sha256, model.checkpoint.sha256)
    read, write = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-c", code, site.url("/"), *hashes, str(tmp_path)],
        stdout=write,
        stderr=write,
        stdin=write,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(write)
    said = b""
    try:
        while chunk := os.read(read, 4096):
            said += chunk
    except OSError:
        pass  # the terminal is gone when the program has ended
    os.close(read)
    assert done.wait(60) == 0
    shown = said.decode("utf-8", "replace")
    assert "━" in shown
    assert "1.0/1.0 MB" in shown
    assert "small is in" in shown
