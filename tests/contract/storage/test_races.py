"""Races: of two transactions that want the same thing at the same moment, one gets it and the other is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.util import await_only

from keywright.core.errors import (
    HandleTaken,
    LastAdministrator,
    LoginTaken,
    MembershipHeld,
    RoleTaken,
    SlugTaken,
    TokenHashTaken,
)
from keywright.core.identities import Grant, IdentityKind
from keywright.core.listing import KeyQuery
from keywright.storage.idempotency import Replay, ReplayRace
from keywright.storage.people import Person
from tests.contract.storage.making import (
    NOW,
    Home,
    a_digest,
    a_key,
    a_role,
    a_tenant,
    add_home,
    add_installation,
    add_key,
    add_keys,
    all_pages,
    an_identity,
    key_by_id,
    somebody_waits,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from keywright.core.identities import Identity, Tenant
    from keywright.storage import Database, Transaction

    Act = Callable[[Transaction], Awaitable[Any]]

pytestmark = pytest.mark.anyio

PATIENCE = 30


@pytest.fixture
async def nodes(url: str, connect: Callable[[str], Database]) -> tuple[Database, Database]:
    """Two that know nothing of each other, as in two processes."""
    return connect(url), connect(url)


async def race(nodes: tuple[Database, Database], *acts: Act) -> list[Any]:
    """What came of each act, done in transactions that are all open at once.

    SQLite lets one transaction write at a time, so there they only set out together.
    """
    together = asyncio.Barrier(len(acts))

    async def run(database: Database, act: Act) -> Any:
        if database.dialect == "sqlite":
            await together.wait()
        async with database.write() as transaction:
            if database.dialect == "postgresql":
                await transaction.probe()
                await together.wait()
            return await act(transaction)

    # Bounded, since one that fails before it gets that far leaves the other waiting.
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(
            *(run(database, act) for database, act in zip(nodes, acts, strict=True)), return_exceptions=True
        )


def one_won(results: list[Any], error: type[Exception]) -> bool:
    """Whether one act succeeded, and the other failed with just this error."""
    return {type(result) for result in results} == {type(None), error}


async def test_a_handle(nodes: tuple[Database, Database]) -> None:
    home = await add_home(nodes[0])
    keys = [a_key(home, handle="deploy", name=name) for name in ("one", "two")]
    results = await race(nodes, *(adding(key, a_digest()) for key in keys))
    assert one_won(results, HandleTaken)
    assert len(await all_pages(nodes[0], home.tenant_id, KeyQuery(handle="deploy"))) == 1


async def test_a_global_handle(nodes: tuple[Database, Database]) -> None:
    """Where the tenant is NULL, in whose eyes no two NULLs are alike."""
    home = await add_installation(nodes[0])
    results = await race(nodes, *(adding(a_key(home, handle="root"), a_digest()) for _ in range(2)))
    assert one_won(results, HandleTaken)
    assert len(await all_pages(nodes[0], None, KeyQuery(handle="root"))) == 1


async def test_a_handle_in_a_change(nodes: tuple[Database, Database]) -> None:
    home = await add_home(nodes[0])
    keys = [await add_key(nodes[0], home, handle=name) for name in ("one", "two")]

    def changing(index: int) -> Act:
        return lambda transaction: transaction.keys(home.tenant_id).change(
            replace(keys[index], handle="both")
        )

    assert one_won(await race(nodes, changing(0), changing(1)), HandleTaken)
    stored = [await key_by_id(nodes[0], key) for key in keys]
    assert sorted(str(key and key.handle) for key in stored) in (["both", "one"], ["both", "two"])


async def test_a_digest(nodes: tuple[Database, Database]) -> None:
    """In two tenants, for a digest is taken everywhere."""
    homes = [await add_home(nodes[0]) for _ in range(2)]
    digest = a_digest()
    assert one_won(await race(nodes, *(adding(a_key(home), digest) for home in homes)), TokenHashTaken)
    assert sum([len(await all_pages(nodes[0], home.tenant_id, KeyQuery())) for home in homes]) == 1


async def test_a_slug(nodes: tuple[Database, Database]) -> None:
    tenants = [a_tenant("acme") for _ in range(2)]
    results = await race(
        nodes, *(lambda transaction, new=new: transaction.tenants.add(new) for new in tenants)
    )
    assert one_won(results, SlugTaken)
    async with nodes[0].read() as transaction:
        assert await transaction.tenants.by_slug("acme") in tenants


async def test_an_idempotency_key(nodes: tuple[Database, Database]) -> None:
    """The loser's second attempt finds what the winner made."""
    home = await add_home(nodes[0])
    made = [replay(home, f"key_{number}") for number in range(2)]
    results = await race(nodes, *(lambda transaction, one=one: transaction.replays.add(one) for one in made))
    assert one_won(results, ReplayRace)
    async with nodes[1].write() as transaction:
        found = await transaction.replays.find(home.identity.id, home.tenant_id, made[0].key, NOW)
    assert found == made[results.index(None)]


async def test_an_old_idempotency_key(nodes: tuple[Database, Database]) -> None:
    """Both may find it too old and forget it, and still only one of them uses it anew."""
    home = await add_home(nodes[0])
    async with nodes[0].write() as transaction:
        await transaction.replays.add(replace(replay(home, "key_old"), created_at=NOW - timedelta(days=2)))

    def again(number: int) -> Act:
        async def act(transaction: Transaction) -> None:
            one = replay(home, f"key_{number}")
            since = NOW - timedelta(days=1)
            if await transaction.replays.find(one.caller_id, one.tenant_id, one.key, since) is not None:
                raise ReplayRace
            await transaction.replays.add(one)

        return act

    assert one_won(await race(nodes, again(0), again(1)), ReplayRace)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_membership(nodes: tuple[Database, Database], everywhere: bool) -> None:
    home = await add_home(nodes[0])
    who = an_identity()
    async with nodes[0].write() as transaction:
        await transaction.identities.add(who)
    grant = Grant("monitor", None if everywhere else home.tenant_id)

    async def act(transaction: Transaction) -> None:
        await transaction.all_memberships.add(who.id, grant, NOW)

    assert one_won(await race(nodes, act, act), MembershipHeld)
    async with nodes[0].read() as transaction:
        assert await transaction.all_memberships.grants(who.id) == (grant,)


async def test_a_login(nodes: tuple[Database, Database]) -> None:
    people = [an_identity() for _ in range(2)]
    results = await race(
        nodes,
        *(lambda transaction, who=who: transaction.people.add(Person(who, "ada", "h")) for who in people),
    )
    assert one_won(results, LoginTaken)
    async with nodes[0].read() as transaction:
        stored = [await transaction.identities.by_id(who.id) for who in people]
        person = await transaction.people.by_login("ada")
    assert person is not None
    assert [person.identity] == [who for who in stored if who is not None]


async def test_an_address(nodes: tuple[Database, Database]) -> None:
    """Of two people who come in with it, and of two who change theirs to it."""
    people = [Person(an_identity(), name, None, "same@example.org") for name in ("ada", "bob")]
    results = await race(nodes, *(lambda transaction, one=one: transaction.people.add(one) for one in people))
    assert one_won(results, LoginTaken)
    others = [Person(an_identity(), name, None) for name in ("carl", "dora")]
    async with nodes[0].write() as transaction:
        for one in others:
            await transaction.people.add(one)

    def changing(one: Person) -> Act:
        return lambda transaction: transaction.people.set_email(one.identity.id, "new@example.org")

    assert one_won(await race(nodes, *map(changing, others)), LoginTaken)
    async with nodes[0].read() as transaction:
        assert await transaction.people.by_login("same@example.org") == people[results.index(None)]
        assert await transaction.people.by_login("new@example.org") is not None


async def test_a_role(nodes: tuple[Database, Database]) -> None:
    tenant_id = str((await add_home(nodes[0])).tenant_id)
    roles = [a_role(tenant_id, "editor") for _ in range(2)]
    results = await race(
        nodes, *(lambda transaction, one=one: transaction.roles(tenant_id).add(one) for one in roles)
    )
    assert one_won(results, RoleTaken)
    async with nodes[0].read() as transaction:
        assert await transaction.roles(tenant_id).all() == (roles[results.index(None)],)


async def test_a_slug_in_a_change(nodes: tuple[Database, Database]) -> None:
    """And a slug that a deletion frees goes to one of two."""
    tenants = [a_tenant() for _ in range(3)]
    async with nodes[0].write() as transaction:
        for one in tenants:
            await transaction.tenants.add(one)
        await transaction.tenants.delete(tenants[2].id, NOW)

    def renaming(tenant: Tenant) -> Act:
        return lambda transaction: transaction.tenants.change(replace(tenant, slug=tenants[2].slug))

    results = await race(nodes, renaming(tenants[0]), renaming(tenants[1]))
    assert one_won(results, SlugTaken)
    winner, loser = tenants[results.index(None)], tenants[1 - results.index(None)]
    async with nodes[0].read() as transaction:
        assert await transaction.tenants.by_slug(tenants[2].slug) == replace(winner, slug=tenants[2].slug)
        assert await transaction.tenants.by_id(loser.id) == loser


async def test_the_last_holders_of_a_role(nodes: tuple[Database, Database]) -> None:
    """Of two who each take away the last but one, the second sees what the first has left."""
    home = await add_home(nodes[0])
    who = [home.identity, an_identity()]
    async with nodes[0].write() as transaction:
        await transaction.identities.add(who[1])
        await transaction.all_memberships.add(who[1].id, Grant("admin", home.tenant_id), NOW)

    def resigning(one: Identity) -> Act:
        async def act(transaction: Transaction) -> None:
            mine = transaction.memberships(home.tenant_id)
            if len(await mine.holders("admin", [IdentityKind.SERVICE_ACCOUNT])) == 1:
                raise LastAdministrator("Nobody would be left.")
            await mine.remove([held.id for held in await mine.of([one.id])])

        return act

    results = await race(nodes, *map(resigning, who))
    assert one_won(results, LastAdministrator)
    async with nodes[0].read() as transaction:
        (left,) = await transaction.memberships(home.tenant_id).with_role("admin")
    assert left.identity_id == who[1 - results.index(None)].id


@pytest.mark.parametrize("thing", ["role", "roles", "membership", "tenant", "account", "person"])
async def test_what_is_read_locked_is_waited_for(nodes: tuple[Database, Database], thing: str) -> None:
    """The second reads it as the first has left it."""
    home = await add_home(nodes[0])
    tenant_id = str(home.tenant_id)
    role, person = a_role(tenant_id, "editor"), Person(an_identity(), "ada", "old")
    async with nodes[0].write() as transaction:
        await transaction.roles(tenant_id).add(role)
        await transaction.people.add(person)
        held = await transaction.all_memberships.add(person.identity.id, Grant("editor", tenant_id), NOW)

    async def read(transaction: Transaction) -> object:
        reads: dict[str, Awaitable[object]] = {
            "role": transaction.roles(tenant_id).by_name("editor", lock=True),
            "roles": transaction.roles(tenant_id).all(lock=True),
            "membership": transaction.memberships(tenant_id).by_id(held.id, lock=True),
            "tenant": transaction.tenants.by_id(tenant_id, lock=True),
            "account": transaction.identities.owned(tenant_id, home.identity.id, lock=True),
            "person": transaction.people.by_id(person.identity.id, lock=True),
        }
        wanted = reads.pop(thing)
        for other in reads.values():
            other.close()  # type: ignore[attr-defined] # coroutines, all of them
        return await wanted

    async def change(transaction: Transaction) -> None:
        assert home.tenant is not None
        await transaction.roles(tenant_id).change(replace(role, by_catalog=True))
        await transaction.memberships(tenant_id).set_variables(held.id, (("v", ("x",)),))
        await transaction.tenants.change(replace(home.tenant, name="new"))
        await transaction.identities.change(replace(home.identity, name="new"))
        await transaction.people.set_password(person.identity.id, "new")

    async def then() -> object:
        async with nodes[1].write() as transaction:
            return await read(transaction)

    async with asyncio.timeout(PATIENCE), nodes[0].write() as transaction:
        before = await read(transaction)
        task = asyncio.create_task(then())
        await waiting(nodes[0], task)  # type: ignore[arg-type] # whatever it reads
        await change(transaction)
    after = await task
    assert after not in (None, ())
    assert after != before
    async with nodes[0].write() as transaction:
        assert await read(transaction) == after


async def test_a_job(nodes: tuple[Database, Database]) -> None:
    """Also when neither finds the job's row, which is made on first use."""
    until = NOW + timedelta(minutes=5)

    def taking(holder: str) -> Act:
        return lambda transaction: transaction.jobs.take(
            "sweep", holder, now=NOW, until=until, due_before=NOW
        )

    for _ in range(2):
        assert sorted(await race(nodes, taking("one"), taking("two"))) == [False, True]
        for holder in ("one", "two"):
            async with nodes[0].write() as transaction:
                await transaction.jobs.done("sweep", holder, NOW)


async def test_different_things_do_not_race(nodes: tuple[Database, Database]) -> None:
    homes = [await add_home(nodes[0]) for _ in range(2)]
    keys = [a_key(home, handle="deploy") for home in homes]
    assert await race(nodes, *(adding(key, a_digest()) for key in keys)) == [None, None]


async def waiting(database: Database, task: asyncio.Task[None]) -> None:
    """Check that what was set out to do has to wait: for a row on PostgreSQL, for its turn on SQLite."""
    if database.dialect == "postgresql":
        await somebody_waits(database)
    else:
        await asyncio.sleep(0.05)
    assert not task.done()


async def test_a_change_waits_for_another_of_the_same_key(nodes: tuple[Database, Database]) -> None:
    """Each reads the key locked, so that neither overwrites what the other has just made of it."""
    home = await add_home(nodes[0])
    key = await add_key(nodes[0], home, description="")

    async def append(transaction: Transaction, letter: str) -> None:
        keys = transaction.keys(home.tenant_id)
        found = await keys.by_id(key.id, lock=True)
        assert found is not None
        if letter == "a":
            await waiting(nodes[0], second)
        await keys.change(replace(found, description=found.description + letter))

    async def then() -> None:
        await locked.wait()
        async with nodes[1].write() as transaction:
            await append(transaction, "b")

    locked = asyncio.Event()
    second = asyncio.create_task(then())
    async with asyncio.timeout(PATIENCE), nodes[0].write() as transaction:
        locked.set()
        await append(transaction, "a")
    await second
    stored = await key_by_id(nodes[0], key)
    assert stored is not None
    assert stored.description == "ab"


async def test_a_deletion_waits_for_a_change(nodes: tuple[Database, Database]) -> None:
    """And then finds the key as it was left."""
    home = await add_home(nodes[0])
    keys = [await add_key(nodes[0], home) for _ in range(3)]
    ids = [key.id for key in reversed(keys)]
    seen = {}

    async def delete() -> None:
        async with nodes[1].write() as transaction:
            mine = transaction.keys(home.tenant_id)
            seen.update(await mine.by_ids(ids, lock=True))
            await mine.delete(seen, NOW)

    async with asyncio.timeout(PATIENCE), nodes[0].write() as transaction:
        mine = transaction.keys(home.tenant_id)
        assert len(await mine.by_ids(ids[:1], lock=True)) == 1
        task = asyncio.create_task(delete())
        await waiting(nodes[0], task)
        await mine.change(replace(keys[2], name="left"))
    await task
    assert [seen[key.id].name for key in keys] == [keys[0].name, keys[1].name, "left"]
    assert await all_pages(nodes[0], home.tenant_id, KeyQuery()) == []


async def test_what_was_read_may_be_written(nodes: tuple[Database, Database]) -> None:
    """SQLite would refuse a transaction that reads, is overtaken, and then writes: it takes its turn when it begins."""

    async def add() -> None:
        async with nodes[1].write() as transaction:
            await transaction.tenants.any()
            await transaction.tenants.add(a_tenant("second"))

    async with asyncio.timeout(PATIENCE), nodes[0].write() as transaction:
        assert not await transaction.tenants.any()
        task = asyncio.create_task(add())
        await asyncio.sleep(0.05)
        await transaction.tenants.add(a_tenant("first"))
    await task
    async with nodes[0].read() as transaction:
        assert await transaction.tenants.by_slug("first") is not None
        assert await transaction.tenants.by_slug("second") is not None


async def test_batches_of_uses_do_not_wait_for_each_other_in_a_circle(
    nodes: tuple[Database, Database],
) -> None:
    """Whatever order their uses come in."""
    home = await add_home(nodes[0])
    keys = [a_key(home) for _ in range(150)]
    async with nodes[0].write() as transaction:
        await add_keys(transaction, keys)
    uses: list[tuple[str, datetime, str | None]] = [(key.id, NOW, None) for key in keys]

    def touching(batch: list[tuple[str, datetime, str | None]]) -> Act:
        return lambda transaction: transaction.all_keys.touch(batch)

    assert await race(nodes, touching(uses), touching(uses[::-1])) == [None, None]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_replay_that_is_too_old_is_forgotten_once(nodes: tuple[Database, Database]) -> None:
    """Between seeing that it is too old and forgetting it, another transaction may do both, and use the key anew."""
    home = await add_home(nodes[0])
    old = replace(replay(home, "key_old"), created_at=NOW - timedelta(days=2))
    async with nodes[0].write() as transaction:
        await transaction.replays.add(old)

    async def use(database: Database, result_id: str) -> None:
        async with database.write() as transaction:
            since = NOW - timedelta(days=1)
            assert await transaction.replays.find(old.caller_id, old.tenant_id, old.key, since) is None
            await transaction.replays.add(replay(home, result_id))

    def overtake(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            await_only(use(nodes[0], "key_first"))

    event.listen(nodes[1].writer.sync_engine, "before_cursor_execute", overtake)
    with pytest.raises(ReplayRace):
        await use(nodes[1], "key_second")
    async with nodes[0].write() as transaction:
        found = await transaction.replays.find(old.caller_id, old.tenant_id, old.key, NOW)
    assert found == replay(home, "key_first")


def adding(key: Any, digest: bytes) -> Act:
    return lambda transaction: transaction.keys(key.tenant_id).add(key, digest)


def replay(home: Home, result_id: str) -> Replay:
    return Replay(
        caller_id=home.identity.id,
        tenant_id=home.tenant_id,
        key="a" * 64,
        fingerprint=b"f" * 32,
        result_id=result_id,
        created_at=NOW,
    )
