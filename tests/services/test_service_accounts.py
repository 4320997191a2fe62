"""Service accounts: made with roles, disabled and deleted with all their keys, which outlive who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked, Code
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, READ_ONLY, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.keys import KeyId, NewKey, create_key, get_key
from keywright.services.memberships import (
    MAX_ROLES,
    ListMemberships,
    NewMembership,
    RoleInput,
    create_membership,
    list_memberships,
)
from keywright.services.roles import RoleChanges, VariableInput, update_role
from keywright.services.service_accounts import (
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
    create_service_account,
    delete_service_account,
    get_service_account,
    list_service_accounts,
    update_service_account,
)
from tests.services.asking import a_role, holding, refused

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

EDITOR = a_role("editor", (["article:*"], ["article:${language}:**"]), variables=["language"])


async def codes(home: House, *keys: Made) -> list[Code]:
    return [(await home.verifier.verify(key.token)).code for key in keys]


async def test_an_account_is_made_with_its_roles_in_one_entry(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.role(acme, EDITOR)
    new = NewServiceAccount(
        name=" Importer ",
        description="Nightly",
        memberships=(RoleInput(MEMBER), RoleInput("editor", {"language": ("cs",)})),
    )
    made = await home.run(create_service_account, admin, new)
    account = made.view.identity
    assert (account.kind, account.tenant_id, account.active) == (IdentityKind.SERVICE_ACCOUNT, acme.id, True)
    assert (account.name, account.description, made.replayed) == ("Importer", "Nightly", False)
    assert [(one.grant.role, one.grant.variables) for one in made.view.memberships] == [
        (MEMBER, ()),
        ("editor", (("language", ("cs",)),)),
    ]
    assert {one.created_by for one in made.view.memberships} == {admin.identity.id}
    assert await home.run(get_service_account, admin, ServiceAccountId(account.id)) == made.view
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == (
        "service_account.create",
        "identity",
        account.id,
    )
    assert entry.changes == {
        "name": Change(None, "Importer"),
        "description": Change(None, "Nightly"),
        "memberships": Change(
            None,
            [{"role": MEMBER, "variables": {}}, {"role": "editor", "variables": {"language": ["cs"]}}],
        ),
    }


async def test_an_account_is_renamed_and_described(home: House, acme: Tenant, admin: Caller) -> None:
    account = await home.service_account(acme, Grant(MEMBER, acme.id))
    changes = ServiceAccountChanges(id=account.id, name="Exporter", description="Weekly")
    changed = await home.run(update_service_account, admin, changes)
    assert (changed.identity.name, changed.identity.description) == ("Exporter", "Weekly")
    assert [one.grant.role for one in changed.memberships] == [MEMBER]
    assert await home.run(get_service_account, admin, ServiceAccountId(account.id)) == changed
    assert await home.run(update_service_account, admin, changes) == changed
    nothing = ServiceAccountChanges(id=account.id)
    assert await home.run(update_service_account, admin, nothing) == changed
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.changes) == (
        "service_account.update",
        {"name": Change("Importer", "Exporter"), "description": Change("", "Weekly")},
    )


async def test_a_list_is_walked_page_by_page(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    await home.role(acme, EDITOR)
    accounts = [await home.service_account(acme, Grant(MEMBER, acme.id)) for _ in range(3)]
    await home.give(acme, accounts[1], "editor", {"language": ["cs"]})
    await home.service_account(other)
    await home.identity(Grant(MEMBER, acme.id), kind=IdentityKind.USER)
    seen = []
    cursor = None
    while True:
        page = await home.run(list_service_accounts, admin, ListServiceAccounts(limit=2, cursor=cursor))
        seen += [(one.identity.id, [held.grant.role for held in one.memberships]) for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    roles = [[MEMBER], [MEMBER, "editor"], [MEMBER]]
    assert seen == sorted(zip((one.id for one in accounts), roles, strict=True))
    last, every = accounts[2].id, [one.id for one in accounts]
    for text, expected in (("IMP", every), ("", every), (f" {last} ", [last]), ("porter", [])):
        page = await home.run(list_service_accounts, admin, ListServiceAccounts(search=text))
        assert [one.identity.id for one in page.items] == expected
    for wanted in (ListServiceAccounts(limit=0), ListServiceAccounts(limit=201)):
        assert (
            await refused(home, errors.InvalidValue, list_service_accounts, admin, wanted)
        ).field == "limit"
    await refused(home, errors.InvalidCursor, list_service_accounts, admin, ListServiceAccounts(cursor="xx"))


async def test_an_account_is_made_once_under_an_idempotency_key(
    home: House, acme: Tenant, admin: Caller
) -> None:
    new = NewServiceAccount(name="Importer", memberships=(RoleInput(MEMBER),))
    made = await home.run(create_service_account, admin, new, idempotency_key="one")
    again = await home.run(create_service_account, admin, new, idempotency_key="one")
    assert (again.view, again.replayed) == (made.view, True)
    assert len(await home.trail(acme)) == 1
    other = NewServiceAccount(name="Importer")
    await refused(
        home, errors.IdempotencyKeyReused, create_service_account, admin, other, idempotency_key="one"
    )
    await home.run(delete_service_account, admin, ServiceAccountId(made.view.identity.id))
    await refused(
        home, errors.IdempotencyKeyReused, create_service_account, admin, new, idempotency_key="one"
    )


@pytest.mark.parametrize(
    ("new", "error", "field"),
    [
        (NewServiceAccount(name=" "), errors.InvalidValue, "name"),
        (NewServiceAccount(name="a\nb"), errors.InvalidValue, "name"),
        (NewServiceAccount(name="\ud800"), errors.InvalidValue, "name"),
        (NewServiceAccount(name="x" * 256), errors.InvalidValue, "name"),
        (NewServiceAccount(name="a", description="\0"), errors.InvalidValue, "description"),
        (
            NewServiceAccount(name="a", memberships=(RoleInput(MEMBER), RoleInput("nothing"))),
            errors.UnknownRole,
            "memberships.1.role",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput("theirs"),)),
            errors.UnknownRole,
            "memberships.0.role",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput(SUPER_ADMIN),)),
            errors.UnknownRole,
            "memberships.0.role",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput(MEMBER), RoleInput(ADMIN), RoleInput(MEMBER))),
            errors.InvalidValue,
            "memberships.2.role",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput("editor"),)),
            errors.MissingVariable,
            "memberships.0.variables.language",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput("editor", {"language": ("c s",)}),)),
            errors.InvalidValue,
            "memberships.0.variables.language.0",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput(MEMBER, {"language": ("cs",)}),)),
            errors.UnknownVariable,
            "memberships.0.variables",
        ),
        (
            NewServiceAccount(name="a", memberships=(RoleInput(MEMBER),) * (MAX_ROLES + 1)),
            errors.InvalidValue,
            "memberships",
        ),
    ],
)
async def test_what_cannot_be_made_is_refused_by_its_field(
    each_home: House, new: NewServiceAccount, error: type[errors.KeywrightError], field: str
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(acme, EDITOR)
    await home.role(await home.tenant("other"), a_role("theirs"))
    admin = await home.admin(acme)
    assert (await refused(home, error, create_service_account, admin, new)).field == field


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "\0"), ("description", "\0"), ("description", "x" * 2_001)]
)
async def test_what_cannot_be_changed_to_is_refused_by_its_field(
    home: House, acme: Tenant, admin: Caller, field: str, value: str
) -> None:
    account = await home.service_account(acme)
    changes = ServiceAccountChanges(id=account.id, **{field: value})  # type: ignore[arg-type] # a text either way
    assert (await refused(home, errors.InvalidValue, update_service_account, admin, changes)).field == field


async def test_no_token_is_kept_in_an_account(home: House, admin: Caller) -> None:
    token = mint().reveal()
    for new in (NewServiceAccount(name=token), NewServiceAccount(name="a", description=token)):
        refusal = await refused(home, errors.SecretInText, create_service_account, admin, new)
        assert token not in refusal.detail


async def test_only_service_accounts_of_the_tenant_are_found(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    theirs = await home.service_account(other)
    person = await home.identity(Grant(MEMBER, acme.id), kind=IdentityKind.USER)
    for_key = (
        await home.run(create_key, admin, NewKey(name="Lone", memberships=(RoleInput(MEMBER),)))
    ).view.owner
    gone = await home.service_account(acme)
    await home.run(delete_service_account, admin, ServiceAccountId(gone.id))
    assert for_key is not None
    for identity_id in (theirs.id, person.id, for_key.id, gone.id, new_id("idn"), "", "idn_\ud800", "*"):
        for use, data in (
            (get_service_account, ServiceAccountId(identity_id)),
            (update_service_account, ServiceAccountChanges(id=identity_id, name="Mine")),
            (delete_service_account, ServiceAccountId(identity_id)),
        ):
            refusal = await refused(home, errors.NotFound, use, admin, data)
            assert refusal.detail == "No such service account."


# Its keys


async def test_keys_of_an_account_outlive_whoever_made_them(home: House, acme: Tenant, admin: Caller) -> None:
    account = await home.service_account(acme, Grant(MEMBER, acme.id))
    made = await home.run(create_key, admin, NewKey(name="Nightly", identity_id=account.id))
    assert made.token is not None
    await home.take_roles(admin.identity.id)
    await home.disable(admin.identity.id)
    decision = await home.verifier.verify(made.token.reveal(), Asked(action="keys:own:read"))
    assert decision.valid
    assert decision.facts is not None
    assert decision.facts.identity.id == account.id


async def test_a_disabled_account_is_refused_at_once_and_comes_back(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    account, another = [await home.service_account(acme, Grant(MEMBER, acme.id)) for _ in range(2)]
    keys = [
        await home.key(acme, account),
        await home.key(acme, account, scope=[]),
        await home.key(acme, another),
    ]
    await home.run(update_service_account, admin, ServiceAccountChanges(id=account.id, active=False))
    disabled = Code.IDENTITY_DISABLED
    assert await codes(home, *keys) == [disabled, disabled, Code.VALID]
    with pytest.raises(errors.Unauthenticated):
        await home.caller(keys[0])
    (entry,) = await home.trail(acme)
    assert entry.changes == {"active": Change(True, False)}
    # It can be given keys and roles meanwhile, which do not work either.
    new = await home.run(create_key, admin, NewKey(name="Later", identity_id=account.id))
    assert new.token is not None
    assert (await home.verifier.verify(new.token.reveal())).code is disabled
    await home.run(update_service_account, admin, ServiceAccountChanges(id=account.id, active=True))
    assert await codes(home, *keys) == [Code.VALID] * 3


async def test_a_deleted_account_takes_its_keys_and_roles_with_it(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    account, another = [await home.service_account(acme, Grant(MEMBER, acme.id)) for _ in range(2)]
    keys = [await home.key(acme, account), await home.key(acme, account, active=False)]
    left = await home.key(acme, another)
    await home.run(delete_service_account, admin, ServiceAccountId(account.id))
    assert await codes(home, *keys, left) == [Code.NOT_FOUND, Code.NOT_FOUND, Code.VALID]
    for key in keys:
        await refused(home, errors.NotFound, get_key, admin, KeyId(key.id))
    page = await home.run(list_memberships, admin, ListMemberships(role=MEMBER))
    assert [one.identity.id for one in page.items] == [another.id]
    for use, data in (
        (create_key, NewKey(name="Again", identity_id=account.id)),
        (create_membership, NewMembership(identity_id=account.id, role=MEMBER)),
    ):
        refusal: errors.NotFound = await refused(home, errors.NotFound, use, admin, data)
        assert refusal.field == "identity_id"
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.changes) == (
        "service_account.delete",
        {"name": Change("Importer", None), "keys": Change(sorted(key.id for key in keys), None)},
    )


async def test_a_key_ends_neither_itself_nor_the_account_that_it_speaks_for(
    home: House, acme: Tenant
) -> None:
    account, another = [await home.service_account(acme, Grant(ADMIN, acme.id)) for _ in range(2)]
    caller = await home.caller(await home.key(acme, account))
    for use, data in (
        (update_service_account, ServiceAccountChanges(id=account.id, active=False)),
        (delete_service_account, ServiceAccountId(account.id)),
    ):
        await refused(home, errors.OwnKey, use, caller, data)
    await home.run(update_service_account, caller, ServiceAccountChanges(id=account.id, name="Myself"))
    await home.run(delete_service_account, caller, ServiceAccountId(another.id))


# Nobody makes an account that may do more


async def test_an_account_is_given_no_more_than_its_maker_holds(home: House, acme: Tenant) -> None:
    await home.role(acme, EDITOR)
    manager = await holding(home, acme, (["identities:*"], None), (["article:*"], ["article:cs:**"]))
    for memberships, at in (
        ((RoleInput(ADMIN),), "memberships.0.role"),
        (
            (RoleInput("editor", {"language": ("cs",)}), RoleInput(READ_ONLY)),
            "memberships.1.role",
        ),
        ((RoleInput("editor", {"language": ("cs", "en")}),), "memberships.0.role"),
    ):
        new = NewServiceAccount(name="Importer", memberships=memberships)
        refusal = await refused(home, errors.BeyondOwnRights, create_service_account, manager, new)
        assert refusal.field == at
        assert refusal.policy is not None
    within = NewServiceAccount(name="Importer", memberships=(RoleInput("editor", {"language": ("cs",)}),))
    await home.run(create_service_account, manager, within)


async def test_whoever_enables_an_account_holds_what_it_may_do(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.role(acme, EDITOR)
    manager = await holding(home, acme, (["identities:*"], None), (["article:*"], ["article:cs:**"]))
    account = await home.service_account(acme)
    await home.give(acme, account, "editor", {"language": ["cs"]})
    await home.give(acme, account, "vanished")
    for switch in (False, True):
        await home.run(update_service_account, manager, ServiceAccountChanges(id=account.id, active=switch))
    await home.run(update_service_account, manager, ServiceAccountChanges(id=account.id, active=False))
    await home.give(acme, account, READ_ONLY)
    enabled = ServiceAccountChanges(id=account.id, active=True)
    refusal = await refused(home, errors.BeyondOwnRights, update_service_account, manager, enabled)
    assert refusal.field == "active"
    assert refusal.extras == {"policy": {"actions": ["**:read"]}}
    # The scope of the calling key counts as well.
    scoped = await home.admin(acme, scope=[(["identities:*"], None)])
    refusal = await refused(home, errors.BeyondOwnRights, update_service_account, scoped, enabled)
    assert refusal.extras == {"policy": {"actions": ["article:*"], "resources": ["article:cs:**"]}}
    # What it is called by people may be changed by whoever manages identities.
    await home.run(update_service_account, manager, ServiceAccountChanges(id=account.id, name="Exporter"))
    await home.run(update_service_account, await home.admin(acme), enabled)


async def test_an_account_is_enabled_whose_role_has_got_another_variable(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    await home.give(acme, account, "editor", {"language": ["cs"]})
    await home.disable(account.id)
    more: Any = (VariableInput("language"), VariableInput("section"))
    policies = ((("article:*",), ("article:${language}:${section}",)),)
    await home.run(update_role, admin, RoleChanges(name="editor", variables=more, policies=policies))
    await home.run(update_service_account, admin, ServiceAccountChanges(id=account.id, active=True))
    key = await home.key(acme, account)
    asked = Asked(action="article:read", resource="article:cs:1")
    assert (await home.verifier.verify(key.token, asked)).code is Code.INSUFFICIENT_PERMISSIONS
