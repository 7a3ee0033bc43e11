"""Whatever happens, in whatever order: no case is lost, no mail is doubled, no second clock is stopped."""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import URL, create_engine, select, text

from alerts import outbox
from alerts.kinds import AlertKind, Mail
from alerts.outbox import MailState
from alerts.smtp import Outcome, Status
from config.settings import Role
from connectors.item import Item, ItemKind, ItemState
from monitor.domain.case import Answer, Case, EventKind, Flag, SecondClock
from monitor.domain.decide import NotTheirs
from monitor.pipeline.act import act
from monitor.storage import cases, events, tables
from monitor.storage.database import Database
from tests.fakes import FakeTransport, World, comment, reply, school

WORDS = ["When is the fair?", "moan", "you are rude", "a threat", "urgent", "thanks"]
OUTCOMES = {
    "works": Outcome(Status.SENT, "250", "taken"),
    "later": Outcome(Status.DEFERRED, "451", "later"),
    "never": Outcome(Status.DEAD, "550", "no such mailbox"),
    "perhaps": Outcome(Status.AMBIGUOUS, "connect", "lost after the final dot"),
}
OAKFIELD = "oakfield"
DUE_KINDS = {AlertKind.REPLY_DUE.value, AlertKind.DEADLINE_MISSED.value}
pick = st.integers(0, 99)


class MailServer(FakeTransport):
    """A mail server with moods, which looks at the rows behind each mail that it is given."""

    def __init__(self, look: Callable[[str], None]) -> None:
        super().__init__()
        self.mood = "works"
        self.look = look

    def send(self, mail: Mail, message_id: str, now: datetime) -> Outcome:
        self.look(message_id)
        self.answers = [OUTCOMES[self.mood]]
        return super().send(mail, message_id, now)


class Faults(logging.Handler):
    """The worker survives a step that fails, and says so; here that is a failure."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


class Life(RuleBasedStateMachine):
    """A school's life, one thing after the other."""

    def __init__(self, open_database: Callable[[], tuple[Database, Callable[[], None]]]) -> None:
        super().__init__()
        self.db, self.close = open_database()
        self.faults = Faults()
        logging.getLogger("monitor").addHandler(self.faults)
        self.wrong: list[str] = []
        self.items: list[Item] = []
        self.replies: list[Item] = []
        self.clocks: dict[int, SecondClock] = {}
        self.by_lead: set[int] = set()
        self.failed = True
        self.world = World(self.db, school())
        self.server = MailServer(self.look)
        self.world.transport = self.server
        self.world.restart()

    @initialize()
    def the_sources_are_read_for_the_first_time(self) -> None:
        self.world.poll()
        for words in ("When is the fair?", "you are rude", "urgent"):
            self.somebody_comments(words, None, 99, 99, 0)
            self.the_school_replies(len(self.items) - 1)

    # What happens on the platform

    @rule(
        words=st.sampled_from(WORDS), below=st.sampled_from([None, "post"]), watch=pick, old=pick, author=pick
    )
    def somebody_comments(self, words: str, below: str | None, watch: int, old: int, author: int) -> None:
        self.tick()
        item = comment(
            f"c{len(self.items)}",
            words,
            account="news" if watch < 20 else "page",
            parent_id=below,
            post_id=below,
            author_id=f"parent {author % 3}",
            created_at=self.world.now - timedelta(days=30 if old < 15 else 0),
        )
        self.items.append(item)
        self.give(item)

    @rule(which=pick, words=st.sampled_from(WORDS))
    def a_comment_is_edited(self, which: int, words: str) -> None:
        self.change(self.items, which, text=words)

    @rule(which=pick, state=st.sampled_from([ItemState.DELETED, ItemState.HIDDEN]))
    def a_comment_goes_or_comes_back(self, which: int, state: ItemState) -> None:
        self.toggle(self.items, which, state)

    @rule(which=pick)
    def the_school_replies(self, which: int) -> None:
        if not self.items:
            return
        self.tick()
        to = self.items[which % len(self.items)]
        if to.account == "page":
            self.replies.append(
                reply(f"r{len(self.replies)}", to.external_id, post_id=to.post_id, created_at=self.world.now)
            )
            self.give(self.replies[-1])

    @rule()
    def the_school_comments_on_the_post(self) -> None:
        self.tick()
        said = reply(
            f"r{len(self.replies)}",
            "post",
            post_id="post",
            kind=ItemKind.COMMENT,
            created_at=self.world.now,
        )
        self.replies.append(said)
        self.give(said)

    @rule(which=pick)
    def a_reply_goes_or_comes_back(self, which: int) -> None:
        self.toggle(self.replies, which, ItemState.DELETED)

    # What happens around it

    @rule(hours=st.sampled_from([0.1, 1, 5, 13, 24, 80]))
    def time_passes(self, hours: float) -> None:
        self.pass_by(timedelta(hours=hours))

    @rule(trouble=st.sampled_from(["engine breaks", "engine is mended", "worker restarts", *OUTCOMES]))
    def something_breaks_or_is_mended(self, trouble: str) -> None:
        if trouble == "worker restarts":
            self.world.restart()
            self.world.settle()
        elif trouble in OUTCOMES:
            self.server.mood = trouble
        else:
            self.world.engine.broken = trouble == "engine breaks"

    @rule(hidden=st.booleans())
    def a_case_is_answered_or_withdrawn_while_its_mail_cannot_go(self, hidden: bool) -> None:
        with self.db.read() as conn:
            due = cases.due_notices(conn, OAKFIELD, self.world.now + timedelta(days=99), 1)
            at = cases.next_notice(conn, OAKFIELD)
            about = {row.number: row.external_id for row in cases.rows(conn, OAKFIELD)}
        if not due or at is None:
            return
        which = [item.external_id for item in self.items].index(about[due[0].number])
        self.server.mood = "later"
        self.pass_by(at - self.world.now)
        if hidden:
            self.change(self.items, which, state=ItemState.HIDDEN)
        else:
            self.the_school_replies(which)

    @rule(
        which=pick,
        action=st.sampled_from([EventKind.ANSWERED, EventKind.DECIDED, EventKind.ACKNOWLEDGED]),
        person=st.sampled_from(["mod", "lead"]),
    )
    def somebody_acts(self, which: int, action: EventKind, person: str) -> None:
        numbers = sorted(self.clocks)
        if not numbers:
            return
        number = numbers[which % len(numbers)]
        if person == "lead":
            self.by_lead.add(number)
        try:
            act(self.world.installation.sites[0], number, action, person, self.world.now)
        except NotTheirs:
            assert person == "mod"
            assert self.clocks[number] in (SecondClock.RUNNING, SecondClock.ACKNOWLEDGED)
        self.world.settle()

    # What must be true whatever happened

    @invariant()
    def all_is_well(self) -> None:
        assert self.wrong == []
        assert self.faults.found == []
        with self.db.read() as conn:
            assert events.first_broken(conn, OAKFIELD) is None
            stored = list(conn.execute(select(tables.cases)))
            folded = {row.number: cases.load(conn, OAKFIELD, row.number) for row in stored}
            mails = outbox.rows(conn, OAKFIELD)
        assert Counter(row.key for row in mails) == Counter({row.key for row in mails})
        self.no_mail_was_taken_twice()
        flagged = {
            (row.subject, row.occurrence)
            for row in mails
            if row.kind == AlertKind.FLAGGED and row.state != MailState.DROPPED
        }
        for row in stored:
            case = folded[row.number]
            assert case is not None
            assert as_stored(case) == {name: getattr(row, name) for name in as_stored(case)}
            if case.flag is Flag.OPEN and not (case.cold and case.opening == 1):
                assert (f"case:{row.number}", case.opening) in flagged, case
            self.the_second_clock_runs_on(row.number, case)
        self.by_lead.clear()

    def the_second_clock_runs_on(self, number: int, case: Case) -> None:
        before = self.clocks.get(number)
        if before is SecondClock.RUNNING and number not in self.by_lead:
            assert case.second_clock is SecondClock.RUNNING
        if case.second_clock is SecondClock.RUNNING:
            assert case.open
        self.clocks[number] = case.second_clock

    def no_mail_was_taken_twice(self) -> None:
        taken = Counter(message_id for message_id, _ in self.server.sent)
        assert not [one for one, times in taken.items() if times > 1]

    def look(self, message_id: str) -> None:
        """Called by the mail server: is this mail right to go at this moment?"""
        with self.db.read() as conn:
            mine = outbox.mails.c.message_id == message_id
            row = conn.execute(select(outbox.mails).where(mine)).one()
            number = int(row.subject.removeprefix("case:")) if row.subject.startswith("case:") else None
            case = None if number is None else cases.load(conn, OAKFIELD, number)
        if row.kind in DUE_KINDS and (
            case is None or case.answer is not Answer.WAITING or case.plan != row.occurrence
        ):
            self.wrong.append(f"{row.key} was sent though nobody waits: {case}")
        urgent = row.severity == "urgent" or row.facts.get("safeguarding")
        if row.kind == AlertKind.FLAGGED and urgent and row.attempt == 1 and row.queued_at != self.world.now:
            self.wrong.append(f"{row.key} is urgent and waited from {row.queued_at} to {self.world.now}")

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.in_the_end_everything_due_was_mailed_once()
        finally:
            logging.getLogger("monitor").removeHandler(self.faults)
            self.db.close()
            self.close()

    def in_the_end_everything_due_was_mailed_once(self) -> None:
        world = self.world
        self.server.mood, world.engine.broken = "works", False
        with self.db.write() as conn:
            for row in outbox.rows(conn, OAKFIELD):
                if row.state == MailState.DEAD:
                    assert outbox.send_again(conn, OAKFIELD, row.id, world.now)
        world.later(days=4)
        self.all_is_well()
        with self.db.read() as conn:
            mails = outbox.rows(conn, OAKFIELD)
            waiting = [row for row in mails if row.state not in (MailState.SENT, MailState.DROPPED)]
            assert [row.key for row in waiting if row.due_at <= world.now] == []
            planned = conn.execute(select(tables.notices).where(tables.notices.c.state == "planned"))
            assert [row for row in planned if row.due_at <= world.now] == []
            numbers = {
                row.number: cases.load(conn, OAKFIELD, row.number)
                for row in conn.execute(select(tables.cases))
            }
        taken = Counter(message_id for message_id, _ in self.server.sent)
        assert all(taken[row.message_id] == (row.state == MailState.SENT) for row in mails)
        sent = {
            (row.subject, row.kind, row.occurrence, row.recipient) for row in mails if row.state == "sent"
        }
        for number, case in numbers.items():
            assert case is not None
            if case.answer is Answer.WAITING and case.due_at is not None and case.due_at <= world.now:
                everybody = having(world, Role.MODERATOR, Role.SLT)
                leads = having(world, Role.SAFEGUARDING_LEAD, Role.SAFEGUARDING_DEPUTY)
                # A safeguarding case's warnings are the lead's and the deputy's; it may have become one since.
                groups = [leads, everybody] if case.second_clock is not SecondClock.NONE else [everybody]
                assert any(
                    all((f"case:{number}", "deadline_missed", case.plan, one) in sent for one in group)
                    for group in groups
                ), case
            assert case.severity is not None, "everything was judged in the end"

    # How it is done

    def tick(self) -> None:
        self.world.now += timedelta(minutes=1)

    def give(self, item: Item) -> None:
        self.failed = True
        note(f"{self.world.now:%a %H:%M} {item.external_id} {item.text!r} {item.state}")
        self.world.give(item, source=item.account)
        self.failed = False

    def change(self, among: list[Item], which: int, **how: Any) -> None:
        if not among:
            return
        self.tick()
        at = which % len(among)
        among[at] = replace(among[at], **how)
        self.give(among[at])

    def toggle(self, among: list[Item], which: int, gone: ItemState) -> None:
        if among:
            shown = among[which % len(among)].state is ItemState.VISIBLE
            self.change(among, which, state=gone if shown else ItemState.VISIBLE)

    def pass_by(self, span: timedelta) -> None:
        """What is broken is tried again all the time: then the machine is switched off meanwhile, to save ours."""
        if self.world.engine.broken or self.server.mood != "works":
            self.world.now += max(span, timedelta(minutes=1))
            self.world.settle()
        else:
            self.world.until(self.world.now + max(span, timedelta(minutes=1)))


def as_stored(case: Case) -> dict[str, Any]:
    """What the row of a case must say."""
    return {
        "open": case.open,
        "answer": case.answer.value,
        "due_at": case.due_at,
        "due_reason": case.due_reason,
        "flag": case.flag.value,
        "second_clock": case.second_clock.value,
        "severity": None if case.severity is None else str(case.severity),
        "opening": case.opening,
        "plan": case.plan,
        "item_id": case.item,
        "number": case.number,
    }


def having(world: World, *roles: Role) -> list[str]:
    people = world.settings.schools[0].people
    return [person.id for person in people if set(roles) & set(person.roles)]


def run(open_database: Callable[[], tuple[Database, Callable[[], None]]], runs: int) -> None:
    how = settings(
        max_examples=runs,
        stateful_step_count=25,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Life(open_database), settings=how)  # type: ignore[arg-type]


def test_a_schools_life_on_sqlite(sqlite_template: Path) -> None:
    memory = Path("/dev/shm")

    def fresh() -> tuple[Database, Callable[[], None]]:
        folder = Path(tempfile.mkdtemp(prefix="schoolwatch-", dir=memory if memory.is_dir() else None))
        shutil.copy(sqlite_template, folder / "schoolwatch.db")
        return Database(f"sqlite:///{folder / 'schoolwatch.db'}"), lambda: shutil.rmtree(folder)

    run(fresh, runs=16)


def test_a_schools_life_on_postgresql(postgres_url: URL) -> None:
    def execute(statement: str) -> None:
        engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(text(statement))
        engine.dispose()

    def fresh() -> tuple[Database, Callable[[], None]]:
        name = f"life_{uuid.uuid4().hex}"
        execute(f"CREATE DATABASE {name} TEMPLATE template_schoolwatch")
        return Database(postgres_url.set(database=name)), lambda: execute(
            f"DROP DATABASE {name} WITH (FORCE)"
        )

    run(fresh, runs=3)
