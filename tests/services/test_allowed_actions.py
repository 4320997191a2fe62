"""Which actions keys may do, asked for many of them at once; and keys that are made disabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import InvalidValue, KeywrightError, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.keys import State
from keywright.core.roles import ADMIN, MEMBER, READ_ONLY, SUPER_ADMIN
from keywright.services.keys import (
    MAX_AT_ONCE,
    KeyIds,
    KeysQuestion,
    NewKey,
    allowed_actions,
    create_key,
    delete_keys,
)
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio
ACTIONS = ("article:read", "article:write", "keys:update")


async def refused(home: House, caller: Caller, *ids: str) -> tuple[type, str, str | None]:
    with pytest.raises(KeywrightError) as caught:
        await home.run(allowed_actions, caller, KeysQuestion(ids, ACTIONS))
    return type(caught.value), caught.value.detail, caught.value.field


async def test_a_key_may_do_what_its_owner_and_its_scope_allow(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    reader = await home.identity(Grant(READ_ONLY, acme.id))
    articles = [(["article:*"], None)]
    one = [(["article:read"], ["article:1"]), (["keys:update"], ["**"])]
    expected = {
        (await home.key(acme, admin.identity)).id: set(ACTIONS),
        (await home.key(acme, admin.identity, scope=articles)).id: {"article:read", "article:write"},
        (await home.key(acme, admin.identity, scope=one)).id: {"keys:update"},
        (await home.key(acme, admin.identity, scope=[])).id: set(),
        (await home.key(acme, reader, active=False)).id: {"article:read"},
        (await home.key(acme, reader, scope=articles, expires_at=NOW)).id: {"article:read"},
        (await home.key(acme, await home.identity())).id: set(),
    }
    ids = tuple(expected)
    found = await home.run(allowed_actions, admin, KeysQuestion(ids + ids, ACTIONS))
    assert found == expected
    nothing: dict[str, frozenset[str]] = await home.run(allowed_actions, admin, KeysQuestion((), ACTIONS))
    assert nothing == {}


async def test_a_global_key_is_asked_about_where_it_is(home: House) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    acme = await home.tenant("acme")
    made = await home.key(None, await home.identity(Grant(ADMIN, acme.id)))
    asked = KeysQuestion((made.id, root.credential_id), ACTIONS)
    found = await home.run(allowed_actions, root, asked, tenant="*")
    assert found == {made.id: set(), root.credential_id: set(ACTIONS)}


async def test_what_is_not_there_is_missing(home: House, acme: Tenant, admin: Caller) -> None:
    made = await home.key(acme, admin.identity)
    deleted = await home.key(acme, admin.identity)
    await home.run(delete_keys, admin, KeyIds((deleted.id,)))
    elsewhere = await home.key(await home.tenant("other"), admin.identity)
    for key_id in ("", "x", new_id("key"), deleted.id, elsewhere.id):
        assert await refused(home, admin, key_id) == (NotFound, "No such key.", None)
        assert await refused(home, admin, made.id, key_id) == (NotFound, "No such key.", "ids.1")


async def test_whoever_reads_its_own_keys_alone_asks_about_those(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(MEMBER, acme.id))
    member = await home.caller(await home.key(acme, person))
    own = await home.key(acme, person)
    other = await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))
    assert await home.run(allowed_actions, member, KeysQuestion((own.id,), ("keys:own:read", *ACTIONS))) == {
        own.id: {"keys:own:read"}
    }
    assert await refused(home, member, other.id) == (NotFound, "No such key.", None)


async def test_who_may_read_one_key_alone_asks_about_that(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    target, other = await home.key(acme, owner), await home.key(acme, owner)
    scoped = await home.caller(await home.key(acme, owner, scope=[(["keys:read"], [f"key:{target.id}"])]))
    found = await home.run(allowed_actions, scoped, KeysQuestion((target.id,), ACTIONS))
    assert found == {target.id: set(ACTIONS)}
    assert (await refused(home, scoped, target.id, other.id))[0] is PermissionDenied


async def test_a_question_has_bounds(home: House, admin: Caller) -> None:
    for asked in (
        KeysQuestion(tuple(f"key_{index}" for index in range(MAX_AT_ONCE + 1)), ACTIONS),
        KeysQuestion((), ACTIONS * MAX_AT_ONCE),
        KeysQuestion((), ("article:*",)),
    ):
        with pytest.raises(InvalidValue):
            await home.run(allowed_actions, admin, asked)


async def test_a_key_can_be_made_disabled(home: House, admin: Caller) -> None:
    created = await home.run(create_key, admin, NewKey(name="Asleep", active=False))
    assert (created.view.state, (await home.stored(created.view.key.id)).active) == (State.DISABLED, False)
