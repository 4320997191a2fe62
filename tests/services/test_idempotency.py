"""The same creation under the same idempotency key makes one thing, and its token is shown once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.errors import IdempotencyKeyReused, InvalidValue, KeywrightError
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.services.keys import (
    CreatedKey,
    KeyChanges,
    KeyIds,
    NewKey,
    create_key,
    delete_keys,
    update_key,
)
from keywright.services.tenants import NewTenant, create_tenant
from keywright.storage import schema
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

NEW = NewKey(
    name="k",
    description="d",
    scope=((("a",), None),),
    expires_at=NOW + timedelta(days=2),
    metadata={"b": [1, {"c": None}], "a": "é", "n": 10**30},
)


async def create(home: House, caller: Caller, new: NewKey = NEW, key: str | None = "k-1") -> CreatedKey:
    return await home.run(create_key, caller, new, idempotency_key=key)


async def refused(home: House, caller: Caller, new: NewKey, key: str = "k-1") -> KeywrightError:
    before = await home.keys(), await home.count_entries()
    with pytest.raises(KeywrightError) as caught:
        await create(home, caller, new, key)
    assert (await home.keys(), await home.count_entries()) == before
    return caught.value


async def test_the_same_request_gives_the_same_key_without_its_token(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    first = await create(home, admin)
    entries, keys = await home.count_entries(), await home.keys()
    assert first.token is not None
    assert not first.replayed
    home.clock.advance(hours=1)
    again = await create(home, admin)
    assert (again.view.key, again.view.owner, again.token, again.replayed) == (
        first.view.key,
        admin.identity,
        None,
        True,
    )
    assert (await home.count_entries(), await home.keys()) == (entries, keys)


async def test_without_an_idempotency_key_every_request_makes_a_key(home: House, admin: Caller) -> None:
    made = {(await create(home, admin, key=key)).view.key.id for key in (None, None, "a", "b")}
    assert len(made) == 4


async def test_the_order_of_members_does_not_make_a_request_another(home: House, admin: Caller) -> None:
    first = await create(home, admin, NewKey(name="k", metadata={"a": 1, "b": {"c": 2, "d": 3}}))
    again = await create(home, admin, NewKey(name="k", metadata={"b": {"d": 3, "c": 2}, "a": 1}))
    assert again.view.key.id == first.view.key.id


DIFFERENT: list[dict[str, Any]] = [
    {"name": "l"},
    {"description": ""},
    {"handle": "h"},
    {"scope": None},
    {"scope": ((("a",), ("b",)),)},
    {"scope": ((("a", "b"), None),)},
    {"expires_at": None},
    {"expires_at": NOW + timedelta(days=3)},
    {"not_before": NOW},
    {"allowed_cidrs": ("::/0",)},
    {"metadata": {}},
    {"metadata": {**(NEW.metadata or {}), "n": 10**30 + 1}},
    {"metadata": {**(NEW.metadata or {}), "n": str(10**30)}},
    {"prefix": "kw"},
    {"token_hash": hashlib.sha256(b"x").hexdigest()},
    {"tenant": "acme"},
]


@pytest.mark.parametrize("fields", DIFFERENT)
async def test_a_different_request_under_the_same_key_is_refused(
    home: House, admin: Caller, fields: dict[str, Any]
) -> None:
    await create(home, admin)
    given = {name: getattr(NEW, name) for name in NewKey.__dataclass_fields__}
    refusal = await refused(home, admin, NewKey(**{**given, **fields}))
    assert (type(refusal), refusal.field) == (IdempotencyKeyReused, "Idempotency-Key")


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


UNWRITABLE: list[dict[str, Any]] = [
    {"name": "\ud800"},
    {"metadata": {"a": "\ud800"}},
    {"metadata": {"a": float("nan")}},
    {"metadata": {"a": deep(100_000)}},
    {"metadata": {"a": 10**5_000}},
    {"metadata": {1: 1, "1": 2}},
    {"tenant": "\ud800"},
    {"expires_at": datetime(2027, 1, 1)},  # noqa: DTZ001 - a naive one
    {"expires_at": datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=23)))},
]


@pytest.mark.parametrize("fields", UNWRITABLE)
async def test_a_request_that_can_never_be_is_refused_with_and_without_a_first_one(
    home: House, admin: Caller, fields: dict[str, Any]
) -> None:
    new = NewKey(**{"name": "k", **fields})
    assert isinstance(await refused(home, admin, new), errors.BadInput | errors.NotFound)
    await create(home, admin)
    assert isinstance(await refused(home, admin, new), IdempotencyKeyReused | errors.NotFound)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\n", "\0", "\ud800"])
async def test_what_is_no_idempotency_key_is_refused(home: House, admin: Caller, key: str) -> None:
    refusal = await refused(home, admin, NEW, key)
    assert (type(refusal), refusal.field) == (InvalidValue, "Idempotency-Key")


@pytest.mark.parametrize("key", ["!", "~", "x" * 255, "3f1c7a52-0000-4000-8000-000000000000"])
async def test_what_is_one_is_taken(home: House, admin: Caller, key: str) -> None:
    first = await create(home, admin, key=key)
    assert (await create(home, admin, key=key)).view.key.id == first.view.key.id


async def test_callers_and_tenants_have_their_own(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    owner = await home.identity(Grant(ADMIN, acme.id))
    siblings = [await home.caller(await home.key(acme, owner)) for _ in range(2)]
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    made = [await create(home, caller) for caller in siblings]
    made += [
        await home.run(create_key, root, NEW, tenant=tenant.slug, idempotency_key="k-1")
        for tenant in (acme, other)
    ]
    assert len({one.view.key.id for one in made}) == 4
    assert not any(one.replayed for one in made)


async def test_after_a_day_the_key_is_free_again(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    first = await create(home, admin)
    home.clock.advance(hours=24)
    assert (await create(home, admin)).view.key.id == first.view.key.id
    home.clock.advance(microseconds=1)
    again = await create(home, admin)
    assert again.view.key.id != first.view.key.id
    assert again.token is not None
    assert (await create(home, admin)).view.key.id == again.view.key.id


async def test_a_refused_creation_leaves_the_key_free(home: House, admin: Caller) -> None:
    await home.run(create_key, admin, NewKey(name="k", handle="h"))
    assert isinstance(await refused(home, admin, NewKey(name="k", handle="h")), errors.HandleTaken)
    assert (await create(home, admin, NewKey(name="k", handle="i"))).token is not None


async def test_a_later_change_does_not_make_the_first_request_another(home: House, admin: Caller) -> None:
    first = await create(home, admin)
    await home.run(update_key, admin, KeyChanges(id=first.view.key.id, name="changed"))
    home.clock.advance(hours=1)
    assert (await create(home, admin)).view.key.name == "changed"


async def test_a_key_that_was_deleted_since_is_not_made_again(home: House, admin: Caller) -> None:
    first = await create(home, admin)
    await home.run(delete_keys, admin, KeyIds((first.view.key.id,)))
    refusal = await refused(home, admin, NEW)
    assert (type(refusal), refusal.field) == (IdempotencyKeyReused, "Idempotency-Key")


async def test_an_expiry_that_has_passed_since_does_not_hide_what_was_made(
    home: House, admin: Caller
) -> None:
    new = NewKey(name="k", expires_at=NOW + timedelta(hours=1))
    first = await create(home, admin, new)
    home.clock.advance(hours=2)
    assert (await create(home, admin, new)).view.key.id == first.view.key.id


@pytest.mark.parametrize(
    "new",
    [
        NEW,
        NewKey(name="k", handle="h"),
        NewKey(name="k", token_hash=hashlib.sha256(b"x").hexdigest()),
    ],
    ids=["plain", "with a handle", "with a token hash"],
)
async def test_of_many_same_requests_at_once_one_makes_the_key(each_home: House, new: NewKey) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    before = len(await home.keys())
    made = await asyncio.gather(*(create(home, admin, new) for _ in range(20)))
    assert len({one.view.key.id for one in made}) == 1
    assert sum(not one.replayed for one in made) == 1
    assert sum(one.token is not None for one in made) == (new.token_hash is None)
    assert len(await home.keys()) == before + 1
    assert await home.count_entries() == 1


async def test_of_different_requests_at_once_under_one_key_one_is_served(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    made = await asyncio.gather(
        *(create(home, admin, NewKey(name=f"k{number}")) for number in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, CreatedKey) for one in made) == 1
    assert sum(isinstance(one, IdempotencyKeyReused) for one in made) == 7
    assert await home.count_entries() == 1


# Tenants


async def test_a_tenant_is_made_once_too(each_home: House) -> None:
    home = each_home
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    made = await asyncio.gather(
        *(home.run(create_tenant, root, NewTenant("acme"), idempotency_key="t") for _ in range(8))
    )
    assert len({one.tenant.id for one in made}) == 1
    assert sum(one.replayed for one in made) == 7
    assert await home.count_entries() == 1
    with pytest.raises(IdempotencyKeyReused):
        await home.run(create_tenant, root, NewTenant("acme", "Acme"), idempotency_key="t")
    async with home.database.writer.begin() as connection:
        await connection.execute(schema.tenant.delete())
    with pytest.raises(IdempotencyKeyReused, match="deleted since"):
        await home.run(create_tenant, root, NewTenant("acme"), idempotency_key="t")


async def test_a_key_and_a_tenant_do_not_share_an_idempotency_key(home: House, acme: Tenant) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    await home.run(create_tenant, root, NewTenant("new"), idempotency_key="k-1")
    made = await home.run(create_key, root, NewKey(name="k"), tenant=acme.slug, idempotency_key="k-1")
    assert made.token is not None
