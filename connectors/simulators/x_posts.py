"""What stands on a simulated X: posts with their versions, direct messages, and what a search finds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime
from threading import RLock
from typing import Any

PROBLEMS = "https://api.twitter.com/2/problems/"


@dataclass(frozen=True, slots=True)
class Post:
    """Something said. `author`: an id, None where X does not tell. `reply_to`: the post that it answers.

    `mentions`: the ids of accounts that it names; by default the school's, unless the school wrote it. A text that
    begins with @ is addressed to them. `to`: makes it a direct message, in the conversation of this name.
    """

    id: str
    text: str
    at: datetime
    _: KW_ONLY
    author: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] | None = None
    links: tuple[str, ...] = ()
    to: str | None = None
    hidden: bool = False
    protected: bool = False
    history: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[str, ...]:
        return self.history or (self.id,)


class XError(Exception):
    """A problem that X answers with."""

    def __init__(self, status: int, word: str, title: str, **more: Any) -> None:
        super().__init__(title)
        self.status = status
        self.body = problem(word, title, status=status, **more)


def problem(word: str, title: str, **more: Any) -> dict[str, Any]:
    """X's problem object."""
    return {"title": title, "detail": title, "type": PROBLEMS + word if word else "about:blank", **more}


class Timeline:
    """The state: every version of every post by its id, in the order of publishing."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.state = RLock()
        self._posts: dict[str, tuple[int, Post]] = {}
        self._serial = 0

    def publish(self, *posts: Post) -> None:
        """Add posts or direct messages, or replace those with the same id."""
        with self.state:
            for post in posts:
                self._serial += 1
                self._posts[post.id] = (self._serial, post)

    def reply(self, to: str, post_id: str, text: str, at: datetime, author: str | None = None) -> None:
        """Answer a post; by the school if no author is given."""
        self.publish(Post(post_id, text, at, author=author or self.user_id, reply_to=to))

    def edit(self, post_id: str, text: str, new_id: str | None = None, at: datetime | None = None) -> str:
        """Edit a post: a new version with an id of its own, which is returned; lists show only the newest."""
        with self.state:
            old = self._newest(post_id)
            new = new_id or f"{old.versions[0]}-v{len(old.versions) + 1}"
            history = (*old.versions, new)
            for version in old.versions:
                serial, post = self._posts[version]
                self._posts[version] = (serial, replace(post, history=history))
            self.publish(replace(old, id=new, text=text, at=at or old.at, history=history))
            return new

    def delete(self, post_id: str) -> None:
        """Take it away in all its versions."""
        with self.state:
            for version in self._newest(post_id).versions:
                self._posts.pop(version)

    def hide(self, post_id: str, hidden: bool = True) -> None:
        self._change(post_id, hidden=hidden)

    def protect(self, post_id: str, protected: bool = True) -> None:
        """Its author lets only followers see it: it leaves all lists, and a lookup may not show it."""
        self._change(post_id, protected=protected)

    def post(self, post_id: str) -> Post | None:
        """As it stands; None if it is gone."""
        with self.state:
            return self._posts[post_id][1] if post_id in self._posts else None

    def mentions(self) -> list[Post]:
        """All posts that name the school, newest first."""
        return self._listed(lambda post: self.user_id in self._named(post))

    def own(self) -> list[Post]:
        return self._listed(lambda post: post.author == self.user_id)

    def found(self, query: str) -> list[Post]:
        """Posts with all the words and phrases of a query and none that has a minus; other operators are not known."""
        terms = [term for term in shlex.split(query) if ":" not in term]
        wanted = [term.casefold() for term in terms if not term.startswith("-")]
        refused = [term[1:].casefold() for term in terms if term.startswith("-")]

        def fits(post: Post) -> bool:
            text = post.text.casefold()
            return all(term in text for term in wanted) and not any(term in text for term in refused)

        return self._listed(fits)

    def messages(self) -> list[Post]:
        return self._sorted(post for _, post in self._posts.values() if post.to is not None)

    def told(self, post: Post, fields: str) -> dict[str, Any]:
        """A post as X gives it: three fields, and those asked for."""
        named = [{"id": one, "start": 0 if post.text.startswith("@") else 5} for one in self._named(post)]
        urls = [{"expanded_url": link} for link in post.links]
        known: dict[str, Any] = {
            "author_id": post.author,
            "conversation_id": self._root(post),
            "created_at": x_time(post.at),
            "entities": {"mentions": named, "urls": urls},
            "referenced_tweets": [{"type": "replied_to", "id": post.reply_to}] if post.reply_to else None,
        }
        asked = {name: known.get(name) for name in fields.split(",")}
        base = {"id": post.id, "text": post.text, "edit_history_tweet_ids": list(post.versions)}
        told = {**base, **{name: value for name, value in asked.items() if value is not None}}
        return told if post.id else {name: value for name, value in told.items() if name != "id"}

    def message_told(self, post: Post) -> dict[str, Any]:
        """A direct message as X gives it."""
        known = {
            "id": post.id,
            "event_type": "MessageCreate",
            "text": post.text,
            "sender_id": post.author,
            "dm_conversation_id": post.to,
            "created_at": x_time(post.at),
        }
        return {name: value for name, value in known.items() if value}

    def serial(self, post: Post) -> int:
        return self._posts[post.id][0]

    def _newest(self, post_id: str) -> Post:
        post = self._posts[post_id][1]
        return self._posts[post.versions[-1]][1]

    def _change(self, post_id: str, **changes: Any) -> None:
        with self.state:
            for version in self._newest(post_id).versions:
                serial, post = self._posts[version]
                self._posts[version] = (serial, replace(post, **changes))

    def _named(self, post: Post) -> tuple[str, ...]:
        return (self.user_id,) if post.mentions is None else post.mentions

    def _root(self, post: Post) -> str:
        while post.reply_to and post.reply_to in self._posts:
            post = self._posts[post.reply_to][1]
        return post.reply_to or post.id

    def _listed(self, fits: Any) -> list[Post]:
        newest = (post for _, post in self._posts.values() if post.id == post.versions[-1])
        return self._sorted(post for post in newest if post.to is None and not post.protected and fits(post))

    def _sorted(self, posts: Iterable[Post]) -> list[Post]:
        return sorted(posts, key=lambda post: (post.at, self.serial(post)), reverse=True)


def x_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def lookup(timeline: Timeline, ids: Iterable[str], fields: str) -> Mapping[str, Any]:
    """Several posts by id: what there is, and a partial error for each that there is not."""
    data, errors = [], []
    for one in ids:
        post = timeline.post(one)
        about = {"resource_id": one, "value": one, "resource_type": "tweet", "parameter": "ids"}
        if post is None:
            errors.append(problem("resource-not-found", "Not Found Error", **about))
        elif post.protected:
            errors.append(problem("not-authorized-for-resource", "Authorization Error", **about))
        else:
            data.append(timeline.told(post, fields))
    return {**({"data": data} if data else {}), **({"errors": errors} if errors else {})}
