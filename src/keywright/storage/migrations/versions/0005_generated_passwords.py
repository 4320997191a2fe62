"""People whose password Keywright generated, and who are to choose one of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of the passwords that are there already, nobody knows who chose them: they stay as they are."""
    op.add_column(
        "person", sa.Column("password_generated", sa.Boolean(), nullable=False, server_default=sa.false())
    )
