"""What no engine can judge because of its language: told once a day, never counted as clean, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from alerts.kinds import AlertKind, Mail
from alerts.outbox import rows
from alerts.smtp import Outcome, Status
from config.schema import Hours, Person
from connectors.item import ItemKind
from monitor.explain import explained, in_words
from monitor.pipeline import unread as stage
from monitor.storage import cases, events
from monitor.storage import unread as stored
from monitor.storage.tables import items, verdicts
from tests.fakes import Build, World, comment, people, reply, school

MORNING = datetime(2026, 11, 18, 8, 30, tzinfo=UTC)
"""Wednesday, when the school is staffed."""


def lists(world: World, person: str = "mod") -> list[Mail]:
    return [mail for mail in world.transport.to(person) if "item" in mail.subject]


def queued(world: World, school_id: str = "oakfield") -> list[Any]:
    with world.db.read() as conn:
        return [row for row in rows(conn, school_id) if row.kind == AlertKind.UNREAD.value]


# --- what, when, to whom


def test_what_no_engine_can_read_is_told_the_next_morning_with_words_language_and_link(world: World) -> None:
    world.give(comment("1", "o ktorej po polsku?", permalink="https://page.example/1"))
    world.until(MORNING - timedelta(minutes=1))
    assert lists(world) == []
    world.until(MORNING)
    (mail,) = lists(world)
    assert mail.subject == "Please read 1 item in Polish"
    for said in (
        "no engine could judge it",
        "o ktorej po polsku?",
        "Language: Polish",
        "https://page.example/1",
    ):
        assert said in mail.text
        assert said.removeprefix("Language: ") in mail.html
    assert [row.recipient for row in queued(world)] == ["mod"]


def test_nothing_is_sent_where_everything_was_read(world: World) -> None:
    world.give(comment("1", "When is the fair?"), comment("2", "thanks"))
    world.later(days=3)
    assert queued(world) == []


def test_it_is_told_once_whatever_restarts(world: World) -> None:
    world.give(comment("1", "po polsku"))
    world.until(MORNING)
    for _ in range(3):
        world.restart()
        world.poll()
        world.later(days=1)
    assert len(lists(world)) == 1
    with world.db.read() as conn:
        (event,) = events.of_subject(conn, "oakfield", stored.CHAIN)
        assert (event.kind, event.data["day"]) == ("unread_told", "2026-11-18")
        assert events.first_broken(conn, "oakfield") is None


def test_a_day_is_one_mail_and_the_next_day_is_the_next(world: World) -> None:
    world.give(comment("1", "po polsku 1"), comment("2", "po polsku 2"))
    world.until(MORNING + timedelta(hours=1))
    world.give(comment("3", "po polsku 3"))
    world.until(MORNING + timedelta(hours=23, minutes=59))
    assert [mail.subject for mail in lists(world)] == ["Please read 2 items in Polish"]
    world.until(MORNING + timedelta(days=1))
    assert [mail.subject for mail in lists(world)][1:] == ["Please read 1 item in Polish"]
    assert "po polsku 3" in lists(world)[1].text
    assert "po polsku 1" not in lists(world)[1].text


def test_weekends_have_their_mail_too(world: World) -> None:
    world.until(datetime(2026, 11, 20, 18, 0, tzinfo=UTC))
    world.give(comment("1", "po polsku", created_at=world.now))
    world.until(datetime(2026, 11, 21, 8, 30, tzinfo=UTC))
    assert len(lists(world)) == 1


def test_the_schools_own_hours_and_clock_count(build: Build) -> None:
    world = build(school(hours=Hours(staffed_from="07:45")), now=datetime(2026, 6, 16, 9, 0, tzinfo=UTC))  # type: ignore[arg-type]
    world.give(comment("1", "po polsku", created_at=world.now))
    world.until(datetime(2026, 6, 17, 6, 44, tzinfo=UTC))
    assert lists(world) == []
    world.until(datetime(2026, 6, 17, 6, 45, tzinfo=UTC))
    assert len(lists(world)) == 1


def test_a_worker_that_was_down_for_a_week_tells_it_when_it_comes_back(world: World) -> None:
    world.give(comment("1", "po polsku"))
    world.now += timedelta(days=7)
    world.restart()
    world.settle()
    assert len(lists(world)) == 1


def test_two_workers_that_tell_together_tell_once(build: Build) -> None:
    world, other = build(), build()
    world.give(comment("1", "po polsku"))
    assert stage.tell(world.installation.sites[0], MORNING) == 1
    assert stage.tell(other.installation.sites[0], MORNING) == 0
    assert len(queued(world)) == 1


def test_a_clock_that_was_wrong_loses_nothing(world: World) -> None:
    site = world.installation.sites[0]
    world.give(comment("1", "po polsku 1"))
    assert stage.tell(site, MORNING + timedelta(days=1)) == 1
    world.give(comment("2", "po polsku 2"))
    assert stage.tell(site, MORNING) == 1  # the clock was a day ahead, and is right again
    assert [row.occurrence for row in queued(world)] == [1, 2]
    assert sorted(one for row in queued(world) for one in row.facts["items"]) == [1, 2]


def test_what_is_too_much_for_one_mail_comes_the_next_day(world: World) -> None:
    world.give(*(comment(f"{n}", f"po polsku {n}") for n in range(stage.MOST + 3)))
    world.until(MORNING)
    (mail,) = lists(world)
    assert mail.subject == f"Please read {stage.MOST} items in Polish"
    assert "3 more items wait" in mail.text
    world.until(MORNING + timedelta(days=1))
    assert lists(world)[1].subject == "Please read 3 items in Polish"
    assert "more" not in lists(world)[1].text.split("WHAT TO DO")[0].split("THE ITEMS")[1]
    assert sum(len(row.facts["items"]) for row in queued(world)) == stage.MOST + 3


def test_items_from_before_the_watch_come_after_those_of_today(world: World) -> None:
    old = [
        comment(f"old {n}", f"po polsku {n}", created_at=world.now - timedelta(days=90))
        for n in range(stage.MOST)
    ]
    world.give(*old, comment("new", "po polsku dzisiaj"))
    world.until(MORNING)
    assert "po polsku dzisiaj" in lists(world)[0].text


def test_each_school_has_its_own(build: Build) -> None:
    world = build(school("ash"), school("elm"))
    world.give(comment("1", "po polsku"), school_id="ash")
    world.until(MORNING)
    assert len(queued(world, "ash")) == 1
    assert queued(world, "elm") == []


# --- which items


def test_what_was_flagged_is_told_as_flagged_and_not_again(world: World) -> None:
    world.give(comment("1", "threat po polsku"))
    assert [mail.to_address for _, mail in world.transport.sent] == ["mod@school.example"]
    assert "Language: Polish: no engine could judge it" in world.transport.to("mod")[0].text
    world.until(MORNING)
    assert queued(world) == []


def test_the_schools_own_words_are_not_told(world: World) -> None:
    world.give(comment("1"), reply("2", to="1", text="po polsku"))
    world.until(MORNING)
    assert queued(world) == []


def test_what_a_watch_finds_is_told_though_it_is_no_case(world: World) -> None:
    world.give(comment("m", "po polsku", kind=ItemKind.MENTION, account="news"), source="news")
    world.until(MORNING)
    assert "Item without a case" in lists(world)[0].text


def test_an_edit_is_told_again_and_an_edit_into_english_is_not_told_at_all(world: World) -> None:
    world.give(comment("1", "po polsku 1"), comment("2", "po polsku 2"))
    world.give(comment("2", "in English now"))
    world.until(MORNING)
    assert "po polsku 2" not in lists(world)[0].text
    world.give(comment("1", "po polsku, and more"))
    world.until(MORNING + timedelta(days=1))
    assert "po polsku, and more" in lists(world)[1].text


def test_the_same_words_judged_again_are_not_told_again(world: World) -> None:
    world.give(comment("1", "po polsku", account="news"), source="news")
    world.until(MORNING)
    world.give(comment("1", "po polsku"))  # now on the school's own page: it is judged again
    with world.db.read() as conn:
        assert len(list(conn.execute(select(verdicts)))) == 2
    world.until(MORNING + timedelta(days=1))
    assert len(queued(world)) == 1


def test_an_item_that_became_the_leads_is_only_its_number_in_the_list(world: World) -> None:
    world.give(comment("1", "po polsku 1"), comment("2", "po polsku 2"))
    world.until(MORNING - timedelta(minutes=1))
    world.transport.answers = [Outcome(Status.DEFERRED, "450", "later")]
    world.until(MORNING)
    world.give(comment("1", "urgent: a child tells"))
    world.later(minutes=10)
    (mail,) = lists(world)
    assert "a child tells" not in mail.text
    assert "po polsku 2" in mail.text


def test_a_shared_mailbox_does_not_get_words_that_nobody_has_judged(build: Build) -> None:
    shared = tuple(
        Person(**{**one.model_dump(), "shared_mailbox": True}) if one.id == "mod" else one for one in people()
    )
    world = build(school(people=shared))
    world.give(comment("1", "po polsku", permalink="https://page.example/1"))
    world.until(MORNING)
    (mail,) = lists(world)
    assert "po polsku" not in mail.text + mail.html
    assert "https://page.example/1" in mail.text


# --- never clean, and its deadline runs on


def test_a_question_in_another_language_has_its_deadline_and_warnings(world: World) -> None:
    world.give(comment("1", "po polsku?"))
    with world.db.read() as conn:
        (case,) = cases.rows(conn, "oakfield")
    assert case.due_at == datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    world.until(case.due_at)
    subjects = [mail.subject for mail in world.transport.to("mod")]
    assert any(subject.startswith("Reply by") for subject in subjects)
    assert any(subject.startswith("Overdue") for subject in subjects)


def test_what_looks_like_thanks_keeps_its_deadline_in_a_language_unread(world: World) -> None:
    world.give(comment("1", "thanks po polsku"), comment("2", "thanks"))
    with world.db.read() as conn:
        (case,) = cases.rows(conn, "oakfield")
        assert case.item_id == conn.execute(select(items.c.id).where(items.c.external_id == "1")).scalar()


def test_the_verdict_keeps_the_language_and_explain_says_it(world: World) -> None:
    world.give(comment("1", "po polsku"))
    with world.db.read() as conn:
        row = conn.execute(select(verdicts)).one()
    assert (row.language, row.unread, row.severity) == ("pl", True, "none")
    site = world.installation.sites[0]
    (one,) = explained(site, "1")
    assert (one["verdict"]["language"], one["verdict"]["unread"]) == ("pl", True)
    assert "in Polish, which no engine here can judge: a person reads it" in in_words(site, one, world.now)


def test_an_engine_that_failed_is_no_language(world: World) -> None:
    world.engine.broken = True
    world.give(comment("1", "po polsku"))
    with world.db.read() as conn:
        assert stored.first(conn, "oakfield") is None
    world.engine.broken = False
    world.later(minutes=30)
    with world.db.read() as conn:
        assert stored.first(conn, "oakfield") is not None
    world.until(MORNING)
    assert len(queued(world)) == 1
