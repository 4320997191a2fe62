"""The catalog of a tenant, on each engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from keywright.core.catalog import Applied
from keywright.core.errors import CatalogChanged
from keywright.core.routes import Route, RouteTable
from keywright.storage.rows import routes_of
from keywright.storage.schema import catalog
from tests.contract.storage.making import NASTY, NOW, a_digest, a_tenant, add_home, add_key

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

FIRST = Applied('{"strict":true}', 1, NOW, "idn_somebody")
SECOND = Applied("{}", 2, NOW + timedelta(days=1), None)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    made = a_tenant()
    async with database.write() as transaction:
        await transaction.tenants.add(made)
    return made


async def put(database: Database, tenant: Tenant, applied: Applied, routes: tuple[Route, ...] = ()) -> None:
    async with database.write() as transaction:
        await transaction.catalog(tenant.id).put(applied, routes)


async def routes(database: Database, tenant: Tenant) -> RouteTable | None:
    async with database.read() as transaction:
        query = select(catalog.c.routes).where(catalog.c.tenant_id == tenant.id)
        return routes_of((await transaction._connection.execute(query)).scalar_one())


async def stored(database: Database, tenant: Tenant, *, lock: bool = False) -> Applied | None:
    async with database.write() if lock else database.read() as transaction:
        return await transaction.catalog(tenant.id).get(lock=lock)


async def test_one_revision_follows_the_other(database: Database, tenant: Tenant) -> None:
    assert await stored(database, tenant) is None
    for applied in (FIRST, SECOND, replace(FIRST, revision=3, document="".join(NASTY))):
        await put(database, tenant, applied)
        assert await stored(database, tenant) == applied
        assert await stored(database, tenant, lock=True) == applied


@pytest.mark.parametrize("revision", [1, 2, 4])
async def test_only_the_next_revision_can_follow(database: Database, tenant: Tenant, revision: int) -> None:
    await put(database, tenant, FIRST)
    await put(database, tenant, SECOND)
    with pytest.raises(CatalogChanged):
        await put(database, tenant, replace(FIRST, revision=revision))
    assert await stored(database, tenant) == SECOND


async def test_the_first_revision_is_the_first(database: Database, tenant: Tenant) -> None:
    with pytest.raises(CatalogChanged):
        await put(database, tenant, SECOND)
    assert await stored(database, tenant) is None


async def test_of_two_who_apply_at_once_one_is_refused(database: Database, tenant: Tenant) -> None:
    for applied in (FIRST, SECOND):
        found = await asyncio.gather(
            put(database, tenant, applied),
            put(database, tenant, replace(applied, document="[]")),
            return_exceptions=True,
        )
        assert [type(one) for one in found if one is not None] == [CatalogChanged]
        kept = await stored(database, tenant)
        assert kept is not None
        assert kept.document == (applied.document if found[0] is None else "[]")


async def test_each_tenant_has_its_own(database: Database, tenant: Tenant) -> None:
    other = a_tenant()
    async with database.write() as transaction:
        await transaction.tenants.add(other)
    await put(database, tenant, FIRST)
    assert await stored(database, other) is None
    await put(database, other, replace(FIRST, document="{}"))
    await put(database, tenant, SECOND)
    assert await stored(database, other) == replace(FIRST, document="{}")


async def test_the_routes_stand_beside_the_document(database: Database, tenant: Tenant) -> None:
    await put(database, tenant, FIRST)
    assert await routes(database, tenant) is None
    found = (Route("GET /é/{a}", "x:read", "x:{a}"), Route("* /**", "x:write"))
    await put(database, tenant, SECOND, found)
    assert await routes(database, tenant) == RouteTable(found)
    await put(database, tenant, replace(FIRST, revision=3))
    assert await routes(database, tenant) is None


async def test_the_look_up_of_a_key_brings_the_routes_of_its_tenant(database: Database) -> None:
    home, other = await add_home(database), await add_home(database)
    assert home.tenant is not None
    assert other.tenant is not None
    digests = a_digest(), a_digest()
    await add_key(database, home, digests[0])
    await add_key(database, other, digests[1])
    found = (Route("GET /{a}", "x:read"),)
    await put(database, home.tenant, FIRST, found)
    for digest, table in zip(digests, (RouteTable(found), None), strict=True):
        facts = await database.lookup.by_digest(digest)
        assert facts is not None
        assert facts.routes == table
    await put(database, other.tenant, FIRST)
    bare = await database.lookup.by_digest(digests[1])
    assert bare is not None
    assert bare.routes is None
