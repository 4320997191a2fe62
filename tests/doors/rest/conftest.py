"""Keywrights for the tests of this door, each shared by the tests of one module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.doors.rest.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Keywright on SQLite."""
    async with house(tmp_path_factory.mktemp("rest")) as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def anywhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Keywright on each engine."""
    folder = tmp_path_factory.mktemp("anywhere")
    if request.param == "sqlite":
        async with house(folder) as found:
            yield found
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    url = postgres.create_database()
    async with house(folder, url) as found:
        yield found
    postgres.drop_database(url)
