"""From facts to a finished mail: a letter in sentences, laid out by one text and one HTML template. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts.clean import one_line, web_link
from alerts.kinds import InlineImage, Mail, MailFacts
from alerts.letters import write
from alerts.letters.desk import Letter, Picture
from alerts.letters.safeguarding import is_protected
from alerts.wording import DEFAULT_LANGUAGE, sentence

_TOO_MANY_BLANK_LINES: Final = re.compile(r"\n{3,}")

_PLAIN_HTML: Final = (
    '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8"></head>'
    '<body><pre style="white-space:pre-wrap">{}</pre></body></html>\n'
)


def compose(facts: MailFacts) -> Mail:
    """The mail of the facts for their recipient. Raises where a template fails; see `compose_or_plain`."""
    letter = write(facts)
    return Mail(
        to_name=one_line(facts.recipient.name, 80),
        to_address=facts.recipient.address,
        subject=letter.subject,
        text=render(letter, facts, "txt"),
        html=render(letter, facts, "html"),
        urgent=letter.urgent,
        images=tuple(InlineImage(picture.cid, picture.png) for picture in letter.pictures),
    )


def compose_or_plain(facts: MailFacts) -> tuple[Mail, str | None]:
    """The mail, and None; or, where building it failed, a plain one and the name of the error's type.

    A mail that cannot be laid out still goes: the kind, the school, the case numbers and the links.
    """
    try:
        return compose(facts), None
    except Exception as error:  # noqa: BLE001  whatever broke in here, people must hear
        return _plain(facts), type(error).__name__


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("alerts"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    return environment


def _beside(picture: Picture) -> str:
    """Where the page of a mail finds a picture: in the mail itself."""
    return f"cid:{picture.cid}"


def render(letter: Letter, facts: MailFacts, suffix: str, source: Callable[[Picture], str] = _beside) -> str:
    """The letter laid out as "txt" or "html"; `source` says where the page finds its pictures."""

    def say(code: str, **params: object) -> str:
        return sentence(DEFAULT_LANGUAGE, "labels", code, **params)

    name = one_line(facts.recipient.name, 60)
    school = one_line(facts.school_name, 80)
    template = _templates().get_template(f"{letter.template}.{suffix}.j2")
    made = template.render(
        letter=letter, language=f"{DEFAULT_LANGUAGE}-GB", say=say, name=name, school=school, source=source
    )
    return _TOO_MANY_BLANK_LINES.sub("\n\n", made).strip() + "\n"


def _quoted(text: str) -> str:
    """The text with every line marked as somebody else's, so that none of them passes for ours."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _plain(facts: MailFacts) -> Mail:
    """A mail built of next to nothing: no template, no sentence, no zone. Nobody's words, whoever reads it."""
    cases = [str(item.case_number) for item in facts.items if item.case_number is not None]
    if is_protected(facts):
        subject = f"Case {', '.join(cases)}: please read now" if cases else "Please read now"
    else:
        kind = facts.kind.value.replace("_", " ").capitalize()
        subject = f"{kind}: case {', '.join(cases)}" if cases else kind
    lines = ["Schoolwatch could not build the usual mail. Please look yourself now."]
    if is_protected(facts):
        lines = [
            "Tell the safeguarding lead or a deputy now. If anybody is in immediate danger, call 999.",
            "Do not question the child, do not promise secrecy, do not delete.",
            *lines,
        ]
    lines += ["", f"Kind: {facts.kind.value}", f"School: {one_line(facts.school_name, 80)}"]
    if cases:
        lines.append(f"Cases: {', '.join(cases)}")
    if facts.source and not is_protected(facts):
        lines.append(f"Source: {one_line(facts.source, 60)}")
    if facts.due_at is not None:
        lines.append(f"Due: {facts.due_at.isoformat()}")
    if facts.count:
        lines.append(f"Number: {facts.count}")
    if not facts.recipient.shared:
        lines += [link for link in (web_link(item.permalink) for item in facts.items) if link]
    text = "\n".join(lines) + "\n"
    return Mail(
        to_name=one_line(facts.recipient.name, 80),
        to_address=facts.recipient.address,
        subject=one_line(subject, 70),
        text=text,
        html=_PLAIN_HTML.format(escape(text)),
        urgent=is_protected(facts),
    )
