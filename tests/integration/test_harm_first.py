"""What once could have delayed an urgent mail, blinded a source or shown a child's words to others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts import outbox
from alerts.smtp import Outcome, Status
from connectors.base import Page, Rejected
from connectors.errors import QuotaExhausted, RateLimited
from connectors.item import ItemKind, ItemState
from monitor.storage import cases, clock, polls
from tests.fakes import TUESDAY, Build, World, comment, people, reply, school

WORDS = "urgent my stepfather hits me"


def kinds(world: World, school_id: str = "oakfield") -> list[tuple[str, str]]:
    with world.db.read() as conn:
        return [(row.kind, row.state) for row in outbox.rows(conn, school_id)]


def told(world: World, kind: str, school_id: str = "oakfield") -> bool:
    return any(one == kind for one, _ in kinds(world, school_id))


def case_rows(world: World) -> dict[str, Any]:
    with world.db.read() as conn:
        return {row.external_id: row for row in cases.rows(conn, "oakfield", open_only=False)}


def poisoned_thread() -> tuple[Any, ...]:
    """Somebody else's post, a question under it, and the school's answer to that."""
    return (
        comment("p", "Look at this", kind=ItemKind.POST),
        comment(
            "c", kind=ItemKind.REPLY, parent_id="p", post_id="p", created_at=TUESDAY + timedelta(minutes=1)
        ),
        reply("r", to="c", post_id="p"),
    )


def put_right(world: World, now: datetime) -> None:
    """What the service does when a wrong clock is right again."""
    world.now = now
    with world.db.write("test") as conn:
        clock.bring_back(conn, "oakfield", now)


def test_a_monthly_cap_does_not_blind_a_source_in_silence(world: World) -> None:
    world.page().down = QuotaExhausted("used up", TUESDAY + timedelta(days=13))
    world.poll()
    assert told(world, "blind")


def test_a_platform_that_asks_for_a_week_is_asked_again_within_days_and_told_of(world: World) -> None:
    world.page().down = RateLimited("later", timedelta(days=7))
    world.poll()
    world.later(days=3)
    assert told(world, "blind")
    assert len(world.page().asked) >= 2


def test_an_absurd_retry_after_is_no_overflow(world: World) -> None:
    world.page().down = RateLimited("later", timedelta(days=4_000_000))
    world.poll()
    assert told(world, "blind")


def test_a_strangers_post_in_a_thread_stops_no_judging(world: World) -> None:
    world.later(hours=2)
    world.give(*poisoned_thread())
    world.give(comment("u", "urgent"))
    assert told(world, "flagged")


def test_one_schools_fault_slows_no_other_school(build: Build) -> None:
    world = build(school("ash"), school("elm"))
    world.page("page", "ash").pages.append(Page(items=(comment("x", attachments=(None,)),)))  # type: ignore[arg-type]
    world.give(comment("u", "urgent"), school_id="elm")
    assert told(world, "flagged", "elm")
    assert told(world, "set_aside", "ash")


def test_poison_beside_an_urgent_item_is_set_aside_and_the_item_goes_on(world: World) -> None:
    world.give(
        comment("u", "urgent"),
        comment("attachment", attachments=(None,)),  # type: ignore[arg-type]
        comment("platform", platform="x" * 70),
        comment("author", author_id=None, author_name="名" * 2_000),
        partial_errors=(Rejected("bad \ud800", b"x", "\ud800"),),
    )
    assert told(world, "flagged")
    assert told(world, "set_aside")
    assert "author" in case_rows(world)


def test_what_a_watch_found_first_has_a_deadline_on_the_account(world: World) -> None:
    world.give(comment("1", account="news", kind=ItemKind.MENTION), source="news")
    world.give(comment("1"))
    world.later(days=3)
    assert told(world, "deadline_missed")


def test_a_hidden_threat_that_is_shown_again_is_mailed_again(world: World) -> None:
    threat = comment("1", "a threat", kind=ItemKind.MENTION)
    world.give(threat)
    before = len(world.transport.sent)
    world.give(replace(threat, state=ItemState.HIDDEN))
    world.give(threat)
    assert len(world.transport.sent) > before


def test_a_childs_words_are_in_nobodys_mail_but_the_leads_and_deputys(world: World) -> None:
    world.give(comment("1", WORDS))
    world.later(days=2)
    heard = {mail.to_address.split("@")[0] for _, mail in world.transport.sent if "stepfather" in mail.text}
    assert heard == {"lead", "deputy"}


def test_a_list_for_moderators_shows_no_words_of_a_safeguarding_case(build: Build) -> None:
    shared = tuple(
        one.model_copy(update={"shared_mailbox": True}) if one.id == "mod" else one for one in people()
    )
    world = build(school(people=shared))
    child = comment("1", WORDS, post_id="P")
    world.give(child)
    world.later(hours=1)
    world.engine.chokes_on = "STEP"
    world.give(replace(child, text="urgent my STEPfather hits me"))
    world.give(reply("2", to="P", post_id="P", kind=ItemKind.COMMENT))
    assert all("hits me" not in mail.text for mail in world.transport.to("mod"))


def test_a_reply_recognised_late_as_the_schools_own_answers_all_the_same(world: World) -> None:
    world.give(comment("1"))
    world.later(hours=2)
    world.give(replace(reply("2", to="1"), author_is_school=False))
    world.give(reply("2", to="1"))
    rows = case_rows(world)
    assert (rows["1"].answer, rows["2"].answer) == ("answered", "not_needed")


def test_an_urgent_mail_put_off_by_a_wrong_clock_goes_when_it_is_right(world: World) -> None:
    world.now += timedelta(hours=40)
    world.transport.answers += [Outcome(Status.DEFERRED)] * 2
    world.give(comment("1", "urgent", created_at=TUESDAY))
    put_right(world, TUESDAY)
    world.later(hours=1)
    assert [state for kind, state in kinds(world) if kind == "flagged"] == ["sent", "sent"]


def test_a_clock_a_week_ahead_leaves_no_source_unread_for_a_week(world: World) -> None:
    world.now += timedelta(days=7)
    world.poll()
    asked = len(world.page().asked)
    put_right(world, TUESDAY)
    world.restart()
    world.later(days=1)
    assert len(world.page().asked) > asked


def test_a_watch_begun_under_a_clock_a_year_ahead_still_carries_deadlines(build: Build) -> None:
    world = build(now=TUESDAY + timedelta(days=365))
    world.poll()
    put_right(world, TUESDAY)
    world.give(comment("1"))
    assert case_rows(world)["1"].due_at == TUESDAY + timedelta(days=1)


def test_the_weekly_page_comes_after_a_clock_ten_years_ahead(world: World) -> None:
    world.poll()
    world.later(days=8)
    right = world.now
    world.now += timedelta(days=3_653)
    world.worker.tick(world.now)
    put_right(world, right)
    with world.db.write("test") as conn:
        polls.make_due(conn, "oakfield", right)
    world.settle()
    before = [kind for kind, _ in kinds(world)].count("digest")
    world.until(datetime(2026, 12, 14, 12, 0, tzinfo=UTC))
    assert [kind for kind, _ in kinds(world)].count("digest") > before
