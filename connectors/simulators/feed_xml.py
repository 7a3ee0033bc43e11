"""Posts written as RSS 2.0 and Atom, with the paging and threading elements that blogs use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

FORMATS = {"rss": "application/rss+xml; charset=utf-8", "atom": "application/atom+xml; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Post:
    """One entry of the site. `text` is HTML. Times aware; `published` in the zone it is to be written in."""

    id: str
    text: str
    title: str = "A post"
    author: str | None = None
    author_uri: str | None = None
    link: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    in_reply_to: str | None = None
    enclosures: tuple[str, ...] = ()

    @property
    def newest(self) -> datetime:
        """The later of its times, for the order of the feed."""
        return max(filter(None, [self.published, self.updated]), default=datetime.min.replace(tzinfo=UTC))


def render(form: str, posts: Sequence[Post], url: str, following: str | None) -> bytes:
    """One page as bytes. Lone surrogates are written as the bytes they would be, which no feed should hold."""
    document = _FORMS[form]([_entry(form, post) for post in posts], url, following)
    return document.encode("utf-8", "surrogatepass")


def _atom(entries: Sequence[str], url: str, following: str | None) -> str:
    link = f'<link rel="next" href={quoteattr(following)}/>' if following else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:thr="http://purl.org/syndication/thread/1.0">\n<title>A site</title>'
        f"<id>{escape(url)}</id>{link}\n" + "\n".join(entries) + "\n</feed>\n"
    )


def _rss(entries: Sequence[str], url: str, following: str | None) -> str:
    link = f'<atom:link rel="next" href={quoteattr(following)}/>' if following else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:thr="http://purl.org/syndication/thread/1.0">\n<channel>'
        f"<title>A site</title><link>{escape(url)}</link>{link}\n"
        + "\n".join(entries)
        + "\n</channel></rss>\n"
    )


_FORMS: dict[str, Callable[[Sequence[str], str, str | None], str]] = {"atom": _atom, "rss": _rss}


def _entry(form: str, post: Post) -> str:
    return _atom_entry(post) if form == "atom" else _rss_entry(post)


def _atom_entry(post: Post) -> str:
    author = _element("name", post.author) + _element("uri", post.author_uri)
    return "".join(
        [
            f"<entry>{_element('id', post.id)}{_element('title', post.title)}",
            f"<author>{author}</author>" if author else "",
            f"<link href={quoteattr(post.link)}/>" if post.link else "",
            *(f'<link rel="enclosure" href={quoteattr(link)}/>' for link in post.enclosures),
            _element("published", _iso(post.published)),
            _element("updated", _iso(post.updated)),
            _answers(post),
            f'<content type="html">{escape(post.text)}</content></entry>',
        ]
    )


def _rss_entry(post: Post) -> str:
    return "".join(
        [
            f'<item><guid isPermaLink="false">{escape(post.id)}</guid>{_element("title", post.title)}',
            _element("dc:creator", post.author),
            _element("link", post.link),
            *(f'<enclosure url={quoteattr(link)} length="0" type="image/jpeg"/>' for link in post.enclosures),
            _element("pubDate", format_datetime(post.published) if post.published else None),
            _element("atom:updated", _iso(post.updated)),
            _answers(post),
            f"<description>{escape(post.text)}</description></item>",
        ]
    )


def _answers(post: Post) -> str:
    return f"<thr:in-reply-to ref={quoteattr(post.in_reply_to)}/>" if post.in_reply_to else ""


def _element(name: str, words: str | None) -> str:
    return f"<{name}>{escape(words)}</{name}>" if words else ""


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
