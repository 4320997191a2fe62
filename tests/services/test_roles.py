"""Roles: defining, changing and deleting them, and that nobody defines more than they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked
from keywright.core.identities import Grant
from keywright.core.permissions import MAX_NAME, MAX_PATTERNS, MAX_POLICIES
from keywright.core.roles import (
    GLOBAL_ROLES,
    MAX_EXPANDED,
    MAX_VALUES,
    MAX_VARIABLES,
    SUPER_ADMIN,
    TENANT_ROLES,
)
from keywright.core.tokens import mint
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.memberships import MembershipId, get_membership
from keywright.services.roles import (
    NewRole,
    RoleChanges,
    RoleName,
    VariableInput,
    create_role,
    delete_role,
    get_role,
    list_roles,
    update_role,
)
from tests.services.asking import a_role, holding, refused

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

LANGUAGE = (VariableInput("language"),)
IN_LANGUAGE = ((("article:*",), ("article:${language}:**",)),)
EDITOR = a_role("editor", (["article:*"], ["article:${language}:**"]), variables=["language"])


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


async def test_a_role_is_defined_changed_and_deleted_each_with_its_entry(
    home: House, acme: Tenant, admin: Caller
) -> None:
    new = NewRole(name="editor", description="Writes", variables=LANGUAGE, policies=IN_LANGUAGE)
    made = await home.run(create_role, admin, new)
    assert (made.replayed, made.view.role.policies) == (False, EDITOR.policies)
    assert made.view.defined is not None
    assert made.view.updated_at == home.clock.now()
    assert await home.run(get_role, admin, RoleName("editor")) == made.view

    home.clock.advance(hours=1)
    changes = RoleChanges(name="editor", description="Writes and reads")
    changed = await home.run(update_role, admin, changes)
    assert changed.defined is not None
    assert (changed.defined.created_at, changed.updated_at) == (
        made.view.defined.created_at,
        home.clock.now(),
    )
    assert await home.run(get_role, admin, RoleName("editor")) == changed
    entries = await home.count_entries()
    assert await home.run(update_role, admin, changes) == changed
    assert await home.count_entries() == entries

    await home.run(delete_role, admin, RoleName("editor"))
    await refused(home, errors.NotFound, get_role, admin, RoleName("editor"))
    deleted, updated, created = await home.trail(acme)
    assert [one.target_type for one in (created, updated, deleted)] == ["role"] * 3
    assert {one.target_id for one in (created, updated, deleted)} == {made.view.defined.id}
    assert (created.action, created.changes) == (
        "role.create",
        {
            "name": Change(None, "editor"),
            "description": Change(None, "Writes"),
            "variables": Change(None, [{"name": "language", "entity": None, "description": ""}]),
            "policies": Change(None, [{"actions": ["article:*"], "resources": ["article:${language}:**"]}]),
        },
    )
    assert (updated.action, updated.changes) == (
        "role.update",
        {"description": Change("Writes", "Writes and reads")},
    )
    assert (deleted.action, deleted.changes) == ("role.delete", {"name": Change("editor", None)})


async def test_a_role_may_be_empty_and_then_allows_nothing(home: House, admin: Caller) -> None:
    made = await home.run(create_role, admin, NewRole(name="nothing"))
    assert made.view.role.widest() == ()


async def test_lists_hold_the_built_in_roles_first_and_those_of_the_tenant_alone(
    home: House, acme: Tenant, admin: Caller
) -> None:
    other = await home.tenant("other")
    for name in ("writer", "editor"):
        await home.role(acme, a_role(name))
    await home.role(other, a_role("theirs"))
    listed = await home.run(list_roles, admin, None)
    assert [one.role.name for one in listed] == [*TENANT_ROLES, "editor", "writer"]
    assert [one.defined is None for one in listed] == [True] * len(TENANT_ROLES) + [False, False]
    assert {one.updated_at for one in listed[: len(TENANT_ROLES)]} == {None}
    everywhere = await home.run(list_roles, await root(home), None, tenant="*")
    assert [one.role for one in everywhere] == list(GLOBAL_ROLES.values())


async def test_a_role_is_read_where_it_can_be_held(home: House, acme: Tenant, admin: Caller) -> None:
    other = await home.tenant("other")
    await home.role(other, a_role("theirs"))
    boss = await root(home)
    assert (await home.run(get_role, admin, RoleName("member"))).role == TENANT_ROLES["member"]
    assert (await home.run(get_role, boss, RoleName("monitor"), tenant="*")).role == GLOBAL_ROLES["monitor"]
    for caller, name, tenant in (
        (admin, "theirs", None),
        (admin, "monitor", None),
        (admin, "", None),
        (admin, "\0", None),
        (admin, "\ud800", None),
        (admin, "Editor", None),
        (boss, "member", "*"),
        (boss, "theirs", "*"),
        (boss, "monitor", acme.slug),
    ):
        refusal = await refused(home, errors.NotFound, get_role, caller, RoleName(name), tenant=tenant)
        assert refusal.detail == "No such role."


@pytest.mark.parametrize(
    ("new", "error", "field"),
    [
        (NewRole(name=""), errors.InvalidValue, "name"),
        (NewRole(name="Editor"), errors.InvalidValue, "name"),
        (NewRole(name="-editor"), errors.InvalidValue, "name"),
        (NewRole(name="a" * 101), errors.InvalidValue, "name"),
        (NewRole(name="a b"), errors.InvalidValue, "name"),
        (NewRole(name="\ud800"), errors.InvalidValue, "name"),
        (NewRole(name="admin"), errors.RoleTaken, "name"),
        (NewRole(name="super_admin"), errors.RoleTaken, "name"),
        (NewRole(name="taken"), errors.RoleTaken, "name"),
        (NewRole(name="a", description="\0"), errors.InvalidValue, "description"),
        (NewRole(name="a", description="x" * 2_001), errors.InvalidValue, "description"),
        (NewRole(name="a", variables=(VariableInput("Language"),)), errors.InvalidValue, "variables.0.name"),
        (NewRole(name="a", variables=(VariableInput("1"),)), errors.InvalidValue, "variables.0.name"),
        (NewRole(name="a", variables=(VariableInput("a" * 41),)), errors.InvalidValue, "variables.0.name"),
        (
            NewRole(name="a", variables=(VariableInput("b"), VariableInput("c"), VariableInput("b"))),
            errors.InvalidValue,
            "variables.2.name",
        ),
        (
            NewRole(name="a", variables=(VariableInput("b", entity="B C"),)),
            errors.InvalidValue,
            "variables.0.entity",
        ),
        (
            NewRole(name="a", variables=(VariableInput("b", description="\0"),)),
            errors.InvalidValue,
            "variables.0.description",
        ),
        (
            NewRole(name="a", variables=tuple(VariableInput(f"v{n}") for n in range(MAX_VARIABLES + 1))),
            errors.InvalidValue,
            "variables",
        ),
        (
            NewRole(name="a", policies=((("a",), None),) * (MAX_POLICIES + 1)),
            errors.InvalidPolicy,
            "policies",
        ),
        (NewRole(name="a", policies=(((), None),)), errors.InvalidPolicy, "policies.0.actions"),
        (
            NewRole(name="a", policies=((("a",) * (MAX_PATTERNS + 1), None),)),
            errors.InvalidPolicy,
            "policies.0.actions",
        ),
        (NewRole(name="a", policies=((("a",), ()),)), errors.InvalidPolicy, "policies.0.resources"),
        (
            NewRole(name="a", policies=((("a",), None), (("a", "a b"), None))),
            errors.InvalidPolicy,
            "policies.1.actions.1",
        ),
        (NewRole(name="a", policies=((("a",), ("b", "")),)), errors.InvalidPolicy, "policies.0.resources.1"),
        (NewRole(name="a", policies=((("a***",), None),)), errors.InvalidPolicy, "policies.0.actions.0"),
        (NewRole(name="a", policies=((("a:${b",), None),)), errors.InvalidPolicy, "policies.0.actions.0"),
        (NewRole(name="a", policies=((("a:${B}",), None),)), errors.InvalidPolicy, "policies.0.actions.0"),
        (NewRole(name="a", policies=((("a:$b",), None),)), errors.InvalidPolicy, "policies.0.actions.0"),
        (
            NewRole(name="a", policies=((("a:${b}" + "c" * (MAX_NAME - 5),), None),)),
            errors.InvalidPolicy,
            "policies.0.actions.0",
        ),
        (NewRole(name="a", policies=((("a",), ("${b}",)),)), errors.InvalidPolicy, "policies.0"),
        (
            NewRole(name="a", variables=LANGUAGE, policies=((("a",), ("${language}:${b}",)),)),
            errors.InvalidPolicy,
            "policies.0",
        ),
    ],
)
async def test_what_cannot_be_defined_is_refused_by_its_field(
    each_home: House, new: NewRole, error: type[errors.KeywrightError], field: str
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(acme, a_role("taken"))
    refusal = await refused(home, error, create_role, await home.admin(acme), new)
    assert refusal.field == field


@pytest.mark.parametrize("where", ["description", "variable", "pattern"])
async def test_no_token_is_kept_in_a_role(home: House, admin: Caller, where: str) -> None:
    token = mint().reveal()
    new = {
        "description": NewRole(name="a", description=token),
        "variable": NewRole(name="a", variables=(VariableInput("b", description=token),)),
        "pattern": NewRole(name="a", policies=(((token,), None),)),
    }[where]
    refusal = await refused(home, errors.SecretInText, create_role, admin, new)
    assert token not in refusal.detail


async def test_a_name_is_taken_in_its_own_tenant_alone(home: House, acme: Tenant, admin: Caller) -> None:
    await home.role(await home.tenant("other"), a_role("editor"))
    await home.run(create_role, admin, NewRole(name="editor"))
    await home.run(delete_role, admin, RoleName("editor"))
    await home.run(create_role, admin, NewRole(name="editor"))


async def test_a_role_is_made_once_under_an_idempotency_key(home: House, acme: Tenant, admin: Caller) -> None:
    new = NewRole(name="editor", variables=LANGUAGE, policies=IN_LANGUAGE)
    made = await home.run(create_role, admin, new, idempotency_key="one")
    await home.run(create_role, admin, NewRole(name="before"))
    again = await home.run(create_role, admin, new, idempotency_key="one")
    assert (again.view, again.replayed) == (made.view, True)
    assert len(await home.trail(acme)) == 2
    await refused(
        home, errors.IdempotencyKeyReused, create_role, admin, NewRole(name="other"), idempotency_key="one"
    )
    await home.run(delete_role, admin, RoleName("editor"))
    await refused(home, errors.IdempotencyKeyReused, create_role, admin, new, idempotency_key="one")


# Nobody defines more than they hold


async def test_what_a_role_could_allow_at_most_is_held_by_whoever_defines_it(
    home: House, acme: Tenant
) -> None:
    manager = await holding(home, acme, (["roles:*"], None), (["article:*"], ["article:cs:**"]))
    for policies, variables, beyond in (
        (((("article:read",), None),), (), {"actions": ["article:read"]}),
        (
            ((("roles:read",), None), (("article:read", "x"), ("article:cs:1",))),
            (),
            {"actions": ["article:read", "x"], "resources": ["article:cs:1"]},
        ),
        # Whatever the language: the values are for others to give.
        (IN_LANGUAGE, LANGUAGE, {"actions": ["article:*"], "resources": ["article:*:**"]}),
        (
            ((("article:${language}",), ("article:cs:1",)), (("${language}",), None)),
            LANGUAGE,
            {"actions": ["*"]},
        ),
    ):
        refusal = await refused(
            home,
            errors.BeyondOwnRights,
            create_role,
            manager,
            NewRole(name="editor", policies=policies, variables=variables),
        )
        assert refusal.field == "policies"
        assert refusal.policy is not None
        assert refusal.policy.to_plain() == beyond
    within = NewRole(
        name="editor",
        variables=LANGUAGE,
        policies=((("article:*",), ("article:cs:${language}",)), (("roles:${language}",), None)),
    )
    await home.run(create_role, manager, within)


async def test_the_scope_of_the_calling_key_bounds_what_it_defines(home: House, acme: Tenant) -> None:
    caller = await home.admin(acme, scope=[(["roles:*"], None), (["article:read"], ["article:cs:**"])])
    new = NewRole(name="reader", policies=((("article:read",), None),))
    refusal = await refused(home, errors.BeyondOwnRights, create_role, caller, new)
    assert refusal.extras == {"policy": {"actions": ["article:read"]}}
    await home.run(
        create_role, caller, NewRole(name="reader", policies=((("article:read",), ("article:cs:1",)),))
    )
    wider = RoleChanges(name="reader", policies=((("article:*",), ("article:cs:1",)),))
    assert (await refused(home, errors.BeyondOwnRights, update_role, caller, wider)).field == "policies"


async def test_a_role_is_changed_by_whoever_holds_all_that_it_then_allows(
    home: House, acme: Tenant, admin: Caller
) -> None:
    """Also what it allowed before: to change a variable makes the same policy mean something else."""
    await home.role(acme, a_role("writer", (["article:write"], None), (["article:read"], ["article:1"])))
    manager = await holding(home, acme, (["roles:*"], None), (["article:read"], ["article:**"]))
    for changes in (
        RoleChanges(name="writer", variables=LANGUAGE),
        RoleChanges(
            name="writer", policies=((("article:read",), ("article:1",)), (("article:write",), None))
        ),
        RoleChanges(
            name="writer", variables=LANGUAGE, policies=((("article:${language}",), ("article:1",)),)
        ),
    ):
        assert (
            await refused(home, errors.BeyondOwnRights, update_role, manager, changes)
        ).field == "policies"
    # What it is called by people gives nothing, and less than it allowed may be left.
    await home.run(update_role, manager, RoleChanges(name="writer", description="Writes"))
    await home.run(
        update_role, manager, RoleChanges(name="writer", policies=((("article:read",), ("article:2",)),))
    )


async def test_a_changed_role_changes_what_everybody_may_at_once(
    each_home: House,
) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    keys = []
    for tenant in (acme, other):
        await home.role(tenant, EDITOR)
        editor = await home.service_account(tenant)
        await home.give(tenant, editor, "editor", {"language": ["cs"]})
        keys += [await home.key(tenant, editor), await home.key(tenant, editor, scope=[(["**"], None)])]
    asked = Asked(action="article:write", resource="article:cs:1")

    async def valid() -> list[bool]:
        return [(await home.verifier.verify(key.token, asked)).valid for key in keys]

    assert await valid() == [True] * 4
    narrower = ((("article:read",), ("article:${language}:**",)),)
    await home.run(update_role, admin, RoleChanges(name="editor", policies=narrower))
    assert await valid() == [False, False, True, True]
    await home.run(update_role, admin, RoleChanges(name="editor", policies=IN_LANGUAGE))
    assert await valid() == [True] * 4


async def test_values_go_with_their_variable(home: House, acme: Tenant, admin: Caller) -> None:
    """They would come back to life with another variable of that name, unseen by whoever defines it."""
    await home.role(
        acme, a_role("editor", (["article:*"], ["${kind}:${language}"]), variables=["kind", "language"])
    )
    held = [
        await home.give(acme, await home.service_account(acme), "editor", {"kind": ["a"], "language": [one]})
        for one in ("cs", "en")
    ]
    entries = await home.count_entries()
    await home.run(update_role, admin, RoleChanges(name="editor", variables=LANGUAGE, policies=IN_LANGUAGE))
    assert await home.count_entries() == entries + 1
    for membership, language in zip(held, ("cs", "en"), strict=True):
        view = await home.run(get_membership, admin, MembershipId(membership.id))
        assert view.membership.grant.variables == (("language", (language,)),)


async def test_a_role_cannot_outgrow_the_values_that_it_is_held_with(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.role(acme, a_role("editor", (["a"], ["${x}"]), variables=["x", "y"]))
    values = [f"v{number}" for number in range(MAX_VALUES)]
    await home.give(acme, await home.service_account(acme), "editor", {"x": values, "y": values})
    assert MAX_VALUES**2 > MAX_EXPANDED
    wide = RoleChanges(name="editor", policies=((("a",), ("${x}:${y}",)),))
    assert (await refused(home, errors.InvalidValue, update_role, admin, wide)).field == "policies"


# What stands in the way


async def test_a_role_that_somebody_holds_is_not_deleted(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    for tenant in (acme, other):
        await home.role(tenant, EDITOR)
    await home.give(other, await home.service_account(other), "editor", {"language": ["cs"]})
    held = await home.give(acme, await home.service_account(acme), "editor", {"language": ["cs"]})
    await refused(home, errors.RoleInUse, delete_role, admin, RoleName("editor"))
    async with home.database.write() as transaction:
        await transaction.memberships(acme.id).remove([held.id])
    await home.run(delete_role, admin, RoleName("editor"))
    async with home.database.read() as transaction:
        assert await transaction.roles(other.id).by_name("editor") is not None


@pytest.mark.parametrize("name", ["admin", "nothing", "theirs", "", "\ud800"])
async def test_what_is_built_in_or_not_there_is_neither_changed_nor_deleted(
    each_home: House, name: str
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(await home.tenant("other"), a_role("theirs"))
    admin = await home.admin(acme)
    changes = RoleChanges(name=name, description="x")
    for use, data in ((update_role, changes), (delete_role, RoleName(name))):
        refusal = await refused(home, errors.NotFound, use, admin, data)
        assert refusal.detail == "No such role."


def catalog(**sections: Any) -> NewCatalog:
    return NewCatalog({"strict": True, **sections})


async def test_a_role_of_the_catalog_is_changed_there(home: House, admin: Caller) -> None:
    await home.run(apply_catalog, admin, NewCatalog({"roles": {"editor": {"description": "Writes"}}}))
    for use, data in (
        (update_role, RoleChanges(name="editor", description="x")),
        (delete_role, RoleName("editor")),
    ):
        await refused(home, errors.RoleOfCatalog, use, admin, data)
    await refused(home, errors.RoleTaken, create_role, admin, NewRole(name="editor"))


async def test_a_strict_catalog_knows_what_a_role_may_name(home: House, admin: Caller) -> None:
    await home.run(
        apply_catalog,
        admin,
        catalog(actions=[{"name": "article:read"}], entities={"language": [{"id": "cs"}]}),
    )
    typed = (VariableInput("language", entity="language"),)
    known = NewRole(name="editor", variables=typed, policies=((("article:read",), ("article:${language}",)),))
    await home.run(create_role, admin, known)
    for new, error, field in (
        (
            NewRole(name="a", policies=((("article:raed",), None),)),
            errors.UnknownAction,
            "policies.0.actions.0",
        ),
        (
            NewRole(name="a", variables=(VariableInput("a"), VariableInput("b", entity="langauge"))),
            errors.UnknownEntity,
            "variables.1.entity",
        ),
    ):
        refusal = await refused(home, error, create_role, admin, new)
        assert refusal.field == field
        assert refusal.extras["nearest"] in ("article:read", "language")
    unknown = RoleChanges(name="editor", policies=((("article:write",), None),))
    assert (
        await refused(home, errors.UnknownAction, update_role, admin, unknown)
    ).field == "policies.0.actions.0"
