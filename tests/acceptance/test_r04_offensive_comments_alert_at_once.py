"""R04: offensive comments are handled swiftly: every item is judged, and the moderators hear at once."""

from __future__ import annotations

from tests.acceptance.outside import Outside


def test_r04_an_insult_reaches_both_moderators_at_once_and_thanks_reach_nobody(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    rows = school.write(
        "items.jsonl",
        {"external_id": "1", "text": "Thank you all for a lovely assembly this morning."},
        {
            "external_id": "2",
            "text": "The head is a stupid idiot and a pathetic moron.",
            "author_name": "Somebody",
        },
        {"external_id": "3", "text": "Is there school on Monday?"},
    )
    summary = school.once(rows)
    assert (summary["items_new"], summary["unscored"]) == (3, 0)
    for moderator in ("one", "two"):
        (mail,) = school.sink.to(moderator)
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "pathetic moron" in text
        assert "moron" not in str(mail["Subject"])
        assert mail.get_body(("html",)) is not None
    assert school.sink.to("head") == []
    assert school.cases()["2"]["severity"] in ("medium", "high")
    assert "1" not in school.cases()
