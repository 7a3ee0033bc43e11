"""Items as a mail shows them: cleaned, shortened, in words, and with what this recipient may not see left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from alerts.clean import Shortened, mentions_a_link, one_line, passage, web_link
from alerts.kinds import AlertKind, ItemView, MailFacts
from alerts.times import Times
from alerts.wording import counted, knows, readable, sentence

PROTECTED: Final = frozenset(
    {
        *("adult_at_risk", "concern", "disclosure", "exploitation", "grooming", "missing_child", "neglect"),
        *("radicalisation", "self_harm", "sextortion"),
    }
)
"""monitor.domain.verdict.SAFEGUARDING, which this room may not import; a test compares them."""

_WHOLE_TEXT: Final = (1500, 40)
_EXCERPT: Final = (200, 4)
_MOST_SPANS: Final = 6
_LISTS: Final = frozenset({AlertKind.ASK_ANSWERED, AlertKind.FLAGGED_SUMMARY, AlertKind.UNREAD})
_JUDGED_BY_NOBODY: Final = frozenset({AlertKind.UNSCORED, AlertKind.UNREAD})


class Hidden(Enum):
    """How much of an item a recipient may not see."""

    NOTHING = 0
    WORDS = 1
    """The words and the author: nobody has judged them, so they may be a child's."""
    ALL = 2
    """The link and the time too: all that is left is the case's number and where to look."""


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what it says; `link` where that can be followed, `link_text` what stands for it where links can."""

    label: str
    value: str
    link: str | None = None
    link_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """An item, ready to stand in a template: every string is clean and in words.

    `text` is None where it is withheld; `notes` are said under it. `kind` is "comment", `a_kind` "a comment";
    `heading` tells one of many apart, `case_label` is "Case 12".
    """

    case: int | None
    case_label: str
    kind: str
    a_kind: str
    on_platform: str
    heading: str
    text: str | None
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    severity: str = "none"
    spans: tuple[str, ...] = ()
    explain: str = ""


def hidden_from(item: ItemView, facts: MailFacts) -> Hidden:
    """What this recipient must not see of the item. A list goes to moderators, so it shows nobody's protected item;
    apart from that only shared mailboxes are kept from anything."""
    if facts.kind in _LISTS and protected(item):
        return Hidden.ALL
    if not facts.recipient.shared:
        return Hidden.NOTHING
    if facts.safeguarding or protected(item):
        return Hidden.ALL
    return Hidden.WORDS if facts.kind in _JUDGED_BY_NOBODY else Hidden.NOTHING


def protected(item: ItemView) -> bool:
    """Is the item one for the safeguarding lead, whatever the mail's facts say?"""
    return item.protected or item.severity == "urgent" or bool(PROTECTED & set(item.categories))


def case_name(language: str, number: int | None) -> str:
    """ "Case 12", or that there is no number."""
    if number is None:
        return sentence(language, "labels", "no_case")
    return sentence(language, "labels", "case_number", case=number)


def explain_command(language: str, number: int | None) -> str:
    """The command that shows everything about a case; empty where it has no number."""
    return "" if number is None else sentence(language, "commands", "explain", case=number)


def platform_name(language: str, platform: str) -> str:
    """The platform as people call it; "files/year-six" is a file like any other."""
    platform = platform.partition("/")[0]
    if knows(language, "platforms.name", platform):
        return sentence(language, "platforms.name", platform)
    return one_line(readable(platform), 30).capitalize()


def on_platform(language: str, platform: str) -> str:
    """ "on Facebook", "in a web feed"; empty where the platform is not known."""
    platform = platform.partition("/")[0]
    if knows(language, "platforms.on", platform):
        return sentence(language, "platforms.on", platform)
    return f"on {platform_name(language, platform)}" if platform else ""


def language_name(language: str, code: str) -> str:
    """The language of a BCP 47 code as people call it; the code itself where it has no name here."""
    return one_line(sentence(language, "languages", code), 40)


def listed(language: str, words: Iterable[str]) -> str:
    """The words as people list them: "a, b and c"."""
    *first, last = list(words) or [""]
    return sentence(language, "labels", "and", first=", ".join(first), last=last) if first else last


def show(item: ItemView, facts: MailFacts, times: Times, *, excerpt: bool = False) -> ShownItem:
    """The item for this mail. `excerpt`: one of many, so only its beginning."""
    language = times.language
    hidden = hidden_from(item, facts)
    open_words = hidden is Hidden.NOTHING
    # What nobody has judged cannot be judged by its beginning either.
    short = excerpt and facts.kind is not AlertKind.UNREAD
    limit, lines = _EXCERPT if short else _WHOLE_TEXT
    text = passage(item.text, limit, lines)
    link = web_link(item.permalink)
    explain = explain_command(language, item.case_number)
    about = _about(item, times, hidden)
    return ShownItem(
        case=item.case_number,
        case_label=case_name(language, item.case_number),
        kind=one_line(sentence(language, "items.noun", item.kind), 30),
        a_kind=one_line(sentence(language, "items.a", item.kind), 30),
        on_platform=on_platform(language, item.platform),
        heading=", ".join(about[code] for code in ("who", "when", "where") if about[code]),
        text=text.text if open_words else None,
        title=one_line(item.title, 200) if open_words else "",
        rows=_rows(item, times, hidden, link, excerpt),
        notes=_notes(text, language, explain, hidden, short, facts.recipient.shared),
        categories=tuple(_category(language, code) for code in item.categories) if open_words else (),
        severity=item.severity,
        spans=tuple(one_line(span, 80) for span in item.spans[:_MOST_SPANS] if span.strip())
        if open_words
        else (),
        explain=explain,
    )


def _category(language: str, code: str) -> str:
    return one_line(sentence(language, "categories", code), 60)


def _about(item: ItemView, times: Times, hidden: Hidden) -> dict[str, str]:
    """Who, where and when, in words; what is hidden or not known is empty."""
    language = times.language
    noun = one_line(sentence(language, "items.noun", item.kind), 30)
    source = one_line(item.source, 60)
    code = "where_in_source" if source else "where"
    said = {
        "who": "",
        "when": "",
        "where": sentence(
            language, "labels", code, item=noun, on=on_platform(language, item.platform), source=source
        ).strip(),
    }
    if hidden is Hidden.ALL:
        return said
    if item.created_at is not None:
        said["when"] = times.moment(item.created_at)
        if item.created_at_estimated:
            said["when"] = sentence(language, "times", "estimated", when=said["when"])
        if item.edited:
            said["when"] = sentence(language, "times", "edited", when=said["when"])
    if hidden is Hidden.NOTHING:
        said["who"] = one_line(item.author_name, 80) or sentence(language, "labels", "nobody_named")
    return said


def _rows(item: ItemView, times: Times, hidden: Hidden, link: str | None, excerpt: bool) -> tuple[Row, ...]:
    """Who, where, when and how to get there; of one of many, only what its heading does not say."""
    language = times.language

    def row(code: str, value: str) -> Row:
        return Row(sentence(language, "labels", code), value)

    rows: list[Row] = []
    if not excerpt:
        about = _about(item, times, hidden)
        said = [(code, about[code]) for code in ("who", "where", "when") if about[code]]
        rows = [
            row(f"label_{code}", words if code == "who" else words[:1].upper() + words[1:])
            for code, words in said
        ]
    if hidden is Hidden.ALL:
        return tuple(rows)
    if item.language is not None:
        name = language_name(language, item.language)
        row_says = sentence(language, "labels", "not_judged", named=name) if item.unread else name
        rows.append(row("label_language", row_says))
    if excerpt and item.due_at is not None:
        rows.append(row("label_due", times.moment(item.due_at)))
    if link is not None:
        text = sentence(language, "labels", "open_on", host=urlsplit(link).hostname)
        rows.append(Row(sentence(language, "labels", "label_link"), link, link, text))
    elif one_line(item.permalink):
        address = one_line(item.permalink, 200)
        rows.append(row("label_address", sentence(language, "labels", "not_a_link", address=address)))
    if item.attachments:
        rows.append(
            row("label_attachments", counted(language, "labels", "attachment", len(item.attachments)))
        )
    if item.state != "visible":
        rows.append(row("label_state", one_line(sentence(language, "items.state", item.state), 80)))
    return tuple(rows)


def _notes(
    text: Shortened, language: str, explain: str, hidden: Hidden, excerpt: bool, shared: bool
) -> tuple[str, ...]:
    """What a reader must know about the words as they are shown."""
    if hidden is not Hidden.NOTHING:
        why = "words_withheld" if shared else "words_for_the_lead"
        return (sentence(language, "labels", why),)
    notes = []
    if not text.text:
        notes.append(sentence(language, "labels", "no_words"))
    if text.cut and not excerpt:
        code = "words_cut" if explain else "words_cut_no_case"
        counts = {"shown": f"{text.shown:,}", "whole": f"{text.whole:,}"}
        notes.append(sentence(language, "labels", code, explain=explain, **counts))
    if mentions_a_link(text.text) and not excerpt:
        notes.append(sentence(language, "labels", "has_links"))
    return tuple(notes)
