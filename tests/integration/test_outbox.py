"""The outbox on both databases: said once, urgent first, leased, fenced, tried again, given up, never crossed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row

from alerts import outbox
from alerts.kinds import Alert, AlertKind, Recipient
from alerts.outbox import GIVE_UP_AFTER, MailRow, MailState
from monitor.storage.database import Database
from tests.fakes import TUESDAY

LEASE = timedelta(minutes=3)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MOD = Recipient("mod", "A moderator", "mod@school.example")
HEAD = Recipient("head", "The head", "head@school.example")


def alert(number: int = 1, **said: Any) -> Alert:
    given: dict[str, Any] = {"kind": AlertKind.FLAGGED, "subject": f"case:{number}", "occurrence": 1, **said}
    return Alert(**given)


def add(
    db: Database, *alerts: Alert, at: datetime = TUESDAY, school: str = "oakfield", to: Recipient = MOD
) -> int:
    with db.write() as conn:
        return sum(outbox.add(conn, school, one, [to], "school.example", at) for one in alerts)


def claim(db: Database, at: datetime = TUESDAY, school: str = "oakfield") -> MailRow | None:
    with db.write() as conn:
        return outbox.claim(conn, school, at, LEASE)


def claimed(db: Database, at: datetime = TUESDAY, school: str = "oakfield") -> MailRow:
    row = claim(db, at, school)
    assert row is not None
    return row


def finish(db: Database, how: Callable[..., bool], row: MailRow, *args: Any, **more: Any) -> bool:
    with db.write() as conn:
        return how(conn, row, *args, **more)


def stored(db: Database, mail_id: int, school: str = "oakfield") -> Row[Any]:
    with db.read() as conn:
        row = outbox.by_id(conn, school, mail_id)
    assert row is not None
    return row


def rows(db: Database, school: str = "oakfield", **how: Any) -> list[Row[Any]]:
    with db.read() as conn:
        return outbox.rows(conn, school, **how)


# Said once


def test_a_mail_is_queued_once_however_often_it_is_decided(db: Database) -> None:
    assert add(db, alert()) == 1
    assert add(db, alert(), at=TUESDAY + MINUTE) == 0
    (row,) = rows(db)
    assert row.queued_at == TUESDAY


def test_what_was_sent_is_not_queued_again(db: Database) -> None:
    add(db, alert())
    finish(db, outbox.sent, claimed(db), TUESDAY)
    assert add(db, alert()) == 0
    assert claim(db, TUESDAY + timedelta(days=9)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"kind": AlertKind.REPLY_DUE},
        {"number": 2},
        {"occurrence": 2},
        {"step": 1},
    ],
    ids=["another kind", "another case", "another opening", "another step of the ladder"],
)
def test_what_is_another_mail_is_queued_beside_it(db: Database, other: dict[str, Any]) -> None:
    assert add(db, alert(), alert(**other)) == 2


def test_each_recipient_has_a_row_and_a_message_id_of_their_own(db: Database) -> None:
    with db.write() as conn:
        assert outbox.add(conn, "oakfield", alert(), [MOD, HEAD], "school.example", TUESDAY) == 2
    first, second = rows(db)
    assert {first.recipient, second.recipient} == {"mod", "head"}
    assert first.message_id != second.message_id


def test_a_row_keeps_its_facts_and_its_recipient_and_no_words(db: Database) -> None:
    shared = replace(MOD, shared=True)
    add(db, alert(facts={"case": 7, "safeguarding": True}, severity="high", reason="first"), to=shared)
    row = claimed(db)
    assert row.recipient == shared
    assert row.facts == {"case": 7, "safeguarding": True}
    assert (row.severity, row.reason, row.kind, row.queued_at) == (
        "high",
        "first",
        AlertKind.FLAGGED,
        TUESDAY,
    )


def test_a_mail_that_is_queued_in_a_transaction_that_fails_was_never_queued(db: Database) -> None:
    def decide() -> None:
        with db.write() as conn:
            outbox.add(conn, "oakfield", alert(), [MOD], "school.example", TUESDAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decide()
    assert rows(db) == []


# Whose turn it is


def test_the_most_urgent_goes_first_then_what_is_longest_due(db: Database) -> None:
    add(db, alert(1, severity="low"), alert(2, severity="high"))
    add(db, alert(3, severity="medium"), alert(4, severity="high"), at=TUESDAY - MINUTE)
    add(db, alert(5, severity="urgent"), at=TUESDAY)
    order = [claimed(db).subject for _ in range(5)]
    assert order == ["case:5", "case:4", "case:2", "case:3", "case:1"]
    assert claim(db) is None


def test_what_is_held_back_by_quiet_hours_is_not_claimed_before(db: Database) -> None:
    morning = TUESDAY + timedelta(hours=20)
    add(db, alert(not_before=morning))
    assert claim(db, morning - SECOND) is None
    with db.read() as conn:
        assert outbox.next_due(conn, "oakfield") == morning
    assert claim(db, morning) is not None


def test_a_quiet_hour_that_is_over_holds_nothing_back(db: Database) -> None:
    add(db, alert(not_before=TUESDAY - MINUTE))
    assert stored(db, claimed(db).id).queued_at == TUESDAY


# The lease


def test_a_claimed_mail_is_nobody_elses_until_its_lease_has_run_out(db: Database) -> None:
    add(db, alert())
    claimed(db)
    assert claim(db, TUESDAY + LEASE - SECOND) is None
    with db.read() as conn:
        assert outbox.next_due(conn, "oakfield") == TUESDAY + LEASE


def test_a_mail_whose_worker_died_goes_again_with_the_same_message_id_and_is_counted(db: Database) -> None:
    add(db, alert())
    first = claimed(db)
    second = claimed(db, TUESDAY + LEASE)
    assert (second.id, second.attempt, second.message_id) == (first.id, 2, first.message_id)
    assert stored(db, first.id).ambiguous == 1
    assert finish(db, outbox.sent, second, TUESDAY + LEASE)
    row = stored(db, first.id)
    assert (row.state, row.ended_at, row.ambiguous) == ("sent", TUESDAY + LEASE, 1)


def test_a_mail_that_is_only_deferred_is_not_counted_as_ambiguous(db: Database) -> None:
    add(db, alert())
    finish(db, outbox.deferred, claimed(db), "451 later", TUESDAY)
    assert stored(db, claimed(db, TUESDAY + MINUTE).id).ambiguous == 0


@pytest.mark.parametrize(
    "late",
    [
        lambda conn, row: outbox.sent(conn, row, TUESDAY),
        lambda conn, row: outbox.dropped(conn, row, "decided", TUESDAY),
        lambda conn, row: outbox.dead(conn, row, "550 no", TUESDAY),
        lambda conn, row: outbox.deferred(conn, row, "451 later", TUESDAY),
        lambda conn, row: outbox.deferred(conn, row, "too late", TUESDAY + GIVE_UP_AFTER),
    ],
    ids=["sent", "dropped", "dead", "deferred", "given up"],
)
def test_the_late_word_of_one_whose_lease_ran_out_does_not_count(
    db: Database, late: Callable[..., bool]
) -> None:
    add(db, alert())
    first = claimed(db)
    second = claimed(db, TUESDAY + LEASE)
    assert not finish(db, late, first)
    row = stored(db, first.id)
    assert (row.state, row.attempt) == ("in_flight", 2)
    assert finish(db, outbox.sent, second, TUESDAY + LEASE)
    assert not finish(db, late, first)
    assert stored(db, first.id).state == "sent"


def test_a_word_after_the_lease_counts_if_nobody_else_has_claimed_the_row(db: Database) -> None:
    add(db, alert())
    row = claimed(db)
    assert finish(db, outbox.sent, row, TUESDAY + 2 * LEASE)
    assert not finish(db, outbox.sent, row, TUESDAY + 2 * LEASE), "but only once"


# Deferred, dead, alive again


def test_a_deferred_mail_waits_longer_each_time_from_half_a_minute_to_a_quarter_of_an_hour(
    db: Database,
) -> None:
    add(db, alert())
    at, waits = TUESDAY, []
    for _ in range(8):
        row = claimed(db, at)
        assert finish(db, outbox.deferred, row, "451 later", at)
        due = stored(db, row.id).due_at
        assert claim(db, due - timedelta(microseconds=1)) is None
        waits.append((due - at).total_seconds())
        at = due
    for wait, longest in zip(waits, (30, 60, 120, 240, 480, 900, 900, 900), strict=True):
        assert 0.75 * longest <= wait <= longest
    (row,) = rows(db)
    assert (row.state, row.ended_reason) == ("deferred", "451 later")


def test_mails_that_were_deferred_together_do_not_return_together(db: Database) -> None:
    add(db, *(alert(number) for number in range(20)))
    with db.write() as conn:
        for _ in range(20):
            row = outbox.claim(conn, "oakfield", TUESDAY, LEASE)
            assert row is not None
            outbox.deferred(conn, row, "451 later", TUESDAY)
    assert len({row.due_at for row in rows(db)}) > 10


def test_a_broken_connection_after_the_final_dot_is_counted_and_tried_again(db: Database) -> None:
    add(db, alert())
    row = claimed(db)
    finish(db, outbox.deferred, row, "lost", TUESDAY, ambiguous=True)
    again = claimed(db, TUESDAY + MINUTE)
    assert again.message_id == row.message_id
    assert stored(db, row.id).ambiguous == 1


def test_after_five_days_a_mail_is_given_up(db: Database) -> None:
    add(db, alert())
    finish(db, outbox.deferred, claimed(db), "451 later", TUESDAY + GIVE_UP_AFTER - SECOND)
    at = TUESDAY + GIVE_UP_AFTER + MINUTE
    row = claimed(db, at)
    assert finish(db, outbox.deferred, row, "451 later", at)
    ended = stored(db, row.id)
    assert (ended.state, ended.ended_at, ended.ended_reason) == ("dead", at, "451 later")
    with db.read() as conn:
        assert outbox.is_dead(conn, row)
        assert outbox.next_due(conn, "oakfield") is None
    assert claim(db, at + timedelta(days=9)) is None


def test_a_dead_mail_may_be_sent_again_for_another_five_days_with_the_same_message_id(db: Database) -> None:
    add(db, alert())
    first = claimed(db)
    finish(db, outbox.dead, first, "550 no", TUESDAY)
    later = TUESDAY + timedelta(days=30)
    with db.write() as conn:
        assert outbox.send_again(conn, "oakfield", first.id, later)
    with db.write() as conn:
        assert not outbox.send_again(conn, "oakfield", first.id, later), "it is not dead any more"
    row = claimed(db, later)
    assert (row.message_id, row.attempt) == (first.message_id, 2)
    assert finish(db, outbox.deferred, row, "451 later", later + timedelta(days=4))
    assert stored(db, row.id).state == "deferred"


def test_only_what_waits_or_is_dead_is_shown_to_people_as_waiting(db: Database) -> None:
    add(db, *(alert(number) for number in range(6)))
    how: list[Callable[..., bool]] = [
        lambda conn, row: outbox.sent(conn, row, TUESDAY),
        lambda conn, row: outbox.dropped(conn, row, "decided", TUESDAY),
        lambda conn, row: outbox.dead(conn, row, "550 no", TUESDAY),
        lambda conn, row: outbox.deferred(conn, row, "451 later", TUESDAY),
        lambda conn, row: True,
    ]
    for one in how:
        finish(db, one, claimed(db))
    assert {row.state for row in rows(db)} == {state.value for state in MailState}
    assert {row.state for row in rows(db, waiting_only=True)} == {"dead", "deferred", "in_flight", "queued"}


# Schools


def test_two_schools_never_see_each_others_mails(db: Database) -> None:
    add(db, alert(), school="ash")
    mail = rows(db, "ash")[0]
    assert rows(db, "elm") == []
    assert claim(db, school="elm") is None
    with db.read() as conn:
        assert outbox.by_id(conn, "elm", mail.id) is None
        assert outbox.next_due(conn, "elm") is None
    assert add(db, alert(), school="elm") == 1, "the same key is another mail in another school"
    assert rows(db, "elm")[0].message_id != mail.message_id


def test_one_school_cannot_end_or_revive_another_schools_mail(db: Database) -> None:
    add(db, alert(), school="ash")
    row = claimed(db, school="ash")
    stranger = replace(row, school_id="elm")
    assert not finish(db, outbox.sent, stranger, TUESDAY)
    finish(db, outbox.dead, row, "550 no", TUESDAY)
    with db.write() as conn:
        assert not outbox.is_dead(conn, stranger)
        assert not outbox.send_again(conn, "elm", row.id, TUESDAY)
    assert stored(db, row.id, "ash").state == "dead"


# Several workers


def test_claimers_at_once_get_different_mails_and_the_last_gets_none(db: Database) -> None:
    """On PostgreSQL none of them waits for another; on SQLite one writes after the other."""
    add(db, alert(1), alert(2))
    together = threading.Barrier(3, timeout=20)
    got: list[str | None] = []

    def one() -> None:
        mine = Database(db.url)
        try:
            if db.is_sqlite:
                together.wait()
                row = claim(mine)
            else:
                with mine.write() as conn:
                    row = outbox.claim(conn, "oakfield", TUESDAY, LEASE)
                    together.wait()  # nobody commits before all have claimed: a lock would never let them
            got.append(row.subject if row else None)
        finally:
            mine.close()

    workers = [threading.Thread(target=one) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert sorted(got, key=str) == [None, "case:1", "case:2"]


def test_many_claimers_share_the_work_and_nothing_goes_twice(db: Database) -> None:
    add(db, *(alert(number) for number in range(30)))
    got: list[int] = []

    def work() -> None:
        mine = Database(db.url)
        while (row := claim(mine)) is not None:
            got.append(row.id)
        mine.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert sorted(got) == sorted(row.id for row in rows(db))
