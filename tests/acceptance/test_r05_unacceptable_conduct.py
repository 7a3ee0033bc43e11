"""R05: unacceptable conduct is told at once and by its name; each kind has a threshold and a severity of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.outside import Outside
from tests.acceptance.recognised import STAFF, recognised
from tests.integration.service_house import House, MailServer, mail_server

CONDUCT = {
    "defamatory": (
        "Mr Lidgett takes the trip money home and fiddles the receipts, everybody knows it",
        "allegation",
        "an allegation against somebody",
    ),
    "discriminatory": (
        "All these immigrants are scum, send them back and give our kids the places",
        "identity_attack",
        "an attack on who somebody is",
    ),
    "offensive": ("The head is a stupid idiot and a pathetic moron.", "insult", "an insult"),
    "harassing": ("nobody sit with marcus tomorrow he stinks of bins", "bullying", "bullying"),
    "data": (
        "here's Mrs Harker's mobile 07700 900321, ring her at home",
        "data_breach",
        "personal data shown in public",
    ),
    "confidential": (
        "Jake Ferris in 7B has been put on a child protection plan btw",
        "data_breach",
        "personal data shown in public",
    ),
    "copyright": (
        "This video uses our music without a licence. Take it down, this is a copyright claim",
        "copyright",
        "use of somebody's work without leave",
    ),
}
"""Each kind of conduct: the comment, the category, and the words by which people are told."""

ACCEPTABLE = {
    "a complaint": "I don't agree with Mr Lidgett about homework, two hours a night is too much",
    "who we are": "We are a Muslim family and this school has always made us welcome",
    "cross": "The queue for tea was far too long, please get a second urn",
    "left out": "Nobody sat with us at the quiz so we won the wooden spoon in peace",
    "the office": "Is 01632 960100 still the number for the absence line?",
    "a name": "Congratulations to Jake Ferris in 7B on his gold award",
    "a photograph": "Thank you for asking before you used my photograph",
}


def body(mail: EmailMessage) -> str:
    """The words of a mail, however its lines were broken."""
    content = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    return " ".join(content.replace("\n> ", " ").split())


def test_r05_every_kind_of_unacceptable_conduct_is_told_at_once_by_its_name_and_nothing_else_is(
    oakfield_anywhere: Outside,
) -> None:
    school = oakfield_anywhere
    school.settle(STAFF)
    comments = {one: text for one, (text, _, _) in CONDUCT.items()} | ACCEPTABLE
    found = recognised(school, comments)

    assert {one for one in comments if found[one].flagged} == set(CONDUCT)
    for one, (text, category, words) in CONDUCT.items():
        assert found[one].categories[0] == category
        for moderator in ("one", "two"):
            (mail,) = [mail for mail in school.sink.to(moderator) if text in body(mail)]
            assert f"It was flagged for {words}" in body(mail)
            assert f"How serious it looks: {found[one].severity}." in body(mail)
            assert mail["Subject"].lower().startswith(words), "named where people look first"
            assert mail.get_body(("html",)) is not None
    everything = " ".join(body(mail) for mail in school.sink.mails)
    subjects = " ".join(str(mail["Subject"]) for mail in school.sink.mails)
    assert [text for text in ACCEPTABLE.values() if text in everything] == []
    assert [word for word in ("Lidgett", "marcus", "07700", "Ferris", "moron") if word in subjects] == []
    assert school.sink.to("head") == []


def judged(school: Outside, more: str) -> dict[str, dict[str, Any]]:
    """What `schoolwatch score` makes of each kind of conduct under these settings."""
    school.settle(STAFF + more)
    texts = "".join(f"{text}\n" for text, _, _ in CONDUCT.values())
    done = school.run("score", "--config", school.config, stdin=texts)
    assert done.returncode == 0, done.stderr
    return dict(zip(CONDUCT, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("kind", ["offensive", "harassing", "copyright"])
def test_r05_a_kinds_threshold_and_severity_change_that_kind_alone(oakfield: Outside, kind: str) -> None:
    before = judged(oakfield, "")
    category = CONDUCT[kind][1]
    at = before[kind]["scores"][category]
    more = f"[judgement.thresholds.{category}]\nurgent = {at - 0.001:.4f}\n"
    after = judged(oakfield, more)
    assert before[kind]["severity"] in ("medium", "high")
    assert after[kind]["severity"] == "urgent"
    assert {one: after[one]["severity"] for one in CONDUCT if one != kind} == {
        one: before[one]["severity"] for one in CONDUCT if one != kind
    }


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.mark.xdist_group("service")
def test_r05_a_worker_that_runs_tells_of_it_by_itself(tmp_path: Path, mail: MailServer) -> None:
    house = House(tmp_path, mail)
    house.configure("page")
    house.write("page", "1", ACCEPTABLE["who we are"])
    house.write("page", "2", CONDUCT["confidential"][0])
    try:
        worker = house.start()
        to, told = mail.mail("Personal data")
        assert to == "mona"
        assert CONDUCT["confidential"][0] in body(told)
        worker.ear.wait_until_idle()
        assert worker.stop() == 0
        mail.message_ids()
        assert [who for who, _ in mail.seen].count("mona") == 1, "and of nothing else"
    finally:
        house.close()
