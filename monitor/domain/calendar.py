"""The school's own days: which are worked, when somebody is there, when it is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

NATIONS = ("ENG", "WLS", "SCT", "NIR")
_ONE_DAY = timedelta(days=1)
_SEARCH_DAYS = 400  # a year without one working day is a configuration nobody meant


@lru_cache(maxsize=512)
def _bank_holidays(nation: str, year: int) -> dict[date, str]:
    return dict(holidays.country_holidays("GB", subdiv=nation, years=year))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Days and hours of one school. All times of day are local to `zone`; weekdays count Monday as 0.

    `closed` are days on which the school says that nobody works (closure days, not school holidays).
    """

    nation: str = "ENG"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/London"))
    working_weekdays: frozenset[int] = frozenset(range(5))
    bank_holidays: bool = True
    closed: frozenset[date] = frozenset()
    staffed_from: time = time(8, 30)
    staffed_until: time = time(17, 0)
    close_of_day: time = time(17, 0)
    quiet_from: time = time(20, 0)
    quiet_until: time = time(7, 0)
    duty_from: time = time(8, 0)
    duty_until: time = time(20, 0)

    def local(self, moment: datetime) -> datetime:
        """The moment on the school's clock."""
        return moment.astimezone(self.zone)

    def at(self, day: date, hour: time) -> datetime:
        """That time of that day in UTC. A time the clocks skip is the moment they go forward; of a time that
        comes twice, the first."""
        return datetime.combine(day, hour, tzinfo=self.zone).astimezone(UTC)

    def why_not_working(self, day: date) -> str | None:
        """The code of the reason why nobody works on the day; None on a working day."""
        if day in self.closed:
            return "closure_day"
        if day.weekday() not in self.working_weekdays:
            return "weekend"
        if self.bank_holidays and day in _bank_holidays(self.nation, day.year):
            return "bank_holiday"
        return None

    def next_working_day(self, after: date) -> date:
        """The first working day after the given one.

        A calendar without one within a year is nobody's intention (`check` says so); then the very next day,
        because a warning too early is better than none.
        """
        for days in range(1, _SEARCH_DAYS):
            day = after + timedelta(days=days)
            if self.why_not_working(day) is None:
                return day
        return after + _ONE_DAY

    def last_staffed_moment(self, until: datetime, since: datetime) -> datetime | None:
        """The last moment in [since, until] at which somebody is at work, in UTC; None if there is none."""
        day = self.local(until).date()
        first_day = self.local(since).date()
        while day >= first_day:
            if self.why_not_working(day) is None:
                start, end = self.at(day, self.staffed_from), self.at(day, self.staffed_until)
                moment = min(end, until)
                if moment >= start and moment >= since:
                    return moment
            day -= _ONE_DAY
        return None

    def duty_moment(self, since: datetime) -> datetime:
        """The first moment from `since` on at which the duty person may be told: any day, duty hours."""
        today = self.local(since).date()
        for day in (today, today + _ONE_DAY):
            start, end = self.at(day, self.duty_from), self.at(day, self.duty_until)
            if since <= end:
                return max(since, start)
        return since  # duty hours that never are: better now than never

    def end_of_quiet(self, moment: datetime) -> datetime | None:
        """When quiet hours end, if the moment lies in them; else None."""
        for start, end in self._quiet_nights(self.local(moment).date()):
            if start <= moment < end:
                return end
        return None

    def _quiet_nights(self, today: date) -> Iterator[tuple[datetime, datetime]]:
        if self.quiet_from == self.quiet_until:
            return
        over_midnight = timedelta(days=self.quiet_from > self.quiet_until)
        for day in (today - _ONE_DAY, today):
            yield self.at(day, self.quiet_from), self.at(day + over_midnight, self.quiet_until)
