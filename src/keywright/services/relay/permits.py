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

    from keywright.services.callers import Caller
    from keywright.services.throttle import Throttle
    from keywright.storage import Database, Transaction

REMEMBERED_SECONDS: Final = 60.0
"""For so long an agent may go on to count for a subject that it might count for; it decides nothing by it."""
MAX_REMEMBERED: Final = 10_000
_KINDS: Final = {Level.KEY: "key", Level.IDENTITY: "idn", Level.TENANT: "ten"}


class Permits:
    """Judges names that agents bring. An agent whose key is not confined to a tenant may name whatever there is."""

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
        bound = caller.bound
        place = "" if bound is None else bound.id
        now = time.monotonic()
        if self._until.get((place, subject), 0.0) > now:
            return
        known = is_id(subject, _KINDS[level])
        if known and bound is not None:
            async with self._database.read() as transaction:
                known = await _is_of(transaction, bound.id, level, subject)
        if not known:
            raise NotFound("No such key, identity or tenant.")
        if len(self._until) >= MAX_REMEMBERED:
            self._until.clear()
        self._until[place, subject] = now + REMEMBERED_SECONDS

    async def keys(
        self, transaction: Transaction, caller: Caller, key_ids: Sequence[str]
    ) -> dict[str, str | None]:
        """Those of some keys that are there and that a caller may know, each with the id of its tenant."""
        found = await transaction.all_keys.tenants_of([one for one in key_ids if is_id(one, "key")])
        if caller.bound is None:
            return found
        return {key: tenant for key, tenant in found.items() if tenant == caller.bound.id}


async def _is_of(transaction: Transaction, tenant_id: str, level: Level, subject: str) -> bool:
    if level is Level.TENANT:
        return subject == tenant_id
    if level is Level.KEY:
        return await transaction.keys(tenant_id).by_id(subject) is not None
    return await transaction.identities.in_tenant(tenant_id, subject) is not None
