"""Change of owner: what a key gains and loses is shown before it is done, and nobody hands out more than they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Asked, Code
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, SUPER_ADMIN
from keywright.services.keys import (
    KeyId,
    KeyIds,
    KeyTransfer,
    NewKey,
    create_key,
    delete_keys,
    get_key,
    transfer_key,
)
from keywright.services.keys.transfers import MAX_SHOWN
from keywright.services.memberships import RoleInput
from keywright.services.service_accounts import ServiceAccountId, delete_service_account
from tests.services.asking import a_role, everything, holding, refused, with_session

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.core.permissions import Policy
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

EDITOR = a_role(
    "editor", (["article:*"], ["article:${language}:**"]), (["print"], None), variables=["language"]
)


def plain(policies: tuple[Policy, ...]) -> list[dict[str, list[str]]]:
    return [one.to_plain() for one in policies]


async def editors(home: House, tenant: Tenant, *languages: str) -> list[Identity]:
    """Service accounts that edit in one language each."""
    await home.role(tenant, EDITOR)
    found = []
    for language in languages:
        found.append(await home.service_account(tenant, name=language))
        await home.give(tenant, found[-1], "editor", {"language": [language]})
    return found


def over(language: str) -> dict[str, list[str]]:
    return {"actions": ["article:*"], "resources": [f"article:{language}:**"]}


async def test_a_key_is_shown_with_what_it_gains_and_loses_and_then_moved(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    czech, english = await editors(home, acme, "cs", "en")
    key = await home.key(acme, czech)
    asked = [Asked(action="article:read", resource=f"article:{one}:1") for one in ("cs", "en")]

    async def allowed() -> list[bool]:
        return [(await home.verifier.verify(key.token, one)).valid for one in asked]

    before = await everything(home)
    preview = await home.run(transfer_key, admin, KeyTransfer(key.id, english.id))
    assert await everything(home) == before
    assert not preview.confirmed
    assert (preview.view.owner, preview.view.key.identity_id) == (english, english.id)
    assert (plain(preview.gained), plain(preview.lost)) == ([over("en")], [over("cs")])
    assert await allowed() == [True, False]

    done = await home.run(transfer_key, admin, KeyTransfer(key.id, english.id, confirm=True))
    assert done.confirmed
    assert (done.view, done.gained, done.lost) == (preview.view, preview.gained, preview.lost)
    assert await allowed() == [False, True]
    assert (await home.run(get_key, admin, KeyId(key.id))).owner == english
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == ("key.transfer", "key", key.id)
    assert entry.changes == {"identity_id": Change(czech.id, english.id)}
    # The key goes on when its first owner goes.
    await home.run(delete_service_account, admin, ServiceAccountId(czech.id))
    assert await allowed() == [False, True]


async def test_a_scope_keeps_what_is_shown(home: House, acme: Tenant, admin: Caller) -> None:
    czech, english = await editors(home, acme, "cs", "en")
    for scope, gained, lost in (
        ([(["article:read"], None)], [{"actions": ["article:read"], "resources": ["article:en:**"]}], "cs"),
        (
            [(["article:read", "print"], ["article:en:1"])],
            [{"actions": ["article:read"], "resources": ["article:en:1"]}],
            None,
        ),
        ([(["print"], None)], [], None),
        ([(["unrelated"], None)], [], None),
        ([], [], None),
    ):
        key = await home.key(acme, czech, scope=scope)
        preview = await home.run(transfer_key, admin, KeyTransfer(key.id, english.id))
        assert plain(preview.gained) == gained
        expected = [] if lost is None else [{"actions": ["article:read"], "resources": ["article:cs:**"]}]
        assert plain(preview.lost) == expected


async def test_what_both_owners_may_is_neither_gained_nor_lost(
    home: House, acme: Tenant, admin: Caller
) -> None:
    (czech,) = await editors(home, acme, "cs")
    boss = await home.service_account(acme, Grant(ADMIN, acme.id))
    nobody = await home.service_account(acme)
    key = await home.key(acme, czech)
    up = await home.run(transfer_key, admin, KeyTransfer(key.id, boss.id))
    assert (plain(up.gained), plain(up.lost)) == ([{"actions": ["**"]}], [])
    down = await home.run(transfer_key, admin, KeyTransfer(key.id, nobody.id))
    assert (plain(down.gained), plain(down.lost)) == ([], [over("cs"), {"actions": ["print"]}])
    # Roles held everywhere count in the tenant too; those in another tenant do not.
    other = await home.tenant("other")
    person = await home.identity(
        Grant(MONITOR), Grant(MEMBER, acme.id), Grant(ADMIN, other.id), kind=IdentityKind.USER
    )
    across = await home.run(transfer_key, admin, KeyTransfer(key.id, person.id))
    assert {"actions": ["**:read"]} in plain(across.gained)
    assert {"actions": ["**"]} not in plain(across.gained)


async def test_no_more_is_shown_than_anybody_reads(home: House, acme: Tenant, admin: Caller) -> None:
    policies = [([f"action:{number}"], None) for number in range(100)]
    for part in range(3):
        await home.role(acme, a_role(f"part-{part}", *(([f"{a[0]}:{part}"], r) for a, r in policies)))
    rich = await home.service_account(acme, *(Grant(f"part-{part}", acme.id) for part in range(3)))
    key = await home.key(acme, await home.service_account(acme))
    preview = await home.run(transfer_key, admin, KeyTransfer(key.id, rich.id))
    assert (len(preview.gained), preview.lost) == (MAX_SHOWN, ())


async def test_a_key_moved_to_its_owner_stays_as_it_is(home: House, acme: Tenant, admin: Caller) -> None:
    (czech,) = await editors(home, acme, "cs")
    key = await home.key(acme, czech)
    before = await everything(home)
    done = await home.run(transfer_key, admin, KeyTransfer(key.id, czech.id, confirm=True))
    assert (done.confirmed, done.gained, done.lost) == (True, (), ())
    assert await everything(home) == before


async def test_an_identity_made_for_a_key_alone_goes_when_the_key_leaves_it(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    created = await home.run(create_key, admin, NewKey(name="Lone", memberships=(RoleInput(MEMBER),)))
    alone = created.view.owner
    assert alone is not None
    assert created.token is not None
    heir = await home.service_account(acme)
    transfer = KeyTransfer(created.view.key.id, heir.id)
    await home.run(transfer_key, admin, transfer)
    async with home.database.read() as transaction:
        assert await transaction.identities.by_id(alone.id) == alone
    done = await home.run(transfer_key, admin, KeyTransfer(transfer.id, heir.id, confirm=True))
    assert len(done.lost) == 1
    async with home.database.read() as transaction:
        assert await transaction.identities.by_id(alone.id) is None
        assert await transaction.all_memberships.of(alone.id) == ()
    assert (await home.verifier.verify(created.token.reveal())).code is Code.VALID
    await refused(home, errors.NotFound, transfer_key, admin, KeyTransfer(transfer.id, alone.id))


async def test_a_key_goes_to_those_alone_that_its_place_knows(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    key = await home.key(acme, await home.service_account(acme))
    theirs = await home.service_account(other)
    stranger = await home.identity(Grant(ADMIN, other.id), kind=IdentityKind.USER)
    for identity_id in (theirs.id, stranger.id, new_id("idn"), "", "\ud800", key.id):
        for confirm in (False, True):
            refusal = await refused(
                home, errors.NotFound, transfer_key, admin, KeyTransfer(key.id, identity_id, confirm)
            )
            assert (refusal.detail, refusal.field) == ("No such identity.", "identity_id")
    theirs_too = await home.key(other, stranger)
    heir = await home.service_account(acme)
    for key_id in (theirs_too.id, new_id("key"), "", "\ud800"):
        refusal = await refused(home, errors.NotFound, transfer_key, admin, KeyTransfer(key_id, heir.id))
        assert (refusal.detail, refusal.field) == ("No such key.", None)


async def test_a_key_gains_no_more_than_whoever_moves_it_holds(home: House, acme: Tenant) -> None:
    czech, english = await editors(home, acme, "cs", "en")
    manager = await holding(home, acme, (["keys:*"], None), (["article:**"], ["article:cs:**"]))
    key = await home.key(acme, english)
    for confirm in (False, True):
        refusal = await refused(
            home, errors.BeyondOwnRights, transfer_key, manager, KeyTransfer(key.id, czech.id, confirm)
        )
        assert (refusal.field, refusal.extras) == ("identity_id", {"policy": {"actions": ["print"]}})
    narrow = await home.key(acme, english, scope=[(["article:read"], ["article:cs:**"])])
    await home.run(transfer_key, manager, KeyTransfer(narrow.id, czech.id, confirm=True))
    wide = await home.key(acme, czech, scope=[(["article:read"], None)])
    refusal = await refused(
        home, errors.BeyondOwnRights, transfer_key, manager, KeyTransfer(wide.id, english.id)
    )
    assert refusal.extras == {"policy": {"actions": ["article:read"]}}
    # The scope of the calling key counts as well.
    scoped = await home.admin(acme, scope=[(["keys:*"], None), (["article:**"], ["article:cs:**"])])
    refusal = await refused(home, errors.BeyondOwnRights, transfer_key, scoped, KeyTransfer(key.id, czech.id))
    assert refusal.extras == {"policy": {"actions": ["print"]}}


async def test_a_global_key_moves_among_people_and_is_judged_everywhere(home: House, acme: Tenant) -> None:
    boss = await home.identity(Grant(SUPER_ADMIN))
    caller = await home.caller(await home.key(None, boss))
    one = await home.identity(Grant(MONITOR), kind=IdentityKind.USER)
    two = await home.identity(Grant(ADMIN, acme.id), kind=IdentityKind.USER)
    key = await home.key(None, one)
    account = await home.service_account(acme)
    for identity_id in (account.id, new_id("idn")):
        await refused(
            home, errors.NotFound, transfer_key, caller, KeyTransfer(key.id, identity_id), tenant="*"
        )
    await refused(home, errors.NotFound, transfer_key, caller, KeyTransfer(key.id, two.id), tenant="acme")
    scoped = await home.key(None, boss, scope=[(["keys:*"], None)])
    refusal = await refused(
        home,
        errors.BeyondOwnRights,
        transfer_key,
        await home.caller(scoped),
        KeyTransfer(key.id, two.id),
        tenant="*",
    )
    assert refusal.extras == {"policy": {"actions": ["**"]}}
    done = await home.run(transfer_key, caller, KeyTransfer(key.id, two.id, confirm=True), tenant="*")
    assert plain(done.lost) == [{"actions": ["**:read"]}]
    asked = Asked(tenant="acme", action="keys:create")
    assert (await home.verifier.verify(key.token, asked)).valid


async def test_to_move_a_key_asks_for_a_fresh_login(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(ADMIN, acme.id), kind=IdentityKind.USER)
    session = with_session(home, person, Grant(ADMIN, acme.id), proofs=("password",))
    key, heir = await home.key(acme, person), await home.service_account(acme)
    await home.run(transfer_key, session, KeyTransfer(key.id, heir.id))
    home.clock.advance(minutes=10, microseconds=1)
    for use, data in (
        (transfer_key, KeyTransfer(key.id, heir.id)),
        (create_key, NewKey(name="k")),
    ):
        data_: Any = data
        await refused(home, errors.FreshLoginRequired, use, session, data_)


async def test_a_deleted_key_is_not_moved(home: House, acme: Tenant, admin: Caller) -> None:
    key, heir = await home.key(acme, admin.identity), await home.service_account(acme)
    await home.run(delete_keys, admin, KeyIds((key.id,)))
    await refused(home, errors.NotFound, transfer_key, admin, KeyTransfer(key.id, heir.id))
