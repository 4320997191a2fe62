"""A key found by its token, for who may read it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import KeywrightError, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.keys import State
from keywright.core.roles import ADMIN, MEMBER, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.keys import KeyIds, KeyToken, NewKey, create_key, delete_keys, find_key
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def refused(home: House, caller: Caller, token: str, tenant: str | None = None) -> tuple[type, str]:
    with pytest.raises(KeywrightError) as caught:
        await home.run(find_key, caller, KeyToken(token), tenant=tenant)
    return type(caught.value), caught.value.detail


def test_the_question_does_not_show_the_token() -> None:
    token = mint().reveal()
    assert token not in repr(KeyToken(token))


async def test_a_key_is_found_by_its_token_in_whatever_state(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    owner = await home.identity(Grant(MEMBER, acme.id))
    for fields, state in (
        ({}, State.ACTIVE),
        ({"active": False}, State.DISABLED),
        ({"expires_at": NOW}, State.EXPIRED),
    ):
        made = await home.key(acme, owner, **fields)
        found = await home.run(find_key, admin, KeyToken(made.token))
        assert (found.key, found.state, found.tenant, found.owner) == (made.key, state, acme, owner)


async def test_a_key_whose_token_was_made_elsewhere_is_found_too(home: House, admin: Caller) -> None:
    token = "sk_live_made_elsewhere"
    hashed = hashlib.sha256(token.encode()).hexdigest()
    created = await home.run(create_key, admin, NewKey(name="Brought", token_hash=hashed))
    assert (await home.run(find_key, admin, KeyToken(token))).key == created.view.key


async def test_what_is_malformed_unknown_deleted_or_elsewhere_is_missing_alike(
    each_home: House,
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    deleted = await home.key(acme, admin.identity)
    await home.run(delete_keys, admin, KeyIds((deleted.id,)))
    elsewhere = await home.key(await home.tenant("other"), admin.identity)
    everywhere = await home.key(None, admin.identity)
    texts = ["", "x", "kw_x", "\ud800", "a\0b", "y" * 9_999, mint().reveal(), mint("kws").reveal()]
    for token in (*texts, deleted.token, elsewhere.token, everywhere.token):
        assert await refused(home, admin, token) == (NotFound, "No such key.")


async def test_global_keys_are_found_where_the_call_names_them(home: House, acme: Tenant) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    made = await home.key(None, await home.identity())
    found = await home.run(find_key, root, KeyToken(made.token), tenant="*")
    assert (found.key, found.tenant) == (made.key, None)
    assert await refused(home, root, made.token, acme.slug) == (NotFound, "No such key.")


async def test_whoever_reads_its_own_keys_alone_finds_those(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(MEMBER, acme.id))
    member = await home.caller(await home.key(acme, person))
    own = await home.key(acme, person)
    other = await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))
    assert (await home.run(find_key, member, KeyToken(own.token))).key == own.key
    assert await refused(home, member, other.token) == (NotFound, "No such key.")


async def test_who_may_read_one_key_alone_searches_none(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    target = await home.key(acme, owner)
    scoped = await home.caller(await home.key(acme, owner, scope=[(["keys:read"], [f"key:{target.id}"])]))
    assert await refused(home, scoped, target.token) == (
        PermissionDenied,
        "This needs the permission keys:read.",
    )
