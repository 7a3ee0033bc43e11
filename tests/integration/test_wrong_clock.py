"""A clock that stood ten years ahead or behind, and was put right: nothing waits for ten years."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import outbox
from alerts.smtp import Outcome, Status
from connectors.errors import Transient
from monitor.storage import clock, polls
from tests.fakes import TUESDAY, World, comment

TEN_YEARS = timedelta(days=3653)


def put_right(world: World) -> int:
    """The clock shows the true time again, and the service looks after the rows, as it does at every start."""
    world.now = TUESDAY + timedelta(hours=1)
    with world.db.write("test") as conn:
        back = clock.bring_back(conn, "oakfield", world.now)
    world.settle()
    return back


def test_sources_read_while_the_clock_stood_ahead_are_read_again_when_it_is_right(world: World) -> None:
    world.now += TEN_YEARS
    world.poll()
    asked = len(world.page().asked)
    assert put_right(world) > 0
    assert len(world.page().asked) == asked + 1


def test_a_page_that_was_being_read_when_the_clock_was_put_right_is_read_again(world: World) -> None:
    world.poll()
    with world.db.write("test") as conn:
        polls.make_due(conn, "oakfield", world.now)
        names = frozenset({"page"})
        assert polls.claim(conn, "oakfield", world.now + TEN_YEARS, timedelta(minutes=5), names) is not None
    asked = len(world.page().asked)
    put_right(world)
    assert len(world.page().asked) == asked + 1


def test_a_mail_put_off_while_the_clock_stood_ahead_goes_when_it_is_right(world: World) -> None:
    world.now += TEN_YEARS
    world.transport.answers += [Outcome(Status.DEFERRED)]
    world.give(comment("1", "urgent", created_at=world.now))
    waiting = len(world.transport.sent)
    put_right(world)
    assert len(world.transport.sent) > waiting
    with world.db.read() as conn:
        states = {row.state for row in outbox.rows(conn, "oakfield") if row.kind == "flagged"}
    assert states == {"sent"}


def test_items_that_wait_for_the_engine_are_judged_when_the_clock_is_right(world: World) -> None:
    world.now += TEN_YEARS
    world.engine.broken = True
    world.give(comment("1", "a threat", created_at=world.now))
    world.engine.broken = False
    put_right(world)
    assert any("threat" in text for text in world.engine.asked[-2:])


def test_rows_of_a_right_clock_are_left_alone(world: World) -> None:
    world.give(comment("1", "a threat"))
    world.fail(Transient("the network is down"))
    with world.db.write("test") as conn:
        assert clock.bring_back(conn, "oakfield", world.now) == 0


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS])
def test_the_worker_outlives_a_jump_and_goes_on(world: World, jump: timedelta) -> None:
    world.give(comment("1", "a threat"))
    world.now += jump
    world.give(comment("2", "a threat", created_at=world.now))
    put_right(world)
    world.give(comment("3", "a threat", created_at=world.now))
    assert len([mail for mail in world.transport.to("mod") if "threat" in mail.subject]) >= 2
