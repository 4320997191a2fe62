"""Keys are found by their hint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    live = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_api_key_by_hint",
        "api_key",
        ["hint", "tenant_id"],
        sqlite_where=live,
        postgresql_where=live,
    )
