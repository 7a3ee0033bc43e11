"""Secrets: where a value is found, and that no error shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.secrets import SecretMissing, resolve


def test_a_variable_holds_the_secret() -> None:
    assert resolve("mail-password", {"SCHOOLWATCH_MAIL_PASSWORD": "s3cret\n"}) == "s3cret"


def test_only_the_final_newline_goes(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b" two\nlines \r\n")
    assert resolve("s", {"SCHOOLWATCH_S_FILE": str(tmp_path / "s")}) == " two\nlines "


def test_systemds_credentials_are_read(tmp_path: Path) -> None:
    (tmp_path / "facebook-token").write_text("abc\n", encoding="utf-8")
    assert resolve("facebook-token", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "abc"


def test_variable_then_file_then_credentials(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("credential", encoding="utf-8")
    (tmp_path / "f").write_text("file", encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert resolve("s", environ) == "credential"
    environ["SCHOOLWATCH_S_FILE"] = str(tmp_path / "f")
    assert resolve("s", environ) == "file"
    environ["SCHOOLWATCH_S"] = "variable"
    assert resolve("s", environ) == "variable"


def test_a_missing_secret_names_the_three_places() -> None:
    with pytest.raises(SecretMissing) as missing:
        resolve("mail-password", {})
    said = str(missing.value)
    assert "LoadCredential=mail-password:" in said
    assert "SCHOOLWATCH_MAIL_PASSWORD," in said
    assert "SCHOOLWATCH_MAIL_PASSWORD_FILE" in said


def test_a_file_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("old", encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SCHOOLWATCH_S_FILE": str(tmp_path / "none")}
    with pytest.raises(SecretMissing, match=r"cannot be read from SCHOOLWATCH_S_FILE \(No such file"):
        resolve("s", environ)


@pytest.mark.parametrize(("content", "said"), [(b"\n", "is empty"), (b"s3cret\xff", "is not UTF-8")])
def test_a_file_without_a_usable_value_is_said_without_it(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(SecretMissing, match=said) as missing:
        resolve("s", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "s3cret" not in str(missing.value)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "EAAB" * 20, "a" * 40, "x/y", "a\n"])
def test_what_is_no_name_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    with pytest.raises(SecretMissing) as missing:
        resolve(name, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert not name or name not in str(missing.value)
