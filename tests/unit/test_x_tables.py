"""What X's problems, headers and prices mean, without a network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.errors import (
    AuthExpired,
    BadPayload,
    Permanent,
    PermissionMissing,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from connectors.item import ItemKind
from connectors.x_api import PROBLEMS, next_month, nothing_but_errors, problem_word, x_error
from connectors.x_items import Context, post
from connectors.x_spending import Spending

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONTEXT = Context("our-source", "2244")
TYPE = "https://api.twitter.com/2/problems/"


@pytest.mark.parametrize(("word", "kind"), PROBLEMS.items())
def test_every_type_of_problem_says_what_to_do_next(word, kind):
    error = x_error(400, {}, {"type": TYPE + word}, NOW)
    assert type(error) is kind
    assert word in str(error)
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, Permanent),
        (400, Permanent),
        (401, AuthExpired),
        (402, QuotaExhausted),
        (403, PermissionMissing),
        (404, Permanent),
        (429, RateLimited),
        (500, Transient),
        (503, Transient),
        (600, BadPayload),
    ],
)
@pytest.mark.parametrize("told", [None, [], {}, {"type": "about:blank"}, {"type": 7}, {"errors": ["x"]}])
def test_where_the_type_says_nothing_the_status_counts(status, kind, told):
    error = x_error(status, {}, told, NOW)
    assert type(error) is kind
    assert str(status) in str(error)


@pytest.mark.parametrize("told", [{"data": []}, {"data": {}}, {"meta": {}}, {"data": [], "errors": [{}]}])
def test_an_answer_with_data_or_meta_passes(told):
    assert x_error(200, {}, told, NOW) is None


def test_a_lookup_of_what_is_gone_passes():
    assert x_error(200, {}, {"errors": [{"type": TYPE + "resource-not-found"}]}, NOW) is None


@pytest.mark.parametrize("told", [{}, {"error": {"message": "no"}}, {"errors": []}, {"data": "x"}])
def test_200_with_something_else_is_a_bad_payload(told):
    assert type(x_error(200, {}, told, NOW)) is BadPayload


def test_a_limit_told_with_200_is_a_limit():
    assert type(x_error(200, {}, {"errors": [{"type": TYPE + "usage-capped"}]}, NOW)) is QuotaExhausted


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 60)}, timedelta(minutes=1)),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) - 60)}, timedelta(0)),
        ({"x-rate-limit-reset": "soon"}, None),
        ({"x-rate-limit-reset": "9" * 40}, None),
        ({"Retry-After": "30"}, timedelta(seconds=30)),
    ],
)
def test_a_rate_limit_waits_as_long_as_the_headers_say(headers, wait):
    error = x_error(429, headers, None, NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_after == wait


def test_without_a_clock_no_date_is_made_up():
    limited = x_error(429, {"x-rate-limit-reset": "1", "Retry-After": "30"}, None, None)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after is None
    capped = x_error(429, {}, {"type": TYPE + "usage-capped", "period": "Monthly"}, None)
    assert isinstance(capped, QuotaExhausted)
    assert capped.until is None


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (NOW, datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 4, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 4, 1, tzinfo=UTC)),
        (datetime(2028, 1, 31, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)),
    ],
)
def test_the_next_month_begins_in_utc(now, first):
    assert next_month(now) == first


def test_the_word_of_a_problem_is_its_last():
    assert problem_word({"type": TYPE + "usage-capped"}) == "usage-capped"
    assert problem_word({"type": "about:blank"}) == problem_word({}) == ""


def test_a_list_that_did_not_come_says_why():
    assert type(nothing_but_errors({"errors": [{"type": TYPE + "client-forbidden"}]})) is PermissionMissing
    assert type(nothing_but_errors({"errors": 7})) is BadPayload


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        [],
        {},
        {"month": "2026-02", "spent": 9},
        {"month": "2026-03"},
        {"month": "2026-03", "spent": "x"},
    ],
)
def test_spending_that_cannot_be_read_or_is_of_another_month_begins_anew(stored):
    assert Spending.load(stored, NOW) == Spending("2026-03", "2026-03-02")


def test_the_same_post_counts_once_a_day():
    spending, cost = Spending.load(None, NOW).bought(["1", "2", "1"], 5)
    assert (cost, spending.spent) == (10, 10)
    assert spending.bought(["2", "3"], 5)[1] == 5
    tomorrow = Spending.load(spending.dump(), NOW + timedelta(days=1))
    assert (tomorrow.spent, tomorrow.read) == (10, ())


def test_the_day_and_the_month_are_utcs():
    evening = datetime(2026, 2, 28, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert Spending.load(None, evening) == Spending("2026-03", "2026-03-01")


def test_what_is_remembered_of_a_day_is_bounded():
    spending, _ = Spending.load(None, NOW).bought([str(n) for n in range(5000)], 1)
    assert len(spending.read) == 1000
    assert spending.spent == 5000


@pytest.mark.parametrize("nonsense", [7, "x", [], {}, {"mentions": 7.5}, [7]])
def test_odd_parts_of_a_post_are_left_out(nonsense):
    row = {"id": "1", "text": "Hello", "edit_history_tweet_ids": nonsense, "referenced_tweets": nonsense}
    item = post({**row, "note_tweet": nonsense, "created_at": nonsense}, CONTEXT)
    assert (item.external_id, item.parent_id, item.created_at) == ("1", None, None)


def test_a_quote_is_no_answer():
    row = {"id": "1", "text": "See this", "referenced_tweets": [{"type": "quoted", "id": "9"}]}
    assert post(row, CONTEXT).kind is ItemKind.MENTION
