"""From a page to a mail, on both databases, through the worker."""

from __future__ import annotations

from datetime import timedelta

from monitor.storage import cases
from tests.fakes import TUESDAY, World, comment, reply


def case_rows(world: World, school_id: str = "oakfield") -> dict[str, object]:
    with world.db.read() as conn:
        return {row.external_id: row for row in cases.rows(conn, school_id, open_only=False)}


def test_a_question_is_warned_of_before_its_deadline_and_missed_after_it(world: World) -> None:
    world.give(comment("1"))
    assert world.transport.sent == []
    world.until(TUESDAY + timedelta(hours=24, minutes=1))
    kinds = [mail.subject for mail in world.transport.to("mod")]
    assert len(kinds) == 2, kinds
    assert len(world.transport.to("head")) == 1


def test_a_reply_from_the_school_closes_the_case_and_stops_its_notices(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=1)
    world.give(reply("2", to="1"))
    world.later(days=3)
    assert case_rows(world)["1"].open is False
    assert world.transport.sent == []


def test_a_rude_comment_is_mailed_to_the_moderators_at_once(world: World) -> None:
    world.give(comment("1", "you are rude"))
    assert len(world.transport.to("mod")) == 1
    assert world.transport.to("lead") == []


def test_a_disclosure_goes_to_the_lead_and_deputy_together_at_night(world: World) -> None:
    world.until(TUESDAY + timedelta(hours=16))
    world.give(comment("1", "urgent", created_at=world.now))
    assert len(world.transport.to("lead")) == 1
    assert len(world.transport.to("deputy")) == 1
    assert world.transport.to("mod") == []


def test_the_first_poll_of_a_page_with_500_old_items_mails_one_summary(world: World) -> None:
    old = TUESDAY - timedelta(days=30)
    for start in range(0, 500, 100):
        items = [comment(str(n), "rude" if n % 5 == 0 else "fine", created_at=old) for n in range(start, start + 100)]
        world.give(*items, has_more=start < 400)
    world.later(hours=2)
    assert len(world.transport.to("mod")) == 1
    world.later(days=3)
    assert len(world.transport.sent) == 1
