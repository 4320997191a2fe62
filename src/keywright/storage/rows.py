"""From rows to the core's values and back. Shared by the repositories and the raw look-up."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_

from keywright.core.identities import (
    Grant,
    Identity,
    IdentityKind,
    Tenant,
    TenantSettings,
)
from keywright.core.keys import Key
from keywright.core.limits import Credits, Every, Limit, Refill
from keywright.core.listing import fold
from keywright.core.permissions import Policy
from keywright.core.roles import PolicyTemplate, Role, Variable, values_of
from keywright.core.routes import Route, RouteTable
from keywright.storage.schema import api_key, identity, membership, role, tenant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from keywright.core.roles import Values

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
        "limits",
        "credits",
        "refill_amount",
        "refill_every",
        "refill_at",
    )
)
_KEY_NAMES = tuple(column.name for column in KEY_COLUMNS)
USED_KEY_COLUMNS = tuple(
    api_key.c[name]
    for name in (
        "id",
        "tenant_id",
        "identity_id",
        "name",
        "not_before",
        "expires_at",
        "active",
        "scope",
        "allowed_cidrs",
        "metadata",
        "limits",
        "credits",
        "refill_amount",
        "refill_every",
        "refill_at",
    )
)
IDENTITY_COLUMNS = tuple(
    identity.c[name]
    for name in ("id", "kind", "name", "active", "tenant_id", "created_at", "description", "limits")
)
TENANT_COLUMNS = tuple(tenant.c[name] for name in ("id", "slug", "name", "active", "created_at", "settings"))
GRANT_COLUMNS = (
    membership.c.role,
    membership.c.tenant_id,
    membership.c.variables,
    role.c.description,
    role.c.variables.label("role_variables"),
    role.c.policies,
)
DEFINED = and_(role.c.tenant_id == membership.c.tenant_id, role.c.name == membership.c.role)
"""How a membership finds the role that its tenant defines; a built-in role has no row."""

Row = Any  # a tuple-like row of either SQLAlchemy or a driver, its columns in the order of a *_COLUMNS tuple


def key_of(row: Row) -> Key:
    """A key from the values of `KEY_COLUMNS`."""
    return Key(**_key_values(dict(zip(_KEY_NAMES, row, strict=True))))


def _key_values(values: dict[str, Any]) -> dict[str, Any]:
    values["scope"] = None if values["scope"] is None else scope_of(values["scope"])
    values["allowed_cidrs"] = None if values["allowed_cidrs"] is None else cidrs_of(values["allowed_cidrs"])
    values["active"] = bool(values["active"])
    values["limits"] = None if values["limits"] is None else limits_of(values["limits"])
    amount, every, at = (values.pop(name) for name in ("refill_amount", "refill_every", "refill_at"))
    if values["credits"] is not None:
        refill = None if amount is None else Refill(amount, Every(every))
        values["credits"] = Credits(values["credits"], refill, at)
    return values


def identity_of(row: Row) -> Identity:
    """An identity from the values of `IDENTITY_COLUMNS`."""
    id_, kind, name, active, tenant_id, created_at, description, limits = row
    return Identity(
        id=id_,
        kind=IdentityKind(kind),
        name=name,
        active=bool(active),
        tenant_id=tenant_id,
        created_at=created_at,
        description=description,
        limits=limits_of(limits),
    )


def identity_values(value: Identity) -> dict[str, object]:
    """An identity as column values."""
    return {column.name: getattr(value, column.name) for column in IDENTITY_COLUMNS} | {
        "limits": limits_text(value.limits)
    }


def tenant_of(row: Row) -> Tenant:
    """A tenant from the values of `TENANT_COLUMNS`."""
    id_, slug, name, active, created_at, settings = row
    return Tenant(
        id=id_,
        slug=slug,
        name=name,
        active=bool(active),
        created_at=created_at,
        settings=settings_of(settings),
    )


def tenant_values(value: Tenant) -> dict[str, object]:
    """A tenant as column values."""
    return {column.name: getattr(value, column.name) for column in TENANT_COLUMNS} | {
        "settings": json.dumps(asdict(value.settings), ensure_ascii=False)
    }


@lru_cache(maxsize=1024)
def settings_of(text: str) -> TenantSettings:
    """A tenant's settings from their JSON text."""
    plain = json.loads(text)
    for name in ("default_limits", "limits"):
        plain[name] = tuple(Limit(**one) for one in plain.get(name, ()))
    return TenantSettings(**plain)


@lru_cache(maxsize=4096)
def limits_of(text: str) -> tuple[Limit, ...]:
    """Limits from their JSON text; many keys share them, so parsing is remembered."""
    return tuple(Limit(**one) for one in json.loads(text))


def limits_text(limits: Sequence[Limit]) -> str:
    """Limits as JSON text."""
    return json.dumps([asdict(one) for one in limits], ensure_ascii=False)


@lru_cache(maxsize=256)
def routes_of(text: str) -> RouteTable | None:
    """A tenant's routes from their JSON text, None where it has none; all its keys share one table."""
    routes = [Route(one["match"], one["action"], one.get("resource")) for one in json.loads(text)]
    return RouteTable.compile(routes) if routes else None


def routes_text(routes: Sequence[Route]) -> str:
    """Routes as JSON text."""
    return json.dumps([one.to_plain() for one in routes], ensure_ascii=False)


def grant_of(row: Row) -> Grant:
    """A grant from the values of `GRANT_COLUMNS`."""
    name, tenant_id, variables, description, role_variables, policies = row
    defined = None if policies is None else role_of(name, description, role_variables, policies)
    return Grant(name, tenant_id, values_from(variables), defined)


@lru_cache(maxsize=4096)
def values_from(text: str) -> Values:
    """The values of variables from their JSON text."""
    return values_of(json.loads(text))


@lru_cache(maxsize=4096)
def role_of(name: str, description: str, variables: str, policies: str) -> Role:
    """A role from its texts; many memberships share one, so parsing is remembered."""
    return Role(
        name,
        description,
        tuple(Variable(one["name"], one["entity"], one["description"]) for one in json.loads(variables)),
        tuple(PolicyTemplate.of(one["actions"], one.get("resources")) for one in json.loads(policies)),
    )


def role_values(value: Role) -> dict[str, object]:
    """A role as column values, without whose it is."""
    return {
        "name": value.name,
        "description": value.description,
        "variables": json.dumps([asdict(one) for one in value.variables], ensure_ascii=False),
        "policies": json.dumps([one.to_plain() for one in value.policies], ensure_ascii=False),
    }


def values_text(values: Values) -> str:
    """The values of variables as JSON text."""
    return json.dumps(dict(values), ensure_ascii=False)


def key_values(key: Key) -> dict[str, object]:
    """A key as column values; the digest comes beside it, since a key does not hold it."""
    credit = key.credits
    refill = None if credit is None else credit.refill
    values: dict[str, object] = {
        column.name: getattr(key, column.name)
        for column in KEY_COLUMNS
        if not column.name.startswith("refill")
    }
    values["limits"] = None if key.limits is None else limits_text(key.limits)
    values["credits"] = None if credit is None else credit.remaining
    values["refill_amount"] = None if refill is None else refill.amount
    values["refill_every"] = None if refill is None else refill.every
    values["refill_at"] = None if credit is None else credit.refill_at
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
