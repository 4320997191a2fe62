"""Transactions: all or nothing, one state of the database while reading, and nobody waits for a reader."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from keywright.core.audit import SYSTEM, AuditEntry
from keywright.core.errors import SlugTaken
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.listing import KeyQuery
from keywright.core.sessions import Session
from keywright.storage.idempotency import Replay
from keywright.storage.people import Person
from keywright.storage.schema import change, exercised, head, metadata, node, usage
from keywright.storage.types import Instant
from tests.contract.storage.making import (
    NOW,
    Home,
    a_digest,
    a_key,
    a_role,
    a_tenant,
    add_key,
    add_keys,
    all_pages,
    an_identity,
)
from tests.support.facts import used

if TYPE_CHECKING:
    from sqlalchemy import Table

    from keywright.storage import Database, Transaction

pytestmark = pytest.mark.anyio


class Failure(Exception):
    """Something that goes wrong in a use case."""


async def write_everything(transaction: Transaction) -> None:
    """Put a row into every table."""
    # Called as they log in, so that they are found by one word.
    tenant, who = a_tenant(), an_identity(name="Ada")
    await transaction.tenants.add(tenant)
    await transaction.people.add(Person(who, "ada", "hash"))
    await transaction.all_memberships.add(who.id, Grant("admin", tenant.id), NOW)
    key = a_key(Home(tenant, who))
    await add_keys(transaction, [key])
    session = Session(
        id=new_id("ses"),
        identity_id=who.id,
        created_at=NOW,
        seen_at=NOW,
        idle_at=NOW,
        ends_at=NOW,
        created_ip=None,
        proved_at=NOW,
    )
    await transaction.sessions.add(session, a_digest())
    await transaction.roles(tenant.id).add(a_role(tenant.id))
    entry = AuditEntry(
        id=new_id("aud"),
        at=NOW,
        tenant_id=tenant.id,
        actor=SYSTEM,
        action="key.create",
        target_type="key",
        target_id=key.id,
        ip=None,
        request_id=None,
        changes={},
    )
    await transaction.audit(tenant.id).add(entry)
    await transaction.replays.add(
        Replay(
            caller_id=key.id,
            tenant_id=tenant.id,
            key="a" * 64,
            fingerprint=b"f" * 32,
            result_id=key.id,
            created_at=NOW,
        )
    )
    assert await transaction.jobs.take("sweep", "node", now=NOW, until=NOW, due_before=NOW)
    for table in OTHER_TABLES:
        await transaction._connection.execute(insert(table).values(a_row(table, tenant.id, who.id)))


# Written by no repository that is in use here; that their rows come and go with the transaction is shown all the same.
OTHER_TABLES = [
    metadata.tables[name]
    for name in (
        "agent",
        "catalog",
        "invitation",
        "totp",
        "recovery_code",
        "passkey",
        "challenge",
        "external_identity",
        "attempt",
    )
]


def a_row(table: Table, tenant_id: str, identity_id: str) -> dict[str, object]:
    """A value for each column that must have one."""
    ids = {"tenant_id": tenant_id, "identity_id": identity_id}
    by_type = {str: "text", bytes: b"d" * 32, int: 1, bool: False}
    return {
        column.name: ids.get(column.name)
        or (NOW if isinstance(column.type, Instant) else by_type[column.type.python_type])
        for column in table.columns
        if not column.nullable
    }


OF_NODES = {head, change, node, usage, exercised}
"""Tables that nodes write, and no use case."""


async def counts(database: Database) -> dict[str, int]:
    """How many rows each table has, but for those that nodes write."""
    found = {}
    async with database.reader.begin() as connection:
        for table in set(metadata.sorted_tables) - OF_NODES:
            rows = await connection.execute(text("SELECT count(*) FROM " + table.name))
            found[table.name] = rows.scalar_one()
    return found


async def test_a_transaction_commits_all_of_it(database: Database) -> None:
    async with database.write() as transaction:
        await write_everything(transaction)
    assert set((await counts(database)).values()) == {1}


@pytest.mark.parametrize("failure", [Failure, KeyboardInterrupt, asyncio.CancelledError])
async def test_an_exception_leaves_nothing_behind(database: Database, failure: type[BaseException]) -> None:

    async def fail(transaction: Transaction) -> None:
        await write_everything(transaction)
        raise failure

    with pytest.raises(failure):
        async with database.write() as transaction:
            await fail(transaction)
    assert set((await counts(database)).values()) == {0}
    async with database.write() as transaction:
        await write_everything(transaction)
    assert set((await counts(database)).values()) == {1}


async def test_a_refused_write_undoes_what_went_before(database: Database) -> None:
    async def add_twice(transaction: Transaction) -> None:
        await write_everything(transaction)
        for _ in range(2):
            await transaction.tenants.add(a_tenant("acme"))

    with pytest.raises(SlugTaken):
        async with database.write() as transaction:
            await add_twice(transaction)
    assert set((await counts(database)).values()) == {0}


async def test_a_cancelled_transaction_leaves_nothing_behind(database: Database) -> None:
    """When a request is given up in the middle of a statement; others go on."""
    begun = asyncio.Event()

    async def use_case() -> None:
        async with database.write() as transaction:
            await write_everything(transaction)
            begun.set()
            while True:
                await transaction.tenants.any()

    task = asyncio.create_task(use_case())
    await begun.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set((await counts(database)).values()) == {0}
    async with database.write() as transaction:
        await write_everything(transaction)
    assert set((await counts(database)).values()) == {1}


async def test_readers_see_what_is_committed(database: Database, home: Home) -> None:
    """And do not wait for who is writing meanwhile."""
    async with asyncio.timeout(5), database.write() as transaction:
        digest = a_digest()
        key = a_key(home)
        await transaction.keys(home.tenant_id).add(key, digest)
        assert await all_pages(database, home.tenant_id, KeyQuery()) == []
        assert await database.lookup.by_digest(digest) is None
    assert await all_pages(database, home.tenant_id, KeyQuery()) == [key]
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert facts.key == used(key)


async def test_a_reader_sees_one_state(database: Database, home: Home) -> None:
    """Of before or after what others commit meanwhile, never some of both; and it keeps no writer waiting."""
    async with asyncio.timeout(5), database.read() as transaction:
        keys = transaction.keys(home.tenant_id)
        assert (await keys.page(KeyQuery(), NOW)).items == ()
        key = await add_key(database, home)
        assert (await keys.page(KeyQuery(), NOW)).items == ()
        assert await keys.by_id(key.id) is None
    assert await all_pages(database, home.tenant_id, KeyQuery()) == [key]


async def test_a_writer_sees_what_it_wrote(database: Database, home: Home) -> None:
    async with database.write() as transaction:
        key = a_key(home)
        await add_keys(transaction, [key])
        assert await transaction.keys(home.tenant_id).by_id(key.id) == key


async def test_a_reader_cannot_write(database: Database) -> None:
    """A defect that shows on both engines, as one."""
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with database.read() as transaction:
            await transaction.tenants.add(a_tenant())
    assert set((await counts(database)).values()) == {0}


async def test_many_at_once(database: Database, home: Home) -> None:
    """More than there are connections: each waits for its turn, and all of them come to an end."""
    keys = [a_key(home) for _ in range(40)]

    async def write(number: int) -> None:
        async with database.write() as transaction:
            await add_keys(transaction, [keys[number]])

    async def read(number: int) -> None:
        async with database.read() as transaction:
            await transaction.keys(home.tenant_id).by_id(keys[number].id)
        await database.lookup.by_digest(a_digest())

    await asyncio.gather(*(act(number) for number in range(40) for act in (write, read)))
    found = await all_pages(database, home.tenant_id, KeyQuery())
    assert {key.id for key in found} == {key.id for key in keys}


async def test_a_database_can_be_closed_and_used_by_another(database: Database, home: Home, url: str) -> None:
    key = await add_key(database, home)
    await database.lookup.by_digest(a_digest())
    await database.close()
    await database.close()
    again = type(database).connect(url)
    assert await all_pages(again, home.tenant_id, KeyQuery()) == [key]
    await again.close()


async def test_the_probe_answers(database: Database) -> None:
    async with database.read() as transaction:
        await transaction.probe()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_commit_is_on_the_disk(database: Database) -> None:
    """A revocation that was acknowledged survives a power cut, as on PostgreSQL it does by itself."""
    async with database.writer.begin() as connection:
        for name, value in (("synchronous", 2), ("foreign_keys", 1)):
            assert (await connection.execute(text(f"PRAGMA {name}"))).scalar_one() == value
