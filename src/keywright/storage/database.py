"""The database: transactions, and the repositories that live in them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from keywright.core.instants import from_us
from keywright.storage import engine as engines
from keywright.storage.agents import Agents, AllAgents
from keywright.storage.attempts import Attempts
from keywright.storage.audit import AuditTrail
from keywright.storage.catalogs import Catalogs
from keywright.storage.challenges import Challenges
from keywright.storage.changes import Changes
from keywright.storage.credit_rows import CreditRows
from keywright.storage.external_identities import ExternalIdentities
from keywright.storage.idempotency import Replays
from keywright.storage.identities import Identities
from keywright.storage.invitations import AllInvitations, Invitations
from keywright.storage.jobs import Jobs
from keywright.storage.keys import AllKeys, Keys
from keywright.storage.lookup import PostgresLookup, SqliteLookup
from keywright.storage.memberships import AllMemberships, Memberships
from keywright.storage.nodes import Nodes
from keywright.storage.passkeys import Passkeys
from keywright.storage.people import People
from keywright.storage.postgres import POOL_SIZE, Postgres, postgres_engines
from keywright.storage.recovery_codes import RecoveryCodes
from keywright.storage.roles import Roles
from keywright.storage.sessions import Sessions
from keywright.storage.tenants import Tenants
from keywright.storage.totp import Totp
from keywright.storage.usage import AllUsage, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


_NOW = {
    "sqlite": text("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"),
    "postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) * 1000"),
}


class Transaction:
    """One transaction. What holds a tenant's things is asked for with the tenant, None meaning global."""

    __slots__ = (
        "_connection",
        "all_agents",
        "all_invitations",
        "all_keys",
        "all_memberships",
        "all_usage",
        "attempts",
        "challenges",
        "changes",
        "credits",
        "external_identities",
        "identities",
        "jobs",
        "nodes",
        "passkeys",
        "people",
        "recovery_codes",
        "replays",
        "sessions",
        "tenants",
        "totp",
    )

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.all_agents = AllAgents(connection)
        self.all_invitations = AllInvitations(connection)
        self.all_keys = AllKeys(connection)
        self.all_memberships = AllMemberships(connection)
        self.all_usage = AllUsage(connection)
        self.attempts = Attempts(connection)
        self.challenges = Challenges(connection)
        self.changes = Changes(connection)
        self.credits = CreditRows(connection)
        self.external_identities = ExternalIdentities(connection)
        self.identities = Identities(connection)
        self.jobs = Jobs(connection)
        self.nodes = Nodes(connection)
        self.passkeys = Passkeys(connection)
        self.people = People(connection)
        self.recovery_codes = RecoveryCodes(connection)
        self.replays = Replays(connection)
        self.sessions = Sessions(connection)
        self.tenants = Tenants(connection)
        self.totp = Totp(connection)

    def keys(self, tenant_id: str | None) -> Keys:
        """The keys of one tenant, or the global ones."""
        return Keys(self._connection, tenant_id)

    def agents(self, tenant_id: str) -> Agents:
        """The agents that announced themselves in one tenant."""
        return Agents(self._connection, tenant_id)

    def memberships(self, tenant_id: str | None) -> Memberships:
        """The memberships in one tenant, or the roles held everywhere."""
        return Memberships(self._connection, tenant_id)

    def invitations(self, tenant_id: str | None) -> Invitations:
        """The invitations to one tenant, or to the installation."""
        return Invitations(self._connection, tenant_id)

    def roles(self, tenant_id: str) -> Roles:
        """The roles that one tenant defines."""
        return Roles(self._connection, tenant_id)

    def catalog(self, tenant_id: str) -> Catalogs:
        """The catalog of one tenant."""
        return Catalogs(self._connection, tenant_id)

    def usage(self, tenant_id: str | None) -> Usage:
        """The usage of one tenant's keys, or of the global ones."""
        return Usage(self._connection, tenant_id)

    def audit(self, tenant_id: str | None) -> AuditTrail:
        """The audit trail of one tenant, or of the installation."""
        return AuditTrail(self._connection, tenant_id)

    async def probe(self) -> None:
        """One round trip; raises when the database does not answer."""
        await self._connection.execute(text("SELECT 1"))

    async def now(self) -> datetime:
        """The time by the database's own clock, to the millisecond; a SQLite file has none but the host's."""
        return from_us((await self._connection.execute(_NOW[self._connection.dialect.name])).scalar_one())


class Database:
    """One database of either engine.

    On SQLite, writes go through a single connection and reads through others, so that neither waits for
    the other. After a failure each of them finds its way back by itself.
    """

    def __init__(
        self,
        writer: AsyncEngine,
        reader: AsyncEngine,
        lookup: SqliteLookup | PostgresLookup,
        server: Postgres | None = None,
    ) -> None:
        self.writer = writer
        self.reader = reader
        self.lookup = lookup
        self.server = server

    @classmethod
    def connect(
        cls, database_url: str, *, pool_size: int = POOL_SIZE, statement_seconds: float | None = None
    ) -> Self:
        """A database by its URL; connections are made when first needed. Raises `StorageError`.

        On PostgreSQL `pool_size` bounds the connections for management, and once more those for decisions, and
        `statement_seconds` every statement of management.
        """
        url = engines.parse_url(database_url)
        if url.get_backend_name() == "sqlite":
            return cls(*engines.sqlite_engines(url), SqliteLookup(engines.sqlite_file(url)))
        server = Postgres(url, size=pool_size, statement_seconds=statement_seconds)
        return cls(*postgres_engines(server), PostgresLookup(server), server)

    def exists(self) -> bool:
        """Whether there is a database to connect to; a SQLite file is made by `upgrade` alone."""
        return (
            self.dialect != "sqlite"
            or engines.file_identity(engines.sqlite_file(self.writer.url)) is not None
        )

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.writer.dialect.name

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end, or changes nothing when an exception leaves it.

        Raises `Unavailable` when the database cannot be reached; when that happens at the end, whether it
        committed is not known.
        """
        async with engines.transaction(self.writer) as connection:
            yield Transaction(connection)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """A transaction that sees one state of the database throughout and refuses to write.

        Raises `Unavailable` when the database cannot be reached.
        """
        async with engines.transaction(self.reader) as connection:
            yield Transaction(connection)

    async def close(self) -> None:
        """Give back every connection. Afterwards the database cannot be used any more."""
        await self.lookup.close()
        await self.reader.dispose()
        await self.writer.dispose()
