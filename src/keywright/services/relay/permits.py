"""What an agent may name: keys, identities and tenants where its own key may run a node."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from keywright.core.errors import NotFound
from keywright.core.ids import is_id
from keywright.core.limits import Level
from keywright.services.throttle import node_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.usage import Use
    from keywright.services.callers import Caller
    from keywright.services.throttle import Throttle
    from keywright.storage import Database, Transaction

REMEMBERED_SECONDS: Final = 60.0
"""For so long an agent may go on to count for a subject that it might count for; it decides nothing by it."""
MAX_REMEMBERED: Final = 10_000


class Permits:
    """Judges names that agents bring. An agent whose key is not confined to a tenant may name everything."""

    def __init__(self, database: Database, throttle: Throttle) -> None:
        self._database = database
        self._throttle = throttle
        self._until: dict[tuple[str, str], float] = {}

    async def count_registration(self, transaction: Transaction, caller: Caller) -> None:
        """Note that a node registers. Raises `TooManyAttempts` for a key that has its nodes register without end."""
        subjects = (node_of(caller.credential_id),)
        await self._throttle.check(transaction, subjects)
        await self._throttle.failed(transaction, subjects)

    async def require(self, caller: Caller, level: Level, subject: str) -> None:
        """Raise `NotFound` unless a caller may count, or spend, for a key, an identity or a tenant."""
        tenant = caller.bound
        if tenant is None:
            return
        now = time.monotonic()
        if self._until.get((tenant.id, subject), 0.0) > now:
            return
        async with self._database.read() as transaction:
            known = await _is_of(transaction, tenant.id, level, subject)
        if not known:
            raise NotFound("No such key, identity or tenant.")
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[tenant.id, subject] = now + REMEMBERED_SECONDS

    async def known(self, transaction: Transaction, caller: Caller, uses: Sequence[Use]) -> list[Use]:
        """Those uses that are of keys that the caller may know and that are still there."""
        tenant = caller.bound
        if tenant is None:
            return list(uses)
        sound = [one for one in uses if one.tenant_id == tenant.id and is_id(one.key_id, "key")]
        keys = await transaction.keys(tenant.id).by_ids([one.key_id for one in sound])
        return [one for one in sound if one.key_id in keys]


async def _is_of(transaction: Transaction, tenant_id: str, level: Level, subject: str) -> bool:
    if level is Level.TENANT:
        return subject == tenant_id
    if level is Level.KEY:
        return is_id(subject, "key") and await transaction.keys(tenant_id).by_id(subject) is not None
    return is_id(subject, "idn") and await transaction.identities.in_tenant(tenant_id, subject) is not None
