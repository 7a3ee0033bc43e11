"""R03: every comment is answered within 24 hours; warnings before, an alert after, closed by the school's reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.acceptance.outside import Outside

WATCHED = """
[[accounts]]
name = "page"
platform = "files"
watch_from = 2020-01-01T00:00:00Z
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2026-09-01
[accounts.options]
paths = ["items"]
"""


def question(external_id: str, hours_ago: float, **fields: Any) -> dict[str, Any]:
    created = datetime.now(UTC) - timedelta(hours=hours_ago)
    return {
        "platform": "page",
        "account": "page",
        "external_id": external_id,
        "text": "What time does the concert begin?",
        "author_id": f"parent of {external_id}",
        "created_at": created.isoformat(),
        **fields,
    }


def test_r03_a_question_is_warned_of_then_missed_and_closed_by_the_schools_own_reply(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(WATCHED.replace('"items"', f'"{school.folder / "items"}"'))
    (school.folder / "items").mkdir()
    school.write(
        "items/monday.jsonl",
        question("fresh", 1),
        question("nearly", 21),
        question("late", 25),
        question("answered", 21),
        question("reply", 20, parent_id="answered", author_id="school", author_is_school=True),
    )
    summary = school.once()
    assert (summary["items_new"], summary["set_aside"], summary["mails_waiting"]) == (5, 0, 0)

    subjects = [str(mail["Subject"]) for mail in school.sink.to("one")]
    assert len(subjects) == 2
    assert sum(subject.startswith("Reply by") for subject in subjects) == 1
    assert sum(subject.startswith("Overdue since") for subject in subjects) == 1
    told = [str(mail["Subject"]) for mail in school.sink.to("head")]
    assert sum(subject.startswith("Overdue since") for subject in told) == 1

    cases = school.cases()
    assert cases["answered"]["open"] is False
    assert cases["fresh"]["answer"] == "waiting"
    received = datetime.fromisoformat(question("x", 21)["created_at"])
    due = datetime.fromisoformat(cases["nearly"]["due_at"])
    assert abs(due - received - timedelta(hours=24)) < timedelta(minutes=2)

    school.write("items/tuesday.jsonl", question("reply-2", 0, parent_id="late", author_is_school=True))
    school.once()
    assert school.cases()["late"]["open"] is False
    school.once()
    assert len(school.sink.to("one")) == 2, "nothing is said twice"
