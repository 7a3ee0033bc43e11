"""R11: a journalist's contact is recognised, so that it can go to the head teacher."""

from __future__ import annotations

from tests.acceptance.outside import Outside
from tests.acceptance.recognised import STAFF, recognised, wrong

PRESS = (
    "Hi, I'm a reporter with the Evening Echo, could somebody ring me about the closure?",
    "I'm a journalist writing about exclusions for a national paper, would the school like to comment?",
    "BBC Radio Wexcombe here, we'd love to interview the head live at five",
    "Producer on a radio phone-in, can anyone from the school talk to us this afternoon?",
)
NOT_THE_PRESS = (
    "Lovely to see the choir in the Gazette this morning!",
    "Is the school on social media anywhere else?",
    "The newspaper club is looking for year 7 reporters, come to room 4",
    "Can she interview her granny for the history homework?",
    "Is the deadline for the photo competition Friday?",
)


def test_r11_a_journalists_contact_is_recognised_and_what_only_speaks_of_the_press_is_not(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(STAFF)
    comments = {f"c{n}": text for n, text in enumerate((*PRESS, *NOT_THE_PRESS))}
    found = recognised(school, comments)

    wanted = {one: ("media", "medium") for one, text in comments.items() if text in PRESS}
    assert wrong(found, wanted, comments) == []
    others = [one for one in comments if one not in wanted]
    assert [comments[one] for one in others if "media" in found[one].categories] == []
    assert [comments[one] for one in others if found[one].flagged] == []
    assert {school.cases()[one]["categories"][0] for one in wanted} == {"media"}
