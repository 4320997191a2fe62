"""Memberships: who is given which role, with which values, by whom, and who may not be the last to go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked
from keywright.core.identities import Grant, Identity, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import (
    ADMIN,
    MAX_EXPANDED,
    MAX_VALUES,
    MEMBER,
    MONITOR,
    PROJECT_CREATOR,
    SUPER_ADMIN,
)
from keywright.core.tokens import mint
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.memberships import (
    ListMemberships,
    MembershipChanges,
    MembershipId,
    NewMembership,
    create_membership,
    delete_membership,
    get_membership,
    list_memberships,
    update_membership,
)
from keywright.services.roles import RoleName, delete_role
from keywright.services.service_accounts import (
    ServiceAccountChanges,
    ServiceAccountId,
    delete_service_account,
    update_service_account,
)
from tests.services.asking import a_role, holding, refused

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

EDITOR = a_role("editor", (["article:*"], ["article:${language}:**"]), variables=["language"])
CS = {"language": ("cs",)}


async def root(home: House) -> Caller:
    """Somebody with all rights over the installation, who is a program and so counts as nobody's last hope."""
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


async def somebody(home: House, *grants: Grant) -> Identity:
    """A person."""
    return await home.identity(*grants, kind=IdentityKind.USER)


async def test_a_role_is_given_changed_and_taken_each_with_its_entry(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    key = await home.key(acme, account)
    asked = {one: Asked(action="article:read", resource=f"article:{one}:1") for one in ("cs", "en")}

    async def allowed() -> list[str]:
        return [one for one, ask in asked.items() if (await home.verifier.verify(key.token, ask)).valid]

    assert await allowed() == []
    new = NewMembership(identity_id=account.id, role="editor", variables={"language": ("cs", "cs")})
    made = await home.run(create_membership, admin, new)
    membership = made.view.membership
    assert (made.replayed, made.view.identity) == (False, account)
    assert (membership.identity_id, membership.by_sign_on, membership.created_at, membership.created_by) == (
        account.id,
        False,
        home.clock.now(),
        admin.identity.id,
    )
    assert membership.grant == Grant("editor", acme.id, (("language", ("cs",)),), EDITOR)
    assert await home.run(get_membership, admin, MembershipId(membership.id)) == made.view
    assert await allowed() == ["cs"]

    changes = MembershipChanges(membership.id, {"language": ("en",)})
    changed = await home.run(update_membership, admin, changes)
    assert changed.membership.grant.variables == (("language", ("en",)),)
    assert await allowed() == ["en"]
    entries = await home.count_entries()
    assert await home.run(update_membership, admin, changes) == changed
    assert await home.count_entries() == entries

    await home.run(delete_membership, admin, MembershipId(membership.id))
    assert await allowed() == []
    await refused(home, errors.NotFound, get_membership, admin, MembershipId(membership.id))
    deleted, updated, created = await home.trail(acme)
    assert {(one.target_type, one.target_id) for one in (created, updated, deleted)} == {
        ("membership", membership.id)
    }
    assert (created.action, created.changes) == (
        "membership.create",
        {
            "identity_id": Change(None, account.id),
            "grant": Change(None, {"role": "editor", "variables": {"language": ["cs"]}}),
        },
    )
    assert (updated.action, updated.changes) == (
        "membership.update",
        {"variables": Change({"language": ["cs"]}, {"language": ["en"]})},
    )
    assert (deleted.action, deleted.changes) == (
        "membership.delete",
        {
            "identity_id": Change(account.id, None),
            "grant": Change({"role": "editor", "variables": {"language": ["en"]}}, None),
        },
    )


async def test_a_list_is_walked_page_by_page_and_filtered(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    await home.role(acme, EDITOR)
    people = [await somebody(home) for _ in range(3)]
    for person in people:
        await home.give(acme, person, MEMBER)
        await home.give(other, person, ADMIN)
    await home.give(acme, people[0], "editor", {"language": ["cs"]})

    async def listed(**wanted: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        cursor = None
        while True:
            page = await home.run(list_memberships, admin, ListMemberships(limit=2, cursor=cursor, **wanted))
            assert all(one.identity.id == one.membership.identity_id for one in page.items)
            found += [(one.identity.id, one.membership.grant.role) for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    everybody = [(admin.identity.id, ADMIN), *((one.id, MEMBER) for one in people), (people[0].id, "editor")]
    assert sorted(await listed()) == sorted(everybody)
    assert sorted(await listed(identity_id=people[0].id)) == sorted(
        [(people[0].id, MEMBER), (people[0].id, "editor")]
    )
    assert await listed(role="editor") == [(people[0].id, "editor")]
    assert await listed(role=MEMBER, identity_id=people[1].id) == [(people[1].id, MEMBER)]
    for nothing in ({"role": "Editor"}, {"role": "\ud800"}, {"role": ""}, {"identity_id": "\0"}):
        assert await listed(**nothing) == []
    for limit in (0, 201):
        wanted = ListMemberships(limit=limit)
        assert (await refused(home, errors.InvalidValue, list_memberships, admin, wanted)).field == "limit"
    await refused(home, errors.InvalidCursor, list_memberships, admin, ListMemberships(cursor="xx"))


async def test_a_membership_is_made_once_under_an_idempotency_key(
    home: House, acme: Tenant, admin: Caller
) -> None:
    account = await home.service_account(acme)
    new = NewMembership(identity_id=account.id, role=MEMBER)
    made = await home.run(create_membership, admin, new, idempotency_key="one")
    again = await home.run(create_membership, admin, new, idempotency_key="one")
    assert (again.view, again.replayed) == (made.view, True)
    assert len(await home.trail(acme)) == 1
    other = NewMembership(identity_id=account.id, role=ADMIN)
    await refused(home, errors.IdempotencyKeyReused, create_membership, admin, other, idempotency_key="one")
    await refused(home, errors.MembershipHeld, create_membership, admin, new)
    await home.run(delete_membership, admin, MembershipId(made.view.membership.id))
    await refused(home, errors.IdempotencyKeyReused, create_membership, admin, new, idempotency_key="one")


# What is given


@pytest.mark.parametrize(
    ("role", "variables", "error", "field"),
    [
        ("nothing", {}, errors.UnknownRole, "role"),
        ("", {}, errors.UnknownRole, "role"),
        ("\ud800", {}, errors.UnknownRole, "role"),
        ("theirs", {}, errors.UnknownRole, "role"),
        (SUPER_ADMIN, {}, errors.UnknownRole, "role"),
        (MONITOR, {}, errors.UnknownRole, "role"),
        (PROJECT_CREATOR, {}, errors.UnknownRole, "role"),
        (MEMBER, {"language": ("cs",)}, errors.UnknownVariable, "variables"),
        ("editor", {**CS, "kind": ("a",)}, errors.UnknownVariable, "variables"),
        ("editor", {**CS, "": ("a",)}, errors.UnknownVariable, "variables"),
        ("editor", {"Language": ("a",)}, errors.UnknownVariable, "variables"),
        ("editor", {}, errors.MissingVariable, "variables.language"),
        ("editor", {"language": ()}, errors.MissingVariable, "variables.language"),
        ("editor", {"language": ("cs", "")}, errors.InvalidValue, "variables.language.1"),
        ("editor", {"language": ("*",)}, errors.InvalidValue, "variables.language.0"),
        ("editor", {"language": ("cs:en",)}, errors.InvalidValue, "variables.language.0"),
        ("editor", {"language": ("c s",)}, errors.InvalidValue, "variables.language.0"),
        ("editor", {"language": ("${language}",)}, errors.InvalidValue, "variables.language.0"),
        ("editor", {"language": ("\ud800",)}, errors.InvalidValue, "variables.language.0"),
        ("editor", {"language": ("x" * 101,)}, errors.InvalidValue, "variables.language.0"),
        (
            "editor",
            {"language": tuple(f"v{n}" for n in range(MAX_VALUES + 1))},
            errors.InvalidValue,
            "variables.language",
        ),
    ],
)
async def test_what_cannot_be_given_is_refused_by_its_field(
    each_home: House, role: str, variables: Any, error: type[errors.KeywrightError], field: str
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(acme, EDITOR)
    await home.role(await home.tenant("other"), a_role("theirs"))
    admin, account = await home.admin(acme), await home.service_account(acme)
    new = NewMembership(identity_id=account.id, role=role, variables=variables)
    assert (await refused(home, error, create_membership, admin, new)).field == field
    if role == "editor":
        held = await home.give(acme, account, "editor", {"language": ["cs"]})
        changes = MembershipChanges(held.id, variables)
        assert (await refused(home, error, update_membership, admin, changes)).field == field


async def test_no_token_is_kept_as_a_value(home: House, acme: Tenant, admin: Caller) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    new = NewMembership(
        identity_id=account.id, role="editor", variables={"language": ("cs", mint().reveal())}
    )
    refusal = await refused(home, errors.SecretInText, create_membership, admin, new)
    assert refusal.field == "variables.language.1"


async def test_values_make_no_more_patterns_than_a_decision_can_bear(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.role(acme, a_role("wide", (["a"], ["${x}:${y}"]), variables=["x", "y"]))
    account = await home.service_account(acme)
    side = MAX_VALUES // 2
    assert side**2 > MAX_EXPANDED
    many = tuple(f"v{n}" for n in range(side))
    new = NewMembership(identity_id=account.id, role="wide", variables={"x": many, "y": many})
    assert (await refused(home, errors.InvalidValue, create_membership, admin, new)).field == "variables"
    await home.run(
        create_membership,
        admin,
        NewMembership(identity_id=account.id, role="wide", variables={"x": many, "y": ("v",)}),
    )


async def test_a_strict_catalog_knows_the_values_of_typed_variables(
    home: House, acme: Tenant, admin: Caller
) -> None:
    document = {
        "strict": True,
        "actions": [{"name": "article:read"}],
        "entities": {"language": [{"id": "cs"}, {"id": "english"}]},
        "roles": {
            "editor": {
                "variables": {"language": {"entity": "language"}, "free": {}},
                "policies": [{"actions": ["article:read"], "resources": ["article:${language}:${free}"]}],
            }
        },
    }
    await home.run(apply_catalog, admin, NewCatalog(document))
    account = await home.service_account(acme)
    for values, field, nearest in (
        (("cs", "englsh"), "variables.language.1", {"nearest": "english"}),
        (("x9",), "variables.language.0", {}),
    ):
        new = NewMembership(
            identity_id=account.id, role="editor", variables={"language": values, "free": ("anything",)}
        )
        refusal = await refused(home, errors.UnknownEntity, create_membership, admin, new)
        assert (refusal.field, refusal.extras) == (field, nearest)
    await home.run(
        create_membership,
        admin,
        NewMembership(
            identity_id=account.id, role="editor", variables={"language": ("cs",), "free": ("anything",)}
        ),
    )


# To whom


async def test_a_tenant_gives_roles_to_those_that_it_knows(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, boss = await home.admin(acme), await root(home)
    member, stranger = await somebody(home), await somebody(home)
    await home.give(acme, member, MEMBER)
    await home.give(other, stranger, MEMBER)
    theirs = await home.service_account(other)
    for_one_key = await home.identity(Grant(MEMBER, acme.id), kind=IdentityKind.KEY)
    for known in (member, await home.service_account(acme), for_one_key):
        await home.run(create_membership, admin, NewMembership(identity_id=known.id, role=ADMIN))
    for unknown in (stranger.id, theirs.id, new_id("idn"), "", "idn_\ud800", "key_1", boss.identity.id):
        refusal = await refused(
            home, errors.NotFound, create_membership, admin, NewMembership(identity_id=unknown, role=MEMBER)
        )
        assert (refusal.detail, refusal.field) == ("No such identity.", "identity_id")
    # Who sees everybody brings in anybody but what another tenant owns.
    await home.run(
        create_membership, boss, NewMembership(identity_id=stranger.id, role=MEMBER), tenant=acme.slug
    )
    for unknown in (theirs.id, new_id("idn")):
        new = NewMembership(identity_id=unknown, role=MEMBER)
        refusal = await refused(home, errors.NotFound, create_membership, boss, new, tenant=acme.slug)
        assert (refusal.detail, refusal.field) == ("No such identity.", "identity_id")


async def test_roles_over_the_installation_are_given_to_no_tenant_s_own(home: House, acme: Tenant) -> None:
    boss = await root(home)
    person = await somebody(home)
    made = await home.run(
        create_membership, boss, NewMembership(identity_id=person.id, role=MONITOR), tenant="*"
    )
    assert made.view.membership.grant == Grant(MONITOR)
    page = await home.run(list_memberships, boss, ListMemberships(identity_id=person.id), tenant="*")
    assert [one.membership for one in page.items] == [made.view.membership]
    account = await home.service_account(acme)
    for identity_id in (account.id, new_id("idn")):
        new = NewMembership(identity_id=identity_id, role=MONITOR)
        refusal = await refused(home, errors.NotFound, create_membership, boss, new, tenant="*")
        assert refusal.field == "identity_id"
    for role in (ADMIN, MEMBER, "editor"):
        new = NewMembership(identity_id=person.id, role=role)
        await refused(home, errors.UnknownRole, create_membership, boss, new, tenant="*")
    await refused(
        home,
        errors.UnknownVariable,
        update_membership,
        boss,
        MembershipChanges(made.view.membership.id, CS),
        tenant="*",
    )
    (entry,) = await home.trail(None)
    assert entry.action == "membership.create"
    await home.run(delete_membership, boss, MembershipId(made.view.membership.id), tenant="*")


async def test_a_membership_is_found_in_its_own_place_alone(home: House, acme: Tenant, admin: Caller) -> None:
    other = await home.tenant("other")
    boss = await root(home)
    person = await somebody(home)
    theirs = await home.give(other, person, MEMBER)
    everywhere = await home.give(None, person, MONITOR)
    for membership_id, where in (
        (theirs.id, "acme"),
        (everywhere.id, "acme"),
        (theirs.id, "*"),
        (new_id("mem"), "acme"),
        ("", "acme"),
        ("mem_\ud800", "acme"),
    ):
        for use, data in (
            (get_membership, MembershipId(membership_id)),
            (update_membership, MembershipChanges(membership_id, {})),
            (delete_membership, MembershipId(membership_id)),
        ):
            refusal = await refused(home, errors.NotFound, use, boss, data, tenant=where)
            assert refusal.detail == "No such membership."


# By whom


async def test_nobody_gives_a_role_that_allows_more_than_they_may(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    manager = await holding(home, acme, (["identities:*"], None), (["article:*"], ["article:cs:**"]))
    for role, variables, beyond in (
        (ADMIN, {}, {"actions": ["**"]}),
        (MEMBER, {}, {"actions": ["keys:own:*", "tenants:read"]}),
        (
            "editor",
            {"language": ("cs", "en")},
            {"actions": ["article:*"], "resources": ["article:cs:**", "article:en:**"]},
        ),
    ):
        new = NewMembership(identity_id=account.id, role=role, variables=variables)
        refusal = await refused(home, errors.BeyondOwnRights, create_membership, manager, new)
        assert refusal.field == "role"
        assert refusal.policy is not None
        told = refusal.policy.to_plain()
        assert told["actions"][: len(beyond["actions"])] == beyond["actions"]
        assert told.get("resources") == beyond.get("resources")
    # A role with variables is given at its values, though defining it takes all of them.
    new = NewMembership(identity_id=account.id, role="editor", variables=CS)
    made = await home.run(create_membership, manager, new)
    wider = MembershipChanges(made.view.membership.id, {"language": ("cs", "en")})
    refusal = await refused(home, errors.BeyondOwnRights, update_membership, manager, wider)
    assert refusal.field == "role"
    # Nor to itself.
    own = NewMembership(identity_id=manager.identity.id, role=ADMIN)
    await refused(home, errors.BeyondOwnRights, create_membership, manager, own)


async def test_the_scope_of_the_calling_key_bounds_what_it_gives(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    caller = await home.admin(acme, scope=[(["identities:*"], None), (["article:**"], ["article:cs:**"])])
    new = NewMembership(identity_id=account.id, role="editor", variables={"language": ("en",)})
    refusal = await refused(home, errors.BeyondOwnRights, create_membership, caller, new)
    assert refusal.extras == {"policy": {"actions": ["article:*"], "resources": ["article:en:**"]}}
    made = await home.run(
        create_membership, caller, NewMembership(identity_id=account.id, role="editor", variables=CS)
    )
    wider = MembershipChanges(made.view.membership.id, {"language": ("en",)})
    await refused(home, errors.BeyondOwnRights, update_membership, caller, wider)


async def test_rights_in_one_place_give_none_in_another(home: House, acme: Tenant, admin: Caller) -> None:
    """An administrator of one tenant who manages identities in another, or over the installation."""
    other = await home.tenant("other")
    await home.role(other, a_role("manager", (["identities:*"], None)))
    who = await home.identity(Grant(ADMIN, acme.id), Grant("manager", other.id))
    caller = await home.caller(await home.key(None, who))
    account = await home.service_account(other)
    new = NewMembership(identity_id=account.id, role=ADMIN)
    await refused(home, errors.BeyondOwnRights, create_membership, caller, new, tenant="other")
    nobody = await somebody(home)
    for place in ("*", "other"):
        for role in (SUPER_ADMIN, ADMIN):
            new = NewMembership(identity_id=nobody.id, role=role)
            with pytest.raises(errors.KeywrightError):
                await home.run(create_membership, caller, new, tenant=place)
    await refused(
        home,
        errors.PermissionDenied,
        create_membership,
        admin,
        NewMembership(identity_id=admin.identity.id, role=SUPER_ADMIN),
        tenant="*",
    )


async def test_a_role_taken_away_narrows_every_key_at_once(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    for tenant in (acme, other):
        await home.role(tenant, a_role("reader", (["article:read"], None)))
    person = await somebody(home)
    held = await home.give(acme, person, "reader")
    await home.give(other, person, "reader")
    mine = [await home.key(acme, person), await home.key(acme, person, scope=[(["**"], None)])]
    theirs, everywhere = await home.key(other, person), await home.key(None, person)

    async def valid() -> list[bool]:
        asked = [(key, Asked(action="article:read")) for key in (*mine, theirs)]
        asked += [(everywhere, Asked(action="article:read", tenant=slug)) for slug in ("acme", "other")]
        return [(await home.verifier.verify(key.token, ask)).valid for key, ask in asked]

    assert await valid() == [True, True, True, True, True]
    await home.run(delete_membership, admin, MembershipId(held.id))
    assert await valid() == [False, False, True, False, True]


# The last administrator


def losses(account: Identity, held: str) -> dict[str, tuple[Any, Any]]:
    """The ways to lose an administrator."""
    return {
        "membership": (delete_membership, MembershipId(held)),
        "disabled": (update_service_account, ServiceAccountChanges(id=account.id, active=False)),
        "deleted": (delete_service_account, ServiceAccountId(account.id)),
    }


@pytest.mark.parametrize("way", ["membership", "disabled", "deleted"])
async def test_the_last_administrator_of_a_tenant_stays(each_home: House, way: str) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    boss = await root(home)
    accounts = [await home.service_account(acme) for _ in range(3)]
    held = [await home.give(acme, one, ADMIN) for one in accounts]
    # None of these administers it: another tenant's, somebody disabled, one made for a key, another role.
    await home.identity(Grant(ADMIN, other.id))
    await home.disable(accounts[2].id)
    await home.identity(Grant(ADMIN, acme.id), kind=IdentityKind.KEY)
    await home.service_account(acme, Grant(MEMBER, acme.id))
    first, second, idle = [
        losses(one, membership.id)[way] for one, membership in zip(accounts, held, strict=True)
    ]
    await home.run(first[0], boss, first[1], tenant="acme")
    refusal = await refused(home, errors.LastAdministrator, second[0], boss, second[1], tenant="acme")
    assert refusal.detail == "Nobody would be left who can administer the tenant."
    # One that was disabled already is no loss.
    await home.run(idle[0], boss, idle[1], tenant="acme")
    # A person does as well as a program, and then the other may go.
    await somebody(home, Grant(ADMIN, acme.id))
    await home.run(second[0], boss, second[1], tenant="acme")


async def test_where_nobody_administers_nobody_is_the_last(home: House, acme: Tenant) -> None:
    boss = await root(home)
    account = await home.service_account(acme)
    held = await home.give(acme, account, ADMIN)
    await home.disable(account.id)
    await home.run(delete_membership, boss, MembershipId(held.id), tenant="acme")
    for_key = await home.identity(kind=IdentityKind.KEY)
    lone = await home.give(acme, for_key, ADMIN)
    await home.run(delete_membership, boss, MembershipId(lone.id), tenant="acme")


async def test_another_role_is_taken_from_the_last_administrator(home: House, acme: Tenant) -> None:
    boss = await root(home)
    person = await somebody(home, Grant(ADMIN, acme.id))
    held = await home.give(acme, person, MEMBER)
    await home.run(delete_membership, boss, MembershipId(held.id), tenant="acme")


async def test_the_last_super_admin_stays(each_home: House) -> None:
    home = each_home
    boss = await root(home)
    people = [await somebody(home) for _ in range(2)]
    held = [await home.give(None, one, SUPER_ADMIN) for one in people]
    watching = await home.give(None, people[0], MONITOR)
    await home.run(delete_membership, boss, MembershipId(watching.id), tenant="*")
    await home.run(delete_membership, boss, MembershipId(held[0].id), tenant="*")
    refusal = await refused(
        home, errors.LastAdministrator, delete_membership, boss, MembershipId(held[1].id), tenant="*"
    )
    assert refusal.detail == "Nobody would be left who can administer the installation."


@pytest.mark.parametrize("way", ["membership", "disabled", "deleted", "both"])
async def test_of_two_administrators_that_go_at_once_one_stays(each_home: House, way: str) -> None:
    """Neither waits for the other in a circle: one is done, and the other told why not."""
    home = each_home
    acme = await home.tenant("acme")
    boss = await root(home)
    for _ in range(3):
        accounts = [await home.service_account(acme) for _ in range(2)]
        held = [await home.give(acme, one, ADMIN) for one in accounts]
        ways = ("membership", "disabled") if way == "both" else (way, way)
        acts = [
            losses(one, membership.id)[chosen]
            for one, membership, chosen in zip(accounts, held, ways, strict=True)
        ]
        done = await asyncio.gather(
            *(home.run(use, boss, data, tenant="acme") for use, data in acts), return_exceptions=True
        )
        refusals = [one for one in done if isinstance(one, BaseException)]
        assert [type(one) for one in refusals] == [errors.LastAdministrator]
        async with home.database.write() as transaction:
            left = await transaction.memberships(acme.id).holders(ADMIN, tuple(IdentityKind))
            assert len(left) == 1
            await transaction.memberships(acme.id).remove(left)


async def test_one_role_that_two_take_away_at_once_is_taken_once(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    boss = await root(home)
    for _ in range(3):
        held = await home.give(acme, await home.service_account(acme), MEMBER)
        entries = await home.count_entries()
        done = await asyncio.gather(
            *(home.run(delete_membership, boss, MembershipId(held.id), tenant="acme") for _ in range(2)),
            return_exceptions=True,
        )
        assert sorted(map(type, done), key=str) == sorted([type(None), errors.NotFound], key=str)
        assert await home.count_entries() == entries + 1


async def test_a_role_is_not_deleted_while_it_is_given(each_home: House) -> None:
    """Whichever comes first: nobody is left with a role that is not there."""
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    account = await home.service_account(acme)
    for _ in range(3):
        await home.role(acme, a_role("brief"))
        giving = home.run(create_membership, admin, NewMembership(identity_id=account.id, role="brief"))
        deleting = home.run(delete_role, admin, RoleName("brief"))
        given, deleted = await asyncio.gather(giving, deleting, return_exceptions=True)
        if isinstance(given, BaseException):
            assert (type(given), deleted) == (errors.UnknownRole, None)
        else:
            assert isinstance(deleted, errors.RoleInUse)
            await home.run(delete_membership, admin, MembershipId(given.view.membership.id))
            await home.run(delete_role, admin, RoleName("brief"))
