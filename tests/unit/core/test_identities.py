"""Which roles count where, and what they allow together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.identities import Grant, HeldRole, IdentityKind, grants_in, is_slug, role_set
from keywright.core.roles import (
    ADMIN,
    GLOBAL_ROLES,
    MONITOR,
    READ_ONLY,
    SUPER_ADMIN,
    TENANT_ROLES,
    PolicyTemplate,
    Role,
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
        ("ten_a", ("auditor", "auditor", "writer")),
        ("ten_b", ("admin", "auditor")),
        ("ten_c", ("auditor",)),
        (None, ("auditor",)),
    ],
)
def test_roles_count_where_they_are_held(tenant_id: str | None, roles: tuple[str, ...]) -> None:
    assert tuple(g.role for g in grants_in(GRANTS, tenant_id)) == roles


TENANTS = st.sampled_from([None, "ten_a", "ten_b"])
SOME_GRANTS = st.lists(st.builds(Grant, st.sampled_from(["x", "y", "z"]), TENANTS)).map(tuple)


@given(SOME_GRANTS, TENANTS)
def test_a_role_counts_when_it_is_held_here_or_everywhere(
    grants: tuple[Grant, ...], tenant_id: str | None
) -> None:
    held = grants_in(grants, tenant_id)
    assert len(held) == len(set(held))
    found = [grant.role for grant in held]
    assert found == sorted(found)
    for role in ("x", "y", "z"):
        everywhere = Grant(role) in grants
        here = tenant_id is not None and Grant(role, tenant_id) in grants
        assert (role in found) is (everywhere or here)


def test_roles_are_compiled_with_where_each_policy_comes_from() -> None:
    admin, root = Grant(ADMIN, "ten_a"), Grant(SUPER_ADMIN)
    compiled = role_set((admin, root))
    assert compiled.roles == (HeldRole(ADMIN), HeldRole(SUPER_ADMIN))
    assert compiled.sources == (admin, root)
    assert compiled.policies.policies == (
        *TENANT_ROLES[ADMIN].expand(()),
        *GLOBAL_ROLES[SUPER_ADMIN].expand(()),
    )


@pytest.mark.parametrize("tenant_id", [None, "ten_a"])
def test_a_role_that_nobody_defines_allows_nothing(tenant_id: str | None) -> None:
    compiled = role_set((Grant("unheard-of", tenant_id),))
    assert compiled.policies.policies == ()
    assert not compiled.policies.allows("keys:read")


def test_a_built_in_role_allows_nothing_where_it_cannot_be_held() -> None:
    assert role_set((Grant(ADMIN), Grant(SUPER_ADMIN, "ten_a"))).policies.policies == ()


def test_what_a_tenant_defines_is_expanded_by_the_values_of_the_membership() -> None:
    editor = Role("editor", policies=(PolicyTemplate.of(["article:*"], ["article:${language}:**"]),))
    compiled = role_set((Grant("editor", "ten_a", (("language", ("cs", "en")),), editor),))
    assert compiled.roles == (HeldRole("editor", (("language", ("cs", "en")),)),)
    assert compiled.policies.allows("article:read", "article:en:1")
    assert not compiled.policies.allows("article:read", "article:de:1")


@pytest.mark.parametrize("grant", [Grant(ADMIN, "ten_a"), Grant(SUPER_ADMIN)])
def test_administrators_may_do_everything_where_they_are(grant: Grant) -> None:
    assert role_set((grant,)).policies.allows("keys:create")
    assert role_set((grant,)).policies.allows("anything:at:all", "key:1")


@pytest.mark.parametrize("grant", [Grant(READ_ONLY, "ten_a"), Grant(MONITOR)])
def test_who_reads_changes_nothing(grant: Grant) -> None:
    policies = role_set((grant,)).policies
    assert policies.allows("keys:read", "key:1")
    assert policies.allows("organization:credential:read")
    for action in ("keys:create", "keys:verify", "keys:own:create", "reads", "read:keys"):
        assert not policies.allows(action)


def test_the_kinds_of_identities_are_the_words_on_the_wire() -> None:
    assert [kind.value for kind in IdentityKind] == ["user", "service_account", "key"]


@given(st.text(st.characters(codec=None)))
def test_a_slug_is_a_slug_however_it_is_asked(text: str) -> None:
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789")
    by_hand = 1 <= len(text) <= 100 and text[0] in letters and set(text) <= letters | {"_", "-"}
    assert is_slug(text) is by_hand
