"""From a driver's own rows to what a node remembers by the hundred thousand: made quickly, and sharing all it can.

Values are as the tables store them: moments as microseconds, truth as SQLite or PostgreSQL has it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from keywright.core.instants import from_us
from keywright.core.keys import UsedKey
from keywright.core.limits import Credits, Every, Refill
from keywright.storage.rows import cidrs_of, grant_of, identity_of, limits_of, scope_of, tenant_of
from keywright.storage.types import NEVER_ENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Grant, Identity, Tenant

_EMPTY = "{}"


def remembered_key(row: Sequence[Any], tenant: Tenant | None, identity: Identity) -> UsedKey:
    """What counts of a key when it is used, from the values of `USED_KEY_COLUMNS`."""
    id_, _, _, name, starts, ends, active, scope, cidrs, metadata, limits, left, amount, every, at = row
    refill = None if amount is None else Refill(amount, Every(every))
    return UsedKey(
        id=id_,
        tenant_id=None if tenant is None else tenant.id,
        identity_id=identity.id,
        name=name,
        not_before=None if starts is None else from_us(starts),
        expires_at=None if ends == NEVER_ENDS else from_us(ends),
        active=bool(active),
        scope=None if scope is None else scope_of(scope),
        allowed_cidrs=None if cidrs is None else cidrs_of(cidrs),
        metadata=_EMPTY if metadata == _EMPTY else metadata,
        limits=None if limits is None else limits_of(limits),
        credits=None if left is None else Credits(left, refill, None if at is None else from_us(at)),
    )


@lru_cache(maxsize=16_384)
def remembered_identity(row: tuple[Any, ...]) -> Identity:
    """An identity from the values of `IDENTITY_COLUMNS`; the keys that speak for it share one."""
    id_, kind, name, active, tenant_id, created_at, description, limits = row
    owner = None if tenant_id is None else sys.intern(tenant_id)
    return identity_of((id_, kind, name, active, owner, from_us(created_at), description, limits))


@lru_cache(maxsize=1_024)
def remembered_tenant(row: tuple[Any, ...]) -> Tenant:
    """A tenant from the values of `TENANT_COLUMNS`, one for all its keys."""
    id_, slug, name, active, created_at, settings = row
    return tenant_of((sys.intern(id_), slug, name, active, from_us(created_at), settings))


@lru_cache(maxsize=16_384)
def remembered_grants(rows: tuple[tuple[Any, ...], ...]) -> tuple[Grant, ...]:
    """Grants from the values of `GRANT_COLUMNS`; all who hold the same roles share one."""
    return tuple(map(grant_of, rows))
