"""Looking at a catalog, comparing another with it, and applying that one."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keywright.core.audit import Change
from keywright.core.catalog import parse, to_plain
from keywright.core.errors import BeyondOwnRights, CatalogChanged, InvalidCatalog, PermissionDenied
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.permissions import Policy
from keywright.core.roles import ADMIN, DefinedRole, PolicyTemplate, Role, Variable, values_of
from keywright.services.catalog import (
    AppliedCatalog,
    CatalogDiff,
    CatalogDocument,
    CatalogView,
    NewCatalog,
    apply_catalog,
    diff_catalog,
    get_catalog,
)
from tests.support.catalogs import BLOG, blog, documents
from tests.support.facts import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.errors import Fault
    from keywright.core.identities import Identity, Membership, Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

EDITOR = BLOG["roles"]["editor"]


async def apply(home: House, caller: Caller, document: object, **given: Any) -> AppliedCatalog:
    return await home.run(apply_catalog, caller, NewCatalog(document, **given))


async def diffed(home: House, caller: Caller, document: object) -> CatalogDiff:
    return await home.run(diff_catalog, caller, CatalogDocument(document))


async def view(home: House, caller: Caller) -> CatalogView:
    return await home.run(get_catalog, caller, None)


async def faults(home: House, caller: Caller, document: object) -> tuple[Fault, ...]:
    """What stands against a catalog; comparing and applying say the same, and neither changes anything."""
    before = await view(home, caller), await home.count_entries()
    with pytest.raises(InvalidCatalog) as caught:
        await diffed(home, caller, document)
    with pytest.raises(InvalidCatalog) as again:
        await apply(home, caller, document)
    assert caught.value.faults == again.value.faults
    assert (await view(home, caller), await home.count_entries()) == before
    return caught.value.faults


async def a_role(home: House, tenant: Tenant, role: Role) -> DefinedRole:
    """A role that is made beside the catalog."""
    defined = DefinedRole(
        id=new_id("rol"), tenant_id=tenant.id, role=role, by_catalog=False, created_at=NOW, updated_at=NOW
    )
    async with home.database.write() as transaction:
        await transaction.roles(tenant.id).add(defined)
    return defined


async def a_member(
    home: House, tenant: Tenant, role: str, *, name: str = "Somebody", **values: Sequence[str]
) -> Identity:
    return await home.identity(Grant(role, tenant.id, values_of(values)), name=name)


async def roles(home: House, tenant: Tenant) -> Mapping[str, DefinedRole]:
    async with home.database.read() as transaction:
        return {one.role.name: one for one in await transaction.roles(tenant.id).all()}


async def held(home: House, tenant: Tenant, role: str) -> tuple[Membership, ...]:
    async with home.database.read() as transaction:
        return await transaction.memberships(tenant.id).with_role(role)


# Applying


async def test_a_tenant_without_a_catalog_has_an_empty_one(home: House, admin: Caller) -> None:
    assert await view(home, admin) == CatalogView(
        document={"tenant": "acme"}, api_roles=(), revision=0, applied_at=None, applied_by=None
    )


async def test_a_catalog_is_applied_with_its_roles(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    applied = await apply(home, admin, BLOG)
    assert applied.view == await view(home, admin)
    assert (applied.view.revision, applied.view.applied_at) == (1, home.clock.now())
    assert applied.view.applied_by == admin.identity.id
    assert applied.view.document["roles"] == BLOG["roles"]
    assert applied.view.document["strict"] is True
    assert len(applied.diff.changes) == 18
    assert (applied.diff.revision, applied.diff.narrowed, applied.diff.narrowed_total) == (0, (), 0)
    found = await roles(home, acme)
    assert [(name, one.by_catalog) for name, one in found.items()] == [("editor", True), ("moderator", True)]
    assert found["editor"].role.policies[0] == PolicyTemplate.of(["article:*"], ["article:${language}:**"])
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == ("catalog.apply", "catalog", acme.id)
    assert entry.changes["revision"] == Change(0, 1)
    assert entry.changes["strict"] == Change({"strict": False}, {"strict": True})
    assert entry.changes["roles.moderator"] == Change(None, {"policies": [{"actions": ["comment:*"]}]})
    assert entry.changes["entities.language:cs"] == Change(None, {"label": "Czech"})
    assert len(entry.changes) == 19


async def test_applying_twice_changes_nothing(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    await apply(home, admin, BLOG)
    before, entries = await view(home, admin), await home.count_entries()
    home.clock.advance(days=1)
    turned = {name: BLOG[name] for name in reversed(BLOG)}
    for document in (BLOG, turned, blog(tenant=None), before.document):
        assert (await diffed(home, admin, document)).changes == ()
        again = await apply(home, admin, document, expected_revision=1)
        assert (again.view, again.diff.changes) == (before, ())
    assert await home.count_entries() == entries


async def test_an_empty_catalog_where_there_is_none_is_no_change(home: House, admin: Caller) -> None:
    assert (await apply(home, admin, {})).view.revision == 0
    assert (await apply(home, admin, {}, expected_revision=0)).diff.changes == ()


async def test_what_a_catalog_does_not_name_any_more_goes(home: House, acme: Tenant, admin: Caller) -> None:
    await apply(home, admin, BLOG)
    before = await roles(home, acme)
    home.clock.advance(days=1)
    changed = {
        "editor": EDITOR | {"description": "Writes"},
        "reader": {"policies": [{"actions": ["**:read"]}]},
    }
    applied = await apply(home, admin, blog(roles=changed), expected_revision=1)
    assert (applied.view.revision, applied.view.document["roles"]) == (2, changed)
    after = await roles(home, acme)
    assert list(after) == ["editor", "reader"]
    assert (after["editor"].id, after["editor"].created_at) == (before["editor"].id, NOW)
    assert after["editor"].updated_at == home.clock.now()
    assert [(one.name, one.kind.value) for one in applied.diff.changes] == [
        ("editor", "changed"),
        ("moderator", "removed"),
        ("reader", "added"),
    ]
    await apply(home, admin, {})
    assert await roles(home, acme) == {}
    assert (await view(home, admin)).document == {"tenant": "acme"}


@pytest.mark.parametrize("expected", [0, 2, -1])
async def test_a_catalog_is_applied_to_the_revision_that_was_looked_at(
    home: House, admin: Caller, expected: int
) -> None:
    await apply(home, admin, BLOG, expected_revision=0)
    entries = await home.count_entries()
    with pytest.raises(CatalogChanged) as caught:
        await apply(home, admin, {}, expected_revision=expected)
    assert caught.value.field == "expected_revision"
    assert ((await view(home, admin)).revision, await home.count_entries()) == (1, entries)


async def test_faults_of_the_document_are_told(home: House, admin: Caller) -> None:
    found = await faults(home, admin, {"actions": [{"name": "a b"}], "roles": {"x": {"polices": []}}})
    assert [(one.path, one.code) for one in found] == [
        ("actions.0.name", "invalid_value"),
        ("roles.x.#0", "unknown_field"),
    ]


async def test_the_catalog_of_another_tenant_is_refused(home: House, admin: Caller) -> None:
    (fault,) = await faults(home, admin, {"tenant": "other"})
    assert (fault.path, fault.code) == ("tenant", "invalid_value")


async def test_a_tenant_that_is_renamed_keeps_its_catalog(home: House, acme: Tenant, admin: Caller) -> None:
    await apply(home, admin, BLOG)
    async with home.database.write() as transaction:
        await transaction.tenants.change(replace(acme, slug="umbrella"))
    admin = await home.admin(replace(acme, slug="umbrella"))
    assert (await view(home, admin)).document["tenant"] == "umbrella"
    assert (await diffed(home, admin, blog(tenant="umbrella"))).changes == ()


# Roles made beside the catalog


async def test_roles_made_beside_the_catalog_stay_and_are_exported(
    home: House, acme: Tenant, admin: Caller
) -> None:
    helper = Role("helper", "Helps", (Variable("planet", "planet"),), (PolicyTemplate.of(["x:${planet}"]),))
    made = await a_role(home, acme, helper)
    await apply(home, admin, blog(strict=False))
    assert (await roles(home, acme))["helper"] == made
    exported = await view(home, admin)
    assert exported.api_roles == ("helper",)
    assert exported.document["roles"] == BLOG["roles"] | {
        "helper": {
            "description": "Helps",
            "variables": {"planet": {"entity": "planet"}},
            "policies": [{"actions": ["x:${planet}"]}],
        }
    }
    entities = exported.document["entities"]
    assert isinstance(entities, dict)
    assert list(entities) == ["language", "planet", "site"]

    applied = await apply(home, admin, exported.document)
    assert [(one.section, one.name, one.kind.value) for one in applied.diff.changes] == [
        ("entities", "planet", "added"),
        ("roles", "helper", "changed"),
    ]
    assert applied.diff.changes[1].before == {
        **(applied.diff.changes[1].after or {}),
        "by_catalog": False,
    }
    assert applied.view.document == exported.document
    assert applied.view.api_roles == ()
    taken = (await roles(home, acme))["helper"]
    assert (taken.id, taken.role, taken.by_catalog) == (made.id, helper, True)
    assert (await diffed(home, admin, exported.document)).changes == ()


async def test_a_role_of_the_same_name_is_taken_over_with_its_members(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await a_role(home, acme, Role("moderator", policies=(PolicyTemplate.of(["comment:*", "user:ban"]),)))
    somebody = await a_member(home, acme, "moderator")
    applied = await apply(home, admin, BLOG)
    (narrowed,) = applied.diff.narrowed
    assert (narrowed.identity_id, narrowed.role) == (somebody.id, "moderator")
    assert narrowed.lost == (Policy.parse(["comment:*", "user:ban"]),)
    (membership,) = await held(home, acme, "moderator")
    assert membership.grant.defined == (await roles(home, acme))["moderator"].role
    assert (await roles(home, acme))["moderator"].by_catalog


async def test_a_strict_catalog_has_to_know_what_roles_beside_it_name(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await a_role(home, acme, Role("a-banner", policies=(PolicyTemplate.of(["user:ban"]),)))
    await a_role(home, acme, Role("b-guide", variables=(Variable("planet", "planet"),)))
    await a_role(home, acme, Role("c-sound", policies=(PolicyTemplate.of(["article:*"]),)))
    found = await faults(home, admin, BLOG)
    assert [(one.path, one.code) for one in found] == [
        ("roles.a-banner", "unknown_entity"),
        ("roles.b-guide", "unknown_entity"),
    ]
    await apply(home, admin, blog(strict=False))


# Whom it narrows


async def test_whoever_holds_a_changed_role_is_told_with_what_is_lost(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await apply(home, admin, BLOG)
    czech = await a_member(home, acme, "editor", name="Czech", language=["cs"])
    both = await a_member(home, acme, "editor", name="Both", language=["cs", "en"])
    await a_member(home, acme, "editor", name="Nothing")
    await a_member(home, acme, "moderator", name="Untouched")
    narrower = EDITOR | {"policies": [{"actions": ["article:*"], "resources": ["article:cs:**"]}]}
    document = blog(roles={"editor": narrower, "moderator": BLOG["roles"]["moderator"]})
    found = await diffed(home, admin, document)
    (narrowed,) = found.narrowed
    assert found.narrowed_total == 1
    assert (narrowed.identity_id, narrowed.identity_name, narrowed.role) == (both.id, "Both", "editor")
    assert narrowed.lost == (Policy.parse(["article:*"], ["article:cs:**", "article:en:**"]),)
    assert czech.id not in repr(found)
    assert (await apply(home, admin, document)).diff == found


async def test_a_role_that_goes_takes_its_memberships_with_it(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await apply(home, admin, BLOG)
    people = [await a_member(home, acme, "moderator", name=f"Person {number}") for number in range(3)]
    document = blog(roles={"editor": EDITOR})
    found = await diffed(home, admin, document)
    assert [one.identity_id for one in found.narrowed] == [one.id for one in people]
    assert found.narrowed[0].lost == (Policy.parse(["comment:*"]),)
    assert len(await held(home, acme, "moderator")) == 3
    assert (await apply(home, admin, document)).diff == found
    assert await held(home, acme, "moderator") == ()
    changes = (await home.trail(acme))[0].changes
    assert changes["memberships"] == Change(
        [{"identity_id": one.id, "role": "moderator"} for one in people], []
    )
    assert changes["memberships_removed"] == Change(None, 3)
    # A role that comes back is not held by those who held it once.
    await apply(home, admin, BLOG)
    assert await held(home, acme, "moderator") == ()


async def test_only_so_many_are_named_and_all_are_counted(
    home: House, acme: Tenant, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keywright.services.catalog.plan.MAX_NARROWED", 2)
    monkeypatch.setattr("keywright.services.catalog.use_cases.MAX_AUDITED", 3)
    monkeypatch.setattr("keywright.services.catalog.use_cases._AT_ONCE", 2)
    await apply(home, admin, BLOG)
    assert (await home.trail(acme))[0].changes["more"] == Change(None, 15)
    people = [await a_member(home, acme, "moderator") for _ in range(5)]
    applied = await apply(home, admin, blog(roles={"editor": EDITOR}))
    assert [one.identity_id for one in applied.diff.narrowed] == [one.id for one in people[:2]]
    assert applied.diff.narrowed_total == 5
    assert await held(home, acme, "moderator") == ()
    changes = (await home.trail(acme))[0].changes
    assert len(changes["memberships"].before) == 3  # type: ignore[arg-type]
    assert changes["memberships_removed"] == Change(None, 5)


async def test_who_may_not_read_identities_is_told_how_many_alone(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await apply(home, admin, BLOG)
    await a_member(home, acme, "moderator")
    reader = await home.admin(acme, scope=[(["catalog:read"], None)])
    found = await diffed(home, reader, {})
    assert (found.narrowed, found.narrowed_total) == ((), 1)
    assert len(found.changes) == 18


async def test_the_administrator_is_not_touched(home: House, acme: Tenant, admin: Caller) -> None:
    await apply(home, admin, BLOG)
    await apply(home, admin, {})
    (membership,) = await held(home, acme, ADMIN)
    assert membership.identity_id == admin.identity.id


# Memberships that stand with a changed role


async def test_values_of_variables_that_are_not_declared_any_more_are_dropped(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await apply(home, admin, BLOG)
    both = await a_member(home, acme, "editor", language=["cs"], part=["x"])
    one = await a_member(home, acme, "editor", language=["en"])
    document = blog(roles={"editor": {"variables": {"language": {"entity": "language"}}}})
    applied = await apply(home, admin, document)
    assert applied.diff.narrowed_total == 2
    assert {(found.identity_id, found.grant.variables) for found in await held(home, acme, "editor")} == {
        (both.id, values_of({"language": ["cs"]})),
        (one.id, values_of({"language": ["en"]})),
    }


async def test_values_may_not_make_too_many_patterns(home: House, acme: Tenant, admin: Caller) -> None:
    variables: dict[str, object] = {"a": {}, "b": {}}
    small = {"policies": [{"actions": ["x:${a}"]}], "variables": variables}
    await apply(home, admin, {"roles": {"wide": small}})
    many = [str(number) for number in range(50)]
    await a_member(home, acme, "wide", a=many, b=many)
    await a_member(home, acme, "wide", a=many, b=many[:40])
    large = {"policies": [{"actions": ["x:${a}:${b}"]}], "variables": variables}
    (fault,) = await faults(home, admin, {"roles": {"wide": large}})
    assert (fault.path, fault.code) == ("roles.wide", "invalid_value")
    assert fault.detail.endswith(": 1.")


async def test_a_strict_catalog_has_to_know_the_values_that_are_held(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await apply(home, admin, blog(strict=False))
    await a_member(home, acme, "editor", language=["cs", "de"], part=["anything"])
    await a_member(home, acme, "editor", language=["fr"])
    await a_member(home, acme, "editor", language=["cs"])
    (fault,) = await faults(home, admin, BLOG)
    assert (fault.path, fault.code) == ("roles.editor", "unknown_entity")
    assert fault.detail.endswith(": 2.")
    wider = copy.deepcopy(BLOG)
    wider["entities"]["language"] += [{"id": "de"}, {"id": "fr"}]
    await apply(home, admin, wider)
    wider["entities"]["language"].pop()
    (fault,) = await faults(home, admin, wider)
    assert fault.detail.endswith(": 1.")


# At once


async def test_of_two_who_apply_at_once_one_is_done_and_the_other_refused(each_home: House) -> None:
    """Whoever comes second finds another revision; what stands is one of the two catalogs as a whole."""
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    wanted = [blog(roles={name: BLOG["roles"]["moderator"]}) for name in ("first", "second")]
    for revision in range(3):
        outcomes = await asyncio.gather(
            *(apply(home, admin, document, expected_revision=revision) for document in wanted),
            return_exceptions=True,
        )
        (done,) = [one for one in outcomes if isinstance(one, AppliedCatalog)]
        (refused,) = [one for one in outcomes if not isinstance(one, AppliedCatalog)]
        assert isinstance(refused, CatalogChanged)
        assert done.view == await view(home, admin)
        assert (done.view.revision, list(await roles(home, acme))) == (
            revision + 1,
            list(wanted[outcomes.index(done)]["roles"]),
        )
        wanted = [blog(roles={name: BLOG["roles"]["moderator"]}) for name in (f"a{revision}", f"b{revision}")]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(documents(), min_size=1, max_size=3))
async def test_whatever_is_applied_one_after_the_other_stands_as_it_was_given(
    home: House, given_documents: list[dict[str, Any]]
) -> None:
    tenant = await home.tenant(new_id("t").replace("_", "-"))
    admin = await home.admin(tenant)
    for plain in given_documents:
        document = plain | {"tenant": None}
        expected = parse(document)
        diff = await diffed(home, admin, document)
        applied = await apply(home, admin, document)
        assert applied.diff == diff
        assert applied.view.document == to_plain(replace(expected, tenant=tenant.slug))
        found = await roles(home, tenant)
        assert tuple(one.role for one in found.values()) == expected.roles
        assert all(one.by_catalog for one in found.values())
        again = await apply(home, admin, applied.view.document)
        assert (again.diff.changes, again.view) == ((), applied.view)


# Rights


async def test_nobody_applies_roles_that_allow_more_than_they_hold(home: House, acme: Tenant) -> None:
    scope = [
        (["catalog:read", "catalog:update", "identities:read"], None),
        (["article:*"], ["article:**"]),
        (["comment:delete"], None),
    ]
    caller = await home.admin(acme, scope=scope)
    entries = await home.count_entries()
    with pytest.raises(BeyondOwnRights) as caught:
        await apply(home, caller, BLOG)
    assert caught.value.field == "roles.moderator.policies"
    assert caught.value.extras == {"policy": {"actions": ["comment:*"]}}
    assert (await roles(home, acme), await home.count_entries()) == ({}, entries)

    await apply(home, caller, blog(roles={"editor": EDITOR}))
    wider = EDITOR | {"policies": [{"actions": ["article:*"], "resources": ["${part}:${language}"]}]}
    with pytest.raises(BeyondOwnRights) as again:
        await apply(home, caller, blog(roles={"editor": wider}))
    assert again.value.field == "roles.editor.policies"
    assert again.value.policy == Policy.parse(["article:*"], ["*:*"])


async def test_what_stays_as_it_is_needs_no_rights(home: House, acme: Tenant, admin: Caller) -> None:
    await a_role(home, acme, Role("moderator", policies=(PolicyTemplate.of(["comment:*"]),)))
    await apply(home, admin, blog(roles={"editor": EDITOR}))
    caller = await home.admin(acme, scope=[(["catalog:*"], None)])
    document = blog(roles=BLOG["roles"] | {"editor": EDITOR | {"description": "Writes"}}, key_templates={})
    applied = await apply(home, caller, document)
    assert {one.name for one in applied.diff.changes} == {"bare", "nightly", "editor", "moderator"}
    await apply(home, caller, {})
    assert await roles(home, acme) == {}


async def test_rights_follow_a_changed_role_at_once(home: House, acme: Tenant, admin: Caller) -> None:
    await apply(home, admin, BLOG)
    somebody = await a_member(home, acme, "moderator")
    key = await home.key(acme, somebody)
    assert (await home.caller(key)).may(acme.id, "comment:delete")
    await apply(home, admin, blog(roles={"moderator": {"policies": [{"actions": ["article:read"]}]}}))
    assert not (await home.caller(key)).may(acme.id, "comment:delete")
    assert (await home.caller(key)).may(acme.id, "article:read")


async def test_people_read_the_catalog_and_change_nothing(home: House, acme: Tenant, admin: Caller) -> None:
    await apply(home, admin, BLOG)
    for role in ("member", "read_only"):
        person = await home.identity(Grant(role, acme.id), kind=IdentityKind.USER)
        caller = await home.caller(await home.key(acme, person))
        assert (await view(home, caller)).revision == 1
        assert (await diffed(home, caller, {})).revision == 1
        with pytest.raises(PermissionDenied, match="catalog:update"):
            await apply(home, caller, {})
