"""Who would notice if keys were refused: uses of a week and agents that carry them, as far as one may know."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.decision import Asked, Code
from keywright.core.errors import InvalidValue
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.instants import EPOCH
from keywright.core.ports import KeyFacts
from keywright.core.roles import ADMIN, MEMBER, SUPER_ADMIN
from keywright.services.agents import NewAgent, register_agent
from keywright.services.keys import (
    MAX_AGENTS_NAMED,
    MAX_AT_ONCE,
    KeyId,
    KeyIds,
    KeyImpact,
    delete_keys,
    get_key,
    keys_impact,
)
from tests.support.facts import NOW, SOMEBODY

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio


async def impact(home: House, caller: Caller, *ids: str, tenant: str | None = None) -> tuple[KeyImpact, ...]:
    return await home.run(keys_impact, caller, KeyIds(ids), tenant=tenant)


async def used(home: House, made: Made, *uses: tuple[Code, timedelta]) -> None:
    """Have a key used some time before now, and write it down with nothing else."""
    home.uses.take()
    known = KeyFacts(made.key, SOMEBODY, None, ())
    for code, before in uses:
        moment = NOW - before
        home.uses.note(known, code, Asked(), (moment - EPOCH) // timedelta(microseconds=1))
    await home.upkeep.flush()


async def test_uses_of_a_week_and_agents_are_told(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    busy, idle = await home.key(acme, admin.identity), await home.key(acme, admin.identity)
    day = timedelta(days=1)
    await used(
        home,
        busy,
        (Code.VALID, timedelta(0)),
        (Code.VALID, 6 * day),
        (Code.DISABLED, day),
        (Code.VALID, 8 * day),
    )
    holder = await home.caller(busy)
    for number in range(MAX_AGENTS_NAMED + 1):
        await home.run(register_agent, holder, NewAgent(kind="LocalAgent", name=f"agent {number}"))
    one, other = await impact(home, admin, busy.id, idle.id, busy.id)
    assert (one.view, other.view) == (
        await home.run(get_key, admin, KeyId(busy.id)),
        await home.run(get_key, admin, KeyId(idle.id)),
    )
    assert (one.calls, one.allowed) == (3, 2)
    assert one.agents is not None
    assert (len(one.agents), one.agent_count) == (MAX_AGENTS_NAMED, MAX_AGENTS_NAMED + 1)
    assert (other.calls, other.allowed, other.agents, other.agent_count) == (0, 0, (), 0)


async def test_what_is_not_there_is_left_out(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    here, gone = await home.key(acme, admin.identity), await home.key(acme, admin.identity)
    elsewhere = await home.key(await home.tenant("other"), await home.identity())
    await home.run(delete_keys, admin, KeyIds((gone.id,)))
    asked = (gone.id, "no id", elsewhere.id, here.id, new_id("key"))
    assert [one.view.key.id for one in await impact(home, admin, *asked)] == [here.id]
    assert await impact(home, admin) == ()
    assert len(await impact(home, admin, here.id, *(new_id("key") for _ in range(MAX_AT_ONCE - 1)))) == 1
    with pytest.raises(InvalidValue):
        await impact(home, admin, *(new_id("key") for _ in range(MAX_AT_ONCE + 1)))


async def test_nobody_learns_more_than_they_may_read(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    member = await home.identity(Grant(MEMBER, acme.id))
    theirs = await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))
    own = await home.key(acme, member)
    (seen,) = await impact(home, await home.caller(own), theirs.id, own.id)
    assert (seen.view.key.id, seen.calls, seen.agents) == (own.id, 0, ())
    narrow = await home.admin(acme, scope=[(["keys:read"], None), (["usage:read"], [f"key:{own.id}"])])
    one, other = await impact(home, narrow, theirs.id, own.id)
    assert (one.calls, one.allowed, one.agents, one.agent_count) == (None, None, None, None)
    assert (other.calls, other.allowed, other.agents, other.agent_count) == (0, 0, None, None)


async def test_of_global_keys_no_agents_are_told(each_home: House) -> None:
    home = each_home
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    made = await home.key(None, root.identity)
    (found,) = await impact(home, root, made.id, tenant="*")
    assert (found.calls, found.agents, found.agent_count) == (0, None, None)
