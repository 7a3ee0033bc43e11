"""A week closes: once, at its moment, on both databases, with figures and nobody's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.digest import as_page, as_text
from alerts.figures import Digest, Volume
from alerts.kinds import AlertKind, Mail
from alerts.message import seal
from alerts.outbox import mails, rows
from alerts.smtp import Outcome, Status
from config.schema import Account, Watch
from config.schema import Digest as DigestSettings
from connectors.base import Page, Rejected
from connectors.errors import AuthExpired
from connectors.item import ItemKind
from monitor.classifier.standard import ANY_SCHOOL, Standard
from monitor.domain.case import EventKind
from monitor.domain.promises import promises
from monitor.domain.verdict import Category, Severity, Verdict
from monitor.domain.week import Week
from monitor.pipeline.act import act
from monitor.pipeline.week import close_weeks, gathered, page
from monitor.storage import cases, events, outages
from monitor.storage import week as stored
from monitor.storage.tables import sources
from tests.fakes import TUESDAY, Build, FakeEngine, World, comment, reply, school

W47 = Week(2026, 47)
CLOSES = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


def digests(world: World, person: str = "head") -> list[Mail]:
    return [mail for mail in world.transport.to(person) if "need" in mail.subject]


def told(world: World, week: Week = W47, now: datetime | None = None, school_no: int = 0) -> Digest:
    site = world.installation.sites[school_no]
    with world.db.read() as conn:
        return gathered(conn, site, week, now or world.now)


# --- when, and how often


def test_the_week_that_ended_is_told_on_monday_morning_and_once(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.until(CLOSES - timedelta(minutes=1))
    assert digests(world) == []
    world.until(CLOSES)
    (mail,) = digests(world)
    assert mail.subject == "16 to 22 November 2026: 1 thing needs you"
    for _ in range(3):
        world.restart()
        world.poll()
    world.later(days=6)
    assert len(digests(world)) == 1
    assert [mail.to_address for _, mail in world.transport.sent] == ["head@school.example"]


def test_each_week_has_a_digest_of_its_own_and_an_event_in_the_chain(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.until(CLOSES + timedelta(days=15))
    assert len(digests(world)) == 3
    with world.db.read() as conn:
        chain = events.of_subject(conn, "oakfield", stored.CHAIN)
        queued = [row for row in rows(conn, "oakfield") if row.kind == AlertKind.DIGEST.value]
        assert events.first_broken(conn, "oakfield") is None
    assert [(row.kind, row.data["week"]) for row in chain] == [
        ("digest_queued", f"2026-W{n}") for n in (47, 48, 49)
    ]
    assert [(row.subject, row.occurrence, row.facts) for row in queued] == [
        (f"week:2026-W{n}", 1, {"week": f"2026-W{n}"}) for n in (47, 48, 49)
    ]


def test_after_weeks_of_downtime_only_the_latest_finished_week_is_told(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.now += timedelta(days=24)
    world.restart()
    world.settle()
    (mail,) = digests(world)
    assert mail.text.startswith("The week of 30 November to 6 December 2026.")
    world.later(days=2)
    assert len(digests(world)) == 1


def test_a_worker_that_comes_back_on_wednesday_tells_the_week_then(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.now = CLOSES + timedelta(days=2)
    world.settle()
    assert len(digests(world)) == 1
    world.until(CLOSES + timedelta(days=7))
    assert len(digests(world)) == 2


def test_a_week_that_ended_before_the_watch_began_is_told_to_nobody(world: World) -> None:
    world.poll()
    world.later(days=3)
    assert world.transport.sent == []
    with world.db.read() as conn:
        assert stored.last_closed(conn, "oakfield") is None


def test_a_watch_that_was_blind_from_its_first_hour_has_its_digest_too(world: World) -> None:
    world.fail(AuthExpired("the token"), source="page")
    site = world.installation.sites[0]
    with world.db.write("test") as conn:
        conn.execute(sources.update().values(watch_from=None))
    assert close_weeks(site, CLOSES - timedelta(minutes=1)) == 0
    assert close_weeks(site, CLOSES) == 1
    assert close_weeks(site, CLOSES) == 0


def test_nothing_is_sent_by_a_worker_that_has_read_nothing_at_all(world: World) -> None:
    assert world.worker.next_due() is None
    with world.db.read() as conn:
        assert stored.watched_since(conn, "oakfield") is None


def test_the_schools_own_day_and_time_count(build: Build) -> None:
    world = build(school(digest=DigestSettings(weekday="wed", at="18:30")))  # type: ignore[arg-type]
    world.give(comment("1", "thanks"))
    world.until(datetime(2026, 11, 25, 18, 29, tzinfo=UTC))
    assert digests(world) == []
    world.until(datetime(2026, 11, 25, 18, 30, tzinfo=UTC))
    assert digests(world)[0].text.startswith("The week of 16 to 22 November 2026.")


@pytest.mark.parametrize(
    ("begin", "closes", "hours"),
    [
        (datetime(2026, 10, 13, 9, 0, tzinfo=UTC), datetime(2026, 10, 26, 7, 0, tzinfo=UTC), 169),
        (datetime(2026, 3, 17, 9, 0, tzinfo=UTC), datetime(2026, 3, 30, 6, 0, tzinfo=UTC), 167),
    ],
)
def test_a_week_in_which_the_clocks_change_is_told_at_seven_by_the_new_clock(
    build: Build, begin: datetime, closes: datetime, hours: int
) -> None:
    world = build(now=begin)
    world.poll()
    world.until(closes - timedelta(days=3))
    early = len(digests(world))
    before = closes - timedelta(hours=7, minutes=30)
    world.until(before)
    world.give(comment("late on Sunday", "thanks", created_at=before))
    world.until(closes - timedelta(minutes=1))
    assert len(digests(world)) == early
    world.until(closes)
    assert len(digests(world)) == early + 1
    week = told(world, Week.of(begin.date()).plus(1)).week
    assert (week.end - week.start) / timedelta(hours=1) == hours
    assert week.received == 1


def test_two_workers_that_close_the_week_together_close_it_once(build: Build) -> None:
    world, other = build(), build()
    world.give(comment("1", "thanks"))
    world.now = other.now = CLOSES
    other.connectors.clear()
    world.worker._week(world.installation.sites[0], CLOSES)
    other.worker._week(other.installation.sites[0], CLOSES)
    with world.db.read() as conn:
        assert len(events.of_subject(conn, "oakfield", stored.CHAIN)) == 1
        assert [row.recipient for row in rows(conn, "oakfield") if row.kind == "digest"] == ["head"]


def test_the_figures_are_those_of_the_moment_of_sending(world: World) -> None:
    world.give(comment("1"))
    world.until(CLOSES - timedelta(minutes=1))
    world.transport.answers = [Outcome(Status.DEFERRED, "450", "later")]
    world.until(CLOSES)
    assert digests(world) == []
    world.give(reply("2", to="1", created_at=world.now))
    world.later(minutes=10)
    (mail,) = digests(world)
    assert "overdue" not in mail.text.split("PROMISES")[0].split("WHAT IS NOT")[0].replace(
        "No answer is overdue", ""
    )


def test_each_school_of_a_trust_has_its_own_figures_and_its_own_mail(build: Build) -> None:
    world = build(school("ash"), school("elm"))
    world.give(comment("1", "rude"), comment("2", "threat"), school_id="ash")
    world.give(comment("1", "thanks"), school_id="elm")
    world.until(CLOSES)
    assert [told(world, school_no=n).week.received for n in (0, 1)] == [2, 1]
    assert [told(world, school_no=n).week.flagged.total for n in (0, 1)] == [2, 0]
    ours = [mail for mail in digests(world) if "Ash Primary" in mail.text]
    theirs = [mail for mail in digests(world) if "Elm Primary" in mail.text]
    assert (len(ours), len(theirs)) == (1, 1)
    with world.db.read() as conn:
        kept = conn.execute(mails.select().where(mails.c.kind == "digest")).all()
    assert {row.school_id for row in kept} == {"ash", "elm"}


# --- what is summed


def test_a_week_in_figures(build: Build) -> None:
    """Every figure of the page from what a connector gave, on both databases."""
    world = build()
    world.poll()
    world.give(
        comment("answered"),
        comment("late"),
        comment("rude", "you are rude"),
        comment("threat", "a threat, and rude"),
        comment("thanks", "thanks"),
        comment("review", "So so", kind=ItemKind.REVIEW),
        comment("lead", "urgent"),
        comment("old", "rude", created_at=TUESDAY - timedelta(days=20)),
        comment("post", "Our week", kind=ItemKind.POST, author_is_school=True, author_id="school"),
    )
    world.give(comment("elsewhere", "rude", kind=ItemKind.MENTION, account="news"), source="news")
    world.later(hours=2)
    for number, to in enumerate(("answered", "rude", "threat", "review", "lead")):
        world.give(reply(f"r{number}", to=to, created_at=world.now - timedelta(minutes=number)))
    world.later(hours=30)
    world.give(reply("too late", to="late", created_at=world.now))
    world.page().pages.append(
        Page(
            items=(),
            checkpoint={"version": 1},
            partial_errors=(Rejected(external_id="x", reason="no text", raw=b"{}"),),
        )
    )
    world.poll()
    world.fail(AuthExpired("the token"))
    world.later(hours=10)
    world.poll()
    world.until(CLOSES - timedelta(hours=8))
    world.engine.broken = True
    world.give(comment("unjudged", "thanks", created_at=world.now))
    world.until(CLOSES)
    digest = told(world)
    week = digest.week
    assert set(week.volumes) == {
        Volume("page", "comment", 7),
        Volume("page", "review", 1),
        Volume("news", "mention", 1),
    }
    answers = week.answers
    assert (answers.kept, answers.answered) == (5, 6)
    assert answers.median == timedelta(minutes=118), "the third of six"
    assert (answers.missed, answers.waiting, answers.overdue) == (1, 1, 0)
    assert (week.flagged.total, week.flagged.older) == (3, 1)
    assert dict(week.flagged.severities) == {"high": 1, "medium": 2}
    assert dict(week.flagged.categories) == {"insult": 3, "threat": 1}
    lead = week.safeguarding
    assert (lead.opened, lead.acknowledged, lead.unacknowledged) == (1, 0, 1)
    with world.db.read() as conn:
        outage = outages.by_number(conn, "oakfield", "source:page", 1)
    assert outage is not None
    assert dict(week.blind) == {"page": outage.ended_at - outage.began_at}
    assert (week.engine_outages, digest.unscored) == (1, 1)
    assert dict(week.set_aside) == {"page": 1}
    (account,) = week.accounts
    assert (account.flagged, account.posts_seen, account.quiet_days) == (2, True, None)
    assert dict(week.alerts)["flagged"] == 4


def test_only_the_leads_word_acknowledges(world: World) -> None:
    world.give(comment("1", "urgent"), comment("2", "urgent"))
    world.later(hours=1)
    world.give(reply("3", to="1"))
    assert told(world).week.safeguarding.unacknowledged == 2
    act(world.installation.sites[0], 1, EventKind.ACKNOWLEDGED, "lead", world.now)
    counts = told(world).week.safeguarding
    assert (counts.opened, counts.acknowledged, counts.unacknowledged) == (2, 1, 1)


def test_what_the_cases_say_waits_is_what_the_page_says_waits(world: World) -> None:
    gone = {"state": "deleted"}
    world.give(*(comment(str(n), author_id=str(n)) for n in range(6)))
    world.later(hours=1)
    world.give(reply("a", to="0"), reply("b", to="1"), reply("c", to="2"))
    world.give(reply("a", to="0", state="deleted"), comment("3", **gone), comment("4", **gone))
    world.later(hours=30)
    world.give(comment("4"), comment("5", "that is a threat"), reply("c", to="2", state="deleted"))
    for moment in (world.now, world.now + timedelta(days=2)):
        world.until(moment)
        answers = told(world).week.answers
        with world.db.read() as conn:
            open_rows = [row for row in cases.rows(conn, "oakfield") if row.answer == "waiting"]
            known = stored.ledger(conn, "oakfield", TUESDAY - timedelta(days=9), world.now)
        assert answers.waiting == sum(row.due_at > world.now for row in open_rows)
        assert answers.overdue == sum(row.due_at <= world.now for row in open_rows)
        assert sum(len(promises(case)) for case in known.cases) >= len(open_rows)


def test_the_weeks_before_are_compared_only_where_they_were_watched_whole(world: World) -> None:
    world.give(comment("1", "thanks"))
    world.until(CLOSES + timedelta(days=7))
    assert [week.week for week in told(world, W47).before] == []
    assert [week.week for week in told(world, W47.plus(1)).before] == []
    world.until(CLOSES + timedelta(days=21))
    assert [week.week for week in told(world, W47.plus(3)).before] == ["2026-W48", "2026-W49"]
    assert told(world, W47).began_within == TUESDAY
    assert told(world, W47.plus(1)).began_within is None


def test_an_account_that_the_school_neglects_stands_in_the_digest(world: World) -> None:
    post = {"kind": ItemKind.POST, "author_is_school": True}
    world.give(comment("old", "Our week", created_at=TUESDAY - timedelta(days=4), **post))
    world.until(CLOSES)
    (mail,) = digests(world)
    assert "The school has not posted lately on page (9 days)." in mail.text


def test_what_the_page_says_is_not_watched_follows_the_sources(build: Build) -> None:
    sources = (Account(name="page", platform="facebook"), Account(name="insta", platform="instagram"))
    world = build(school(accounts=sources, watches=()))
    world.give(comment("1", "A word", kind=ItemKind.DIRECT, platform="facebook"))
    text = as_text(page(world.installation.sites[0], W47, world.now))
    assert "Private messages to insta." in text
    assert "X, YouTube, LinkedIn and TikTok." in text
    assert "No search and no feed is set up." in text
    assert "Pictures and videos." in text


# --- what must never stand in it

SECRETS = (
    "Esmeralda Quickthorn",
    "quickthorn_mum",
    "Barnaby Underhill",
    "flibbertigibbet",
    "wibbling numpty",
    "afraid of uncle Zebedee",
    "https://social.example/secret/",
    "Gazette Nosyparker",
)


class Accuser(FakeEngine):
    """Takes what it reads for the gravest things."""

    def __call__(self, texts: Sequence[str], standard: Standard = ANY_SCHOOL) -> list[Verdict]:
        found = super().__call__(texts, standard)
        return [
            Verdict(
                categories=(Category.ALLEGATION, *verdict.categories),
                severity=max(verdict.severity, Severity.HIGH),
                engine="fake 1",
                thresholds="fake 1",
            )
            if "headmaster" in text
            else verdict
            for verdict, text in zip(found, texts, strict=True)
        ]


def a_week_full_of_words(build: Build) -> World:
    world = build(
        school(
            accounts=(Account(name="page", platform="facebook"),), watches=(Watch(name="news", platform="x"),)
        )
    )
    world.engine = Accuser()
    world.poll()
    who = {"author_name": "Esmeralda Quickthorn", "author_id": "quickthorn_mum"}
    link = "https://social.example/secret/1"
    world.give(
        comment("1", "you rude wibbling numpty", permalink=link, **who),
        comment(
            "2", "urgent: Barnaby Underhill is afraid of uncle Zebedee", title="Barnaby Underhill", **who
        ),
        comment("3", "the headmaster stole from Barnaby Underhill", **who),
        comment("4", "What about the flibbertigibbet?", attachments=(f"{link}.jpg",), **who),
        comment("5", "rude", author_name="Gazette Nosyparker", author_id="nosy", kind=ItemKind.REVIEW),
        comment("6", "Our week with Barnaby Underhill", kind=ItemKind.POST, author_is_school=True),
    )
    world.give(comment("7", "threat by flibbertigibbet", account="news", **who), source="news")
    world.later(hours=1)
    world.give(reply("8", to="1", text="Dear Esmeralda Quickthorn, sorry", created_at=world.now))
    world.page().pages.append(
        Page(
            items=(),
            checkpoint={"version": 1},
            partial_errors=(
                Rejected(external_id="quickthorn_mum", reason="flibbertigibbet", raw=b"wibbling numpty"),
            ),
        )
    )
    world.poll()
    world.until(CLOSES + timedelta(days=7))
    return world


def test_no_word_no_author_and_no_child_stands_in_page_text_or_attachments(build: Build) -> None:
    world = a_week_full_of_words(build)
    sent = digests(world)
    assert len(sent) == 2
    facts = page(world.installation.sites[0], W47, world.now)
    pages = [as_page(facts), as_text(facts), repr(facts)]
    for mail in sent:
        whole = seal(mail, "a@school.example", "S", "<x@school.example>", world.now).data.decode("ascii")
        pages += [mail.subject, mail.text, mail.html, whole, *(image.cid for image in mail.images)]
    for secret in SECRETS:
        for shown in pages:
            assert secret.casefold() not in shown.casefold()
            assert all(word.casefold() not in shown.casefold() for word in secret.split() if len(word) > 7), (
                secret
            )
    assert not any("compliant" in shown.casefold() for shown in pages)


def test_an_allegation_is_counted_and_never_named_and_safeguarding_is_only_counted(build: Build) -> None:
    world = a_week_full_of_words(build)
    digest = told(world)
    assert digest.week.flagged.total == 4, "insults, the threat and the allegation; not the lead's"
    assert "allegation" not in dict(digest.week.flagged.categories)
    assert digest.week.safeguarding.opened == 1
    text = digests(world)[0].text
    assert re.search(r"\b(disclos|self-harm|grooming|accus)", text) is None
    assert "disclosure" not in text


def test_the_mail_carries_its_charts_and_the_file_holds_its_own(build: Build) -> None:
    world = a_week_full_of_words(build)
    first, second = digests(world)
    assert [image.cid for image in first.images] == ["flagged.2026-w47@schoolwatch"]
    world.give(comment("9", "thanks", created_at=world.now))
    world.until(CLOSES + timedelta(days=14))
    third = digests(world)[-1]
    assert {image.cid for image in third.images} == {"received.2026-w49@schoolwatch"}
    for mail in (first, second, third):
        assert set(re.findall(r'src="cid:([^"]+)"', mail.html)) == {image.cid for image in mail.images}
        assert "data:" not in mail.html
        assert all(image.png.startswith(b"\x89PNG") for image in mail.images)
    alone = as_page(page(world.installation.sites[0], W47, world.now))
    assert "cid:" not in alone
    assert alone.count('src="data:image/png;base64,') == 1
