"""SIGHUP: good settings take the place of the old ones; wrong ones change nothing, and are told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.judgement import Judgement
from config.problems import ConfigError, Problem
from config.schema import Account, Classifier, Settings, Worker
from config.secrets import SecretMissing
from monitor.bootstrap import install
from monitor.classifier.registry import ENGINES
from monitor.domain.verdict import Category
from monitor.reload import RegisterRefuses, accepted, look_at_register, reload_with
from monitor.storage import events, outages
from tests.fakes import Build, World, school

APPROVED: dict[str, Any] = {"staff": ("mod", "tech"), "approved_by": "The head", "approved_on": "2026-09-01"}


def page(name: str = "page", **fields: Any) -> Account:
    return Account(name=name, platform="files", options={"paths": ["/nowhere"]}, **fields)


def changed(world: World, **fields: Any) -> Settings:
    """The world's settings with accounts that a connector can open, and what is said."""
    here = school(accounts=(page(),), watches=())
    return world.settings.model_copy(update={"schools": (here,), **fields})


def reading(settings: Settings | Exception) -> Callable[[], Settings]:
    def read() -> Settings:
        if isinstance(settings, Exception):
            raise settings
        return settings

    return read


def wrong(*sentences: str) -> ConfigError:
    return ConfigError(
        [Problem("schoolwatch.toml", n, "mail.host", said) for n, said in enumerate(sentences)]
    )


def refuse(world: World, error: Exception) -> None:
    """A reload that meets that error, and the mails that follow."""
    before = world.installation
    assert reload_with(reading(error), {})(before, world.now) is before
    world.settle()


def told(world: World) -> list[str]:
    return [mail.to_address for _, mail in world.transport.sent if "settings" in mail.subject]


# --- good ones ---


def test_good_settings_give_a_new_installation_on_the_same_database(world: World) -> None:
    world.poll()
    settings = changed(world)
    new = reload_with(reading(settings), {})(world.installation, world.now)
    assert new is not world.installation
    assert new.settings is settings
    assert new.db is world.db


def test_the_engine_stays_loaded_unless_its_settings_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.poll()
    world.installation.assess(["hello"])
    old = world.installation
    same = reload_with(reading(changed(world)), {})(old, world.now)
    assert same._assess is old._assess is not None
    slower = changed(world, worker=Worker(score_seconds=7))
    assert reload_with(reading(slower), {})(old, world.now)._assess is None
    monkeypatch.setitem(ENGINES, "another", "nowhere:Another")
    other = changed(world, classifier=Classifier(engine="another"))
    assert reload_with(reading(other), {})(old, world.now)._assess is None


def test_a_school_that_changes_its_judgement_is_judged_by_it_and_the_engine_stays_loaded(
    world: World,
) -> None:
    world.poll()
    world.installation.assess(["hello"])
    own = Judgement(preset="quiet", off=("copyright",), allowed=("Grabham",))
    here = school(accounts=(page(),), watches=(), judgement=own)
    settings = changed(world, schools=(here,), classifier=Classifier(preset="cautious"))
    new = reload_with(reading(settings), {})(world.installation, world.now)
    assert new._assess is world.installation._assess is not None
    (site,) = new.sites
    assert (site.standard.preset, site.standard.allowed) == ("quiet", ("Grabham",))
    assert site.standard.off == {Category.COPYRIGHT}


def test_a_changed_database_is_left_to_a_restart(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Any
) -> None:
    world.poll()
    new = reload_with(reading(changed(world, state_dir=tmp_path)), {})(world.installation, world.now)
    assert new.db is world.db
    assert "a changed database is used after the next restart" in caplog.messages


def test_a_new_account_with_approval_is_taken_in(world: World) -> None:
    world.poll()
    here = school(accounts=(page(), page("blog", **APPROVED)), watches=())
    settings = changed(world, schools=(here,))
    assert reload_with(reading(settings), {})(world.installation, world.now).settings is settings


# --- wrong ones ---


@pytest.mark.parametrize(
    "error", [wrong("is missing; add it."), SecretMissing('The secret "mail-password" is not set.')]
)
def test_wrong_settings_keep_the_old_ones_and_the_technician_hears(world: World, error: Exception) -> None:
    refuse(world, error)
    assert told(world) == ["tech@school.example"]


def test_the_same_problems_are_told_once_and_others_anew(world: World) -> None:
    refuse(world, wrong("is missing; add it."))
    refuse(world, wrong("is missing; add it."))
    assert len(told(world)) == 1
    refuse(world, wrong("is missing; add it.", "must be a whole number."))
    assert len(told(world)) == 2
    assert "2 places" in world.transport.sent[-1][1].text


def test_the_same_problems_after_good_settings_are_told_again(world: World) -> None:
    world.poll()
    refuse(world, wrong("is missing; add it."))
    reload_with(reading(changed(world)), {})(world.installation, world.now)
    refuse(world, wrong("is missing; add it."))
    assert len(told(world)) == 2


def test_a_start_with_good_settings_ends_what_was_refused(world: World) -> None:
    refuse(world, wrong("is missing; add it."))
    with world.db.read() as conn:
        assert [one.subject for one in outages.running(conn, "oakfield")] == ["settings"]
    accepted(world.installation, world.now)
    accepted(world.installation, world.now)
    with world.db.read() as conn:
        assert outages.running(conn, "oakfield") == []
        kinds = [row.kind for row in events.of_subject(conn, "oakfield", "settings")]
        assert kinds == ["outage_began", "outage_ended"]
        assert events.first_broken(conn, "oakfield") is None


def test_one_technician_of_many_schools_hears_once(build: Build) -> None:
    world = build(school("ash"), school("elm"), school("oak"))
    refuse(world, wrong("is missing; add it."))
    assert told(world) == ["tech@school.example"]


def test_a_new_account_that_nobody_approved_is_warned_of_and_the_running_school_keeps_watching(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.poll()
    before = world.installation
    settings = changed(world, schools=(school(accounts=(page(), page("blog")), watches=()),))
    assert reload_with(reading(settings), {})(before, world.now) is not before
    assert any(vars(record).get("about") == "oakfield/blog" for record in caplog.records)


def test_a_new_installation_whose_account_nobody_approved_is_refused(world: World) -> None:
    settings = changed(world, schools=(school(accounts=(page("blog"),), watches=()),))
    installation = install(settings, {}, db=world.db, transport=world.transport)
    with pytest.raises(RegisterRefuses, match="oakfield/blog"):
        look_at_register(installation, world.now.date())
