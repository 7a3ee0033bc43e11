"""Every code has words, and words never stop a mail."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors.errors
from alerts import wording
from alerts.kinds import AlertKind
from alerts.wording import counted, knows, readable, sections, sentence
from connectors.item import ItemKind, ItemState
from monitor.domain.verdict import Category, Severity
from monitor.pipeline.clean import REPORTED

ROOMS = Path(wording.__file__).parents[2]
ALERTS = ROOMS / "alerts"

ERROR_CODES = {
    error.code
    for error in vars(connectors.errors).values()
    if isinstance(error, type) and issubclass(error, connectors.errors.ConnectorError)
}


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("kinds", set(AlertKind)),
        ("categories", set(Category)),
        ("severities", {str(severity) for severity in Severity}),
        ("items.noun", set(ItemKind)),
        ("items.a", set(ItemKind)),
        ("items.state", set(ItemState) - {ItemState.VISIBLE}),
        ("errors.cause", ERROR_CODES),
        ("errors.todo", ERROR_CODES),
        ("errors.how", ERROR_CODES),
        ("set_aside", set(REPORTED)),
        ("deadlines.due", {"24_hours", "hours", "weekend", "bank_holiday", "closure_day", "friday_rule"}),
        (
            "alerts",
            {
                *("first", "more_severe", "edited_more_severe", "reopened_reply_deleted", "replanned"),
                *("lead_before_deadline", "last_staffed_time_before_deadline", "no_staffed_time_left"),
                "deadline_passed",
            },
        ),
        ("errors.classifier", {"engine_failed", "text_failed"}),
        ("todo", {f"flagged_{word}" for word in ("low", "medium", "high", "urgent")}),
    ],
)
def test_every_code_has_words(section: str, codes: set[str]) -> None:
    assert sorted(code for code in codes if not knows("en", section, code)) == []


def test_every_sentence_of_the_mails_own_is_said_somewhere() -> None:
    """Sections that hold codes of others may know more than is used today; the mail's own may not."""
    sources = [*ALERTS.rglob("*.py"), *ALERTS.rglob("*.j2")]
    said = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    own = ("labels", "subjects", "todo", "paragraphs", "safeguarding", "commands", "times")
    made = re.compile(
        r"(flagged_(elsewhere_)?(low|medium|high|urgent)|(weekday|month)_\d+|(label|heading)_\w+)$"
    )
    unused = [
        f"{section}.{code}"
        for section in own
        for code in sections()[section]
        if not made.match(code)
        and f'"{code}' not in said
        and f'"{re.sub("_(one|many|nothing|unexplained|safeguarding|undated)$", "", code)}"' not in said
        and '"flagged_{' not in code
    ]
    prefixes = ("flagged_allegation", "flagged_data_breach", "flagged_media", "due_", "agree_first")
    assert [name for name in unused if not name.partition(".")[2].startswith(prefixes)] == []


@pytest.mark.parametrize("section", sorted(sections()))
def test_every_sentence_is_well_formed_and_short(section: str) -> None:
    for code, words in sections()[section].items():
        fields = [name for _, name, _, _ in string.Formatter().parse(words) if name is not None]
        assert all(name.isidentifier() for name in fields), code
        assert words == words.strip() or code == "case_note", code
        assert len(words) < 250, code
        assert "  " not in words, code


def test_what_to_do_is_known_for_every_cause() -> None:
    known = sections()
    assert set(known["errors.cause"]) == set(known["errors.todo"]) == set(known["errors.how"])


def test_an_unknown_code_reads_as_itself() -> None:
    assert sentence("en", "errors.cause", "moon_too_bright") == "moon too bright"


def test_a_sentence_in_place_of_a_code_stays_as_it_is() -> None:
    assert sentence("en", "set_aside", "row 7 has no column text_body") == "row 7 has no column text_body"


def test_an_unknown_section_or_language_is_no_error() -> None:
    assert sentence("en", "nowhere", "some_code") == "some code"
    assert sentence("cy", "categories", "threat") == "a threat"
    assert sentence("../en", "categories", "threat") == "a threat"


def test_a_missing_parameter_is_no_error() -> None:
    assert sentence("en", "paragraphs", "due_by") == "due by"


def test_one_and_many_are_told_apart() -> None:
    assert counted("en", "times", "hour", 1) == "1 hour"
    assert counted("en", "times", "hour", 2000) == "2,000 hours"


@given(language=st.text(max_size=5), section=st.text(max_size=20), code=st.text(max_size=40))
def test_no_code_ever_raises(language: str, section: str, code: str) -> None:
    assert sentence(language, section, code, n=1) == readable(code)
