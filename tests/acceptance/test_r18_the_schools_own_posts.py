"""R18: a post of the school's own that gives away who or where a child is, is recognised.

Names from the pupils' register are looked for with a later issue; here it is what the words alone show.
"""

from __future__ import annotations

from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from tests.acceptance.outside import Outside
from tests.acceptance.recognised import STAFF, recognised, wrong

GIVES_AWAY = {
    "Well done to all our runners! Tom Pryce in 4B still has no lift home, his mum is on 07700 900321": "high",
    "Ella Dunn in Year 5 was absent again because she is in foster care": "high",
    "Our trip register: Priya Nair 14/03/2016, Dan Holt 02/11/2015, Wes Okoro 21/06/2016": "high",
    "Please send cards to Oliver Wynn, he lives at 14 Larkspur Close, QX7 4LT": "medium",
    "Jab forms: for Ella the NHS number is 485 777 3457": "high",
    "Results are in. UPN U823432105017 has level 5": "high",
    "Write to Josie's mum at sonia.reddy84@mail.example if you can bring a cake": "medium",
}
POSITIVE = (
    "Congratulations to everybody who took part in the fair. £1,250 raised!",
    "Star of the week: Amelia in Kingfishers, for kindness",
    "Sports day is on 3 July. Ring the office on 01632 960100 with questions.",
    "Our netball team won 24-17. Well done, girls!",
    "The Blitz day was a great success, thank you to all who dressed up",
    "Term begins on 02/09/2026. Hoodies are £18.50, order at the office",
)
AT_WORK = (
    "Dear Nicola, no child should feel like that. Mrs Okafor is ringing you now.",
    "Grace, please come to the side gate. If she is short of breath before then, ring 999.",
    "A child told us today that somebody had hurt her. We have spoken to her family and to the police.",
    "Hello Dan. Mrs Okafor answers newspapers in the afternoon.",
)
TAKEN_OVER = (
    "I will kill you all tomorrow",
    "You stupid fucking idiots, this school is shit",
    "Bringing my machete to school tomorrow, who wants to watch",
    "Send me a pic, dont tell your mum, our little secret",
)


def test_r18_a_post_of_the_schools_own_that_gives_a_child_away_is_recognised_and_good_news_is_not(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(STAFF)
    comments = {f"p{n}": text for n, text in enumerate((*GIVES_AWAY, *POSITIVE))}
    found = recognised(school, comments, kind="post", author_is_school=True, author_id="school")

    wanted = {one: ("data_breach", GIVES_AWAY[text]) for one, text in comments.items() if text in GIVES_AWAY}
    assert wrong(found, wanted, comments) == []
    assert [text for one, text in comments.items() if text in POSITIVE and found[one].flagged] == []
    assert {one for one, case in school.cases().items() if case["due_at"] is not None} == set()


def test_r18_what_a_school_writes_in_its_work_is_no_alarm_and_what_a_stranger_writes_in_its_name_is(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    comments = {f"p{n}": text for n, text in enumerate((*AT_WORK, *TAKEN_OVER))}
    own = {"kind": "comment", "author_is_school": True, "author_id": "school"}
    found = recognised(school, comments, **own)
    assert {text for one, text in comments.items() if found[one].flagged} == set(TAKEN_OVER)


BLOG = """
[[accounts]]
name = "blog"
platform = "feed"
staff = ["one", "two"]
approved_by = "The Head"
approved_on = 2026-09-01
[accounts.options]
url = "{url}"
kind = "comment"
school_authors = ["Oakfield School"]
"""


def test_r18_on_a_blog_where_anybody_signs_the_schools_name_silences_nothing(oakfield: Outside) -> None:
    signed = Post("1", "dad hit me again last night and im scared to go home", author="Oakfield School")
    with FeedSimulator([signed]) as site:
        oakfield.settle(BLOG.format(url=site.url))
        assert oakfield.once()["items_new"] == 1
    (case,) = oakfield.cases().values()
    assert case["severity"] == "urgent"


def test_r18_the_same_words_of_anybody_else_are_told(oakfield_anywhere: Outside) -> None:
    found = recognised(oakfield_anywhere, {"p": AT_WORK[0]})
    assert found["p"].flagged
