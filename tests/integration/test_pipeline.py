"""From a page to a mail, on both databases, through the worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import AuthExpired, Transient
from connectors.item import Item, ItemKind, ItemState
from monitor.storage import cases, events
from tests.fakes import TUESDAY, World, comment, reply


def case_rows(world: World, school_id: str = "oakfield") -> dict[str, Any]:
    """The school's cases by the platform's id."""
    with world.db.read() as conn:
        return {row.external_id: row for row in cases.rows(conn, school_id, open_only=False)}


def subjects(world: World, person: str) -> list[str]:
    return [mail.subject for mail in world.transport.to(person)]


def deleted(item: Item) -> Item:
    """The same item, gone from the platform."""
    return comment(
        item.external_id,
        "",
        kind=item.kind,
        parent_id=item.parent_id,
        author_id=item.author_id,
        author_is_school=item.author_is_school,
        created_at=item.created_at,
        state=ItemState.DELETED,
    )


def test_a_question_is_warned_of_before_its_deadline_and_missed_after_it(world: World) -> None:
    world.give(comment("1"))
    assert world.transport.sent == []
    world.until(TUESDAY + timedelta(hours=7))
    assert len(subjects(world, "mod")) == 1
    assert subjects(world, "head") == []
    world.until(TUESDAY + timedelta(hours=24))
    assert len(subjects(world, "mod")) == 2
    assert len(subjects(world, "head")) == 1


def test_a_reply_from_the_school_closes_the_case_and_stops_its_notices(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=1)
    world.give(reply("2", to="1"))
    world.later(days=3)
    assert case_rows(world)["1"].open is False
    assert world.transport.sent == []


def test_a_reply_seen_before_what_it_answers_answers_it_all_the_same(world: World) -> None:
    world.later(hours=1)
    world.give(reply("2", to="1"), comment("1"))
    world.later(days=3)
    assert case_rows(world)["1"].answer == "answered"
    assert world.transport.sent == []


def test_a_reply_answers_the_earlier_items_of_the_same_author_in_that_chain_and_nothing_more(
    world: World,
) -> None:
    def below(number: str, author: str, hours: float) -> Item:
        return comment(
            number,
            kind=ItemKind.REPLY,
            parent_id="1",
            author_id=author,
            created_at=TUESDAY + timedelta(hours=hours),
        )

    world.later(hours=4)
    world.give(
        comment("1"),
        below("2", "parent", 0.5),
        below("3", "another", 0.5),
        below("4", "parent", 2),
        comment("5"),
        reply("6", to="1"),
    )
    answered = {key for key, row in case_rows(world).items() if row.answer == "answered"}
    assert answered == {"1", "2"}


def test_a_comment_of_the_school_under_a_visitors_post_answers_that_post(world: World) -> None:
    world.give(
        comment("v", kind=ItemKind.VISITOR_POST),
        comment("1", post_id="v", author_id="another"),
    )
    world.later(hours=1)
    world.give(reply("2", to="", post_id="v", parent_id=None, kind=ItemKind.COMMENT))
    assert {key: row.answer for key, row in case_rows(world).items()} == {"v": "answered", "1": "waiting"}


def test_a_general_comment_under_a_post_asks_the_moderators_which_questions_it_answers(world: World) -> None:
    world.give(comment("1", post_id="post", parent_id="post"), comment("2", post_id="post", parent_id="post"))
    world.later(hours=1)
    world.give(reply("3", to="post", post_id="post", kind=ItemKind.COMMENT))
    assert [row.answer for row in case_rows(world).values()] == ["waiting", "waiting"]
    (mail,) = world.transport.to("mod")
    assert "case 1" in mail.text.lower()
    assert "case 2" in mail.text.lower()


def test_a_reply_that_is_deleted_again_reopens_the_case_with_its_old_deadline(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=1)
    world.give(reply("2", to="1"))
    world.later(hours=1)
    world.give(deleted(reply("2", to="1")))
    row = case_rows(world)["1"]
    assert (row.answer, row.due_at, row.opening, row.plan) == ("waiting", TUESDAY + timedelta(days=1), 2, 2)
    world.later(days=2)
    assert len(subjects(world, "mod")) == 2


def test_a_reply_deleted_after_the_deadline_counts_from_when_that_was_seen(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=1)
    world.give(reply("2", to="1"))
    world.later(hours=29)
    seen = world.now
    world.give(deleted(reply("2", to="1")))
    assert case_rows(world)["1"].due_at == seen + timedelta(days=1)


def test_each_plan_of_a_case_warns_once_and_the_same_one_never_twice(world: World) -> None:
    world.give(comment("1"))
    world.until(TUESDAY + timedelta(hours=8))
    assert len(subjects(world, "mod")) == 1
    world.give(reply("2", to="1"))
    world.give(deleted(reply("2", to="1")))
    world.restart()
    world.later(minutes=1)
    assert len(subjects(world, "mod")) == 2, "the new plan's warning is due at once"
    for _ in range(3):
        world.poll()
        world.restart()
        world.settle()
    assert len(subjects(world, "mod")) == 2
    world.until(TUESDAY + timedelta(hours=25))
    assert len(subjects(world, "mod")) == 3, "and the missed deadline once"


def test_a_rude_comment_is_mailed_to_the_moderators_at_once(world: World) -> None:
    world.give(comment("1", "you are rude"))
    assert len(subjects(world, "mod")) == 1
    assert subjects(world, "lead") == []


def test_an_edit_that_is_more_severe_mails_again_and_one_that_is_not_does_not(world: World) -> None:
    world.give(comment("1", "you are rude"))
    world.give(comment("1", "you are so rude"))
    assert len(subjects(world, "mod")) == 1
    world.give(comment("1", "that is a threat"))
    assert len(subjects(world, "mod")) == 2
    world.give(comment("1", "you are rude"))
    world.give(comment("1", "rude"))
    assert len(subjects(world, "mod")) == 2
    assert case_rows(world)["1"].opening == 2


def test_an_edit_keeps_the_deadline(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=5)
    world.give(comment("1", "When exactly is the fair?"))
    assert case_rows(world)["1"].due_at == TUESDAY + timedelta(days=1)


def test_a_disclosure_goes_to_the_lead_and_deputy_together_at_night(world: World) -> None:
    world.until(TUESDAY + timedelta(hours=16))
    world.give(comment("1", "urgent", created_at=world.now))
    (mail,) = world.transport.to("lead")
    assert subjects(world, "deputy") == [mail.subject]
    assert subjects(world, "mod") == []
    assert mail.subject == "Case 1: please read now"


def test_a_reply_an_edit_and_a_deletion_do_not_stop_the_second_clock(world: World) -> None:
    world.give(comment("1", "urgent"))
    world.later(hours=1)
    world.give(reply("2", to="1"))
    world.give(comment("1", "sorry, nothing"))
    world.give(deleted(comment("1")))
    row = case_rows(world)["1"]
    assert (row.second_clock, row.open) == ("running", True)


def test_a_medium_flag_waits_for_the_end_of_quiet_hours_and_a_high_one_does_not(world: World) -> None:
    world.until(datetime(2026, 11, 17, 23, 0, tzinfo=UTC))
    world.give(comment("1", "rude", created_at=world.now), comment("2", "threat", created_at=world.now))
    assert len(subjects(world, "mod")) == 1
    world.until(datetime(2026, 11, 18, 7, 0, tzinfo=UTC))
    assert len(subjects(world, "mod")) == 2


def test_a_deleted_comment_needs_no_answer_and_one_shown_again_does(world: World) -> None:
    world.give(comment("1"))
    world.give(deleted(comment("1")))
    assert case_rows(world)["1"].answer == "withdrawn"
    world.give(comment("1"))
    assert case_rows(world)["1"].answer == "waiting"


def test_thanks_and_the_schools_own_words_carry_no_deadline(world: World) -> None:
    world.give(comment("1", "thanks"), comment("2", "Fair on Friday", author_is_school=True))
    assert case_rows(world) == {}


def test_a_mention_found_by_a_watch_carries_no_deadline_but_is_flagged(world: World) -> None:
    world.give(comment("1", account="news"), comment("2", "rude", account="news"), source="news")
    assert list(case_rows(world)) == ["2"]
    assert case_rows(world)["2"].due_at is None
    assert len(subjects(world, "mod")) == 1


def test_one_post_found_by_a_watch_and_on_the_page_is_one_case_with_a_deadline(world: World) -> None:
    world.give(comment("1", account="news"), source="news")
    assert case_rows(world) == {}
    world.give(comment("1"))
    assert case_rows(world)["1"].due_at == TUESDAY + timedelta(days=1)


def test_the_first_poll_of_a_page_with_500_old_items_mails_one_summary(world: World) -> None:
    old = TUESDAY - timedelta(days=30)
    for start in range(0, 500, 100):
        world.page().pages.append(
            _page(
                [
                    comment(str(n), "rude" if n % 5 == 0 else "fine", created_at=old)
                    for n in range(start, start + 100)
                ],
                more=start < 400,
            )
        )
    world.poll()
    (mail,) = world.transport.sent
    assert "100" in mail[1].text
    world.later(days=3)
    assert len(world.transport.sent) == 1


def test_an_old_urgent_item_is_mailed_singly(world: World) -> None:
    old = TUESDAY - timedelta(days=30)
    world.give(comment("1", "urgent", created_at=old), comment("2", "rude", created_at=old))
    assert len(subjects(world, "lead")) == 1
    assert len(subjects(world, "mod")) == 1


def test_when_the_engine_fails_people_are_told_once_and_nothing_passes_as_clean(world: World) -> None:
    world.engine.broken = True
    world.give(comment("1", "rude"), comment("2"))
    world.give(comment("3"))
    told = len(subjects(world, "mod"))
    assert told == 1
    assert all(row.severity is None and row.open for row in case_rows(world).values())
    world.engine.broken = False
    world.later(minutes=6)
    assert case_rows(world)["1"].severity == "medium"
    assert len(subjects(world, "mod")) == told + 2, "it works again, and the rude one"


def test_a_second_outage_of_the_engine_is_told_as_the_first(world: World) -> None:
    for number in ("1", "2"):
        world.engine.broken = True
        world.give(comment(number, "thanks"))
        world.engine.broken = False
        world.later(minutes=6)
    assert len(subjects(world, "tech")) == 4


def test_one_text_that_no_engine_can_read_goes_to_a_person_and_its_neighbours_are_judged(
    world: World,
) -> None:
    world.engine.chokes_on = "poison"
    world.give(comment("1", "poison"), comment("2", "rude"), comment("3"))
    rows = case_rows(world)
    assert rows["1"].severity is None
    assert rows["2"].severity == "medium"
    assert rows["3"].severity == "none"
    assert len(subjects(world, "mod")) == 2
    world.later(hours=2)
    assert len(subjects(world, "mod")) == 2, "it is said once, though it is tried again"


def test_a_deletion_is_found_by_reading_known_items_again(world: World) -> None:
    world.give(comment("1"), comment("2"))
    world.page().changed["1"] = deleted(comment("1"))
    world.poll()
    rows = case_rows(world)
    assert (rows["1"].answer, rows["2"].answer) == ("withdrawn", "waiting")


def test_the_chain_of_events_is_unbroken_after_all_that(world: World) -> None:
    world.give(comment("1"), comment("2", "urgent"))
    world.later(hours=1)
    world.give(reply("3", to="1"))
    with world.db.read() as conn:
        assert events.first_broken(conn, "oakfield") is None


def _page(items: list[Item], *, more: bool) -> Any:
    from connectors.base import Page

    return Page(items=tuple(items), checkpoint={"version": 1}, has_more=more)


def test_a_source_that_fails_for_hours_is_one_alert_and_one_more_when_it_sees_again(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.page().down = Transient("the platform is down")
    world.poll()
    world.later(hours=3)
    assert subjects(world, "mod") == [], "three hours are no alarm yet"
    world.later(hours=3)
    assert [subject for subject in subjects(world, "mod") if "Cannot read" in subject] == subjects(
        world, "mod"
    )
    assert len(subjects(world, "mod")) == 1
    world.page().down = None
    world.give(comment("2", "thanks", created_at=world.now - timedelta(hours=2)))
    assert len(subjects(world, "mod")) == 2
    assert "1 item" in world.transport.to("mod")[1].text


def test_a_token_that_ran_out_is_told_at_once_because_no_waiting_mends_it(world: World) -> None:
    world.fail(AuthExpired("the token has expired"))
    assert len(subjects(world, "tech")) == 1


def test_a_second_outage_of_a_source_is_told_as_the_first(world: World) -> None:
    for _ in range(2):
        world.fail(AuthExpired("the token has expired"))
        world.give()
    assert len(subjects(world, "tech")) == 4
