"""Ids, roles and people in that system's words, and back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.ids import new_id
from keywright.core.roles import GLOBAL_ROLES, TENANT_ROLES, PolicyTemplate, Role
from keywright.dialects.cloudtower.ids import of_name, to_ours, to_theirs
from keywright.dialects.cloudtower.mapping import (
    ALL_PRESETS,
    EVERYWHERE,
    PRESETS,
    actions_of,
    legacy_role,
    preset_of,
    role_id,
    role_of,
    role_row,
)

BITS = st.integers(0, 2**122 - 1)
CUID = re.compile(r"c[0-9a-z]{24}")


def own(kind: str, bits: int) -> str:
    """An id of ours with these 122 bits in its UUIDv7."""
    low, rest = bits & (2**62 - 1), bits >> 62
    middle, time = rest & 0xFFF, rest >> 12
    return f"{kind}_{time << 80 | 7 << 76 | middle << 64 | 2 << 62 | low:032x}"


@given(BITS, st.sampled_from(["key", "idn", "ten"]))
def test_an_id_comes_back_as_it_was(bits: int, kind: str) -> None:
    ours = own(kind, bits)
    theirs = to_theirs(ours)
    assert CUID.fullmatch(theirs)
    assert to_ours(kind, theirs) == ours


@given(BITS, BITS)
def test_ids_sort_alike_on_both_sides(one: int, other: int) -> None:
    assert (own("key", one) < own("key", other)) is (
        to_theirs(own("key", one)) < to_theirs(own("key", other))
    )


def test_ids_that_are_made_can_be_told() -> None:
    made = new_id("key")
    assert to_ours("key", to_theirs(made)) == made
    assert to_ours("idn", to_theirs(made)) == made.replace("key_", "idn_")


@pytest.mark.parametrize(
    "text", ["", "c", "key_none", "C" + "0" * 24, "c" + "0" * 23, "c" + "z" * 24, "c" + "0" * 23 + "é"]
)
def test_what_is_no_id_names_nothing(text: str) -> None:
    assert to_ours("key", text) == "key_none"


@given(st.text(max_size=40))
def test_any_text_names_something_or_nothing(text: str) -> None:
    assert to_ours("key", text).startswith("key_")


@pytest.mark.parametrize("wrong", ["key_none", "key_" + "0" * 32, "nothing"])
def test_an_id_that_keywright_did_not_make_is_a_defect(wrong: str) -> None:
    with pytest.raises(ValueError, match="UUIDv7"):
        to_theirs(wrong)


def test_what_has_a_name_has_one_id() -> None:
    assert role_id("admin") == of_name("role", "admin") == "c0fqr85yn7dkaru1g2pjwsanb"
    ids = {role_id(name) for name in (*GLOBAL_ROLES, *TENANT_ROLES)}
    assert len(ids) == len(GLOBAL_ROLES) + len(TENANT_ROLES)
    assert all(CUID.fullmatch(one) for one in ids)


def test_presets_and_roles_are_one_to_one() -> None:
    assert PRESETS.keys() <= GLOBAL_ROLES.keys() | TENANT_ROLES.keys()
    assert {role_of(preset): preset for preset in PRESETS.values()} == PRESETS
    assert {preset_of(role): role for role in PRESETS} == {preset: role for role, preset in PRESETS.items()}
    assert set(PRESETS.values()) == {"ROOT", "ADMIN", "USER_ADMIN", "AUDITOR", "READ_ONLY"}
    assert {one for one in ALL_PRESETS if role_of(one) is None} == {
        "VM_USER",
        "WORKLOAD_CLUSTER_USER",
        "WORKLOAD_CLUSTER_REGISTRY_USER",
    }
    assert preset_of("a-role-of-a-tenant") is None


def test_roles_over_the_installation_that_count() -> None:
    assert {role.name for role in EVERYWHERE} == PRESETS.keys() & GLOBAL_ROLES.keys()


@pytest.mark.parametrize(
    ("patterns", "actions"),
    [
        (("**",), ("*",)),
        (("keys:*",), ("MANAGE_API_KEY",)),
        (("keys:create", "keys:update"), ()),
        (("**:read",), ("MANAGE_AUDIT_LOG",)),
        (("identities:**", "roles:**"), ("MANAGE_USER_AND_ROLE",)),
        (("articles:*",), ()),
    ],
    ids=["all", "keys", "some of it", "reading", "people", "its own"],
)
def test_actions_follow_what_a_role_allows(patterns: tuple[str, ...], actions: tuple[str, ...]) -> None:
    assert actions_of(Role("a-role", "", (), (PolicyTemplate(patterns),))) == actions


def test_a_role_that_nobody_defines_has_no_actions() -> None:
    row = role_row("gone", None)
    assert (row["actions"], row["preset"], row["name"]) == ([], None, "gone")


@pytest.mark.parametrize(
    ("presets", "legacy"),
    [
        ([], None),
        (["AUDITOR", None], None),
        (["READ_ONLY", "ROOT", "ADMIN"], "ROOT"),
        (["READ_ONLY", "ADMIN"], "ADMIN"),
        (["READ_ONLY"], "READ_ONLY"),
    ],
    ids=str,
)
def test_the_one_role_of_before_is_the_strongest(presets: list[str | None], legacy: str | None) -> None:
    assert legacy_role(presets) == legacy
