"""Whom keys speak for: their maker, somebody else, or an identity made for one key alone; and never for too much."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked, Code
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, MEMBER, MONITOR, READ_ONLY, SUPER_ADMIN
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.keys import (
    KeyChanges,
    KeyId,
    KeyIds,
    KeyQuestion,
    KeyTransfer,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    explain_key,
    get_key,
    list_keys,
    transfer_key,
    update_key,
)
from keywright.services.memberships import (
    ListMemberships,
    MembershipId,
    RoleInput,
    delete_membership,
    list_memberships,
)
from tests.services.asking import a_role, holding, refused
from tests.support.facts import NOW
from tests.support.house import Made

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.keys import CreatedKey
    from tests.support.house import House

pytestmark = pytest.mark.anyio

EDITOR = a_role("editor", (["article:*"], ["article:${language}:**"]), variables=["language"])
CZECH = RoleInput("editor", {"language": ("cs",)})
READ_CZECH = Asked(action="article:read", resource="article:cs:1")


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


async def create(home: House, caller: Caller, tenant: str | None = None, **fields: Any) -> Made:
    """A key made by a caller, with its token."""
    return made(await home.run(create_key, caller, NewKey(name="Nightly", **fields), tenant=tenant))


def made(created: CreatedKey) -> Made:
    assert created.token is not None
    return Made(created.view.key, created.token.reveal())


async def allowed(home: House, key: Made, asked: Asked) -> bool:
    return (await home.verifier.verify(key.token, asked)).valid


# Three sorts of owner


async def test_a_key_speaks_for_its_maker_unless_it_says_otherwise(
    home: House, acme: Tenant, admin: Caller
) -> None:
    for identity_id in (None, admin.identity.id):
        created = await home.run(create_key, admin, NewKey(name="k", identity_id=identity_id))
        assert created.view.owner == admin.identity
        assert (created.view.key.identity_id, created.view.key.created_by) == (admin.identity.id,) * 2


async def test_a_key_speaks_for_somebody_that_the_tenant_knows(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    await home.give(acme, account, "editor", {"language": ["cs"]})
    person = await home.identity(Grant(MEMBER, acme.id), kind=IdentityKind.USER)
    key = await create(home, admin, identity_id=account.id)
    assert (key.key.identity_id, key.key.created_by) == (account.id, admin.identity.id)
    assert await allowed(home, key, READ_CZECH)
    assert not await allowed(home, key, Asked(action="article:read", resource="article:en:1"))
    await create(home, admin, identity_id=person.id)
    assert (await home.trail(acme))[1].changes["identity_id"] == Change(None, account.id)
    # Everybody else looks like nobody.
    theirs = await home.service_account(other)
    stranger = await home.identity(Grant(ADMIN, other.id), Grant(MONITOR), kind=IdentityKind.USER)
    for identity_id in (theirs.id, stranger.id, new_id("idn"), "", "idn_\ud800", "key_1"):
        new = NewKey(name="k", identity_id=identity_id)
        refusal = await refused(home, errors.NotFound, create_key, admin, new)
        assert (refusal.detail, refusal.field) == ("No such identity.", "identity_id")


async def test_a_key_for_nobody_has_an_identity_of_its_own(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    await home.role(acme, EDITOR)
    created = await home.run(
        create_key, admin, NewKey(name="Nightly", memberships=(CZECH, RoleInput(MEMBER)))
    )
    owner = created.view.owner
    assert owner is not None
    assert (owner.kind, owner.name, owner.tenant_id) == (IdentityKind.KEY, "Nightly", acme.id)
    assert await allowed(home, made(created), READ_CZECH)
    held = await home.run(list_memberships, admin, ListMemberships(identity_id=owner.id))
    assert [one.membership.grant.role for one in held.items] == ["editor", MEMBER]
    (entry,) = await home.trail(acme)
    assert entry.changes["memberships"] == Change(
        None, [{"role": "editor", "variables": {"language": ["cs"]}}, {"role": MEMBER, "variables": {}}]
    )
    # Its roles are taken away like anybody's.
    await home.run(delete_membership, admin, MembershipId(held.items[0].membership.id))
    assert not await allowed(home, made(created), READ_CZECH)


async def test_a_key_for_nobody_may_have_no_rights_at_all(home: House, acme: Tenant, admin: Caller) -> None:
    key = await create(home, admin, memberships=())
    decision = await home.verifier.verify(key.token)
    assert (decision.code, decision.roles) == (Code.VALID, ())
    assert not await allowed(home, key, READ_CZECH)
    assert "memberships" not in (await home.trail(acme))[0].changes


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"memberships": (CZECH,), "identity_id": "idn_1"}, errors.InvalidValue, "memberships"),
        ({"memberships": (), "identity_id": "idn_1"}, errors.InvalidValue, "memberships"),
        ({"memberships": (RoleInput("nothing"),)}, errors.UnknownRole, "memberships.0.role"),
        ({"memberships": (RoleInput(SUPER_ADMIN),)}, errors.UnknownRole, "memberships.0.role"),
        ({"memberships": (CZECH, CZECH)}, errors.InvalidValue, "memberships.1.role"),
        (
            {"memberships": (RoleInput("editor"),)},
            errors.MissingVariable,
            "memberships.0.variables.language",
        ),
        (
            {"memberships": (RoleInput("editor", {"x": ("cs",)}),)},
            errors.UnknownVariable,
            "memberships.0.variables",
        ),
        ({"name": " ", "memberships": ()}, errors.InvalidValue, "name"),
        ({"memberships": (), "handle": "a b"}, errors.InvalidValue, "handle"),
    ],
)
async def test_what_cannot_be_an_owner_is_refused_by_its_field(
    each_home: House, fields: dict[str, Any], error: type[errors.KeywrightError], field: str
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(acme, EDITOR)
    admin = await home.admin(acme)
    new = NewKey(**{"name": "k", **fields})
    assert (await refused(home, error, create_key, admin, new)).field == field


async def test_an_identity_made_for_a_key_goes_with_the_last_key_that_speaks_for_it(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    first = await create(home, admin, memberships=(RoleInput(ADMIN),))
    second = await create(home, await home.caller(first))
    assert second.key.identity_id == first.key.identity_id
    await home.run(delete_keys, admin, KeyIds((first.id,)))
    assert (await home.verifier.verify(second.token)).valid
    assert (await home.run(get_key, admin, KeyId(second.id))).owner is not None
    await home.run(delete_keys, admin, KeyIds((second.id,)))
    async with home.database.read() as transaction:
        assert await transaction.identities.by_id(first.key.identity_id) is None
        assert await transaction.all_memberships.of(first.key.identity_id) == ()
        assert await transaction.identities.by_id(admin.identity.id) is not None


async def test_a_key_for_nobody_is_made_once_under_an_idempotency_key(
    home: House, acme: Tenant, admin: Caller
) -> None:
    new = NewKey(name="k", memberships=(RoleInput(MEMBER),))
    created = await home.run(create_key, admin, new, idempotency_key="one")
    again = await home.run(create_key, admin, new, idempotency_key="one")
    assert (again.view, again.token, again.replayed) == (created.view, None, True)
    held = await home.run(list_memberships, admin, ListMemberships(role=MEMBER))
    assert len(held.items) == 1
    other = NewKey(name="k", memberships=(RoleInput(ADMIN),))
    await refused(home, errors.IdempotencyKeyReused, create_key, admin, other, idempotency_key="one")


# Nobody makes a key that may do more


async def test_a_key_for_another_may_do_no_more_than_its_maker(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    manager = await holding(home, acme, (["keys:*"], None), (["article:*"], ["article:cs:**"]))
    account = await home.service_account(acme)
    held = await home.give(acme, account, "editor", {"language": ["cs", "en"]})
    new = NewKey(name="k", identity_id=account.id)
    refusal = await refused(home, errors.BeyondOwnRights, create_key, manager, new)
    assert refusal.field == "scope"
    assert refusal.extras == {
        "policy": {"actions": ["article:*"], "resources": ["article:cs:**", "article:en:**"]}
    }
    # A scope within what the maker holds makes up for it.
    english = NewKey(name="k", identity_id=account.id, scope=((("article:read",), ("article:en:1",)),))
    refusal = await refused(home, errors.BeyondOwnRights, create_key, manager, english)
    assert (refusal.field, refusal.extras) == (
        "scope.0",
        {"policy": {"actions": ["article:read"], "resources": ["article:en:1"]}},
    )
    key = await create(
        home, manager, identity_id=account.id, scope=((("article:read",), ("article:cs:**",)),)
    )
    wider = KeyChanges(id=key.id, scope=None)
    refusal = await refused(home, errors.BeyondOwnRights, update_key, manager, wider)
    assert refusal.field == "scope"
    # And so does an owner that holds less.
    async with home.database.write() as transaction:
        await transaction.memberships(acme.id).set_variables(held.id, (("language", ("cs",)),))
    await create(home, manager, identity_id=account.id)


async def test_a_key_for_nobody_may_do_no_more_than_its_maker(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    manager = await holding(home, acme, (["keys:*"], None), (["article:*"], ["article:cs:**"]))
    for memberships, at in (
        ((RoleInput(READ_ONLY),), "memberships.0.role"),
        ((CZECH, RoleInput(ADMIN)), "memberships.1.role"),
        ((RoleInput("editor", {"language": ("cs", "en")}),), "memberships.0.role"),
    ):
        new = NewKey(name="k", memberships=memberships, scope=())
        refusal = await refused(home, errors.BeyondOwnRights, create_key, manager, new)
        assert refusal.field == at
        assert refusal.policy is not None
    await create(home, manager, memberships=(CZECH,))


async def test_a_scoped_key_hands_out_only_what_its_scope_keeps(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    await home.give(acme, account, "editor", {"language": ["en"]})
    scoped = await home.admin(acme, scope=[(["keys:*"], None), (["article:*"], ["article:cs:**"])])
    # It names what the owner may do and the key may not, and what is missing where the owner grows.
    refusal = await refused(
        home, errors.BeyondOwnRights, create_key, scoped, NewKey(name="k", identity_id=account.id)
    )
    assert refusal.extras == {"policy": {"actions": ["article:*"], "resources": ["article:en:**"]}}
    idle = await home.service_account(acme)
    refusal = await refused(
        home, errors.BeyondOwnRights, create_key, scoped, NewKey(name="k", identity_id=idle.id)
    )
    assert (refusal.field, refusal.extras) == ("scope", {})
    refusal = await refused(home, errors.BeyondOwnRights, create_key, scoped, NewKey(name="k"))
    assert refusal.extras == {"policy": {"actions": ["**"]}}
    refusal = await refused(
        home, errors.BeyondOwnRights, create_key, scoped, NewKey(name="k", memberships=(RoleInput(ADMIN),))
    )
    assert refusal.extras == {"policy": {"actions": ["**"]}}
    await create(home, scoped, memberships=(CZECH,), scope=((("article:read",), ("article:cs:1",)),))


async def test_a_global_key_is_judged_in_every_tenant_of_its_owner(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    # Super administrators may everything; make somebody who may keys everywhere, by a scope of their key.
    boss = await home.identity(Grant(SUPER_ADMIN))
    keymaster = await home.caller(
        await home.key(None, boss, scope=[(["keys:*"], None), (["article:*"], None)])
    )
    await home.role(acme, EDITOR)
    await home.role(other, a_role("printer", (["print"], None)))
    person = await home.identity(kind=IdentityKind.USER)
    await home.give(acme, person, "editor", {"language": ["cs"]})
    narrow = ((("article:read",), None),)
    await create(home, keymaster, "*", identity_id=person.id, scope=narrow)
    await home.give(other, person, "printer")
    new = NewKey(name="k", identity_id=person.id)
    refusal = await refused(home, errors.BeyondOwnRights, create_key, keymaster, new, tenant="*")
    assert refusal.extras == {"policy": {"actions": ["print"]}}
    everything = NewKey(name="k", identity_id=person.id, scope=((("print",), None),))
    await refused(home, errors.BeyondOwnRights, create_key, keymaster, everything, tenant="*")
    key = await create(home, await root(home), "*", identity_id=person.id)
    found = {slug: await allowed(home, key, Asked(tenant=slug, action="print")) for slug in ("acme", "other")}
    assert found == {"acme": False, "other": True}


async def test_a_global_key_speaks_for_no_tenant_s_own(home: House, acme: Tenant, admin: Caller) -> None:
    boss = await root(home)
    account = await home.service_account(acme)
    lone = await create(home, admin, memberships=())
    for identity_id in (account.id, lone.key.identity_id, new_id("idn"), "", "\ud800"):
        new = NewKey(name="k", identity_id=identity_id)
        refusal = await refused(home, errors.NotFound, create_key, boss, new, tenant="*")
        assert refusal.field == "identity_id"
    watching = await create(home, boss, "*", memberships=(RoleInput(MONITOR),))
    assert watching.key.tenant_id is None
    assert await allowed(home, watching, Asked(tenant="acme", action="keys:read"))
    for_tenant = NewKey(name="k", memberships=(RoleInput(ADMIN),))
    refused_role = await refused(home, errors.UnknownRole, create_key, boss, for_tenant, tenant="*")
    assert refused_role.field == "memberships.0.role"
    # Nor does a tenant's key speak for an identity made for a global one.
    new = NewKey(name="k", identity_id=watching.key.identity_id)
    await refused(home, errors.NotFound, create_key, boss, new, tenant="acme")


async def test_whoever_holds_rights_in_one_tenant_makes_no_key_elsewhere(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    person = await home.identity(Grant(ADMIN, acme.id), Grant(MEMBER, other.id), kind=IdentityKind.USER)
    caller = await home.caller(await home.key(None, person))
    account = await home.service_account(other)
    for fields in ({"identity_id": account.id}, {"memberships": ()}):
        new = NewKey(name="k", **fields)
        refusal = await refused(home, errors.PermissionDenied, create_key, caller, new, tenant="other")
        assert refusal.field == next(iter(fields))
    await refused(home, errors.PermissionDenied, create_key, caller, NewKey(name="k"), tenant="*")
    own = await create(home, caller, "other")
    assert not await allowed(home, own, Asked(action="identities:create"))


# A key and itself


async def test_a_key_neither_changes_nor_deletes_nor_gives_away_itself(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    own, another = await home.key(acme, owner), await home.key(acme, owner)
    heir = await home.service_account(acme)
    caller = await home.caller(own)
    for use, data in (
        (update_key, KeyChanges(id=own.id, name="x")),
        (update_key, KeyChanges(id=own.id)),
        (update_key, KeyChanges(id=own.id, active=False)),
        (delete_keys, KeyIds((own.id,))),
        (delete_keys, KeyIds((another.id, own.id))),
        (transfer_key, KeyTransfer(own.id, heir.id)),
        (transfer_key, KeyTransfer(own.id, heir.id, confirm=True)),
    ):
        await refused(home, errors.OwnKey, use, caller, data)
    assert (await home.run(get_key, caller, KeyId(own.id))).key == (await home.stored(own.id))


# What is one's own


async def test_a_member_manages_its_own_keys_and_sees_no_other(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    person = await home.identity(Grant(MEMBER, acme.id), Grant(MEMBER, other.id), kind=IdentityKind.USER)
    caller = await home.caller(await home.key(acme, person))
    admin = await home.admin(acme)
    theirs = await home.key(acme, admin.identity)
    mine = await create(home, caller)
    elsewhere = await home.key(other, person)
    assert mine.key.identity_id == person.id
    assert caller.key is not None

    async def listed(**query: Any) -> set[str]:
        page = await home.run(list_keys, caller, ListKeys(query=KeyQuery(**query)))
        return {one.key.id for one in page.items}

    assert await listed() == {mine.id, caller.key.id}
    assert await listed(identity_id=person.id) == {mine.id, caller.key.id}
    assert await listed(identity_id=admin.identity.id) == set()
    assert (await home.run(get_key, caller, KeyId(mine.id))).key == mine.key
    assert (await home.run(explain_key, caller, KeyQuestion(id=mine.id))).valid
    await home.run(update_key, caller, KeyChanges(id=mine.id, name="Mine"))

    for key_id in (theirs.id, elsewhere.id, new_id("key"), ""):
        for use, data in (
            (get_key, KeyId(key_id)),
            (explain_key, KeyQuestion(id=key_id)),
            (update_key, KeyChanges(id=key_id, name="x")),
            (delete_keys, KeyIds((key_id,))),
        ):
            refusal = await refused(home, errors.NotFound, use, caller, data)
            assert (refusal.detail, refusal.field) == ("No such key.", None)
        both = await refused(home, errors.NotFound, delete_keys, caller, KeyIds((mine.id, key_id)))
        assert both.field == "ids.1"
    # A key is not for others, and not to be given away.
    account = await home.service_account(acme)
    for fields in ({"identity_id": account.id}, {"identity_id": new_id("idn")}, {"memberships": ()}):
        refused_for = await refused(
            home,
            errors.PermissionDenied,
            create_key,
            caller,
            NewKey(name="k", **fields),
        )
        assert refused_for.field == next(iter(fields))
    denied = await refused(
        home, errors.PermissionDenied, transfer_key, caller, KeyTransfer(mine.id, account.id)
    )
    assert denied.detail == "This needs the permission keys:update."
    await create(home, caller, identity_id=person.id)
    await home.run(delete_keys, caller, KeyIds((mine.id,)))
    assert (await home.verifier.verify(mine.token)).code is Code.NOT_FOUND


async def test_a_permission_on_one_key_and_on_one_s_own_meet_on_neither_s_others(
    home: House, acme: Tenant
) -> None:
    """What somebody may do with one key of others, and with all of its own, is not done to both at once."""
    theirs = await home.key(acme, await home.identity(Grant(MEMBER, acme.id)))
    caller = await holding(home, acme, (["keys:delete"], [f"key:{theirs.id}"]), (["keys:own:delete"], None))
    mine = await home.key(acme, caller.identity)
    both = KeyIds((theirs.id, mine.id))
    await refused(home, errors.NotFound, delete_keys, caller, both)
    for one in both.ids:
        await home.run(delete_keys, caller, KeyIds((one,)))


async def test_a_scope_keeps_what_is_one_s_own_as_well(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(ADMIN, acme.id), kind=IdentityKind.USER)
    other = await home.key(acme, await home.identity())
    mine = await home.key(acme, person)
    own = await home.caller(await home.key(acme, person, scope=[(["keys:own:*"], None)]))
    await refused(home, errors.NotFound, get_key, own, KeyId(other.id))
    assert (await home.run(get_key, own, KeyId(mine.id))).key.id == mine.id
    nothing = await home.caller(await home.key(acme, person, scope=[]))
    for use, data in ((get_key, KeyId(mine.id)), (list_keys, ListKeys(query=KeyQuery()))):
        refusal = await refused(home, errors.PermissionDenied, use, nothing, data)
        assert refusal.detail == "This needs the permission keys:read."


# Templates and the vocabulary of the catalog


CATALOG = NewCatalog(
    {
        "strict": True,
        "actions": [{"name": "article:read"}, {"name": "article:write"}],
        "key_templates": {
            "reader": {
                "description": "Reads",
                "scope": [
                    {"actions": ["article:read"]},
                    {"actions": ["article:write"], "resources": ["article:cs:*"]},
                ],
                "expires_in": "1d",
                "allowed_cidrs": ["10.0.0.0/8"],
                "metadata": {"team": "search"},
                "prefix": "read",
            },
            "empty": {},
        },
    }
)


async def test_a_template_says_what_is_not_said(home: House, acme: Tenant, admin: Caller) -> None:
    await home.run(apply_catalog, admin, CATALOG)
    created = await home.run(create_key, admin, NewKey(name="k", template="reader"))
    key = created.view.key
    assert key.scope is not None
    assert [one.to_plain() for one in key.scope] == [
        {"actions": ["article:read"]},
        {"actions": ["article:write"], "resources": ["article:cs:*"]},
    ]
    assert (key.description, key.expires_at, key.metadata, key.prefix) == (
        "Reads",
        NOW + timedelta(days=1),
        '{"team":"search"}',
        "read",
    )
    assert [str(one) for one in key.allowed_cidrs or ()] == ["10.0.0.0/8"]
    said = NewKey(
        name="k",
        template="reader",
        description="Mine",
        scope=(),
        expires_at=NOW + timedelta(hours=1),
        allowed_cidrs=("192.0.2.1",),
        metadata={},
        prefix="mine",
    )
    own = (await home.run(create_key, admin, said)).view.key
    assert (own.description, own.scope, own.expires_at, own.metadata, own.prefix) == (
        "Mine",
        (),
        NOW + timedelta(hours=1),
        "{}",
        "mine",
    )
    assert [str(one) for one in own.allowed_cidrs or ()] == ["192.0.2.1/32"]
    empty = (await home.run(create_key, admin, NewKey(name="k", template="empty"))).view.key
    assert (empty.scope, empty.expires_at, empty.allowed_cidrs, empty.metadata) == (None, None, None, "{}")


async def test_a_template_of_no_catalog_is_refused(home: House, acme: Tenant, admin: Caller) -> None:
    other = await home.tenant("other")
    await home.run(apply_catalog, await home.admin(other), CATALOG)
    for caller, tenant in ((admin, None), (await root(home), "*")):
        new = NewKey(name="k", template="reader")
        refusal = await refused(home, errors.InvalidValue, create_key, caller, new, tenant=tenant)
        assert refusal.field == "template"
    await home.run(apply_catalog, admin, CATALOG)
    unknown = NewKey(name="k", template="Reader")
    assert (await refused(home, errors.InvalidValue, create_key, admin, unknown)).field == "template"


async def test_a_template_gives_nobody_more_than_they_hold(home: House, acme: Tenant, admin: Caller) -> None:
    await home.run(apply_catalog, admin, CATALOG)
    caller = await home.admin(acme, scope=[(["keys:create", "article:read"], None)])
    refusal = await refused(
        home, errors.BeyondOwnRights, create_key, caller, NewKey(name="k", template="reader")
    )
    assert refusal.field == "scope.1"


async def test_a_strict_catalog_knows_what_a_scope_may_name(home: House, acme: Tenant, admin: Caller) -> None:
    await home.run(apply_catalog, admin, CATALOG)
    for scope, nearest in (
        (((("article:read", "article:wrte"), None),), {"nearest": "article:write"}),
        (((("article:read",), None), (("xyzzy:*",), None)), {}),
    ):
        refusal = await refused(home, errors.UnknownAction, create_key, admin, NewKey(name="k", scope=scope))
        assert (refusal.field, refusal.extras) == (
            "scope.0.actions.1" if nearest else "scope.1.actions.0",
            nearest,
        )
    key = await create(home, admin, scope=((("article:read", "keys:read"), None),))
    unknown = KeyChanges(id=key.id, scope=((("article:wrte",), None),))
    assert (
        await refused(home, errors.UnknownAction, update_key, admin, unknown)
    ).field == "scope.0.actions.0"
    await home.run(update_key, admin, KeyChanges(id=key.id, scope=None))
    # What was made before the catalog stays as it is, until it is changed.
    other = await home.tenant("other")
    boss = await home.admin(other)
    old = await create(home, boss, scope=((("article:wrte",), None),))
    await home.run(apply_catalog, boss, CATALOG)
    await home.run(update_key, boss, KeyChanges(id=old.id, name="x", scope=((("article:wrte",), None),)))
