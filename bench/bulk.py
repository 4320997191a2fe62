"""Many keys at once, straight into the tables, past everything that makes a key in Keywright."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from keywright.core.roles import ADMIN
from keywright.storage.schema import api_key, identity, membership
from keywright.storage.types import NEVER_ENDS, NEVER_HAPPENED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Table

SCOPE = '[{"actions": ["article:read"], "resources": null}]'
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many keys, in which tenant, how many of them each service account has, and of how many one is disabled."""

    count: int
    tenant_id: str
    keys_an_owner: int = 100
    disabled_each: int | None = None

    @property
    def owners(self) -> int:
        """How many service accounts."""
        return -(-self.count // self.keys_an_owner)


def digest_of(number: int) -> bytes:
    """What stands for the SHA-256 of the token of one of the keys; nobody has such a token."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def fill_sqlite(path: Path, bulk: Bulk, digests: Iterable[bytes] | None = None) -> None:
    """Add keys to a SQLite file that nobody else has open. Their digests are those of `digest_of` unless given."""
    with sqlite3.connect(path, isolation_level=None) as database:
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            database.execute(f"PRAGMA {pragma}")
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'api_key' AND sql IS NOT NULL"
        ).fetchall()
        database.execute("BEGIN")
        for name, _ in indexes:
            database.execute(f'DROP INDEX "{name}"')
        for table, rows in _tables(bulk, digests):
            names = [column.name for column in table.columns]
            places = ", ".join("?" * len(names))
            database.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})", rows)
        for _, sql in indexes:
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


async def fill_postgres(url: str, bulk: Bulk, digests: Iterable[bytes] | None = None) -> None:
    """Add keys to a PostgreSQL database, as its superuser."""
    connection = await asyncpg.connect(url)
    try:
        # Foreign keys are not checked row by row: these rows are known to be sound.
        await connection.execute("SET session_replication_role = replica")
        unique = "uq_api_key_digest"
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'api_key' AND indexname NOT IN ($1, $2)",
            unique,
            "pk_api_key",
        )
        await connection.execute(f"ALTER TABLE api_key DROP CONSTRAINT {unique}")
        for one in indexes:
            await connection.execute(f'DROP INDEX "{one["indexname"]}"')
        for table, rows in _tables(bulk, digests):
            names = [column.name for column in table.columns]
            await connection.copy_records_to_table(table.name, records=rows, columns=names)
        await connection.execute(f"ALTER TABLE api_key ADD CONSTRAINT {unique} UNIQUE (digest)")
        for one in indexes:
            await connection.execute(one["indexdef"])
        for command in ("VACUUM ANALYZE api_key", "VACUUM ANALYZE identity", "CHECKPOINT"):
            await connection.execute(command)
    finally:
        await connection.close()


def _tables(
    bulk: Bulk, digests: Iterable[bytes] | None
) -> Iterator[tuple[Table, Iterator[tuple[object, ...]]]]:
    now = time.time_ns() // 1000
    yield identity, _identities(bulk, now)
    yield membership, _memberships(bulk, now)
    yield api_key, _keys(bulk, now, digests or map(digest_of, range(bulk.count)))


def _identities(bulk: Bulk, now: int) -> Iterator[tuple[object, ...]]:
    for number in range(bulk.owners):
        yield _row(
            identity,
            id=_id("idn", number),
            tenant_id=bulk.tenant_id,
            kind="service_account",
            name=f"Service {number}",
            active=True,
            created_at=now,
            description="",
            limits="[]",
        )


def _memberships(bulk: Bulk, now: int) -> Iterator[tuple[object, ...]]:
    for number in range(bulk.owners):
        yield _row(
            membership,
            id=_id("mem", number),
            identity_id=_id("idn", number),
            tenant_id=bulk.tenant_id,
            role=ADMIN,
            created_at=now,
            variables="{}",
            by_sign_on=False,
        )


def _keys(bulk: Bulk, now: int, digests: Iterable[bytes]) -> Iterator[tuple[object, ...]]:
    """Keys made one a minute until now; each third has ended or will end, and each second was used."""
    fixed = {"tenant_id": bulk.tenant_id, "description": "", "prefix": "kw", "scope": SCOPE}
    for number, digest in enumerate(digests):
        made = now - (bulk.count - number) * 60_000_000
        name = f"key {number * 7919 % bulk.count:08d}"
        yield _row(
            api_key,
            **fixed,
            id=_id("key", number),
            active=bulk.disabled_each is None or number % bulk.disabled_each > 0,
            identity_id=_id("idn", number // bulk.keys_an_owner),
            digest=digest,
            name=name,
            name_folded=name,
            hint=f"kw_{number:08x}"[:11],
            last_seven=f"{number:07x}"[-7:],
            created_at=made,
            expires_at=NEVER_ENDS if number % 3 else now + number * 1_000_000 + _HOUR,
            metadata="{}",
            credits_version=0,
            last_used_at=NEVER_HAPPENED if number % 2 else made + _HOUR,
        )


def _row(table: Table, **values: object) -> tuple[object, ...]:
    """The values in the order of the table's columns; None where none is named."""
    return tuple(map(values.get, table.columns.keys()))


def _id(kind: str, number: int) -> str:
    return f"{kind}_{0x0190000000007000800000000000 + number:032x}"
