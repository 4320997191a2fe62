"""Tenants, identities and keys for tests, each made with one call."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from keywright.core.identities import Grant, Identity, IdentityKind, Tenant
from keywright.core.ids import new_id
from keywright.core.keys import Key
from keywright.core.roles import DefinedRole, PolicyTemplate, Role, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.core.listing import KeyQuery
    from keywright.storage import Database, Transaction

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)

_count = itertools.count(1)

# The same examples in every run: a failure in CI is the failure at the desk.
EXAMPLES = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Where engines, collations and libraries part ways about text.
NASTY = (
    "a",
    "A",
    "b",
    "B",
    "z",
    "Z",
    "_",
    "~",
    "a b",
    "a-b",
    "ab",
    "a\u0301",  # a with a combining acute
    "\u00e1",  # the same, composed
    "\u1e9e",  # capital sharp s
    "ß",
    "ss",
    "SS",
    "İ",
    "i",
    "\u0131",  # i without a dot
    "i\u0307",
    "ﬀ",
    "ff",
    "ς",
    "\u03c3",  # sigma, and before it the one that ends a word
    "Σ",
    "ὀδυσσεύς",
    "Ὀδυσσεύς",
    "é\u0323",  # two combining marks in two orders
    "e\u0323\u0301",
    "😀",
    "👩\u200d👩\u200d👧",
    "\u212b",  # the angstrom sign, which composes to another character
    "Å",
    "한글",
    "\u1112\u1161\u11ab",
    "日本",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0010ffff",
    "a\U0010ffffb",
    "%",
    "a%",
    "'; --",
)


@dataclass(frozen=True, slots=True)
class Home:
    """A tenant (None: the installation) and an identity that its keys speak for."""

    tenant: Tenant | None
    identity: Identity

    @property
    def tenant_id(self) -> str | None:
        return None if self.tenant is None else self.tenant.id


def a_tenant(slug: str | None = None, **changes: Any) -> Tenant:
    number = next(_count)
    made = Tenant(
        id=new_id("ten"),
        slug=slug if slug is not None else f"tenant-{number}",
        name=f"Tenant {number}",
        active=True,
        created_at=NOW,
    )
    return replace(made, **changes)


def an_identity(**changes: Any) -> Identity:
    made = Identity(
        id=new_id("idn"),
        kind=IdentityKind.SERVICE_ACCOUNT,
        name=f"Identity {next(_count)}",
        active=True,
        tenant_id=None,
        created_at=NOW,
    )
    return replace(made, **changes)


def a_role(tenant_id: str, name: str | None = None, **changes: Any) -> DefinedRole:
    """A role of a tenant, with a variable in its policy; `variables` and `policies` may be others."""
    made = Role(
        name if name is not None else f"role-{next(_count)}",
        changes.pop("description", "Writes in given languages"),
        changes.pop("variables", (Variable("language", "language", "Which ones"),)),
        changes.pop("policies", (PolicyTemplate.of(["article:*"], ["article:${language}:**"]),)),
    )
    stored = DefinedRole(
        id=new_id("rol"), tenant_id=tenant_id, role=made, by_catalog=False, created_at=NOW, updated_at=NOW
    )
    return replace(stored, **changes)


def a_key(home: Home, **changes: Any) -> Key:
    made = Key(
        id=new_id("key"),
        tenant_id=home.tenant_id,
        identity_id=home.identity.id,
        name=f"Key {next(_count)}",
        handle=None,
        description="",
        prefix="kw",
        hint="kw_abcd",
        last_seven="1234567",
        created_at=NOW,
        created_by=home.identity.id,
        not_before=None,
        expires_at=None,
        active=True,
        scope=None,
        allowed_cidrs=None,
        metadata="{}",
        last_used_at=None,
        last_used_ip=None,
    )
    return replace(made, **changes)


def a_digest(number: int | None = None) -> bytes:
    return (next(_count) if number is None else number).to_bytes(32, "big")


async def add_home(database: Database, slug: str | None = None) -> Home:
    """A new tenant and a member of it."""
    tenant = a_tenant(slug)
    identity = an_identity(tenant_id=tenant.id)
    async with database.write() as transaction:
        await transaction.tenants.add(tenant)
        await transaction.identities.add(identity)
        await transaction.all_memberships.add(identity.id, Grant("admin", tenant.id), NOW)
    return Home(tenant, identity)


async def add_installation(database: Database) -> Home:
    """Somebody who owns global keys."""
    identity = an_identity()
    async with database.write() as transaction:
        await transaction.identities.add(identity)
        await transaction.all_memberships.add(identity.id, Grant("super_admin"), NOW)
    return Home(None, identity)


async def add_keys(transaction: Transaction, keys: Iterable[Key]) -> None:
    """Add keys, with digests of no meaning."""
    for key in keys:
        await transaction.keys(key.tenant_id).add(key, a_digest())


async def add_key(database: Database, home: Home, digest: bytes | None = None, **changes: Any) -> Key:
    """A new key of a home, committed."""
    key = a_key(home, **changes)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).add(key, a_digest() if digest is None else digest)
    return key


async def key_by_id(database: Database, key: Key) -> Key | None:
    """The key as it is stored now."""
    async with database.read() as transaction:
        return await transaction.keys(key.tenant_id).by_id(key.id)


async def all_pages(
    database: Database, tenant_id: str | None, query: KeyQuery, now: datetime = NOW
) -> list[Key]:
    """A whole list, walked page by page; each page is checked for what a page promises."""
    found: list[Key] = []
    async with database.read() as transaction:
        while True:
            page = await transaction.keys(tenant_id).page(query, now)
            assert len(page.items) == len(page.positions) <= query.limit
            assert not page.more or len(page.items) == query.limit
            found += page.items
            if not page.more:
                return found
            query = replace(query, after=page.positions[-1])


async def fetch(database: Database, sql: str, **parameters: object) -> Sequence[Any]:
    """The rows that a query of the test's own finds."""
    async with database.reader.begin() as connection:
        return (await connection.execute(text(sql), parameters)).all()


async def execute(url: str, *statements: str) -> None:
    """Run statements of the test's own, past everything of ours."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement)
        finally:
            connection.close()
        return
    raw = await asyncpg.connect(url)
    try:
        for statement in statements:
            await raw.execute(statement)
    finally:
        await raw.close()


async def somebody_waits(database: Database) -> None:
    """Return as soon as a statement waits for a lock, on PostgreSQL."""
    for _ in range(1000):
        if await fetch(database, "SELECT 1 FROM pg_locks WHERE NOT granted"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
