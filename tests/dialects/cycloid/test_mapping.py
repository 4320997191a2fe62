"""Between Cycloid's words and ours, both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from keywright.core import checks
from keywright.core.ids import is_any_id
from keywright.core.permissions import Policy
from keywright.dialects.cycloid import mapping
from tests.dialects.cycloid.models import faults
from tests.support import facts
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.keys import Key

SEGMENT = some.text("abcz09_-", min_size=1, max_size=8)
PATTERNS = some.lists(SEGMENT | some.just("*") | some.just("**"), min_size=1, max_size=4).map(":".join)
RULES = some.lists(
    some.builds(
        lambda action, resources: {"action": action, "resources": resources},
        PATTERNS,
        some.lists(PATTERNS, max_size=3),
    ),
    max_size=8,
)
SCOPES = some.lists(
    some.tuples(
        some.lists(PATTERNS, min_size=1, max_size=3),
        some.none() | some.lists(PATTERNS, min_size=1, max_size=3),
    ),
    max_size=5,
)


@given(RULES)
def test_rules_come_back_as_they_were_in_their_order(rules: list[dict[str, Any]]) -> None:
    scope = checks.scope(mapping.policies_of(rules))
    back = mapping.scope_rules(scope)
    assert [(one["action"], one["resources"]) for one in back] == [
        (one["action"], one["resources"]) for one in rules
    ]
    assert [one["id"] for one in back] == list(range(len(rules)))
    assert all(faults("Rule", one, "rule") == [] for one in back)


@given(SCOPES)
def test_a_scope_of_any_door_allows_the_same_as_its_rules(scope: Any) -> None:
    before = checks.scope(scope)
    after = checks.scope(mapping.policies_of(mapping.scope_rules(before)))
    pairs = [(action, policy.resources) for policy in before for action in policy.actions]
    assert [(one.actions[0], one.resources) for one in after] == pairs


def test_no_scope_is_the_rule_of_everything() -> None:
    assert mapping.scope_rules(None) == [{"id": 0, "action": "**", "effect": "allow", "resources": []}]
    assert mapping.scope_rules(()) == []


@given(some.text(min_size=1, max_size=300))
def test_every_name_makes_a_canonical(name: str) -> None:
    made = mapping.canonical_from(name)
    assert mapping.is_canonical(made)
    assert not is_any_id(made)
    for number in (2, 1_000_009):
        assert mapping.is_canonical(mapping.numbered(made, number))
        assert mapping.numbered(made, number).endswith(f"-{number}")


@pytest.mark.parametrize("text", ["", "ab", "-abc", "abc-", "Abc", "a b", "a" * 101, "abc\n", "äbc"])
def test_what_is_no_canonical(text: str) -> None:
    assert not mapping.is_canonical(text)


@given(some.uuids())
def test_numbers_are_stable_and_fit(uuid: Any) -> None:
    number = mapping.number_of(f"key_{uuid.hex}")
    assert 1 <= number < 2**31
    assert number == mapping.number_of(f"idn_{uuid.hex}")


def test_the_number_nought_is_none() -> None:
    assert mapping.number_of("key_" + "0" * 32) == 1
    assert 1 <= mapping.number_from("keys:read") < 2**31


def a_key(**changes: Any) -> Key:
    """A key as the database has them, whose id becomes a number."""
    number = "0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
    stored = {"id": f"key_{number}", "identity_id": f"idn_{number}", "tenant_id": None, "handle": "a-key"}
    return facts.a_key(**{**stored, **changes})


def test_a_key_that_was_made_elsewhere_is_a_model_too() -> None:
    found = mapping.api_key(a_key(name="Imported"), None)
    assert faults("APIKey", found, "key") == []
    assert found["last_seven"] == ""
    used = mapping.api_key(a_key(name="Used", last_used_at=NOW + timedelta(microseconds=999_999)), None)
    assert used["last_used"] == mapping.seconds(NOW)


@pytest.mark.parametrize("handle", [None, "ab", "Upper", "trailing-", "key_" + "0" * 32, "idn_" + "a" * 32])
def test_a_handle_that_is_no_canonical_leaves_the_id(handle: str | None) -> None:
    key = a_key(handle=handle)
    assert mapping.canonical_of(key) == key.id
    assert mapping.is_canonical(key.id)


def test_permissions_gather_the_resources_of_an_action() -> None:
    policies = [
        Policy.parse(["a:read", "b:read"], ["x:1"]),
        Policy.parse(["a:read"], ["x:2", "x:1"]),
        Policy.parse(["b:read"]),
        Policy.parse(["b:read"], ["x:3"]),
    ]
    found = mapping.permissions(policies)
    assert {action: rule["resources"] for action, rule in found.items()} == {
        "a:read": ["x:1", "x:2"],
        "b:read": [],
    }
    assert all(faults("Rule", rule, "rule") == [] for rule in found.values())


@pytest.mark.parametrize(
    ("action", "canonicals", "resource"),
    [
        ("organization:team:read", ["ops"], "organization:acme:team:ops"),
        ("organization:project:update", ["p"], "organization:acme:project:p"),
        ("organization:environment:read", ["p", "e"], "organization:acme:project:p:environment:e"),
        ("organization:environment:read", ["e"], "organization:acme:environment:e"),
        ("organization:pipeline:read", ["p", "x"], "organization:acme:project:p:pipeline:x"),
        (
            "organization:component:read",
            ["p", "e", "c"],
            "organization:acme:project:p:environment:e:component:c",
        ),
        ("document:read", ["42"], "document:42"),
        ("organization:read", [], None),
    ],
)
def test_the_resource_of_an_action(action: str, canonicals: list[str], resource: str | None) -> None:
    assert mapping.resource_of(action, "acme", canonicals) == resource
