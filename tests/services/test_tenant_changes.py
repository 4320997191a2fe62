"""Changing, closing and deleting tenants, what their settings ask for, and who administers a new one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked, Code
from keywright.core.identities import Grant, IdentityKind, TenantSettings
from keywright.core.limits import LONGEST_WINDOW, MAX_LIMITS, MAX_USES, Limit
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, MEMBER, MONITOR, PROJECT_CREATOR, SUPER_ADMIN
from keywright.core.sessions import PASSKEY, PASSWORD, TOTP
from keywright.core.tokens import mint
from keywright.services.decisions import Question
from keywright.services.keys import (
    KeyChanges,
    KeyIds,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    list_keys,
    update_key,
)
from keywright.services.limits import LimitInput
from keywright.services.memberships import ListMemberships, NewMembership, create_membership, list_memberships
from keywright.services.roles import NewRole, RoleName, create_role, get_role, list_roles
from keywright.services.service_accounts import (
    NewServiceAccount,
    ServiceAccountId,
    create_service_account,
    get_service_account,
)
from keywright.services.tenants import (
    LONGEST_LIFETIME,
    SHORTEST_LIFETIME,
    ListTenants,
    NewTenant,
    SettingsChanges,
    TenantChanges,
    TenantDeletion,
    TenantSlug,
    create_tenant,
    delete_tenant,
    get_tenant,
    list_tenants,
    update_tenant,
)
from tests.services.asking import a_role, holding, refused, with_session
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


def settings(slug: str = "acme", **changes: Any) -> TenantChanges:
    return TenantChanges(slug=slug, settings=SettingsChanges(**changes))


# Names and settings


async def test_a_tenant_is_renamed_and_its_old_slug_is_free(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    key = await home.key(acme, admin.identity)
    renamed = await home.run(
        update_tenant, admin, TenantChanges(slug="acme", new_slug="umbrella", name=" Umbrella ")
    )
    assert (renamed.id, renamed.slug, renamed.name) == (acme.id, "umbrella", "Umbrella")
    boss = await root(home)
    assert await home.run(get_tenant, boss, TenantSlug("umbrella")) == renamed
    await refused(home, errors.NotFound, get_tenant, boss, TenantSlug("acme"))
    asked = [
        (await home.verifier.verify(key.token, Asked(tenant=slug))).code for slug in ("umbrella", "acme")
    ]
    assert asked == [Code.VALID, Code.TENANT_MISMATCH]
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == ("tenant.update", "tenant", acme.id)
    assert entry.changes == {"slug": Change("acme", "umbrella"), "name": Change("Acme", "Umbrella")}
    taken = TenantChanges(slug="umbrella", new_slug="other")
    refusal = await refused(home, errors.SlugTaken, update_tenant, boss, taken)
    assert refusal.field == "slug"
    assert (await home.run(create_tenant, boss, NewTenant("acme"))).tenant.id not in (acme.id, other.id)


async def test_settings_are_changed_one_by_one_and_taken_back(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    changes: list[tuple[dict[str, Any], TenantSettings]] = [
        ({"key_prefix": "acme"}, TenantSettings(key_prefix="acme")),
        (
            {"max_key_lifetime_seconds": 3_600, "keys_must_expire": True},
            TenantSettings(key_prefix="acme", max_key_lifetime_seconds=3_600, keys_must_expire=True),
        ),
        (
            {"key_prefix": None, "max_key_lifetime_seconds": None, "keys_must_expire": False},
            TenantSettings(),
        ),
        (
            {"default_limits": (LimitInput("burst", 100, 1), LimitInput("daily", MAX_USES, 86_400))},
            TenantSettings(default_limits=(Limit("burst", 100, 1), Limit("daily", MAX_USES, 86_400))),
        ),
        (
            {"limits": (LimitInput("burst", 1_000, 1),), "default_limits": ()},
            TenantSettings(limits=(Limit("burst", 1_000, 1),)),
        ),
        ({"limits": (), "two_factor_required": True}, TenantSettings(two_factor_required=True)),
    ]
    for wanted, expected in changes:
        changed = await home.run(update_tenant, admin, settings(**wanted))
        assert changed.settings == expected
        assert await home.run(get_tenant, admin, TenantSlug("acme")) == changed
        entries = await home.count_entries()
        assert await home.run(update_tenant, admin, settings(**wanted)) == changed
        assert await home.count_entries() == entries
    limits = (await home.trail(acme))[0].changes
    assert limits["settings.two_factor_required"] == Change(False, True)
    assert set(limits) == {"settings.two_factor_required", "settings.limits"}
    assert await home.run(get_tenant, await root(home), TenantSlug("other")) == other


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        (TenantChanges(slug="acme", new_slug=""), errors.InvalidValue, "slug"),
        (TenantChanges(slug="acme", new_slug="*"), errors.InvalidValue, "slug"),
        (TenantChanges(slug="acme", new_slug="Acme"), errors.InvalidValue, "slug"),
        (TenantChanges(slug="acme", new_slug="deleted:acme"), errors.InvalidValue, "slug"),
        (TenantChanges(slug="acme", new_slug="\ud800"), errors.InvalidValue, "slug"),
        (TenantChanges(slug="acme", name=""), errors.InvalidValue, "name"),
        (TenantChanges(slug="acme", name="a\0"), errors.InvalidValue, "name"),
        (settings(key_prefix=""), errors.InvalidValue, "settings.key_prefix"),
        (settings(key_prefix="1a"), errors.InvalidValue, "settings.key_prefix"),
        (settings(key_prefix="Kw"), errors.InvalidValue, "settings.key_prefix"),
        (settings(key_prefix="a" * 17), errors.InvalidValue, "settings.key_prefix"),
        (settings(key_prefix="kws"), errors.InvalidValue, "settings.key_prefix"),
        (settings(key_prefix="kwi"), errors.InvalidValue, "settings.key_prefix"),
        *(
            (
                settings(max_key_lifetime_seconds=seconds),
                errors.InvalidValue,
                "settings.max_key_lifetime_seconds",
            )
            for seconds in (-1, 0, SHORTEST_LIFETIME - 1, LONGEST_LIFETIME + 1)
        ),
        (
            settings(default_limits=(LimitInput("a", 1, 1),) * (MAX_LIMITS + 1)),
            errors.InvalidValue,
            "settings.default_limits",
        ),
        (
            settings(default_limits=(LimitInput("a b", 1, 1),)),
            errors.InvalidValue,
            "settings.default_limits.0.name",
        ),
        (
            settings(default_limits=(LimitInput("a", 1, 1), LimitInput("a", 2, 1))),
            errors.InvalidValue,
            "settings.default_limits.1.name",
        ),
        *(
            (
                settings(default_limits=(LimitInput("a", uses, 1),)),
                errors.InvalidValue,
                "settings.default_limits.0.limit",
            )
            for uses in (-1, 0, MAX_USES + 1)
        ),
        *(
            (
                settings(default_limits=(LimitInput("a", 1, window),)),
                errors.InvalidValue,
                "settings.default_limits.0.window_seconds",
            )
            for window in (-1, 0, LONGEST_WINDOW + 1)
        ),
        (settings(limits=(LimitInput("a", 0, 1),)), errors.InvalidValue, "settings.limits.0.limit"),
    ],
)
async def test_what_cannot_be_set_is_refused_by_its_field(
    each_home: House, changes: TenantChanges, error: type[errors.KeywrightError], field: str
) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    assert (await refused(home, error, update_tenant, admin, changes)).field == field


async def test_the_bounds_of_settings_are_in_them(home: House, acme: Tenant, admin: Caller) -> None:
    for seconds in (SHORTEST_LIFETIME, LONGEST_LIFETIME):
        await home.run(update_tenant, admin, settings(max_key_lifetime_seconds=seconds))
    limits = tuple(LimitInput(f"limit-{n}", 1, LONGEST_WINDOW) for n in range(MAX_LIMITS))
    await home.run(update_tenant, admin, settings(default_limits=limits, limits=limits))


async def test_no_token_is_kept_in_a_tenant(home: House, acme: Tenant, admin: Caller) -> None:
    token = mint().reveal()
    for changes in (
        TenantChanges(slug="acme", name=token),
        settings(default_limits=(LimitInput(token, 1, 1),)),
    ):
        refusal = await refused(home, errors.SecretInText, update_tenant, admin, changes)
        assert token not in refusal.detail


async def test_the_call_and_its_input_name_the_same_tenant(home: House, acme: Tenant) -> None:
    await home.tenant("other")
    for use, data in (
        (update_tenant, TenantChanges(slug="acme", name="x")),
        (delete_tenant, TenantDeletion("acme")),
    ):
        refusal = await refused(home, errors.InvalidValue, use, await root(home), data, tenant="other")
        assert refusal.field == "tenant"


# What settings ask of keys


async def test_new_keys_have_the_prefix_of_the_tenant(home: House, acme: Tenant, admin: Caller) -> None:
    await home.run(update_tenant, admin, settings(key_prefix="acme"))
    admin = await home.admin(acme)
    made = await home.run(create_key, admin, NewKey(name="k"))
    assert made.token is not None
    assert made.token.reveal().startswith("acme_")
    assert made.view.key.prefix == "acme"
    own = await home.run(create_key, admin, NewKey(name="k", prefix="mine"))
    assert own.view.key.prefix == "mine"
    boss = await root(home)
    other = await home.run(create_key, boss, NewKey(name="k"), tenant="*")
    assert other.view.key.prefix == "kw"


async def test_keys_live_no_longer_than_the_tenant_allows(home: House, acme: Tenant, admin: Caller) -> None:
    before = await home.run(create_key, admin, NewKey(name="before"))
    await home.run(update_tenant, admin, settings(max_key_lifetime_seconds=3_600))
    admin = await home.admin(acme)
    longest, longer = NOW + timedelta(hours=1), NOW + timedelta(hours=1, microseconds=1)
    refusal = await refused(
        home, errors.LifetimeTooLong, create_key, admin, NewKey(name="k", expires_at=longer)
    )
    assert refusal.field == "expires_at"
    made = await home.run(create_key, admin, NewKey(name="k", expires_at=longest))
    key_id = made.view.key.id
    await refused(home, errors.LifetimeTooLong, update_key, admin, KeyChanges(id=key_id, expires_at=longer))
    # Counted from the change on, and only where the end changes.
    home.clock.advance(minutes=30)
    later = KeyChanges(id=key_id, expires_at=NOW + timedelta(hours=1, minutes=30))
    await home.run(update_key, admin, later)
    await home.run(update_key, admin, KeyChanges(id=before.view.key.id, name="still", expires_at=None))
    # The longest life bounds keys that end; that they must is another setting.
    await home.run(create_key, admin, NewKey(name="endless"))
    await home.run(update_tenant, admin, settings(keys_must_expire=True))
    admin = await home.admin(acme)
    unending = await refused(home, errors.ExpiryRequired, create_key, admin, NewKey(name="endless"))
    assert unending.field == "expires_at"
    endless = KeyChanges(id=key_id, expires_at=None)
    await refused(home, errors.ExpiryRequired, update_key, admin, endless)
    await home.run(update_key, admin, KeyChanges(id=before.view.key.id, name="as it was", expires_at=None))
    # Global keys are in no tenant that asks for anything.
    await home.run(create_key, await root(home), NewKey(name="endless"), tenant="*")


# A second factor


async def test_a_tenant_that_asks_for_two_factors_is_closed_to_logins_without(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    person = await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id), kind=IdentityKind.USER)
    grants = (Grant(ADMIN, acme.id), Grant(ADMIN, other.id))
    weak = with_session(home, person, *grants, proofs=(PASSWORD,))
    strong = [
        with_session(home, person, *grants, proofs=(PASSWORD, TOTP)),
        with_session(home, person, *grants, proofs=(PASSKEY,)),
    ]
    # Nobody shuts the door behind which they are themselves.
    asking = settings(two_factor_required=True)
    refusal = await refused(home, errors.TwoFactorRequired, update_tenant, weak, asking)
    assert refusal.field is None
    await home.run(update_tenant, strong[0], asking)
    listing = ListKeys(query=KeyQuery())
    behind: list[tuple[Any, Any]] = [(list_keys, listing), (list_roles, None), (update_tenant, settings())]
    for use, data in behind:
        refusal = await refused(home, errors.TwoFactorRequired, use, weak, data, tenant="acme")
        assert refusal.field == "tenant"
        for caller in strong:
            await home.run(use, caller, data, tenant="acme")
    with pytest.raises(errors.TwoFactorRequired):
        await home.decisions.enter(weak, "acme")
    await home.run(list_keys, weak, listing, tenant="other")
    # That the tenant is there, and that one may go in with a second factor, is no secret to its own.
    page = await home.run(list_tenants, weak, ListTenants())
    assert [one.slug for one in page.items] == ["acme", "other"]
    # Keys are no logins.
    await home.run(list_keys, await home.admin(acme), listing)
    await home.run(update_tenant, strong[1], settings(two_factor_required=False))
    await home.run(list_keys, weak, listing, tenant="acme")
    await home.run(update_tenant, weak, settings(two_factor_required=False))


async def test_what_a_stranger_may_not_see_asks_for_no_second_factor(home: House, acme: Tenant) -> None:
    await home.run(update_tenant, await home.admin(acme), settings(two_factor_required=True))
    other = await home.tenant("other")
    stranger = await home.identity(Grant(ADMIN, other.id), kind=IdentityKind.USER)
    weak = with_session(home, stranger, Grant(ADMIN, other.id), proofs=(PASSWORD,))
    await refused(home, errors.NotFound, list_roles, weak, None, tenant="acme")


# Closing


async def test_a_tenant_is_closed_and_opened_by_the_installation_alone(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, boss = await home.admin(acme), await root(home)
    key, another = await home.key(acme, admin.identity), await home.key(other, admin.identity)
    closing = TenantChanges(slug="acme", active=False)
    refusal = await refused(home, errors.PermissionDenied, update_tenant, admin, closing)
    assert refusal.field == "active"
    await home.run(update_tenant, admin, TenantChanges(slug="acme", active=True))
    closed = await home.run(update_tenant, boss, closing)
    assert not closed.active
    assert (await home.trail(acme))[0].changes == {"active": Change(True, False)}
    codes = [(await home.verifier.verify(one.token)).code for one in (key, another)]
    assert codes == [Code.TENANT_DISABLED, Code.VALID]
    # Its own administrator comes in no more, and cannot open it.
    member = await home.caller(
        await home.key(None, await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id)))
    )
    opening = TenantChanges(slug="acme", active=True)
    for use, data in ((update_tenant, opening), (list_roles, None), (delete_tenant, TenantDeletion("acme"))):
        refusal = await refused(home, errors.PermissionDenied, use, member, data, tenant="acme")
        assert refusal.detail == "The tenant is disabled."
    await home.run(list_roles, boss, None, tenant="acme")
    await home.run(update_tenant, boss, opening)
    assert (await home.verifier.verify(key.token)).code is Code.VALID


async def test_a_role_everywhere_that_reads_no_tenants_opens_none(home: House, acme: Tenant) -> None:
    """A project creator knows of the tenants that it belongs to, and is shut out of a closed one as others are."""
    other = await home.tenant("other")
    maker = await home.identity(Grant(PROJECT_CREATOR), Grant(ADMIN, acme.id))
    caller = await home.caller(await home.key(None, maker))
    for slug in ("other", "nowhere"):
        refusal = await refused(home, errors.NotFound, list_roles, caller, None, tenant=slug)
        assert (refusal.detail, refusal.field) == ("No such tenant.", "tenant")
    await home.disable(acme.id)
    await refused(home, errors.PermissionDenied, list_roles, caller, None, tenant="acme")
    watching = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    await home.run(list_roles, watching, None, tenant="acme")
    await home.run(list_roles, watching, None, tenant=other.slug)


async def test_who_sees_every_tenant_is_in_the_default_one_unless_it_says_otherwise(home: House) -> None:
    watching = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    maker = await home.caller(await home.key(None, await home.identity(Grant(PROJECT_CREATOR))))
    await refused(home, errors.TenantRequired, list_roles, watching, None)
    tenant = await home.tenant("default")
    await home.role(tenant, a_role("theirs"))
    assert (await home.run(list_roles, watching, None))[-1].role.name == "theirs"
    await refused(home, errors.TenantRequired, list_roles, maker, None)


# Deleting


async def test_a_tenant_with_keys_is_deleted_by_force_alone(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    boss = await root(home)
    key = await home.key(acme, await home.identity())
    await refused(home, errors.TenantNotEmpty, delete_tenant, boss, TenantDeletion("acme"))
    await home.run(delete_keys, boss, KeyIds((key.id,)), tenant="acme")
    await home.run(delete_tenant, boss, TenantDeletion("acme"))
    await refused(home, errors.NotFound, get_tenant, boss, TenantSlug("acme"))


async def test_a_deleted_tenant_is_gone_with_all_that_is_in_it(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    boss = await root(home)
    person = await home.identity(Grant(ADMIN, acme.id), Grant(MEMBER, other.id), kind=IdentityKind.USER)
    keys, accounts = [], []
    for tenant in (acme, other):
        await home.role(tenant, a_role("editor"))
        accounts.append(await home.service_account(tenant, Grant("editor", tenant.id)))
        new = NewKey(name="Lone", memberships=())
        lone = await home.run(create_key, boss, new, tenant=tenant.slug)
        assert lone.token is not None
        keys += [(await home.key(tenant, one)).token for one in (person, accounts[-1])]
        keys += [lone.token.reveal(), (await home.key(tenant, accounts[-1], active=False)).token]
    everywhere = await home.key(None, person)
    administrator = await home.caller(everywhere)
    await home.run(delete_tenant, administrator, TenantDeletion("acme", force=True), tenant="acme")

    codes = [(await home.verifier.verify(token)).code for token in keys]
    assert codes[:4] == [Code.NOT_FOUND] * 4
    assert codes[4:] == [Code.VALID, Code.VALID, Code.VALID, Code.DISABLED]
    asked = {slug: Asked(tenant=slug) for slug in ("acme", f"deleted:{acme.id}", "other")}
    found = {slug: (await home.verifier.verify(everywhere.token, ask)).code for slug, ask in asked.items()}
    assert list(found.values()) == [Code.TENANT_MISMATCH, Code.TENANT_MISMATCH, Code.VALID]
    (entry,) = await home.trail(None)
    assert (entry.action, entry.target_type, entry.target_id) == ("tenant.delete", "tenant", acme.id)
    assert entry.changes == {
        "slug": Change("acme", None),
        "name": Change("Acme", None),
        "keys": Change(4, 0),
    }
    # Whoever was in it sees nothing of it, also with what they knew before.
    for caller in (administrator, boss, await home.caller(everywhere)):
        for slug in ("acme", f"deleted:{acme.id}"):
            await refused(home, errors.NotFound, list_roles, caller, None, tenant=slug)
            await refused(home, errors.NotFound, get_tenant, caller, TenantSlug(slug))
        page = await home.run(list_tenants, caller, ListTenants())
        assert [one.slug for one in page.items] == ["other"]
    # What it owned is nowhere, and its slug is free for one that is empty.
    again = (await home.run(create_tenant, boss, NewTenant("acme"))).tenant
    assert again.id != acme.id
    assert await home.trail(again) == ()
    await refused(home, errors.NotFound, get_role, boss, RoleName("editor"), tenant="acme")
    owned = NewMembership(identity_id=accounts[0].id, role=MEMBER)
    await refused(home, errors.NotFound, create_membership, boss, owned, tenant="acme")
    await home.run(create_membership, boss, NewMembership(identity_id=person.id, role=MEMBER), tenant="acme")
    # Another tenant is as it was.
    assert (await home.run(get_role, boss, RoleName("editor"), tenant="other")).role.name == "editor"
    await home.run(get_service_account, boss, ServiceAccountId(accounts[1].id), tenant="other")
    held = await home.run(list_memberships, boss, ListMemberships(), tenant="other")
    assert sorted(one.membership.grant.role for one in held.items) == ["editor", MEMBER]


async def test_a_key_does_not_delete_the_tenant_that_it_belongs_to(
    home: House, acme: Tenant, admin: Caller
) -> None:
    for force in (False, True):
        await refused(home, errors.OwnKey, delete_tenant, admin, TenantDeletion("acme", force=force))


async def test_a_tenant_deleted_meanwhile_is_missing(home: House, acme: Tenant, admin: Caller) -> None:
    """A caller who was accepted before it was deleted."""
    administrator = await home.caller(await home.key(None, admin.identity))
    await home.run(delete_tenant, administrator, TenantDeletion("acme", force=True))
    refusal = await refused(home, errors.NotFound, update_tenant, admin, TenantChanges(slug="acme", name="x"))
    assert refusal.detail == "No such tenant."


# Who makes one


async def test_a_project_creator_administers_what_it_makes_and_nothing_else(each_home: House) -> None:
    home = each_home
    await home.tenant("other")
    person = await home.identity(Grant(PROJECT_CREATOR), kind=IdentityKind.USER)
    key = await home.key(None, person)
    new = NewTenant("blog", "Blog")
    made = (await home.run(create_tenant, await home.caller(key), new)).tenant
    (entry,) = await home.trail(None)
    assert entry.changes == {
        "slug": Change(None, "blog"),
        "name": Change(None, "Blog"),
        "administrator": Change(None, person.id),
    }
    caller = await home.caller(key)  # as everybody sees it from the next call on
    held = (await home.run(list_memberships, caller, ListMemberships(), tenant="blog")).items
    assert [(one.identity.id, one.membership.grant) for one in held] == [(person.id, Grant(ADMIN, made.id))]
    assert held[0].membership.created_by == person.id
    await home.run(update_tenant, caller, TenantChanges(slug="blog", name="My blog"))
    await home.run(create_service_account, caller, NewServiceAccount(name="Importer"), tenant="blog")
    await home.run(create_role, caller, NewRole(name="editor", policies=((("**",), None),)), tenant="blog")
    page = await home.run(list_tenants, caller, ListTenants())
    assert [one.slug for one in page.items] == ["blog"]
    elsewhere: list[tuple[Any, Any]] = [
        (list_roles, None),
        (update_tenant, TenantChanges(slug="other", name="Mine")),
        (delete_tenant, TenantDeletion("other", force=True)),
    ]
    for use, data in elsewhere:
        await refused(home, errors.NotFound, use, caller, data, tenant="other")
    everywhere: list[tuple[Any, Any]] = [
        (create_membership, NewMembership(identity_id=person.id, role=SUPER_ADMIN)),
        (create_key, NewKey(name="k")),
        (list_memberships, ListMemberships()),
    ]
    for use, data in everywhere:
        await refused(home, errors.PermissionDenied, use, caller, data, tenant="*")


async def test_who_administers_everything_is_made_a_member_of_nothing(home: House) -> None:
    boss = await root(home)
    made = (await home.run(create_tenant, boss, NewTenant("blog"))).tenant
    assert (await home.run(list_memberships, boss, ListMemberships(), tenant="blog")).items == ()
    assert (await home.trail(None))[0].changes.keys() == {"slug", "name"}
    # With a key that may make tenants and nothing else, it has to be let in like others.
    scoped = await home.key(None, boss.identity, scope=[(["tenants:create"], None)])
    made = (await home.run(create_tenant, await home.caller(scoped), NewTenant("shop"))).tenant
    held = (await home.run(list_memberships, boss, ListMemberships(), tenant="shop")).items
    assert [one.membership.grant for one in held] == [Grant(ADMIN, made.id)]


async def test_a_tenant_is_made_once_under_an_idempotency_key(home: House) -> None:
    boss = await root(home)
    made = await home.run(create_tenant, boss, NewTenant("blog"), idempotency_key="one")
    again = await home.run(create_tenant, boss, NewTenant("blog"), idempotency_key="one")
    assert (again.tenant, again.replayed) == (made.tenant, True)
    await home.run(delete_tenant, boss, TenantDeletion("blog"))
    await refused(
        home, errors.IdempotencyKeyReused, create_tenant, boss, NewTenant("blog"), idempotency_key="one"
    )


async def test_permissions_of_tenants_are_asked_for_one_by_one(home: House, acme: Tenant) -> None:
    updating = await holding(home, acme, (["tenants:update"], None))
    await home.run(update_tenant, updating, TenantChanges(slug="acme", name="x"))
    await refused(home, errors.PermissionDenied, delete_tenant, updating, TenantDeletion("acme"))
    reading = await holding(home, acme, (["tenants:read"], None))
    await refused(home, errors.PermissionDenied, update_tenant, reading, TenantChanges(slug="acme", name="y"))


async def test_who_verifies_in_a_deleted_tenant_is_told_that_there_is_none(home: House, acme: Tenant) -> None:
    who = await home.identity(Grant(ADMIN, acme.id))
    caller = await home.caller(await home.key(None, who))
    key = await home.key(acme, who)
    asker = await home.decisions.enter(caller, "acme")
    await home.run(delete_tenant, caller, TenantDeletion("acme", force=True))
    assert (await home.decisions.answer(asker, Question(token=key.token))).code is Code.NOT_FOUND
    with pytest.raises(errors.NotFound):
        await home.decisions.enter(caller, "acme")
