"""What few keys are, disabled or still to begin, is found without looking at all others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


_LIVE = "deleted_at IS NULL AND"


def upgrade() -> None:
    """Add the indexes."""
    for name, column, sqlite, postgresql in (
        ("disabled", "id", "active = 0", "NOT active"),
        ("to_begin", "not_before", "not_before IS NOT NULL", "not_before IS NOT NULL"),
    ):
        op.create_index(
            f"ix_api_key_{name}",
            "api_key",
            ["tenant_id", column],
            sqlite_where=sa.text(f"{_LIVE} {sqlite}"),
            postgresql_where=sa.text(f"{_LIVE} {postgresql}"),
        )
