"""What the mails say, and what they must never say."""

from __future__ import annotations

import html as html_escapes
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alerts.compose
from alerts.clean import mentions_a_link, one_line, passage, web_link
from alerts.compose import compose, compose_or_plain
from alerts.figures import Digest, SourceSeen, Volume, WeekFigures
from alerts.kinds import AlertKind, ItemView, Mail, MailFacts, Recipient, SetAsideView
from alerts.letters.lists import MOST_ITEMS

NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
ANA = Recipient("ana", "Ana Sample", "ana@oakfield.example")
OFFICE = Recipient("office", "School office", "office@oakfield.example", shared=True)
LINK = "https://www.facebook.com/oakfield/posts/1?comment_id=2"
WORDS = "You are all useless, and you will be sorry."


def item(number: int | None = 12, **said: object) -> ItemView:
    fields: dict[str, object] = {
        "case_number": number,
        "platform": "facebook",
        "source": "school-page",
        "kind": "comment",
        "author_name": "Jo Example",
        "text": WORDS,
        "created_at": NOW - timedelta(hours=2),
        "permalink": LINK,
        "severity": "high",
        "categories": ("threat", "insult"),
        "spans": ("you will be sorry",),
        "due_at": NOW + timedelta(hours=22),
        "due_reason": "24_hours",
    }
    return ItemView(**{**fields, **said})  # type: ignore[arg-type]


DISCLOSURE = item(
    17,
    severity="urgent",
    categories=("disclosure",),
    text="please tell nobody but i am afraid to go home",
    spans=("afraid to go home",),
    author_name="Robin Pupil",
    title="secret title",
)


FOREIGN = item(
    21,
    severity="none",
    categories=(),
    spans=(),
    text="o której zaczyna się zebranie?",
    language="pl",
    unread=True,
)


def facts(kind: AlertKind = AlertKind.FLAGGED, **said: object) -> MailFacts:
    fields: dict[str, object] = {
        "kind": kind,
        "school_name": "Oakfield Primary School",
        "timezone": "Europe/London",
        "recipient": ANA,
        "now": NOW,
        "severity": "high",
    }
    return MailFacts(**{**fields, **said})  # type: ignore[arg-type]


def one_of_each(recipient: Recipient = ANA) -> dict[str, MailFacts]:
    due = {"due_at": NOW + timedelta(hours=4), "due_reason": "weekend"}
    since = {"since": NOW - timedelta(hours=5)}
    kinds = AlertKind
    made = [
        facts(kinds.FLAGGED, items=(item(),), reason="first"),
        facts(kinds.FLAGGED_SUMMARY, items=(item(1), item(2, severity="medium"))),
        facts(kinds.REPLY_DUE, items=(item(),), reason="lead_before_deadline", **due),
        facts(kinds.DEADLINE_MISSED, items=(item(),), due_at=NOW - timedelta(hours=3), due_reason="24_hours"),
        facts(kinds.ASK_ANSWERED, items=(item(3), item(4)), reply=item(None, text="Thank you, all.")),
        facts(kinds.UNSCORED, items=(item(5),), count=61, error="engine_failed", **since),
        facts(kinds.UNREAD, items=(FOREIGN, replace(FOREIGN, case_number=None)), count=3),
        facts(kinds.SCORED_AGAIN, count=61, **since),
        facts(
            kinds.SET_ASIDE, source="comments-file", set_aside=(SetAsideView(3, "nul_removed", "id-9", NOW),)
        ),
        facts(kinds.BLIND, source="school-page", error="auth_expired", **since),
        facts(kinds.SEES_AGAIN, source="school-page", **since),
        facts(
            kinds.UNDELIVERED, source="Ben Sample <ben@oakfield.example>", error="550 no such user", **since
        ),
        facts(kinds.SETTINGS_REFUSED, count=2, **since),
        facts(
            kinds.WORKER_STOPPED, reason="settings", error="schoolwatch.toml:3: Is not TOML here.", **since
        ),
    ]
    made.append(facts(kinds.DIGEST, digest=Digest(week=WEEK)))
    return {one.kind.value: replace(one, recipient=recipient) for one in made}


WEEK = WeekFigures(week="2026-W47", start=NOW - timedelta(days=8), end=NOW - timedelta(days=1), as_of=NOW)


class Page(HTMLParser):
    """What a reader sees of an HTML mail, what it links to and what it would load."""

    def __init__(self, mail: Mail) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(mail.html.split("</head>")[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


ALL = pytest.mark.parametrize("kind", list(AlertKind))


@ALL
def test_every_kind_has_a_mail(kind: AlertKind) -> None:
    mail, problem = compose_or_plain(one_of_each()[kind.value])
    assert problem is None
    assert mail.to_address == ANA.address
    assert 10 <= len(mail.subject) <= 70
    assert mail.text.splitlines()[0][-1] in ".?"
    assert not re.search(r"[{}]|None|_one|_many", mail.text)


@ALL
def test_text_and_html_say_the_same(kind: AlertKind) -> None:
    mail = compose(one_of_each()[kind.value])
    shown = Page(mail).text.casefold()
    for line in mail.text.splitlines():
        words = " ".join(line.removeprefix(">").removeprefix("- ").split()).casefold()
        label, _, value = words.partition(": ")
        if words and words != "--" and LINK not in line:
            assert words in shown or (label in shown and value in shown), line
    links = {dict(attrs).get("href") for tag, attrs in Page(mail).tags if tag == "a"}
    assert links == set(re.findall(r"https://\S+", mail.text))


@ALL
def test_html_loads_nothing_and_says_its_language(kind: AlertKind) -> None:
    mail = compose(one_of_each()[kind.value])
    assert mail.html.startswith('<!doctype html>\n<html lang="en-GB">')
    tags = Page(mail).tags
    assert not {tag for tag, _ in tags} & {
        "img",
        "script",
        "link",
        "iframe",
        "object",
        "form",
        "style",
        "video",
    }
    assert not [attrs for _, attrs in tags if {"src", "srcset", "background"} & set(attrs)]
    assert "url(" not in mail.html
    assert "@import" not in mail.html


@ALL
def test_an_unlucky_template_still_gives_a_mail(kind: AlertKind, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise LookupError("no template")

    monkeypatch.setattr(alerts.compose, "render", broken)
    mail, problem = compose_or_plain(one_of_each()[kind.value])
    assert problem == "LookupError"
    assert "Oakfield Primary School" in mail.text
    assert kind.value in mail.text
    assert WORDS not in mail.text
    if kind is AlertKind.FLAGGED:
        assert "12" in mail.subject
        assert LINK in mail.text


def test_facts_that_make_no_letter_still_make_a_mail() -> None:
    mail, problem = compose_or_plain(facts(items=(item(),), timezone="Nowhere/Land"))
    assert problem == "ZoneInfoNotFoundError"
    assert mail.subject == "Flagged: case 12"
    assert compose_or_plain(facts(items=()))[1] == "ValueError"


def test_the_plain_mail_of_a_safeguarding_case_tells_no_more_than_the_whole_one() -> None:
    mail, problem = compose_or_plain(facts(items=(DISCLOSURE,), timezone="?", recipient=OFFICE))
    assert problem is not None
    assert mail.subject == "Case 17: please read now"
    assert mail.urgent
    assert "do not promise secrecy" in mail.text
    for secret in (DISCLOSURE.text, "Robin", LINK, "disclosure"):
        assert secret not in mail.text + mail.html


# --- what a flagged mail tells ---


def test_a_flagged_mail_tells_what_where_who_when_and_why() -> None:
    mail = compose(facts(items=(item(attachments=("a", "b")),), reason="first"))
    assert mail.subject == "A threat in a comment on Facebook (case 12)"
    assert mail.text.startswith("Read this comment now.")
    for told in (
        f"> {WORDS}",
        "Who: Jo Example",
        "Where: Comment on Facebook, school-page",
        "When: Tuesday 24 November, 12:05",
        f"Link: {LINK}",
        "2 attachments, not opened by Schoolwatch",
        "It was flagged for a threat and an insult.",
        "What weighed most: “you will be sorry”.",
        "Reply by Wednesday 25 November, 12:05: 24 hours after it was received.",
        "Schoolwatch reminds the moderators before Wednesday 25 November, 12:05",
        "schoolwatch explain case:12",
    ):
        assert told in mail.text
    assert not mail.urgent


@pytest.mark.parametrize("category", ["allegation", "data_breach", "media"])
def test_a_delicate_item_is_not_to_be_answered_at_once(category: str) -> None:
    mail = compose(facts(items=(item(categories=(category,)),), severity="medium"))
    assert "Agree with the head teacher before anybody replies." in mail.text
    assert "An acknowledgement counts" not in mail.text


def test_what_stands_elsewhere_is_not_ours_to_hide() -> None:
    mail = compose(facts(items=(item(kind="mention", due_at=None, due_reason="mention"),)))
    assert "hide" not in mail.text.splitlines()[0]
    assert "No deadline: mentions elsewhere need no answer." in mail.text


def test_an_edit_that_made_it_worse_is_said_in_the_subject() -> None:
    mail = compose(facts(items=(item(edited=True),), reason="edited_more_severe"))
    assert mail.subject.startswith("Worse after an edit:")
    assert "(edited since)" in mail.text


def test_what_is_hidden_already_is_not_said_to_be_public() -> None:
    assert "for everybody to read" in compose(facts(items=(item(),))).text
    hidden = compose(facts(items=(item(state="hidden"),))).text
    assert "for everybody to read" not in hidden
    assert "State: hidden from the public" in hidden


def test_an_item_without_name_time_words_or_link_still_has_a_mail() -> None:
    bare = ItemView(case_number=None, platform="", source="", kind="report", author_name=None, text="")
    mail = compose(facts(items=(bare,), severity="medium"))
    assert "It has no words of its own." in mail.text
    assert "the platform gave no name" in mail.text


# --- deadlines ---


def test_a_reply_due_tells_how_long_is_left() -> None:
    mail = compose(one_of_each()["reply_due"])
    assert mail.subject == "Reply by 18:05 today: a comment on Facebook (case 12)"
    assert mail.text.startswith("Reply to this comment by Tuesday 24 November, 18:05: 4 hours left.")
    assert "it was received at a weekend, so the next working day counts" in mail.text


def test_a_reply_that_nobody_is_there_to_write_is_said_so() -> None:
    due = replace(one_of_each()["reply_due"], reason="no_staffed_time_left")
    assert "nobody is at work before then" in compose(due).text.splitlines()[0]


def test_a_missed_deadline_tells_how_long_it_is_over() -> None:
    mail = compose(one_of_each()["deadline_missed"])
    assert mail.text.startswith("Reply to this comment now: the deadline passed 3 hours ago.")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 7, 10, 23, 30, tzinfo=UTC), "Saturday 11 July, 00:30"),
        (datetime(2027, 1, 4, 17, 0, tzinfo=UTC), "Monday 4 January 2027, 17:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Sunday 25 October, 01:30 BST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Sunday 25 October, 01:30 GMT"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "Sunday 29 March, 02:30"),
    ],
)
def test_times_are_the_schools_own(moment: datetime, said: str) -> None:
    text = compose(facts(items=(item(created_at=moment),))).text
    assert f"When: {said}\n" in text


# --- safeguarding ---


@pytest.mark.parametrize("kind", [AlertKind.FLAGGED, AlertKind.REPLY_DUE, AlertKind.DEADLINE_MISSED])
def test_a_safeguarding_subject_is_a_case_number(kind: AlertKind) -> None:
    mail = compose(facts(kind, items=(DISCLOSURE,), safeguarding=True))
    assert mail.subject == "Case 17: please read now"
    assert mail.urgent


def test_an_urgent_item_is_protected_even_if_the_facts_forget_it() -> None:
    for view in (replace(DISCLOSURE, categories=("threat",)), replace(DISCLOSURE, severity="medium")):
        mail = compose(facts(items=(view,), safeguarding=False, recipient=OFFICE))
        assert mail.subject == "Case 17: please read now"
        assert view.text not in mail.text


def test_a_safeguarding_mail_says_first_what_not_to_do() -> None:
    mail = compose(facts(items=(DISCLOSURE,), safeguarding=True))
    for rule in (
        "Do not question the child, do not promise secrecy, do not delete.",
        "call 999",
        "Save a copy of the words and the link before anything is hidden",
    ):
        assert mail.text.index(rule) < mail.text.index(DISCLOSURE.text)
    assert "Agree with the safeguarding lead before anybody replies." in mail.text


def test_no_preview_shows_a_word_of_a_safeguarding_item() -> None:
    mail = compose(facts(items=(DISCLOSURE,), safeguarding=True))
    previews = (mail.text[:300], html_escapes.unescape(Page(mail).text)[:300])
    for preview in previews:
        for told in (DISCLOSURE.text, "Robin", "harm", "secret title", "Facebook"):
            assert told not in preview


def test_a_shared_mailbox_gets_only_the_number_and_where_to_look() -> None:
    mail = compose(facts(items=(DISCLOSURE,), safeguarding=True, recipient=OFFICE))
    assert mail.text.startswith("Find the safeguarding lead or a deputy now: case 17 needs them.")
    assert "Case 17 stands on Facebook, in school-page." in mail.text
    for part in (mail.subject, mail.text, mail.html):
        for secret in (
            DISCLOSURE.text,
            "afraid",
            "Robin",
            "http",
            "secret title",
            "telling of harm",
            "24 Nov",
        ):
            assert secret not in part


def test_a_safeguarding_mail_without_its_item_still_says_what_to_do() -> None:
    for recipient in (ANA, OFFICE):
        mail, problem = compose_or_plain(facts(safeguarding=True, recipient=recipient))
        assert problem is None
        assert mail.subject == "Please read now"
        assert "do not promise secrecy" in mail.text


@pytest.mark.parametrize("kind", [AlertKind.FLAGGED_SUMMARY, AlertKind.ASK_ANSWERED, AlertKind.UNSCORED])
def test_a_list_to_a_shared_mailbox_leaves_out_what_is_protected(kind: AlertKind) -> None:
    mail = compose(facts(kind, items=(item(), DISCLOSURE), recipient=OFFICE))
    for secret in (DISCLOSURE.text, "Robin", "afraid"):
        assert secret not in mail.text + mail.html
    assert "Case 17" in mail.text


def test_what_nobody_has_judged_is_not_shown_to_a_shared_mailbox_but_can_be_found() -> None:
    mail = compose(facts(AlertKind.UNSCORED, items=(item(categories=(), severity="none"),), recipient=OFFICE))
    assert WORDS not in mail.text + mail.html
    assert "Jo Example" not in mail.text + mail.html
    assert LINK in mail.text


@ALL
def test_no_subject_holds_a_word_of_the_platforms(kind: AlertKind) -> None:
    subject = compose(one_of_each()[kind.value]).subject
    assert not re.search("useless|sorry|Jo Example", subject)


# --- many items ---


def test_a_long_summary_is_capped_and_says_how_many_more() -> None:
    many = tuple(item(number, severity="medium") for number in range(1, MOST_ITEMS + 13))
    mail = compose(facts(AlertKind.FLAGGED_SUMMARY, items=many, count=100))
    assert mail.subject == "100 older items on Facebook need a look"
    assert mail.text.count(f"> {WORDS}") == MOST_ITEMS
    assert "… and 50 more." in mail.text


def test_urgent_items_are_never_capped_and_stand_first() -> None:
    ordinary = tuple(item(number, severity="medium") for number in range(1, 11))
    urgent = tuple(item(number, severity="urgent") for number in range(100, 100 + MOST_ITEMS + 5))
    mail = compose(facts(AlertKind.FLAGGED_SUMMARY, items=(*ordinary, *urgent)))
    assert all(f"Case {view.case_number}\n" in mail.text for view in urgent)
    assert "for the safeguarding lead" in mail.text
    assert "Case 1:" not in mail.text
    assert "… and 10 more." in mail.text


def test_the_question_shows_the_reply_and_what_waits() -> None:
    mail = compose(one_of_each()["ask_answered"])
    assert mail.subject == "Did the school's reply on Facebook answer 2 comments?"
    assert mail.text.index("> Thank you, all.") < mail.text.index("Case 3")
    assert "Case 4" in mail.text


def test_every_mail_names_the_command_that_notes_what_a_person_did() -> None:
    assert "schoolwatch cases --close 12 --by ana" in compose(facts(items=(item(),))).text
    assert "schoolwatch decide 12 wrong --by ana" in compose(facts(items=(item(),))).text
    assert "schoolwatch cases --answered CASE --by ana" in compose(one_of_each()["ask_answered"]).text
    assert "schoolwatch cases --acknowledge 17 --by ana" in compose(facts(items=(DISCLOSURE,))).text


def test_a_direct_message_is_not_said_to_be_public() -> None:
    assert "for everybody to read" not in compose(facts(items=(item(kind="direct"),))).text


def test_unscored_says_how_many_wait_and_since_when() -> None:
    mail = compose(one_of_each()["unscored"])
    assert mail.text.startswith("Look at these 61 items yourself now")
    assert "since Tuesday 24 November, 09:05 (5 hours)" in mail.text


def test_unscored_with_none_waiting_does_not_say_nought() -> None:
    for kind in (AlertKind.UNSCORED, AlertKind.SCORED_AGAIN):
        mail = compose(facts(kind, error="engine_failed"))
        assert not re.search(r"\b0\b", mail.subject + mail.text)


def test_set_aside_lists_numbers_and_reasons_in_words() -> None:
    views = (
        SetAsideView(3, "nul_removed", "id-9", NOW),
        SetAsideView(4, "row 7: no column text_body.", None, NOW),
        SetAsideView(5, "Items from before may be missing.", f"gap {NOW.isoformat()}", NOW),
    )
    text = compose(facts(AlertKind.SET_ASIDE, set_aside=views)).text
    assert (
        "No. 3: It held null characters; they were taken out and the rest was kept. Item id-9, seen" in text
    )
    assert "No. 4: Row 7: no column text_body. Seen" in text
    assert "gap 2026" not in text


# --- sources ---


def test_blind_says_what_to_do_about_the_cause() -> None:
    mail = compose(one_of_each()["blind"])
    assert mail.subject == "Cannot read school-page since 09:05 today"
    assert mail.text.startswith("Have the access to school-page renewed now.")
    assert "The platform no longer accepts the access" in mail.text


def test_a_cause_that_nobody_knows_is_still_readable() -> None:
    text = compose(facts(AlertKind.BLIND, source="school-page", error="moon_too_bright")).text
    assert "moon too bright" in text
    assert "Read school-page yourself" in text


def test_a_gap_is_said_when_a_source_sees_again() -> None:
    mail = compose(replace(one_of_each()["sees_again"], reason="gap"))
    assert "some items may be missing" in mail.subject
    assert mail.text.startswith("Look through school-page yourself")
    assert compose(one_of_each()["sees_again"]).text.startswith("Nothing to do")


# --- hostile input ---

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=https://tracker.example/x.png onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "{case} {0.__class__}",
    "Subject: you won\r\nBcc: everybody@example.org",
    "abc\u202egnp.exe\u2066\u200f",
    "nul\x00 bell\x07 esc\x1b[2J",
    "half \ud83d surrogate",
    "z" + "\u0301" * 500,
    "word" * 5000,
    "line\n" * 3000,
    "\u2028\u2029\x85\x0b\x0c",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(hostile: str) -> None:
    view = item(
        text=hostile,
        author_name=hostile,
        title=hostile,
        spans=(hostile,),
        permalink=hostile,
        source=hostile,
        platform=hostile,
        kind=hostile,
        categories=(hostile,),
        state=hostile,
    )
    for kind in AlertKind:
        said = facts(
            kind,
            items=(view,),
            reply=view,
            source=hostile,
            error=hostile,
            reason=hostile,
            due_reason=hostile,
            school_name=hostile,
            recipient=replace(ANA, name=hostile),
            set_aside=(SetAsideView(1, hostile, hostile, NOW),),
            digest=Digest(
                week=replace(WEEK, volumes=(Volume(hostile, hostile, 1),), set_aside=((hostile, 1),)),
                sources=(SourceSeen(hostile, hostile, official=True),),
                blind_now=(hostile,),
                register=(hostile,),
            ),
        )
        mail, problem = compose_or_plain(said)
        assert problem is None
        assert len(mail.subject) <= 70
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", mail.subject)
        for part in (mail.text, mail.html):
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", part)
            part.encode("utf-8")
            assert len(part) < 60_000
        tags = {tag for tag, _ in Page(mail).tags}
        assert not tags & {"script", "img"}
        assert not [attrs for tag, attrs in Page(mail).tags if tag == "a" or "onerror" in attrs]


def test_every_line_of_a_quote_is_marked_as_one() -> None:
    text = compose(facts(items=(item(text="Hello.\n\nIF NOBODY DOES ANYTHING\n-- \nCall this number"),))).text
    assert "\n> IF NOBODY DOES ANYTHING\n> --\n> Call this number\n" in text


def test_a_long_text_is_shortened_and_says_how_to_see_it_all() -> None:
    mail = compose(facts(items=(item(text="Why? " * 2000),)))
    assert "of 9,999 characters are shown" in mail.text
    assert "“schoolwatch explain case:12”" in mail.text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,hello",
        "//facebook.com/x",
        "https://",
        "https://www.facebook.com@evil.example/",
        "https://faceb\u043eok.com/",
        "https://www.facebook.com/ x",
        "https://www.facebook.com/\nBcc:",
        "https://www.facebook.com/\u202ex",
        'https://www.facebook.com/"x',
        "https://[::1",
        "https://host:99999/",
        "https://host/" + "a" * 3000,
        "",
    ],
)
def test_what_is_no_plain_web_address_is_no_link(address: str) -> None:
    assert web_link(address) is None
    mail = compose(facts(items=(item(permalink=address),)))
    assert not [tag for tag, _ in Page(mail).tags if tag == "a"]


def test_a_link_in_the_words_is_warned_of() -> None:
    assert mentions_a_link("see bit.ly/x")
    assert not mentions_a_link("see you at 10.30. Bye")
    assert (
        "do not open it from this mail" in compose(facts(items=(item(text="look: http://x.example"),))).text
    )


@given(text=st.text(max_size=300), limit=st.integers(min_value=2, max_value=80))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert one_line(line, limit) == line


@given(text=st.text(max_size=400))
def test_a_passage_keeps_the_words_and_counts_them(text: str) -> None:
    made = passage(text, 200, 10)
    assert len(made.text) <= 200
    assert made.text.count("\n") < 10
    assert made.cut == (made.shown < made.whole)


@settings(max_examples=30)
@given(text=st.text(st.characters(exclude_categories=[])), name=st.text())
def test_no_comment_at_all_stops_a_mail(text: str, name: str) -> None:
    mail, problem = compose_or_plain(facts(items=(item(text=text, author_name=name, title=name),)))
    assert problem is None
    mail.html.encode("utf-8")


# --- languages that no engine can judge


def test_a_list_of_unread_languages_names_them_and_says_that_no_engine_could_judge_it() -> None:
    arabic = replace(FOREIGN, language="ar", text="متى يبدأ الاجتماع؟")
    mail = compose(facts(AlertKind.UNREAD, items=(FOREIGN, arabic), count=2))
    assert mail.subject == "Please read 2 items in Arabic and Polish"
    assert mail.text.startswith(
        "Please read these 2 items today, or have them read: they are in Arabic and Polish"
    )
    assert "no engine could judge" in mail.text.splitlines()[0]
    for said in (FOREIGN.text, arabic.text, "Arabic: no engine could judge it"):
        assert said in mail.text
        assert said in Page(mail).text


def test_of_many_unread_languages_the_subject_gives_the_number() -> None:
    many = tuple(replace(FOREIGN, language=code) for code in ("pl", "ro", "ur-Latn", "so"))
    assert (
        compose(facts(AlertKind.UNREAD, items=many, count=4)).subject == "Please read 4 items in 4 languages"
    )


def test_an_unread_item_that_became_the_leads_shows_nothing_in_the_list() -> None:
    mail = compose(facts(AlertKind.UNREAD, items=(FOREIGN, DISCLOSURE), count=2))
    assert "afraid" not in mail.text + mail.html
    assert "Robin" not in mail.text + mail.html


def test_a_flagged_item_says_its_language_and_a_language_that_is_read_is_only_named() -> None:
    unread = compose(facts(AlertKind.FLAGGED, items=(item(language="pl", unread=True),), reason="first"))
    read = compose(facts(AlertKind.FLAGGED, items=(item(language="cy"),), reason="first"))
    assert "Language: Polish: no engine could judge it" in unread.text
    assert "Language: Welsh\n" in read.text
    assert "Language:" not in compose(facts(AlertKind.FLAGGED, items=(item(),), reason="first")).text


def test_an_unread_item_is_shown_whole_for_its_beginning_says_nothing_about_its_end() -> None:
    long = "dobrze " * 100 + "i po ciebie przyjdę"
    mail = compose(facts(AlertKind.UNREAD, items=(replace(FOREIGN, text=long),), count=1))
    assert "przyjdę" in mail.text
    assert "przyjdę" in Page(mail).text
    longer = compose(facts(AlertKind.UNREAD, items=(replace(FOREIGN, text=long * 5),), count=1))
    assert "Shortened" in longer.text
