"""Counter-speech and quoting: who repeats a rude word to complain of it is not the one who was rude.

`against` recognises a text that reports what somebody else said, asks for it to be taken down, or says that it is not
to be said. Then rude words weigh one severity less, in LOWERED alone: never safeguarding, threats, harassment or
what is urgent. Pure, and linear: every gap in the patterns is bounded.
"""

from __future__ import annotations

import re

from monitor.domain.verdict import Category, Severity

LOWERED = frozenset({Category.INSULT, Category.OBSCENE, Category.TOXICITY, Category.IDENTITY_ATTACK})
"""Categories that are lowered by one severity; nothing else ever is, and nothing that is urgent."""

_CHILD = (
    r"(?:son|daughter|lad|boy|girl|child|kid|kids|children|twins?|grandson|granddaughter|grandchild|grandchildren|"
    r"brother|sister|cousin|niece|nephew|friend|mum|mam|mother|dad|father|nan|wife|husband|pupils?|students?)"
)
_SOMEBODY = (
    r"(?:some(?:one|body)|(?:a|another|the|one) (?:man|woman|bloke|boy|girl|lad|kid|child|parent|pupil|student|mum|dad|"
    r"driver|passenger|comment|stranger)|(?:a )?group of \w{1,12}|kids|people|he|she|they)"
)
_SAYING = (
    r"(?:wrote|written|writing|shouted|shouting|called|calling|yelled|sprayed|painted|scrawled|scratched)"
)
_PEOPLE = (
    r"(?:people|anyone|anybody|someone|somebody|kids|children|pupils|a child|each other|others|"
    rf"(?:my|our) {_CHILD})"
)
_WRONG = (
    r"(?:(?:not|never|isn'?t|ain'?t|wasn'?t) (?:ok|okay|acceptable|banter|funny|a joke|right|alright|on|kind)|"
    r"disgusting|unacceptable|bullying|racist|racism|homophobic|wrong|hateful|a hate crime|abuse|a slur)"
)
_PATTERNS = (
    # Somebody called my son ...; a man shouted '...' at me; my lad has been called ...
    rf"\b{_SOMEBODY}(?: \w{{1,12}}){{0,2}} (?:called|calling|shouted at|yelled at) (?:my|our) {_CHILD}\b",
    rf"\b{_SOMEBODY}(?: \w{{1,12}}){{0,3}} {_SAYING} [\"'‘“][^\"'’”\n]{{2,80}}[\"'’”]",
    rf"\b(?:my|our) (?:\w{{1,12}} )?{_CHILD}(?:'?s| has| have| is| was| were| gets| got| keeps)?(?: \w{{1,10}}){{0,2}}"
    r" (?:been|being|getting|got|gets|was|were|is) called\b",
    r"\bi(?:'ve| have| was| got| get|'m)(?: \w{1,10}){0,2} called (?:a|an|the|names)\b",
    # Please take it down.
    r"\b(?:can|could|please|would|will)\b.{0,40}\b(?:remove|delete|hide|take|get)\b.{0,20}"
    r"\b(?:(?:it|this|that|them) (?:down|off)|(?:comment|post|graffiti|word)s?)\b",
    # It is not OK to call people ...; calling people that is disgusting; don't call people ...
    r"\b(?:not|never|isn'?t) (?:ok|okay|acceptable|right|alright|funny) to (?:call|say|use|write|shout)\b",
    rf"\b(?:calling|call) {_PEOPLE}\b.{{0,40}}\b(?:is|was|are|isn'?t)\b.{{0,12}}\b{_WRONG}",
    rf"\b(?:stop|don'?t|shouldn'?t|should not|must not|mustn'?t|never) (?:calling|call|saying) {_PEOPLE}\b",
    r"\b(?:without|instead of|rather than|stop) calling (?:a|an|any|my|our|their|some|people|children|kids)\b",
    # Report anyone who says ...; whoever wrote ... ; the word you used is a slur.
    r"\b(?:report|reporting|block|tell (?:us|a teacher|staff) about) (?:anyone|anybody|someone|people|whoever|accounts)"
    r" (?:who|that|using|saying|calling|posting)\b",
    r"\bwhoever (?:wrote|sprayed|painted|scratched|shouted|called)\b",
    r"\b(?:the|that|this) word (?:you|he|she|they) (?:used|said|called|wrote)\b",
    r"\b(?:the )?[npftr][- ]word\b",
    r"\b(?:that|this|it|the word)(?:'s| is|,? it'?s) (?:a (?:slur|hate crime)|not banter)\b",
)
_AGAINST = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))
# Who tells the reader what the reader is does not only quote.
_TO_YOUR_FACE = re.compile(
    r"\b(?:you(?:'re| are|r)?|u(?: r| are)?|ur|yous?|ya) (?:all |just |such |still )?"
    r"(?:an? |the |fucking|bunch|lot|absolute)"
)


def against(text: str) -> bool:
    """Does a text quote rude words, or speak against them, rather than use them?"""
    told = text.casefold().replace("’", "'")
    return _AGAINST.search(told) is not None and _TO_YOUR_FACE.search(told) is None


def lowered(severity: Severity, category: Category) -> Severity:
    """A category's severity in a text that speaks against rude words: one less where that is safe."""
    if category not in LOWERED or severity in {Severity.NONE, Severity.URGENT}:
        return severity
    return Severity(severity - 1)
