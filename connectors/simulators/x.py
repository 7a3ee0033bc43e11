"""X API v2, on the loopback interface.

with XSimulator([Post("1", "@school When does term start?", at, author="7")]) as site:
    read(site.url)

python -m connectors.simulators.x --port 8082 --posts posts.jsonl

What stands there is in x_posts; here are the requests, the login, the limits and the errors. As the platform does
[doc]: lists come newest first with page tokens, the mentions list ends after 800, a 429 is a rate limit or a usage
cap by its `type`, a lookup tells what is gone beside what is there. It knows no time of its own.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.simulators.loopback import Call, Fault, LoopbackSite, Reply, Seen, Trouble, serve
from connectors.simulators.x_posts import Post, Timeline, XError, lookup, problem, x_time

USER_ID = "2244"
BEARER = "AAAA-simulated-bearer%3D-token"
USER_LOGIN = {
    "consumer_key": "simulated-consumer-key",
    "consumer_secret": "simulated-consumer-secret",
    "access_token": "2244-simulated-access-token",
    "access_token_secret": "simulated-access-token-secret",
}
MENTIONS_KEPT = 800
_SIZES = {"mentions": (5, 100), "tweets": (5, 100), "recent": (10, 100), "dm_events": (1, 100)}
"""What max_results may be for each list."""


class XSimulator(LoopbackSite, Timeline):
    """X, as one school's app sees it. All methods may be called while it is read.

    `page_size`: the most posts a list gives at once, however many are asked for. `cap`, `used`: the project's monthly
    reads, told by the usage endpoint. `direct_granted`: whether the account's login may read direct messages.
    """

    def __init__(
        self, posts: Iterable[Post] = (), *, user_id: str = USER_ID, page_size: int = 100, port: int = 0
    ) -> None:
        LoopbackSite.__init__(self, port)
        Timeline.__init__(self, user_id)
        self.page_size = page_size
        self.token = BEARER
        self.token_expired = False
        self.direct_granted = True
        self.cap = 2_000_000
        self.used = 0
        self._tokens_from = 0
        self.publish(*posts)

    def expire_token(self) -> None:
        self.token_expired = True

    def renew_token(self, token: str = BEARER) -> None:
        self.token, self.token_expired = token, False

    def expire_cursors(self) -> None:
        """Refuse every page token given out so far."""
        self._tokens_from += 1

    def limit_rate(self, reset: datetime | None = None) -> None:
        """Answer 429, with the time of the reset or without one, until `mend`."""
        headers = (("x-rate-limit-reset", str(int(reset.timestamp()))),) if reset else ()
        self.trouble = Trouble(
            Fault.STATUS, 429, headers, json.dumps(problem("", "Too Many Requests")).encode()
        )

    def cap_usage(self, period: str = "Monthly") -> None:
        """Answer 429 because the usage cap is reached, with a rate limit that is not, until `mend`."""
        told = problem("usage-capped", "UsageCapExceeded", period=period, scope="Product", account_id=1)
        headers = (("x-rate-limit-limit", "40000"), ("x-rate-limit-remaining", "39999"))
        self.trouble = Trouble(Fault.STATUS, 429, headers, json.dumps(told).encode())

    def fail(self, status: int, word: str = "", *, times: int | None = None) -> None:
        """Answer with a problem of this type; `times` requests, or until `mend`."""
        self.trouble = Trouble(
            Fault.STATUS, status, (), json.dumps(problem(word, "Simulated")).encode(), times
        )

    def page_of(self, call: Call) -> int:
        token = call.query.get("pagination_token") or call.query.get("next_token")
        return 1 if token is None else self._number(token)

    def answer(self, call: Call) -> Reply:
        try:
            with self.state:
                return Reply(self._answer(call, [part for part in call.path.split("/") if part][1:]))
        except XError as err:
            return Reply(err.body, err.status)

    def _answer(self, call: Call, path: list[str]) -> Mapping[str, Any]:
        as_user = self._login(call.headers.get("authorization", ""))
        if path == ["usage", "tweets"]:
            return {
                "data": {"project_id": "1", "project_cap": str(self.cap), "project_usage": str(self.used)}
            }
        if path == ["users", self.user_id, "mentions"]:
            return self._list(call, "mentions", self.mentions()[:MENTIONS_KEPT])
        if path == ["users", self.user_id, "tweets"]:
            return self._list(call, "tweets", self.own())
        if path == ["tweets", "search", "recent"]:
            return self._list(call, "recent", self.found(call.query.get("query", "")))
        if path == ["tweets"]:
            told = lookup(self, call.query.get("ids", "").split(","), call.query.get("tweet.fields", ""))
            self.used += len(told.get("data", ()))
            return told
        if not as_user:
            raise XError(403, "unsupported-authentication", "Unsupported Authentication")
        if path == ["dm_events"]:
            if not self.direct_granted:
                raise XError(403, "", "Forbidden")
            return self._list(call, "dm_events", self.messages())
        if path[:1] == ["tweets"] and path[2:] == ["hidden"] and call.method == "PUT":
            return self._hide(path[1], hidden=bool(call.body and call.body.get("hidden")))
        raise XError(404, "", "Not Found")

    def _login(self, header: str) -> bool:
        """True for the account's own login (OAuth 1.0a), False for the app's."""
        if header == f"Bearer {self.token}" and not self.token_expired:
            return False
        user = (f'{name}="{USER_LOGIN[key]}"' for name, key in _OAUTH.items())
        if header.startswith("OAuth ") and all(part in header for part in user):
            return True
        raise XError(401, "", "Unauthorized")

    def _hide(self, post_id: str, *, hidden: bool) -> dict[str, Any]:
        post = self.post(post_id)
        if post is None:
            raise XError(404, "resource-not-found", "Not Found Error")
        if self.told(post, "conversation_id")["conversation_id"] == post_id:
            raise XError(403, "", "Forbidden")  # no reply
        self.hide(post_id, hidden)
        return {"data": {"hidden": hidden}}

    def _list(self, call: Call, name: str, posts: Sequence[Post]) -> dict[str, Any]:
        least, most = _SIZES[name]
        size = int(call.query.get("max_results", most))
        if not least <= size <= most:
            raise _invalid("max_results", str(size))
        since = call.query.get("start_time")
        rows = [post for post in posts if since is None or x_time(post.at)[:19] >= since[:19]]
        start = self._start(call, rows)
        size = min(size, self.page_size)
        here = rows[start : start + size]
        self.used += len(here)
        fields = call.query.get("tweet.fields", "")
        told = [self.message_told(one) if name == "dm_events" else self.told(one, fields) for one in here]
        meta: dict[str, Any] = {"result_count": len(told)}
        if start + size < len(rows):
            place = f"{self._tokens_from} {start // size + 2} {here[-1].id}"
            meta["next_token"] = base64.b32encode(place.encode()).decode().rstrip("=").lower()
        return {
            **({"data": told} if told else {}),
            "meta": meta,
        }  # no data where there is none, as on the platform

    def _start(self, call: Call, rows: Sequence[Post]) -> int:
        token = call.query.get("pagination_token") or call.query.get("next_token")
        if token is None:
            return 0
        issue, _, last = self._place(token)
        ids = [row.id for row in rows]
        if issue != self._tokens_from or last not in ids:
            raise _invalid("pagination_token", token)
        return ids.index(last) + 1

    def _number(self, token: str) -> int:
        return self._place(token)[1]

    def _place(self, token: str) -> tuple[int, int, str]:
        try:
            padded = token.upper() + "=" * (-len(token) % 8)
            issue, page, last = base64.b32decode(padded).decode().split(" ", 2)
            return int(issue), int(page), last
        except (ValueError, binascii.Error):
            return -1, 2, ""


_OAUTH = {"oauth_consumer_key": "consumer_key", "oauth_token": "access_token"}


def _invalid(parameter: str, value: str) -> XError:
    errors = [{"parameters": {parameter: [value]}, "message": f"The `{parameter}` [{value}] is not valid"}]
    return XError(400, "invalid-request", "Invalid Request", errors=errors)


def read_posts(path: Path) -> list[Post]:
    """Posts from a file of JSON lines with Post's field names; times in ISO form with a zone."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    many = ("mentions", "links", "history")
    return [
        Post(
            **{
                **row,
                "at": datetime.fromisoformat(row["at"]).astimezone(UTC),
                **{name: tuple(row[name]) for name in many if row.get(name) is not None},
            }
        )
        for row in rows
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serve X API v2 on the loopback interface.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--posts", type=Path, help="JSON lines with the fields of a Post")
    parser.add_argument("--page-size", type=int, default=100)
    chosen = parser.parse_args(arguments)
    posts = read_posts(chosen.posts) if chosen.posts else []
    serve(XSimulator(posts, page_size=chosen.page_size, port=chosen.port))


__all__ = ["Fault", "Post", "Seen", "Trouble", "XSimulator", "main", "read_posts"]

if __name__ == "__main__":
    main()
