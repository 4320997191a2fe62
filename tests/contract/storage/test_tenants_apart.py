"""Two tenants in every method that holds a tenant's things: what is done as one leaves the other untouched.

Each public method of `Keys`, `Memberships`, `AuditTrail` and `Usage` has a case here, found by its name; a method
without one fails. What belongs to tenants alone is in `test_people_apart.py`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from keywright.core.audit import SYSTEM, AuditEntry
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.instants import from_us, to_us
from keywright.core.keys import State
from keywright.core.listing import AuditQuery, Between, KeyQuery, KeySort, Position
from keywright.core.usage import HOUR_US, By, Count, Exercised, KeyCount, Use
from keywright.storage.audit import AuditTrail
from keywright.storage.idempotency import Replay
from keywright.storage.keys import Keys
from keywright.storage.memberships import Memberships
from keywright.storage.schema import api_key
from keywright.storage.usage import Usage
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
    an_identity,
    key_by_id,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from keywright.core.identities import Membership
    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Two:
    """Whoever acts, and somebody else with a key, a membership and an audit entry that look just alike.

    The memberships are those of one guest, who holds the same role in both places.
    """

    database: Database
    mine: Home
    theirs: Home
    my_key: Key
    their_key: Key
    my_entry: AuditEntry
    their_entry: AuditEntry
    my_member: Membership
    their_member: Membership


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
    guest = an_identity()
    async with database.write() as transaction:
        for home, entry in zip(homes, entries, strict=True):
            await transaction.audit(home.tenant_id).add(entry)
        await transaction.identities.add(guest)
        mine, theirs = [
            await transaction.all_memberships.add(guest.id, Grant("editor", home.tenant_id), NOW)
            for home in homes
        ]
    return Two(database, homes[0], homes[1], keys[0], keys[1], entries[0], entries[1], mine, theirs)


async def keys_add(two: Two) -> None:
    stray = a_key(two.theirs)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.keys(two.mine.tenant_id).add(stray, a_digest())
    for home in (two.mine, two.theirs):
        async with two.database.read() as transaction:
            assert await transaction.keys(home.tenant_id).by_id(stray.id) is None


async def keys_add_all(two: Two) -> None:
    mine, stray = a_key(two.mine), a_key(two.theirs)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.keys(two.mine.tenant_id).add_all([(mine, a_digest()), (stray, a_digest())])
    for home, key in ((two.mine, mine), (two.theirs, stray)):
        async with two.database.read() as transaction:
            assert await transaction.keys(home.tenant_id).by_id(key.id) is None


async def keys_handles_among(two: Two) -> None:
    async with two.database.write() as transaction:
        await transaction.keys(two.mine.tenant_id).add(a_key(two.mine, handle="only_mine"), a_digest())
    async with two.database.read() as transaction:
        asked = ["only_mine", "none"]
        assert await transaction.keys(two.mine.tenant_id).handles_among(asked) == {"only_mine"}
        assert await transaction.keys(two.theirs.tenant_id).handles_among(asked) == set()


async def keys_by_id(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            keys = transaction.keys(two.mine.tenant_id)
            assert await keys.by_id(two.their_key.id, lock=lock) is None
            assert await keys.by_id(two.my_key.id, lock=lock) == two.my_key


async def keys_by_digest(two: Two) -> None:
    async with two.database.reader.begin() as connection:
        rows = (await connection.execute(select(api_key.c.id, api_key.c.digest))).all()
    digests = {row.id: row.digest for row in rows}
    async with two.database.read() as transaction:
        keys = transaction.keys(two.mine.tenant_id)
        assert await keys.by_digest(digests[two.their_key.id]) is None
        assert await keys.by_digest(digests[two.my_key.id]) == two.my_key


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
        KeyQuery(search="dep"),
        KeyQuery(search="kw_abcd"),
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


async def keys_any(two: Two) -> None:
    async with two.database.write() as transaction:
        mine = transaction.keys(two.mine.tenant_id)
        assert await mine.any()
        await mine.delete([two.my_key.id], NOW)
        assert not await mine.any()


async def keys_owned_by(two: Two) -> None:
    async with two.database.write() as transaction:
        mine = transaction.keys(two.mine.tenant_id)
        assert await mine.owned_by(two.mine.identity.id) == (two.my_key.id,)
        assert await mine.owned_by(two.theirs.identity.id) == ()


async def keys_give(two: Two) -> None:
    with pytest.raises(NoResultFound):
        async with two.database.write() as transaction:
            await transaction.keys(two.mine.tenant_id).give(two.their_key.id, two.mine.identity.id, NOW)
    async with two.database.write() as transaction:
        await transaction.keys(two.mine.tenant_id).give(two.my_key.id, two.theirs.identity.id, NOW)
    assert await key_by_id(two.database, two.my_key) == replace(
        two.my_key, identity_id=two.theirs.identity.id
    )


async def keys_delete_all(two: Two) -> None:
    async with two.database.write() as transaction:
        assert await transaction.keys(two.mine.tenant_id).delete_all(NOW) == 1
    assert await key_by_id(two.database, two.my_key) is None


async def members_add(two: Two) -> None:
    stray = Grant("writer", two.theirs.tenant_id)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.memberships(two.mine.tenant_id).add(two.mine.identity.id, stray, NOW)


async def members_by_id(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            mine = transaction.memberships(two.mine.tenant_id)
            assert await mine.by_id(two.their_member.id, lock=lock) is None
            assert await mine.by_id(two.my_member.id, lock=lock) == two.my_member


async def members_of(two: Two) -> None:
    async with two.database.read() as transaction:
        mine = transaction.memberships(two.mine.tenant_id)
        both = [two.my_member.identity_id, two.theirs.identity.id]
        assert await mine.of(both) == (two.my_member,)


async def members_page(two: Two) -> None:
    async with two.database.read() as transaction:
        mine = transaction.memberships(two.mine.tenant_id)
        own = await mine.of([two.mine.identity.id])
        assert (await mine.page(limit=10)).items == (*own, two.my_member)
        assert (await mine.page(identity_id=two.my_member.identity_id, limit=10)).items == (two.my_member,)
        assert (await mine.page(identity_id=two.theirs.identity.id, limit=10)).items == ()
        assert (await mine.page(role_name="editor", limit=10)).items == (two.my_member,)
        # The place of a row of theirs is no place in this list.
        assert (await mine.page(limit=10, after=Position(None, two.their_member.id))).items == ()


async def members_with_role(two: Two) -> None:
    async with two.database.read() as transaction:
        assert await transaction.memberships(two.mine.tenant_id).with_role("editor") == (two.my_member,)


async def members_holders(two: Two) -> None:
    async with two.database.write() as transaction:
        mine = transaction.memberships(two.mine.tenant_id)
        assert await mine.holders("editor", set(IdentityKind)) == (two.my_member.id,)


async def members_set_variables(two: Two) -> None:
    values = (("language", ("cs",)),)
    async with two.database.write() as transaction:
        mine = transaction.memberships(two.mine.tenant_id)
        for one in (two.my_member, two.their_member):
            await mine.set_variables(one.id, values)
        changed = await mine.by_id(two.my_member.id)
    assert changed == replace(two.my_member, grant=replace(two.my_member.grant, variables=values))


async def members_remove(two: Two) -> None:
    async with two.database.write() as transaction:
        mine = transaction.memberships(two.mine.tenant_id)
        await mine.remove([two.their_member.id])
        assert await mine.with_role("editor") == (two.my_member,)
        await mine.remove([two.their_member.id, two.my_member.id])
        assert await mine.with_role("editor") == ()


async def trail_add(two: Two) -> None:
    stray = an_entry(two.theirs)
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.audit(two.mine.tenant_id).add(stray)


async def trail_page(two: Two) -> None:
    async with two.database.read() as transaction:
        trail = transaction.audit(two.mine.tenant_id)
        assert (await trail.page(limit=10)).items == (two.my_entry,)
        assert (await trail.page(AuditQuery(target_id="key_1"), limit=10)).items == (two.my_entry,)
        assert (await trail.page(limit=10, after=Position(2**62, "aud_zzz"))).items == (two.my_entry,)


async def both_used(two: Two) -> datetime:
    """Have both keys used in the same hour, mine once and theirs nine times; answers the hour."""
    hour_us = to_us(NOW) // HOUR_US * HOUR_US
    uses = [
        Use(key.id, None, None, key.tenant_id, ((hour_us, "VALID", times),), (("a", times, to_us(NOW)),))
        for key, times in ((two.my_key, 1), (two.their_key, 9))
    ]
    async with two.database.write() as transaction:
        await transaction.all_usage.add(uses)
    return from_us(hour_us)


async def usage_of_key(two: Two) -> None:
    hour = await both_used(two)
    async with two.database.read() as transaction:
        mine = transaction.usage(two.mine.tenant_id)
        assert await mine.of_key(two.my_key.id, Between(), By.HOUR) == (Count(hour, "VALID", 1),)
        assert await mine.of_key(two.their_key.id, Between(), By.HOUR) == ()


async def usage_of_all(two: Two) -> None:
    hour = await both_used(two)
    async with two.database.read() as transaction:
        mine = transaction.usage(two.mine.tenant_id)
        assert await mine.of_all(Between(), By.HOUR) == (Count(hour, "VALID", 1),)


async def usage_busiest(two: Two) -> None:
    await both_used(two)
    async with two.database.read() as transaction:
        mine = transaction.usage(two.mine.tenant_id)
        assert await mine.busiest(Between(), 10) == (KeyCount(two.my_key.id, 1, 1),)


async def usage_of_keys(two: Two) -> None:
    await both_used(two)
    async with two.database.read() as transaction:
        mine = transaction.usage(two.mine.tenant_id)
        assert await mine.of_keys([two.my_key.id, two.their_key.id], Between()) == {
            two.my_key.id: KeyCount(two.my_key.id, 1, 1),
            two.their_key.id: KeyCount(two.their_key.id, 0, 0),
        }


async def usage_exercised(two: Two) -> None:
    await both_used(two)
    async with two.database.read() as transaction:
        mine = transaction.usage(two.mine.tenant_id)
        assert await mine.exercised(two.my_key.id) == (Exercised("a", 1, NOW),)
        assert await mine.exercised(two.their_key.id) == ()


CASES: dict[tuple[type[Any], str], Callable[[Two], Awaitable[None]]] = {
    (Keys, "add"): keys_add,
    (Keys, "add_all"): keys_add_all,
    (Keys, "handles_among"): keys_handles_among,
    (Keys, "by_id"): keys_by_id,
    (Keys, "by_digest"): keys_by_digest,
    (Keys, "by_ids"): keys_by_ids,
    (Keys, "page"): keys_page,
    (Keys, "change"): keys_change,
    (Keys, "delete"): keys_delete,
    (Keys, "any"): keys_any,
    (Keys, "owned_by"): keys_owned_by,
    (Keys, "give"): keys_give,
    (Keys, "delete_all"): keys_delete_all,
    (Memberships, "add"): members_add,
    (Memberships, "by_id"): members_by_id,
    (Memberships, "of"): members_of,
    (Memberships, "page"): members_page,
    (Memberships, "with_role"): members_with_role,
    (Memberships, "holders"): members_holders,
    (Memberships, "set_variables"): members_set_variables,
    (Memberships, "remove"): members_remove,
    (AuditTrail, "add"): trail_add,
    (AuditTrail, "page"): trail_page,
    (Usage, "of_key"): usage_of_key,
    (Usage, "of_all"): usage_of_all,
    (Usage, "of_keys"): usage_of_keys,
    (Usage, "busiest"): usage_busiest,
    (Usage, "exercised"): usage_exercised,
}
METHODS = [
    (repository, name)
    for repository in (Keys, Memberships, AuditTrail, Usage)
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
        members = await transaction.memberships(two.theirs.tenant_id).page(limit=10)
    assert theirs.items == (two.their_entry,)
    assert len(members.items) == 2
    assert two.their_member in members.items


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
