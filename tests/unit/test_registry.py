"""The registry of connectors, with third parties installed as real distributions in a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.registry import (
    CONNECTORS,
    BrokenConnector,
    IncompatibleConnector,
    RegistryError,
    UnknownConnector,
    load,
    names,
)

MODULE = """
from connectors.base import Connector

class Reader(Connector):
    api = {api}
    def __init__(self, source, options, secrets): ...
    def streams(self): return ()
    def fetch(self, stream, checkpoint, now): raise NotImplementedError
    def check(self, now): raise NotImplementedError
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch):
    """Install a distribution that offers one connector."""

    def installed(name: str, module: str, source: str, target: str = "Reader") -> None:
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[schoolwatch.connectors]\n{name} = {module}:{target}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    monkeypatch.syspath_prepend(tmp_path)
    return installed


@pytest.mark.parametrize("platform", sorted(CONNECTORS))
def test_every_built_in_connector_loads(platform):
    assert issubclass(load(platform), Connector)
    assert platform in names()


def test_an_unknown_name_fails_loudly_and_tells_the_known_ones():
    with pytest.raises(UnknownConnector, match=r"'fediverse'.*feed, files.*\.$") as caught:
        load("fediverse")
    assert isinstance(caught.value, ValueError)


def test_a_third_party_adds_a_connector_by_an_entry_point(install):
    install("noticeboard", "sw_noticeboard", MODULE.format(api=1))
    assert "noticeboard" in names()
    assert load("noticeboard").__name__ == "Reader"


def test_a_third_party_cannot_take_over_a_built_in_name(install):
    install("feed", "sw_takeover", MODULE.format(api=1))
    assert load("feed").__module__ == "connectors.feed"


def test_a_connector_for_another_version_of_the_port_is_refused_by_name(install):
    install("future", "sw_future", MODULE.format(api=2))
    with pytest.raises(IncompatibleConnector, match=r"'future'.*version 2.*\.$"):
        load("future")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("import a_module_that_does_not_exist", "Reader"),
        ("raise RuntimeError('no display')", "Reader"),
        ("syntax error", "Reader"),
        (MODULE.format(api=1), "Missing"),
        ("Reader = object", "Reader"),
        ("Reader = 5", "Reader"),
    ],
    ids=["import", "runtime", "syntax", "attribute", "class", "value"],
)
def test_one_that_cannot_be_imported_gives_one_sentence(install, source, target):
    install("broken", "sw_broken", source, target)
    with pytest.raises(BrokenConnector, match=r"^The connector 'broken' .*\.$") as caught:
        load("broken")
    assert isinstance(caught.value, RegistryError)
    assert caught.value.__context__ is None


def test_asking_for_names_loads_no_connector():
    code = (
        "import sys\nfrom connectors.registry import names\nnames()\n"
        "sys.exit(bool({'requests', 'feedparser', 'connectors.feed', 'connectors.files'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
