"""What a school's reply answers, and nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.item import ItemKind
from monitor.domain.answers import Answers, ThreadItem, answers

START = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
PARENT, ANOTHER = 1, 2


def item(number: int, *, under: int | None = None, author: int | None = PARENT, **said: object) -> ThreadItem:
    """The item of that number, written that many minutes after the start; `under` is what it replies to."""
    given: dict[str, object] = {
        "id": number,
        "external_id": str(number),
        "kind": ItemKind.COMMENT if under is None else ItemKind.REPLY,
        "parent_id": None if under is None else str(under),
        "post_id": "post",
        "author": author,
        "author_is_school": False,
        "created_at": START + timedelta(minutes=number),
        "waiting": True,
    }
    return ThreadItem(**(given | said))  # type: ignore[arg-type]


def post() -> ThreadItem:
    return item(
        0,
        author=None,
        external_id="post",
        kind=ItemKind.POST,
        post_id=None,
        author_is_school=True,
        waiting=False,
    )


def by_school(number: int, *, under: int | str, **said: object) -> ThreadItem:
    given: dict[str, object] = {
        "author_is_school": True,
        "author": None,
        "parent_id": str(under),
        "kind": ItemKind.REPLY,
        "waiting": False,
    }
    return item(number, **(given | said))  # type: ignore[arg-type]


def answered(reply: ThreadItem, *thread: ThreadItem) -> set[int]:
    found = answers(reply, [post(), *thread, reply])
    assert found.ask == frozenset()
    return set(found.answered)


def test_a_reply_answers_what_it_replies_to() -> None:
    assert answered(by_school(9, under=1), item(1)) == {1}


def test_and_the_earlier_items_of_the_same_author_in_that_chain() -> None:
    chain = (item(1), item(2, under=1), item(3, under=2))
    assert answered(by_school(9, under=3), *chain) == {1, 2, 3}


def test_not_those_of_others_in_that_chain() -> None:
    chain = (item(1), item(2, under=1, author=ANOTHER), item(3, under=2))
    assert answered(by_school(9, under=3), *chain) == {1, 3}


def test_not_those_of_the_same_author_in_another_chain() -> None:
    assert answered(by_school(9, under=1), item(1), item(2), item(3, under=2)) == {1}


def test_not_those_written_later_than_the_reply() -> None:
    assert answered(by_school(5, under=1), item(1), item(6, under=1)) == {1}


def test_not_those_written_in_the_same_instant() -> None:
    late = item(2, under=1, created_at=START + timedelta(minutes=5))
    assert answered(by_school(5, under=1), item(1), late) == {1}


def test_what_it_replies_to_is_answered_whatever_the_platforms_clock_says() -> None:
    assert answered(by_school(5, under=6), item(6)) == {6}


def test_anonymous_authors_are_never_taken_for_one_person() -> None:
    chain = (item(1, author=None), item(2, under=1, author=None))
    assert answered(by_school(9, under=2), *chain) == {2}


def test_a_school_that_answers_itself_answers_nothing_more() -> None:
    first = by_school(2, under=1)
    assert answered(by_school(9, under=2), item(1), first) == set()


def test_a_deleted_or_hidden_reply_answers_nothing() -> None:
    assert answered(by_school(9, under=1, live=False), item(1)) == set()


def test_what_is_not_the_schools_answers_nothing() -> None:
    assert answered(item(9, under=1, author=ANOTHER), item(1)) == set()


def test_the_schools_own_post_answers_nothing() -> None:
    assert answers(post(), [post(), item(1)]) == Answers()


def test_a_circle_of_parents_ends() -> None:
    circle = (item(1, under=3), item(2, under=1), item(3, under=2))
    assert 3 in answered(by_school(9, under=3), *circle)
    itself = item(1, under=1)
    assert answered(by_school(9, under=1), itself) == {1}


def test_a_chain_whose_beginning_is_not_stored_is_still_answered_where_it_is_known() -> None:
    assert answered(by_school(9, under=2), item(2, under=404)) == {2}


@pytest.mark.parametrize("under", ["post", 404], ids=["the post", "something unknown"])
def test_a_general_comment_answers_greetings_and_asks_about_the_rest(under: str | int) -> None:
    thread = [
        post(),
        item(1, greeting=True, parent_id=str(under)),
        item(2, parent_id=str(under)),
        item(3, author=ANOTHER, parent_id=str(under)),
        item(4, waiting=False, parent_id=str(under)),
    ]
    found = answers(by_school(9, under=under), thread)
    assert found == Answers(answered=frozenset({1}), ask=frozenset({2, 3}))


def test_a_general_comment_says_nothing_of_what_came_after_it_or_under_another_post() -> None:
    thread = [post(), item(6), item(1, post_id="another"), item(2, greeting=True, post_id="another")]
    assert answers(by_school(5, under="post"), thread) == Answers()


def test_a_general_comment_says_nothing_of_the_schools_own_words() -> None:
    thread = [post(), by_school(1, under="post", waiting=True, greeting=True)]
    assert answers(by_school(5, under="post"), thread) == Answers()


def test_a_comment_of_the_school_that_names_only_the_post_is_general_too() -> None:
    found = answers(by_school(9, under="post", parent_id=None), [post(), item(1), item(2, greeting=True)])
    assert found == Answers(answered=frozenset({2}), ask=frozenset({1}))


def test_a_comment_of_the_school_that_names_nothing_answers_nothing() -> None:
    assert answers(by_school(9, under="post", parent_id=None, post_id=None), [item(1)]) == Answers()


THREADS = st.lists(
    st.builds(
        item,
        st.integers(1, 12),
        under=st.none() | st.integers(1, 12),
        author=st.none() | st.integers(1, 3),
        author_is_school=st.booleans(),
        greeting=st.booleans(),
        waiting=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(THREADS, st.integers(1, 12), st.integers(13, 20))
def test_a_reply_answers_one_author_at_most_and_nobody_twice(
    thread: list[ThreadItem], under: int, number: int
) -> None:
    reply = by_school(number, under=under)
    found = answers(reply, [*thread, reply])
    by_id = {one.id: one for one in thread}
    assert not found.answered & found.ask
    assert not any(by_id[one].author_is_school for one in found.answered | found.ask)
    parent = by_id.get(under)
    if parent is not None and not parent.author_is_school:
        assert {by_id[one].author for one in found.answered} == {parent.author}
        assert found.ask == frozenset()
    assert answers(replace(reply, live=False), thread) == Answers()
