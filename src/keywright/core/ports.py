"""What the core needs of the world, where the world comes in more than one form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from keywright.core.identities import grants_in, role_set
from keywright.core.permissions import compile_policies

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Grant, Identity, RoleSet, Tenant
    from keywright.core.keys import Key
    from keywright.core.permissions import Policies

MAX_PLACES = 16
"""Tenants for which one global key keeps its compiled roles at hand."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that a decision about one key rests on, read in one snapshot.

    `tenant` is None for a global key. `grants` are the identity's roles, in the key's tenant and
    everywhere; for a global key those of every tenant. `narrowed` is the key's scope. Both are compiled once.
    """

    key: Key
    identity: Identity
    tenant: Tenant | None
    grants: tuple[Grant, ...]
    narrowed: Policies | None = field(init=False, repr=False, compare=False)
    _held: dict[str | None, RoleSet] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scope = self.key.scope
        object.__setattr__(self, "narrowed", None if scope is None else compile_policies(scope))
        object.__setattr__(self, "_held", {})

    def held(self, tenant_id: str | None) -> RoleSet:
        """What the identity may do in a tenant, or (None) with the installation."""
        found = self._held.get(tenant_id)
        if found is None:
            if len(self._held) >= MAX_PLACES:
                self._held.clear()
            found = self._held[tenant_id] = role_set(grants_in(self.grants, tenant_id))
        return found


class KeyLookup(Protocol):
    """The read behind a decision that memory cannot answer."""

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """The facts of the key with this SHA-256 digest, or None; deleted keys are not found.

        Raises `Unavailable` when the database cannot answer.
        """
        ...

    async def tenant(self, slug: str) -> Tenant | None:
        """The tenant of this slug, or None. Raises `Unavailable` when the database cannot answer."""
        ...


class Clock(Protocol):
    """The time by which validity is judged."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...

    def now(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        ...
