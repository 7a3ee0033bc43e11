"""What a connector hands over: one item, as the platform gave it. Plain types; imports the standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class ItemKind(StrEnum):
    """What an item is on its platform."""

    COMMENT = "comment"
    REPLY = "reply"
    MENTION = "mention"
    VISITOR_POST = "visitor_post"
    REVIEW = "review"
    DIRECT = "direct"
    POST = "post"
    REPORT = "report"


class ItemState(StrEnum):
    """How the item stands on its platform at the moment of reading."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    HELD = "held"
    DELETED = "deleted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One comment, reply, post, mention, review, message or report.

    The key is (school, platform, external_id): one post found by a mention and by a search is one item.

    - `account`: the configured source (an account or a watch) under which it was read.
    - `parent_id`: external id of what it answers; `post_id`: of the post it stands under; `thread_id`: the
      platform's own conversation id. None where the platform has none.
    - `author_is_school`: True only where the platform's own ids prove it.
    - `created_at`, `updated_at`: aware datetimes; None where the platform gave none (the store marks it).
    - `permalink`: where a person finds the item; `url`: what the item itself points to.
    - `attachments`: links only. Bytes of pictures and videos are never fetched, stored or sent.
    - `rating`: of a review, in the platform's own stars.
    - `raw`: the payload as given, JSON-like, never with a credential in it.

    Raises ValueError on an empty platform, account or external_id and on a naive datetime.
    """

    platform: str
    account: str
    external_id: str
    kind: ItemKind
    text: str = ""
    title: str | None = None
    parent_id: str | None = None
    post_id: str | None = None
    thread_id: str | None = None
    author_id: str | None = None
    author_name: str | None = None
    author_is_school: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    permalink: str | None = None
    url: str | None = None
    attachments: tuple[str, ...] = ()
    rating: float | None = None
    state: ItemState = ItemState.VISIBLE
    raw: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for name in ("platform", "account", "external_id"):
            if not getattr(self, name):
                raise ValueError(f"an item needs a {name}")
        for name in ("created_at", "updated_at"):
            value = getattr(self, name)
            if value is not None and value.tzinfo is None:
                raise ValueError(f"{name} has no time zone: {value.isoformat()}")

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over what a reader sees; a change of it is an edit.

        Most platforms have no edited time on comments, so the words themselves tell (connectors' notes).
        """
        seen = [self.title, self.text, self.url, list(self.attachments), self.rating]
        return hashlib.sha256(json.dumps(seen, ensure_ascii=True).encode()).hexdigest()
