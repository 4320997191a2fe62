"""Since when a credential is refused: for doors that tell its holder, in the words of another system.

To hold the token is what entitles to the answer. A text that can be no token, and one that nobody knows, have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.listing import DEFAULT_PAGE, AuditQuery
from keywright.core.tokens import SESSION_PREFIX, Form, digest, form_of

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.keys import UsedKey
    from keywright.core.listing import Position
    from keywright.services.tools import Tools


async def disabled_at(tools: Tools, token: str) -> datetime | None:
    """When the key of this token was disabled, as the audit trail has it; None where it is not, or no entry says so.

    Raises `Unavailable`.
    """
    key = await _key(tools, token)
    if key is None or key.active:
        return None
    asked = AuditQuery(target_id=key.id, action="key.*")
    after: Position | None = None
    async with tools.database.read() as transaction:
        while True:
            page = await transaction.audit(key.tenant_id).page(asked, limit=DEFAULT_PAGE, after=after)
            switched = next((one for one in page.items if "active" in one.changes), None)
            if switched is not None or not page.more:
                break
            after = page.positions[-1]
    if switched is None or switched.changes["active"].after is not False:
        return None
    return switched.at


async def expired_at(tools: Tools, token: str) -> datetime | None:
    """When the key or session of this token ended by the clock; None where it did not. Raises `Unavailable`."""
    now = tools.clock.now()
    if not token.startswith(f"{SESSION_PREFIX}_"):
        key = await _key(tools, token)
        end = None if key is None else key.expires_at
    elif form_of(token) is Form.CHECKED:
        async with tools.database.read() as transaction:
            found = await transaction.sessions.by_digest(digest(token))
        # Who has logged out has ended the session, and not the clock.
        over = None if found is None or found[0].ended_at is not None else found[0]
        end = None if over is None else min(over.idle_at, over.ends_at)
    else:
        end = None
    return end if end is not None and end <= now else None


async def _key(tools: Tools, token: str) -> UsedKey | None:
    """The key of a token, in whatever state it is; None for what no key has, or a deleted one had."""
    if form_of(token) is Form.MALFORMED or token.startswith(f"{SESSION_PREFIX}_"):
        return None
    facts = await tools.database.lookup.by_digest(digest(token))
    return None if facts is None else facts.key
