"""Agents: the programs that announced themselves with a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "agent",
        sa.Column("tenant_id", _exact(40), nullable=False),
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("key_id", _exact(40), nullable=True),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ip", _exact(45), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_agent_tenant_id"),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name="fk_agent_key_id"),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_agent_identity_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_agent"),
        sa.UniqueConstraint("tenant_id", "fingerprint", name="uq_agent_tenant_id_fingerprint"),
    )
    op.create_index("ix_agent_last_seen_at", "agent", ["last_seen_at"])
    op.create_index("ix_agent_of_key", "agent", ["tenant_id", "key_id", "id"])
    op.create_index("ix_agent_of_identity", "agent", ["tenant_id", "identity_id", "id"])


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
