"""What is done to a database to see whether it is there: a write, a read and a look-up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import Unavailable
from tests.contract.storage.making import a_digest, a_tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.storage import Database

    Act = Callable[[Database], Awaitable[object]]

PATIENCE = 20


async def write(database: Database) -> None:
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant())


async def read(database: Database) -> None:
    async with database.read() as transaction:
        await transaction.tenants.any()


async def look_up(database: Database) -> None:
    await database.lookup.by_digest(a_digest())


EVERYTHING: tuple[Act, ...] = (write, read, look_up)


async def unavailable(database: Database, *acts: Act) -> None:
    """Check that each act is told that the database is away, before anybody's patience ends."""
    async with asyncio.timeout(PATIENCE):
        for act in acts:
            with pytest.raises(Unavailable):
                await act(database)


async def available(database: Database, *acts: Act) -> None:
    """Check that each act succeeds."""
    async with asyncio.timeout(PATIENCE):
        for act in acts:
            await act(database)


async def healed(database: Database) -> None:
    """Wait until a write goes through; connections that the server has ended are noticed one after the other."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await write(database)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return
