"""The platforms of the story, each a simulator on loopback, and what a scene does to them."""

from __future__ import annotations

import html
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol
from zlib import crc32

from connectors.simulators import x_posts as tweets
from connectors.simulators.facebook import FacebookSimulator
from connectors.simulators.facebook_page import Entry
from connectors.simulators.faults import Fault, Trouble
from connectors.simulators.feed import FeedSimulator
from connectors.simulators.feed_xml import Post
from connectors.simulators.x import XSimulator
from monitor.demo.story import Scene

_PAGE = "Willowbrook Primary"
"""How the school's own name stands on the platforms."""


class Platform(Protocol):
    """One place where people write."""

    def happen(self, scene: Scene) -> None:
        """Do to it what the scene says."""


class Facebook:
    """The school's page. Ids of the story become ids of the platform's shape."""

    def __init__(self, site: FacebookSimulator) -> None:
        self.site = site
        self._scenes: dict[str, Scene] = {}

    def happen(self, scene: Scene) -> None:
        """Do to the page what the scene says."""
        _DOES_FACEBOOK[scene.do](self, scene)

    def _publish(self, scene: Scene) -> None:
        self._scenes[scene.id] = scene
        above = self._scenes.get(scene.to or "")
        post, parent = self._place(above)
        self.site.publish(
            Entry(
                scene.id,
                scene.text,
                scene.at,
                author=self.site.page_id if scene.by_school else f"person-{scene.by}",
                name=_PAGE if scene.by_school else scene.by,
                on=post,
                parent=parent,
            )
        )

    def _place(self, above: Scene | None) -> tuple[str | None, str | None]:
        """Under which post something stands, and which comment it answers."""
        if above is None:
            return None, None
        if above.to is None:
            return above.id, None
        top = above
        while (higher := self._scenes[top.to or ""]).to is not None:
            top = higher
        return top.to, top.id

    def _edit(self, scene: Scene) -> None:
        self.site.edit(scene.to or "", scene.text)

    def _delete(self, scene: Scene) -> None:
        self.site.delete(scene.to or "")

    def _hide(self, scene: Scene) -> None:
        self.site.hide(scene.to or "")

    def _trouble(self, _scene: Scene) -> None:
        self.site.outage()

    def _mends(self, _scene: Scene) -> None:
        self.site.mend()

    def _token_expires(self, _scene: Scene) -> None:
        self.site.expire_token()

    def _token_renewed(self, _scene: Scene) -> None:
        self.site.renew_token()


_DOES_FACEBOOK: dict[str, Callable[[Facebook, Scene], None]] = {
    **dict.fromkeys(("post", "comment", "reply", "visitor_post"), Facebook._publish),
    "edit": Facebook._edit,
    "delete": Facebook._delete,
    "hide": Facebook._hide,
    "trouble": Facebook._trouble,
    "mends": Facebook._mends,
    "token_expires": Facebook._token_expires,
    "token_renewed": Facebook._token_renewed,
}


class X:
    """The school's account on X. Ids of the story become numbers, as X has them."""

    def __init__(self, site: XSimulator) -> None:
        self.site = site
        self._numbers: dict[str, str] = {}

    def happen(self, scene: Scene) -> None:
        """Do to the account what the scene says."""
        if scene.do == "trouble":
            self.site.outage()
        elif scene.do == "mends":
            self.site.mend()
        elif scene.do == "edit":
            self.site.edit(self._number(scene.to), scene.text, at=scene.at)
        elif scene.do == "delete":
            self.site.delete(self._number(scene.to))
        elif scene.do == "hide":
            self.site.hide(self._number(scene.to))
        else:
            self._publish(scene)

    def _publish(self, scene: Scene) -> None:
        author = self.site.user_id if scene.by_school else str(9000 + crc32(scene.by.encode()) % 1000)
        above = self._number(scene.to) if scene.to else None
        self.site.publish(
            tweets.Post(self._number(scene.id), scene.text, scene.at, author=author, reply_to=above)
        )

    def _number(self, story_id: str | None) -> str:
        return self._numbers.setdefault(story_id or "", str(1_800_000 + len(self._numbers)))


class Feed:
    """A feed: the blog's comments, or the news about the school."""

    def __init__(self, site: FeedSimulator) -> None:
        self.site = site

    def happen(self, scene: Scene) -> None:
        """Do to the feed what the scene says."""
        if scene.do in ("trouble", "mends"):
            self.site.trouble = Trouble(Fault.STATUS, 503) if scene.do == "trouble" else None
        elif scene.do == "edit":
            self.site.edit(scene.to or "", html.escape(scene.text), scene.at)
        elif scene.do == "delete":
            self.site.remove(scene.to or "")
        elif scene.do != "post":  # the blog's own articles are not among its comments
            self.site.publish(
                Post(
                    scene.id,
                    html.escape(scene.text),
                    title=scene.title,
                    author=_PAGE if scene.by_school else scene.by,
                    link=f"https://blog.willowbrook.example/{scene.id}",
                    published=scene.at,
                    in_reply_to=scene.to,
                )
            )


class Platforms:
    """Every platform of the story, started and stopped together."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> Platforms:
        self._facebook = Facebook(self._open.enter_context(FacebookSimulator(page_id="100200300")))
        self._x = X(self._open.enter_context(XSimulator()))
        self._blog = Feed(self._open.enter_context(FeedSimulator(form="atom")))
        self._news = Feed(self._open.enter_context(FeedSimulator(form="rss")))
        self._by_name: dict[str, Platform] = {
            "facebook": self._facebook,
            "x": self._x,
            "blog": self._blog,
            "news": self._news,
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._open.close()

    def happen(self, scene: Scene) -> None:
        """Let a scene happen on its platform."""
        self._by_name[scene.on or ""].happen(scene)

    def marks(self) -> dict[str, str]:
        """What the settings need to know of them."""
        return {
            "@FACEBOOK_URL@": self._facebook.site.url,
            "@X_URL@": self._x.site.url,
            "@X_ID@": self._x.site.user_id,
            "@BLOG_URL@": self._blog.site.url,
            "@NEWS_URL@": self._news.site.url,
        }
