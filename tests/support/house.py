"""An installation in this process: a database of its own, a clock that tests move, and everything behind the doors.

async with house(tmp_path) as home:
    acme = await home.tenant("acme")
    admin = await home.caller(await home.key(acme, await home.identity(Grant(ADMIN, acme.id))))
    made = await home.run(create_key, admin, NewKey(name="Export"))
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, select, update

from keywright.core import checks
from keywright.core.boottime import boottime
from keywright.core.identities import Grant, Identity, IdentityKind, Tenant
from keywright.core.ids import new_id
from keywright.core.instants import from_us, to_us
from keywright.core.roles import ADMIN, DefinedRole, values_of
from keywright.core.tokens import digest, hint, last_seven, mint
from keywright.ops.metrics import Metrics
from keywright.services.access import Gate
from keywright.services.deciding import Deciding, Room, ground_of
from keywright.services.decisions import Decisions
from keywright.services.mail import Mailer
from keywright.services.passwords import Passwords
from keywright.services.receipts import Receipts
from keywright.services.relying_party import RelyingParty
from keywright.services.service import Services
from keywright.services.sessions import Lifetime, SessionKeeper
from keywright.services.throttle import Throttle
from keywright.services.tools import Tools
from keywright.services.upkeep import Upkeep
from keywright.services.work import Call
from keywright.storage import Database, schema
from keywright.storage.counters import MemoryCounters
from keywright.storage.migrate import upgrade
from keywright.storage.people import Person
from keywright.verify import Label, Terms
from tests.support.facts import NOW, a_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

    from keywright.core.audit import AuditEntry
    from keywright.core.identities import Membership
    from keywright.core.keys import Key
    from keywright.core.roles import Role
    from keywright.services.callers import Caller
    from keywright.services.work import UseCase

    Scope = Sequence[tuple[Sequence[str], Sequence[str] | None]]

In = TypeVar("In")
Out = TypeVar("Out")

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
KEEP_EXPIRED = timedelta(days=30)
ORIGIN = "https://keys.example.com"

_TABLES = {"key": schema.api_key, "idn": schema.identity, "ten": schema.tenant}


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime = NOW) -> None:
        self.us = to_us(start)

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return self.us

    def now(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        return from_us(self.us)

    def advance(self, **span: float) -> None:
        """Move on by a span, given as to `timedelta`."""
        self.us += timedelta(**span) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Made:
    """A key with its token."""

    key: Key
    token: str

    @property
    def id(self) -> str:
        """The key's id."""
        return self.key.id


class House:
    """An installation without doors. What has no use case yet is put straight into the database."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.metrics = Metrics()
        self.passwords = Passwords()
        self.throttle = Throttle(clock)
        # It is not started: without a lease, each decision is read from the database, and nothing waits.
        self.deciding = Deciding(
            ground_of(database, clock),
            clock,
            MemoryCounters(),
            self.metrics,
            label=Label(name="house", kind="server", version="0"),
            terms=Terms(lease=3.0),
            room=Room(entries=1_000, bytes=10_000_000),
        )
        self.uses = self.deciding.uses
        self.node = self.deciding.node
        self.verifier = self.deciding.verifier
        self.tools = Tools(
            database=database,
            clock=clock,
            passwords=self.passwords,
            throttle=self.throttle,
            relying_party=RelyingParty(ORIGIN),
            mailer=Mailer(None),
            public_url=ORIGIN,
            receipts=Receipts(self.node, clock, boottime, self.metrics),
            node=self.node,
            lifetime=Lifetime(IDLE, LONGEST),
        )
        self.sessions = SessionKeeper(self.tools)
        self.gate = Gate(self.verifier, self.sessions)
        self.decisions = Decisions(self.verifier, database)
        self.upkeep = Upkeep(database, clock, self.uses, self.metrics, keep_expired=KEEP_EXPIRED)
        self.services = Services(
            tools=self.tools,
            gate=self.gate,
            sessions=self.sessions,
            decisions=self.decisions,
            metrics=self.metrics,
        )

    async def close(self) -> None:
        """Give back threads and connections."""
        self.passwords.close()
        self.tools.mailer.close()
        await self.database.close()

    def send_mail_by(self, mailer: Mailer) -> None:
        """Send mail by a mail server from now on."""
        self.tools.mailer.close()
        self.tools = self.services._tools = replace(self.tools, mailer=mailer)

    async def tenant(self, slug: str, *, active: bool = True) -> Tenant:
        """Make a tenant, named after its slug."""
        tenant = Tenant(
            id=new_id("ten"), slug=slug, name=slug.title(), active=active, created_at=self.clock.now()
        )
        async with self.database.write() as transaction:
            await transaction.tenants.add(tenant)
        return tenant

    async def identity(
        self, *grants: Grant, name: str = "Somebody", kind: IdentityKind = IdentityKind.SERVICE_ACCOUNT
    ) -> Identity:
        """Make an identity with roles."""
        identity = self._identity(name, kind)
        async with self.database.write() as transaction:
            await transaction.identities.add(identity)
            for grant in grants:
                await transaction.all_memberships.add(identity.id, grant, self.clock.now())
        return identity

    async def service_account(self, tenant: Tenant, *grants: Grant, name: str = "Importer") -> Identity:
        """Make a service account that a tenant owns."""
        identity = replace(self._identity(name, IdentityKind.SERVICE_ACCOUNT), tenant_id=tenant.id)
        async with self.database.write() as transaction:
            await transaction.identities.add(identity)
            for grant in grants:
                await transaction.all_memberships.add(identity.id, grant, self.clock.now())
        return identity

    async def role(self, tenant: Tenant, role: Role) -> DefinedRole:
        """Define a role, whatever any rule says."""
        now = self.clock.now()
        defined = DefinedRole(
            id=new_id("rol"), tenant_id=tenant.id, role=role, by_catalog=False, created_at=now, updated_at=now
        )
        async with self.database.write() as transaction:
            await transaction.roles(tenant.id).add(defined)
        return defined

    async def give(
        self,
        tenant: Tenant | None,
        identity: Identity,
        role: str,
        values: Mapping[str, Sequence[str]] | None = None,
    ) -> Membership:
        """Give an identity a role, whatever any rule says."""
        grant = Grant(role, None if tenant is None else tenant.id, values_of(values or {}))
        async with self.database.write() as transaction:
            return await transaction.all_memberships.add(identity.id, grant, self.clock.now())

    async def person(self, login: str, password: str, *grants: Grant) -> Identity:
        """Make somebody who can log in."""
        identity = self._identity(login, IdentityKind.USER)
        password_hash = await self.passwords.hash(password)
        async with self.database.write() as transaction:
            await transaction.people.add(Person(identity, login, password_hash))
            for grant in grants:
                await transaction.all_memberships.add(identity.id, grant, self.clock.now())
        return identity

    async def key(
        self,
        tenant: Tenant | None,
        identity: Identity,
        *,
        scope: Scope | None = None,
        **fields: Any,
    ) -> Made:
        """Make a key of a tenant, or a global one, whatever any rule says."""
        token = mint().reveal()
        key = a_key(
            id=new_id("key"),
            tenant_id=None if tenant is None else tenant.id,
            identity_id=identity.id,
            hint=hint(token),
            last_seven=last_seven(token),
            created_at=self.clock.now(),
            created_by=identity.id,
            scope=None if scope is None else checks.scope(scope),
        )
        made = Made(replace(key, **fields), token)
        async with self.database.write() as transaction:
            await transaction.keys(made.key.tenant_id).add(made.key, digest(token))
        return made

    async def admin(self, tenant: Tenant, *, scope: Scope | None = None) -> Caller:
        """Make a tenant's administrator and give the caller with a key in that tenant."""
        identity = await self.identity(Grant(ADMIN, tenant.id), name="Admin")
        return await self.caller(await self.key(tenant, identity, scope=scope))

    async def caller(self, made: Made | str, ip: IPv4Address | IPv6Address | None = None) -> Caller:
        """Give the caller behind a key or a token."""
        return await self.services.authenticate(made if isinstance(made, str) else made.token, ip)

    async def logged_in(self, login: str, password: str) -> Caller:
        """Log a person in, and give the caller."""
        session = await self.services.log_in(login, password, ip=None, request_id=None)
        return await self.caller(session.token.reveal())

    async def run(self, use: UseCase[In, Out], caller: Caller, data: In, **call: Any) -> Out:
        """Run a use case for a caller; `call` are further fields of the `Call`."""
        return await self.services.run(use, Call(caller=caller, **call), data)

    async def disable(self, entity_id: str, *, active: bool = False) -> None:
        """Throw the switch of a key, identity or tenant, by its id, past all rules."""
        table = _TABLES[entity_id[:3]]
        async with self.database.writer.begin() as connection:
            await connection.execute(update(table).where(table.c.id == entity_id).values(active=active))

    async def take_roles(self, identity_id: str) -> None:
        """Take all roles from an identity."""
        mine = schema.membership.c.identity_id == identity_id
        async with self.database.writer.begin() as connection:
            await connection.execute(delete(schema.membership).where(mine))

    async def stored(self, key_id: str) -> Key | None:
        """Read a key of any tenant by its id, deleted or not."""
        async with self.database.reader.begin() as connection:
            query = select(schema.api_key.c.digest).where(schema.api_key.c.id == key_id)
            found = (await connection.execute(query)).scalar_one_or_none()
        if found is None:
            return None
        async with self.database.read() as transaction:
            return await transaction.all_keys.by_digest(found)

    async def keys(self) -> list[str]:
        """Read the ids of all keys that are not deleted."""
        async with self.database.reader.begin() as connection:
            query = select(schema.api_key.c.id).where(schema.api_key.c.deleted_at.is_(None))
            return sorted((await connection.execute(query)).scalars())

    async def trail(self, tenant: Tenant | None) -> tuple[AuditEntry, ...]:
        """Read the audit trail of a tenant or of the installation, the newest entry first."""
        async with self.database.read() as transaction:
            page = await transaction.audit(None if tenant is None else tenant.id).page(limit=10_000)
        return page.items

    async def count_entries(self) -> int:
        """Count the audit entries of all trails."""
        async with self.database.reader.begin() as connection:
            return len((await connection.execute(select(schema.audit_entry.c.id))).all())

    def metric(self, line: str) -> float:
        """Read a metric by its name and labels, as they stand in the text format."""
        found = [one for one in self.metrics.render()[0].decode().splitlines() if one.startswith(f"{line} ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def _identity(self, name: str, kind: IdentityKind) -> Identity:
        return Identity(
            id=new_id("idn"),
            kind=kind,
            name=name,
            active=True,
            tenant_id=None,
            created_at=self.clock.now(),
        )


@asynccontextmanager
async def house(tmp_path: Path, url: str | None = None, *, migrated: bool = False) -> AsyncIterator[House]:
    """Yield an installation on a SQLite file in a folder, or on a database by its URL.

    It is empty; `migrated` says that the schema is in the database already.
    """
    database = Database.connect(url or f"sqlite:///{tmp_path / 'house.db'}")
    home = House(database, ManualClock())
    try:
        if not migrated:
            await upgrade(database)
        yield home
    finally:
        await home.close()
