"""Which roles count where, and what they allow together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.identities import (
    ADMIN,
    BUILT_IN_ROLES,
    SUPER_ADMIN,
    Grant,
    IdentityKind,
    is_slug,
    role_set,
    roles_in,
)

GRANTS = (
    Grant("writer", "ten_a"),
    Grant("admin", "ten_b"),
    Grant("auditor"),
    Grant("writer", "ten_a"),
    Grant("auditor", "ten_a"),
)


@pytest.mark.parametrize(
    ("tenant_id", "roles"),
    [
        ("ten_a", ("auditor", "writer")),
        ("ten_b", ("admin", "auditor")),
        ("ten_c", ("auditor",)),
        (None, ("auditor",)),
    ],
)
def test_roles_count_where_they_are_held(tenant_id: str | None, roles: tuple[str, ...]) -> None:
    assert roles_in(GRANTS, tenant_id) == roles


TENANTS = st.sampled_from([None, "ten_a", "ten_b"])
SOME_GRANTS = st.lists(st.builds(Grant, st.sampled_from(["x", "y", "z"]), TENANTS)).map(tuple)


@given(SOME_GRANTS, TENANTS)
def test_a_role_counts_when_it_is_held_here_or_everywhere(
    grants: tuple[Grant, ...], tenant_id: str | None
) -> None:
    found = roles_in(grants, tenant_id)
    assert found == tuple(sorted(set(found)))
    for role in ("x", "y", "z"):
        everywhere = Grant(role) in grants
        here = tenant_id is not None and Grant(role, tenant_id) in grants
        assert (role in found) is (everywhere or here)


def test_roles_are_compiled_with_where_each_policy_comes_from() -> None:
    compiled = role_set((ADMIN, SUPER_ADMIN))
    assert compiled.roles == (ADMIN, SUPER_ADMIN)
    assert len(compiled.sources) == len(compiled.policies.policies)
    for source, policy in zip(compiled.sources, compiled.policies.policies, strict=True):
        assert policy in BUILT_IN_ROLES[source]


def test_a_role_that_nobody_defines_allows_nothing() -> None:
    compiled = role_set(("unheard-of",))
    assert compiled.policies.policies == ()
    assert not compiled.policies.allows("keys:read")


def test_the_built_in_roles_allow_everything_where_they_are_held() -> None:
    for role in (ADMIN, SUPER_ADMIN):
        assert role_set((role,)).policies.allows("keys:create")
        assert role_set((role,)).policies.allows("anything:at:all", "key:1")


def test_the_kinds_of_identities_are_the_words_on_the_wire() -> None:
    assert [kind.value for kind in IdentityKind] == ["user", "service_account", "key"]


@given(st.text(st.characters(codec=None)))
def test_a_slug_is_a_slug_however_it_is_asked(text: str) -> None:
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789")
    by_hand = 1 <= len(text) <= 100 and text[0] in letters and set(text) <= letters | {"_", "-"}
    assert is_slug(text) is by_hand
