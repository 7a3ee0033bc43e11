"""The Facebook connector: the contract on the comments and on the visitors' posts, and what only Facebook has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import Capability, Checkpoint, Connector, Page, SourceRef
from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    NotSupported,
    Permanent,
    PermissionMissing,
    RateLimited,
    Transient,
)
from connectors.facebook import FacebookConnector, FacebookOptions
from connectors.item import ItemKind, ItemState
from connectors.simulators.facebook import (
    APP_ID,
    APP_SECRET,
    PAGE_ID,
    TOKEN,
    Entry,
    FacebookSimulator,
    Fault,
    Trouble,
    error_body,
    main,
    read_entries,
)
from tests.contract.mutation import mutated
from tests.contract.secrecy import chain, leaked, silent_log, watched
from tests.contract.suite import NOW, PAGE_SIZE, SCHOOL, Harness, HttpContract, Said, walk

SECRETS = {"access_token": TOKEN, "app_secret": APP_SECRET}
POST = f"{PAGE_ID}_1"
DAY = timedelta(days=1)


class FacebookHarness(Harness):
    states = frozenset({ItemState.VISIBLE, ItemState.HIDDEN})
    secret = TOKEN

    def __init__(self, site: FacebookSimulator, stream: str, **options: Any) -> None:
        self.site = site
        self.options = {"streams": [stream], **options}
        self.on = None if stream in {"visitor_posts", "mentions", "posts"} else POST
        self.tagged = stream == "mentions"
        self.connectors: list[Connector] = []

    def connector(self, patience_s: float = 30) -> Connector:
        options = FacebookOptions.model_validate(
            {"page_id": PAGE_ID, "app_id": APP_ID, "api_url": self.site.url, **self.options}
        )
        source = SourceRef("st-marys", "our-source", "Europe/London")
        made = watched(FacebookConnector, SECRETS.values())(source, options, SECRETS, patience_s)
        self.connectors.append(made)
        return made

    def publish(self, *said: Said) -> None:
        self.site.publish(*(self._entry(one) for one in said))

    def _entry(self, one: Said) -> Entry:
        author = PAGE_ID if one.author == SCHOOL else one.author and f"person-{one.author}"
        hidden = one.state is ItemState.HIDDEN
        return Entry(
            one.id,
            one.text,
            one.at,
            author=author,
            name=one.author,
            on=self.on,
            parent=one.parent,
            hidden=hidden,
            tagged=self.tagged,
        )

    def edit(self, external_id: str, text: str) -> None:
        self.site.edit(external_id, text)

    def remove(self, external_id: str) -> None:
        self.site.delete(external_id)

    def publish_what_cannot_be_read(self, at: datetime) -> None:
        self.site.publish(Entry("", "", at, author="7", on=self.on, tagged=self.tagged))

    def trouble(self, trouble: Trouble) -> None:
        self.site.trouble = trouble

    def post(self, number: int, at: datetime, comments: Sequence[datetime] = ()) -> str:
        """A post of the school with comments; its id."""
        post = f"{PAGE_ID}_{number}"
        self.site.publish(Entry(post, "News.", at, author=PAGE_ID))
        self.site.publish(
            *(
                Entry(f"{number}_{n}", "A question?", when, author="7", on=post)
                for n, when in enumerate(comments)
            )
        )
        return post

    def fetch(self, checkpoint: Checkpoint | None = None, now: datetime = NOW) -> Page:
        connector = self.connector()
        return connector.fetch(connector.streams()[0], checkpoint, now)


@contextmanager
def page(stream: str = "comments", page_size: int = PAGE_SIZE, **options: Any) -> Iterator[FacebookHarness]:
    with FacebookSimulator(page_size=page_size) as site:
        if stream in {"comments", "direct", "older_comments"}:
            site.publish(Entry(POST, "News of the week.", NOW - DAY, author=PAGE_ID))
        harness = FacebookHarness(site, stream, **options)
        yield harness
        for connector in harness.connectors:
            connector.close()
        assert not [seen.path for seen in site.requests if leaked(seen.path, SECRETS.values())]


@pytest.fixture(autouse=True)
def _no_credential_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield from silent_log(caplog, SECRETS.values())


@pytest.fixture
def harness() -> Iterator[FacebookHarness]:
    with page() as made:
        yield made


class TestComments(HttpContract):
    def make(self, folder: Path):
        return page("comments")


class TestVisitorPosts(HttpContract):
    """The same over a list without a list inside; no visitor's post answers another, and the school's are not there."""

    def make(self, folder: Path):
        return page("visitor_posts")

    test_a_late_reply_to_an_old_item_is_given_with_its_parent = None
    test_only_the_school_is_the_school = None


def test_what_is_asked_is_the_documented_question(harness):
    harness.fetch()
    (seen,) = harness.site.requests
    assert seen.path.startswith("/v26.0/100/feed?")
    assert "comments.limit(50).order(reverse_chronological).filter(stream)" in seen.path.replace(
        "%28", "("
    ).replace("%29", ")")
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"


def test_comments_of_several_posts_are_all_given_with_their_post(harness):
    old, new = harness.post(2, NOW - 3 * DAY, [NOW - DAY] * 3), harness.post(3, NOW - DAY, [NOW] * 3)
    done = walk(harness)
    assert sorted((item.external_id, item.post_id) for item in done.items) == sorted(
        (f"{number}_{n}", post) for number, post in ((2, old), (3, new)) for n in range(3)
    )


def test_a_quiet_newest_page_does_not_hide_comments_on_the_next(harness):
    harness.post(2, NOW - 5 * DAY)
    first = walk(harness)
    for number in (3, 4, 5):
        harness.post(number, NOW - timedelta(hours=number))
    harness.site.publish(Entry("late", "A late one", NOW, author="7", on=f"{PAGE_ID}_2"))
    assert "late" in walk(harness, first.checkpoint).ids


def test_comments_that_came_while_a_walk_was_down_are_not_lost_beyond_the_first_page(harness):
    """The newest time seen on the last post must not hide what came in the meantime on the first."""
    harness.post(2, NOW - 2 * DAY)
    harness.post(3, NOW - 3 * DAY)
    page = harness.fetch()
    assert page.has_more
    hours = [NOW + timedelta(hours=h) for h in (1, 2, 3, 4)]
    harness.post(1, NOW - DAY, hours)
    harness.post(3, NOW - 3 * DAY, [NOW + timedelta(hours=5)])
    later = NOW + timedelta(hours=5)
    checkpoint, seen = json.loads(json.dumps(page.checkpoint)), set()
    for _ in range(12):
        page = harness.fetch(checkpoint, later)
        checkpoint = page.checkpoint
        seen |= {item.external_id for item in page.items}
    assert {f"1_{n}" for n in range(4)} <= seen


def test_a_post_deleted_between_two_pages_of_its_comments_stops_nothing(harness):
    harness.post(2, NOW, [NOW] * 5)
    harness.post(1, NOW - DAY, [NOW] * 3)
    page = harness.fetch()
    harness.site.delete(f"{PAGE_ID}_2")
    rest = walk(harness, page.checkpoint)
    assert rest.gaps == []
    assert len([seen for seen in harness.site.requests if "/feed?" in seen.path]) == 1, "it began again"
    assert {f"1_{n}" for n in range(3)} <= {item.external_id for item in page.items} | set(rest.ids)


def test_expired_cursors_start_the_walk_again(harness):
    harness.post(1, NOW, [NOW] * 5)
    page = harness.fetch()
    harness.site.expire_cursors()
    done = walk(harness, page.checkpoint)
    assert set(done.ids) == {f"1_{n}" for n in range(5)}
    assert done.gaps == []


def test_posts_older_than_recent_are_not_read_at_every_poll():
    with page(recent_days=7) as harness:
        for number in range(2, 9):
            harness.post(number, NOW - number * 2 * DAY, [NOW])
        assert max(int(item.post_id.partition("_")[2]) for item in walk(harness).items) <= 4


def test_the_sweep_goes_round_the_older_posts_one_page_a_poll():
    with page("older_comments", recent_days=7) as harness:
        harness.post(1, NOW - DAY, [NOW])
        posts = [harness.post(n, NOW - n * 10 * DAY, [NOW - DAY]) for n in range(2, 7)]
        checkpoint, seen = None, []
        for _ in range(3):
            read = harness.fetch(checkpoint)
            assert not read.has_more
            checkpoint = json.loads(json.dumps(read.checkpoint))
            seen += [item.post_id for item in read.items]
        assert seen == posts
        harness.site.publish(Entry("late", "After 60 days", NOW, author="7", on=posts[-1]))
        late = []
        for _ in range(3):
            read = harness.fetch(checkpoint)
            checkpoint = read.checkpoint
            late += [item.external_id for item in read.items]
        assert "late" in late


def test_the_sweep_ends_where_posts_are_too_old():
    with page("older_comments", recent_days=7, sweep_days=30) as harness:
        posts = [harness.post(n, NOW - n * 10 * DAY, [NOW]) for n in range(1, 9)]
        checkpoint, seen = None, set()
        for _ in range(6):
            read = harness.fetch(checkpoint)
            checkpoint = read.checkpoint
            seen |= {item.post_id for item in read.items}
        assert seen == set(posts[:4])


def test_replies_are_replies_and_comments_are_comments(harness):
    harness.site.publish(Entry("1_1", "Question?", NOW, author="7", on=POST))
    harness.site.reply("1_1", "1_2", "On Monday.", NOW)
    items = {item.external_id: item for item in walk(harness).items}
    assert items["1_1"].kind is ItemKind.COMMENT
    assert items["1_2"].kind is ItemKind.REPLY
    assert items["1_2"].parent_id == "1_1"
    assert items["1_2"].author_is_school


@pytest.mark.parametrize(
    ("stream", "entry", "kind"),
    [
        ("visitor_posts", Entry("100_5", "Hello", NOW, author="7"), ItemKind.VISITOR_POST),
        ("mentions", Entry("300_5", "At @school", NOW, author="7", tagged=True), ItemKind.MENTION),
        ("posts", Entry("100_6", "Our news", NOW, author=PAGE_ID), ItemKind.POST),
        ("direct", Entry("m_7", "May I ask", NOW, author="7", on="t_1"), ItemKind.DIRECT),
    ],
)
def test_each_stream_gives_its_kind(stream, entry, kind):
    with page(stream) as harness:
        harness.site.publish(entry)
        found = {item.external_id: item for item in walk(harness).items}
        assert found[entry.id].kind is kind
        assert found[entry.id].author_is_school is (entry.author == PAGE_ID)


def test_long_conversations_are_read_page_by_page():
    with page("direct") as harness:
        for talk in ("t_1", "t_2", "t_3"):
            harness.site.publish(
                *(
                    Entry(f"m_{talk}{n}", "Hi", NOW - n * timedelta(hours=1), author="7", on=talk)
                    for n in range(5)
                )
            )
        first = walk(harness)
        assert len(first.ids) == len(set(first.ids)) == 15
        assert {item.thread_id for item in first.items} == {"t_1", "t_2", "t_3"}
        harness.site.publish(Entry("m_new", "Hello?", NOW, author="7", on="t_2"))
        assert "m_new" in walk(harness, first.checkpoint).ids


@pytest.mark.parametrize(
    ("stream", "scope"), [("direct", "pages_messaging"), ("comments", "pages_read_user_content")]
)
def test_a_permission_that_lacks_is_named_in_words(stream, scope):
    with page(stream) as harness:
        harness.site.revoke(scope)
        with pytest.raises(PermissionMissing, match=rf"does not let us read .*: grant {scope} to the app"):
            harness.fetch()
        health = harness.connector().check(NOW)
        assert not health.ok
        assert health.permissions_missing == (scope,)


def test_an_expired_token_says_that_it_has_expired(harness):
    harness.site.expire_token()
    with pytest.raises(AuthExpired, match="the token has expired, renew it"):
        harness.fetch()
    harness.site.renew_token()
    assert harness.fetch().items == ()


def test_a_wrong_token_is_not_accepted(harness):
    harness.site.renew_token("another")
    with pytest.raises(AuthExpired):
        harness.fetch()


@pytest.mark.parametrize(
    ("code", "subcode", "error"),
    [
        (1, None, Transient),
        (2, None, Transient),
        (4, None, RateLimited),
        (10, None, PermissionMissing),
        (17, None, RateLimited),
        (32, None, RateLimited),
        (100, None, Permanent),
        (102, None, AuthExpired),
        (190, 460, AuthExpired),
        (190, 463, AuthExpired),
        (190, 467, AuthExpired),
        (200, None, PermissionMissing),
        (299, None, PermissionMissing),
        (613, None, RateLimited),
        (80001, None, RateLimited),
        (12345, None, Permanent),
    ],
)
@pytest.mark.parametrize("status", [400, 200])
def test_each_code_says_what_to_do_next_whatever_the_status(harness, code, subcode, error, status):
    harness.site.fail(code, subcode, status=status)
    expected = BadPayload if (code, status) == (12345, 200) else error
    with pytest.raises(expected) as caught:
        harness.fetch()
    assert type(caught.value) is expected
    assert all(isinstance(one, ConnectorError) for one in chain(caught.value))


def test_a_rate_limit_tells_how_long_it_lasts(harness):
    harness.site.use_up(100, regain_minutes=17)
    harness.site.fail(80001)
    with pytest.raises(RateLimited) as caught:
        harness.fetch()
    assert caught.value.retry_after == timedelta(minutes=17)


@pytest.mark.parametrize(
    ("percent", "wait"), [(20, None), (80, timedelta(minutes=15)), (99, timedelta(hours=1))]
)
def test_usage_slows_the_polls_down_before_they_fail(harness, percent, wait):
    harness.site.use_up(percent)
    assert harness.fetch().poll_after == wait


def test_too_much_data_is_asked_for_again_in_smaller_pages(harness):
    body = json.dumps(
        error_body(1, "Please reduce the amount of data you're asking for, then retry.")
    ).encode()
    harness.trouble(Trouble(Fault.STATUS, 500, body=body, times=1))
    harness.post(1, NOW, [NOW])
    read = harness.fetch()
    assert [item.external_id for item in read.items] == ["1_0"]
    assert read.cost == 2
    assert "limit=5" in harness.site.requests[-1].path


def test_a_page_without_a_list_is_no_quiet_day(harness):
    harness.trouble(Trouble(Fault.BODY, body=b'{"id": "100"}'))
    with pytest.raises(BadPayload):
        harness.fetch()


def test_a_post_without_an_id_is_set_aside(harness):
    harness.trouble(Trouble(Fault.BODY, body=b'{"data": [{"message": "x"}, 7]}'))
    read = harness.fetch()
    assert [part.reason for part in read.partial_errors] == ["A post was set aside: it has no id."] * 2


def test_the_token_in_the_platforms_own_links_and_words_reaches_nobody(harness):
    nasty = {"id": "1_1", "message": f"look: {TOKEN}", "created_time": "2026-03-02T12:00:00+0000"}
    nasty["paging"] = {"next": f"https://x.example/?access_token={TOKEN}"}
    feed = {"data": [{"id": POST, "comments": {"data": [nasty]}}]}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps(feed).encode()))
    (item,) = harness.fetch().items
    assert item.text == "look: [redacted]"


def test_pictures_are_links(harness):
    harness.site.publish(Entry("1_1", "", NOW, author="7", on=POST, link="https://pictures.example/1.jpg"))
    (item,) = walk(harness).items
    assert item.attachments == ("https://pictures.example/1.jpg",)


def test_refresh_tells_edits_hiding_and_deletion(harness):
    harness.post(1, NOW, [NOW] * 3)
    before = {item.external_id: item for item in walk(harness).items}
    harness.site.edit("1_0", "Another question?")
    harness.site.hide("1_1")
    harness.site.delete("1_2")
    after = {item.external_id: item for item in harness.connector().refresh(["1_0", "1_1", "1_2", POST], NOW)}
    assert after["1_0"].content_hash != before["1_0"].content_hash
    assert after["1_1"].state is ItemState.HIDDEN
    assert after["1_2"].state is ItemState.DELETED
    assert after[POST].kind is ItemKind.POST


def test_refresh_asks_for_many_at_once(harness):
    harness.post(1, NOW, [NOW] * 60)
    assert len(harness.connector().refresh([f"1_{n}" for n in range(60)], NOW)) == 60
    assert len(harness.site.requests) == 2


def test_one_that_is_gone_costs_a_handful_of_requests_and_not_one_each(harness):
    harness.post(1, NOW, [NOW] * 48)
    harness.site.delete("1_7")
    found = harness.connector().refresh([f"1_{n}" for n in range(48)], NOW)
    assert [item.external_id for item in found if item.state is ItemState.DELETED] == ["1_7"]
    assert len(found) == 48
    assert len(harness.site.requests) <= 20


def test_many_that_are_gone_cost_not_many_more_requests_than_there_are_ids(harness):
    harness.post(1, NOW, [NOW] * 50)
    for n in range(0, 50, 5):
        harness.site.delete(f"1_{n}")
    found = harness.connector().refresh([f"1_{n}" for n in range(50)], NOW)
    assert sum(item.state is ItemState.DELETED for item in found) == 10
    assert len(harness.site.requests) <= 70


def test_one_whose_answer_cannot_be_read_stays_as_it_is_known_and_hides_no_other(harness):
    harness.post(1, NOW, [NOW] * 2)
    rows = {"1_0": {"message": "no id"}, "1_1": {**_COMMENT, "id": "1_1"}}
    harness.trouble(Trouble(Fault.BODY, body=json.dumps(rows).encode()))
    assert [item.external_id for item in harness.connector().refresh(["1_0", "1_1"], NOW)] == ["1_1"]


def test_where_no_answer_can_be_read_the_whole_refresh_fails(harness):
    harness.post(1, NOW, [NOW])
    harness.trouble(Trouble(Fault.BODY, body=json.dumps({"1_0": {"message": "no id"}}).encode()))
    with pytest.raises(BadPayload):
        harness.connector().refresh(["1_0"], NOW)


def test_a_post_elsewhere_is_taken_for_a_comment_once(harness):
    harness.post(1, NOW, [NOW] * 20)
    harness.site.publish(Entry("300_1", "See @school", NOW, author="7", tagged=True))
    connector = harness.connector()
    ids = [*(f"1_{n}" for n in range(20)), "300_1"]
    connector.refresh(ids, NOW)
    asked = len(harness.site.requests)
    kinds = [item.kind for item in connector.refresh(ids, NOW)]
    assert kinds == [ItemKind.COMMENT] * 20 + [ItemKind.MENTION]
    assert len(harness.site.requests) - asked == 2


def test_refresh_reads_messages_and_posts_elsewhere(harness):
    harness.site.publish(Entry("m_1", "Hi", NOW, author="7", on="t_1"))
    harness.site.publish(Entry("300_1", "See @school", NOW, author="7", tagged=True))
    kinds = [item.kind for item in harness.connector().refresh(["m_1", "300_1"], NOW)]
    assert kinds == [ItemKind.DIRECT, ItemKind.MENTION]


def test_nothing_is_called_deleted_when_comments_cannot_be_seen_at_all(harness):
    harness.site.revoke("pages_read_user_content")
    with pytest.raises(PermissionMissing):
        harness.connector().refresh(["1_9"], NOW)


def test_a_person_can_hide_delete_answer_and_block(harness):
    harness.post(1, NOW, [NOW, NOW, NOW])
    connector = harness.connector()
    connector.moderate(Capability.HIDE, "1_0")
    connector.moderate(Capability.DELETE, "1_1")
    connector.moderate(Capability.REPLY, "1_2", text="On Monday.")
    connector.moderate(Capability.BLOCK, "1_2", author_id="7")
    assert harness.site.entry("1_0").hidden
    assert harness.site.entry("1_1") is None
    assert harness.site.blocked == {"7"}
    (answer,) = [item for item in walk(harness).items if item.text == "On Monday."]
    assert answer.parent_id == "1_2"
    assert answer.author_is_school


def test_an_action_that_cannot_be_done_says_why(harness):
    connector = harness.connector()
    with pytest.raises(Permanent, match="needs its text"):
        connector.moderate(Capability.REPLY, "1_2", text=" ")
    with pytest.raises(Permanent, match="it is not there"):
        connector.moderate(Capability.HIDE, "1_9")
    with pytest.raises(NotSupported):
        connector.moderate(Capability.REFRESH, "1_9")
    harness.trouble(Trouble(Fault.BODY, body=b'{"success": false}'))
    with pytest.raises(Permanent, match="did not carry"):
        connector.moderate(Capability.HIDE, "1_9")
    harness.trouble(Trouble(Fault.STATUS, 429, headers=(("Retry-After", "Mon, 02 Mar 2026 12:01:30 GMT"),)))
    with pytest.raises(RateLimited) as caught:
        connector.moderate(Capability.HIDE, "1_9")
    assert caught.value.retry_after is None


def test_check_tells_until_when_the_token_is_good(harness):
    harness.site.token_ends, harness.site.data_ends = 0, int((NOW + 20 * DAY).timestamp())
    harness.site.use_up(40)
    health = harness.connector().check(NOW)
    assert health.ok
    assert health.token_until == NOW + 20 * DAY
    assert health.quota_left == 60
    harness.site.token_ends = int((NOW + 2 * DAY).timestamp())
    assert harness.connector().check(NOW).token_until == NOW + 2 * DAY
    harness.site.expire_token()
    assert not harness.connector().check(NOW).ok


def test_check_without_an_end_tells_none_and_asks_once(harness):
    assert harness.connector().check(NOW).token_until is None
    assert len(harness.site.requests) == 1


@pytest.mark.parametrize(
    "body", [b"[]", b'[{"code": 200, "body": "x"}]', b'[{"code": 200, "body": "{}"}]', b"{}"]
)
def test_check_makes_nothing_up(harness, body):
    harness.trouble(Trouble(Fault.BODY, body=body))
    assert not harness.connector().check(NOW).ok


def test_a_wrong_app_secret_is_not_healthy(harness):
    body = json.dumps([{"code": 400, "body": json.dumps(error_body(190, "Invalid signature"))}]).encode()
    harness.trouble(Trouble(Fault.BODY, body=body))
    assert "190" in harness.connector().check(NOW).detail


@pytest.mark.parametrize(
    "url", ["http://graph.facebook.com", "ftp://x.example", "https://user@x.example", "x"]
)
def test_the_token_goes_to_no_address_that_is_not_safe(url):
    with pytest.raises(ValidationError, match="https"):
        FacebookOptions.model_validate({"page_id": "1", "app_id": "2", "api_url": url})


_TIME = "2026-03-02T11:00:00+0000"
_PAGING = {"cursors": {"after": "abc"}, "next": "https://x.example"}
_COMMENT = {
    "id": "1_1",
    "message": "Hi",
    "from": {"id": "7", "name": "A"},
    "created_time": _TIME,
    "parent": {"id": "1_0"},
}
_INNER = {"data": [_COMMENT, _COMMENT], "paging": _PAGING}
_OUTER = {"id": POST, "created_time": _TIME, "updated_time": _TIME, "comments": _INNER, "messages": _INNER}


@pytest.mark.parametrize("stream", ["comments", "older_comments", "posts", "direct"])
def test_whatever_facebook_sends_is_a_page_or_an_error_of_the_port(stream):
    with page(stream) as harness:
        connector, checkpoint = harness.connector(), None
        for seed in range(60):
            feed = {"data": [_OUTER, {**_OUTER, **_COMMENT}], "paging": _PAGING}
            body = json.dumps(mutated(_INNER if seed % 3 == 0 else feed, seed)).encode()
            harness.trouble(Trouble(Fault.BODY, body=body))
            with suppress(ConnectorError):
                checkpoint = connector.fetch(stream, checkpoint, NOW).checkpoint
            with suppress(ConnectorError):
                connector.refresh(["1_1", POST, "m_1"], NOW)


def test_whatever_debug_token_says_is_health_or_an_error_of_the_port(harness):
    connector = harness.connector()
    facts = {"is_valid": True, "expires_at": 5, "data_access_expires_at": 0, "scopes": ["pages_messaging"]}
    for seed in range(60):
        told = [{"code": 200, "body": json.dumps({"data": mutated(facts, seed)})}]
        harness.trouble(Trouble(Fault.BODY, body=json.dumps(told).encode()))
        with suppress(ConnectorError):
            connector.check(NOW)


def test_an_unreadable_place_begins_again(harness):
    harness.post(1, NOW, [NOW] * 5)
    stored = json.loads(json.dumps(harness.fetch().checkpoint))
    stored["in_progress"]["page_token"] = "not a place"
    assert len(set(walk(harness, stored).ids)) == 5


def test_the_simulator_runs_alone(tmp_path):
    entries = tmp_path / "entries.jsonl"
    entries.write_text(
        '{"id": "100_1", "text": "News", "at": "2026-03-02T12:00:00+00:00", "author": "100"}\n'
    )
    assert read_entries(entries)[0].at == NOW
    command = [sys.executable, "-m", "connectors.simulators.facebook", "--entries", str(entries)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
        try:
            options = FacebookOptions.model_validate(
                {
                    "page_id": PAGE_ID,
                    "app_id": APP_ID,
                    "api_url": site.stdout.readline().strip(),
                    "streams": ["posts"],
                }
            )
            connector = FacebookConnector(SourceRef("s", "a", "UTC"), options, SECRETS)
            assert [
                item.text for item in connector.fetch("posts", None, datetime(2026, 3, 3, tzinfo=UTC)).items
            ] == ["News"]
            connector.close()
        finally:
            site.terminate()


def test_the_simulator_explains_its_options(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--entries" in capsys.readouterr().out
