"""Posts and messages of X -> Items.

- An edit makes a post with a new id; edit_history_tweet_ids lists all of them, the first being the key [doc].
- A name costs a user read ($0.010), so authors come as numbers only [doc: Pricing].
- A post in answer to another says so in referenced_tweets; the whole conversation has one id [doc].
- A post that begins with the school's handle is addressed to it, and is what a visitor's post is elsewhere: it wants an
  answer. One that only names the school is a mention.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.item import Item, ItemKind, ItemState

PLATFORM = "x"
POST_FIELDS = ",".join(
    (
        "author_id",
        "conversation_id",
        "created_at",
        "edit_history_tweet_ids",
        "entities",
        "note_tweet",
        "referenced_tweets",
    )
)
MESSAGE_FIELDS = "created_at,dm_conversation_id,event_type,sender_id,text"

_SNOWFLAKES_SINCE = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
"""An id's upper bits are milliseconds since this moment [doc: X IDs]."""
_SNOWFLAKE_FROM = 10**15

Row = Mapping[str, Any]


class BadPost(ValueError):
    """A post that cannot become an item; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a post does not tell about itself: the configured source, and which account is the school's."""

    account: str
    user_id: str


def post(row: Row, context: Context, kind: ItemKind | None = None) -> Item:
    """A post; `kind` where the list that it came in says it better than the post."""
    key = first_id(row)
    if key is None:
        raise BadPost("it has no id")
    author = _text(row.get("author_id"))
    parent = _parent(row)
    created, edited = times(row)
    return Item(
        platform=PLATFORM,
        account=context.account,
        external_id=key,
        kind=kind or _kind(row, context, author, parent),
        text=_words(row).strip(),
        parent_id=parent,
        post_id=_text(row.get("conversation_id")) if parent else None,
        thread_id=_text(row.get("conversation_id")),
        author_id=author,
        author_is_school=author == context.user_id,
        created_at=created,
        updated_at=edited,
        permalink=f"https://x.com/i/web/status/{row.get('id')}",
        attachments=_links(row),
        raw=row,
    )


def message(row: Row, context: Context) -> Item:
    """A direct message; the school's own are in the list too."""
    if not _text(row.get("id")):
        raise BadPost("it has no id")
    sender = _text(row.get("sender_id"))
    return Item(
        platform=PLATFORM,
        account=context.account,
        external_id=str(row["id"]),
        kind=ItemKind.DIRECT,
        text=_words(row).strip(),
        thread_id=_text(row.get("dm_conversation_id")),
        author_id=sender,
        author_is_school=sender == context.user_id,
        created_at=time_of(row.get("created_at")),
        raw=row,
    )


def gone(external_id: str, context: Context, state: ItemState) -> Item:
    """A post that is deleted, or that may no longer be seen. Its words as last seen are the store's."""
    return Item(
        platform=PLATFORM,
        account=context.account,
        external_id=external_id,
        kind=ItemKind.MENTION,
        state=state,
        raw={"id": external_id},
    )


def first_id(row: Row) -> str | None:
    """The key: the id of the first version."""
    history = row.get("edit_history_tweet_ids")
    first = history[0] if isinstance(history, list) and history else None
    return _text(row.get("id")) and (_text(first) or _text(row.get("id")))


def last_id(row: Row) -> str | None:
    """The id of the newest version."""
    history = row.get("edit_history_tweet_ids")
    return _text(history[-1]) if isinstance(history, list) and history else _text(row.get("id"))


def times(row: Row) -> tuple[datetime | None, datetime | None]:
    """When it was first posted, and when edited. An edited version has its own created_at; the first one's is in the
    first id."""
    told = time_of(row.get("created_at"))
    first = first_id(row)
    if first is None or first == row.get("id"):
        return told, None
    number = int(first) if first.isascii() and first.isdigit() else 0
    if number < _SNOWFLAKE_FROM:
        return told, told
    return _SNOWFLAKES_SINCE + timedelta(milliseconds=number >> 22), told


def time_of(value: Any) -> datetime | None:
    """X's ISO 8601 with Z; None for anything else."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def _kind(row: Row, context: Context, author: str | None, parent: str | None) -> ItemKind:
    if parent is not None:
        return ItemKind.REPLY
    if author == context.user_id:
        return ItemKind.POST
    entities = row.get("entities")
    mentions = entities.get("mentions") if isinstance(entities, Mapping) else None
    addressed = any(
        isinstance(one, Mapping) and one.get("start") == 0 and one.get("id") == context.user_id
        for one in mentions or []
    )
    return ItemKind.VISITOR_POST if addressed else ItemKind.MENTION


def _parent(row: Row) -> str | None:
    referenced = row.get("referenced_tweets")
    for one in referenced if isinstance(referenced, list) else []:
        if isinstance(one, Mapping) and one.get("type") == "replied_to":
            return _text(one.get("id"))
    return None


def _words(row: Row) -> str:
    """A long post has its whole text in note_tweet [doc]; `text` is then cut."""
    note = row.get("note_tweet")
    text = (note.get("text") if isinstance(note, Mapping) else None) or row.get("text") or ""
    if not isinstance(text, str):
        raise BadPost("its text is no text")
    return text


def _links(row: Row) -> tuple[str, ...]:
    entities = row.get("entities")
    urls = entities.get("urls") if isinstance(entities, Mapping) else None
    found = [one.get("expanded_url") for one in urls or [] if isinstance(one, Mapping)]
    return tuple(
        dict.fromkeys(
            url for url in found if isinstance(url, str) and url.startswith(("https://", "http://"))
        )
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
