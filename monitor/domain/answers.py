"""What a school's reply answers, and nothing more.

A reply answers the item it replies to and the earlier items of the same author in that chain. A general comment
under a post answers greetings only; whether it answers the questions there, only a person can say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.item import ItemKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadItem:
    """One item of a thread, as far as the question needs it. `author` is a stored author's id; `live`: to be
    seen on the platform; `greeting`: judged as thanks or a greeting; `waiting`: its case waits for an answer."""

    id: int
    external_id: str
    kind: ItemKind
    parent_id: str | None
    post_id: str | None
    author: int | None
    author_is_school: bool
    created_at: datetime
    live: bool = True
    greeting: bool = False
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """Ids of the items that the reply answers, and of those about which a person is asked."""

    answered: frozenset[int] = frozenset()
    ask: frozenset[int] = frozenset()


def answers(reply: ThreadItem, thread: Sequence[ThreadItem]) -> Answers:
    """What the reply answers among the items of its thread (the reply itself may be among them)."""
    if not reply.author_is_school or not reply.live:
        return Answers()
    known = {item.external_id: item for item in thread}
    parent = _above(reply, known)
    if parent is not None and parent.kind is not ItemKind.POST:
        return _to_an_item(reply, parent, thread, known)
    post = reply.parent_id or reply.post_id
    if post is None:
        return Answers()
    return _under_a_post(reply, post, thread)


def answering(item_id: int, thread: Sequence[ThreadItem]) -> list[int]:
    """Ids of the school's replies in the thread that answer the item.

    Only replies to the item, to its author, or to the whole post are looked at: a thread may be thousands long.
    """
    item = next(one for one in thread if one.id == item_id)
    by_id = {one.external_id: one for one in thread}

    def may(reply: ThreadItem) -> bool:
        if not reply.author_is_school or not reply.live:
            return False
        parent = _above(reply, by_id)
        if parent is None or parent.kind is ItemKind.POST:
            return item.greeting
        return parent.id == item.id or (item.author is not None and parent.author == item.author)

    return [reply.id for reply in thread if may(reply) and item.id in answers(reply, thread).answered]


def _above(item: ThreadItem, known: Mapping[str, ThreadItem]) -> ThreadItem | None:
    """What the item stands under: the item it answers, or else the post, which may be a visitor's own question."""
    above = item.parent_id or item.post_id
    return known.get(above) if above and above != item.external_id else None


def _to_an_item(
    reply: ThreadItem, parent: ThreadItem, thread: Sequence[ThreadItem], known: Mapping[str, ThreadItem]
) -> Answers:
    if parent.author_is_school:
        return Answers()
    root = _root(parent, known)
    earlier = {
        item.id
        for item in thread
        if item.kind is not ItemKind.POST
        and item.author is not None
        and item.author == parent.author
        and not item.author_is_school
        and item.created_at < reply.created_at
        and _root(item, known) == root
    }
    return Answers(answered=frozenset(earlier | {parent.id}))


def _under_a_post(reply: ThreadItem, post: str, thread: Sequence[ThreadItem]) -> Answers:
    earlier = [
        item
        for item in thread
        if item.id != reply.id
        and not item.author_is_school
        and item.created_at < reply.created_at
        and post in (item.post_id, item.parent_id)
    ]
    greetings = frozenset(item.id for item in earlier if item.greeting)
    ask = frozenset(item.id for item in earlier if item.waiting and not item.greeting)
    return Answers(answered=greetings, ask=ask)


def _ancestry(item: ThreadItem, known: Mapping[str, ThreadItem]) -> Iterator[ThreadItem]:
    """The item and what stands above it, up to the school's post. A circle in hostile data ends the walk."""
    seen: set[str] = set()
    at: ThreadItem | None = item
    while at is not None and at.external_id not in seen and at.kind is not ItemKind.POST:
        yield at
        seen.add(at.external_id)
        at = _above(at, known)


def _root(item: ThreadItem, known: Mapping[str, ThreadItem]) -> str:
    return list(_ancestry(item, known))[-1].external_id
