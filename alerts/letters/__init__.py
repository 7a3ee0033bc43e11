"""What each kind of mail says: the facts turned into sentences and items, before any template. Pure.

`desk` holds what all of them need, `single` the mails about one item, `safeguarding` those that say least,
`lists` those about many items, `sources` those about Schoolwatch's own sight, `service` those about the worker
and its settings, `delivery` the one about a mail that did not arrive, `weekly` the page about a week.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from alerts.kinds import AlertKind, MailFacts
from alerts.letters import delivery, lists, service, single, sources, weekly
from alerts.letters.desk import Desk, Letter
from alerts.letters.safeguarding import is_protected, safeguarding
from alerts.times import Times
from alerts.wording import DEFAULT_LANGUAGE

_WRITERS: Final[dict[AlertKind, Callable[[Desk], Letter]]] = {
    AlertKind.FLAGGED: single.flagged,
    AlertKind.REPLY_DUE: single.reply_due,
    AlertKind.DEADLINE_MISSED: single.deadline_missed,
    AlertKind.FLAGGED_SUMMARY: lists.flagged_summary,
    AlertKind.ASK_ANSWERED: lists.ask_answered,
    AlertKind.UNSCORED: lists.unscored,
    AlertKind.SCORED_AGAIN: lists.scored_again,
    AlertKind.UNREAD: lists.unread,
    AlertKind.SET_ASIDE: sources.set_aside,
    AlertKind.BLIND: sources.blind,
    AlertKind.SEES_AGAIN: sources.sees_again,
    AlertKind.UNDELIVERED: delivery.undelivered,
    AlertKind.SETTINGS_REFUSED: service.settings_refused,
    AlertKind.WORKER_STOPPED: service.worker_stopped,
    AlertKind.DIGEST: weekly.weekly,
}


def write(facts: MailFacts, language: str = DEFAULT_LANGUAGE) -> Letter:
    """The letter of the facts. Raises on facts of which no letter can be made (an unknown zone, no item)."""
    desk = Desk(facts, Times(language, ZoneInfo(facts.timezone), facts.now))
    return (safeguarding if is_protected(facts) else _WRITERS[facts.kind])(desk)
