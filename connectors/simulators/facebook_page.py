"""What stands on a simulated Facebook page: entries, the lists they make, and their fields.

Lists come newest first, with cursors that name a place, so that nothing shifts when something is published; lists
inside objects have pages of their own; `next` carries the token; a deleted object and one that may not be seen are the
same error 100/33; unknown fields are errors [doc].
"""

from __future__ import annotations

import base64
import binascii
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from connectors.simulators.graph_fields import Wanted

Place = tuple[int, int, "Entry"]
"""Where an entry stands in a list: its second, its serial number, itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something said. `author`: an id, None where the platform does not tell; the page's own id is the school.

    Without `on` it is a post: the page's own, a visitor's (its id then begins with the page's id), or, if `tagged`, one
    elsewhere that tags the page. `on` the id of a post it is a comment there, with `parent` a reply; `on` a
    conversation ("t_...") a direct message. `link`: of an attachment.
    """

    id: str
    text: str
    at: datetime
    _: KW_ONLY
    author: str | None = None
    name: str | None = None
    on: str | None = None
    parent: str | None = None
    tagged: bool = False
    hidden: bool = False
    link: str | None = None

    @property
    def is_message(self) -> bool:
        return (self.on or "").startswith("t_")


class GraphError(Exception):
    """An error that Graph answers with."""

    def __init__(self, code: int, message: str, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(code, message, subcode)


def error_body(
    code: int, message: str = "An error", subcode: int | None = None, **more: Any
) -> dict[str, Any]:
    """Graph's error object."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    return {"error": {**error, "error_subcode": subcode} if subcode else error}


class FacebookPage(ABC):
    """The state and the lists. `page_size`: the most objects a list gives at once. `permissions`: of the token."""

    lock: threading.RLock

    @property
    @abstractmethod
    def url(self) -> str: ...

    def __init__(self, page_id: str, page_size: int, token: str, permissions: Iterable[str]) -> None:
        self.page_id = page_id
        self.page_size = page_size
        self.token = token
        self.permissions = set(permissions)
        self._entries: dict[str, tuple[int, Entry]] = {}
        self._serial = 0
        self._cursors_from = 0

    def publish(self, *entries: Entry) -> None:
        """Add entries, or replace those with the same id."""
        with self.lock:
            for entry in entries:
                self._serial += 1
                place = self._entries.get(entry.id, (self._serial,))[0]
                self._entries[entry.id] = (place, entry)

    def reply(self, to: str, entry_id: str, text: str, at: datetime, author: str | None = None) -> None:
        """Answer a post or comment; by the school if no author is given."""
        with self.lock:
            target = self._entry(to)
            parent = None if target.on is None else target.parent or target.id
            who = author or self.page_id
            on = target.on or target.id
            self.publish(Entry(entry_id, text, at, author=who, on=on, parent=parent))

    def edit(self, entry_id: str, text: str) -> None:
        self._change(entry_id, text=text)

    def hide(self, entry_id: str, hidden: bool = True) -> None:
        self._change(entry_id, hidden=hidden)

    def delete(self, entry_id: str) -> None:
        """Take it away, with everything under it."""
        with self.lock:
            self._entries.pop(entry_id)
            for other in [one.id for _, one in self._entries.values() if entry_id in {one.on, one.parent}]:
                self._entries.pop(other, None)

    def entry(self, entry_id: str) -> Entry | None:
        """As it stands; None if it is gone."""
        with self.lock:
            return self._entries[entry_id][1] if entry_id in self._entries else None

    def expire_cursors(self) -> None:
        """Refuse every cursor given out so far."""
        with self.lock:
            self._cursors_from += 1

    @property
    def newest(self) -> datetime:
        """The time of the newest entry."""
        return max(entry.at for _, entry in self._entries.values())

    def _want(self, permission: str) -> None:
        if permission not in self.permissions:
            raise GraphError(10, f"(#10) This endpoint requires the '{permission}' permission", status=403)

    def _entry(self, entry_id: str) -> Entry:
        if entry_id not in self._entries:
            raise GraphError(
                100,
                f"Unsupported get request. Object with ID '{entry_id}' does not exist, cannot be loaded due to "
                "missing permissions, or does not support this operation.",
                33,
            )
        return self._entries[entry_id][1]

    def _change(self, entry_id: str, **changes: Any) -> None:
        with self.lock:
            place, entry = self._entries[entry_id]
            self._entries[entry_id] = (place, replace(entry, **changes))

    def _newest_first(self, path: str) -> Iterable[Place]:
        """What a list holds, each with its place: seconds and serial number."""
        owner, _, edge = path.removeprefix("/").rpartition("/")
        owner = owner.rpartition("/")[2]
        rows = [(int(one.at.timestamp()), serial, one) for serial, one in self._entries.values()]
        if edge == "conversations":
            newest: dict[str, Place] = {}
            for row in sorted(row for row in rows if row[2].is_message):
                newest[str(row[2].on)] = row
            return sorted(newest.values(), key=lambda row: row[:2], reverse=True)
        return sorted((row for row in rows if self._on_list(row[2], owner, edge)), key=lambda row: row[:2])[
            ::-1
        ]

    def _on_list(self, entry: Entry, owner: str, edge: str) -> bool:
        if edge in {"comments", "messages"}:
            return entry.on == owner
        if entry.on is not None:
            return False
        own = entry.author == self.page_id
        lists = {
            "tagged": entry.tagged,
            "visitor_posts": not own and not entry.tagged,
            "posts": own,
            "feed": True,
        }
        return lists.get(edge, False)

    def _list(self, path: str, wanted: Mapping[str, Wanted], given: Mapping[str, str]) -> dict[str, Any]:
        owner, _, edge = path.rpartition("/")
        if edge in {"conversations", "messages"}:
            self._want("pages_messaging")
        elif edge in {"feed", "visitor_posts", "tagged", "comments"}:
            self._want("pages_read_user_content")
        if owner != self.page_id and not owner.startswith("t_"):
            self._entry(owner)
        rows = list(self._newest_first(path))
        if "until" in given:
            rows = [row for row in rows if row[0] <= int(given["until"])]
        start = self._before(given.get("after"), rows)
        here = rows[start : start + self._limit(given.get("limit"))]
        told = [self._object(row[2], wanted, conversation=edge == "conversations") for row in here]
        if not here:
            return {"data": []}
        paging: dict[str, Any] = {
            "cursors": {"before": self._cursor(here[0]), "after": self._cursor(here[-1])}
        }
        if start + len(here) < len(rows):
            query = {**given, "access_token": self.token, "after": paging["cursors"]["after"]}
            paging["next"] = f"{self.url}/v26.0/{path}?{urlencode(query)}"
        return {"data": told, "paging": paging}

    def _object(
        self, entry: Entry, wanted: Mapping[str, Wanted], *, conversation: bool = False
    ) -> dict[str, Any]:
        known = self._conversation(entry) if conversation else self._known(entry)
        told: dict[str, Any] = {}
        for name, one in wanted.items():
            if name in {"comments", "messages"}:
                under = known["id"]
                given = {**one.modifiers, "fields": "id"}
                inner = self._list(f"{under}/{name}", one.fields or {"id": Wanted()}, given)
                told |= (
                    {name: inner} if inner["data"] else {}
                )  # an empty list is left out, as on the platform
            elif name not in known:
                raise GraphError(100, f"(#100) Tried accessing nonexisting field ({name})")
            elif known[name] is not None:
                told[name] = known[name]
        return told

    def _conversation(self, newest: Entry) -> dict[str, Any]:
        return {"id": newest.on, "updated_time": _graph_time(newest.at)}

    def _known(self, entry: Entry) -> dict[str, Any]:
        """All fields that an object of this type has; None for those left out."""
        author = (
            {"name": entry.name or f"Person {entry.author}", "id": entry.author} if entry.author else None
        )
        known: dict[str, Any] = {
            "id": entry.id or None,
            "message": entry.text,
            "from": author,
            "created_time": _graph_time(entry.at),
        }
        if entry.is_message:
            return known
        known |= {"is_hidden": entry.hidden, "permalink_url": f"https://www.facebook.com/{entry.id}"}
        attached = {"type": "photo", "url": entry.link} if entry.link else None
        if entry.on is not None:
            parent = {"id": entry.parent} if entry.parent else None
            return {**known, "parent": parent, "attachment": attached}
        many = {"data": [attached]} if attached else None
        return {**known, "story": None, "updated_time": _graph_time(entry.at), "attachments": many}

    def _limit(self, asked: str | None) -> int:
        return max(min(int(asked or 25), self.page_size), 1)

    def _cursor(self, row: Place) -> str:
        return base64.urlsafe_b64encode(f"{self._cursors_from}:{row[0]}:{row[1]}".encode()).decode()

    def _before(self, cursor: str | None, rows: list[Place]) -> int:
        """How many rows stand before the place a cursor names."""
        if cursor is None:
            return 0
        try:
            told = base64.urlsafe_b64decode(cursor.encode()).decode()
            issue, second, serial = (int(part) for part in told.split(":"))
        except (ValueError, binascii.Error):
            issue = second = serial = -1
        if issue != self._cursors_from:
            raise GraphError(100, "(#100) Invalid cursors values supplied via paging")
        return sum(row[:2] >= (second, serial) for row in rows)


def _graph_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
