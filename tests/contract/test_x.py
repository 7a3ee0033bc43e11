"""The X connector: the contract on the mentions, the own posts and a search, and what only X has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Capability, Checkpoint, Connector, Page, SourceRef
from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    NotSupported,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
)
from connectors.item import ItemKind, ItemState
from connectors.simulators.x import (
    BEARER,
    USER_ID,
    USER_LOGIN,
    Fault,
    Post,
    Trouble,
    XSimulator,
    main,
    read_posts,
)
from connectors.simulators.x_posts import problem
from connectors.x import XConnector, XOptions
from connectors.x_api import LOGGERS
from tests.contract.mutation import mutated
from tests.contract.secrecy import leaked, silent_log, watched
from tests.contract.suite import NOW, PAGE_SIZE, SCHOOL, Harness, HttpContract, Said, several, walk

SECRETS = {"bearer_token": BEARER, **USER_LOGIN}
SOURCE = SourceRef("st-marys", "our-source", "Europe/London")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class XHarness(Harness):
    secret = BEARER

    def __init__(self, site: XSimulator, stream: str, secrets: dict[str, str], **options: Any) -> None:
        self.site = site
        self.secrets = secrets
        self.stream = stream
        self.options = {"streams": [stream if stream != "search" else "mentions"], **options}
        if stream == "search":
            self.options["query"] = '"St Mary" -driving'
        self.connectors: list[Connector] = []

    def connector(self, patience_s: float = 30) -> Connector:
        options = XOptions.model_validate({"user_id": USER_ID, "api_url": self.site.url, **self.options})
        made = watched(XConnector, SECRETS.values())(SOURCE, options, self.secrets, patience_s)
        self.connectors.append(made)
        return made

    def publish(self, *said: Said) -> None:
        self.site.publish(*(self._post(one) for one in said))

    def _post(self, one: Said) -> Post:
        author = USER_ID if one.author == SCHOOL else one.author and f"person-{one.author}"
        to = "talk-1" if self.stream == "direct" else None
        return Post(one.id, one.text, one.at, author=author, reply_to=one.parent, to=to)

    def edit(self, external_id: str, text: str) -> None:
        self.site.edit(external_id, text)

    def remove(self, external_id: str) -> None:
        self.site.delete(external_id)

    def publish_what_cannot_be_read(self, at: datetime) -> None:
        self.site.publish(Post("", "", at, author="7", to="talk-1" if self.stream == "direct" else None))

    def trouble(self, trouble: Trouble) -> None:
        self.site.trouble = trouble

    def fetch(self, checkpoint: Checkpoint | None = None, now: datetime = NOW) -> Page:
        return self.connector().fetch(self.stream, checkpoint, now)


@contextmanager
def site(stream: str = "mentions", page_size: int = PAGE_SIZE, **options: Any) -> Iterator[XHarness]:
    with XSimulator(page_size=page_size) as simulator:
        harness = XHarness(simulator, stream, SECRETS, **options)
        yield harness
        for connector in harness.connectors:
            connector.close()
        assert not [seen.path for seen in simulator.requests if leaked(seen.path, SECRETS.values())]


@pytest.fixture(autouse=True)
def _no_credential_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield from silent_log(caplog, SECRETS.values(), LOGGERS)


@pytest.fixture
def harness() -> Iterator[XHarness]:
    with site() as made:
        yield made


class TestMentions(HttpContract):
    def make(self, folder: Path):
        return site("mentions")


class TestDirectMessages(HttpContract):
    """The same with the account's own login. A message answers no message, and cannot be edited."""

    def make(self, folder: Path):
        return site("direct")

    test_a_late_reply_to_an_old_item_is_given_with_its_parent = None
    test_an_edit_is_the_same_item_with_another_hash = None


def test_the_app_reads_with_its_token_and_the_account_with_its_own(harness):
    harness.fetch()
    assert harness.site.requests[-1].headers["Authorization"] == f"Bearer {BEARER}"
    with site("direct") as other:
        other.fetch()
        assert other.site.requests[-1].headers["Authorization"].startswith("OAuth ")


def test_only_what_is_newer_than_the_last_walk_is_asked_for(harness):
    harness.publish(*several(3))
    first = walk(harness)
    walk(harness, first.checkpoint)
    assert "start_time=2026-03-02T10%3A30%3A00Z" in harness.site.requests[-1].path


def test_the_first_walk_goes_back_some_days_only():
    with site(first_days=2) as harness:
        harness.publish(Said("new", at=NOW - DAY), Said("old", at=NOW - 3 * DAY))
        assert walk(harness).ids == ["new"]


def test_a_walk_that_waits_goes_on_where_it_began(harness):
    harness.publish(*several(5))
    page = harness.fetch()
    rest = harness.fetch(page.checkpoint, NOW + 20 * DAY)
    assert len(rest.items) == PAGE_SIZE
    starts = {seen.path.partition("start_time=")[2].partition("&")[0] for seen in harness.site.requests}
    assert len(starts) == 1


def _snowflake(at: datetime) -> str:
    """The id that X gives at this moment."""
    return str((int(at.timestamp() * 1000) - 1_288_834_974_657) << 22)


def test_an_edited_post_is_known_by_its_first_version(harness):
    first, second = (_snowflake(NOW - ago) for ago in (HOUR, timedelta(0)))
    harness.site.publish(Post(first, "@school When?", NOW - HOUR, author="7"))
    harness.site.edit(first, "@school Where?", second, at=NOW)
    (item,) = walk(harness).items
    assert item.external_id == first
    assert item.text == "@school Where?"
    assert (item.created_at, item.updated_at) == (NOW - HOUR, NOW)
    assert item.permalink.endswith(second)


@pytest.mark.parametrize(
    ("post", "kind"),
    [
        (Post("1", "@school When does term start?", NOW, author="7"), ItemKind.VISITOR_POST),
        (Post("1", "Lovely day at @school", NOW, author="7"), ItemKind.MENTION),
        (Post("1", "@school and when ends it?", NOW, author="7", reply_to="0"), ItemKind.REPLY),
    ],
)
def test_what_speaks_to_the_school_is_told_from_what_speaks_of_it(harness, post, kind):
    harness.site.publish(post)
    (item,) = walk(harness).items
    assert item.kind is kind
    assert item.parent_id == post.reply_to


def test_the_schools_own_posts_and_answers_are_the_schools():
    with site("posts") as harness:
        harness.site.publish(Post("1", "@school When?", NOW - HOUR, author="7"))
        harness.site.publish(Post("2", "News.", NOW, author=USER_ID))
        harness.site.reply("1", "3", "On Monday.", NOW)
        items = {item.external_id: item for item in walk(harness).items}
        assert {key: item.kind for key, item in items.items()} == {"2": ItemKind.POST, "3": ItemKind.REPLY}
        assert all(item.author_is_school for item in items.values())
        assert items["3"].parent_id == items["3"].thread_id == "1"


def test_what_a_search_finds_is_a_mention():
    with site("search", page_size=100) as harness:
        assert harness.connector().streams() == ("mentions", "search")
        harness.site.publish(
            Post("1", "St Mary is a good school", NOW, author="7", mentions=(), reply_to="0")
        )
        harness.site.publish(Post("2", "St Mary driving school", NOW, author="7", mentions=()))
        (item,) = harness.fetch().items
        assert item.kind is ItemKind.MENTION
        assert item.external_id == "1"


def test_a_search_that_cannot_reach_back_tells_the_gap():
    with site("search", page_size=100) as harness:
        harness.site.publish(Post("1", "St Mary", NOW, author="7"))
        first = harness.fetch()
        assert first.gap is None
        assert harness.fetch(first.checkpoint, NOW + 5 * DAY).gap is None
        assert "7 days" in harness.fetch(first.checkpoint, NOW + 9 * DAY).gap


def test_more_mentions_than_x_keeps_are_told_as_a_gap():
    with site(page_size=100) as harness:
        harness.publish(Said("old", at=NOW - DAY))
        first = walk(harness)
        harness.publish(*(Said(f"n{n}", at=NOW - n * timedelta(seconds=1)) for n in range(700)))
        assert walk(harness, first.checkpoint).gaps == []
        harness.publish(*(Said(f"m{n}", at=NOW - n * timedelta(seconds=1)) for n in range(150)))
        (gap,) = walk(harness, first.checkpoint).gaps
        assert "last 800" in gap


def test_page_tokens_that_expired_start_the_walk_again(harness):
    harness.publish(*several(5))
    page = harness.fetch()
    harness.site.expire_cursors()
    done = walk(harness, page.checkpoint)
    assert len(set(done.ids)) == 5
    assert done.gaps == []


def test_partial_errors_are_set_aside_and_the_rest_is_given(harness):
    row = {
        "id": "1",
        "text": "Hello",
        "edit_history_tweet_ids": ["1"],
        "created_at": "2026-03-02T11:00:00.000Z",
    }
    error = problem("not-authorized-for-resource", "Authorization Error", resource_id="2")
    told = {"data": [row], "errors": [error], "meta": {"result_count": 1}}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps(told).encode()))
    page = harness.fetch()
    assert [item.external_id for item in page.items] == ["1"]
    (rejected,) = page.partial_errors
    assert "not-authorized-for-resource" in rejected.reason


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("not-authorized-for-resource", PermissionMissing),
        ("resource-not-found", Permanent),
        ("odd", BadPayload),
    ],
)
def test_200_with_nothing_but_errors_is_an_error(harness, word, error):
    told = {"errors": [problem(word, "No", resource_id=USER_ID)]}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps(told).encode()))
    with pytest.raises(error):
        harness.fetch()


@pytest.mark.parametrize(
    ("status", "word", "error"),
    [
        (400, "invalid-request", Permanent),
        (401, "", AuthExpired),
        (402, "credits", QuotaExhausted),
        (403, "client-forbidden", PermissionMissing),
        (403, "unsupported-authentication", PermissionMissing),
        (403, "usage-capped", QuotaExhausted),
        (429, "usage-capped", QuotaExhausted),
        (429, "rate-limit-exceeded", RateLimited),
        (429, "", RateLimited),
    ],
)
def test_the_type_of_a_problem_says_what_to_do_next(harness, status, word, error):
    harness.site.fail(status, word)
    with pytest.raises(error, match=str(status)) as caught:
        harness.fetch()
    assert caught.value.__context__ is None


def test_a_rate_limit_with_a_reset_tells_how_long(harness):
    harness.site.limit_rate(NOW + timedelta(minutes=11))
    with pytest.raises(RateLimited) as caught:
        harness.fetch()
    assert caught.value.retry_after == timedelta(minutes=11)
    harness.site.limit_rate()
    with pytest.raises(RateLimited) as caught:
        harness.fetch()
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("period", "until"),
    [("Monthly", datetime(2026, 4, 1, tzinfo=UTC)), ("Daily", datetime(2026, 3, 3, tzinfo=UTC)), ("", None)],
)
def test_a_usage_cap_is_no_rate_limit(harness, period, until):
    harness.site.cap_usage(period)
    with pytest.raises(QuotaExhausted) as caught:
        harness.fetch()
    assert caught.value.until == until


def test_an_expired_token_is_told(harness):
    harness.site.expire_token()
    with pytest.raises(AuthExpired):
        harness.fetch()
    assert not harness.connector().check(NOW).ok
    harness.site.renew_token()
    assert harness.fetch().items == ()


def test_direct_messages_without_the_accounts_login_are_said_to_be_unread():
    with site("direct") as harness:
        harness.secrets = {"bearer_token": BEARER}
        with pytest.raises(
            PermissionMissing, match="want the account's own login: give the secrets consumer_key"
        ):
            harness.fetch()
        assert harness.connector().check(NOW).permissions_missing == ("user context",)
        with pytest.raises(PermissionMissing):
            harness.connector().moderate(Capability.HIDE, "1")


def test_direct_messages_that_are_not_granted_are_a_permission():
    with site("direct") as harness:
        harness.site.direct_granted = False
        with pytest.raises(PermissionMissing):
            harness.fetch()


def test_direct_messages_older_than_the_first_look_end_the_walk():
    with site("direct", first_days=2) as harness:
        harness.publish(*(Said(f"m{n}", at=NOW - n * DAY) for n in range(20)))
        assert len(walk(harness).pages) == 2


def test_reading_is_counted_once_a_day():
    with site(page_size=100) as harness:
        harness.publish(*several(3))
        first = harness.fetch()
        assert first.cost == 15
        again = harness.fetch(first.checkpoint)
        assert again.cost == 0
        tomorrow = harness.fetch(again.checkpoint, NOW + DAY)
        assert tomorrow.cost == 5
        assert tomorrow.checkpoint["spending"]["spent"] == 20


def test_ones_own_posts_cost_less():
    with site("posts") as harness:
        harness.publish(Said("1", author=SCHOOL))
        assert harness.fetch().cost == 1


def test_the_monthly_limit_stops_reading_until_the_next_month():
    with site(page_size=100, monthly_limit_usd=0.05) as harness:
        harness.publish(*several(30))
        page = harness.fetch()
        assert "max_results=10" in harness.site.requests[-1].path
        assert page.cost == 50
        with pytest.raises(QuotaExhausted, match=r"\$0\.05 this month") as caught:
            harness.fetch(page.checkpoint)
        assert caught.value.until == datetime(2026, 4, 1, tzinfo=UTC)
        assert harness.fetch(page.checkpoint, caught.value.until).items


def test_the_limit_holds_for_all_streams_together():
    with site(page_size=100, monthly_limit_usd=0.05, streams=["mentions", "posts"]) as harness:
        harness.publish(*several(10))
        connector = harness.connector()
        connector.fetch("mentions", None, NOW)
        with pytest.raises(QuotaExhausted):
            connector.fetch("posts", None, NOW)


def test_what_refresh_reads_counts_too():
    with site(page_size=100, monthly_limit_usd=0.05) as harness:
        harness.publish(*several(10))
        connector = harness.connector()
        connector.refresh([f"c{n}" for n in range(10)], NOW)
        with pytest.raises(QuotaExhausted):
            connector.fetch("mentions", None, NOW)


def test_refresh_tells_edits_deletions_and_what_may_no_longer_be_seen(harness):
    harness.publish(*several(4))
    before = {item.external_id: item for item in walk(harness).items}
    harness.site.edit("c0", "And where?")
    harness.site.delete("c1")
    harness.site.protect("c2")
    after = {item.external_id: item for item in harness.connector().refresh(["c0", "c1", "c2", "c3"], NOW)}
    assert after["c0"].text == "And where?"
    assert [after[key].state for key in ("c1", "c2")] == [ItemState.DELETED, ItemState.UNKNOWN]
    assert after["c3"].content_hash == before["c3"].content_hash


@pytest.mark.parametrize(("change", "state"), [("delete", ItemState.DELETED), ("protect", ItemState.UNKNOWN)])
def test_refresh_of_nothing_that_is_left_is_no_error(harness, change, state):
    harness.publish(*several(1))
    getattr(harness.site, change)("c0")
    (item,) = harness.connector().refresh(["c0"], NOW)
    assert item.state is state


def test_a_person_can_hide_a_reply(harness):
    harness.site.publish(
        Post("1", "News.", NOW, author=USER_ID), Post("2", "@school No!", NOW, author="7", reply_to="1")
    )
    connector = harness.connector()
    connector.moderate(Capability.HIDE, "2")
    assert harness.site.post("2").hidden
    with pytest.raises(PermissionMissing):
        connector.moderate(Capability.HIDE, "1")
    with pytest.raises(NotSupported):
        connector.moderate(Capability.DELETE, "2")
    harness.trouble(Trouble(Fault.BODY, body=b'{"data": {"hidden": false}}'))
    with pytest.raises(Permanent, match="did not hide"):
        connector.moderate(Capability.HIDE, "2")


def test_check_tells_how_much_may_still_be_read(harness):
    harness.site.cap, harness.site.used = 1000, 400
    health = harness.connector().check(NOW)
    assert health.ok
    assert health.quota_left == 600
    harness.site.used = 1000
    assert not harness.connector().check(NOW).ok
    harness.trouble(Trouble(Fault.BODY, body=b'{"data": {}}'))
    assert not harness.connector().check(NOW).ok


def test_links_are_kept_and_long_posts_are_whole(harness):
    row = {"id": "1", "text": "cut…", "note_tweet": {"text": "all of it"}, "edit_history_tweet_ids": ["1"]}
    row["entities"] = {"urls": [{"expanded_url": "https://a.example/1"}, {"expanded_url": "javascript:x"}]}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps({"data": [row], "meta": {}}).encode()))
    (item,) = harness.fetch().items
    assert item.text == "all of it"
    assert item.attachments == ("https://a.example/1",)


def test_a_login_in_an_answer_reaches_nobody(harness):
    row = {"id": "1", "text": f"look {BEARER}", "edit_history_tweet_ids": ["1"]}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps({"data": [row], "meta": {}}).encode()))
    assert harness.fetch().items[0].text == "look [redacted]"


_ROW = {
    "id": "1",
    "text": "Hi",
    "edit_history_tweet_ids": ["0", "1"],
    "author_id": "7",
    "created_at": "2026-03-02T11:00:00.000Z",
    "entities": {"mentions": [{"id": USER_ID, "start": 0}], "urls": [{"expanded_url": "https://a.example"}]},
    "referenced_tweets": [{"type": "replied_to", "id": "9"}],
}
_TOLD = {
    "data": [_ROW, _ROW],
    "errors": [problem("resource-not-found", "Gone", resource_id="1")],
    "meta": {"result_count": 2, "next_token": "x"},
}


@pytest.mark.parametrize("stream", ["mentions", "posts", "search", "direct"])
def test_whatever_x_sends_is_a_page_or_an_error_of_the_port(stream):
    with site(stream) as harness:
        connector, checkpoint = harness.connector(), None
        for seed in range(60):
            harness.trouble(Trouble(Fault.BODY, body=json.dumps(mutated(_TOLD, seed)).encode()))
            with suppress(ConnectorError):
                checkpoint = connector.fetch(stream, checkpoint, NOW).checkpoint
            with suppress(ConnectorError):
                connector.refresh(["0", "1"], NOW)
            with suppress(ConnectorError):
                connector.check(NOW)


def test_the_simulator_runs_alone(tmp_path):
    posts = tmp_path / "posts.jsonl"
    posts.write_text(
        '{"id": "1", "text": "News", "at": "2026-03-02T12:00:00+00:00", "author": "2244", "links": []}\n'
    )
    assert read_posts(posts)[0].at == NOW
    command = [sys.executable, "-m", "connectors.simulators.x", "--posts", str(posts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            options = XOptions.model_validate({"user_id": USER_ID, "api_url": url, "streams": ["posts"]})
            connector = XConnector(SOURCE, options, {"bearer_token": BEARER})
            assert [item.text for item in connector.fetch("posts", None, NOW + HOUR).items] == ["News"]
            connector.close()
        finally:
            process.terminate()


def test_the_simulator_explains_its_options(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--posts" in capsys.readouterr().out
