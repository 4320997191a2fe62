"""Two tenants in every method that holds a tenant's things: what is done as one leaves the other untouched.

Each public method of `Keys` and `AuditTrail` has a case here, found by its name; a method without one fails.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.audit import SYSTEM, AuditEntry
from keywright.core.ids import new_id
from keywright.core.keys import State
from keywright.core.listing import KeyQuery, KeySort, Position
from keywright.storage.audit import AuditTrail
from keywright.storage.idempotency import Replay
from keywright.storage.keys import Keys
from tests.contract.storage.making import (
    NOW,
    SECOND,
    Home,
    a_digest,
    a_key,
    add_home,
    add_installation,
    add_key,
    all_pages,
    key_by_id,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Two:
    """Whoever acts, and somebody else with a key and an audit entry that look just alike."""

    database: Database
    mine: Home
    theirs: Home
    my_key: Key
    their_key: Key
    my_entry: AuditEntry
    their_entry: AuditEntry


def an_entry(home: Home) -> AuditEntry:
    return AuditEntry(
        id=new_id("aud"),
        at=NOW,
        tenant_id=home.tenant_id,
        actor=SYSTEM,
        action="key.create",
        target_type="key",
        target_id="key_1",
        ip=None,
        request_id=None,
        changes={},
    )


@pytest.fixture(params=["tenant-tenant", "tenant-installation", "installation-tenant"])
async def two(request: pytest.FixtureRequest, database: Database) -> Two:
    homes = [
        await (add_home(database) if kind == "tenant" else add_installation(database))
        for kind in str(request.param).split("-")
    ]
    keys = [
        await add_key(database, home, name="Deploy", handle="deploy", expires_at=NOW + SECOND)
        for home in homes
    ]
    entries = [an_entry(home) for home in homes]
    async with database.write() as transaction:
        for home, entry in zip(homes, entries, strict=True):
            await transaction.audit(home.tenant_id).add(entry)
    return Two(database, homes[0], homes[1], keys[0], keys[1], entries[0], entries[1])


async def keys_add(two: Two) -> None:
    stray = a_key(two.theirs)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.keys(two.mine.tenant_id).add(stray, a_digest())
    for home in (two.mine, two.theirs):
        async with two.database.read() as transaction:
            assert await transaction.keys(home.tenant_id).by_id(stray.id) is None


async def keys_by_id(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            keys = transaction.keys(two.mine.tenant_id)
            assert await keys.by_id(two.their_key.id, lock=lock) is None
            assert await keys.by_id(two.my_key.id, lock=lock) == two.my_key


async def keys_by_ids(two: Two) -> None:
    both = [two.my_key.id, two.their_key.id]
    for lock in (False, True):
        async with two.database.write() as transaction:
            found = await transaction.keys(two.mine.tenant_id).by_ids(both, lock=lock)
        assert found == {two.my_key.id: two.my_key}


async def keys_page(two: Two) -> None:
    queries = [
        KeyQuery(),
        KeyQuery(handle="deploy"),
        KeyQuery(name_prefix="dep"),
        KeyQuery(states=frozenset({State.ACTIVE})),
        KeyQuery(sort=KeySort.NAME, after=Position("zzz", "key_zzz")),
        *(KeyQuery(sort=sort, descending=False) for sort in KeySort),
    ]
    for query in queries:
        assert await all_pages(two.database, two.mine.tenant_id, query) == [two.my_key]
    # The place of a row of theirs is no place in this list.
    for descending in (False, True):
        after = KeyQuery(after=Position(None, two.their_key.id), descending=descending)
        assert await all_pages(two.database, two.mine.tenant_id, after) == []
    # Whoever owns a key there: an identity may belong to several tenants.
    query = KeyQuery(identity_id=two.theirs.identity.id)
    assert await all_pages(two.database, two.mine.tenant_id, query) == []


async def keys_change(two: Two) -> None:
    async with two.database.write() as transaction:
        keys = transaction.keys(two.mine.tenant_id)
        await keys.change(replace(two.their_key, name="mine now"))
        await keys.change(replace(two.their_key, name="mine now", tenant_id=two.mine.tenant_id))
        # A change cannot move a key to another tenant either.
        await keys.change(replace(two.my_key, tenant_id=two.theirs.tenant_id))
    assert await key_by_id(two.database, two.my_key) == two.my_key


async def keys_delete(two: Two) -> None:
    async with two.database.write() as transaction:
        await transaction.keys(two.mine.tenant_id).delete([two.their_key.id], NOW)
    async with two.database.write() as transaction:
        await transaction.keys(two.mine.tenant_id).delete([two.my_key.id, two.their_key.id], NOW)
    assert await key_by_id(two.database, two.my_key) is None


async def trail_add(two: Two) -> None:
    stray = an_entry(two.theirs)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.audit(two.mine.tenant_id).add(stray)


async def trail_page(two: Two) -> None:
    async with two.database.read() as transaction:
        trail = transaction.audit(two.mine.tenant_id)
        assert (await trail.page(limit=10)).items == (two.my_entry,)
        assert (await trail.page(limit=10, target_id="key_1")).items == (two.my_entry,)
        assert (await trail.page(limit=10, after=Position(2**62, "aud_zzz"))).items == (two.my_entry,)


CASES: dict[tuple[type[Any], str], Callable[[Two], Awaitable[None]]] = {
    (Keys, "add"): keys_add,
    (Keys, "by_id"): keys_by_id,
    (Keys, "by_ids"): keys_by_ids,
    (Keys, "page"): keys_page,
    (Keys, "change"): keys_change,
    (Keys, "delete"): keys_delete,
    (AuditTrail, "add"): trail_add,
    (AuditTrail, "page"): trail_page,
}
METHODS = [
    (repository, name)
    for repository in (Keys, AuditTrail)
    for name, _ in inspect.getmembers(repository, inspect.isfunction)
    if not name.startswith("_")
]


@pytest.mark.parametrize(
    ("repository", "name"), METHODS, ids=[f"{repository.__name__}.{name}" for repository, name in METHODS]
)
async def test_a_method_keeps_to_its_tenant(two: Two, repository: type[Any], name: str) -> None:
    case = CASES.get((repository, name))
    assert case is not None, f"{repository.__name__}.{name} needs a case with two tenants"
    await case(two)
    assert await key_by_id(two.database, two.their_key) == two.their_key
    assert await all_pages(two.database, two.theirs.tenant_id, KeyQuery()) == [two.their_key]
    async with two.database.read() as transaction:
        theirs = await transaction.audit(two.theirs.tenant_id).page(limit=10)
    assert theirs.items == (two.their_entry,)


def test_every_case_has_its_method() -> None:
    assert set(CASES) == set(METHODS)


async def test_replays_are_apart_by_caller_and_tenant(two: Two) -> None:
    """`Replays` takes the tenant as an argument: the same key of another caller or tenant is another one."""
    made = Replay(
        caller_id="key_caller",
        tenant_id=two.theirs.tenant_id,
        key="a" * 64,
        fingerprint=b"f" * 32,
        result_id=two.their_key.id,
        created_at=NOW,
    )
    async with two.database.write() as transaction:
        await transaction.replays.add(made)
        find = transaction.replays.find
        assert await find("key_caller", two.theirs.tenant_id, made.key, NOW) == made
        assert await find("key_caller", two.mine.tenant_id, made.key, NOW) is None
        assert await find("key_other", two.theirs.tenant_id, made.key, NOW) is None
        assert await find("key_caller", two.theirs.tenant_id, "b" * 64, NOW) is None
        await transaction.replays.add(replace(made, tenant_id=two.mine.tenant_id, result_id=two.my_key.id))
        found = await find("key_caller", two.mine.tenant_id, made.key, NOW)
        assert found is not None
        assert found.result_id == two.my_key.id


async def test_a_look_up_gives_the_tenant_with_the_key(two: Two) -> None:
    """Found by digest alone, a key says itself where it belongs."""
    for home in (two.mine, two.theirs):
        digest = a_digest()
        await add_key(two.database, home, digest)
        facts = await two.database.lookup.by_digest(digest)
        assert facts is not None
        assert facts.tenant == home.tenant
        assert facts.key.tenant_id == home.tenant_id
