"""A person's word about a flag is heeded when the same words come again: for the words, at that school, and never
where a child may be in danger. On both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerts import outbox
from alerts.kinds import AlertKind
from monitor.domain.decide import NotTheirs
from monitor.explain import explained, in_words
from monitor.pipeline.review import NothingFlagged, Reviewed, precision, review
from monitor.storage import cases, decisions, events, items, verdicts
from tests.acceptance.outside import Outside
from tests.fakes import Build, World, comment, school


def decide(world: World, number: int, *, rightly: bool, person: str = "mod") -> Reviewed | None:
    return review(world.installation.sites[0], number, person, world.now, rightly=rightly)


def verdict_of(world: World, external_id: str, school_id: str = "oakfield") -> Any:
    with world.db.read() as conn:
        (item,) = items.find(conn, school_id, external_id)
        return verdicts.latest_verdicts(conn, school_id, [item])[item]


def alarms(world: World, school_id: str = "oakfield") -> set[str]:
    """The cases of which people were told that they are flagged."""
    with world.db.read() as conn:
        rows = outbox.rows(conn, school_id, waiting_only=False)
    return {row.subject for row in rows if row.kind == AlertKind.FLAGGED.value}


def test_the_same_words_are_not_alarmed_about_again_whoever_writes_them(world: World) -> None:
    world.give(comment("1", "You rude  thing"))
    decide(world, 1, rightly=False)
    world.give(comment("2", "YOU rude thing\u200b", author_id="somebody else"))
    assert alarms(world) == {"case:1"}
    verdict = verdict_of(world, "2")
    assert (verdict.severity, verdict.categories, verdict.dismissed) == ("low", ["insult"], ["insult"])
    (one,) = explained(world.installation.sites[0], "2")
    assert "a person called the same words a false alarm" in in_words(
        world.installation.sites[0], one, world.now
    )


def test_other_words_of_the_same_author_are_alarmed_about(world: World) -> None:
    world.give(comment("1", "you rude thing"))
    decide(world, 1, rightly=False)
    world.give(comment("2", "you rude thing!"), comment("3", "@bob is rude"), comment("4", "@ann is rude"))
    assert alarms(world) == {"case:1", "case:2", "case:3", "case:4"}
    assert verdict_of(world, "2").dismissed is None
    decide(world, 3, rightly=False)
    world.give(comment("5", "@ann is rude"))
    assert "case:5" in alarms(world), "a decision about one name says nothing about another"


def test_a_false_alarm_is_closed_and_the_chain_tells_who_said_so(world: World) -> None:
    world.give(comment("1", "you rude thing"))
    assert decide(world, 1, rightly=False) is not None
    with world.db.read() as conn:
        case = cases.load(conn, "oakfield", 1)
        happened = {row.kind: row.data for row in events.of_subject(conn, "oakfield", "case:1")}
        assert events.first_broken(conn, "oakfield") is None
        (row,) = decisions.all_of(conn, "oakfield")
    assert case is not None
    assert case.flag.value == "decided"
    assert case.answer.value == "waiting", "its question still waits for an answer"
    assert happened["reviewed"]["person"] == "mod"
    assert happened["reviewed"]["rightly"] is False
    assert "rude" not in repr(row)
    assert "parent" not in repr(row)


def test_the_latest_decision_about_the_same_words_counts(world: World) -> None:
    world.give(comment("1", "you rude thing"))
    decide(world, 1, rightly=False)
    world.give(comment("2", "you rude thing"))
    decide(world, 2, rightly=True)
    world.give(comment("3", "you rude thing"))
    assert alarms(world) == {"case:1", "case:3"}


def test_a_decision_holds_at_its_school_alone(build: Build) -> None:
    world = build(school("ash"), school("elm"))
    world.give(comment("1", "you rude thing"), school_id="ash")
    decide(world, 1, rightly=False)
    world.give(comment("2", "you rude thing"), school_id="elm")
    assert alarms(world, "elm") == {"case:1"}
    review(world.installation.sites[1], 1, "mod", world.now, rightly=False)
    with world.db.read() as conn:
        (ash,), (elm,) = (decisions.all_of(conn, name) for name in ("ash", "elm"))
    assert ash.digest != elm.digest, "nobody can compare what two schools were sent"


@pytest.mark.parametrize("words", ["a threat", "urgent", "rude and a threat", "rude and urgent"])
def test_safeguarding_threats_and_what_is_urgent_are_told_each_time(world: World, words: str) -> None:
    world.give(comment("1", words))
    found = decide(world, 1, rightly=False, person="lead")
    assert found is not None
    assert found.remembered == ()
    world.give(comment("2", words))
    assert alarms(world) == {"case:1", "case:2"}
    assert verdict_of(world, "2").dismissed is None


def test_words_that_are_edited_are_judged_anew(world: World) -> None:
    world.give(comment("1", "you rude thing"))
    decide(world, 1, rightly=False)
    world.later(minutes=5)
    world.give(comment("1", "you rude thing, a threat"))
    with world.db.read() as conn:
        case = cases.load(conn, "oakfield", 1)
    assert case is not None
    assert case.flag.value == "open"


def test_a_decision_is_about_the_words_that_were_flagged_not_about_what_they_became(world: World) -> None:
    world.give(comment("1", "you rude thing"))
    world.later(minutes=5)
    world.give(comment("1", "sorry, when is the fair?"))
    found = decide(world, 1, rightly=False)
    assert found is not None
    assert found.words == "you rude thing"


def test_only_the_lead_or_a_deputy_decides_about_a_safeguarding_case(world: World) -> None:
    world.give(comment("1", "urgent"))
    with pytest.raises(NotTheirs):
        decide(world, 1, rightly=True)
    assert decide(world, 1, rightly=True, person="deputy") is not None


def test_there_is_nothing_to_decide_where_nothing_was_flagged(world: World) -> None:
    world.give(comment("1", "When is the fair?"))
    with pytest.raises(NothingFlagged):
        decide(world, 1, rightly=False)
    assert decide(world, 99, rightly=False) is None
    with world.db.read() as conn:
        assert decisions.all_of(conn, "oakfield") == []


def test_decisions_are_summed_by_category(world: World) -> None:
    world.give(comment("1", "you rude thing"), comment("2", "rude again"), comment("3", "a threat"))
    for number, rightly in ((1, False), (2, True), (3, True)):
        decide(world, number, rightly=rightly)
    found = precision(world.installation.sites[0], "embedded-small", "balanced")
    assert [(one.category.value, one.right, one.decided) for one in found] == [
        ("insult", 1, 2),
        ("threat", 1, 1),
    ]


# As people type it


def test_a_person_decides_and_evaluate_sums_it_up(oakfield: Outside) -> None:
    config = ("--config", oakfield.config)
    small = oakfield.config.read_text(encoding="utf-8").replace(
        'engine = "embedded"', 'engine = "embedded-small"'
    )
    oakfield.config.write_text(small, encoding="utf-8")
    oakfield.once(oakfield.write("items.jsonl", {"external_id": "1", "text": "you stupid idiot"}))
    said = oakfield.run("evaluate", "--decisions", *config).stdout
    assert "nobody at Oakfield Primary School has decided about a flag yet" in said
    done = oakfield.run("decide", "1", "wrong", "--by", "one", *config)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('case 1: a false alarm, noted; "you stupid idiot" is not flagged again as ')
    oakfield.once(oakfield.write("more.jsonl", {"external_id": "2", "text": "You STUPID idiot"}))
    assert oakfield.cases()["2"]["severity"] == "low"
    said = oakfield.run("evaluate", "--decisions", *config).stdout
    assert "insult: rightly flagged 0 of 1" in said
    assert "none: 1 decisions on scores, 10 are needed" in said
    found = json.loads(oakfield.run("evaluate", "--decisions", "--json", *config).stdout)
    assert found["school"] == "oakfield"
    insult = next(one for one in found["decisions"] if one["category"] == "insult")
    assert (insult["decided"], insult["right"], insult["precision"]) == (1, 0, 0.0)
    assert (insult["suggested"], insult["reason"]) == (None, "too_few")
