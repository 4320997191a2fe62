"""From rows to the core's values and back. Shared by the repositories and the raw look-up."""

from __future__ import annotations

import ipaddress
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from keywright.core.identities import Grant, Identity, IdentityKind, Tenant
from keywright.core.keys import Key
from keywright.core.listing import fold
from keywright.core.permissions import Policy
from keywright.storage.schema import api_key, identity, membership, tenant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

KEY_COLUMNS = tuple(
    api_key.c[name]
    for name in (
        "id",
        "tenant_id",
        "identity_id",
        "name",
        "handle",
        "description",
        "prefix",
        "hint",
        "last_seven",
        "created_at",
        "created_by",
        "not_before",
        "expires_at",
        "active",
        "scope",
        "allowed_cidrs",
        "metadata",
        "last_used_at",
        "last_used_ip",
        "deleted_at",
    )
)
_KEY_NAMES = tuple(column.name for column in KEY_COLUMNS)
IDENTITY_COLUMNS = tuple(
    identity.c[name] for name in ("id", "kind", "name", "active", "tenant_id", "created_at")
)
TENANT_COLUMNS = tuple(tenant.c[name] for name in ("id", "slug", "name", "active", "created_at"))
GRANT_COLUMNS = (membership.c.role, membership.c.tenant_id)

Row = Any  # a tuple-like row of either SQLAlchemy or a driver, its columns in the order of a *_COLUMNS tuple


def key_of(row: Row) -> Key:
    """A key from the values of `KEY_COLUMNS`."""
    values = dict(zip(_KEY_NAMES, row, strict=True))
    values["scope"] = None if values["scope"] is None else scope_of(values["scope"])
    values["allowed_cidrs"] = None if values["allowed_cidrs"] is None else cidrs_of(values["allowed_cidrs"])
    values["active"] = bool(values["active"])
    return Key(**values)


def identity_of(row: Row) -> Identity:
    """An identity from the values of `IDENTITY_COLUMNS`."""
    id_, kind, name, active, tenant_id, created_at = row
    return Identity(
        id=id_,
        kind=IdentityKind(kind),
        name=name,
        active=bool(active),
        tenant_id=tenant_id,
        created_at=created_at,
    )


def tenant_of(row: Row) -> Tenant:
    """A tenant from the values of `TENANT_COLUMNS`."""
    id_, slug, name, active, created_at = row
    return Tenant(id=id_, slug=slug, name=name, active=bool(active), created_at=created_at)


def grant_of(row: Row) -> Grant:
    """A grant from the values of `GRANT_COLUMNS`."""
    role, tenant_id = row
    return Grant(role, tenant_id)


def key_values(key: Key) -> dict[str, object]:
    """A key as column values; the digest comes beside it, since a key does not hold it."""
    values: dict[str, object] = {column.name: getattr(key, column.name) for column in KEY_COLUMNS}
    values["name_folded"] = fold(key.name)
    values["scope"] = None if key.scope is None else scope_text(key.scope)
    values["allowed_cidrs"] = (
        None if key.allowed_cidrs is None else json.dumps([str(one) for one in key.allowed_cidrs])
    )
    return values


def scope_text(scope: Sequence[Policy]) -> str:
    """A scope as JSON text."""
    return json.dumps([policy.to_plain() for policy in scope], ensure_ascii=False)


@lru_cache(maxsize=4096)
def scope_of(text: str) -> tuple[Policy, ...]:
    """A scope from its JSON text; many keys share one, so parsing is remembered."""
    return tuple(Policy.parse(item["actions"], item.get("resources")) for item in json.loads(text))


@lru_cache(maxsize=4096)
def cidrs_of(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Address ranges from their JSON text."""
    return tuple(ipaddress.ip_network(one) for one in json.loads(text))
