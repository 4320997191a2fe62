"""The first schema: tenants, identities, roles, keys, sessions, audit, replays and jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    _audit_entry()
    _idempotency()
    _job()
    _tenant()
    _identity()
    _api_key()
    _membership()
    _person()
    _session()


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _null(column: str) -> sa.ColumnElement[bool]:
    return sa.column(column).is_(None)


_ENDS = sa.text("expires_at < 4611686018427387904")


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", _exact(20), nullable=False),
        sa.Column("actor_identity_id", _exact(40), nullable=True),
        sa.Column("actor_key_id", _exact(40), nullable=True),
        sa.Column("actor_session_id", _exact(40), nullable=True),
        sa.Column("action", _exact(60), nullable=False),
        sa.Column("target_type", _exact(30), nullable=False),
        sa.Column("target_id", _exact(40), nullable=False),
        sa.Column("ip", _exact(45), nullable=True),
        sa.Column("request_id", _exact(36), nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_newest", "audit_entry", ["tenant_id", "at", "id"])
    op.create_index("ix_audit_entry_target", "audit_entry", ["tenant_id", "target_id", "at", "id"])


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("caller_id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=False),
        sa.Column("key", _exact(64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("result_id", _exact(40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller_id", "tenant_id", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("name", _exact(40), nullable=False),
        sa.Column("holder", _exact(60), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("ran_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_job"),
    )


def _tenant() -> None:
    op.create_table(
        "tenant",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("slug", _exact(100), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("slug", name="uq_tenant_slug"),
    )


def _identity() -> None:
    op.create_table(
        "identity",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("kind", _exact(20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_identity_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
    )
    op.create_index("ix_identity_tenant_id", "identity", ["tenant_id"])


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", _exact(255), nullable=False),
        sa.Column("handle", _exact(100), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("prefix", _exact(16), nullable=False),
        sa.Column("hint", _exact(24), nullable=True),
        sa.Column("last_seven", _exact(7), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _exact(40), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("allowed_cidrs", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_ip", _exact(45), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_api_key_identity_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_api_key_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
    )
    op.create_index(
        "ix_api_key_by_expiry",
        "api_key",
        ["tenant_id", "expires_at", "id"],
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "ix_api_key_by_last_use",
        "api_key",
        ["tenant_id", "last_used_at", "id"],
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "ix_api_key_by_name",
        "api_key",
        ["tenant_id", "name_folded", "id"],
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "ix_api_key_by_owner",
        "api_key",
        ["tenant_id", "identity_id", "created_at", "id"],
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "ix_api_key_newest",
        "api_key",
        ["tenant_id", "created_at", "id"],
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "ix_api_key_sweep",
        "api_key",
        ["expires_at"],
        sqlite_where=sa.and_(_null("deleted_at"), _ENDS),
        postgresql_where=sa.and_(_null("deleted_at"), _ENDS),
    )
    op.create_index(
        "uq_api_key_handle",
        "api_key",
        ["tenant_id", "handle"],
        unique=True,
        sqlite_where=_null("deleted_at"),
        postgresql_where=_null("deleted_at"),
    )
    op.create_index(
        "uq_api_key_global_handle",
        "api_key",
        ["handle"],
        unique=True,
        sqlite_where=sa.and_(_null("deleted_at"), _null("tenant_id")),
        postgresql_where=sa.and_(_null("deleted_at"), _null("tenant_id")),
    )


def _membership() -> None:
    op.create_table(
        "membership",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("role", _exact(100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_membership_identity_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_membership_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.UniqueConstraint(
            "identity_id", "tenant_id", "role", name="uq_membership_identity_id_tenant_id_role"
        ),
    )
    op.create_index("ix_membership_tenant_id", "membership", ["tenant_id"])
    op.create_index(
        "uq_membership_global",
        "membership",
        ["identity_id", "role"],
        unique=True,
        sqlite_where=_null("tenant_id"),
        postgresql_where=_null("tenant_id"),
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("login", _exact(255), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_person_identity_id"),
        sa.PrimaryKeyConstraint("identity_id", name="pk_person"),
        sa.UniqueConstraint("login", name="uq_person_login"),
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("idle_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("created_ip", _exact(45), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_session_identity_id"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.UniqueConstraint("digest", name="uq_session_digest"),
    )
    op.create_index("ix_session_ends_at", "session", ["ends_at"])
    op.create_index("ix_session_identity_id", "session", ["identity_id"])
