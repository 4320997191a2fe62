"""Whole Keywrights on each engine, with two tenants, each shared by the tests of one module."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.doors.rest.house import MovableClock, house
from tests.support.agents import agents_of, change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def the_clock() -> MovableClock:
    """The servers' clock."""
    return MovableClock()


@pytest.fixture
def clock(the_clock: MovableClock) -> MovableClock:
    """The same, in step with the machine's."""
    the_clock.ahead = timedelta(0)
    return the_clock


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def shared_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, the_clock: MovableClock
) -> AsyncIterator[House]:
    """Keywright on each engine, with the tenants `default` and `other`."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create_database()
    async with house(tmp_path_factory.mktemp("relay"), url, the_clock) as found:
        await change(found, "POST", "/v1/tenants", None, slug="other")
        yield found
    if url is not None:
        server.drop_database(url)


@pytest.fixture(scope="module")
async def shared_lone(
    tmp_path_factory: pytest.TempPathFactory, the_clock: MovableClock
) -> AsyncIterator[House]:
    """The same on SQLite alone, for what no database has a part in."""
    async with house(tmp_path_factory.mktemp("relay"), clock=the_clock) as found:
        await change(found, "POST", "/v1/tenants", None, slug="other")
        yield found


@pytest.fixture
async def home(shared_home: House, clock: MovableClock) -> AsyncIterator[House]:
    """Keywright on each engine, as a test before it has found it."""
    assert clock.ahead == timedelta(0)
    yield shared_home
    await tidied(shared_home)


@pytest.fixture
async def lone(shared_lone: House, clock: MovableClock) -> AsyncIterator[House]:
    """Keywright on SQLite, as a test before it has found it."""
    assert clock.ahead == timedelta(0)
    yield shared_lone
    await tidied(shared_lone)


async def tidied(home: House) -> None:
    """Forget every agent, and open what was closed."""
    home.app.health.serving = True
    for node_id in await agents_of(home):
        async with home.app.database.write() as transaction:
            await transaction.nodes.remove(node_id)
    for slug in ("default", "other"):
        await change(home, "PATCH", f"/v1/tenants/{slug}", None, active=True)
