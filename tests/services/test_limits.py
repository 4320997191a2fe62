"""Limits and credits as fields of keys, identities and tenants: how they are set, and who may raise them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.identities import Grant, IdentityKind
from keywright.core.limits import Credits, Every, Limit, Refill
from keywright.core.roles import ADMIN, MEMBER, SUPER_ADMIN
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.decisions import Question
from keywright.services.keys import KeyChanges, KeyId, NewKey, create_key, get_key, update_key
from keywright.services.limits import CreditsInput, LimitInput, RefillInput
from keywright.services.service_accounts import (
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
    create_service_account,
    get_service_account,
    update_service_account,
)
from keywright.services.tenants import SettingsChanges, TenantChanges, update_tenant
from keywright.services.users import (
    NewUser,
    UserChanges,
    UserId,
    create_user,
    get_user,
    update_user,
)
from keywright.storage.schema import api_key
from tests.services.asking import holding, refused
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.core.keys import Key
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

TEN, TWENTY = LimitInput("burst", 10, 1), LimitInput("burst", 20, 1)
DAILY = CreditsInput(5, RefillInput(10, "day"))
PLAIN_TEN = {"name": "burst", "limit": 10, "window_seconds": 1}


async def made(home: House, caller: Caller, **fields: Any) -> Key:
    return (await home.run(create_key, caller, NewKey(name="k", **fields))).view.key


async def change(home: House, caller: Caller, key: Key, **fields: Any) -> Key:
    return (await home.run(update_key, caller, KeyChanges(id=key.id, **fields))).key


async def version(home: House, key: Key) -> int:
    async with home.database.reader.begin() as connection:
        query = select(api_key.c.credits_version).where(api_key.c.id == key.id)
        return (await connection.execute(query)).scalar_one()


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


# Keys


async def test_a_key_has_limits_and_credits_from_the_beginning(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    key = await made(home, admin, limits=(TEN,), credits=DAILY)
    assert key.limits == (Limit("burst", 10, 1),)
    assert key.credits == Credits(5, Refill(10, Every.DAY), NOW + timedelta(days=1))
    assert (await home.run(get_key, admin, KeyId(key.id))).key == key
    changes = (await home.trail(acme))[0].changes
    assert changes["limits"] == Change(None, [PLAIN_TEN])
    plain = {"remaining": 5, "refill": {"amount": 10, "every": "day"}, "refill_at": "2026-11-04T12:00:00Z"}
    assert changes["credits"] == Change(None, plain)
    bare = await made(home, admin)
    assert (bare.limits, bare.credits) == (None, None)
    assert not {"limits", "credits"} & set((await home.trail(acme))[0].changes)
    none = await made(home, admin, limits=(), credits=CreditsInput(0))
    assert (none.limits, none.credits) == ((), Credits(0))


async def test_credits_that_are_set_count_anew(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    key = await made(home, admin, credits=DAILY)
    home.clock.advance(hours=1)
    renamed = await change(home, admin, key, name="Other")
    assert (renamed.credits, await version(home, key)) == (key.credits, 0)
    again = await change(home, admin, key, credits=DAILY)
    assert again.credits == Credits(5, Refill(10, Every.DAY), NOW + timedelta(days=1, hours=1))
    assert await version(home, key) == 1
    # The same number is set anew too, since nodes hold some that they took before.
    await change(home, admin, key, credits=CreditsInput(3))
    entries = await home.count_entries()
    assert (await change(home, admin, key, credits=CreditsInput(3))).credits == Credits(3)
    assert await version(home, key) == 3
    entry = (await home.trail(acme))[0]
    plain = {"remaining": 3, "refill": None, "refill_at": None}
    assert (entry.action, entry.changes) == ("key.update", {"credits": Change(plain, plain)})
    cleared = await change(home, admin, key, credits=None)
    assert (cleared.credits, await version(home, key)) == (None, 4)
    assert await home.count_entries() == entries + 2
    await change(home, admin, key, credits=None)
    assert await home.count_entries() == entries + 2
    assert await version(home, key) == 4


async def test_a_switch_thrown_with_credits_is_an_update(home: House, acme: Tenant, admin: Caller) -> None:
    key = await made(home, admin)
    await change(home, admin, key, active=False, credits=CreditsInput(1))
    assert (await home.trail(acme))[0].action == "key.update"
    await change(home, admin, key, active=True)
    assert (await home.trail(acme))[0].action == "key.enable"


async def test_limits_of_a_key_are_replaced_and_cleared(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    key = await made(home, admin, limits=(TEN,))
    assert (await change(home, admin, key, limits=(TWENTY,))).limits == (Limit("burst", 20, 1),)
    assert (await change(home, admin, key, limits=())).limits == ()
    assert (await change(home, admin, key, limits=None)).limits is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limits": (LimitInput("burst", 0, 1),)}, "limits.0.limit"),
        ({"limits": (TEN, TEN)}, "limits.1.name"),
        ({"credits": CreditsInput(-1)}, "credits.remaining"),
        ({"credits": CreditsInput(1, RefillInput(1, "year"))}, "credits.refill.every"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(
    home: House, admin: Caller, fields: dict[str, Any], field: str
) -> None:
    refusal = await refused(home, errors.InvalidValue, create_key, admin, NewKey(name="k", **fields))
    assert refusal.field == field
    key = await made(home, admin)
    refusal = await refused(home, errors.InvalidValue, update_key, admin, KeyChanges(id=key.id, **fields))
    assert refusal.field == field


async def test_a_key_may_not_raise_its_own(home: House, acme: Tenant) -> None:
    own = await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))
    caller = await home.caller(own)
    for fields in ({"limits": ()}, {"credits": CreditsInput(9)}):
        await refused(home, errors.OwnKey, update_key, caller, KeyChanges(id=own.id, **fields))


async def test_more_uses_of_a_key_are_given_by_who_may_do_all_that_it_may(
    home: House, acme: Tenant, admin: Caller
) -> None:
    strong = await made(home, admin, limits=(TEN,), credits=CreditsInput(5))
    keeper = await holding(home, acme, (("keys:*",), None))
    for fields, field in (
        ({"limits": (TWENTY,)}, "limits"),
        ({"limits": None}, "limits"),
        ({"credits": CreditsInput(6)}, "credits"),
        ({"credits": None}, "credits"),
    ):
        refusal = await refused(
            home, errors.BeyondOwnRights, update_key, keeper, KeyChanges(id=strong.id, **fields)
        )
        assert refusal.field == field
    less = await change(home, keeper, strong, limits=(LimitInput("burst", 5, 1),), credits=CreditsInput(4))
    assert (less.limits, less.credits) == ((Limit("burst", 5, 1),), Credits(4))


async def test_who_manages_its_own_keys_alone_may_narrow_and_not_raise(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await home.run(
        update_tenant,
        admin,
        TenantChanges(slug="acme", settings=SettingsChanges(default_limits=(TEN,))),
    )
    limit = {"name": "burst", "limit": 50, "window_seconds": 1}
    document = {"key_templates": {"partner": {"limits": [limit]}}}
    await home.run(apply_catalog, await home.admin(acme), NewCatalog(document))
    member = await home.caller(await home.key(acme, await home.identity(Grant(MEMBER, acme.id))))
    narrow = LimitInput("burst", 5, 1)
    key = await made(home, member, limits=(narrow,), credits=DAILY)
    for limits in ((), (TWENTY,), (LimitInput("other", 1, 1),)):
        new = NewKey(name="k", limits=limits)
        refusal = await refused(home, errors.PermissionDenied, create_key, member, new)
        assert refusal.field == "limits"
    # What a template says was said by who applied the catalog.
    partner = await made(home, member, template="partner")
    assert partner.limits == (Limit("burst", 50, 1),)
    within = await made(home, member, template="partner", limits=(LimitInput("burst", 49, 1),))
    assert within.limits == (Limit("burst", 49, 1),)
    beyond = NewKey(name="k", template="partner", limits=(LimitInput("burst", 51, 1),))
    assert (await refused(home, errors.PermissionDenied, create_key, member, beyond)).field == "limits"
    for fields, field in (
        ({"limits": None}, "limits"),
        ({"limits": (TEN,)}, "limits"),
        ({"credits": None}, "credits"),
        ({"credits": CreditsInput(6, RefillInput(10, "day"))}, "credits"),
        ({"credits": CreditsInput(5, RefillInput(10, "hour"))}, "credits"),
    ):
        refusal = await refused(
            home, errors.PermissionDenied, update_key, member, KeyChanges(id=key.id, **fields)
        )
        assert refusal.field == field
    less = await change(home, member, key, limits=(LimitInput("burst", 4, 1),), credits=CreditsInput(1))
    assert (less.limits, less.credits) == ((Limit("burst", 4, 1),), Credits(1))


async def test_a_template_gives_limits_and_credits(home: House, acme: Tenant, admin: Caller) -> None:
    trial = {"limits": [], "credits": {"remaining": 7, "refill": {"amount": 3, "every": "hour"}}}
    document = {"key_templates": {"trial": trial, "once": {"credits": {"remaining": 1}}}}
    await home.run(apply_catalog, admin, NewCatalog(document))
    home.clock.advance(hours=2)
    tried = await made(home, admin, template="trial")
    assert (tried.limits, tried.credits) == (
        (),
        Credits(7, Refill(3, Every.HOUR), NOW + timedelta(hours=3)),
    )
    once = await made(home, admin, template="once", limits=(TEN,))
    assert (once.limits, once.credits) == ((Limit("burst", 10, 1),), Credits(1))
    own = await made(home, admin, template="once", credits=CreditsInput(2))
    assert own.credits == Credits(2)


async def test_a_cost_beyond_its_bounds_is_refused(home: House, acme: Tenant, admin: Caller) -> None:
    asker = await home.decisions.enter(admin, None)
    for cost in (-1, 1_000_001):
        with pytest.raises(errors.InvalidValue) as caught:
            await home.decisions.answer(asker, Question(token="x", cost=cost), "items.0.")
        assert caught.value.field == "items.0.cost"
    assert not (await home.decisions.answer(asker, Question(token="x", cost=1_000_000))).valid


# Service accounts


async def test_a_service_account_has_limits(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    new = NewServiceAccount(name="Jobs", limits=(TEN,))
    account = (await home.run(create_service_account, admin, new)).view.identity
    assert account.limits == (Limit("burst", 10, 1),)
    assert (await home.trail(acme))[0].changes["limits"] == Change(None, [PLAIN_TEN])
    wanted = ServiceAccountChanges(id=account.id, limits=(TWENTY,))
    changed = await home.run(update_service_account, admin, wanted)
    assert changed.identity.limits == (Limit("burst", 20, 1),)
    assert (await home.trail(acme))[0].changes == {"limits": Change([PLAIN_TEN], [PLAIN_TEN | {"limit": 20}])}
    entries = await home.count_entries()
    assert await home.run(update_service_account, admin, wanted) == changed
    assert await home.count_entries() == entries
    await home.run(update_service_account, admin, ServiceAccountChanges(id=account.id, limits=()))
    found = await home.run(get_service_account, admin, ServiceAccountId(account.id))
    assert found.identity.limits == ()
    bad = ServiceAccountChanges(id=account.id, limits=(LimitInput("a", 1, 0),))
    refusal = await refused(home, errors.InvalidValue, update_service_account, admin, bad)
    assert refusal.field == "limits.0.window_seconds"


async def test_limits_of_an_account_are_raised_by_who_may_do_all_that_it_may(
    home: House, acme: Tenant, admin: Caller
) -> None:
    new = NewServiceAccount(name="Jobs", limits=(TEN,))
    account = (await home.run(create_service_account, admin, new)).view.identity
    await home.give(acme, account, ADMIN)
    keeper = await holding(home, acme, (("identities:*",), None))
    more = ServiceAccountChanges(id=account.id, limits=(TWENTY,))
    refusal = await refused(home, errors.BeyondOwnRights, update_service_account, keeper, more)
    assert refusal.field == "limits"
    less = ServiceAccountChanges(id=account.id, limits=(TEN, LimitInput("daily", 100, 86_400)))
    await home.run(update_service_account, keeper, less)
    # Its own key may lower them, and not raise them.
    own = await home.caller(await home.key(acme, account))
    lower = ServiceAccountChanges(
        id=account.id, limits=(LimitInput("burst", 9, 1), LimitInput("daily", 1, 86_400))
    )
    await home.run(update_service_account, own, lower)
    refusal = await refused(home, errors.OwnKey, update_service_account, own, more)
    assert refusal.field == "limits"
    await home.run(update_service_account, admin, more)


# People


async def test_a_person_has_limits(each_home: House) -> None:
    home = each_home
    boss = await root(home)
    new = NewUser(login="ada", name="Ada", limits=(TEN,))
    person = (await home.run(create_user, boss, new)).view.person
    assert person.identity.limits == (Limit("burst", 10, 1),)
    assert (await home.trail(None))[0].changes["limits"] == Change(None, [PLAIN_TEN])
    wanted = UserChanges(id=person.identity.id, name="Ada L.", limits=())
    assert (await home.run(update_user, boss, wanted)).person.identity.limits == ()
    assert (await home.trail(None))[0].changes == {
        "name": Change("Ada", "Ada L."),
        "limits": Change([PLAIN_TEN], []),
    }
    found = await home.run(get_user, boss, UserId(person.identity.id), tenant="*")
    assert found.person.identity.limits == ()
    bad = UserChanges(id=person.identity.id, limits=(LimitInput("", 1, 1),))
    assert (await refused(home, errors.InvalidValue, update_user, boss, bad)).field == "limits.0.name"


async def test_a_person_s_key_does_not_raise_their_limits(home: House) -> None:
    boss = await home.identity(Grant(SUPER_ADMIN), kind=IdentityKind.USER)
    person = await home.person("ada", "correct horse battery", Grant(SUPER_ADMIN))
    caller = await home.caller(await home.key(None, boss))
    await home.run(update_user, caller, UserChanges(id=person.id, limits=(TEN,)))
    own = await home.caller(await home.key(None, person))
    more = UserChanges(id=person.id, limits=())
    assert (await refused(home, errors.OwnKey, update_user, own, more)).field == "limits"
    await home.run(update_user, caller, more)
