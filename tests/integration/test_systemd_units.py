"""The systemd units, as systemd itself reads them: nothing unknown in them, and little that they may do."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

UNITS = Path(str(files("config"))) / "systemd"
SERVICES = ("schoolwatch.service", "schoolwatch-failed.service", "schoolwatch-alive.service")
MOST_EXPOSED = 1.5
FROM_254 = {"restart-steps.conf.example"}
"""Examples for a systemd newer than Debian 12's, whose own does not know their keys."""


@pytest.fixture(scope="module")
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.fail(
            "systemd-analyze is not here: apt-get install --no-install-recommends systemd", pytrace=False
        )
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine's root with the units installed as docs/install.md says, and the programs that they name."""
    shutil.copytree("/usr/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    installed = tmp_path / "etc/systemd/system"
    installed.mkdir(parents=True)
    for unit in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        shutil.copy(unit, installed)
    for folder in UNITS.glob("schoolwatch*.d"):
        shutil.copytree(folder, installed / folder.name)
    for kind in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(UNITS / kind, tmp_path / "etc" / kind)
    for program in ("opt/schoolwatch/bin/schoolwatch", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True)
        (tmp_path / program).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / program).chmod(0o755)
    return tmp_path


def asked(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )


def use_examples(root: Path, leave_out: set[str]) -> None:
    for example in (root / "etc/systemd/system").rglob("*.conf.example"):
        if example.name not in leave_out:
            example.rename(example.with_suffix(""))


def exposure(analyze: str, root: Path, unit: str) -> float:
    done = asked(analyze, "security", "--offline=true", "--no-pager", f"--root={root}", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stderr
    return float(found[1])


def setting(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def test_systemd_finds_nothing_wrong_with_the_units(analyze: str, root: Path) -> None:
    done = asked(analyze, "verify", f"--root={root}", *SERVICES, "schoolwatch-alive.timer")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_nothing_wrong_with_the_examples(analyze: str, root: Path) -> None:
    version = re.search(r"systemd (\d+)", asked(analyze, "--version").stdout)
    assert version is not None
    use_examples(root, leave_out=set() if int(version[1]) >= 254 else FROM_254)
    done = asked(analyze, "verify", f"--root={root}", *SERVICES)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", SERVICES)
def test_the_services_may_do_little(analyze: str, root: Path, unit: str) -> None:
    assert exposure(analyze, root, unit) <= MOST_EXPOSED


def test_the_exception_for_the_detoxify_engine_is_a_small_one(analyze: str, root: Path) -> None:
    use_examples(root, leave_out=FROM_254)
    assert exposure(analyze, root, "schoolwatch.service") <= MOST_EXPOSED


def test_the_worker_is_started_for_ever_but_not_with_wrong_settings_of_which_people_hear() -> None:
    text = (UNITS / "schoolwatch.service").read_text(encoding="utf-8")
    assert setting(text, "Restart") == ["always"]
    assert setting(text, "StartLimitIntervalSec") == ["0"]
    assert setting(text, "RestartPreventExitStatus") == ["78 CREDENTIALS"]
    assert setting(text, "OnFailure") == ["schoolwatch-failed.service"]
    assert (UNITS / "schoolwatch-failed.service").exists()


def test_every_line_of_the_sandbox_has_its_reason_and_holds_for_all_three_services() -> None:
    worker = (UNITS / "schoolwatch.service").read_text(encoding="utf-8")
    others = (UNITS / "schoolwatch-.service.d/10-sandbox.conf").read_text(encoding="utf-8")
    hardening = worker.partition("# --- Hardening")[2].partition("[Install]")[0]
    lines = [line for line in hardening.splitlines()[1:] if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if line not in others.splitlines()] == []
    # No more than six lines under one reason.
    assert max(len(block.splitlines()) for block in re.split(r"\n#.*", hardening)) <= 7


def test_user_and_folders_are_made_as_the_units_want_them(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="utf-8")
    (root / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
    done = asked("systemd-sysusers", f"--root={root}")
    assert done.returncode == 0, done.stderr
    user = next(
        line
        for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines()
        if "schoolwatch" in line
    )
    assert user.endswith(":/var/lib/schoolwatch:/usr/sbin/nologin")
    text = (UNITS / "schoolwatch.service").read_text(encoding="utf-8")
    assert setting(text, "User") == setting(text, "Group") == [user.partition(":")[0]]


def test_the_units_go_into_the_wheel_with_their_package() -> None:
    wheel = tomllib.loads((UNITS.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    target = wheel["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "config" in target["packages"]
    assert not [left_out for left_out in target["exclude"] if left_out.startswith("config")]
