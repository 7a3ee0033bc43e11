"""The presets: no alert without a row, no row without somebody."""

from __future__ import annotations

import itertools

import pytest

from alerts.kinds import AlertKind
from config.presets import ALWAYS_THERE, Route, find, routes, routes_for
from config.schema import Role


def test_every_alert_kind_has_a_row_and_every_row_a_kind() -> None:
    assert {key.partition(".")[0] for key in routes()} == {kind.value for kind in AlertKind}
    for kind in AlertKind:
        for severity in ("medium", "high", "urgent"):
            assert find(routes(), kind.value, severity).roles


def test_every_row_reaches_somebody_in_the_smallest_school() -> None:
    for key, route in routes().items():
        assert ALWAYS_THERE & {*route.roles, *route.fallback}, key


@pytest.mark.parametrize("size", [1, 2])
def test_overrides_keep_the_fallback_so_somebody_is_always_reached(size: int) -> None:
    for roles in itertools.combinations(Role, size):
        for key, route in routes_for(dict.fromkeys(routes(), roles)).items():
            assert route.roles == roles
            assert {*route.roles, *route.fallback} & {Role.MODERATOR, Role.SAFEGUARDING_LEAD}, (key, roles)


def test_a_row_for_a_reason_comes_before_the_row_for_the_kind() -> None:
    assert find(routes(), "reply_due", "no_staffed_time_left") == Route(("duty",), ("moderator",))
    assert find(routes(), "reply_due", "lead") == routes()["reply_due"]


def test_an_unknown_kind_is_an_error_with_a_sentence() -> None:
    with pytest.raises(KeyError, match='No route for "nothing"'):
        find(routes(), "nothing")


def test_urgent_goes_to_the_leads_and_to_the_head_where_there_are_none() -> None:
    urgent = routes()["flagged.urgent"]
    assert urgent.roles == ("safeguarding_lead", "safeguarding_deputy")
    assert urgent.fallback[0] == "head"


def test_an_override_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError):
        routes_for({"flagd": (Role.HEAD,)})


def test_the_presets_cannot_be_changed_by_who_reads_them() -> None:
    with pytest.raises(TypeError):
        routes()["blind"] = Route(())  # type: ignore[index]
