"""Poison: what would break a database or a mail is cleaned or set aside, said to a person, and stops nothing."""

from __future__ import annotations

import json

from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from tests.acceptance.outside import Outside

GOOD = "Is the fair on Friday?"
INSULT = "The head is a stupid idiot and a pathetic moron."


def lines(*rows: dict[str, object] | str) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def test_poison_in_a_file_is_cleaned_or_set_aside_said_and_every_neighbour_is_stored(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    path = school.folder / "poison.jsonl"
    path.write_text(
        lines(
            {"external_id": "good-1", "text": GOOD},
            {"external_id": "surrogate", "text": "broken \ud83d face"},
            {"external_id": "nul", "text": "a\x00b", "author_name": "N\x00ame", "title": "t\x00"},
            {"external_id": "no-time", "text": GOOD},
            {"external_id": "future", "text": GOOD, "created_at": "2199-01-01T00:00:00Z"},
            {"external_id": "ancient", "text": GOOD, "created_at": "0001-01-01T00:00:00Z"},
            {"external_id": "long", "text": "word " * 210_000 + INSULT},
            {"external_id": "long-begins-badly", "text": INSULT + " word" * 210_000},
            {"external_id": "megabyte", "text": f"{GOOD} " * 43_000 + f" {INSULT}" * 4},
            {"external_id": "x" * 3_000, "text": "an id as long as a page"},
            {"external_id": "bad-time", "text": GOOD, "created_at": "yesterday"},
            {"external_id": "bad-kind", "text": GOOD, "kind": "shout"},
            '{"external_id": "cut", "text": "not cl',
            "[1, 2, 3]",
            {"external_id": "emoji", "text": "👩‍👩‍👧 \u202eשלום مرحبا 🏴󠁧󠁢󠁷󠁬󠁳󠁿"},
            {
                "external_id": "good-2",
                "text": INSULT,
                "author_name": "Line\nbreak: yes\r\nBcc: all@school.example",
            },
        ),
        encoding="utf-8",
    )
    with path.open("ab") as raw:
        raw.write(b'{"external_id": "latin", "text": "caf\xe9"}\n')
        raw.write(lines({"external_id": "good-3", "text": GOOD}).encode())
    summary = school.once(path)
    stored = {"good-1", "good-2", "good-3", "surrogate", "nul", "no-time", "future", "ancient", "long"}
    stored |= {"long-begins-badly", "emoji", "megabyte", "bad-time"}
    assert summary["items_new"] == len(stored)
    assert summary["unscored"] == 0
    assert summary["mails_waiting"] == 0
    assert stored <= set(school.cases())

    (told,) = [mail for mail in school.sink.to("one") if "could not be read" in str(mail["Subject"])]
    words = told.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for said in ("surrogate", "nul", "future", "ancient", "long", "bad-kind", "bad-time"):
        assert said in words, said
    flagged = {name for name, case in school.cases().items() if case["severity"] in ("medium", "high")}
    assert flagged >= {"good-2", "long-begins-badly", "megabyte"}
    assert len(school.sink.to("two")) == len(flagged)
    assert all(mail["Bcc"] is None for mail in school.sink.mails)
    school.once(path)
    assert len([m for m in school.sink.to("one") if "could not be read" in str(m["Subject"])]) == 1, (
        "said once"
    )


def test_explain_shows_a_cleaned_item_with_what_was_done_to_it(oakfield: Outside) -> None:
    path = oakfield.write("items.jsonl", {"external_id": "nul", "text": "a\x00b"})
    oakfield.once(path)
    done = oakfield.run("explain", "nul", "--config", oakfield.config, "--json")
    shown = json.loads(done.stdout)
    assert shown["text"] == "ab"
    assert "nul_removed" in shown["marks"]
    assert shown["received_mark"] == "missing"


def test_poison_in_a_feed_stops_none_of_its_neighbours(oakfield: Outside) -> None:
    posts = [
        Post("good-1", GOOD),
        Post("nul", "a&#0;b"),
        Post("long", "word " * 210_000),
        Post("x" * 3_000, GOOD),
        Post("good-2", GOOD),
    ]
    with FeedSimulator(posts) as site:
        oakfield.settle(
            f"""
[[accounts]]
name = "blog"
platform = "feed"
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2026-09-01
[accounts.options]
url = "{site.url}"
kind = "comment"
"""
        )
        summary = oakfield.once()
    assert {"good-1", "good-2", "nul", "long"} <= set(oakfield.cases())
    assert summary["set_aside"] == 1
    (told,) = [mail for mail in oakfield.sink.to("one") if "could not be read" in str(mail["Subject"])]
    assert "long" in told.get_body(("plain",)).get_content()  # type: ignore[union-attr]
