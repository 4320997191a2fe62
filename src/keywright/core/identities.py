"""Tenants, identities, roles and memberships: who a key speaks for and what that one may do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from keywright.core.permissions import Policies
from keywright.core.roles import built_in

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.limits import Limit
    from keywright.core.roles import Role, Values

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
DEFAULT_TENANT = "default"


class IdentityKind(StrEnum):
    """What an identity is; the values stand on every wire."""

    USER = "user"
    SERVICE_ACCOUNT = "service_account"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    """What a tenant asks of its keys and people; an empty one asks nothing beyond what holds everywhere.

    `max_key_lifetime_seconds` is the longest that a new key may live; `keys_must_expire` refuses keys without an end.
    `default_limits` hold for each key that has none of its own, `limits` for all uses in the tenant together.
    """

    key_prefix: str | None = None
    max_key_lifetime_seconds: int | None = None
    keys_must_expire: bool = False
    two_factor_required: bool = False
    default_limits: tuple[Limit, ...] = ()
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The isolation boundary; found by its slug."""

    id: str
    slug: str
    name: str
    active: bool
    created_at: datetime
    settings: TenantSettings = TenantSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whoever a key speaks for. `tenant_id` is the owning tenant, None for people and global keys.

    `limits` hold for all uses of its keys together.
    """

    id: str
    kind: IdentityKind
    name: str
    active: bool
    tenant_id: str | None
    created_at: datetime
    description: str = ""
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that an identity holds: in one tenant (a membership), or everywhere (`tenant_id` None).

    `defined` is the role as its tenant defines it, None for a built-in one.
    """

    role: str
    tenant_id: str | None = None
    variables: Values = ()
    defined: Role | None = None

    @property
    def definition(self) -> Role | None:
        """What the role allows; None when nobody defines it, and then it allows nothing."""
        return self.defined or built_in(self.role, self.tenant_id)


@dataclass(frozen=True, slots=True)
class Membership:
    """A grant as it stands: with its id, whose it is, and by whom it was given.

    `by_sign_on` says that single sign-on gave it by the person's groups, and takes it again.
    """

    id: str
    identity_id: str
    grant: Grant
    by_sign_on: bool
    created_at: datetime
    created_by: str | None = None


def is_slug(text: str) -> bool:
    """Whether a text may be a tenant's slug."""
    return _SLUG.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role by name, with the values of its variables."""

    role: str
    variables: Values = ()


@dataclass(frozen=True, slots=True)
class RoleSet:
    """Some grants and what they allow together; `sources[i]` is the grant that policy `i` comes from."""

    grants: tuple[Grant, ...]
    policies: Policies
    sources: tuple[Grant, ...]
    roles: tuple[HeldRole, ...] = field(init=False, compare=False)
    """The roles, by name."""

    def __post_init__(self) -> None:
        roles = tuple(HeldRole(grant.role, grant.variables) for grant in self.grants)
        object.__setattr__(self, "roles", roles)


@lru_cache(maxsize=4096)
def role_set(grants: tuple[Grant, ...]) -> RoleSet:
    """Compile grants once; a role that nobody defines allows nothing."""
    pairs = [
        (grant, policy)
        for grant in grants
        if grant.definition is not None
        for policy in grant.definition.expand(grant.variables)
    ]
    return RoleSet(
        grants, Policies.compile(policy for _, policy in pairs), tuple(grant for grant, _ in pairs)
    )


def grants_in(grants: tuple[Grant, ...], tenant_id: str | None) -> tuple[Grant, ...]:
    """The grants that count in a tenant: those held there and those held everywhere, by name, without doubles.

    With no tenant only what is held everywhere counts.
    """
    counting = {
        (grant.role, grant.tenant_id is None): grant
        for grant in grants
        if grant.tenant_id is None or (tenant_id is not None and grant.tenant_id == tenant_id)
    }
    return tuple(counting[place] for place in sorted(counting))
