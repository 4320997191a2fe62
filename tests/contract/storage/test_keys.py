"""Keys: added, read, changed and deleted; what is deleted is gone, and its digest is never free again."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from keywright.core.errors import HandleTaken, TokenHashTaken
from keywright.core.instants import LATEST
from keywright.core.keys import State
from keywright.core.limits import LONGEST_WINDOW, MAX_USES, Credits, Every, Limit, Refill
from keywright.core.listing import KeyQuery, KeySort, Position
from keywright.core.permissions import Policy
from keywright.storage.schema import api_key
from tests.contract.storage.making import (
    EXAMPLES,
    NOW,
    SECOND,
    Home,
    a_digest,
    a_key,
    add_home,
    add_installation,
    add_key,
    add_keys,
    all_pages,
    an_identity,
    as_json,
    fetch,
    key_by_id,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

EVERYTHING: dict[str, Any] = {
    "name": "Deploy",
    "handle": "deploy-1",
    "description": "two\nlines",
    "prefix": "acme_live",
    "hint": "acme_live_abcd",
    "last_seven": "abcdefg",
    "not_before": NOW - SECOND,
    "expires_at": LATEST,
    "active": False,
    "scope": (Policy.parse(["a:*"], ["b:**", "c:1"]), Policy.parse(["d"], None)),
    "allowed_cidrs": (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32")),
    "metadata": as_json({"big": 2**70, "null": None, "nested": [{"é": "\0"}]}),
    "last_used_at": NOW,
    "last_used_ip": "2001:db8:1234:5678:9abc:def0:1234:5678",
    "limits": (Limit("burst", 100, 1), Limit("daily", MAX_USES, LONGEST_WINDOW)),
    "credits": Credits(MAX_USES, Refill(MAX_USES, Every.MONTH), LATEST),
}
CHANGEABLE = {"name", "handle", "description", "not_before", "expires_at", "active", "scope"} | {
    "allowed_cidrs",
    "metadata",
    "limits",
}


async def test_a_key_with_everything(database: Database, home: Home) -> None:
    key = await add_key(database, home, **EVERYTHING)
    assert await key_by_id(database, key) == key
    async with database.read() as transaction:
        assert await transaction.keys(home.tenant_id).by_ids([key.id]) == {key.id: key}
        assert (await transaction.keys(home.tenant_id).page(KeyQuery(), NOW)).items == (key,)


async def test_a_key_with_almost_nothing(database: Database) -> None:
    home = await add_installation(database)
    key = await add_key(database, home, hint=None, last_seven=None, created_by=None, scope=())
    assert await key_by_id(database, key) == key
    assert key.scope == ()


async def test_a_change_reaches_what_may_change(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    other = await add_key(database, home)
    wanted = replace(key, **EVERYTHING)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).change(wanted)
    expected = replace(key, **{name: EVERYTHING[name] for name in CHANGEABLE})
    assert await key_by_id(database, key) == expected
    assert await key_by_id(database, other) == other
    found = await all_pages(database, home.tenant_id, KeyQuery(name_prefix="dep"))
    assert found == [expected]


async def test_credits_change_where_they_are_set_and_nowhere_else(database: Database, home: Home) -> None:
    key = await add_key(database, home, credits=Credits(10, Refill(100, Every.DAY), NOW))
    other = await add_key(database, home, credits=Credits(10))
    # A node spends some after the key was read, and before it is written.
    async with database.writer.begin() as connection:
        spending = update(api_key).where(api_key.c.id == key.id).values(credits=api_key.c.credits - 4)
        await connection.execute(spending)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).change(replace(key, name="Other", limits=()))
    left = Credits(6, Refill(100, Every.DAY), NOW)
    assert await key_by_id(database, key) == replace(key, name="Other", limits=(), credits=left)
    set_anew = replace(key, credits=Credits(7, Refill(1, Every.HOUR), NOW + SECOND))
    for wanted in (set_anew, replace(key, credits=Credits(0)), replace(key, credits=None)):
        async with database.write() as transaction:
            await transaction.keys(home.tenant_id).change(wanted, recounted=True)
        assert await key_by_id(database, key) == wanted
    assert await key_by_id(database, other) == other
    versions = await fetch(database, "SELECT id, credits_version FROM api_key")
    assert {row[0]: row[1] for row in versions} == {key.id: 3, other.id: 0}


async def test_reading_for_a_change(database: Database, home: Home) -> None:
    keys = [await add_key(database, home) for _ in range(3)]
    async with database.write() as transaction:
        mine = transaction.keys(home.tenant_id)
        assert await mine.by_id(keys[0].id, lock=True) == keys[0]
        assert await mine.by_id("key_absent", lock=True) is None
        asked = [keys[2].id, "key_absent", keys[0].id, keys[0].id]
        assert await mine.by_ids(asked, lock=True) == {keys[0].id: keys[0], keys[2].id: keys[2]}
        assert await mine.by_ids([]) == {}


async def test_a_deleted_key_is_nowhere_found(database: Database, home: Home) -> None:
    digest = a_digest()
    key = await add_key(database, home, digest, handle="gone", expires_at=NOW - SECOND)
    stays = await add_key(database, home)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).delete([key.id, "key_absent"], NOW)
    async with database.write() as transaction:
        mine = transaction.keys(home.tenant_id)
        assert await mine.by_id(key.id) is None
        assert await mine.by_id(key.id, lock=True) is None
        assert await mine.by_ids([key.id, stays.id]) == {stays.id: stays}
        assert (await mine.page(KeyQuery(), NOW)).items == (stays,)
        assert not (await mine.page(KeyQuery(states=frozenset({State.DELETED})), NOW)).items
        assert not (await mine.page(KeyQuery(handle="gone"), NOW)).items
        assert await transaction.all_keys.expired_before(NOW + SECOND, 10) == ()
        await mine.change(replace(key, name="back", active=True))
        await mine.delete([key.id], NOW + SECOND)
    assert await database.lookup.by_digest(digest) is None
    # Only who asks whether a token was ever used finds the row, as it was deleted.
    async with database.read() as transaction:
        found = await transaction.all_keys.by_digest(digest)
    assert found == replace(key, active=False, deleted_at=NOW)


@pytest.mark.parametrize("make", [add_home, add_installation])
async def test_a_handle_is_free_after_deletion(
    database: Database, make: Callable[[Database], Awaitable[Home]]
) -> None:
    home = await make(database)
    for _ in range(3):
        key = await add_key(database, home, handle="deploy")
        with pytest.raises(HandleTaken) as refused:
            await add_key(database, home, handle="deploy")
        assert refused.value.field == "handle"
        async with database.write() as transaction:
            await transaction.keys(home.tenant_id).delete([key.id], NOW)
    assert await all_pages(database, home.tenant_id, KeyQuery()) == []


async def test_a_handle_is_taken_within_its_tenant_alone(database: Database, home: Home) -> None:
    others = [await add_home(database), await add_installation(database)]
    for each in (home, *others):
        await add_key(database, each, handle="deploy")
    for each in (home, *others):
        with pytest.raises(HandleTaken):
            await add_key(database, each, handle="deploy")
        await add_key(database, each, handle=None)
        await add_key(database, each, handle=None)


async def test_a_digest_is_never_free_again(database: Database, home: Home) -> None:
    digest = a_digest()
    key = await add_key(database, home, digest)
    for each in (home, await add_home(database), await add_installation(database)):
        with pytest.raises(TokenHashTaken) as refused:
            await add_key(database, each, digest)
        assert refused.value.field == "token_hash"
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).delete([key.id], NOW)
    with pytest.raises(TokenHashTaken):
        await add_key(database, home, digest)


async def test_text_in_a_value_is_not_taken_for_a_constraint(database: Database, home: Home) -> None:
    """PostgreSQL repeats the values in its message, where a careless search would find them."""
    await add_key(database, home, handle='api_key.digest "uq_api_key_digest"')
    with pytest.raises(HandleTaken):
        await add_key(database, home, handle='api_key.digest "uq_api_key_digest"')


async def test_refusals_do_not_share_a_traceback(database: Database, home: Home) -> None:
    """An exception keeps the frames it went through, with all that is in them, for as long as it lives."""
    digest = a_digest()
    await add_key(database, home, digest)
    refusals = []
    for _ in range(2):
        with pytest.raises(TokenHashTaken) as refused:
            await add_key(database, home, digest)
        refusals.append(refused.value)
    assert refusals[0] is not refusals[1]


async def test_foreign_keys_are_enforced(database: Database, home: Home) -> None:
    async def refused(key: Key) -> None:
        with pytest.raises(IntegrityError):
            async with database.write() as transaction:
                await transaction.keys(key.tenant_id).add(key, a_digest())

    await refused(a_key(home, identity_id="idn_absent"))
    await refused(a_key(home, tenant_id="ten_absent"))
    with pytest.raises(IntegrityError):
        async with database.write() as transaction:
            await transaction.identities.add(an_identity(tenant_id="ten_absent"))
    assert await all_pages(database, home.tenant_id, KeyQuery()) == []


async def test_the_same_id_twice_is_a_defect(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    with pytest.raises(IntegrityError):
        await add_key(database, home, id=key.id)


async def test_uses_are_stored(database: Database, home: Home) -> None:
    keys = [await add_key(database, home) for _ in range(4)]
    async with database.write() as transaction:
        await transaction.all_keys.touch(
            [
                (keys[2].id, NOW, None),
                (keys[0].id, NOW, "192.0.2.1"),
                ("key_absent", NOW, None),
                (keys[1].id, NOW + SECOND, "192.0.2.3"),
                (keys[1].id, NOW, "192.0.2.2"),
            ]
        )
        await transaction.all_keys.touch([])
    stored = [await key_by_id(database, key) for key in keys]
    assert [(key.last_used_at, key.last_used_ip) for key in stored if key is not None] == [
        (NOW, "192.0.2.1"),
        (NOW + SECOND, "192.0.2.3"),
        (NOW, None),
        (None, None),
    ]


USES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 5), st.sampled_from([None, "192.0.2.1", "192.0.2.2"])),
    max_size=6,
)


@EXAMPLES
@given(batches=st.lists(USES, max_size=4))
async def test_the_last_use_never_moves_back(
    database: Database, batches: list[list[tuple[int, int, str | None]]]
) -> None:
    """Whatever order batches arrive in, with doubles in them too; of two uses at one moment, the first stays."""
    home = await add_home(database)
    keys = [a_key(home) for _ in range(3)]
    async with database.write() as transaction:
        await add_keys(transaction, keys)
    expected: dict[int, tuple[int, str | None]] = {}
    for batch in batches:
        async with database.write() as transaction:
            await transaction.all_keys.touch(
                [(keys[which].id, NOW + at * SECOND, ip) for which, at, ip in batch]
            )
        for which, at, ip in sorted(batch, key=lambda use: use[1]):
            if at > expected.get(which, (0, None))[0]:
                expected[which] = (at, ip)
    for which, key in enumerate(keys):
        stored = await key_by_id(database, key)
        at, ip = expected.get(which, (None, None))
        moment = None if at is None else NOW + at * SECOND
        assert stored == replace(key, last_used_at=moment, last_used_ip=ip)


async def test_what_expired_longest_ago_is_swept_first(database: Database, home: Home) -> None:
    others = await add_home(database)
    ages = [(home, 5), (others, 4), (home, 3), (others, 1), (home, 0), (home, -1)]
    keys = [
        await add_key(database, each, expires_at=NOW - age * SECOND, active=age != 4) for each, age in ages
    ]
    await add_key(database, home)
    async with database.write() as transaction:
        assert await transaction.all_keys.expired_before(NOW, 10) == tuple(keys[:4])
        assert await transaction.all_keys.expired_before(NOW, 2) == tuple(keys[:2])
        assert await transaction.all_keys.expired_before(NOW - timedelta(1), 10) == ()


async def test_a_key_being_changed_is_not_swept(database: Database, home: Home) -> None:
    """Its expiry may just be moved; on SQLite there is only one transaction that changes anything at a time."""
    kept, swept = [await add_key(database, home, expires_at=NOW - SECOND) for _ in range(2)]
    async with database.write() as transaction:
        mine = transaction.keys(home.tenant_id)
        await mine.by_id(kept.id, lock=True)
        await mine.change(replace(kept, expires_at=None))
        if database.dialect == "postgresql":
            async with database.write() as sweep:
                assert await sweep.all_keys.expired_before(NOW, 10) == (swept,)
    async with database.write() as sweep:
        assert await sweep.all_keys.expired_before(NOW, 10) == (swept,)


async def test_big_integers(database: Database, home: Home) -> None:
    """A place in a list holds 64 bits: to the right of everything that can be stored, and still no overflow."""
    keys = [await add_key(database, home, expires_at=moment) for moment in (NOW, LATEST, None)]
    query = KeyQuery(sort=KeySort.EXPIRES_AT, descending=False)
    async with database.read() as transaction:
        mine = transaction.keys(home.tenant_id)
        page = await mine.page(query, NOW)
        assert page.items == tuple(keys)
        assert [position.value for position in page.positions][-1] == 2**62
        for value, left in ((2**63 - 1, 0), (2**62, 0), (2**62 - 1, 1), (0, 3)):
            after = replace(query, after=Position(value, "key_zzz"))
            assert len((await mine.page(after, NOW)).items) == left
    stored = await fetch(database, "SELECT expires_at FROM api_key ORDER BY expires_at")
    assert [row[0] for row in stored] == [1772368215123456, 253370764800000000, 2**62]


async def test_a_page_without_keys(database: Database, home: Home) -> None:
    async with database.read() as transaction:
        page = await transaction.keys(home.tenant_id).page(KeyQuery(), NOW)
    assert (page.items, page.positions, page.more) == ((), (), False)
