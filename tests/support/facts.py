"""Keys, identities and tenants that no database has seen, each a sound one until a test says otherwise."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from keywright.core.identities import Grant, Identity, IdentityKind, Tenant
from keywright.core.keys import Key, UsedKey
from keywright.core.ports import KeyFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
ACME = Tenant(id="ten_acme", slug="acme", name="Acme", active=True, created_at=NOW)
OTHER = Tenant(id="ten_other", slug="other", name="Other", active=True, created_at=NOW)
SOMEBODY = Identity(
    id="idn_somebody",
    kind=IdentityKind.SERVICE_ACCOUNT,
    name="Somebody",
    active=True,
    tenant_id=None,
    created_at=NOW,
)
KEY = Key(
    id="key_one",
    tenant_id=ACME.id,
    identity_id=SOMEBODY.id,
    name="A key",
    handle=None,
    description="",
    prefix="kw",
    hint=None,
    last_seven=None,
    created_at=NOW,
    created_by=None,
    not_before=None,
    expires_at=None,
    active=True,
    scope=None,
    allowed_cidrs=None,
    metadata="{}",
    last_used_at=None,
    last_used_ip=None,
)


def a_key(**fields: Any) -> Key:
    """A key of `ACME`, with other values in some fields."""
    return replace(KEY, **fields)


def used(key: Key) -> UsedKey:
    """What counts of a key when it is used."""
    return UsedKey(**{one.name: getattr(key, one.name) for one in fields(UsedKey)})


def some_facts(
    *,
    tenant: Tenant | None = ACME,
    identity: Identity = SOMEBODY,
    grants: Sequence[Grant] = (),
    **values: Any,
) -> KeyFacts:
    """What is known of one key."""
    key = a_key(tenant_id=None if tenant is None else tenant.id, identity_id=identity.id, **values)
    return KeyFacts(key, identity, tenant, tuple(grants))
