"""The schema: one tree of migrations brings both engines to what `schema.py` says."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from keywright.core.errors import Unavailable
from keywright.core.identities import Grant, Identity, IdentityKind, Membership, Tenant, TenantSettings
from keywright.core.instants import EPOCH, from_us
from keywright.core.sessions import PASSWORD
from keywright.storage import Database, SchemaMismatch, StorageError, migrate
from keywright.storage import engine as engines
from keywright.storage.people import Person
from keywright.storage.schema import metadata
from tests.contract.storage.making import execute, fetch, somebody_waits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.contract.storage.conftest import Place
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.anyio

TABLES = {table.name for table in metadata.sorted_tables}
VERSION_TABLE = "alembic_version"

# What a table is made of, as the engine itself tells it.
SQLITE_COLUMNS = """
SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m, pragma_table_xinfo(m.name) c
WHERE m.type = 'table'
"""
SQLITE_INDEXES = """
SELECT m.name, CASE l.origin WHEN 'c' THEN l.name END, l."unique", l.origin, l.partial,
       x.seqno, x.name, x."desc", x.coll
FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x WHERE m.type = 'table' AND x.key
"""
SQLITE_INDEX_TEXTS = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
SQLITE_REFERENCES = """
SELECT m.name, f."from", f."table", f."to", f.on_update, f.on_delete
FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
"""
POSTGRES_COLUMNS = """
SELECT CAST(c.relname AS text), CAST(a.attname AS text), format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CAST(l.collname AS text), pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
"""
POSTGRES_CONSTRAINTS = """
SELECT CAST(conrelid::regclass AS text), CAST(conname AS text), pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
"""
POSTGRES_INDEXES = "SELECT CAST(tablename AS text), indexdef FROM pg_indexes WHERE schemaname = 'public'"
POSTGRES_INDEX_COLLATIONS = """
SELECT CAST(l.collname AS text) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
CROSS JOIN unnest(i.indcollation) k JOIN pg_collation l ON l.oid = k
WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
"""
CATALOGUE = {
    "sqlite": (SQLITE_COLUMNS, SQLITE_INDEXES, SQLITE_INDEX_TEXTS, SQLITE_REFERENCES),
    "postgresql": (POSTGRES_COLUMNS, POSTGRES_CONSTRAINTS, POSTGRES_INDEXES),
}


async def catalogue(database: Database) -> list[set[tuple[Any, ...]]]:
    """Everything that the engine knows of our tables, but for the order of columns and constraints."""
    return [
        {tuple(row) for row in await fetch(database, query) if VERSION_TABLE not in str(row)}
        for query in CATALOGUE[database.dialect]
    ]


async def tables(database: Database) -> set[str]:
    async with database.reader.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_from_nothing(place: Place, connect: Callable[[str], Database]) -> None:
    database = connect(place.empty())
    assert await migrate.revision(database) is None
    assert await migrate.upgrade(database) == (None, migrate.head_revision())
    assert await migrate.revision(database) == migrate.head_revision()
    assert await tables(database) == TABLES | {VERSION_TABLE}
    await migrate.require_current(database)


async def test_a_second_time_nothing_changes(database: Database) -> None:
    before = await catalogue(database)
    head = migrate.head_revision()
    assert await migrate.upgrade(database) == (head, head)
    assert await catalogue(database) == before


async def test_alembic_finds_no_difference_to_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    async with database.reader.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_engine_finds_no_difference_either(
    place: Place, connect: Callable[[str], Database]
) -> None:
    """Beyond what Alembic compares: predicates, collations, the columns of indexes and their order."""
    migrated, made = connect(place.migrated()), connect(place.empty())
    if made.dialect == "sqlite":
        await execute(f"sqlite:///{made.writer.url.database}", "PRAGMA user_version = 0")
    async with made.writer.begin() as connection:
        await connection.run_sync(metadata.create_all)
    assert await catalogue(migrated) == await catalogue(made)
    assert all(await catalogue(migrated))


async def test_identifiers_are_compared_byte_by_byte(database: Database) -> None:
    if database.dialect == "sqlite":
        collations = {row[-1] for row in await fetch(database, SQLITE_INDEXES)}
        assert collations == {"BINARY"}
        texts = await fetch(database, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        assert not any("COLLATE" in row[0] for row in texts)
        return
    columns = [row for row in await fetch(database, POSTGRES_COLUMNS) if row[0] != VERSION_TABLE]
    assert {row[4] for row in columns if row[2].startswith("character varying")} == {"C"}
    assert {row[0] for row in await fetch(database, POSTGRES_INDEX_COLLATIONS)} == {"C"}


@pytest.mark.parametrize("name", ["upgrade", "require_current"])
async def test_a_newer_schema_is_refused(database: Database, url: str, name: str) -> None:
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    before = await catalogue(database)
    with pytest.raises(
        SchemaMismatch, match=r"schema 9999, .* written by a newer version\. Use that version"
    ):
        await getattr(migrate, name)(database)
    assert await catalogue(database) == before
    assert await migrate.revision(database) == "9999"


async def test_an_empty_database_is_refused_with_what_to_do(
    place: Place, connect: Callable[[str], Database]
) -> None:
    database = connect(place.empty())
    with pytest.raises(SchemaMismatch, match=r"no tables yet: run `keywright migrate` once"):
        await migrate.require_current(database)


AT = 1_772_368_215_123_456
DIGEST = "64" * 32
BYTES = {"sqlite": f"X'{DIGEST}'", "postgresql": f"'\\x{DIGEST}'::bytea"}
OLD_ROWS = (
    f"INSERT INTO tenant (id, slug, name, active, created_at) VALUES ('ten_a', 'acme', 'Acme', TRUE, {AT})",
    f"INSERT INTO tenant (id, slug, name, active, created_at) VALUES ('ten_b', 'shop', 'Shop', FALSE, {AT})",
    "INSERT INTO identity (id, tenant_id, kind, name, active, created_at)"
    f" VALUES ('idn_ada', NULL, 'user', 'Ada Lovelace', TRUE, {AT}),"
    f" ('idn_bot', 'ten_a', 'service_account', 'Bot', TRUE, {AT})",
    "INSERT INTO person (identity_id, login, password_hash) VALUES ('idn_ada', 'ada', 'hash')",
    "INSERT INTO membership (id, identity_id, tenant_id, role, created_at)"
    f" VALUES ('mem_1', 'idn_ada', 'ten_a', 'admin', {AT}), ('mem_2', 'idn_ada', NULL, 'super_admin', {AT}),"
    f" ('mem_3', 'idn_ada', 'ten_b', 'member', {AT}), ('mem_4', 'idn_bot', 'ten_a', 'read_only', {AT})",
    "INSERT INTO session (id, identity_id, digest, created_at, seen_at, idle_at, ends_at, created_ip, ended_at)"
    f" VALUES ('ses_1', 'idn_ada', :digest, {AT}, {AT}, {AT + 1}, {AT + 2}, '192.0.2.1', NULL)",
    "INSERT INTO api_key (id, tenant_id, identity_id, digest, name, name_folded, description, prefix, created_at,"
    " expires_at, active, metadata, last_used_at)"
    f" VALUES ('key_1', 'ten_a', 'idn_bot', :digest, 'Key', 'key', '', 'kw', {AT}, {2**62}, TRUE, '{{}}', 0)",
)


@pytest.fixture
async def old(place: Place, connect: Callable[[str], Database]) -> Database:
    """A database as the first version left it, with rows in it."""
    url = place.empty()
    database = connect(url)
    if database.dialect == "sqlite":
        migrate._make_file(engines.sqlite_file(database.writer.url))
    async with engines.transaction(database.writer) as connection:
        await connection.run_sync(lambda sync: command.upgrade(migrate._config(sync), "0001"))
    await execute(url, *(row.replace(":digest", BYTES[database.dialect]) for row in OLD_ROWS))
    return database


async def test_an_older_schema_is_refused_with_what_to_do(old: Database) -> None:
    assert await migrate.revision(old) == "0001"
    with pytest.raises(SchemaMismatch, match=r"older than this version .* run `keywright migrate`"):
        await migrate.require_current(old)


async def test_an_older_schema_is_brought_up(
    old: Database, place: Place, connect: Callable[[str], Database]
) -> None:
    """With all that is in it; what is new says for each old row what held before."""
    head = migrate.head_revision()
    assert head != "0001"
    assert await migrate.upgrade(old) == ("0001", head)
    await migrate.require_current(old)
    assert await catalogue(old) == await catalogue(connect(place.migrated()))

    now = from_us(AT)
    acme = Tenant(
        id="ten_a", slug="acme", name="Acme", active=True, created_at=now, settings=TenantSettings()
    )
    shop = replace(acme, id="ten_b", slug="shop", name="Shop", active=False)
    ada = Identity(
        id="idn_ada", kind=IdentityKind.USER, name="Ada Lovelace", active=True, tenant_id=None, created_at=now
    )
    bot = replace(ada, id="idn_bot", kind=IdentityKind.SERVICE_ACCOUNT, name="Bot", tenant_id="ten_a")
    async with old.read() as transaction:
        assert (await transaction.tenants.page(among=None, limit=9, after=None)).items == (acme, shop)
        assert (await transaction.people.page(None, limit=9)).items == (Person(ada, "ada", "hash", None),)
        assert await transaction.people.by_login("ada") == Person(ada, "ada", "hash", None)
        assert await transaction.identities.named({"idn_ada", "idn_bot"}) == {"idn_ada": ada, "idn_bot": bot}
        assert (await transaction.identities.accounts("ten_a", limit=9)).items == (bot,)
        # By their names, which nobody had written down to be searched.
        assert (await transaction.people.page("ten_a", search="ADA", limit=9)).items == (
            Person(ada, "ada", "hash", None),
        )
        assert (await transaction.people.page(None, search="love", limit=9)).items == (
            Person(ada, "ada", "hash", None),
        )
        assert (await transaction.identities.accounts("ten_a", search="bot", limit=9)).items == (bot,)
        grants = (Grant("admin", "ten_a"), Grant("super_admin"), Grant("member", "ten_b"))
        assert await transaction.all_memberships.grants("idn_ada") == grants
        assert (await transaction.memberships("ten_a").page(limit=9)).items == tuple(
            Membership(id=id_, identity_id=who, grant=Grant(role, "ten_a"), by_sign_on=False, created_at=now)
            for id_, who, role in (("mem_1", "idn_ada", "admin"), ("mem_4", "idn_bot", "read_only"))
        )
        assert await transaction.roles("ten_a").all() == ()
        found = await transaction.sessions.by_digest(bytes.fromhex(DIGEST))
    assert found is not None
    session, who = found
    assert who == ada
    assert (session.id, session.ends_at, session.proofs) == ("ses_1", from_us(AT + 2), (PASSWORD,))
    # Nobody knows when its person last showed who they are: what asks for that recently is not open to it.
    assert session.proved_at == EPOCH
    assert session.live(now)
    assert not session.fresh(now)
    assert not session.two_factor
    facts = await old.lookup.by_digest(bytes.fromhex(DIGEST))
    assert facts is not None
    assert (facts.key.id, facts.identity, facts.tenant) == ("key_1", bot, acme)
    assert facts.grants == (Grant("read_only", "ten_a"),)


async def test_what_is_in_the_way_is_left_alone(place: Place, connect: Callable[[str], Database]) -> None:
    url = place.empty()
    await execute(url, "CREATE TABLE tenant (theirs INTEGER)")
    database = connect(url)
    with pytest.raises(DBAPIError, match="tenant"):
        await migrate.upgrade(database)
    assert await tables(database) <= {"tenant", VERSION_TABLE}
    assert await migrate.revision(database) is None
    assert [tuple(row) for row in await fetch(database, "SELECT theirs FROM tenant")] == []


async def test_first_starts_in_one_process_all_succeed(
    place: Place, connect: Callable[[str], Database]
) -> None:
    urls = [place.empty() for _ in range(2)]
    databases = [connect(url) for url in urls for _ in range(3)]
    results = await asyncio.gather(*(migrate.upgrade(database) for database in databases))
    head = migrate.head_revision()
    assert sorted(map(str, results)) == sorted(map(str, [(None, head)] * 2 + [(head, head)] * 4))
    for database in databases:
        assert await tables(database) == TABLES | {VERSION_TABLE}


FIRST_STARTS = """
import asyncio, sys, time
from keywright.storage import Database
from keywright.storage.migrate import head_revision, require_current, upgrade

async def start(url):
    database = Database.connect(url)
    await upgrade(database)
    await require_current(database)
    await database.close()

head_revision()
began, *urls = sys.argv[1:]
for number, url in enumerate(urls):
    time.sleep(max(0, float(began) + number - time.time()))
    asyncio.run(start(url))
"""


def test_first_starts_of_several_processes_all_succeed(place: Place) -> None:
    """Time and again, since they do not meet at the same point each time."""
    urls = [place.empty() for _ in range(4)]
    line = [sys.executable, "-c", FIRST_STARTS, str(time.time() + 2), *urls]
    starts = [subprocess.Popen(line, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) for _ in range(3)]
    assert [start.communicate(timeout=60)[1] for start in starts] == [b""] * 3
    assert [start.returncode for start in starts] == [0] * 3


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_faster_migration_is_waited_for(place: Place, connect: Callable[[str], Database]) -> None:
    url = place.empty()
    first, second = connect(url), connect(url)
    head = migrate.head_revision()
    async with engines.transaction(first.writer) as connection:
        await connection.run_sync(lambda sync: command.upgrade(migrate._config(sync), "head"))
        waiting = asyncio.create_task(migrate.upgrade(second))
        await somebody_waits(first)
        assert not waiting.done()
    assert await waiting == (head, head)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_database_that_cannot_hold_every_text_is_refused(
    postgres: PostgresServer, connect: Callable[[str], Database]
) -> None:
    postgres.execute("CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        database = connect(postgres.url.removesuffix("/postgres") + "/narrow")
        with pytest.raises(StorageError, match=r"encoding LATIN1, .* UTF8"):
            await migrate.upgrade(database)
        assert await tables(database) == set()
        await database.close()
    finally:
        postgres.execute("DROP DATABASE narrow")


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_only_a_migration_makes_a_file(
    place: Place, tmp_path: Path, connect: Callable[[str], Database]
) -> None:
    def modes() -> dict[str, int]:
        return {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    database = connect(place.empty())
    assert not database.exists()
    assert await migrate.revision(database) is None
    for begin in (database.read, database.write):
        with pytest.raises(Unavailable):
            async with begin():
                pytest.fail("there is nothing to begin in")
    with pytest.raises(Unavailable):
        await database.lookup.by_digest(b"\0" * 32)
    assert modes() == {}

    await migrate.upgrade(database)
    assert database.exists()
    # It holds the hashes of passwords.
    assert modes() == {".db": 0o600, ".db-wal": 0o600, ".db-shm": 0o600}
    assert [tuple(row) for row in await fetch(database, "PRAGMA journal_mode")] == [("wal",)]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_file_that_cannot_be_made_is_unavailable(
    tmp_path: Path, connect: Callable[[str], Database]
) -> None:
    database = connect(f"sqlite:///{tmp_path}/missing/keywright.db")
    with pytest.raises(Unavailable, match="file cannot be made"):
        await migrate.upgrade(database)


async def test_a_server_is_there_before_its_tables(place: Place, connect: Callable[[str], Database]) -> None:
    """`exists` is about something to connect to; `revision` is about the schema."""
    database = connect(place.empty())
    assert database.exists() is (place.dialect == "postgresql")
