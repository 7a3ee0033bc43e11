"""R08: conduct that is illegal is recognised as urgent, so that it can go to the police and other agencies at once."""

from __future__ import annotations

from tests.acceptance.outside import Outside
from tests.acceptance.recognised import STAFF, recognised, wrong

ILLEGAL = {
    "I'm going to stab that teacher outside the gates tomorrow": ("threat", "urgent"),
    "there is a bomb in the sports hall and it goes off at 2": ("threat", "urgent"),
    "there's a lad in year 10 with a machete in his bag right now": ("weapon", "urgent"),
    "ur so mature for 13, whats ur snap? dont tell ur mum": ("grooming", "urgent"),
    "year 9 boys are passing round nudes of a girl in our form": ("sextortion", "urgent"),
    "someone has a video of me and says he will send it to everyone unless I pay": ("sextortion", "urgent"),
    "A gang has given my 14 year old a burner phone and he goes missing for days selling drugs for them": (
        "exploitation",
        "urgent",
    ),
    "My son says he is going to Syria to fight for the caliphate and die a martyr": (
        "radicalisation",
        "urgent",
    ),
    "All these immigrants are scum, send them back and give our kids the places": (
        "identity_attack",
        "medium",
    ),
}
LAWFUL = (
    "We absolutely battered them 6-0, what a performance by the under 12s",
    "The bath bomb stall sold out in ten minutes",
    "Bugsy Malone: the splurge guns are ready, we need forty cans of foam",
    "The talk about strangers online was very good, thank you PC Ahmed",
    "My 14 year old is selling cakes for the food bank for days on end, can he have a stall?",
    "Year 9 are passing round the programme, it's a gorgeous picture on the front",
    "The visit to the mosque was wonderful, thank you",
)


def test_r08_illegal_conduct_is_recognised_for_what_it_is_and_its_look_alikes_are_not(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(STAFF)
    comments = {f"c{n}": text for n, text in enumerate((*ILLEGAL, *LAWFUL))}
    found = recognised(school, comments)

    wanted = {one: ILLEGAL[text] for one, text in comments.items() if text in ILLEGAL}
    assert wrong(found, wanted, comments) == []
    assert [text for one, text in comments.items() if text in LAWFUL and found[one].flagged] == []
    cases = school.cases()
    urgent = {one for one, (_, least) in wanted.items() if least == "urgent"}
    assert {cases[one]["severity"] for one in urgent} == {"urgent"}
    assert {cases[one]["second_clock"] for one in urgent} == {"running"}
