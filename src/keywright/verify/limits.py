"""Which limits count a key's uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.limits import Bucket, Level

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts


def buckets_of(facts: KeyFacts, place: Tenant | None = None) -> tuple[Bucket, ...]:
    """The limits that a use of a key asks: its own, its identity's, and its tenant's, in this order.

    A key without limits of its own (`limits` None; none at all is an empty tuple) has those that its tenant sets for
    such keys, each key for itself. `place` is the tenant in which a global key is used; without one no tenant's limits
    ask.
    """
    key, tenant = facts.key, facts.tenant
    own = key.limits
    if own is None:
        own = () if tenant is None else tenant.settings.default_limits
    where = place if tenant is None else tenant
    return (
        *(Bucket(Level.KEY, key.id, limit) for limit in own),
        *(Bucket(Level.IDENTITY, facts.identity.id, limit) for limit in facts.identity.limits),
        *(
            ()
            if where is None
            else (Bucket(Level.TENANT, where.id, limit) for limit in where.settings.limits)
        ),
    )
