"""R17: success is evaluated: each week the senior leaders get one page about volumes, answers, deadlines, flags."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.acceptance.outside import Outside

SETTINGS = """
[digest]
at = "00:00"
[[people]]
id = "slt"
name = "Senior Leader"
email = "slt@oakfield.example"
roles = ["slt"]
[[accounts]]
name = "school-page"
platform = "files"
watch_from = {watch_from}
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2020-01-01
[accounts.options]
paths = ["{folder}"]
"""
_LONDON = ZoneInfo("Europe/London")
WORDS = ("Esmeralda", "Quickthorn", "Barnaby", "Underhill", "moron", "pathetic", "lollipop", "gymnasium")


def last_monday() -> datetime:
    """The first moment of the last finished week at the school."""
    today = datetime.now(_LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday() + 7)


def watched(school: Outside, *rows: dict[str, Any]) -> str:
    """A school that has watched a folder for three weeks; the word of its last finished week."""
    monday = last_monday()
    folder = school.folder / "in"
    folder.mkdir()
    watch_from = (monday - timedelta(days=14)).strftime("%Y-%m-%dT%H:%M:%S")
    school.settle(SETTINGS.format(watch_from=watch_from, folder=folder))
    with (folder / "items.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02}"


def row(number: str, text: str, days: float, **said: Any) -> dict[str, Any]:
    at = (last_monday() + timedelta(days=days)).astimezone(UTC)
    return {
        "external_id": number,
        "text": text,
        "created_at": at.isoformat(),
        "author_id": f"person-{number}",
        "author_name": "Esmeralda Quickthorn",
        **said,
    }


def reply(number: str, to: str, days: float) -> dict[str, Any]:
    return row(
        number,
        "Dear Esmeralda Quickthorn, at half past three.",
        days,
        kind="reply",
        parent_id=to,
        author_is_school=True,
        author_id="school",
        author_name="School",
    )


def a_week() -> tuple[dict[str, Any], ...]:
    return (
        row("1", "When does the lollipop sale begin?", 1.4),
        reply("2", "1", 1.5),
        row("3", "Where is the gymnasium entrance?", 2.4),
        reply("4", "3", 4.4),
        row("5", "Is there football club for Barnaby Underhill on Friday?", 3.4),
        row("6", "The head is a stupid idiot and a pathetic moron.", 2.5),
        reply("7", "6", 2.6),
    )


def test_r17_the_senior_leaders_get_one_page_about_the_week_and_nobodys_words(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    watched(school, *a_week())
    school.once()
    school.once()
    for person in ("head", "slt"):
        (mail,) = [mail for mail in school.sink.to(person) if "you" in str(mail["Subject"])]
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        lines = [line for line in text.splitlines() if line]
        assert lines[2].startswith("What needs you: ")
        assert "overdue" in lines[3]
        assert "The watch: Never blind" in lines
        assert "Promises kept: 2 of 4" in lines
        assert "school-page: 4 comments" in lines
        assert re.search(r"Half of the answers came within 2 hours", text)
        parts = [part.get_payload(decode=True) or b"" for part in mail.walk()]
        whole = b"".join(parts).decode("utf-8", "replace") + mail.as_string()
        assert [word for word in WORDS if word.casefold() in whole.casefold()] == []
        assert "compliant" not in whole.casefold()
        page = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        ids = {str(part["Content-ID"]).strip("<>") for part in mail.walk() if part["Content-ID"]}
        assert set(re.findall(r'src="cid:([^"]+)"', page)) == ids
        assert ids
    for moderator in ("one", "two", "lead"):
        assert not [mail for mail in school.sink.to(moderator) if "needs you" in str(mail["Subject"])]


def test_r17_the_page_is_there_for_whoever_asks_for_it(oakfield: Outside) -> None:
    word = watched(oakfield, *a_week())
    oakfield.once()
    done = oakfield.run("digest", "--out", "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "What needs you",
        "The watch",
        "Promises kept",
    ]
    page = (oakfield.folder / "page.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "cid:" not in page
    text = oakfield.run("digest", "--week", word).stdout
    assert text.startswith("The week of ")
    assert "2 of 4" in text
    data = json.loads(oakfield.run("digest", "--week", word.lower(), "--json").stdout)
    answers = data["week"]["answers"]
    assert (data["week"]["week"], answers["kept"], answers["missed"]) == (word, 2, 2)
    assert answers["ninth"] == 2 * 86400
    running = (last_monday() + timedelta(days=7)).isocalendar()
    now = json.loads(oakfield.run("digest", "--week", f"{running[0]}-W{running[1]:02}", "--json").stdout)
    assert sum(count for _, count in now["week"]["flagged"]["severities"]) == 1, (
        "it was read and judged today"
    )
    assert [word for word in WORDS if word in page + text + json.dumps(data)] == []


def test_r17_a_week_that_is_none_or_has_not_begun_gets_one_sentence(oakfield: Outside) -> None:
    for word in ("2026-W60", "last", "2190-W01"):
        done = oakfield.run("digest", "--week", word)
        assert done.returncode == 64
        assert word in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
