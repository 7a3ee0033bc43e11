"""R02: watched seven days a week; people are told when the watch is blind, and when it sees again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.simulators.faults import Fault, Trouble
from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from tests.acceptance.outside import Outside
from tests.fakes import World

ACCOUNT = """
[worker]
blind_hours = 1
[[accounts]]
name = "blog"
platform = "feed"
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2026-09-01
[accounts.options]
url = "{url}"
kind = "comment"
"""


def subjects(school: Outside, person: str = "one") -> list[str]:
    return [str(mail["Subject"]) for mail in school.sink.to(person)]


def test_r02_an_account_whose_login_fails_is_told_at_once_and_again_when_it_is_read(
    oakfield: Outside,
) -> None:
    with FeedSimulator([Post("1", "Thank you for a lovely day")]) as site:
        settings = ACCOUNT.format(url=site.url)
        section, accounts = settings.split("[[accounts]]")
        oakfield.settle("[[accounts]]" + accounts)
        text = oakfield.config.read_text(encoding="utf-8")
        oakfield.config.write_text(text.replace("[school]", f"{section}[school]"), encoding="utf-8")

        site.trouble = Trouble(Fault.STATUS, 401)
        failed = oakfield.once(code=1)
        assert failed["sources_failed"] == {"blog": "auth_expired"}
        assert len(subjects(oakfield)) == 1
        assert "blog" in subjects(oakfield)[0]
        oakfield.once(code=1)
        assert len(subjects(oakfield)) == 1, "one outage is told once"

        site.trouble = None
        assert oakfield.once()["items_new"] == 1
        assert len(subjects(oakfield)) == 2
        assert "again" in subjects(oakfield)[1]


def test_r02_every_day_of_the_christmas_holidays_is_watched(world: World) -> None:
    world.until(datetime(2026, 12, 21, 6, 0, tzinfo=UTC))
    days = []
    for day in range(14):
        before = len(world.page().asked)
        world.until(datetime(2026, 12, 21, 6, 0, tzinfo=UTC) + timedelta(days=day + 1))
        days.append(len(world.page().asked) - before)
    assert min(days) >= 1, days
