"""Settings: what loads, what is refused and with which sentence."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from config import environment, presets, schema
from config.judgement import ALWAYS_ON, CATEGORIES, Judgement, PresetName
from config.settings import ConfigError, Problem, Settings, load
from config.toml_lines import key_lines, line_of
from connectors.item import ItemKind
from monitor.classifier.standard import PRESETS
from monitor.domain.verdict import SAFEGUARDING, Category

EXAMPLE = Path(schema.__file__).parent / "example.toml"

MAIL = '[mail]\nsender = "schoolwatch@oak.example"\n'
SCHOOL = """
[school]
id = "oak"
name = "Oak Primary"
nation = "ENG"
"""
PEOPLE = """
[[people]]
id = "jb"
name = "Jo Bloggs"
email = "jo@oak.example"
roles = ["moderator"]

[[people]]
id = "ali"
name = "Ali Khan"
email = "ali@oak.example"
roles = ["safeguarding_lead"]
"""
GOOD = MAIL + SCHOOL + PEOPLE
ACCOUNT = '\n[[accounts]]\nname = "blog"\nplatform = "feed"\n'


def settings(folder: Path, text: str = GOOD, environ: Mapping[str, str] | None = None) -> Settings:
    (folder / "schoolwatch.toml").write_text(text, encoding="utf-8")
    return load(folder / "schoolwatch.toml", environ or {})


def problems(folder: Path, text: str = GOOD, environ: Mapping[str, str] | None = None) -> list[str]:
    """Each problem as it is printed, the file's folder left out."""
    with pytest.raises(ConfigError) as refused:
        settings(folder, text, environ)
    return [str(problem).removeprefix(f"{folder}/") for problem in refused.value.problems]


def only(folder: Path, text: str = GOOD, environ: Mapping[str, str] | None = None) -> str:
    found = problems(folder, text, environ)
    assert len(found) == 1, found
    return found[0]


def line(text: str, key: str) -> int:
    return text[: text.index(key)].count("\n") + 1


# --- what loads


def test_a_small_file_loads_with_every_default(tmp_path: Path) -> None:
    found = settings(tmp_path)
    school = found.school("oak")
    assert found.schools == (school,)
    assert school.hours.staffed_from == time(8, 30)
    assert school.hours.weekdays == {0, 1, 2, 3, 4}
    assert school.deadline.kinds == ("comment", "reply", "visitor_post", "review", "direct", "report")
    assert found.worker.poll_minutes == 5
    assert found.state_dir == tmp_path / "state"
    assert found.database_url == f"sqlite:///{tmp_path}/state/schoolwatch.db"


def test_the_tree_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path).worker.poll_minutes = 1  # type: ignore[misc]


def test_an_unknown_school_is_asked_for_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match='No school "elm" is configured'):
        settings(tmp_path).school("elm")


def test_sources_are_found_by_name(tmp_path: Path) -> None:
    school = settings(tmp_path, GOOD + ACCOUNT + '[[watches]]\nname = "news"\nplatform = "feed"\n').schools[0]
    account, watch = school.account("blog"), school.source("news")
    assert account is not None
    assert account is school.source("blog")
    assert watch is school.watches[0]
    assert school.account("news") is None
    assert school.source("none") is None


def test_a_naive_watch_from_is_of_the_schools_own_clock(tmp_path: Path) -> None:
    school = settings(tmp_path, GOOD + ACCOUNT + "watch_from = 2026-07-01T08:00:00\n").schools[0]
    assert school.accounts[0].watch_from == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_a_watch_from_that_is_only_a_date_begins_at_midnight(tmp_path: Path) -> None:
    school = settings(tmp_path, GOOD + ACCOUNT + "watch_from = 2026-01-01\n").schools[0]
    assert school.accounts[0].watch_from == datetime(2026, 1, 1, tzinfo=UTC)


def test_closure_days_are_dates_and_ranges(tmp_path: Path) -> None:
    text = GOOD + "[deadline]\nclosure_days = [2026-12-24, { from = 2026-12-28, until = 2026-12-29 }]\n"
    closed = settings(tmp_path, text).schools[0].deadline.closed_dates()
    assert closed == {date(2026, 12, 24), date(2026, 12, 28), date(2026, 12, 29)}


def test_a_file_from_windows_loads(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(tmp_path / "w.toml", {}).schools[0].id == "oak"


def test_kinds_of_item_are_those_of_the_connectors() -> None:
    assert set(get_args(schema.ItemKindName)) == {kind.value for kind in ItemKind}


def test_categories_and_presets_are_those_of_the_classifier() -> None:
    assert sorted(CATEGORIES) == sorted(Category)
    assert set(ALWAYS_ON) == {*SAFEGUARDING, Category.THREAT}
    assert get_args(PresetName) == PRESETS


def test_reading_the_settings_module_does_not_import_sqlalchemy() -> None:
    code = "import sys, config.settings; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=EXAMPLE.parents[1], check=False).returncode == 0


# --- schools.d


def school_file(folder: Path, name: str, text: str) -> None:
    (folder / "schools.d").mkdir(exist_ok=True)
    (folder / "schools.d" / name).write_text(text, encoding="utf-8")


def test_a_trust_has_a_file_for_each_school(tmp_path: Path) -> None:
    school_file(tmp_path, "b.toml", SCHOOL.replace("oak", "elm") + PEOPLE)
    school_file(tmp_path, "a.toml", SCHOOL.replace("oak", "ash") + PEOPLE)
    school_file(tmp_path, "a.toml.orig", "not read")
    assert [school.id for school in settings(tmp_path).schools] == ["oak", "ash", "elm"]
    assert [school.id for school in settings(tmp_path, MAIL).schools] == ["ash", "elm"]


def test_two_schools_cannot_have_one_id(tmp_path: Path) -> None:
    school_file(tmp_path, "b.toml", SCHOOL + PEOPLE)
    said = f'schools.d/b.toml:3: school.id: is "oak", as in {tmp_path}/schoolwatch.toml; choose another.'
    assert only(tmp_path) == said


def test_a_schools_file_has_no_say_in_the_installation(tmp_path: Path) -> None:
    school_file(tmp_path, "b.toml", SCHOOL.replace("oak", "elm") + PEOPLE + MAIL)
    assert only(tmp_path).endswith("mail: belongs to the whole installation; move it to the main file.")


def test_an_installation_without_a_school_is_refused(tmp_path: Path) -> None:
    assert (
        only(tmp_path, MAIL) == "schoolwatch.toml: Has no school; add [school] here or a file in schools.d."
    )


def test_all_problems_of_all_files_and_the_environment_come_at_once(tmp_path: Path) -> None:
    school_file(tmp_path, "a.toml", "[school\n")
    school_file(tmp_path, "b.toml", SCHOOL.replace('"ENG"', '"FRA"') + PEOPLE)
    found = problems(
        tmp_path, GOOD + ACCOUNT + 'staff = ["zz"]\n[hours]\nquiet_from = 20\n', {"SCHOOLWATCH_A__B": "1"}
    )
    assert [said.split(": ")[0].split(":")[0] for said in found] == [
        "environment",
        "schoolwatch.toml",
        "schoolwatch.toml",
        "schools.d/a.toml",
        "schools.d/b.toml",
    ]


# --- files that cannot be read


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file or directory\); write one with `schoolwatch init`"):
        load(tmp_path / "no.toml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {})


def test_a_file_that_is_not_utf8_says_where(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(GOOD.encode() + b"# caf\xe9\n")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "s.toml", {})
    place = GOOD.count("\n") + 1
    assert refused.value.problems == (
        Problem(str(tmp_path / "s.toml"), place, "", "Has a sign that is not UTF-8; save the file as UTF-8."),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = \n", "1: Is not TOML here: invalid value; compare with example.toml."),
        ("a = 1\na = 2\n", "2: Is not TOML here: cannot overwrite a value; compare with example.toml."),
        ("[hours]\nquiet_from = 20:00\n", '2: Has a time without quotes; write it as "08:30".'),
        ("a = [\n1,\n", "3: Is not TOML here: invalid value; compare with example.toml."),
    ],
)
def test_what_is_not_toml_says_where(tmp_path: Path, text: str, said: str) -> None:
    assert only(tmp_path, text) == f"schoolwatch.toml:{said}"


def test_a_file_nested_too_deeply_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    assert "nested too deeply" in only(tmp_path, "a = " + "[" * 5000 + "]" * 5000)


# --- sentences


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ACCOUNT + 'staff = ["kk"]',
            'staff: names "kk", who is not among [[people]]; add that person or correct the name.',
        ),
        (ACCOUNT + "poll_minutes = true", "poll_minutes: must be a whole number."),
        (ACCOUNT + "poll_minutes = 0", "poll_minutes: must be 1 or more."),
        (ACCOUNT + "review_date = 2026", "review_date: must be a date such as 2026-09-01."),
        (ACCOUNT + 'open = "perhaps"', "open: must be true or false."),
        (ACCOUNT + 'stuff = ["jb"]', 'stuff: is no setting; did you mean "staff"?'),
        ("[hours]\nquiet_from = 2000", 'quiet_from: must be a time of day in quotes, such as "08:30".'),
        ("[hours]\nstaffed_until = '08:00'", "staffed_until: must be later than staffed_from."),
        ("[hours]\nduty_until = '07:00'", "duty_until: must be later than duty_from."),
        ("[hours]\nworking_days = []", "working_days: must not be empty."),
        ("[hours]\nworking_days = ['mon', 'mon']", "working_days: names a day twice; remove one."),
        (
            "[deadline]\nlead_hours = 24",
            "lead_hours: must be less than hours, else every warning comes too late.",
        ),
        (
            "[deadline]\nclosure_days = [{ from = 2026-12-28, until = 2026-12-20 }]",
            "closure_days[0]: ends before it begins; swap its dates.",
        ),
        (
            "[deadline]\nclosure_days = [{ from = 2026-12-28, until = 2226-12-29 }]",
            "closure_days[0]: is longer than 400 days; correct a year in it.",
        ),
        (
            '[routes]\n"flagged.hihg" = ["head"]',
            'routes."flagged.hihg": is no setting; did you mean "flagged.high"?',
        ),
        (
            '[routes]\nflagged.high = ["head"]',
            'flagged: must be one key in quotes with a list, such as "flagged.high".',
        ),
        ('[routes]\n"blind" = []', "blind: must not be empty; an alert needs somebody who hears it."),
        ("[houres]", 'houres: is no setting; did you mean "hours"?'),
        ("[classifier]\nengine = 3", "engine: must be text in quotes."),
        ("[classifier]\npreset = 'loud'", "preset: must be one of 'cautious', 'balanced' or 'quiet'."),
        ("[judgement]\npreset = 'loud'", "preset: must be one of 'cautious', 'balanced' or 'quiet'."),
        ("[judgement.thresholds]\ninsult = 1.5", "insult: must be above 0 and at most 1."),
        ("[judgement.thresholds]\ninsult = nan", "insult: must be a number such as 0.8."),
        ("[judgement.thresholds]\ninsult = true", "insult: must be a number such as 0.8."),
        ("[judgement.thresholds]\ninsult = {}", "such as { medium = 0.8, high = 0.95 }."),
        ("[judgement.thresholds]\ninsult = { high = 0 }", "insult.high: must be above 0 and at most 1."),
        (
            "[judgement.thresholds]\ninsult = { hihg = 0.5 }",
            'insult.hihg: is no setting; did you mean "high"?',
        ),
        (
            "[judgement.thresholds]\ninsult = { medium = 0.9, high = 0.8 }",
            "must rise from medium to high to urgent.",
        ),
        ("[judgement.thresholds]\ninsullt = 0.5", 'insullt: is no category; did you mean "insult"?'),
        (
            "[judgement]\nthresholds = { thanks = { high = 0.5 } }",
            "thresholds: must have a lone number for thanks: nobody is told of it.",
        ),
        (
            "[judgement]\nallowed = ['kill']",
            "must be a name with its capital letter, a phone number or a mail address.",
        ),
        ("[database]\nurl = 'mysql://x/y'", 'or of the form "postgresql+psycopg://user@host/name".'),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    whole = GOOD + text + "\n"
    found = only(tmp_path, whole)
    assert found.endswith(said)
    assert found.startswith(f"schoolwatch.toml:{whole.count(chr(10))}: ")


@pytest.mark.parametrize("category", ["disclosure", "self_harm", "threat", "missing_child"])
def test_no_school_can_switch_off_what_a_child_may_need(tmp_path: Path, category: str) -> None:
    said = only(tmp_path, f'{GOOD}[judgement]\noff = ["insult", "{category}"]\n')
    assert said.endswith(
        "judgement.off[1]: cannot be switched off, because a child or a threat would be missed; "
        "take it out of this list."
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [("off = ['insult', 'zebra']", "off[1]"), ("thresholds = { zebra = 0.5 }", "thresholds.zebra")],
)
def test_a_category_that_is_none_is_refused_and_the_known_ones_named(
    tmp_path: Path, text: str, key: str
) -> None:
    said = only(tmp_path, f"{GOOD}[judgement]\n{text}\n")
    assert f"judgement.{key}: is no category here; remove it, or choose from: adult_at_risk" in said


def test_a_school_has_its_own_say_about_judgement(tmp_path: Path) -> None:
    text = """
[judgement]
preset = "quiet"
off = ["copyright", "insult"]
staff = ["Mrs Achterberg", "Jo Bloggs"]
allowed = ["Cock Lane", "01632 960123", "office@oak.example"]
[judgement.thresholds]
toxicity = 0.95
bullying = { medium = 0.5, urgent = 0.9 }
"""
    school = settings(tmp_path, GOOD + text).schools[0]
    own = school.judgement
    assert own.preset == "quiet"
    assert own.thresholds["toxicity"].start == 0.95
    assert own.thresholds["bullying"].steps() == (("medium", 0.5), ("urgent", 0.9))
    assert school.staff_names == ("Jo Bloggs", "Ali Khan", "Mrs Achterberg")


def test_a_mailbox_of_many_is_nobody_on_the_staff(tmp_path: Path) -> None:
    text = GOOD.replace('name = "Jo Bloggs"', 'name = "The Office"\nshared_mailbox = true')
    assert settings(tmp_path, text).schools[0].staff_names == ("Ali Khan",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "oak"', 'id = "Oak"', "school.id: must be 2 to 63 lower-case letters"),
        ('nation = "ENG"', 'nation = "ENG"\ntimezone = "Europe"', "school.timezone: is no known time zone"),
        (
            'nation = "ENG"',
            'nation = "ENG"\ntimezone = "/etc/passwd"',
            "school.timezone: is no known time zone",
        ),
        ('name = "Oak Primary"', 'name = "Oak\\nBcc: x"', "school.name: must be one line"),
        ('name = "Oak Primary"', 'name = " "', "school.name: must not be empty."),
        ('nation = "ENG"', "", "school.nation: is missing; add it."),
        (
            'id = "ali"',
            'id = "jb"',
            'people[1].id: is "jb", which an earlier person has already; choose another.',
        ),
        ("ali@oak.example", "ali at oak", "people[1].email: must be a mail address such as"),
        ("ali@oak.example", "a@b@oak.example", "people[1].email: must be a mail address such as"),
        ('["moderator"]', '["moderater"]', "people[0].roles[0]: must be one of 'moderator', 'duty'"),
        ('["moderator"]', '["duty"]', 'people: need at least one with the role "moderator"'),
        ('["safeguarding_lead"]', '["head"]', 'people: need at least one with the role "safeguarding_lead"'),
        (
            PEOPLE,
            "[people]\nid = 'x'\n",
            "people: must stand as [[people]] with double brackets, once for each.",
        ),
        ('sender = "schoolwatch@oak.example"', "", "mail.sender: is missing; add it."),
        ("[mail]\n", '[mail]\nusername = "x"\n', "mail: needs username and password_secret together"),
        (
            "[mail]\n",
            '[mail]\nhost = "m.example"\nsecurity = "none"\n',
            'mail.security: may be "none" only for a mail',
        ),
        ("[mail]\n", 'state_dir = "~nobody/x"\n[mail]\n', "state_dir: must be a path without ~ in it"),
        ("[mail]\n", "[mail]\nport = nan\n", "mail.port: must be a whole number."),
        (PEOPLE, "[people.x]\nid = 'x'\n", ":8: people: must stand as [[people]] with double brackets"),
        ("[mail]\n", 'public_url = "http://a.example"\n[mail]\n', "public_url: must begin with https://"),
    ],
)
def test_a_wrong_value_is_said_at_its_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(said in line for line in found), found


def test_a_school_that_is_only_a_word_is_no_crash(tmp_path: Path) -> None:
    found = problems(
        tmp_path, 'school = "oak"\nmail = 3\nhours = []\nroutes = 1\npeople = 2\naccounts = [1]\n'
    )
    places = [said.split(": ")[1] for said in found]
    assert places == ["mail", "school", "hours", "routes", "people", "accounts[0]"]


def test_clear_text_may_go_to_this_very_machine(tmp_path: Path) -> None:
    text = GOOD.replace("[mail]\n", '[mail]\nhost = "127.0.0.1"\nsecurity = "none"\n')
    assert settings(tmp_path, text).mail.security == "none"


def test_accounts_and_watches_share_their_names(tmp_path: Path) -> None:
    text = GOOD + ACCOUNT + '[[watches]]\nname = "blog"\nplatform = "feed"\n'
    assert only(tmp_path, text).endswith(
        'watches[0].name: is "blog", which an earlier account or watch has already; choose another.'
    )


def test_quiet_hours_must_leave_staffed_time(tmp_path: Path) -> None:
    found = only(tmp_path, GOOD + "[hours]\nquiet_from = '08:00'\nquiet_until = '18:00'\n")
    assert "covers the whole staffed time" in found
    same = settings(tmp_path, GOOD + "[hours]\nquiet_from = '08:00'\nquiet_until = '08:00'\n")
    assert same.schools[0].hours.quiet_from == same.schools[0].hours.quiet_until


def test_one_wrong_person_does_not_bring_follow_on_problems(tmp_path: Path) -> None:
    text = GOOD.replace("ali@oak.example", "ali") + ACCOUNT + 'staff = ["ali", "jb"]\n'
    assert "people[1].email" in only(tmp_path, text)


# --- secrets stay out


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("[mail]\n", '[mail]\npassword = "hunter2"\n'),
        GOOD.replace("[mail]\n", '[mail]\nusername = "u"\npassword_secret = "Hunter2"\n').replace(
            "Hunter2", "hunter2!"
        ),
        GOOD + '[database]\nurl = "postgresql+psycopg://u:hunter2@h/d"\n',
        GOOD + '[database]\nurl = "postgresql+psycopg://u@h/d?password=hunter2"\n',
        GOOD + ACCOUNT + '[accounts.options]\naccess_token = "hunter2"\n',
        GOOD + ACCOUNT + '[accounts.options]\nurl = "https://u:hunter2@h/"\n',
        GOOD + ACCOUNT + '[accounts.options.deep]\napi-key = "hunter2"\n',
        GOOD + ACCOUNT + '[accounts.secrets]\ntoken = "EAAhunter2"\n',
        GOOD + ACCOUNT + f'[accounts.secrets]\ntoken = "{"hunter2" * 5}"\n',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    found = only(tmp_path, text)
    assert "hunter2" not in found
    assert "take it out" in found


def test_a_name_of_a_secret_may_stand_in_the_file(tmp_path: Path) -> None:
    text = GOOD + ACCOUNT + '[accounts.secrets]\naccess_token = "facebook-token"\n'
    assert settings(tmp_path, text).schools[0].accounts[0].secrets == {"access_token": "facebook-token"}


def test_a_secret_cannot_have_the_name_of_a_setting(tmp_path: Path) -> None:
    text = GOOD.replace("[mail]\n", '[mail]\nusername = "u"\npassword_secret = "state-dir"\n')
    assert "is a name that Schoolwatch uses itself" in only(tmp_path, text)


# --- the environment


def test_a_variable_wins_over_a_files_value_and_that_over_the_toml(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("file.example\n", encoding="utf-8")
    text = GOOD.replace("[mail]\n", '[mail]\nhost = "toml.example"\nport = 587\n')
    pointed = {"SCHOOLWATCH_MAIL__HOST_FILE": str(tmp_path / "value")}
    assert settings(tmp_path, text).mail.host == "toml.example"
    assert settings(tmp_path, text, pointed).mail.host == "file.example"
    both = settings(tmp_path, text, {**pointed, "SCHOOLWATCH_MAIL__HOST": "variable.example"})
    assert (both.mail.host, both.mail.port) == ("variable.example", 587)


def test_numbers_and_lone_values_come_from_variables_too(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        environ={
            "SCHOOLWATCH_WORKER__POLL_MINUTES": "7",
            "SCHOOLWATCH_STATE_DIR": "/var/lib/schoolwatch",
            "SCHOOLWATCH_PUBLIC_URL": "https://s.example/",
            "SCHOOLWATCH_WORKER__LOG_LEVEL": "",
        },
    )
    assert found.worker.poll_minutes == 7
    assert found.state_dir == Path("/var/lib/schoolwatch")
    assert found.public_url == "https://s.example"
    assert found.worker.log_level == "INFO"


def test_the_processs_own_variables_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHOOLWATCH_MAIL__HOST", "elsewhere.example")
    assert settings(tmp_path).mail.host == "localhost"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SCHOOLWATCH_MAIL__PORT", "hunter2", "must be a whole number."),
        ("SCHOOLWATCH_MAIL__HOTS", "hunter2", 'is no setting; did you mean "SCHOOLWATCH_MAIL__HOST"?'),
        ("SCHOOLWATCH_MAIL__PORT_FILE", "/no/hunter2", "names a file that cannot be read; correct its path"),
        ("SCHOOLWATCH_MAIL", '{"host": "hunter2"}', "would set a whole section; set its keys one by one"),
        (
            "SCHOOLWATCH_DATABASE__URL",
            "postgresql+psycopg://u:hunter2@h/d",
            "must not hold a password; take it out",
        ),
        ("SCHOOLWATCH_MAIL__PASSWORD_SECRET", "hunter2!", "must be the name of a secret"),
        ("SCHOOLWATCH_SCHOOL__NAME", "hunter2", "is no setting"),
    ],
)
def test_a_wrong_variable_is_named_without_its_value(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    found = [
        text
        for text in problems(tmp_path, environ={name: value})
        if text.startswith(f"environment: {name}: ")
    ]
    assert len(found) == 1
    assert said in found[0]
    assert "hunter2" not in found[0]


def test_a_variable_of_a_secret_is_no_settings_business(tmp_path: Path) -> None:
    settings(tmp_path, environ={"SCHOOLWATCH_MAIL_PASSWORD": "x", "SCHOOLWATCH_FACEBOOK_TOKEN_FILE": "/y"})


# --- the example


def keys_of(table: Mapping[str, Any], path: str = "") -> set[str]:
    """Paths of all keys; positions, routes' keys and what is a connector's own are left out."""
    found = set()
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        found.add(here)
        if here.endswith((".options", ".secrets")) or here in {
            "routes",
            "deadline.closure_days",
            "judgement.thresholds",
        }:
            continue
        for row in value if isinstance(value, list) else [value]:
            if isinstance(row, dict):
                found |= keys_of(row, here)
    return found


def keys_of_model(model: type[BaseModel], path: str) -> set[str]:
    return {f"{path}.{name}" for name in model.model_fields}


def uncommented() -> str:
    return re.sub(r'^#(?=[a-z"\[])', "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_example_names_every_setting_and_nothing_else() -> None:
    expected = {
        "school",
        "hours",
        "deadline",
        "digest",
        "people",
        "accounts",
        "watches",
        "routes",
        "judgement",
    }
    expected |= {f"school.{name}" for name in ("id", "name", "nation", "timezone", "language")}
    expected |= {".".join(map(str, loc)) for loc in environment.known().values()}
    expected |= {"database", "mail", "worker", "classifier"}
    sections: dict[str, type[BaseModel]] = {
        "hours": schema.Hours,
        "deadline": schema.Deadline,
        "digest": schema.Digest,
        "people": schema.Person,
        "accounts": schema.Account,
        "watches": schema.Watch,
        "judgement": Judgement,
    }
    for section, model in sections.items():
        expected |= keys_of_model(model, section)
    assert keys_of(tomllib.loads(uncommented())) == expected


def test_the_example_loads_as_it_stands_and_with_everything_set(tmp_path: Path) -> None:
    as_it_stands = settings(tmp_path, EXAMPLE.read_text(encoding="utf-8"))
    everything = settings(tmp_path, uncommented())
    assert as_it_stands.schools[0].hours == everything.schools[0].hours
    assert {p.email.partition("@")[2] for p in as_it_stands.schools[0].people} == {"school.example"}


def test_what_the_example_shows_as_default_is_the_default() -> None:
    shown = tomllib.loads(uncommented())
    written = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    models: dict[str, type[BaseModel]] = {
        "database": schema.Database,
        "mail": schema.MailServer,
        "worker": schema.Worker,
        "classifier": schema.Classifier,
        "hours": schema.Hours,
        "deadline": schema.Deadline,
        "digest": schema.Digest,
        "school": schema.School,
        "judgement": Judgement,
    }
    for section, model in models.items():
        for key in shown[section].keys() - written.get(section, {}).keys():
            default = model.model_fields[key].get_default(call_default_factory=True)
            value = shown[section][key]
            if default in (None, (), {}):
                continue  # an example, and its comment says so
            same = [*default] if isinstance(default, tuple) else default
            assert (same.strftime("%H:%M") if isinstance(same, time) else same) == value, (section, key)
    assert shown["routes"] == {key: list(route.roles) for key, route in presets.routes().items()}


# --- lines


def every_key(value: Any, loc: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [(*loc, k) for k in value] + [x for k, v in value.items() for x in every_key(v, (*loc, k))]
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return [x for n, row in enumerate(value) for x in every_key(row, (*loc, n))]
    return []


def test_every_key_of_the_example_has_the_line_it_stands_on() -> None:
    text = uncommented()
    lines = key_lines(text)
    rows = text.split("\n")
    for loc in every_key(tomllib.loads(text)):
        if "closure_days" in loc[:-1]:
            continue
        at = line_of(lines, loc)
        assert at is not None
        assert str(loc[-1]) in rows[at - 1], loc


def test_lines_are_right_after_strings_and_lists_that_look_like_keys() -> None:
    text = '''a = """
b = 1
[c]"""
d = [ # ]
  "x]", 'y',
  { e = 1 },
]
"f.g" = 1
h.i = 'it"s' # [j]
[[k]]
[k."l m"]
n = 1
[[k]]
[[k.o]]
[[k.o]]
p = 2
'''
    tomllib.loads(text)
    lines = key_lines(text)
    assert {key: at for key, at in lines.items() if key[0] in {"a", "b", "c", "d", "e", "f.g", "h", "j"}} == {
        ("a",): 1,
        ("d",): 4,
        ("f.g",): 8,
        ("h",): 9,
        ("h", "i"): 9,
    }
    assert lines[("k", 0)] == 10
    assert lines[("k", 0, "l m", "n")] == 12
    assert lines[("k", 1, "o", 1, "p")] == 16
    assert line_of(lines, ("k", 1, "missing")) == 13
    assert line_of(lines, ("nowhere",)) is None


@given(st.text(alphabet="[]\"'=.#,{}\n\\ ab1", max_size=60))
def test_the_scanner_ends_on_any_text_that_tomllib_reads(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    lines = key_lines(text)
    assert all(line_of(lines, (key,)) for key in table)
