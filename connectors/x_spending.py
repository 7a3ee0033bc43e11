"""What reading X costs, and the limit a school sets for it.

Prices in thousandths of a dollar [doc: Pricing, 2026]. The same post read twice within a UTC day counts once [doc], so
a stream remembers what it has read today. What was spent stands in each stream's checkpoint; the connector adds up
the streams it has seen. Reads by `refresh` have no checkpoint and are counted while the connector lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

PRICES: Mapping[str, int] = {"mentions": 5, "search": 5, "posts": 1, "direct": 10, "lookup": 5}
"""A post 5; of one's own account 1; a direct message 10."""

_REMEMBERED = 1000
"""Ids read today that are remembered: more than the 800 that a mentions list can give again."""


@dataclass(frozen=True, slots=True)
class Spending:
    """Of one stream: `spent` in `month`, and the ids `read` on `day`."""

    month: str
    day: str
    spent: int = 0
    read: tuple[str, ...] = ()

    @classmethod
    def load(cls, stored: Any, now: datetime) -> Spending:
        """As it stands now: a new month begins at nothing, a new day has read nothing."""
        day = now.astimezone(UTC).date().isoformat()
        fresh = cls(month=day[:7], day=day)
        try:
            if stored["month"] != fresh.month:
                return fresh
            read = tuple(str(one) for one in stored["read"]) if stored["day"] == day else ()
            return replace(fresh, spent=int(stored["spent"]), read=read)
        except (KeyError, TypeError, ValueError):
            return fresh

    def bought(self, ids: Iterable[str], price: int) -> tuple[Spending, int]:
        """After reading these; the second value is what that cost."""
        new = [one for one in dict.fromkeys(ids) if one not in set(self.read)]
        cost = len(new) * price
        return replace(self, spent=self.spent + cost, read=(*self.read, *new)[-_REMEMBERED:]), cost

    def dump(self) -> dict[str, Any]:
        return {"month": self.month, "day": self.day, "spent": self.spent, "read": list(self.read)}
