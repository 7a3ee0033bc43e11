"""What Graph's codes, headers and lists mean, without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import (
    AuthExpired,
    BadPayload,
    ConnectorError,
    PermissionMissing,
    RateLimited,
    Transient,
)
from connectors.facebook import _begun, _token_until
from connectors.facebook_graph import ERRORS, Gone, TooMuch, Usage, graph_error
from connectors.facebook_items import Context, comment, created, post, time_of
from connectors.facebook_lists import LISTINGS, Chunk, Place
from connectors.simulators.graph_fields import parse
from connectors.walk import Walk

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONTEXT = Context("our-source", "100")


@pytest.mark.parametrize(
    ("code", "kind"), [*ERRORS.items(), (200, PermissionMissing), (299, PermissionMissing)]
)
def test_every_code_of_the_table_says_what_to_do_next(code, kind):
    error = graph_error({"code": code}, "", None)
    assert type(error) is kind
    assert str(error).startswith(f"Facebook answered with error {code}: ")
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        ({"code": 100, "error_subcode": 33}, "", Gone),
        ({"code": 1}, "Please reduce the amount of data you're asking for", TooMuch),
        ({"code": 999, "is_transient": True}, "", Transient),
        ({"code": 999}, "", None),
        ({"code": "190"}, "", None),
        ({"code": [1]}, "", None),
        ({}, "", None),
    ],
)
def test_what_a_code_alone_does_not_say(error, words, kind):
    found = graph_error(error, words, None)
    assert found is None if kind is None else type(found) is kind


@pytest.mark.parametrize(
    ("subcode", "words"), [(460, "the password was changed"), (463, "has expired"), (467, "no longer valid")]
)
def test_an_ended_token_says_why_in_words(subcode, words):
    error = graph_error({"code": 190, "error_subcode": subcode}, "", None)
    assert isinstance(error, AuthExpired)
    assert words in str(error)


def test_only_a_lasting_error_repeats_what_the_platform_says():
    assert '"Invalid cursors"' in str(graph_error({"code": 100}, "Invalid cursors", None))
    assert "secret" not in str(graph_error({"code": 190}, "secret", None))


def test_a_rate_limit_carries_its_wait():
    error = graph_error({"code": 4}, "", timedelta(minutes=3))
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("app", "business", "percent", "minutes"),
    [
        (None, None, 0, 0),
        ('{"call_count": 28, "total_time": 31.6, "total_cputime": 1}', None, 31, 0),
        (
            None,
            '{"100": [{"call_count": 99, "estimated_time_to_regain_access": 12}, {"call_count": 3}]}',
            99,
            12,
        ),
        ("not json", "[1, 2]", 0, 0),
        ('{"call_count": NaN, "total_time": "x"}', '{"100": 7, "200": [null]}', 0, 0),
        (None, '{"100": [{"estimated_time_to_regain_access": 999999999999}]}', 0, 10080),
    ],
)
def test_usage_headers_are_read_as_far_as_they_make_sense(app, business, percent, minutes):
    headers = {"X-App-Usage": app, "X-Business-Use-Case-Usage": business}
    usage = Usage.of({name: value for name, value in headers.items() if value is not None})
    assert usage == Usage(percent, timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize(
    ("usage", "wait"),
    [
        (Usage(74), None),
        (Usage(75), timedelta(minutes=15)),
        (Usage(95), timedelta(hours=1)),
        (Usage(10, timedelta(minutes=4)), timedelta(minutes=4)),
    ],
)
def test_polls_slow_down_as_the_allowance_ends(usage, wait):
    assert usage.poll_after == wait


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"expires_at": 0, "data_access_expires_at": 0}, None),
        ({"expires_at": 0, "data_access_expires_at": 1_800_000_000}, 1_800_000_000),
        ({"expires_at": 1_700_000_000, "data_access_expires_at": 1_800_000_000}, 1_700_000_000),
        ({"expires_at": "soon"}, None),
        ({"expires_at": 10**30}, None),
    ],
)
def test_the_token_ends_with_the_first_of_its_two_ends(facts, seconds):
    expected = datetime.fromtimestamp(seconds, UTC) if seconds else None
    assert _token_until(facts) == expected


@pytest.mark.parametrize("told", [None, [], {}, {"data": None}, {"data": {}}])
def test_no_list_is_a_bad_payload(told):
    with pytest.raises(BadPayload, match="without the list"):
        Chunk.of(told)


def test_a_cursor_counts_only_where_a_further_page_is_announced():
    last = {"data": [1], "paging": {"cursors": {"after": "x"}}}
    assert Chunk.of(last).after is None
    assert Chunk.of({**last, "paging": {**last["paging"], "next": "https://x.example"}}).after == "x"
    with pytest.raises(BadPayload, match="did not say where"):
        Chunk.of({"data": [], "paging": {"next": "https://x.example"}})


def test_the_last_dated_row_tells_how_far_a_page_reaches():
    rows = ({"created_time": "2026-03-02T10:00:00+0000"}, {"created_time": "?"}, 7)
    assert Chunk(rows, None).last_time("created_time") == NOW - timedelta(hours=2)
    assert Chunk(rows, None).goes_below(NOW)
    assert not Chunk((), None).goes_below(NOW)
    assert not Chunk(rows, None).goes_below(None)


def test_a_place_comes_back_as_it_was_written():
    place = Place("after", (("100_1", "x"), ("100_2", "y")), False, 1_700_000_000)
    assert Place.load(place.dump()) == place
    assert Place.load(None) == Place()
    assert Place(outer_done=True).dump() is None
    assert Place("a", (("100_1", "x"),)).past_inner("y").inside == (("100_1", "y"),)
    assert Place("a", (("100_1", "x"),)).past_inner(None).inside == ()


@pytest.mark.parametrize("token", ["", "7", "[]", '["a", 3, 0, null]', "{"])
def test_a_place_that_cannot_be_read_is_a_bad_payload(token):
    with pytest.raises(BadPayload):
        Place.load(token)


@pytest.mark.parametrize("kept", [{}, {"began": "?"}, {"began": 7}])
def test_a_walk_that_does_not_know_when_the_last_one_began_goes_all_the_way(kept):
    assert _begun(Walk(high_water=NOW, target=NOW, kept=kept), NOW).target is None


def test_a_walk_goes_back_to_before_the_last_one_began():
    kept = {"began": (NOW - timedelta(hours=3)).isoformat()}
    assert _begun(Walk(high_water=NOW, target=NOW, kept=kept), NOW).target == NOW - timedelta(
        hours=3, minutes=15
    )


@pytest.mark.parametrize("value", [None, 7, "yesterday", ["2026"], ""])
def test_a_time_that_cannot_be_read_is_none(value):
    assert time_of(value) is None


def test_graphs_times_become_utc():
    assert created({"created_time": "2026-03-02T13:00:00+0100"}) == NOW


@pytest.mark.parametrize("nonsense", [7, "x", [], {"id": 7}, {"data": 7}])
def test_odd_parts_of_an_object_are_left_out(nonsense):
    row = {"id": "1", "from": nonsense, "parent": nonsense, "permalink_url": nonsense, "attachment": nonsense}
    item = comment(row, CONTEXT, None)
    assert (item.author_id, item.parent_id, item.permalink, item.attachments) == (None, None, None, ())


def test_a_story_stands_for_a_post_without_words():
    assert (
        post({"id": "100_1", "story": "The school added a photo."}, CONTEXT).text
        == "The school added a photo."
    )


def test_the_comments_are_asked_for_as_documented():
    assert LISTINGS["comments"].asked(less=False)["fields"] == (
        "id,created_time,updated_time,comments.limit(50).order(reverse_chronological).filter(stream)"
        "{id,message,from,created_time,parent{id},is_hidden,permalink_url,attachment{type,url}}"
    )


@pytest.mark.parametrize("text", ["", "id,", "id{", "id{x", "id}", "id,.x(1)"])
def test_the_simulator_refuses_what_is_no_list_of_fields(text):
    with pytest.raises(ValueError, match=r"expected|brace|syntax"):
        parse(text)


def test_the_sdk_can_be_imported_where_warnings_are_errors(tmp_path):
    """Its patterns hold invalid escapes; compiled anew, they are a warning and here an error."""
    code = "import connectors.facebook, connectors.x"
    command = [sys.executable, "-W", "error", "-X", f"pycache_prefix={tmp_path}", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_error_of_the_table_is_made_up():
    assert all(issubclass(kind, ConnectorError) for kind in ERRORS.values())
    assert (
        json.dumps(sorted(ERRORS))
        == "[1, 2, 3, 4, 10, 17, 32, 100, 102, 190, 283, 341, 368, 613, 803, 80001]"
    )
