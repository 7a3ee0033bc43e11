"""Two schools with the same remote ids in one database: no read crosses, in store, command line or mail."""

from __future__ import annotations

import json

from tests.acceptance.outside import SETTINGS, Outside

INSULT = "The head is a stupid idiot and a pathetic moron."


def test_two_schools_with_the_same_ids_never_see_each_others_items_cases_or_mails(
    oakfield_anywhere: Outside,
) -> None:
    trust = oakfield_anywhere
    other = (
        SETTINGS[SETTINGS.index("[school]") :].replace("oakfield", "ashdown").replace("Oakfield", "Ashdown")
    )
    (trust.folder / "schools.d").mkdir()
    (trust.folder / "schools.d" / "ashdown.toml").write_text(other, encoding="utf-8")
    rows = {
        "oakfield": trust.write(
            "oak.jsonl", {"external_id": "1", "text": INSULT}, {"external_id": "2", "text": "Is it Friday?"}
        ),
        "ashdown": trust.write("ash.jsonl", {"external_id": "1", "text": "Where do we park?"}),
    }
    for school, path in rows.items():
        done = trust.run("once", "--config", trust.config, "--school", school, "--items", path)
        assert done.returncode == 0, done.stderr

    def cases(school: str) -> dict[str, str]:
        done = trust.run("cases", "--config", trust.config, "--school", school, "--all", "--json")
        return {one["external_id"]: one["severity"] for one in map(json.loads, done.stdout.splitlines())}

    def explained(school: str, item: str) -> str:
        return trust.run("explain", item, "--config", trust.config, "--school", school).stdout

    assert set(cases("oakfield")) == {"1", "2"}
    assert cases("ashdown")["1"] in ("none", "low")
    assert "moron" in explained("oakfield", "1")
    assert "park" in explained("ashdown", "1")
    assert "moron" not in explained("ashdown", "case:1")
    assert trust.run("explain", "2", "--config", trust.config, "--school", "ashdown").returncode == 66

    assert {str(mail["To"]).split("@")[1].strip(">") for mail in trust.sink.mails} == {"oakfield.example"}
    assert all("Ashdown" not in mail.as_string() for mail in trust.sink.mails)
    ambiguous = trust.run("cases", "--config", trust.config)
    assert ambiguous.returncode == 64
    assert "--school" in ambiguous.stderr
    outbox = trust.run("outbox", "--config", trust.config, "--school", "ashdown", "--all", "--json")
    assert outbox.stdout == ""
