"""Two and a half days at a school, scene by scene: the same for the worker that is killed and the one that is not.

Rules that make two runs comparable:
- A scene begins on the hour, and all that is leased in it ends within that hour: what happens in a scene has the
  same hour in both runs, whatever was killed. So times that the worker took from its clock are compared by hour.
- In one scene only one source has something new, because a poll that died waits for its lease and another source
  may be read first: who comes first gets the lower case number.
- Nothing changes a case in the scene in which a notice about it falls due: a mail that waits for its lease would
  rightly be dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.simulators.faults import Fault, Trouble
from connectors.simulators.feed_xml import Post
from monitor.domain.case import EventKind
from tests.faults.stage import Stage

_DAYS = {"tue": 17, "wed": 18, "thu": 19}


@dataclass(frozen=True, slots=True)
class Scene:
    """`play` changes the surroundings; then the worker works from `at` on. `acts`: what people do first: item,
    action, person. `broken`, `chokes_on`: how the engine fares."""

    at: datetime
    play: Callable[[Stage], None] = field(default=lambda _stage: None)
    acts: tuple[tuple[str, EventKind, str], ...] = ()
    broken: bool = False
    chokes_on: str | None = None


def moment(when: str) -> datetime:
    """`tue 08:00` of that week in November, when London's clock is UTC."""
    day, _, clock = when.partition(" ")
    hour, _, minute = clock.partition(":")
    return datetime(2026, 11, _DAYS[day], int(hour), int(minute), tzinfo=UTC)


def row(external_id: str, when: str, text: str, **fields: Any) -> dict[str, Any]:
    """A comment of a parent under the post, in a file."""
    created = when if when.startswith("20") else moment(when).isoformat()
    given = {
        "external_id": external_id,
        "created_at": created,
        "text": text,
        "post_id": "post",
        "author_id": f"parent of {external_id}",
        "author_name": "A parent",
    }
    return given | fields


def reply(external_id: str, when: str, to: str, **fields: Any) -> dict[str, Any]:
    """The school's reply, in a file."""
    school = {"author_id": "school", "author_name": "The school", "author_is_school": True}
    return row(external_id, when, "On Friday.", **{"kind": "reply", "parent_id": to, **school, **fields})


def _cold_start(stage: Stage) -> None:
    old = "2026-10-01T10:00:00+00:00"
    texts = ("When?", "rude 1", "fine", "a threat", "thanks", "moan", "rude 2", "no")
    stage.write("1-old", *(row(f"old-{n}", old, text) for n, text in enumerate(texts)))


def _blog_post(post_id: str, when: str, text: str, **fields: Any) -> Post:
    return Post(
        id=post_id,
        text=text,
        title=f"On {post_id}",
        author=f"writer of {post_id}",
        published=moment(when),
        link=f"https://blog.example/{post_id}",
        **fields,
    )


def _blog_morning(stage: Stage) -> None:
    stage.sink.refuses = True
    texts = ("When is the fair?", "you are rude", "thanks for all", "urgent: please help", "moan", "Where?")
    stage.feed.publish(*(_blog_post(f"blog-{n}", f"tue 09:1{n}", text) for n, text in enumerate(texts)))


_POST = row("post", "tue 07:00", "The fair is coming", kind="post", author_id="school", author_is_school=True)
_Q1 = row("q1", "tue 11:10", "When does it begin?")
_Q2 = row("q2", "tue 11:20", "a moan about parking")
_Q3 = row("q3", "tue 11:30", "Is there cake?")
_Q4 = row("q4", "tue 11:40", "thanks")
_Q5 = row("q5", "tue 11:50", "Is it dry?")
_NUL = row("nul", "tue 11:55", "Is this \x00 all?")
_LONE = row("lone", "tue 11:56", "A \ud800 half")
_FUTURE = row("future", "2031-01-01T00:00:00+00:00", "From the future?")


def _tuesday(stage: Stage) -> None:
    stage.sink.refuses = False
    bad = '{"external_id": "bad", "created_at": "yesterday", "text": "?"}'
    stage.write("2-tuesday", _POST, _Q1, _Q2, _Q3, bad, _Q4, _Q5, _NUL, _LONE, _FUTURE, "{no json")


def _edit_and_replies(stage: Stage) -> None:
    worse = _Q2 | {"text": "a threat about parking"}
    stage.write("2-tuesday", _POST, _Q1, worse, _Q3, _Q4, _Q5, _NUL, _LONE, _FUTURE)
    stage.write(
        "3-replies",
        reply("r1", "tue 13:00", "q1"),
        reply("r3", "tue 13:10", "q3"),
        reply("general", "tue 13:20", "post", kind="comment"),
    )


def _engine_breaks(stage: Stage) -> None:
    stage.write(
        "4-broken", row("b1", "tue 15:10", "rude again"), row("b2", "tue 15:20", "Who?"),
        row("b3", "tue 15:30", "thanks"), row("b4", "tue 15:40", "a threat, twice"),
    )  # fmt: skip


def _engine_chokes(stage: Stage) -> None:
    stage.feed.publish(_blog_post("blog-choke", "tue 17:30", "a choking, rude text"))


def _night(stage: Stage) -> None:
    gone = reply("r1", "tue 13:00", "q1", state="deleted")
    general = reply("general", "tue 13:20", "post", kind="comment")
    stage.write("3-replies", gone, reply("r3", "tue 13:10", "q3"), general)
    stage.write(
        "5-night",
        row("n1", "tue 20:30", "rude at night"),
        row("n2", "tue 20:40", "threat at night"),
        row("n3", "tue 20:50", "urgent at night"),
        row("n4", "tue 20:55", "po polsku?"),
    )
    stage.feed.trouble = Trouble(Fault.STATUS, status=503)


def _blog_is_back(stage: Stage) -> None:
    stage.feed.trouble = None
    stage.feed.edit("blog-5", "you are rude, all of you", moment("wed 09:30"))
    stage.feed.publish(_blog_post("blog-new", "wed 09:40", "What about Friday?"))


def _second_reply_goes(stage: Stage) -> None:
    stage.write("6-gone", reply("r3", "tue 13:10", "q3", state="deleted"))


def _hidden(stage: Stage) -> None:
    stage.write(
        "7-hidden",
        row("n2", "tue 20:40", "threat at night", state="hidden"),
        row("w1", "wed 15:10", "When?"),
        row("w2", "wed 15:20", "a new moan"),
        row("w3", "wed 15:30", "rude on Wednesday"),
        reply("r-w2", "wed 15:40", "w2"),
    )


def _shown_again(stage: Stage) -> None:
    stage.write("8-shown", row("n2", "tue 20:40", "threat at night", state="visible"))


def _blog_thursday(stage: Stage) -> None:
    texts = ("rude 1", "rude 2", "a threat", "fine?", "urgent again", "moan", "thanks", "Who?", "When?")
    stage.feed.publish(*(_blog_post(f"thu-{n}", f"thu 08:1{n}", text) for n, text in enumerate(texts)))


STORY = (
    Scene(moment("tue 08:00"), _cold_start),
    Scene(moment("tue 10:00"), _blog_morning),
    Scene(moment("tue 12:00"), _tuesday),
    Scene(moment("tue 14:00"), _edit_and_replies),
    Scene(moment("tue 16:00"), _engine_breaks, broken=True),
    Scene(moment("tue 18:00"), _engine_chokes, chokes_on="choking"),
    # A safeguarding case's mails have one subject: answered in time, so that no two mails look alike.
    Scene(moment("tue 21:00"), _night, acts=(("blog-3", EventKind.ANSWERED, "lead"),)),
    Scene(moment("wed 02:00")),
    Scene(moment("wed 08:00")),
    Scene(moment("wed 10:00"), _blog_is_back),
    Scene(moment("wed 12:00")),
    Scene(
        moment("wed 14:00"),
        _second_reply_goes,
        acts=(
            ("q5", EventKind.ANSWERED, "mod"),
            ("n3", EventKind.ANSWERED, "deputy"),
            ("blog-1", EventKind.DECIDED, "mod"),
            ("blog-3", EventKind.ACKNOWLEDGED, "lead"),
            ("blog-3", EventKind.DECIDED, "lead"),
        ),
    ),
    Scene(moment("wed 16:00"), _hidden),
    Scene(moment("wed 18:00"), _shown_again),
    Scene(moment("thu 09:00"), _blog_thursday),
    Scene(moment("thu 11:00")),
    Scene(moment("thu 15:00")),
    Scene(moment("thu 20:00")),
)
