"""The tables of the change feed, of the nodes, and of what was used."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from keywright.storage.schema.tables import ID, metadata
from keywright.storage.types import Instant, exact

head = Table(
    "head",
    metadata,
    # One row, whose lock puts the epochs in the order in which their transactions commit.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
    # The ids of the keys, identities and tenants that it touched, as a JSON list.
    Column("touched", Text, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", exact(255), nullable=False),
    Column("kind", exact(20), nullable=False),
    Column("version", exact(40), nullable=False),
    Column("started_at", Instant, nullable=False),
    # For people to read; no guarantee rests on it.
    Column("renewed_at", Instant, nullable=False),
    # Counts the renewals, by which others see that it lives without trusting any clock but their own.
    Column("beat", BigInteger, nullable=False),
    Column("applied", BigInteger, nullable=False),
    # How long after a renewal the node may answer from memory: the lease, and the grace for outages.
    Column("lease_us", BigInteger, nullable=False),
    Column("grace_us", BigInteger, nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("key_id", ID, nullable=False),
    Column("hour", Instant, nullable=False),
    Column("code", exact(30), nullable=False),
    Column("tenant_id", ID),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("key_id", "hour", "code"),
    Index("ix_usage_of_tenant", "tenant_id", "hour"),
    Index("ix_usage_hour", "hour"),
)

exercised = Table(
    "exercised",
    metadata,
    Column("key_id", ID, nullable=False),
    Column("action", exact(512), nullable=False),
    Column("tenant_id", ID),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("key_id", "action"),
)
