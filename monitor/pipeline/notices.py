"""Stage 3: a planned notice falls due; the case is looked at again before anybody is written to."""

from __future__ import annotations

from datetime import datetime

from alerts.kinds import Alert, AlertKind
from monitor.domain.decide import is_safeguarding, still_wanted
from monitor.pipeline.site import Site
from monitor.storage import cases, events

_SEVERITY = {AlertKind.REPLY_DUE: "medium", AlertKind.DEADLINE_MISSED: "high"}


def fall_due(site: Site, now: datetime, limit: int = 200) -> int:
    """Queue the mails of the notices that are due and still wanted; how many notices were looked at."""
    with site.db.read() as conn:
        if not cases.due_notices(conn, site.id, now, 1):
            return 0
    with site.db.write("T2 notices") as conn:
        events.lock(conn, site.id)
        due = cases.due_notices(conn, site.id, now, limit)
        for notice in due:
            case = cases.load(conn, site.id, notice.number)
            unwanted = still_wanted(notice.kind, notice.plan, case, now)
            if not cases.close_notice(conn, site.id, notice.id, "void" if unwanted else "sent"):
                continue
            if unwanted is None:
                alert = Alert(
                    kind=notice.kind,
                    subject=f"case:{notice.number}",
                    occurrence=notice.plan,
                    severity=_SEVERITY[notice.kind],
                    reason=notice.reason,
                    facts={"case": notice.number, "safeguarding": is_safeguarding(case)},
                )
                site.queue(conn, [alert], now)
    return len(due)
