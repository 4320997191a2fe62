"""How many keys a tenant has, as far as a look at one page of them says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.listing import MAX_PAGE, KeyQuery
from keywright.services.keys import ListKeys, list_keys

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.core.identities import Tenant


async def counted_keys(ask: Ask, tenant: Tenant) -> str | None:
    """`no keys`, `12 keys` or `more than 200 keys`; None for a reader who may not know of all keys."""
    if not ask.caller.may(tenant.id, "keys:read"):
        return None
    found = await ask.run(list_keys, ListKeys(query=KeyQuery(limit=MAX_PAGE)), tenant.slug)
    if found.more:
        return f"more than {MAX_PAGE} keys"
    count = len(found.items)
    return f"{count} key{'' if count == 1 else 's'}" if count else "no keys"
