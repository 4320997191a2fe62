"""The table of the programs that announced themselves."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from keywright.storage.schema.tables import ID, metadata
from keywright.storage.types import Instant, exact

agent = Table(
    "agent",
    metadata,
    Column("tenant_id", ID, ForeignKey("tenant.id"), nullable=False),
    Column("id", ID, nullable=False),
    # NULL: it was announced with a person's session. The key may be one of the tenant or a global one.
    Column("key_id", ID, ForeignKey("api_key.id")),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False),
    # What is the same when it announces itself again: a hash, since its labels are too long for an index.
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("version", Text),
    Column("registered_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    Column("last_seen_ip", exact(45)),
    # Never by id alone: PostgreSQL might list a tenant's by walking that, past all agents of other tenants.
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "fingerprint"),
    Index("ix_agent_of_key", "tenant_id", "key_id", "id"),
    Index("ix_agent_of_identity", "tenant_id", "identity_id", "id"),
)
