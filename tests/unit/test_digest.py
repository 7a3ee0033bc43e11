"""The weekly page: three lines first, then what a head teacher asks, in words that fit the figures."""

from __future__ import annotations

import base64
import email
import email.policy
import re
import struct
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alerts import charts
from alerts.compose import compose, compose_or_plain
from alerts.digest import as_page, as_text, in_short
from alerts.figures import (
    AccountWeek,
    Answers,
    Digest,
    Flagged,
    Safeguarding,
    SourceSeen,
    Volume,
    WeekFigures,
)
from alerts.kinds import AlertKind, InlineImage, MailFacts, Recipient
from alerts.message import seal
from alerts.wording import sections
from monitor.domain.verdict import SAFEGUARDING, Category
from monitor.domain.week import NEVER_NAMED

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
NOW = MONDAY + timedelta(days=7, hours=7)
HEAD = Recipient("head", "The head", "head@oakfield.example")
HOUR = timedelta(hours=1)


def week(n: int = 0, **said: object) -> WeekFigures:
    fields: dict[str, object] = {
        "week": f"2026-W{46 + n}",
        "start": MONDAY + timedelta(weeks=n),
        "end": MONDAY + timedelta(weeks=n + 1),
        "as_of": NOW,
        "volumes": (
            Volume("page", "comment", 20 + n),
            Volume("page", "review", 1),
            Volume("news", "mention", 3),
        ),
        "answers": Answers(kept=17, missed=1, answered=18, waiting=2, median=3 * HOUR, ninth=20 * HOUR),
        "flagged": Flagged(
            severities=(("medium", 3), ("high", 1)), categories=(("insult", 3), ("threat", 1))
        ),
        "accounts": (AccountWeek(name="page", platform="facebook", received=21, flagged=4),),
    }
    return WeekFigures(**{**fields, **said})  # type: ignore[arg-type]


BEFORE = tuple(week(n) for n in (-4, -3, -2, -1))
SOURCES = (SourceSeen("page", "facebook", official=True), SourceSeen("news", "feed", official=False))


def facts(digest: Digest | None = None, **said: object) -> MailFacts:
    made = digest or Digest(week=week(**said), before=BEFORE, sources=SOURCES)
    return MailFacts(
        kind=AlertKind.DIGEST,
        school_name="Oakfield Primary School",
        timezone="Europe/London",
        recipient=HEAD,
        now=NOW,
        digest=made,
    )


# --- the first screen


def test_the_first_three_lines_of_a_good_week_say_so() -> None:
    assert in_short(facts()) == [
        "What needs you: Nothing. No answer is overdue, no mail got lost, and every account can be read.",
        "The watch: Never blind. No safeguarding case waits to be acknowledged.",
        "Promises kept: 17 of 18 answers came in time. 2 more wait and are still in time.",
    ]
    assert compose(facts()).subject == "9 to 15 November 2026: nothing needs you"


def test_the_first_three_lines_of_a_bad_week_name_the_gravest_first() -> None:
    bad = Digest(
        week=week(
            answers=Answers(kept=1, missed=3, answered=1, overdue=2),
            safeguarding=Safeguarding(opened=1, unacknowledged=1),
            blind=(("page", 3 * HOUR + HOUR / 3),),
            engine_out=HOUR,
            engine_outages=1,
            accounts=(AccountWeek(name="page", platform="x", posts_seen=True, quiet_days=9),),
        ),
        sources=SOURCES,
        blind_now=("page",),
        unscored=1,
        undelivered=2,
        register=("One thing.",),
    )
    assert in_short(facts(bad)) == [
        "What needs you: 7 things. 1 safeguarding case unacknowledged, page blind now, 2 answers overdue, "
        "1 item not judged, 2 mails undelivered, 1 account gone quiet, 1 gap in the register.",
        "The watch: 3 hours 20 minutes blind, 1 unacknowledged. Could not be read for a while: page. "
        "Nothing could be judged for 1 hour. Nobody has acknowledged 1 safeguarding case.",
        "Promises kept: 1 of 4 answers came in time.",
    ]
    assert compose(facts(bad)).subject == "9 to 15 November 2026: 7 things need you"


def test_a_week_without_a_promise_is_no_broken_one() -> None:
    assert in_short(facts(answers=Answers()))[2] == "Promises kept: No answer was due"


@pytest.mark.parametrize(
    ("start", "days"),
    [
        (datetime(2026, 9, 27, 23, tzinfo=UTC), "28 September to 4 October 2026"),
        (datetime(2026, 12, 28, tzinfo=UTC), "28 December 2026 to 3 January 2027"),
        (datetime(2026, 10, 18, 23, tzinfo=UTC), "19 to 25 October 2026"),
    ],
)
def test_a_week_is_called_by_its_days(start: datetime, days: str) -> None:
    end = start + timedelta(days=7, hours=1 if "October" in days else 0)
    text = as_text(facts(start=start, end=end, as_of=end))
    assert text.startswith(f"The week of {days}.\n")


def test_a_week_that_is_not_over_or_not_whole_says_so() -> None:
    digest = Digest(week=week(as_of=MONDAY + HOUR), sources=SOURCES, began_within=MONDAY + HOUR / 2)
    text = as_text(facts(digest))
    assert "This week is not over: figures until Monday 9 November, 01:00." in text
    assert "The watch began on Monday 9 November, 00:30, so the week is not whole." in text
    assert "not over" not in as_text(facts())


# --- the chapters


def test_the_text_tells_every_figure() -> None:
    text = as_text(
        facts(
            set_aside=(("page", 2),),
            alerts=(("flagged", 4), ("blind", 1)),
            mails=9,
            blind=(("page", 2 * HOUR),),
            engine_out=HOUR,
            engine_outages=2,
        )
    )
    for told in (
        "Answered in time: 17",
        "Missed: 1",
        "Answered, but late: 1",
        "Waiting, still in time: 2",
        "Half of the answers came within 3 hours, nine in ten within 20 hours.",
        "page: 20 comments, 1 review",
        "news: 3 mentions",
        "4 items: 3 medium, 1 high.",
        "page: came in 21, in time none, flagged 4, blind none",
        "page could not be read for 2 hours.",
        "2 times nothing could be judged, 1 hour in all; it was judged afterwards.",
        "2 pieces of input were set aside as unreadable: page 2.",
        "5 alerts were sent: flagged 4, blind 1.",
        "Came in: this week 24, usual 22",
        "Answers in time: this week 94%, usual 94%",
        "Blind: this week 2 h, usual none",
        "“Usual” is the middle value of the 4 weeks before.",
        "Figures are as known on Monday 16 November, 07:00.",
    ):
        assert told in text, told


def test_without_weeks_before_nothing_is_compared() -> None:
    text = as_text(facts(Digest(week=week(), sources=SOURCES)))
    assert "there is nothing to compare with yet" in text
    assert "usual" not in text.split("BESIDE")[1].split("WHAT IS NOT")[0]


def test_an_account_whose_posts_cannot_be_seen_is_not_called_quiet() -> None:
    text = as_text(facts())
    assert "Whether the school posts on page cannot be seen from here" in text
    assert "not posted lately" not in text


def test_every_category_but_those_that_are_never_named_has_a_label() -> None:
    apart = {category.value for category in SAFEGUARDING} | NEVER_NAMED
    assert set(sections()["digest.category"]) == {category.value for category in Category} - apart


def test_every_kind_of_alert_has_a_label() -> None:
    assert set(sections()["digest.alert"]) >= {kind.value for kind in AlertKind}


def test_every_sentence_of_the_page_is_said_somewhere() -> None:
    letters = Path(charts.__file__).parent / "letters"
    source = "\n".join(file.read_text(encoding="utf-8") for file in letters.glob("weekly*.py"))
    unsaid = [
        f"{section}.{code}"
        for section, words in sections().items()
        if section.startswith("digest.") and section not in ("digest.category", "digest.alert", "digest.kind")
        for code in words
        if f'"{re.sub("_(one|many)$", "", code).removeprefix("row_")}"' not in source
        and f'"{code}"' not in source
    ]
    assert unsaid == []


def test_the_word_that_promises_too_much_is_nowhere() -> None:
    assert "compliant" not in (as_page(facts()) + as_text(facts())).casefold()


# --- the page as HTML


class Outline(HTMLParser):
    """The tags of a page with what they say about themselves."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_is_semantic_and_says_its_language() -> None:
    page = Outline(as_page(facts()))
    names = [name for name, _ in page.tags]
    assert page.all("html") == [{"lang": "en-GB"}]
    for once in ("h1", "main", "header", "footer", "title"):
        assert names.count(once) == 1, once
    assert names.count("h2") == names.count("section") >= 8
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert not {"script", "link", "iframe", "form"} & set(names)


def test_every_chart_says_the_same_in_words() -> None:
    images = Outline(as_page(facts())).all("img")
    assert [image["alt"] for image in images] == [
        "Chart. Answers in time and missed, week by week: "
        + "; ".join(
            f"week of {day}: 17 in time, 1 missed" for day in ("12 October", "19 October", "26 October")
        )
        + "; week of 2 November: 17 in time, 1 missed; week of 9 November: 17 in time, 1 missed.",
        "Chart. What came in, week by week: week of 12 October: 20; week of 19 October: 21; "
        "week of 26 October: 22; week of 2 November: 23; week of 9 November: 24.",
        "Chart. What was flagged, by what it was taken for: insults 3, threats 1.",
    ]
    for image in images:
        png = base64.b64decode(str(image["src"]).removeprefix("data:image/png;base64,"))
        width, height = struct.unpack(">II", png[16:24])
        assert (width, height > 100) == (800, True)


def test_the_page_prints_on_a4_and_knows_small_screens_and_the_dark() -> None:
    html = as_page(facts())
    assert "@page { size: A4;" in html
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert '<meta name="color-scheme" content="light dark">' in html


def test_the_same_figures_draw_the_same_page() -> None:
    assert as_page(facts()) == as_page(facts())


def test_without_the_library_for_charts_the_page_says_it_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not charts.drawn()
    mail, problem = compose_or_plain(facts())
    assert (problem, mail.images) == (None, ())
    assert "<img" not in mail.html
    assert "Insults 3, threats 1." in mail.text


def test_charts_are_not_drawn_for_nothing_and_take_a_single_value() -> None:
    for png in (
        charts.columns([], []),
        charts.ranked(["$x$"], [0]),
        charts.stacked(["a"], [0], [0], ("b", "c")),
    ):
        assert png.startswith(b"\x89PNG")


# --- the mail


def test_figures_that_are_missing_give_a_plain_mail() -> None:
    mail, problem = compose_or_plain(replace(facts(), digest=None))
    assert problem == "ValueError"
    assert "Kind: digest" in mail.text


def test_the_charts_travel_beside_the_page_in_the_mail() -> None:
    mail = compose(facts())
    sealed = seal(mail, "schoolwatch@oakfield.example", "Schoolwatch", "<1@oakfield.example>", NOW)
    message = email.message_from_bytes(sealed.data, policy=email.policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        *["image/png"] * 3,
    ]
    images = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in images] == [f"<{image.cid}>" for image in mail.images]
    assert [part.get_content_disposition() for part in images] == ["inline"] * 3
    assert [part.get_payload(decode=True) for part in images] == [image.png for image in mail.images]
    assert [part.get_filename() for part in images] == [
        f"{name}.2026-w46.png" for name in ("answers", "received", "flagged")
    ]
    assert all(len(line) <= 998 for line in sealed.data.split(b"\r\n"))
    assert len(sealed.data) < 300_000


@pytest.mark.parametrize("cid", ["a b@c", "a>\r\nBcc: x@y", "", "@x", "a"])
def test_an_odd_content_id_is_refused(cid: str) -> None:
    mail = replace(compose(facts()), images=(InlineImage(cid, b"\x89PNG"),))
    with pytest.raises(ValueError, match="is no content id"):
        seal(mail, "schoolwatch@oakfield.example", "Schoolwatch", "<1@oakfield.example>", NOW)


def test_the_page_to_a_person_names_them_and_the_file_nobody() -> None:
    assert "Sent by Schoolwatch to The head for Oakfield Primary School." in compose(facts()).text
    assert "The head" not in as_page(facts())
