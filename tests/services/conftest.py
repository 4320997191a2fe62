"""Installations for the tests of the services."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from keywright.storage import Database
from keywright.storage.migrate import upgrade
from tests.support.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the schema in it, to be copied."""
    file = tmp_path_factory.mktemp("template") / "house.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with the schema in it, to be copied."""
    url = postgres.create_database()
    migrate(url)
    yield url
    postgres.drop_database(url)


def migrate(url: str) -> None:
    async def bring_up() -> None:
        database = Database.connect(url)
        await upgrade(database)
        await database.close()

    asyncio.run(bring_up())


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database of this test's own."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of this test's own, on each engine."""
    url: str
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        create = request.getfixturevalue("create_database")
        url = create(request.getfixturevalue("postgres_template"))
    return url


@pytest.fixture
async def home(tmp_path: Path, sqlite_url: str) -> AsyncIterator[House]:
    """An installation on SQLite."""
    async with house(tmp_path, sqlite_url, migrated=True) as opened:
        yield opened


@pytest.fixture
async def each_home(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    """An installation on each engine."""
    async with house(tmp_path, database_url, migrated=True) as opened:
        yield opened


@pytest.fixture
async def acme(home: House) -> Tenant:
    """A tenant."""
    return await home.tenant("acme")


@pytest.fixture
async def admin(home: House, acme: Tenant) -> Caller:
    """Its administrator, calling with a key of that tenant."""
    return await home.admin(acme)
