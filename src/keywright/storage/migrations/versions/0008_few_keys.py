"""What few keys are, disabled or still to begin, is found without looking at all others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the indexes."""
    op.create_index(
        "ix_api_key_disabled",
        "api_key",
        ["tenant_id", "id"],
        sqlite_where=sa.text("deleted_at IS NULL AND active = 0"),
        postgresql_where=sa.text("deleted_at IS NULL AND NOT active"),
    )
    to_begin = sa.text("deleted_at IS NULL AND not_before IS NOT NULL")
    op.create_index(
        "ix_api_key_to_begin",
        "api_key",
        ["tenant_id", "not_before"],
        sqlite_where=to_begin,
        postgresql_where=to_begin,
    )
