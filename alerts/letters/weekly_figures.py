"""The chapters that tell what came in, what was answered and what was flagged. Pure but for the charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alerts import charts
from alerts.figures import Answers, Digest, WeekFigures
from alerts.letters.desk import Desk, Picture
from alerts.letters.weekly_parts import (
    Chapter,
    Table,
    blind_length,
    cell,
    counted_kinds,
    day,
    head,
    named,
    points,
)
from alerts.shown import listed


def _picture(
    desk: Desk, week: WeekFigures, code: str, points_in_words: Iterable[str], draw: Callable[[], bytes]
) -> Picture | None:
    """The chart, unless charts cannot be drawn here: the page says everything in words as well."""
    if not charts.drawn():
        return None
    title = desk.say("digest.chart", code)
    alt = desk.say("digest.chart", "alt", title=title, points="; ".join(points_in_words))
    return Picture(f"{code}.{week.week.lower()}@schoolwatch", alt, draw())


def answers(desk: Desk, digest: Digest) -> Chapter:
    """What became of the answers that were due."""
    answers = digest.week.answers
    rows = [("answered", answers.kept), ("missed", answers.missed)]
    late = max(answers.answered - answers.kept, 0)
    rows += [
        (code, n)
        for code, n in (("answered_late", late), ("waiting", answers.waiting), ("overdue", answers.overdue))
        if n
    ]
    weeks = [*digest.before, digest.week]
    picture = None
    if len(weeks) > 1 and any(week.answers.decided for week in weeks):
        said = [
            desk.say("digest.chart", "answers_week", day=day(desk, week.start), **_kept(week.answers))
            for week in weeks
        ]
        names = (desk.say("digest.chart", "in_time"), desk.say("digest.chart", "missed"))
        kept, missed = [w.answers.kept for w in weeks], [w.answers.missed for w in weeks]
        labels = _labels(desk, weeks)
        picture = _picture(
            desk, digest.week, "answers", said, lambda: charts.stacked(labels, kept, missed, names)
        )
    return Chapter(
        heading=head(desk, "answers"),
        picture=picture,
        lines=_response(desk, answers),
        table=Table(
            (cell(desk, "answers"), cell(desk, "this_week")),
            tuple((cell(desk, code), f"{number:,}") for code, number in rows),
        ),
    )


def _response(desk: Desk, answers: Answers) -> tuple[str, ...]:
    if answers.median is None or answers.ninth is None:
        return ()
    span = desk.times.span
    code = "response_one" if answers.answered == 1 else "response"
    return (desk.say("digest.say", code, median=span(answers.median), ninth=span(answers.ninth)),)


def _kept(answers: Answers) -> dict[str, int]:
    return {"kept": answers.kept, "missed": answers.missed}


def _labels(desk: Desk, weeks: Iterable[WeekFigures]) -> list[str]:
    return [day(desk, week.start, "short") for week in weeks]


def received(desk: Desk, digest: Digest) -> Chapter:
    """How much came in, and where."""
    week = digest.week
    if not week.received:
        return Chapter(heading=head(desk, "received"), lines=(desk.say("digest.say", "received_nothing"),))
    names = dict.fromkeys([*(one.name for one in digest.sources), *(one.source for one in week.volumes)])
    rows = []
    for name in names:
        kinds = [(one.kind, one.count) for one in week.volumes if one.source == name]
        kinds.sort(key=lambda pair: -pair[1])
        rows.append((named(name), counted_kinds(desk, kinds) or cell(desk, "none")))
    weeks = [*digest.before, week]
    picture = None
    if len(weeks) > 1:
        said = [
            desk.say("digest.chart", "received_week", day=day(desk, one.start), n=f"{one.received:,}")
            for one in weeks
        ]
        values, labels = [one.received for one in weeks], _labels(desk, weeks)
        picture = _picture(desk, week, "received", said, lambda: charts.columns(labels, values))
    return Chapter(
        heading=head(desk, "received"),
        picture=picture,
        table=Table((cell(desk, "source"), cell(desk, "what")), tuple(rows), words=True),
    )


def flagged(desk: Desk, week: WeekFigures) -> Chapter:
    """What was flagged, by what it was taken for."""
    flagged, lines = week.flagged, []
    if flagged.total:
        severities = ", ".join(
            f"{number:,} {desk.say('severities', severity)}" for severity, number in flagged.severities
        )
        count = desk.count("digest.say", "item", flagged.total)
        lines.append(desk.say("digest.say", "flagged_some", count=count, severities=severities))
    else:
        lines.append(desk.say("digest.say", "flagged_none"))
    if flagged.older:
        lines.append(desk.count("digest.say", "older", flagged.older))
    counts = [(desk.say("digest.category", code), number) for code, number in flagged.categories]
    picture = None
    if len(counts) > 1:
        said = [points(desk, counts)]
        labels, values = [name for name, _ in counts], [number for _, number in counts]
        picture = _picture(desk, week, "flagged", said, lambda: charts.ranked(labels, values))
    if counts and picture is None:
        words = points(desk, counts)
        lines.append(f"{words[:1].upper()}{words[1:]}.")
    lines += [desk.say("digest.say", "flagged_may_be_wrong"), desk.say("digest.say", "flagged_apart")]
    return Chapter(heading=head(desk, "flagged"), picture=picture, lines=tuple(lines))


def safeguarding(desk: Desk, week: WeekFigures) -> Chapter:
    """Counts, and nothing else."""
    counts = week.safeguarding
    said = [
        desk.say("digest.say", code, n=f"{number:,}")
        for code, number in (
            ("opened", counts.opened),
            ("acknowledged", counts.acknowledged),
            ("unacknowledged", counts.unacknowledged),
        )
    ]
    lines = (" ".join(said), desk.say("digest.say", "safeguarding_why"))
    return Chapter(heading=head(desk, "safeguarding"), lines=lines)


def accounts(desk: Desk, digest: Digest) -> Chapter:
    """Each official account in a row."""
    accounts = digest.week.accounts
    if not accounts:
        return Chapter(heading=head(desk, "accounts"), lines=(desk.say("digest.say", "no_accounts"),))
    rows = [
        (
            named(one.name),
            f"{one.received:,}",
            _share(desk, one.answers),
            f"{one.flagged:,}",
            blind_length(desk, one.blind),
        )
        for one in accounts
    ]
    posted = [
        desk.say("digest.say", "posted_one", account=named(one.name), day=day(desk, one.last_post))
        for one in accounts
        if one.last_post is not None
    ]
    unseen = [named(one.name) for one in accounts if not one.posts_seen]
    lines = []
    if posted:
        lines.append(desk.say("digest.say", "posted", list="; ".join(posted)))
    if unseen:
        lines.append(desk.say("digest.say", "posts_unknown", accounts=listed(desk.language, unseen)))
    heads = ("account", "came_in", "in_time", "flagged", "blind")
    return Chapter(
        heading=head(desk, "accounts"),
        table=Table(tuple(cell(desk, code) for code in heads), tuple(rows)),
        lines=tuple(lines),
    )


def _share(desk: Desk, answers: Answers) -> str:
    if not answers.decided:
        return cell(desk, "none")
    return cell(desk, "share", kept=answers.kept, decided=answers.decided)
