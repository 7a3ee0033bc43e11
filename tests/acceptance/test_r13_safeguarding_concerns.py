"""R13: a child that discloses harm, and whatever raises a safeguarding concern, is recognised as such."""

from __future__ import annotations

from monitor.domain.verdict import SAFEGUARDING
from tests.acceptance.outside import Outside
from tests.acceptance.recognised import STAFF, recognised, wrong

CONCERNS = {
    "my dad hits me when he drinks": ("disclosure", "high"),
    "my uncle touches me and says its a game": ("disclosure", "high"),
    "Mae dad yn fy nharo i": ("disclosure", "high"),
    "i want to kill myself": ("self_harm", "high"),
    "I don't want to be here anymore and nobody would notice": ("self_harm", "high"),
    "Dwi isio marw": ("self_harm", "high"),
    "The little boy at number 9 screams every night and I've seen bruises on his neck. Who do I tell?": (
        "concern",
        "high",
    ),
    "My daughter got off the bus at 3.40 and never got home. Police have been told, please share": (
        "missing_child",
        "high",
    ),
    "ur so mature for 13, whats ur snap? dont tell ur mum": ("grooming", "high"),
    "he says he'll show my mum the video unless I go on cam again": ("sextortion", "high"),
    "A gang has given my 14 year old a burner phone and he goes missing for days selling drugs for them": (
        "exploitation",
        "high",
    ),
    "My son says he is going to Syria to fight for the caliphate and die a martyr": (
        "radicalisation",
        "high",
    ),
    "Two of your infants are left at home alone every night, no food, no heating, filthy clothes": (
        "neglect",
        "medium",
    ),
    "My gran has dementia and my uncle is taking all her money and shouting at her": (
        "adult_at_risk",
        "medium",
    ),
}
BETWEEN_CHILDREN = {"nobody sit with marcus tomorrow he stinks of bins": ("bullying", "medium")}
WAITS_FOR_THE_MORNING = {
    "im 10 can i still follow this page": ("under_13", "low"),
    "hi im 11 and i love this page": ("under_13", "low"),
}
NO_CONCERN = (
    "My dad beats everybody at the quiz and then he drinks all the tea",
    "that chemistry paper killed me",
    "Has anybody seen our cat? Black and white, gone since Tuesday from Elm Grove",
    "Our hamster died on Sunday so he may be a bit quiet in class",
    "My grandad was shot at Arnhem and lived to 94, he'd have loved the cadets tonight",
    "She got off the bus at 3.40 and ran all the way home to tell us about the trip",
    "The lollipop lady is eighty today, her son has brought cake for everybody",
    "Diolch yn fawr i bawb am gyngerdd hyfryd",
)


def test_r13_every_safeguarding_category_is_recognised_and_its_look_alikes_are_not(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(STAFF)
    harm = CONCERNS | BETWEEN_CHILDREN | WAITS_FOR_THE_MORNING
    comments = {f"c{n}": text for n, text in enumerate((*harm, *NO_CONCERN))}
    found = recognised(school, comments)

    wanted = {one: harm[text] for one, text in comments.items() if text in harm}
    assert wrong(found, wanted, comments) == []
    assert {category for category, _ in CONCERNS.values()} == {one.value for one in SAFEGUARDING}
    cases = school.cases()
    concerns = {one for one, text in comments.items() if text in CONCERNS}
    assert {cases[one]["second_clock"] for one in concerns} == {"running"}, "only the lead can stop it"
    calm = {one for one, text in comments.items() if text in NO_CONCERN or text in WAITS_FOR_THE_MORNING}
    assert [comments[one] for one in calm if found[one].flagged] == []
