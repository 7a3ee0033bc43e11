"""R16: a site must not be neglected: an account on which the school has not posted stands in the digest."""

from __future__ import annotations

from tests.acceptance.outside import Outside
from tests.acceptance.test_r17_weekly_digest import row, watched


def test_r16_an_account_without_a_post_for_a_week_stands_in_the_digest(oakfield_anywhere: Outside) -> None:
    school = oakfield_anywhere
    post = {"kind": "post", "author_is_school": True, "author_id": "school"}
    watched(school, row("1", "Our week", -2, **post), row("2", "Thank you all for a lovely fair!", 1))
    school.once()
    (mail,) = [mail for mail in school.sink.to("head") if "you" in str(mail["Subject"])]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "1 account gone quiet" in text
    assert "The school has not posted lately on school-page (9 days)." in text


def test_r16_an_account_with_a_fresh_post_is_not_called_neglected(oakfield: Outside) -> None:
    post = {"kind": "post", "author_is_school": True, "author_id": "school"}
    watched(oakfield, row("1", "Our week", -9, **post), row("2", "Our fair", 5, **post))
    oakfield.once()
    (mail,) = [mail for mail in oakfield.sink.to("head") if "you" in str(mail["Subject"])]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "not posted lately" not in text
    assert "Last post of the school: school-page, " in text
