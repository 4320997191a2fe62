"""A database of each engine for every test: a SQLite file, and a database of a real PostgreSQL server.

Whatever is proven here is proven on both, so that nothing above storage has to know which one it has.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest

from keywright.storage import Database
from keywright.storage import engine as engines
from keywright.storage import lookup as lookups
from keywright.storage.migrate import upgrade
from tests.contract.storage.making import Home, add_home

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import PostgresServer

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("template") / "keywright.db"
    anyio.run(_migrate, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database with the schema and nothing in it, to be cloned."""
    url = postgres.create_database()
    anyio.run(_migrate, url)
    yield url
    postgres.drop_database(url)


async def _migrate(url: str) -> None:
    database = Database.connect(url)
    await upgrade(database)
    await database.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where databases of one engine are made: `empty()` and `migrated()` each give the URL of a new one."""

    dialect: str
    _folder: Path
    _create: Callable[..., str] | None
    _template: Path | str

    def empty(self) -> str:
        """Without any table; on SQLite without the file."""
        return f"sqlite:///{self._new_file()}" if self._create is None else self._create()

    def migrated(self) -> str:
        """With the schema."""
        if self._create is not None:
            return self._create(self._template)
        return f"sqlite:///{shutil.copy(self._template, self._new_file())}"

    def _new_file(self) -> Path:
        return self._folder / f"{secrets.token_hex(8)}.db"


@pytest.fixture
def place(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    template = request.getfixturevalue(f"{'postgres' if dialect == 'postgresql' else 'sqlite'}_template")
    create = request.getfixturevalue("create_database") if dialect == "postgresql" else None
    return Place(dialect, tmp_path, create, template)


@pytest.fixture
def url(place: Place) -> str:
    """The URL of a database with the schema and nothing in it."""
    return place.migrated()


@pytest.fixture
async def connect(place: Place) -> AsyncIterator[Callable[[str], Database]]:
    """`Database.connect`, undone after the test and before its databases are dropped."""
    assert place.dialect
    opened: list[Database] = []

    def connected(url: str) -> Database:
        opened.append(Database.connect(url))
        return opened[-1]

    yield connected
    for database in opened:
        await database.close()


@pytest.fixture
async def database(url: str, connect: Callable[[str], Database]) -> Database:
    """A database with the schema and nothing in it."""
    return connect(url)


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in production is over soon here, for databases connected to from now on."""
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 50)
    monkeypatch.setattr(engines, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr(lookups, "LOOKUP_BUSY_MILLISECONDS", 20)
    monkeypatch.setattr(lookups, "LOOKUP_SECONDS", 0.2)


@pytest.fixture
async def home(database: Database) -> Home:
    """A tenant with somebody in it."""
    return await add_home(database, "home")
