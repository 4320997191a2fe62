"""Whole transactions that the database undid are done again, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from keywright.core.audit import Change
from keywright.core.errors import Unavailable
from keywright.core.ids import new_id
from keywright.services import retries
from keywright.services.retries import retried
from keywright.services.work import Work, use_case
from keywright.storage.away import Undone

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.anyio


class Attempts:
    """Fails so many times, and then gives how many it took."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.made = 0
        self._failures = failures
        self._error = error

    async def __call__(self) -> int:
        self.made += 1
        if self.made <= self._failures:
            raise self._error
        return self.made


async def test_what_was_undone_is_done_again() -> None:
    assert await retried(Attempts(0, Undone("No."))) == 1
    assert await retried(Attempts(4, Undone("No."))) == 5


async def test_but_not_for_ever() -> None:
    attempts = Attempts(99, Undone("No."))
    with pytest.raises(Undone):
        await retried(attempts)
    assert attempts.made == retries.ATTEMPTS


async def test_and_nothing_else_is() -> None:
    attempts = Attempts(1, Unavailable("Nobody knows whether it committed."))
    with pytest.raises(Unavailable):
        await retried(attempts)
    assert attempts.made == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_use_cases_that_wait_for_each_other_both_get_done(each_home: House) -> None:
    """PostgreSQL ends one of two in a deadlock; its caller never learns of it, and it is done once."""
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    keys = [await home.key(acme, await home.identity()) for _ in range(2)]
    ids = [key.key.id for key in keys]
    together = asyncio.Barrier(2)
    begun = 0

    async def lock(work: Work, order: list[str]) -> list[str]:
        nonlocal begun
        begun += 1
        first_time = begun <= 2
        found = []
        for key_id in order:
            key = await work.transaction.keys(acme.id).by_id(key_id, lock=True)
            assert key is not None
            found.append(key.id)
            if first_time:
                first_time = False
                await together.wait()
        work.record("thing.do", "thing", new_id("aud"), {"a": Change(1, 2)})
        return found

    declared = use_case("things.do", permission="things:do", changes=True)(lock)
    before = await home.count_entries()
    async with asyncio.timeout(20):
        results = await asyncio.gather(*(home.run(declared, admin, order) for order in (ids, ids[::-1])))
    assert results == [ids, ids[::-1]]
    assert begun == 3
    assert await home.count_entries() == before + 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_breaks_at_the_commit_is_not_tried_again(
    each_home: House, postgres: PostgresServer
) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    begun = 0

    async def break_down(work: Work, _data: None) -> None:
        nonlocal begun
        begun += 1
        work.record("thing.do", "thing", "thing_1", {})
        rows: Any = await work.transaction._connection.execute(text("SELECT pg_backend_pid()"))
        pid = rows.scalar_one()
        asyncio.get_running_loop().call_soon(postgres.execute, f"SELECT pg_terminate_backend({pid}, 5000)")

    declared = use_case("things.do", permission="things:do", changes=True)(break_down)
    with pytest.raises(Unavailable) as raised:
        await home.run(declared, admin, None)
    assert not isinstance(raised.value, Undone)
    assert begun == 1
