"""What a school sets about judgement holds for its own items, from settings to verdict, beside other schools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from config.judgement import Judgement
from config.schema import MailServer, Settings
from monitor.bootstrap import install
from monitor.classifier.bench import Bench
from monitor.classifier.engine import Scores
from monitor.storage import cases, items, verdicts
from tests.acceptance.outside import Outside
from tests.fakes import Build, World, comment, school

LABELS = ("insult", "copyright", "disclosure")


class HalfSure:
    """Sure of every label whose name stands in the text, but only half sure of an insult."""

    name = "embedded-small"
    version = "1"
    labels = LABELS

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return [{label: self._score(label, text) for label in LABELS} for text in texts]

    def _score(self, label: str, text: str) -> float:
        if label not in text:
            return 0.0
        return 0.85 if label == "insult" else 0.995


def own(**said: object) -> Judgement:
    return Judgement.model_validate(said)


@pytest.fixture
def trust(build: Build) -> World:
    """Three schools with a real bench: one as it comes, one that wants less, one that wants more."""
    world = build(
        school("ash"),
        school("elm", judgement=own(thresholds={"insult": 0.9}, off=["copyright"], preset="quiet")),
        school("oak", judgement=own(thresholds={"insult": {"high": 0.5}}, staff=["Mrs Achterberg"])),
    )
    bench = Bench(HalfSure(), 5)
    world.engine = bench  # type: ignore[assignment]  # the port is the same
    return world


def severities(world: World, school_id: str) -> dict[str, str]:
    """Each item's severity by the platform's id."""
    with world.db.read() as conn:
        found = {}
        for name in ("1", "2", "3"):
            (item,) = items.find(conn, school_id, name)
            found[name] = verdicts.latest_verdicts(conn, school_id, [item])[item].severity
        return found


def test_each_school_is_judged_by_its_own_say(trust: World) -> None:
    for name in ("ash", "elm", "oak"):
        trust.give(
            comment("1", "insult"), comment("2", "copyright"), comment("3", "disclosure"), school_id=name
        )
    assert severities(trust, "ash") == {"1": "medium", "2": "high", "3": "urgent"}
    assert severities(trust, "elm") == {"1": "none", "2": "none", "3": "urgent"}
    assert severities(trust, "oak") == {"1": "high", "2": "high", "3": "urgent"}
    with trust.db.read() as conn:
        assert len(cases.rows(conn, "elm", open_only=False)) >= 1


def test_the_standard_of_a_school_reaches_the_engine(build: Build) -> None:
    world = build(
        school("elm", judgement=own(preset="cautious", staff=["Mrs Achterberg"], allowed=["Grabham"]))
    )
    world.give(comment("1"))
    (standard,) = set(world.engine.standards)
    assert standard.preset == "cautious"
    assert standard.allowed == ("Grabham",)
    assert standard.staff[-1] == "Mrs Achterberg"
    assert "The head" in standard.staff


def test_a_school_without_a_preset_has_the_installations(build: Build) -> None:
    world = build(school("ash"))
    given = Settings(
        schools=(school("ash"), school("elm", judgement=own(preset="quiet"))),
        mail=MailServer(sender="schoolwatch@school.example"),
        classifier={"preset": "cautious"},
    )
    sites = install(given, {}, db=world.db, transport=world.transport).sites
    assert [site.standard.preset for site in sites] == ["cautious", "quiet"]


JUDGEMENT = """
[judgement]
preset = "quiet"
allowed = ["Grabham"]
off = ["copyright"]
[judgement.thresholds]
disclosure = 0.999
insult = 0.9
"""


def test_check_says_what_a_school_may_not_expect_of_its_settings(oakfield: Outside) -> None:
    oakfield.settle(JUDGEMENT)
    done = oakfield.run("check", "--offline", "--config", oakfield.config)
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if "judgement" in line]
    assert said == [
        "advice   oakfield/judgement.thresholds.disclosure: has no effect: for safeguarding and threats it may "
        "only be lower.",
        "advice   oakfield/judgement.off: nobody hears of copyright; the moderators should know that.",
    ]


def test_score_judges_by_a_preset_and_by_a_schools_settings(oakfield: Outside) -> None:
    oakfield.settle(JUDGEMENT + "toxicity = 0.0001\n")
    line = "What time does the gate open?\n"
    plain = oakfield.run("score", "--preset", "cautious", "--engine", "embedded-small", stdin=line)
    assert plain.returncode == 0, plain.stderr
    assert json.loads(plain.stdout)["categories"] == ["query"]
    settled = oakfield.run("score", "--config", oakfield.config, stdin=line)
    assert settled.returncode == 0, settled.stderr
    assert "toxicity" in json.loads(settled.stdout)["categories"]


def test_an_unknown_preset_is_refused(oakfield: Outside) -> None:
    done = oakfield.run("score", "--preset", "loud", stdin="a\n")
    assert done.returncode == 2
    assert "cautious" in done.stderr


def test_the_verdict_of_once_names_the_schools_preset(oakfield: Outside) -> None:
    oakfield.settle(JUDGEMENT)
    now = datetime.now(UTC).isoformat()
    path = oakfield.folder / "one.jsonl"
    path.write_text(json.dumps({"external_id": "1", "text": "hello there", "created_at": now}) + "\n")
    done = oakfield.run("once", "--items", str(path), "--config", oakfield.config)
    assert done.returncode == 0, done.stderr
    told = oakfield.run("explain", "1", "--config", oakfield.config)
    assert " quiet own-" in told.stdout
