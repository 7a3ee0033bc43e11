"""Times as people say them, in the school's zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.wording import counted, sentence

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Times:
    """Says times in one language and one zone, as seen from `now` (aware)."""

    language: str
    zone: ZoneInfo
    now: datetime

    def moment(self, when: datetime) -> str:
        """A moment in full: "Tuesday 24 November, 10:00", with the year where it is not this one."""
        local = when.astimezone(self.zone)
        this_year = local.year == self.now.astimezone(self.zone).year
        return sentence(
            self.language,
            "times",
            "moment" if this_year else "moment_with_year",
            weekday=self._word("weekday", local.isoweekday()),
            day=local.day,
            month=self._word("month", local.month),
            year=local.year,
            clock=_clock(local),
        )

    def short(self, when: datetime) -> str:
        """A moment within the week for a subject: "today 10:00", "Tuesday 10:00"; else in full."""
        local, now = when.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == now.date():
            return sentence(self.language, "times", "today", clock=_clock(local))
        if abs((local.date() - now.date()).days) > 6:
            return self.moment(when)
        weekday = self._word("weekday", local.isoweekday())
        return sentence(self.language, "times", "short", weekday=weekday, clock=_clock(local))

    def span(self, length: timedelta) -> str:
        """A length of time in its two largest units: "2 days 3 hours". The sign is dropped."""
        minutes = abs(length) // _MINUTE
        amounts = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
        said = [(unit, n) for unit, n in amounts if n]
        if not said:
            return sentence(self.language, "times", "moments")
        kept = said[:2] if said[0][0] != "day" else [pair for pair in said[:2] if pair[0] != "minute"]
        return " ".join(counted(self.language, "times", unit, n) for unit, n in kept)

    def _word(self, name: str, number: int) -> str:
        return sentence(self.language, "times", f"{name}_{number}")


def _clock(local: datetime) -> str:
    """Hours and minutes; with the zone's name in the hour that comes twice when the clocks go back."""
    first, second = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    twice = first is not None and second is not None and first > second
    return f"{local:%H:%M}" + (f" {local.tzname()}" if twice else "")
