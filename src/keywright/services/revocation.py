"""Revocation by whoever holds a token: showing it is enough to make it useless for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keywright.core.audit import Change
from keywright.core.errors import NotFound
from keywright.core.keys import State
from keywright.core.tokens import SESSION_PREFIX, Form, digest, form_of
from keywright.services.callers import Caller
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.keys import Key
    from keywright.services.tools import Tools
    from keywright.services.work import Work


@use_case("keys.revoke", permission=None, reach=Reach.SELF, changes=True, touches=True)
async def revoke_key(work: Work, _nothing: None) -> None:
    """Delete the key that the call is made with, for good, in whatever state it is."""
    key = await _own_key(work)
    if key is None:
        work.nothing_changed = True  # somebody else was faster
        return
    await work.transaction.keys(key.tenant_id).delete((key.id,), work.now)
    work.touch(key.id)
    work.record("key.revoke", "key", key.id, {"state": Change(key.state(work.now), State.DELETED)})


@use_case("keys.disable_own", permission=None, reach=Reach.SELF, changes=True, touches=True)
async def disable_own_key(work: Work, _nothing: None) -> None:
    """Disable the key that the call is made with; somebody else has to enable it again."""
    key = await _own_key(work)
    if key is None or not key.active:
        work.nothing_changed = True  # somebody else was faster
        return
    await work.transaction.keys(key.tenant_id).change(replace(key, active=False))
    work.touch(key.id)
    work.record("key.disable", "key", key.id, {"active": Change(before=True, after=False)})


async def _own_key(work: Work) -> Key | None:
    """The key that the call is made with, locked; None where it is deleted. Raises `NotFound` for a session."""
    used = work.caller.key
    if used is None:
        raise NotFound("This call was made with a session; it ends by a logout.")
    return await work.transaction.keys(used.tenant_id).by_id(used.id, lock=True)


async def holder_of(tools: Tools, token: str) -> Caller | None:
    """Who holds a token, though it may be disabled or over: to revoke it that is nothing against it.

    None for what is no token, or none that could still come to be used. Raises `Unavailable`.
    """
    form = form_of(token)
    if form is Form.MALFORMED:
        return None
    if token.startswith(f"{SESSION_PREFIX}_"):
        async with tools.database.read() as transaction:
            found = await transaction.sessions.by_digest(digest(token))
        if found is None or not found[0].live(tools.clock.now()):
            return None
        return Caller(identity=found[1], grants=(), session=found[0])
    facts = await tools.database.lookup.by_digest(digest(token))
    if facts is None:
        return None
    return Caller(
        identity=facts.identity, grants=facts.grants, key=facts.key, bound=facts.tenant, facts=facts
    )


async def settled(tools: Tools) -> None:
    """Wait until each node has heard of all that was changed so far.

    A token that is not known may be one that somebody else is revoking at this moment. Raises `Unavailable`.
    """
    async with tools.database.read() as transaction:
        epoch = await transaction.changes.head()
    await tools.receipts.wait(epoch, wait=True)
