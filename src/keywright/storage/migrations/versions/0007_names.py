"""People and service accounts are found by their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from keywright.core.listing import beginnings

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BATCH = 1_000


def upgrade() -> None:
    """Add the table, and fill it from the names that are there."""
    op.create_table(
        "identity_name",
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("folded", _exact(255), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_identity_name_identity_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_identity_name_tenant_id"),
        sa.PrimaryKeyConstraint("identity_id", "folded", name="pk_identity_name"),
    )
    _fill()
    op.create_index("ix_identity_name_beginning", "identity_name", ["tenant_id", "folded", "identity_id"])


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _fill() -> None:
    """As the code that writes names folds them, since they are compared with what that code folds."""
    identity = sa.table("identity", *map(sa.column, ("id", "tenant_id", "kind", "name", "deleted_at")))
    names = sa.table("identity_name", *map(sa.column, ("identity_id", "folded", "tenant_id")))
    connection = op.get_bind()
    named = (
        sa.select(identity.c.id, identity.c.tenant_id, identity.c.name)
        .where(identity.c.kind != "key", identity.c.deleted_at.is_(None))
        .order_by(identity.c.id)
        .limit(_BATCH)
    )
    last = ""
    while rows := connection.execute(named.where(identity.c.id > last)).all():
        last = rows[-1].id
        values = [
            {"identity_id": row.id, "tenant_id": row.tenant_id, "folded": one}
            for row in rows
            for one in beginnings(row.name)
        ]
        connection.execute(sa.insert(names), values)
