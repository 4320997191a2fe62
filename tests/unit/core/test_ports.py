"""What is known of one key: compiled once for each place, and for no more places than it may keep."""

from __future__ import annotations

from keywright.core import checks
from keywright.core.identities import Grant, grants_in, role_set
from keywright.core.permissions import Policy
from keywright.core.ports import MAX_PLACES
from keywright.core.roles import ADMIN, MONITOR
from tests.support.facts import ACME, OTHER, some_facts


def test_what_is_held_is_compiled_once_for_each_place() -> None:
    facts = some_facts(tenant=None, grants=(Grant(ADMIN, ACME.id), Grant(MONITOR)))
    for place in (None, ACME.id, OTHER.id):
        held = facts.held(place)
        assert held == role_set(grants_in(facts.grants, place))
        assert facts.held(place) is held
    assert facts.held(ACME.id).policies.allows("keys:create")
    assert not facts.held(OTHER.id).policies.allows("keys:create")
    assert facts.held(OTHER.id).policies.allows("keys:read")


def test_places_do_not_pile_up() -> None:
    """A global key may be used in any number of tenants; what it may do in each stays right."""
    places = [f"ten_{number}" for number in range(3 * MAX_PLACES + 1)]
    facts = some_facts(tenant=None, grants=tuple(Grant(ADMIN, place) for place in places[::2]))
    for _ in range(2):
        for number, place in enumerate(places):
            assert facts.held(place).policies.allows("keys:create") is (number % 2 == 0)
            assert facts._abroad is not None
            assert len(facts._abroad) <= MAX_PLACES


def test_a_scope_is_compiled_and_none_narrows_nothing() -> None:
    assert some_facts(scope=None).narrowed is None
    narrowed = some_facts(scope=checks.scope([(["a:read"], None)])).narrowed
    assert narrowed is not None
    assert narrowed.policies == (Policy.parse(["a:read"]),)
    empty = some_facts(scope=()).narrowed
    assert empty is not None
    assert not empty.allows("a:read")


def test_facts_are_equal_whatever_was_asked_of_them() -> None:
    one, other = some_facts(grants=(Grant(ADMIN, ACME.id),)), some_facts(grants=(Grant(ADMIN, ACME.id),))
    one.held(ACME.id)
    assert one == other
    assert repr(one) == repr(other)
