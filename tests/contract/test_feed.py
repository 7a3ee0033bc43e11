"""The feed connector: the contract over Atom and over RSS, and what only feeds have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connector, SourceRef
from connectors.errors import BadPayload
from connectors.feed import FeedConnector, FeedOptions, _next_page
from connectors.http import GuardedSession
from connectors.item import Item, ItemKind
from connectors.simulators.feed import Fault, FeedSimulator, Post, Trouble
from tests.contract.suite import NOW, PAGE_SIZE, SCHOOL, Harness, HttpContract, Said, several, walk

SOURCE = SourceRef("st-marys", "our-source", "Europe/London")


class FeedHarness(Harness):
    keeps_forbidden_characters = False
    secret = "s3cret-of-the-feed"

    def __init__(self, site: FeedSimulator, **options: Any) -> None:
        self.site = site
        self.options = options
        self.connectors: list[FeedConnector] = []

    def connector(self, patience_s: float = 30) -> Connector:
        options = FeedOptions.model_validate(
            {"url": self.site.url, "school_authors": [SCHOOL], **self.options}
        )
        made = FeedConnector(SOURCE, options, {}, session=GuardedSession(total_s=patience_s))
        self.connectors.append(made)
        return made

    def publish(self, *said: Said) -> None:
        self.site.publish(
            *(
                Post(
                    one.id,
                    one.text,
                    author=one.author,
                    published=one.at,
                    in_reply_to=one.parent,
                    link=f"/{one.id}#c",
                )
                for one in said
            )
        )

    def edit(self, external_id: str, text: str) -> None:
        self.site.edit(external_id, text, updated=NOW)

    def remove(self, external_id: str) -> None:
        self.site.remove(external_id)

    def publish_what_cannot_be_read(self, at: datetime) -> None:
        self.site.publish(Post("", "", title="", published=at))

    def trouble(self, trouble: Trouble) -> None:
        self.site.trouble = trouble


@contextmanager
def feed(form: str = "atom", **options: Any) -> Iterator[FeedHarness]:
    with FeedSimulator(form=form, page_size=PAGE_SIZE, query={"token": FeedHarness.secret}) as site:
        harness = FeedHarness(site, **options)
        yield harness
        for connector in harness.connectors:
            connector.close()


class TestAtom(HttpContract):
    def make(self, folder: Path):
        return feed("atom")


class TestRss(HttpContract):
    def make(self, folder: Path):
        return feed("rss")


@pytest.fixture
def harness() -> Iterator[FeedHarness]:
    with feed() as made:
        yield made


def read_document(harness: FeedHarness, document: str | bytes) -> list[Item]:
    body = document.encode() if isinstance(document, str) else document
    harness.trouble(Trouble(Fault.BODY, body=body))
    return walk(harness).items


def rss(*items: str, prolog: str = "") -> str:
    return f'{prolog}<rss version="2.0"><channel><title>A site</title>{"".join(items)}</channel></rss>'


def test_only_entries_with_one_of_the_words_are_given():
    with feed(must=["St Mary's  School", "SMS"]) as harness:
        harness.publish(
            Said("name", "i love ST MARY’S\nschool"), Said("other", "st marys-school"), Said("part", "SMSes")
        )
        assert walk(harness).ids == ["name"]


def test_a_word_must_stand_alone_but_may_stand_beside_punctuation():
    with feed(must=["Straße"]) as harness:
        harness.publish(Said("yes", "(STRASSE!)"), Said("no", "Straßenbahn"))
        assert walk(harness).ids == ["yes"]


def test_an_entry_with_a_forbidden_word_is_not_given():
    with feed(must=["school"], must_not=["driving school"]) as harness:
        harness.publish(Said("yes", "the school"), Said("no", "the driving school"))
        assert walk(harness).ids == ["yes"]


@pytest.mark.parametrize("kind", ["mention", "post", "comment"])
def test_the_kind_is_the_configured_one(kind):
    with feed(kind=kind) as harness:
        harness.publish(Said("one"))
        assert [item.kind for item in walk(harness).items] == [ItemKind(kind)]


def test_an_unchanged_feed_is_asked_conditionally_and_gives_nothing(harness):
    harness.publish(*several(1))
    first = walk(harness)
    second = walk(harness, first.checkpoint)
    assert harness.site.requests[-1].headers["If-None-Match"]
    assert second.ids == []
    assert second.checkpoint == first.checkpoint


def test_the_etag_is_kept_only_once_the_walk_has_ended(harness):
    harness.publish(*several(3 * PAGE_SIZE))
    connector = harness.connector()
    page = connector.fetch("entries", None, NOW)
    assert page.checkpoint["kept"] == {}
    assert walk(harness, page.checkpoint).checkpoint["kept"]["etag"]


def test_the_etag_of_a_document_cut_short_is_not_kept(harness):
    harness.publish(*several(2))
    harness.trouble(Trouble(Fault.TRUNCATED, times=1))
    assert walk(harness).checkpoint["kept"] == {}


def test_the_high_water_moves_only_when_the_walk_has_ended(harness):
    harness.publish(*several(3 * PAGE_SIZE))
    page = harness.connector().fetch("entries", None, NOW)
    assert page.checkpoint["high_water"] is None
    assert walk(harness, page.checkpoint).checkpoint["high_water"] == "2026-03-02T11:00:00+00:00"


def test_a_walk_stops_where_the_last_one_began(harness):
    harness.publish(*several(5 * PAGE_SIZE))
    first = walk(harness)
    harness.publish(Said("new"))
    assert len(walk(harness, first.checkpoint).pages) == 2


def test_a_date_in_the_future_does_not_end_later_walks_early(harness):
    harness.publish(Said("2099", at=datetime(2099, 1, 1, tzinfo=UTC)), *several(1))
    first = walk(harness)
    harness.publish(*[Said(f"new{n}", at=NOW - timedelta(seconds=n)) for n in range(6)])
    assert {f"new{n}" for n in range(6)} <= set(walk(harness, first.checkpoint).ids)


def test_a_walk_that_is_cut_before_its_target_tells_the_gap():
    with feed(max_pages=2) as harness:
        harness.publish(*several(2))
        first = walk(harness)
        assert first.gaps == []
        harness.publish(*[Said(f"new{n}", at=NOW - timedelta(seconds=n)) for n in range(9)])
        assert "missing" in walk(harness, first.checkpoint).gaps[0]


def test_html_becomes_readable_text(harness):
    harness.publish(
        Said(
            "x",
            "<p>One<br>two&nbsp;&amp; <b>three</b></p><script>no()</script><img alt='😀'><!-- no --><p>Four",
        )
    )
    assert walk(harness).items[0].text == "One\ntwo\xa0& three\n😀\nFour"


def test_hostile_html_costs_no_time(harness):
    harness.publish(Said("x", "<a " * 200_000), Said("y", "<!--" * 50_000), Said("z", "<![" * 50_000))
    assert sorted(walk(harness).ids) == ["x", "y", "z"]


def test_an_endless_name_costs_no_time(harness):
    (item,) = read_document(harness, rss(f"<item><guid>1</guid><author>{'a.' * 100_000}</author></item>"))
    assert len(item.author_name) == 300


@pytest.mark.parametrize(
    "entry",
    [
        "<item " + " ".join(f"a{n}='1'" for n in range(5000)) + "/>",
        "<title>a & b</title><item " + " ".join(f"a{n}='1'" for n in range(5000)) + "></item>",
    ],
    ids=["well-formed", "malformed"],
)
def test_a_document_no_honest_site_would_send_is_refused(harness, entry):
    with pytest.raises(BadPayload, match="honest"):
        read_document(harness, rss(entry))


def test_enclosures_are_links_and_links_are_complete(harness):
    harness.site.publish(
        Post("x", "", link="/p/1", enclosures=("http://pictures.example/a.jpg", "javascript:x"))
    )
    (item,) = walk(harness).items
    assert item.attachments == ("http://pictures.example/a.jpg",)
    assert item.permalink == harness.site.url.partition("/feed")[0] + "/p/1"


def test_a_link_within_the_page_does_not_take_the_feeds_token_along(harness):
    harness.site.publish(Post("x", "", link="#comment-1"))
    (item,) = walk(harness).items
    assert item.permalink == harness.site.url.partition("?")[0] + "#comment-1"


def test_the_school_is_known_by_its_page_too():
    with feed(school_authors=["https://school.example/"]) as harness:
        harness.site.publish(Post("x", "hello", author="Anyone", author_uri="https://school.example/"))
        (item,) = walk(harness).items
        assert item.author_is_school
        assert item.author_id == "https://school.example/"


def test_an_entry_without_an_id_is_known_by_its_link_and_else_by_its_words(harness):
    items = read_document(
        harness, rss("<item><link>http://a.example/1</link></item>", "<item><title>Hi</title></item>")
    )
    again = read_document(harness, rss("<item><title>Hi</title></item>"))
    assert items[0].external_id == "http://a.example/1"
    assert items[1].external_id == again[0].external_id


def test_a_date_without_a_zone_is_utc_and_one_that_cannot_be_read_is_none(harness):
    dates = ["2026-03-01T10:00:00", "the day before yesterday", ""]
    items = read_document(
        harness, rss(*(f"<item><guid>{d}</guid><pubDate>{d}</pubDate><title>t</title></item>" for d in dates))
    )
    assert [item.created_at for item in items] == [datetime(2026, 3, 1, 10, tzinfo=UTC), None, None]


def test_a_malformed_feed_gives_its_entries_and_says_so(harness):
    harness.trouble(Trouble(Fault.BODY, body=rss("<item><title>Fish & chips</title></item>").encode()))
    done = walk(harness)
    assert [item.title for item in done.items] == ["Fish & chips"]
    assert "malformed" in done.rejected[0].reason


@pytest.mark.parametrize(
    "start", ["\n<?xml", "\n<!-- ", " <!DOCTYPE rss", "\n", "<", "<?", "<!DOCTYPE x [", "&#1;"]
)
def test_a_document_that_hardly_begins_is_a_bad_payload(harness, start):
    with pytest.raises(BadPayload):
        read_document(harness, start)


def test_a_feed_cut_within_its_first_entry_is_a_bad_payload(harness):
    with pytest.raises(BadPayload, match="breaks off"):
        read_document(harness, '<rss version="2.0"><channel><item><title>Hel')


def test_half_an_entry_never_becomes_an_item(harness):
    cut = rss("<item><guid>1</guid><title>One</title></item>", "<item><guid>2</guid><title>Tw")[
        : -len("</channel></rss>")
    ]
    harness.trouble(Trouble(Fault.BODY, body=cut.encode()))
    done = walk(harness)
    assert done.ids == ["1"]
    assert b"<title>Tw" in done.rejected[0].raw


@pytest.mark.parametrize(
    "prolog",
    [
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!-- <x --><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss><!DOCTYPE rss [<!ENTITY b "ha">]>',
        "\n\n<!doctype rss [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x'> %p;]>",
    ],
)
def test_a_feed_that_declares_entities_is_refused(harness, prolog):
    with pytest.raises(BadPayload, match="entities"):
        read_document(harness, rss("<item><title>&b;</title></item>", prolog=prolog))


def test_a_plain_doctype_and_html_entities_do_no_harm(harness):
    document = rss(
        "<item><title>caf&eacute;</title></item>", prolog='<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/rss.dtd">'
    )
    harness.trouble(Trouble(Fault.BODY, body=document.encode()))
    done = walk(harness)
    assert [item.title for item in done.items] == ["café"]
    assert done.rejected == []


def test_forbidden_references_do_not_take_the_feed_down(harness):
    items = read_document(harness, rss("<item><title>a&#0;b&#xD800;c&#x110000;</title></item>"))
    assert [item.title for item in items] == ["a\ufffdb\ufffdc\ufffd"]


def test_one_bad_byte_does_not_garble_the_whole_feed(harness):
    items = read_document(
        harness,
        rss("<item><title>مرحبا é</title></item>", "<item><title>BAD</title></item>")
        .encode()
        .replace(b"BAD", b"\xc3"),
    )
    assert [item.title for item in items] == ["مرحبا é", "\ufffd"]


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [
        ("utf-16", ""),
        ("cp1252", ""),
        ("iso-8859-1", '<?xml version="1.0" encoding="iso-8859-1"?>'),
        ("utf-8-sig", ""),
    ],
)
def test_other_encodings_are_read(harness, encoding, declaration):
    items = read_document(
        harness, rss("<item><title>Café</title></item>", prolog=declaration).encode(encoding)
    )
    assert [item.title for item in items] == ["Café"]


def test_a_private_next_page_is_not_followed_down_from_https():
    assert _next_page("http://x.example/2", "https://x.example/1") is None
    assert _next_page("file:///etc/passwd", "http://x.example/1") is None
    assert _next_page("?page=2", "https://x.example/f") == "https://x.example/f?page=2"
