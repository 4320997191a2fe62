"""The tables. One definition serves both engines; migrations bring a database to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    literal_column,
    not_,
    text,
)

from keywright.storage.types import NEVER_ENDS, NEVER_HAPPENED, Instant, OpenInstant, exact

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = exact(40)

tenant = Table(
    "tenant",
    metadata,
    Column("id", ID, primary_key=True),
    Column("slug", exact(100), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("settings", Text, nullable=False, server_default=text("'{}'")),
    # A deleted tenant gives its slug back, and keeps one that nobody can name.
    Column("deleted_at", Instant),
)

identity = Table(
    "identity",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant_id", ID, ForeignKey("tenant.id")),
    Column("kind", exact(20), nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("description", Text, nullable=False, server_default=text("''")),
    Column("limits", Text, nullable=False, server_default=text("'[]'")),
    Column("deleted_at", Instant),
    # A tenant has few service accounts, among as many that are each made for one key.
    Index("ix_identity_by_kind", "tenant_id", "kind", "id"),
)

# By what a search finds people (of no tenant) and service accounts: their names, folded, from each word on.
identity_name = Table(
    "identity_name",
    metadata,
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False),
    Column("folded", exact(255), nullable=False),
    Column("tenant_id", ID, ForeignKey("tenant.id")),
    PrimaryKeyConstraint("identity_id", "folded"),
    Index("ix_identity_name_beginning", "tenant_id", "folded", "identity_id"),
)

person = Table(
    "person",
    metadata,
    Column("identity_id", ID, ForeignKey("identity.id"), primary_key=True),
    # Folded letter case, so that two people cannot differ in it alone.
    Column("login", exact(255), nullable=False, unique=True),
    # NULL: there is no password, and another way in is needed.
    Column("password_hash", Text),
    # Folded as well. NULL: not known.
    Column("email", exact(255)),
    # Made by Keywright and read by others on its way, so that its person is to choose another.
    Column("password_generated", Boolean, nullable=False, server_default=false()),
    Index("uq_person_email", "email", unique=True),
)

membership = Table(
    "membership",
    metadata,
    Column("id", ID, primary_key=True),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False),
    # NULL: the role is held over the whole installation.
    Column("tenant_id", ID, ForeignKey("tenant.id")),
    Column("role", exact(100), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("variables", Text, nullable=False, server_default=text("'{}'")),
    # Given by single sign-on, which takes it again.
    Column("by_sign_on", Boolean, nullable=False, server_default=false()),
    Column("created_by", ID),
    UniqueConstraint("identity_id", "tenant_id", "role"),
    Index("ix_membership_in_order", "tenant_id", "id"),
    Index(
        "uq_membership_global",
        "identity_id",
        "role",
        unique=True,
        sqlite_where=text("tenant_id IS NULL"),
        postgresql_where=text("tenant_id IS NULL"),
    ),
)

role = Table(
    "role",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant_id", ID, ForeignKey("tenant.id"), nullable=False),
    Column("name", exact(100), nullable=False),
    Column("description", Text, nullable=False),
    Column("variables", Text, nullable=False),
    Column("policies", Text, nullable=False),
    Column("by_catalog", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

catalog = Table(
    "catalog",
    metadata,
    Column("tenant_id", ID, ForeignKey("tenant.id"), primary_key=True),
    Column("document", Text, nullable=False),
    # Counts what was applied, so that a change is applied to what was looked at.
    Column("revision", BigInteger, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("applied_by", ID),
    # What of the document tells a request's action and resource, for the look-up behind a verification.
    Column("routes", Text, nullable=False, server_default=text("'[]'")),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", ID, primary_key=True),
    # NULL: a global key.
    Column("tenant_id", ID, ForeignKey("tenant.id")),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # Case-folded, for searching and sorting as people expect.
    Column("name_folded", exact(255), nullable=False),
    Column("handle", exact(100)),
    Column("description", Text, nullable=False),
    Column("prefix", exact(16), nullable=False),
    Column("hint", exact(24)),
    Column("last_seven", exact(7)),
    Column("created_at", Instant, nullable=False),
    Column("created_by", ID),
    Column("not_before", Instant),
    Column("expires_at", OpenInstant(NEVER_ENDS), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("scope", Text),
    Column("allowed_cidrs", Text),
    Column("metadata", Text, nullable=False),
    # NULL: those that the tenant has for keys without limits of their own.
    Column("limits", Text),
    # NULL: as many uses as anybody likes.
    Column("credits", BigInteger),
    Column("refill_amount", BigInteger),
    Column("refill_every", exact(10)),
    Column("refill_at", Instant),
    # Counts how often somebody set the credits: what a node took before may not come back after.
    Column("credits_version", BigInteger, nullable=False, server_default=text("0")),
    Column("last_used_at", OpenInstant(NEVER_HAPPENED), nullable=False),
    Column("last_used_ip", exact(45)),
    Column("deleted_at", Instant),
)

_live = api_key.c.deleted_at.is_(None)


def _live_index(name: str, *columns: str, unique: bool = False, where: ColumnElement[bool] = _live) -> Index:
    return Index(
        f"{'uq' if unique else 'ix'}_api_key_{name}",
        *(api_key.c[column] for column in columns),
        unique=unique,
        sqlite_where=where,
        postgresql_where=where,
    )


_live_index("handle", "tenant_id", "handle", unique=True)
# Where the tenant is NULL, the index above finds no two handles alike.
_live_index("global_handle", "handle", unique=True, where=and_(_live, api_key.c.tenant_id.is_(None)))
# Never by id alone: PostgreSQL would rather walk the primary key, past all keys of other tenants.
_live_index("newest", "tenant_id", "created_at", "id")
_live_index("by_name", "tenant_id", "name_folded", "id")
_live_index("by_expiry", "tenant_id", "expires_at", "id")
_live_index("by_last_use", "tenant_id", "last_used_at", "id")
# What few keys are, so that a list of those alone need not look at all others.
_live_index("disabled", "tenant_id", "id", where=and_(_live, not_(api_key.c.active)))
_live_index("to_begin", "tenant_id", "not_before", where=and_(_live, api_key.c.not_before.is_not(None)))
# The hint first, so that PostgreSQL reads no list from it.
_live_index("by_hint", "hint", "tenant_id")
_live_index("by_owner", "tenant_id", "identity_id", "created_at", "id")
# An identity's keys in all tenants and none, when it is deleted or one of them is.
_live_index("of_identity", "identity_id")
# Only what ends, so that no list by expiry is read from it, past the keys of other tenants.
_live_index("sweep", "expires_at", where=and_(_live, api_key.c.expires_at < literal_column(str(NEVER_ENDS))))

session = Table(
    "session",
    metadata,
    Column("id", ID, primary_key=True),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False, index=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("idle_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("created_ip", exact(45)),
    Column("ended_at", Instant),
    # When the person last showed who they are, and how: words joined by commas, such as `password,totp`.
    Column("proved_at", Instant, nullable=False, server_default=text("0")),
    Column("proofs", exact(100), nullable=False, server_default=text("'password'")),
)

invitation = Table(
    "invitation",
    metadata,
    Column("id", ID, primary_key=True),
    # NULL: to the installation.
    Column("tenant_id", ID, ForeignKey("tenant.id")),
    # For an identity that is there already: a link by which it sets a new password.
    Column("identity_id", ID, ForeignKey("identity.id")),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("login", exact(255)),
    Column("email", exact(255)),
    Column("name", Text, nullable=False),
    Column("memberships", Text, nullable=False),
    # Whether the second factors of that identity go with its old password.
    Column("ends_factors", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", ID),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("accepted_at", Instant),
    Column("accepted_by", ID),
    Column("revoked_at", Instant),
    Index("ix_invitation_newest", "tenant_id", "created_at", "id"),
)

totp = Table(
    "totp",
    metadata,
    Column("identity_id", ID, ForeignKey("identity.id"), primary_key=True),
    Column("secret", exact(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    # NULL: it was set up, and no code of it was shown yet.
    Column("confirmed_at", Instant),
    # The time step of the last code that was accepted; no code up to it is accepted again.
    Column("last_step", BigInteger, nullable=False),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", ID, primary_key=True),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False, index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("transports", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
)

challenge = Table(
    "challenge",
    metadata,
    # The SHA-256 in hex of what its holder was given.
    Column("id", exact(64), primary_key=True),
    Column("purpose", exact(30), nullable=False),
    Column("identity_id", ID, ForeignKey("identity.id")),
    Column("payload", Text, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

external_identity = Table(
    "external_identity",
    metadata,
    Column("issuer", exact(500), nullable=False),
    Column("subject", exact(255), nullable=False),
    Column("identity_id", ID, ForeignKey("identity.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
)

attempt = Table(
    "attempt",
    metadata,
    # The SHA-256 in hex of an account's name or an address.
    Column("subject", exact(64), primary_key=True),
    Column("failures", BigInteger, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant_id", ID),
    Column("at", Instant, nullable=False),
    Column("actor_kind", exact(20), nullable=False),
    Column("actor_identity_id", ID),
    Column("actor_key_id", ID),
    Column("actor_session_id", ID),
    Column("action", exact(60), nullable=False),
    Column("target_type", exact(30), nullable=False),
    Column("target_id", ID, nullable=False),
    Column("ip", exact(45)),
    Column("request_id", exact(36)),
    Column("changes", Text, nullable=False),
    Index("ix_audit_entry_newest", "tenant_id", "at", "id"),
    Index("ix_audit_entry_target", "tenant_id", "target_id", "at", "id"),
    Index("ix_audit_entry_actor", "tenant_id", "actor_identity_id", "at", "id"),
    Index("ix_audit_entry_action", "tenant_id", "action", "at", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller_id", ID, nullable=False),
    # The empty text where the call concerns no tenant, since a primary key holds no NULL.
    Column("tenant_id", ID, nullable=False),
    # The SHA-256 of what the caller sent, in hex: callers put all sorts of things there, secrets among them.
    Column("key", exact(64), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("result_id", ID, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("caller_id", "tenant_id", "key"),
)

job = Table(
    "job",
    metadata,
    Column("name", exact(40), primary_key=True),
    Column("holder", exact(60)),
    Column("held_until", Instant, nullable=False),
    Column("ran_at", Instant),
)
