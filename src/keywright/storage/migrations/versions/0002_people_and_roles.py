"""People and roles: settings of tenants, roles with variables, the catalog, invitations, factors and sign-on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    _columns()
    _role()
    _catalog()
    _invitation()
    _factors()
    _sign_on()
    _attempt()
    op.create_index("ix_identity_by_kind", "identity", ["tenant_id", "kind", "id"])
    op.drop_index("ix_identity_tenant_id", "identity")
    op.create_index("ix_membership_in_order", "membership", ["tenant_id", "id"])
    op.drop_index("ix_membership_tenant_id", "membership")
    op.create_index("ix_audit_entry_actor", "audit_entry", ["tenant_id", "actor_identity_id", "at", "id"])
    op.create_index("ix_audit_entry_action", "audit_entry", ["tenant_id", "action", "at", "id"])


def _exact(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _columns() -> None:
    op.add_column("tenant", sa.Column("settings", sa.Text(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("tenant", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "identity", sa.Column("description", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("identity", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("person", sa.Column("email", _exact(255), nullable=True))
    op.create_index("uq_person_email", "person", ["email"], unique=True)
    living = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_api_key_of_identity", "api_key", ["identity_id"], sqlite_where=living, postgresql_where=living
    )
    op.add_column(
        "membership", sa.Column("variables", sa.Text(), nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column(
        "membership", sa.Column("by_sign_on", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("membership", sa.Column("created_by", _exact(40), nullable=True))
    op.add_column(
        "session", sa.Column("proved_at", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "session",
        sa.Column("proofs", _exact(100), nullable=False, server_default=sa.text("'password'")),
    )


def _role() -> None:
    op.create_table(
        "role",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=False),
        sa.Column("name", _exact(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("by_catalog", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_role_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_role"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_role_tenant_id_name"),
    )


def _catalog() -> None:
    op.create_table(
        "catalog",
        sa.Column("tenant_id", _exact(40), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", _exact(40), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_catalog_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_catalog"),
    )


def _invitation() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("tenant_id", _exact(40), nullable=True),
        sa.Column("identity_id", _exact(40), nullable=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("login", _exact(255), nullable=True),
        sa.Column("email", _exact(255), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("memberships", sa.Text(), nullable=False),
        sa.Column("ends_factors", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _exact(40), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", _exact(40), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_invitation_tenant_id"),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_invitation_identity_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("digest", name="uq_invitation_digest"),
    )
    op.create_index("ix_invitation_expires_at", "invitation", ["expires_at"])
    op.create_index("ix_invitation_newest", "invitation", ["tenant_id", "created_at", "id"])


def _factors() -> None:
    op.create_table(
        "totp",
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("secret", _exact(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_totp_identity_id"),
        sa.PrimaryKeyConstraint("identity_id", name="pk_totp"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_recovery_code_identity_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_identity_id", "recovery_code", ["identity_id"])
    op.create_table(
        "passkey",
        sa.Column("id", _exact(40), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_passkey_identity_id"),
        sa.PrimaryKeyConstraint("id", name="pk_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_passkey_credential_id"),
    )
    op.create_index("ix_passkey_identity_id", "passkey", ["identity_id"])
    op.create_table(
        "challenge",
        sa.Column("id", _exact(64), nullable=False),
        sa.Column("purpose", _exact(30), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_challenge_identity_id"),
        sa.PrimaryKeyConstraint("id", name="pk_challenge"),
    )
    op.create_index("ix_challenge_expires_at", "challenge", ["expires_at"])


def _sign_on() -> None:
    op.create_table(
        "external_identity",
        sa.Column("issuer", _exact(500), nullable=False),
        sa.Column("subject", _exact(255), nullable=False),
        sa.Column("identity_id", _exact(40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name="fk_external_identity_identity_id"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_external_identity"),
    )
    op.create_index("ix_external_identity_identity_id", "external_identity", ["identity_id"])


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("subject", _exact(64), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_attempt"),
    )
    op.create_index("ix_attempt_last_at", "attempt", ["last_at"])
