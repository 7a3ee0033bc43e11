"""What every connector must do, whatever its platform. A connector's tests subclass ConnectorContract, and
HttpContract too if it reads the network, and give a Harness: the platform's other side.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import API, Capability, Checkpoint, Connector, Rejected
from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    NotSupported,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from connectors.item import Item, ItemState
from connectors.simulators.faults import Fault, Trouble

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE_SIZE = 2
IMPATIENT_S = 0.1
NASTY = "\U0001f44d\U0001f3fd שלום مرحبا \ud800 \x00 é"
SCHOOL = "St Mary's School"


@dataclass(frozen=True)
class Said:
    """Something said on the platform."""

    id: str
    text: str = "When does term start?"
    at: datetime = NOW
    author: str | None = "A parent"
    parent: str | None = None
    state: ItemState = ItemState.VISIBLE


class Harness(ABC):
    """The platform's other side: what is said there, and connectors that read it, PAGE_SIZE items a page."""

    states: frozenset[ItemState] = frozenset({ItemState.VISIBLE})
    """The states that the platform tells; for deletions and hiding, most cannot."""
    keeps_forbidden_characters = True
    """Whether NUL and lone surrogates arrive as they are, or as U+FFFD because the format forbids them."""
    secret: str | None = None
    """A credential that the connector uses."""

    @abstractmethod
    def connector(self, patience_s: float = 30) -> Connector: ...

    @abstractmethod
    def publish(self, *said: Said) -> None: ...

    @abstractmethod
    def edit(self, external_id: str, text: str) -> None: ...

    @abstractmethod
    def remove(self, external_id: str) -> None: ...

    @abstractmethod
    def publish_what_cannot_be_read(self, at: datetime) -> None: ...

    def trouble(self, trouble: Trouble) -> None:
        raise NotImplementedError("a source without a network has no such trouble")


@dataclass
class Walked:
    """What a walk gave, page by page."""

    pages: list[list[Item]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    checkpoint: Checkpoint | None = None

    @property
    def items(self) -> list[Item]:
        return [item for page in self.pages for item in page]

    @property
    def ids(self) -> list[str]:
        return [item.external_id for item in self.items]


def walk(harness: Harness, checkpoint: Checkpoint | None = None, *, killed: bool = False) -> Walked:
    """Read until there is no more. `killed`: each page is read by a process that dies before it can commit, and again
    by the next one, which knows only the stored checkpoint."""
    done = Walked(checkpoint=checkpoint)
    connector = harness.connector()
    (stream,) = connector.streams()
    more = True
    while more:
        if killed:
            connector.fetch(stream, done.checkpoint, NOW)
            connector.close()
            connector = harness.connector()
        page = connector.fetch(stream, done.checkpoint, NOW)
        done.pages.append(list(page.items))
        done.rejected.extend(page.partial_errors)
        done.gaps.extend(filter(None, [page.gap]))
        done.checkpoint = json.loads(json.dumps(page.checkpoint))
        more = page.has_more
        assert len(done.pages) < 50, "the walk does not end"
    connector.close()
    return done


def fetch(harness: Harness, patience_s: float = 30) -> Sequence[Item]:
    connector = harness.connector(patience_s)
    return connector.fetch(connector.streams()[0], None, NOW).items


def several(count: int, prefix: str = "c", **fields: Any) -> list[Said]:
    return [Said(f"{prefix}{n}", at=NOW - timedelta(hours=n + 1), **fields) for n in range(count)]


class ConnectorContract(ABC):
    """Subclassed per connector; `make` gives its harness."""

    has_http = False

    @abstractmethod
    def make(self, folder: Path) -> AbstractContextManager[Harness]: ...

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        with self.make(tmp_path) as made:
            yield made

    def test_it_declares_truly_whether_it_reads_the_network(self):
        assert self.has_http == isinstance(self, HttpContract)

    def test_it_is_written_for_this_version_of_the_port(self, harness):
        assert harness.connector().api == API

    def test_unknown_options_are_refused(self, harness):
        with pytest.raises(ValidationError, match="colour"):
            harness.connector().options_model.model_validate({"colour": "red"})

    def test_an_unknown_stream_is_refused_by_name(self, harness):
        with pytest.raises(NotSupported, match="no-such-stream"):
            harness.connector().fetch("no-such-stream", None, NOW)

    def test_an_empty_source_gives_no_items_and_a_checkpoint_with_a_version(self, harness):
        done = walk(harness)
        assert done.items == []
        assert done.rejected == []
        assert done.checkpoint["version"] == 1

    def test_one_page_is_one_fetch(self, harness):
        harness.publish(*several(PAGE_SIZE))
        done = walk(harness)
        assert [len(page) for page in done.pages] == [PAGE_SIZE]
        assert sorted(done.ids) == ["c0", "c1"]

    def test_three_pages_are_three_fetches(self, harness):
        harness.publish(*several(3 * PAGE_SIZE))
        done = walk(harness)
        assert [len(page) for page in done.pages] == [PAGE_SIZE] * 3
        assert sorted(done.ids) == [f"c{n}" for n in range(6)]

    def test_killed_after_every_page_none_is_lost_or_doubled(self, harness):
        harness.publish(*several(3 * PAGE_SIZE + 1))
        done = walk(harness, killed=True)
        assert sorted(done.ids) == [f"c{n}" for n in range(7)]

    def test_what_came_since_the_last_walk_is_given_by_the_next(self, harness):
        harness.publish(*several(5))
        first = walk(harness)
        harness.publish(Said("new", at=NOW))
        second = walk(harness, first.checkpoint, killed=True)
        assert "new" in second.ids
        assert len(second.ids) == len(set(second.ids))

    def test_nothing_new_gives_nothing_new(self, harness):
        harness.publish(*several(5))
        first = walk(harness)
        again = walk(harness, first.checkpoint)
        assert set(again.ids) <= set(first.ids)
        assert again.gaps == []

    def test_items_of_the_same_second_are_all_given(self, harness):
        harness.publish(*[Said(f"tie{n}", at=NOW) for n in range(5)])
        first = walk(harness)
        assert sorted(first.ids) == [f"tie{n}" for n in range(5)]
        harness.publish(Said("tie-late", at=NOW))
        assert "tie-late" in walk(harness, first.checkpoint).ids

    def test_a_late_reply_to_an_old_item_is_given_with_its_parent(self, harness):
        harness.publish(*several(5))
        first = walk(harness)
        harness.publish(Said("reply", at=NOW, parent="c4"))
        replies = [item for item in walk(harness, first.checkpoint).items if item.external_id == "reply"]
        assert [reply.parent_id for reply in replies] == ["c4"]

    def test_an_edit_is_the_same_item_with_another_hash(self, harness):
        harness.publish(*several(2))
        first = walk(harness)
        harness.edit("c0", "When does TERM start?")
        (edited,) = [item for item in walk(harness, first.checkpoint).items if item.external_id == "c0"]
        (before,) = [item for item in first.items if item.external_id == "c0"]
        assert edited.text == "When does TERM start?"
        assert edited.content_hash != before.content_hash

    def test_what_is_missing_from_the_list_is_not_called_deleted(self, harness):
        harness.publish(*several(4))
        first = walk(harness)
        harness.remove("c1")
        later = walk(harness, first.checkpoint)
        assert "c1" not in later.ids
        assert all(item.state is ItemState.VISIBLE for item in later.items)

    def test_every_state_the_platform_tells_arrives(self, harness):
        harness.publish(*[Said(f"is-{state}", state=state) for state in harness.states])
        assert {item.external_id: item.state for item in walk(harness).items} == {
            f"is-{state}": state for state in harness.states
        }

    def test_only_the_school_is_the_school(self, harness):
        harness.publish(
            Said("ours", author=SCHOOL), Said("theirs", author=f"{SCHOOL} fan"), Said("nobody", author=None)
        )
        assert {item.external_id: item.author_is_school for item in walk(harness).items} == {
            "ours": True,
            "theirs": False,
            "nobody": False,
        }

    def test_an_item_without_an_author_is_an_item(self, harness):
        harness.publish(Said("nobody", author=None))
        (item,) = walk(harness).items
        assert item.author_name is None
        assert item.author_id is None

    @pytest.mark.parametrize("hours", [-9.5, 0, 5.5, 14])
    def test_times_of_any_zone_become_utc(self, harness, hours):
        at = datetime(2026, 2, 28, 23, 30, tzinfo=timezone(timedelta(hours=hours)))
        harness.publish(Said("far", at=at))
        (item,) = walk(harness).items
        assert item.created_at == at
        assert item.created_at.utcoffset() == timedelta(0)

    def test_emoji_other_scripts_lone_surrogates_and_nul_do_no_harm(self, harness):
        harness.publish(Said("before"), Said("nasty", text=NASTY), Said("after"))
        texts = {item.external_id: item.text for item in walk(harness).items}
        expected = (
            NASTY if harness.keeps_forbidden_characters else "\U0001f44d\U0001f3fd שלום مرحبا \ufffd \ufffd é"
        )
        assert texts == {"before": Said("").text, "nasty": expected, "after": Said("").text}

    def test_one_that_cannot_be_read_is_set_aside_and_its_neighbours_survive(self, harness):
        first, last = several(2)
        harness.publish(first)
        harness.publish_what_cannot_be_read(NOW - timedelta(minutes=90))
        harness.publish(last)
        done = walk(harness)
        assert sorted(done.ids) == ["c0", "c1"]
        (rejected,) = done.rejected
        assert rejected.raw
        assert rejected.reason.endswith(".")

    @pytest.mark.parametrize(
        "stored",
        [
            {},
            {"version": 99},
            {"version": 1},
            {"version": "1", "x": 2},
            {"version": 1, "files": 3, "in_progress": 4},
        ],
    )
    def test_an_unreadable_checkpoint_means_walk_again(self, harness, stored):
        harness.publish(*several(3))
        assert sorted(walk(harness, stored).ids) == ["c0", "c1", "c2"]

    def test_the_checkpoint_is_not_changed_in_place(self, harness):
        harness.publish(*several(5))
        connector = harness.connector()
        (stream,) = connector.streams()
        stored = dict(connector.fetch(stream, None, NOW).checkpoint)
        kept = json.dumps(stored)
        connector.fetch(stream, stored, NOW)
        assert json.dumps(stored) == kept

    def test_items_say_where_they_come_from(self, harness):
        harness.publish(Said("one"))
        (item,) = walk(harness).items
        assert item.account == "our-source"
        assert item.platform
        assert item.raw
        json.dumps(dict(item.raw))

    def test_a_capability_that_is_not_declared_raises(self, harness):
        connector = harness.connector()
        for capability in set(Capability) - connector.capabilities - {Capability.REFRESH}:
            with pytest.raises(NotSupported):
                connector.moderate(capability, "c0")
        if Capability.REFRESH not in connector.capabilities:
            with pytest.raises(NotSupported):
                connector.refresh(["c0"], NOW)

    def test_a_source_that_can_be_read_is_healthy(self, harness):
        harness.publish(Said("one"))
        health = harness.connector().check(NOW)
        assert health.ok
        assert health.detail

    def test_nothing_sleeps(self, harness, monkeypatch):
        def slept(_seconds: float) -> None:
            raise AssertionError("a connector never sleeps")

        harness.publish(*several(5))
        monkeypatch.setattr(time, "sleep", slept)
        assert len(walk(harness, killed=True).ids) == 5


class HttpContract(ConnectorContract):
    """The rows that only a source read over the network can have."""

    has_http = True

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (401, AuthExpired),
            (402, QuotaExhausted),
            (403, PermissionMissing),
            (404, Permanent),
            (408, Transient),
            (410, Permanent),
            (418, Permanent),
            (425, Transient),
            (429, RateLimited),
            (500, Transient),
            (502, Transient),
            (503, Transient),
        ],
    )
    def test_each_status_says_what_to_do_next(self, harness, status, error):
        harness.trouble(Trouble(Fault.STATUS, status))
        with pytest.raises(error, match=str(status)) as caught:
            fetch(harness)
        assert str(caught.value).endswith(".")

    def test_429_without_a_reset_leaves_the_waiting_to_the_scheduler(self, harness):
        harness.trouble(Trouble(Fault.STATUS, 429))
        with pytest.raises(RateLimited) as caught:
            fetch(harness)
        assert caught.value.retry_after is None

    @pytest.mark.parametrize("header", ["90", "Mon, 02 Mar 2026 12:01:30 GMT"])
    def test_429_with_a_reset_tells_how_long(self, harness, header):
        harness.trouble(Trouble(Fault.STATUS, 429, headers=(("Retry-After", header),)))
        with pytest.raises(RateLimited) as caught:
            fetch(harness)
        assert caught.value.retry_after == timedelta(seconds=90)

    @pytest.mark.parametrize(
        "trouble",
        [
            Trouble(Fault.HTML),
            Trouble(Fault.BODY, body=b'{"error": {"message": "no"}}'),
            Trouble(Fault.BODY, body=b""),
            Trouble(Fault.BODY, body=b"\x00\xff\xfe garbage"),
        ],
        ids=["html", "an error inside", "nothing", "garbage"],
    )
    def test_200_with_something_else_inside_is_not_a_quiet_day(self, harness, trouble):
        harness.publish(Said("one"))
        harness.trouble(trouble)
        with pytest.raises(BadPayload):
            fetch(harness)

    def test_a_document_cut_short_is_told_and_loses_nothing(self, harness):
        harness.publish(*several(PAGE_SIZE))
        harness.trouble(Trouble(Fault.TRUNCATED, times=1))
        try:
            first = walk(harness)
        except BadPayload:  # for a format in which half a document is nothing
            first = Walked(rejected=[Rejected("All of it.", b"")])
        assert first.rejected
        assert sorted(walk(harness, first.checkpoint).ids) == ["c0", "c1"]

    def test_an_answer_that_breaks_off_is_asked_for_again(self, harness):
        harness.publish(*several(PAGE_SIZE))
        harness.trouble(Trouble(Fault.BROKEN_OFF))
        with pytest.raises(Transient):
            fetch(harness)

    def test_an_answer_without_content_type_is_read(self, harness):
        harness.publish(Said("one", text=NASTY[:8]))
        harness.trouble(Trouble(Fault.NO_CONTENT_TYPE))
        (item,) = fetch(harness)
        assert item.text == NASTY[:8].strip()

    def test_a_redirect_never_carries_the_credential_away(self, harness):
        harness.trouble(Trouble(Fault.REDIRECT, 302, headers=(("Location", "http://127.0.0.1:9/elsewhere"),)))
        with pytest.raises(Permanent):
            fetch(harness)

    @pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEADERS, Fault.DRIP_BODY])
    def test_a_server_that_hangs_or_drips_ends_in_time(self, harness, fault):
        harness.trouble(Trouble(fault))
        begun = time.monotonic()
        with pytest.raises(Transient):
            fetch(harness, IMPATIENT_S)
        assert time.monotonic() - begun < 10

    def test_an_expired_page_token_starts_the_walk_again(self, harness):
        harness.publish(*several(3 * PAGE_SIZE))
        harness.trouble(Trouble(Fault.STATUS, 410, times=1, page=2))
        done = walk(harness, killed=False)
        assert set(done.ids) == {f"c{n}" for n in range(6)}
        assert done.gaps == []

    def test_page_tokens_that_always_expire_end_in_a_gap_that_people_see(self, harness):
        harness.publish(*several(3 * PAGE_SIZE))
        harness.trouble(Trouble(Fault.STATUS, 404, page=2))
        done = walk(harness)
        assert len(done.gaps) == 1

    def test_an_error_in_the_middle_of_a_walk_loses_nothing(self, harness):
        harness.publish(*several(3 * PAGE_SIZE))
        connector = harness.connector()
        page = connector.fetch(connector.streams()[0], None, NOW)
        harness.trouble(Trouble(Fault.STATUS, 503, times=1))
        with pytest.raises(Transient):
            connector.fetch(connector.streams()[0], page.checkpoint, NOW)
        rest = walk(harness, page.checkpoint)
        assert sorted([item.external_id for item in page.items] + rest.ids) == [f"c{n}" for n in range(6)]

    @pytest.mark.parametrize("fault", list(Fault))
    def test_the_credential_is_seen_nowhere(self, harness, fault, caplog):
        caplog.set_level(logging.DEBUG)
        assert harness.secret
        harness.publish(*several(PAGE_SIZE))
        told = [repr(item) for item in walk(harness).items]
        harness.trouble(
            Trouble(fault, 302 if fault is Fault.REDIRECT else 500, headers=(("Location", "/feed?page=9"),))
        )
        try:
            told.extend(map(repr, fetch(harness, IMPATIENT_S)))
        except ConnectorError as err:
            told.extend(traceback.format_exception(err))
            told.extend(map(repr, filter(None, [err.__context__, err.__cause__])))
        told.extend(record.getMessage() for record in caplog.records)
        assert told
        assert not [line for line in told if harness.secret in line]

    def test_a_source_that_answers_nonsense_is_not_healthy(self, harness):
        harness.trouble(Trouble(Fault.HTML))
        assert not harness.connector().check(NOW).ok

    def test_a_source_that_cannot_be_judged_now_raises(self, harness):
        harness.trouble(Trouble(Fault.STATUS, 503))
        with pytest.raises(Transient):
            harness.connector().check(NOW)

    def test_nothing_sleeps_when_asked_too_often(self, harness, monkeypatch):
        slept: list[float] = []
        monkeypatch.setattr(time, "sleep", slept.append)
        harness.trouble(Trouble(Fault.STATUS, 429, headers=(("Retry-After", "60"),)))
        with pytest.raises(RateLimited):
            fetch(harness)
        assert slept == []
