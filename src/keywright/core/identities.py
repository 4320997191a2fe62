"""Tenants, identities, roles and memberships: who a key speaks for and what that one may do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from keywright.core.permissions import Policies, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
DEFAULT_TENANT = "default"


class IdentityKind(StrEnum):
    """What an identity is; the values stand on every wire."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The isolation boundary; found by its slug."""

    id: str
    slug: str
    name: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whoever a key speaks for. `tenant_id` is the owning tenant, None for people and global keys."""

    id: str
    kind: IdentityKind
    name: str
    active: bool
    tenant_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that an identity holds: in one tenant (a membership), or everywhere (`tenant_id` None)."""

    role: str
    tenant_id: str | None = None
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


SUPER_ADMIN = "super_admin"
ADMIN = "admin"

BUILT_IN_ROLES: Mapping[str, tuple[Policy, ...]] = {
    SUPER_ADMIN: (Policy.parse(["**"], None),),
    ADMIN: (Policy.parse(["**"], None),),
}
"""What each built-in role allows within the tenant, or installation, in which it is held."""


def is_slug(text: str) -> bool:
    """Whether a text may be a tenant's slug."""
    return _SLUG.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RoleSet:
    """Some roles and what they allow together; `sources[i]` is the role that policy `i` comes from."""

    roles: tuple[str, ...]
    policies: Policies
    sources: tuple[str, ...]


@lru_cache(maxsize=4096)
def role_set(roles: tuple[str, ...]) -> RoleSet:
    """Compile roles once; a role that nobody defines allows nothing."""
    pairs = [(role, policy) for role in roles for policy in BUILT_IN_ROLES.get(role, ())]
    return RoleSet(roles, Policies.compile(policy for _, policy in pairs), tuple(role for role, _ in pairs))


def roles_in(grants: tuple[Grant, ...], tenant_id: str | None) -> tuple[str, ...]:
    """The roles that count in a tenant: those held there and those held everywhere, sorted and without doubles.

    With no tenant only the roles held everywhere count.
    """
    return tuple(
        sorted(
            {
                g.role
                for g in grants
                if g.tenant_id is None or (tenant_id is not None and g.tenant_id == tenant_id)
            }
        )
    )
