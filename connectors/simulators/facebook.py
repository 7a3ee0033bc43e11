"""A Facebook page's Graph API, on the loopback interface.

with FacebookSimulator([Entry("100_1", "Term starts on Monday.", at, author="100")]) as page:
    page.publish(Entry("1_1", "When does term start?", at, author="7", name="A parent", on="100_1"))
    read(page.url)

python -m connectors.simulators.facebook --port 8081 --entries entries.jsonl

What stands on the page and how it is listed is in facebook_page; here are the requests, the token, and the errors. It
knows no time of its own: times come with the entries, and an answer given through the API is as old as the newest one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.simulators.facebook_page import Entry, FacebookPage, GraphError, error_body
from connectors.simulators.graph_fields import parse
from connectors.simulators.loopback import Call, Fault, LoopbackSite, Reply, Seen, Trouble, serve

PAGE_ID = "100"
TOKEN = "EAAB-simulated-page-token"  # noqa: S105  opens nothing but this simulator
APP_ID, APP_SECRET = "200", "simulated-app-secret"
READING = ("pages_read_engagement", "pages_read_user_content")
ALL_PERMISSIONS = (*READING, "pages_messaging", "pages_manage_engagement", "pages_manage_metadata")


class FacebookSimulator(LoopbackSite, FacebookPage):
    """One page. All methods may be called while it is read.

    `page_size`: the most objects a list gives at once, however many are asked for. `token_ends`, `data_ends`: what
    debug_token tells, seconds since 1970, 0 for never. `blocked`: the ids of people who were blocked.
    """

    def __init__(
        self, entries: Iterable[Entry] = (), *, page_id: str = PAGE_ID, page_size: int = 100, port: int = 0
    ) -> None:
        LoopbackSite.__init__(self, port)
        FacebookPage.__init__(self, page_id, page_size, TOKEN, ALL_PERMISSIONS)
        self.token_expired = False
        self.token_ends = 0
        self.data_ends = 0
        self.usage: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.publish(*entries)

    def expire_token(self) -> None:
        self.token_expired = True

    def renew_token(self, token: str = TOKEN) -> None:
        self.token, self.token_expired = token, False

    def revoke(self, *permissions: str) -> None:
        self.permissions.difference_update(permissions)

    def grant(self, *permissions: str) -> None:
        self.permissions.update(permissions)

    def use_up(self, percent: int, regain_minutes: int = 0) -> None:
        """Tell this much usage in the headers of every answer."""
        shares = {"call_count": percent, "total_time": percent // 2, "total_cputime": 1}
        row = {**shares, "type": "pages", "estimated_time_to_regain_access": regain_minutes}
        self.usage = {
            "X-App-Usage": json.dumps(shares),
            "X-Business-Use-Case-Usage": json.dumps({self.page_id: [row]}),
        }

    def fail(
        self, code: int, subcode: int | None = None, *, status: int = 400, times: int | None = None
    ) -> None:
        """Answer with one of Graph's errors; `times` requests, or until `mend`."""
        body = json.dumps(error_body(code, f"(#{code}) simulated", subcode)).encode()
        self.trouble = Trouble(Fault.STATUS, status, tuple(self.usage.items()), body, times)

    def page_of(self, call: Call) -> int:
        try:
            before = self._before(call.query.get("after"), list(self._newest_first(call.path)))
            return before // self._limit(call.query.get("limit")) + 1
        except GraphError:
            return 2  # with a cursor it is a later page

    def answer(self, call: Call) -> Reply:
        try:
            return Reply(self._answer(call), headers=tuple(self.usage.items()))
        except GraphError as err:
            return Reply(err.body, err.status, tuple(self.usage.items()))

    def _answer(self, call: Call) -> Any:
        login = call.headers.get("authorization", "").removeprefix("Bearer ")
        path = [part for part in call.path.split("/") if part]
        path = path[1:] if path and path[0].startswith("v") and path[0][1:2].isdigit() else path
        if "batch" in call.form:
            return [self._batched(one, login) for one in json.loads(call.form["batch"])]
        if path == ["debug_token"]:
            return self._debug(call, login)
        self._check_token(login)
        given = {**call.query, **call.form}
        if call.method == "GET":
            return self._read(path, given)
        return self._write(call.method, path, given)

    def _batched(self, one: Mapping[str, str], login: str) -> dict[str, Any]:
        parts = urlsplit("/" + one["relative_url"])
        headers = {"authorization": f"Bearer {login}"}
        call = Call(one["method"], parts.path, dict(parse_qsl(parts.query)), headers)
        reply = self.answer(call)
        return {"code": reply.status, "body": json.dumps(reply.told)}

    def _check_token(self, login: str) -> None:
        if login != self.token:
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if self.token_expired:
            raise GraphError(190, f"Error validating access token {login}: Session has expired", 463)

    def _debug(self, call: Call, login: str) -> dict[str, Any]:
        if login != f"{APP_ID}|{APP_SECRET}":
            raise GraphError(190, "Invalid OAuth access token signature.")
        valid = call.query.get("input_token") == self.token and not self.token_expired
        facts = {
            "app_id": APP_ID,
            "type": "PAGE",
            "is_valid": valid,
            "expires_at": self.token_ends,
            "data_access_expires_at": self.data_ends,
            "scopes": sorted(self.permissions),
            "profile_id": self.page_id,
        }
        problem = {} if valid else {"error": {"code": 190, "message": "Session has expired", "subcode": 463}}
        return {"data": {**facts, **problem}}

    def _read(self, path: list[str], given: Mapping[str, str]) -> Any:
        self._want("pages_read_engagement")
        try:
            wanted = parse(given.get("fields") or "id")
        except ValueError as err:
            raise GraphError(2500, f"Syntax error: {err}") from None
        if not path:
            ids = given.get("ids", "").split(",")
            return {one: self._object(self._entry(one), wanted) for one in ids}
        if path == [self.page_id]:
            return {"id": self.page_id, "name": "The school"}
        if len(path) == 1:
            return self._object(self._entry(path[0]), wanted)
        return self._list("/".join(path), wanted, given)

    def _write(self, method: str, path: list[str], given: Mapping[str, str]) -> dict[str, Any]:
        if path == [self.page_id, "blocked"]:
            self._want("pages_manage_metadata")
            self.blocked.add(given["user"])
            return {given["user"]: True}
        self._want("pages_manage_engagement")
        target = self._entry(path[0])
        if method == "DELETE":
            self.delete(target.id)
        elif path[1:] == ["comments"]:
            self._serial += 1
            new = f"{path[0].rpartition('_')[2]}_{self._serial}"
            self.reply(target.id, new, given["message"], self.newest)
            return {"id": new}
        else:
            self.hide(target.id, given.get("is_hidden") == "true")
        return {"success": True}


def read_entries(path: Path) -> list[Entry]:
    """Entries from a file of JSON lines with Entry's field names; times in ISO form with a zone."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Entry(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Serve a Facebook page's Graph API on the loopback interface."
    )
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--entries", type=Path, help="JSON lines with the fields of an Entry")
    parser.add_argument("--page-size", type=int, default=100)
    chosen = parser.parse_args(arguments)
    entries = read_entries(chosen.entries) if chosen.entries else []
    serve(FacebookSimulator(entries, page_size=chosen.page_size, port=chosen.port))


__all__ = ["Entry", "FacebookSimulator", "Fault", "Seen", "Trouble", "error_body", "main", "read_entries"]

if __name__ == "__main__":
    main()
