"""What state a key is in, what may be done to it then, and which change lets it do more."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.checks import scope
from keywright.core.errors import IllegalTransition, NotFound
from keywright.core.keys import Act, State, differs_in_use, transition, widened
from keywright.core.limits import Credits, Limit
from tests.support.facts import NOW, a_key

TICK = timedelta(microseconds=1)
SOON = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (SOON - TICK, State.NOT_YET_VALID),
        (SOON, State.ACTIVE),
        (LATER - TICK, State.ACTIVE),
        (LATER, State.EXPIRED),
        (LATER + timedelta(days=9_999), State.EXPIRED),
    ],
)
def test_a_key_is_valid_from_its_start_on_and_until_its_expiry_but_not_at_it(
    now: datetime, state: State
) -> None:
    assert a_key(not_before=SOON, expires_at=LATER).state(now) is state


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.ACTIVE),
        ({"active": False}, State.DISABLED),
        ({"active": False, "expires_at": NOW}, State.DISABLED),
        ({"active": False, "not_before": LATER}, State.DISABLED),
        ({"active": False, "expires_at": NOW, "deleted_at": NOW}, State.DELETED),
        ({"active": True, "deleted_at": LATER}, State.DELETED),
        ({"not_before": LATER, "expires_at": NOW}, State.EXPIRED),
    ],
)
def test_deletion_stands_before_the_switch_and_the_switch_before_the_clock(
    fields: dict[str, Any], state: State
) -> None:
    assert a_key(**fields).state(NOW) is state


MOMENTS = st.none() | st.integers(-3, 3).map(lambda step: NOW + step * TICK)


@given(MOMENTS, MOMENTS, MOMENTS, st.booleans())
def test_a_key_is_in_the_state_that_its_definition_says(
    start: datetime | None, end: datetime | None, deleted: datetime | None, active: bool
) -> None:
    key = a_key(not_before=start, expires_at=end, deleted_at=deleted, active=active)
    usable = deleted is None and active and (start is None or start <= NOW) and (end is None or end > NOW)
    assert (key.state(NOW) is State.ACTIVE) is usable


LEGAL = {
    (State.ACTIVE, Act.ENABLE): State.ACTIVE,
    (State.ACTIVE, Act.DISABLE): State.DISABLED,
    (State.ACTIVE, Act.DELETE): State.DELETED,
    (State.DISABLED, Act.ENABLE): State.ACTIVE,
    (State.DISABLED, Act.DISABLE): State.DISABLED,
    (State.DISABLED, Act.DELETE): State.DELETED,
    (State.NOT_YET_VALID, Act.ENABLE): State.ACTIVE,
    (State.NOT_YET_VALID, Act.DISABLE): State.DISABLED,
    (State.NOT_YET_VALID, Act.DELETE): State.DELETED,
    (State.EXPIRED, Act.DISABLE): State.DISABLED,
    (State.EXPIRED, Act.DELETE): State.DELETED,
}
ILLEGAL = {
    (State.EXPIRED, Act.ENABLE): IllegalTransition,
    **{(State.DELETED, act): NotFound for act in Act},
}


def test_the_two_tables_say_something_of_every_act_in_every_state() -> None:
    assert LEGAL.keys() | ILLEGAL.keys() == {(state, act) for state in State for act in Act}
    assert not LEGAL.keys() & ILLEGAL.keys()


@pytest.mark.parametrize(("state", "act"), LEGAL)
def test_a_legal_act_leads_to_its_state(state: State, act: Act) -> None:
    assert transition(state, act) is LEGAL[state, act]


@pytest.mark.parametrize(("state", "act"), ILLEGAL)
def test_an_illegal_act_is_refused(state: State, act: Act) -> None:
    with pytest.raises(ILLEGAL[state, act]):
        transition(state, act)


SCOPE = scope([(["article:read"], None)])
NARROW = scope([(["article:read"], ["article:1"])])


def ranges(*texts: str) -> tuple[Any, ...]:
    return tuple(map(ip_network, texts))


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({}, {}, None),
        ({"name": "a"}, {"name": "b"}, None),
        ({"scope": None}, {"scope": SCOPE}, "scope"),
        ({"scope": SCOPE}, {"scope": None}, "scope"),
        ({"scope": SCOPE}, {"scope": NARROW}, "scope"),
        ({"active": False}, {"active": True}, "active"),
        ({"active": True}, {"active": False}, None),
        ({"expires_at": SOON}, {"expires_at": LATER}, "expires_at"),
        ({"expires_at": SOON}, {"expires_at": None}, "expires_at"),
        ({"expires_at": LATER}, {"expires_at": SOON}, None),
        ({"expires_at": None}, {"expires_at": SOON}, None),
        ({"not_before": LATER}, {"not_before": SOON}, "not_before"),
        ({"not_before": SOON}, {"not_before": None}, "not_before"),
        ({"not_before": SOON}, {"not_before": LATER}, None),
        ({"not_before": None}, {"not_before": SOON}, None),
        ({"allowed_cidrs": None}, {"allowed_cidrs": ranges("10.0.0.0/8")}, None),
        ({"allowed_cidrs": ranges("10.0.0.0/8")}, {"allowed_cidrs": None}, "allowed_cidrs"),
        (
            {"allowed_cidrs": ranges("10.0.0.0/8", "2001:db8::/32")},
            {"allowed_cidrs": ranges("2001:db8:1::/48", "10.1.0.0/16", "10.0.0.0/8")},
            None,
        ),
        (
            {"allowed_cidrs": ranges("10.0.0.0/8")},
            {"allowed_cidrs": ranges("10.0.0.0/7")},
            "allowed_cidrs",
        ),
        (
            {"allowed_cidrs": ranges("10.0.0.0/8")},
            {"allowed_cidrs": ranges("10.0.0.0/8", "192.0.2.1/32")},
            "allowed_cidrs",
        ),
        ({"allowed_cidrs": ranges("0.0.0.0/0")}, {"allowed_cidrs": ranges("::/0")}, "allowed_cidrs"),
    ],
)
def test_what_lets_a_key_do_more_is_named(
    before: dict[str, Any], after: dict[str, Any], field: str | None
) -> None:
    assert widened(a_key(**before), a_key(**after)) == field


TEN, TWENTY = (Limit("burst", 10, 1),), (Limit("burst", 20, 1),)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({}, {}, None),
        ({}, {"limits": TEN}, None),
        ({}, {"limits": TWENTY}, None),
        ({}, {"limits": (Limit("burst", 21, 1),)}, "limits"),
        ({}, {"limits": ()}, "limits"),
        ({"limits": TEN}, {"limits": TWENTY}, "limits"),
        ({"limits": TEN}, {}, "limits"),
        ({"limits": ()}, {}, None),
        ({"limits": (Limit("burst", 30, 1),)}, {}, None),
        ({"credits": Credits(1)}, {"credits": Credits(2)}, "credits"),
        ({"credits": Credits(1)}, {}, "credits"),
        ({"credits": Credits(1)}, {"credits": Credits(1)}, None),
        ({}, {"credits": Credits(1)}, None),
        ({"limits": TEN, "credits": Credits(1)}, {}, "limits"),
    ],
)
def test_a_key_that_is_used_more_often_than_its_limits_or_the_tenants_let_it_be_is_widened(
    before: dict[str, Any], after: dict[str, Any], field: str | None
) -> None:
    assert widened(a_key(**before), a_key(**after), TWENTY) == field


NETWORKS = st.tuples(st.integers(0, 7), st.integers(29, 32)).map(
    lambda drawn: ip_network((drawn[0], drawn[1]), strict=False)
)
RANGES = st.none() | st.lists(NETWORKS, min_size=1, max_size=3).map(tuple)
ENDS = st.none() | st.integers(0, 2).map(lambda step: NOW + step * TICK)


@given(RANGES, RANGES, ENDS, ENDS, ENDS, ENDS, st.booleans(), st.booleans())
def test_a_key_that_is_not_widened_opens_at_no_moment_and_from_no_address_anew(
    cidrs: Any,
    new_cidrs: Any,
    start: datetime | None,
    new_start: datetime | None,
    end: datetime | None,
    new_end: datetime | None,
    active: bool,
    new_active: bool,
) -> None:
    before = a_key(allowed_cidrs=cidrs, not_before=start, expires_at=end, active=active)
    after = a_key(allowed_cidrs=new_cidrs, not_before=new_start, expires_at=new_end, active=new_active)
    if widened(before, after) is None:
        for step in range(-1, 4):
            moment = NOW + step * TICK
            if after.state(moment) is State.ACTIVE:
                assert before.state(moment) is State.ACTIVE
        for address in ip_network("0.0.0.0/28"):
            if new_cidrs is None or any(address in one for one in new_cidrs):
                assert cidrs is None or any(address in one for one in cidrs)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"metadata": '{"a":1}'},
        {"active": False},
        {"identity_id": "idn_other"},
        {"limits": (Limit("burst", 1, 1),)},
        {"credits": Credits(1)},
        {"deleted_at": NOW},
    ],
)
def test_what_counts_when_a_key_is_used_is_told_from_the_rest(changes: dict[str, Any]) -> None:
    key = a_key()
    assert differs_in_use(key, a_key(**changes))
    assert not differs_in_use(key, key)


@pytest.mark.parametrize("changes", [{"description": "Other"}, {"handle": "other"}, {"last_used_at": NOW}])
def test_what_is_only_told_of_a_key_does_not_count(changes: dict[str, Any]) -> None:
    assert not differs_in_use(a_key(), a_key(**changes))
