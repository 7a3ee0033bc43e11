"""Two minutes on the wall clock: the real `schoolwatch run` beside simulated platforms that it polls each minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.simulators import facebook, x
from connectors.simulators.facebook import FacebookSimulator
from connectors.simulators.facebook_page import Entry
from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from connectors.simulators.x import XSimulator
from connectors.simulators.x_posts import Post as Tweet
from tests.integration.service_house import THREAT, House, MailServer, mail_server

pytestmark = pytest.mark.xdist_group("wall_clock")

SOURCES = """
[[accounts]]
name = "page"
platform = "facebook"
staff = ["mona", "tess"]
approved_by = "Hana Head"
approved_on = 2026-09-01
[accounts.options]
page_id = "100"
app_id = "200"
api_url = "{facebook}"
[accounts.secrets]
access_token = "facebook-token"
app_secret = "facebook-app-secret"
[[accounts]]
name = "tweets"
platform = "x"
staff = ["mona", "tess"]
approved_by = "Hana Head"
approved_on = 2026-09-01
[accounts.options]
user_id = "2244"
api_url = "{x}"
[accounts.secrets]
bearer_token = "x-token"
[[watches]]
name = "news"
platform = "feed"
[watches.options]
url = "{news}"
"""
SECRETS = {
    "SCHOOLWATCH_FACEBOOK_TOKEN": facebook.TOKEN,
    "SCHOOLWATCH_FACEBOOK_APP_SECRET": facebook.APP_SECRET,
    "SCHOOLWATCH_X_TOKEN": x.BEARER,
}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def test_for_two_minutes_it_polls_alerts_stops_and_goes_on_where_it_was(
    tmp_path: Path, mail: MailServer
) -> None:
    with ExitStack() as stack:
        page = stack.enter_context(FacebookSimulator([Entry("100_1", "Fair on Friday", now(), author="100")]))
        account = stack.enter_context(XSimulator())
        news = stack.enter_context(FeedSimulator([Post("n1", "Oakfield wins", published=now())], form="rss"))
        house = house_with(tmp_path, mail, page, account, news)
        stack.callback(house.close)

        worker = house.start(**SECRETS)
        worker.ear.wait_until_idle()
        asked = len(page.requests), len(account.requests), len(news.requests)
        assert min(asked) >= 1, "everything is due at once"

        page.publish(Entry("1_1", THREAT, now(), author="7", name="A parent", on="100_1"))
        account.publish(Tweet("9001", f"@oakfield {THREAT}", now(), author="8"))
        began = datetime.now(UTC)
        while len(mail.message_ids()) < 2 and seconds_since(began) < 100:
            worker.ear.wait_for("WATCHDOG=1")
        assert len(mail.message_ids()) >= 2, "both threats, to the moderator"
        assert len(page.requests) > asked[0]
        assert worker.stop() == 0
        mails = sorted(mail.message_ids())

        again = house.start(**SECRETS)
        while seconds_since(began) < 120:
            again.ear.wait_for("WATCHDOG=1")
        assert again.stop() == 0
        assert sorted(mail.message_ids()) == mails, "nothing is said twice"
        beats = sum(said == "WATCHDOG=1" for said in (*worker.ear.heard, *again.ear.heard))
        assert beats >= 20, "a sign of life about each second"
        logs = b"".join((*worker.raw, *again.raw)).decode()
        assert all(secret not in logs for secret in SECRETS.values())
        assert "smash" not in logs


def house_with(
    root: Path, mail: MailServer, page: FacebookSimulator, account: XSimulator, news: FeedSimulator
) -> House:
    house = House(root, mail)
    house.configure()
    text = house.settings.read_text(encoding="utf-8").replace("poll_minutes = 1440", "poll_minutes = 1")
    sources = SOURCES.format(facebook=page.url, x=account.url, news=news.url)
    house.settings.write_text(text + sources, encoding="utf-8")
    return house


def now() -> datetime:
    return datetime.now(UTC)


def seconds_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()
