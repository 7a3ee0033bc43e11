"""R10: the internet is watched for postings about the school, told from its namesakes by words."""

from __future__ import annotations

from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from tests.acceptance.outside import Outside

WATCH = """
[[watches]]
name = "alerts"
platform = "feed"
[watches.options]
url = "{url}"
must = ["Oakfield Primary"]
must_not = ["Oakfield Primary, Leeds"]
"""


def test_r10_a_nasty_posting_elsewhere_is_mailed_and_a_namesake_is_not(oakfield: Outside) -> None:
    posts = [
        Post("1", "Oakfield Primary wins the spelling cup."),
        Post("2", "Whoever runs Oakfield Primary is a stupid idiot and a pathetic moron."),
        Post("3", "Whoever runs Oakfield Primary, Leeds is a stupid idiot and a pathetic moron."),
        Post("4", "A stupid idiot and a pathetic moron wrote this about Ashdown."),
    ]
    with FeedSimulator(posts, form="rss") as site:
        oakfield.settle(WATCH.format(url=site.url))
        assert oakfield.once()["items_new"] == 2
    assert len(oakfield.sink.to("one")) == 1
    (case,) = oakfield.cases().values()
    assert (case["external_id"], case["due_at"], case["answer"]) == ("2", None, "not_needed")
