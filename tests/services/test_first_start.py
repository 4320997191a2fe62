"""The first start, the later ones, and the root key that follows its setting."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import SYSTEM
from keywright.core.identities import DEFAULT_TENANT, IdentityKind
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.first_start import (
    ADMIN_LOGIN,
    ROOT_HANDLE,
    FirstStart,
    RootTokenSpent,
    prepare,
)
from keywright.services.keys import ListKeys, NewKey, create_key, list_keys
from keywright.services.sessions import PasswordChange, change_password
from keywright.services.tenants import NewTenant, create_tenant
from keywright.services.whoami import whoami
from keywright.storage import Database
from tests.support.facts import NOW
from tests.support.house import house

if TYPE_CHECKING:
    from pathlib import Path

    from keywright.core.keys import Key
    from tests.support.house import House

pytestmark = pytest.mark.anyio

TOKEN, OTHER = mint().reveal(), mint().reveal()


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def start(home: House, password: str | None = None, root: str | None = None) -> FirstStart | None:
    return await prepare(
        home.database,
        home.passwords,
        NOW,
        admin_password=password,
        root_token_hash=None if root is None else digest(root),
    )


async def due(home: House, password: str) -> bool:
    """Whether the administrator, who logs in, is told to change the password."""
    caller = await home.logged_in(ADMIN_LOGIN, password)
    user = (await home.run(whoami, caller, None)).user
    assert user is not None
    assert user.password_change_due is caller.password_change_due
    return caller.password_change_due


async def global_keys(home: House) -> tuple[Key, ...]:
    async with home.database.read() as transaction:
        return (await transaction.keys(None).page(KeyQuery(), NOW)).items


async def test_an_empty_installation_gets_a_tenant_and_an_administrator(each_home: House) -> None:
    home = each_home
    first = await start(home)
    assert first is not None
    assert first.login == ADMIN_LOGIN
    assert first.password is not None
    assert len(first.password) == 20
    assert first.password not in f"{first} {first!r}"

    admin = await home.logged_in(ADMIN_LOGIN, first.password)
    assert admin.identity.kind is IdentityKind.USER
    assert admin.roles_everywhere == (SUPER_ADMIN,)
    made = await home.run(create_key, admin, NewKey(name="k"))
    assert made.view.tenant is not None
    assert made.view.tenant.slug == DEFAULT_TENANT
    assert [grant.role for grant in admin.grants if grant.tenant_id == made.view.tenant.id] == [ADMIN]
    await home.run(create_tenant, admin, NewTenant("new"))

    entries = [entry for entry in await home.trail(None) if entry.actor == SYSTEM]
    assert {entry.action for entry in entries} == {"tenant.create", "user.create"}
    assert first.password not in repr(entries)


async def test_a_generated_password_is_to_be_changed_and_a_configured_one_is_not(each_home: House) -> None:
    home = each_home
    first = await start(home)
    assert first is not None
    assert first.password is not None
    assert await due(home, first.password)
    caller = await home.logged_in(ADMIN_LOGIN, first.password)
    await home.run(change_password, caller, PasswordChange(first.password, "a-password-of-my-own"))
    assert not await due(home, "a-password-of-my-own")


async def test_a_configured_password_was_chosen(home: House) -> None:
    assert (await start(home, "from the settings")) is not None
    assert not await due(home, "from the settings")


async def test_a_later_start_makes_nothing(home: House) -> None:
    first = await start(home)
    assert first is not None
    entries = await home.count_entries()
    assert await start(home) is None
    assert await start(home, password="another") is None
    assert await home.count_entries() == entries
    assert first.password is not None
    await home.logged_in(ADMIN_LOGIN, first.password)


async def test_a_configured_password_is_used_and_not_repeated(home: House) -> None:
    first = await start(home, password="correct horse")
    assert first == FirstStart(ADMIN_LOGIN, None)
    await home.logged_in(ADMIN_LOGIN, "correct horse")


async def test_two_installations_get_two_passwords(home: House, tmp_path: Path) -> None:
    first = await start(home)
    (tmp_path / "second").mkdir()
    async with house(tmp_path / "second") as another:
        second = await start(another)
    assert first is not None
    assert second is not None
    assert first.password != second.password


async def test_of_many_nodes_that_start_at_once_one_makes_everything(
    each_home: House, database_url: str
) -> None:
    home = each_home
    nodes = [Database.connect(database_url) for _ in range(5)]
    try:
        starts = await asyncio.gather(
            *(
                prepare(node, home.passwords, NOW, admin_password=None, root_token_hash=digest(TOKEN))
                for node in nodes
            )
        )
    finally:
        for node in nodes:
            await node.close()
    (first,) = [one for one in starts if one is not None]
    assert first.password is not None
    await home.logged_in(ADMIN_LOGIN, first.password)
    assert [key.handle for key in await global_keys(home)] == [ROOT_HANDLE]
    entries = [entry.action for entry in await home.trail(None) if entry.actor == SYSTEM]
    assert sorted(entries) == ["key.create", "tenant.create", "user.create"]


async def test_of_many_nodes_that_get_a_root_key_at_once_one_makes_it(
    each_home: House, database_url: str
) -> None:
    home = each_home
    await start(home)
    nodes = [Database.connect(database_url) for _ in range(5)]
    try:
        await asyncio.gather(
            *(
                prepare(node, home.passwords, NOW, admin_password=None, root_token_hash=digest(TOKEN))
                for node in nodes
            )
        )
    finally:
        for node in nodes:
            await node.close()
    assert len(await global_keys(home)) == 1


# The root key


async def test_the_root_token_opens_the_whole_installation(home: House) -> None:
    assert await start(home, root=TOKEN) is not None
    root = await home.caller(TOKEN)
    assert (root.bound, root.roles_everywhere, root.identity.kind) == (
        None,
        (SUPER_ADMIN,),
        IdentityKind.KEY,
    )
    await home.run(create_tenant, root, NewTenant("new"))
    made = await home.run(create_key, root, NewKey(name="k"), tenant="new")
    assert made.view.owner == root.identity
    listed = await home.run(list_keys, root, ListKeys(query=KeyQuery()), tenant="new")
    assert [view.key.id for view in listed.items] == [made.view.key.id]
    (key,) = await global_keys(home)
    assert (key.handle, key.hint, key.last_seven, key.scope, key.expires_at) == (
        ROOT_HANDLE,
        None,
        None,
        None,
        None,
    )
    assert key.id not in {view.key.id for view in listed.items}


async def test_the_same_setting_or_none_leaves_the_root_key_alone(each_home: House) -> None:
    home = each_home
    await start(home, root=TOKEN)
    keys, entries = await global_keys(home), await home.count_entries()
    assert await start(home, root=TOKEN) is None
    assert await start(home) is None
    assert (await global_keys(home), await home.count_entries()) == (keys, entries)
    await home.caller(TOKEN)


async def test_another_setting_replaces_the_root_key(home: House) -> None:
    await start(home)
    await start(home, root=TOKEN)
    (old,) = await global_keys(home)
    await start(home, root=OTHER)
    (new,) = await global_keys(home)
    assert new.id != old.id
    assert (await home.caller(OTHER)).roles_everywhere == (SUPER_ADMIN,)
    assert not (await home.verifier.verify(TOKEN)).valid
    actions = [(entry.action, entry.target_id) for entry in (await home.trail(None))[:2]]
    assert sorted(actions) == [("key.create", new.id), ("key.delete", old.id)]


async def test_a_root_token_that_was_replaced_never_comes_back(home: House) -> None:
    await start(home, root=TOKEN)
    await start(home, root=OTHER)
    keys, entries = await global_keys(home), await home.count_entries()
    with pytest.raises(RootTokenSpent, match="was revoked") as caught:
        await start(home, root=TOKEN)
    assert TOKEN not in str(caught.value)
    assert digest(TOKEN).hex() not in str(caught.value)
    assert (await global_keys(home), await home.count_entries()) == (keys, entries)
    assert not (await home.verifier.verify(TOKEN)).valid


async def test_the_token_of_a_tenant_s_key_does_not_become_root(home: House) -> None:
    first = await start(home, password="correct horse", root=OTHER)
    assert first is not None
    admin = await home.logged_in(ADMIN_LOGIN, "correct horse")
    await home.run(create_key, admin, NewKey(name="k", token_hash=digest(TOKEN).hex()))
    with pytest.raises(RootTokenSpent, match="another key"):
        await start(home, root=TOKEN)
    assert (await home.caller(OTHER)).roles_everywhere == (SUPER_ADMIN,)
    assert (await home.caller(TOKEN)).roles_everywhere == ()


async def test_of_nodes_with_different_settings_at_once_the_root_key_of_one_stands(
    each_home: House, database_url: str
) -> None:
    home = each_home
    await start(home)
    tokens = [mint().reveal() for _ in range(6)]
    nodes = [Database.connect(database_url) for _ in tokens]
    try:
        await asyncio.gather(
            *(
                prepare(node, home.passwords, NOW, admin_password=None, root_token_hash=digest(token))
                for node, token in zip(nodes, tokens, strict=True)
            )
        )
    finally:
        for node in nodes:
            await node.close()
    (standing,) = await global_keys(home)
    assert standing.handle == ROOT_HANDLE
    valid = [(await home.verifier.verify(token)).valid for token in tokens]
    assert valid.count(True) == 1
    actions = [entry.action for entry in await home.trail(None)]
    assert (actions.count("key.create"), actions.count("key.delete")) == (6, 5)
