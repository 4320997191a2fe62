"""What the core needs of the world, where the world comes in more than one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Grant, Identity, Tenant
    from keywright.core.keys import Key


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that a decision about one key rests on, read in one snapshot.

    `tenant` is None for a global key. `grants` are the identity's roles, in the key's tenant and
    everywhere; for a global key those of every tenant.
    """

    key: Key
    identity: Identity
    tenant: Tenant | None
    grants: tuple[Grant, ...]


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
