"""Nodes and counters: the change feed and who has applied it, limits, credits, usage and routes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    _columns()
    _feed()
    _node()
    _usage()


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _columns() -> None:
    empty = sa.text("'[]'")
    op.add_column("identity", sa.Column("limits", sa.Text(), nullable=False, server_default=empty))
    op.add_column("catalog", sa.Column("routes", sa.Text(), nullable=False, server_default=empty))
    op.add_column("api_key", sa.Column("limits", sa.Text(), nullable=True))
    op.add_column("api_key", sa.Column("credits", sa.BigInteger(), nullable=True))
    op.add_column("api_key", sa.Column("refill_amount", sa.BigInteger(), nullable=True))
    op.add_column("api_key", sa.Column("refill_every", _exact(10), nullable=True))
    op.add_column("api_key", sa.Column("refill_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "api_key", sa.Column("credits_version", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )


def _feed() -> None:
    head = op.create_table(
        "head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_head"),
    )
    op.bulk_insert(head, [{"id": 1, "epoch": 0}])
    op.create_table(
        "change",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("touched", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_change"),
    )
    op.create_index("ix_change_at", "change", ["at"])


def _node() -> None:
    op.create_table(
        "node",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("name", _exact(255), nullable=False),
        sa.Column("kind", _exact(20), nullable=False),
        sa.Column("version", _exact(40), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("lease_us", sa.BigInteger(), nullable=False),
        sa.Column("grace_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_node"),
    )


def _usage() -> None:
    op.create_table(
        "usage",
        sa.Column("key_id", _exact(40), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("code", _exact(30), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "hour", "code", name="pk_usage"),
    )
    op.create_index("ix_usage_of_tenant", "usage", ["tenant_id", "hour"])
    op.create_index("ix_usage_hour", "usage", ["hour"])
    op.create_table(
        "exercised",
        sa.Column("key_id", _exact(40), nullable=False),
        sa.Column("action", _exact(512), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "action", name="pk_exercised"),
    )
    op.create_index("ix_exercised_last_at", "exercised", ["last_at"])
