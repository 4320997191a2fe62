"""Revocation by whoever holds a token: whose it is, in whatever state, and what is done to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import Change
from keywright.core.errors import NotFound
from keywright.core.identities import Grant
from keywright.core.keys import State
from keywright.core.roles import ADMIN
from keywright.core.tokens import mint
from keywright.services.revocation import holder_of, revoke_key

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_a_key_is_deleted_as_its_holder(home: House, acme: Tenant) -> None:
    made = await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))
    holder = await home.caller(made)
    await home.run(revoke_key, holder, None)
    assert made.key.id not in await home.keys()
    (entry,) = [one for one in await home.trail(acme) if one.action == "key.revoke"]
    assert entry.actor == holder.actor
    assert entry.changes == {"state": Change(State.ACTIVE, State.DELETED)}
    before = await home.count_entries()
    await home.run(revoke_key, holder, None)
    assert await home.count_entries() == before


async def test_a_session_is_no_key(home: House) -> None:
    await home.person("anna", "correct horse")
    with pytest.raises(NotFound):
        await home.run(revoke_key, await home.logged_in("anna", "correct horse"), None)


async def test_who_holds_a_token(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    over = await home.key(acme, owner, expires_at=home.clock.now() + timedelta(hours=1))
    home.clock.advance(hours=2)
    tools = home.tools
    found = await holder_of(tools, over.token)
    assert found is not None
    assert found.key is not None
    assert (found.key.id, found.bound, found.identity) == (over.key.id, acme, owner)
    for token in ("", "kw_malformed", "unknown-token-of-nobody", mint().reveal(), mint("kws").reveal()):
        assert await holder_of(tools, token) is None
