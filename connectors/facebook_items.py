"""Graph objects -> Items.

- A comment's parent{id} is given because filter=stream flattens replies into the list [doc]; a comment without one
  answers the post itself.
- `from` is left out for people who have not let the app see them [doc]: such an item has no author.
- No edited time exists for comments [doc], and a post's updated_time moves with each comment [doc]: the hash of the
  words tells edits, and updated_at stays empty.
- The school is whoever has the page's own id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.item import Item, ItemKind, ItemState

PLATFORM = "facebook"

Row = Mapping[str, Any]


class BadObject(ValueError):
    """An object that cannot become an item; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a Graph object does not tell about itself: the configured source, and which page is the school's."""

    account: str
    page_id: str


def comment(row: Row, context: Context, post_id: str | None) -> Item:
    """A comment, or a reply to one."""
    parent = _id_of(row.get("parent"))
    return _item(row, context, ItemKind.REPLY if parent else ItemKind.COMMENT, parent=parent, post_id=post_id)


def post(row: Row, context: Context) -> Item:
    """Anything on a page's wall: the school's own post, a visitor's, or one elsewhere that tags the page."""
    author = _id_of(row.get("from"))
    if author == context.page_id:
        kind = ItemKind.POST
    elif str(row.get("id")).startswith(f"{context.page_id}_"):
        kind = ItemKind.VISITOR_POST
    else:
        kind = ItemKind.MENTION
    return _item(row, context, kind)


def visitor_post(row: Row, context: Context) -> Item:
    return _item(row, context, ItemKind.VISITOR_POST)


def mention(row: Row, context: Context) -> Item:
    return _item(row, context, ItemKind.MENTION)


def message(row: Row, context: Context, conversation_id: str | None) -> Item:
    """A direct message; the page's own are in the conversation too."""
    return _item(row, context, ItemKind.DIRECT, thread_id=conversation_id)


def deleted(external_id: str, context: Context, kind: ItemKind) -> Item:
    """An object that is gone. It has no words any more; those that were seen are the store's."""
    return Item(
        platform=PLATFORM,
        account=context.account,
        external_id=external_id,
        kind=kind,
        state=ItemState.DELETED,
        raw={"id": external_id},
    )


def created(row: Row) -> datetime | None:
    return time_of(row.get("created_time"))


def time_of(value: Any) -> datetime | None:
    """Graph's ISO 8601 with +0000 [doc]; None for anything else."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _item(
    row: Row,
    context: Context,
    kind: ItemKind,
    *,
    parent: str | None = None,
    post_id: str | None = None,
    thread_id: str | None = None,
) -> Item:
    external_id = row.get("id")
    if not isinstance(external_id, str) or not external_id:
        raise BadObject("it has no id")
    text = row.get("message") or row.get("story") or ""
    if not isinstance(text, str):
        raise BadObject("its message is no text")
    author = row.get("from")
    author_id = _id_of(author)
    return Item(
        platform=PLATFORM,
        account=context.account,
        external_id=external_id,
        kind=kind,
        text=text.strip(),
        parent_id=parent,
        post_id=post_id,
        thread_id=thread_id or post_id,
        author_id=author_id,
        author_name=_text(author.get("name")) if isinstance(author, Mapping) else None,
        author_is_school=author_id == context.page_id,
        created_at=created(row),
        permalink=_link(row.get("permalink_url")),
        attachments=_attachments(row),
        state=ItemState.HIDDEN if row.get("is_hidden") is True else ItemState.VISIBLE,
        raw=row,
    )


def _id_of(value: Any) -> str | None:
    return _text(value.get("id")) if isinstance(value, Mapping) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _link(value: Any) -> str | None:
    """A web address that a person may click, or nothing."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None


def _attachments(row: Row) -> tuple[str, ...]:
    """Links to what was attached: of a comment `attachment`, of a post `attachments`. Never the bytes."""
    many = row.get("attachments")
    parts = many.get("data") if isinstance(many, Mapping) else [row.get("attachment")]
    found = (_link(part.get("url")) for part in (parts or []) if isinstance(part, Mapping))
    return tuple(dict.fromkeys(link for link in found if link))
