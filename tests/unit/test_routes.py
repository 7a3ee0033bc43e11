"""Who hears an alert."""

from __future__ import annotations

import pytest

from alerts.kinds import Alert, AlertKind
from alerts.routes import keys, recipients
from alerts.shown import PROTECTED
from config.presets import routes
from config.settings import Person, Role, School
from monitor.domain.verdict import SAFEGUARDING


def person(name: str, *roles: Role, email: str | None = None, shared: bool = False) -> Person:
    return Person(
        id=name,
        name=name.title(),
        email=email or f"{name}@oakfield.example",
        roles=roles,
        shared_mailbox=shared,
    )


def school(*people: Person, **routes_of_its_own: tuple[Role, ...]) -> School:
    own = {key.replace("__", "."): roles for key, roles in routes_of_its_own.items()}
    return School(id="oakfield", name="Oakfield Primary School", nation="ENG", people=people, routes=own)


LEAD = person("lena", Role.SAFEGUARDING_LEAD)
DEPUTY = person("devi", Role.SAFEGUARDING_DEPUTY)
HEAD = person("hana", Role.HEAD)
MODERATOR = person("mona", Role.MODERATOR)
DUTY = person("dora", Role.DUTY)
SLT = person("sami", Role.SLT)
EVERYBODY = (MODERATOR, HEAD, LEAD, DEPUTY, DUTY, SLT)


def alert(kind: AlertKind = AlertKind.FLAGGED, **said: object) -> Alert:
    return Alert(kind=kind, subject="case:12", occurrence=1, **said)  # type: ignore[arg-type]


def who(heard: Alert, place: School) -> list[str]:
    return [recipient.person_id for recipient in recipients(heard, place)]


def test_an_urgent_item_goes_to_leads_and_deputies_together() -> None:
    assert who(alert(severity="urgent", categories=("threat",)), school(*EVERYBODY)) == ["lena", "devi"]


@pytest.mark.parametrize("category", sorted(PROTECTED))
def test_a_safeguarding_category_goes_the_urgent_way_whatever_its_severity(category: str) -> None:
    assert who(alert(severity="medium", categories=(category,)), school(*EVERYBODY)) == ["lena", "devi"]


def test_the_protected_categories_are_the_domains_own() -> None:
    assert {category.value for category in SAFEGUARDING} == PROTECTED


def test_an_urgent_media_enquiry_goes_to_the_leads_first_of_all() -> None:
    assert keys(alert(severity="urgent", categories=("media",)))[0] == "flagged.urgent"


def test_a_media_enquiry_goes_to_the_head() -> None:
    assert who(alert(severity="medium", categories=("query", "media")), school(*EVERYBODY)) == ["hana"]


def test_the_reason_is_more_telling_than_the_kind() -> None:
    due = alert(AlertKind.REPLY_DUE, reason="no_staffed_time_left")
    assert who(due, school(*EVERYBODY)) == ["dora"]
    assert who(alert(AlertKind.REPLY_DUE, reason="lead_before_deadline"), school(*EVERYBODY)) == ["mona"]


def test_a_school_names_others_for_a_route() -> None:
    place = school(*EVERYBODY, reply_due=(Role.SLT,))
    assert who(alert(AlertKind.REPLY_DUE), place) == ["sami"]


def test_a_schools_own_route_cannot_take_an_urgent_item_from_the_leads() -> None:
    place = school(*EVERYBODY, flagged__urgent=(Role.HEAD,))
    assert who(alert(severity="urgent"), place) == ["hana", "lena", "devi"]


def test_where_nobody_has_the_role_the_fallback_is_asked_in_order() -> None:
    assert who(alert(severity="urgent"), school(MODERATOR, SLT)) == ["sami"]
    assert who(alert(severity="high"), school(LEAD, HEAD)) == ["hana"]


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_reaches_somebody_while_there_is_anybody(kind: AlertKind) -> None:
    assert who(alert(kind), school(person("tim", Role.TECHNICIAN))) == ["tim"]
    assert who(alert(kind), school(person("nora"))) == ["nora"]


@pytest.mark.parametrize("kind", list(AlertKind))
@pytest.mark.parametrize("severity", ["low", "medium", "high", "urgent"])
def test_every_kind_has_a_route_of_its_own_in_the_presets(kind: AlertKind, severity: str) -> None:
    known = set(routes())
    if (kind, severity) != (AlertKind.FLAGGED, "low"):
        assert known & set(keys(alert(kind, severity=severity)))


def test_a_severity_without_a_route_still_reaches_people() -> None:
    assert who(alert(severity="low"), school(*EVERYBODY)) == ["mona", "hana", "sami"]


def test_a_school_without_people_has_nobody_to_tell() -> None:
    assert who(alert(severity="urgent"), school()) == []


def test_one_mailbox_hears_once_and_counts_as_shared() -> None:
    twice = (
        person("lena", Role.SAFEGUARDING_LEAD, email="office@oakfield.example"),
        person("devi", Role.SAFEGUARDING_DEPUTY, email="Office@Oakfield.example"),
    )
    (heard,) = recipients(alert(severity="urgent"), school(*twice))
    assert (heard.person_id, heard.address, heard.shared) == ("lena", "office@oakfield.example", True)


def test_a_shared_mailbox_is_marked_so() -> None:
    place = school(person("office", Role.MODERATOR, shared=True), HEAD)
    assert [one.shared for one in recipients(alert(severity="high"), place)] == [True]


def test_the_order_is_the_schools_own() -> None:
    assert who(alert(severity="urgent"), school(DEPUTY, LEAD)) == ["devi", "lena"]
