"""Agents as they are stored: one row for one that comes again, a bound for each key, and nothing across tenants.

Each public method of `Agents` has a case here with two tenants, found by its name; a method without one fails.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.agents import Agent
from keywright.core.ids import new_id
from keywright.core.listing import Position
from keywright.storage import agents as module
from keywright.storage.agents import Agents
from tests.contract.storage.making import (
    NASTY,
    NOW,
    SECOND,
    Home,
    add_home,
    add_installation,
    add_key,
    an_identity,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio


def an_agent(home: Home, key: Key | None, **changes: Any) -> Agent:
    made = Agent(
        id=new_id("agt"),
        tenant_id=str(home.tenant_id),
        key_id=None if key is None else key.id,
        identity_id=home.identity.id,
        kind="LocalAgent",
        name="agent",
        labels=("prod", "eu"),
        version="1.4.1",
        registered_at=NOW,
        last_seen_at=NOW,
        last_seen_ip="192.0.2.1",
    )
    return replace(made, **changes)


async def add(database: Database, *new: Agent) -> list[str]:
    async with database.write() as transaction:
        return [await transaction.agents(one.tenant_id).add(one) for one in new]


async def stored(database: Database, home: Home, **which: Any) -> list[Agent]:
    async with database.read() as transaction:
        page = await transaction.agents(str(home.tenant_id)).page(limit=100, **which)
    assert [one.id for one in page.positions] == [one.id for one in page.items]
    return list(page.items)


async def test_an_agent_is_kept_as_it_is(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    full = an_agent(home, key, kind="\U0001f600", name="é", labels=NASTY[:50], last_seen_ip="2001:db8::1")
    plain = an_agent(home, None, labels=(), version=None, last_seen_ip=None)
    assert await add(database, full, plain) == [full.id, plain.id]
    async with database.read() as transaction:
        agents = transaction.agents(str(home.tenant_id))
        assert await agents.by_id(full.id) == full
        assert await agents.by_id(plain.id) == plain
        assert await agents.by_id(new_id("agt")) is None


async def test_one_that_comes_again_is_the_same(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    heir = an_identity(tenant_id=home.tenant_id)
    async with database.write() as transaction:
        await transaction.identities.add(heir)
    first = an_agent(home, key)
    again = replace(
        first,
        id=new_id("agt"),
        identity_id=heir.id,
        labels=("eu", "prod"),
        version="2.0",
        registered_at=NOW + SECOND,
        last_seen_at=NOW + SECOND,
        last_seen_ip=None,
    )
    assert await add(database, first, again) == [first.id, first.id]
    assert await stored(database, home) == [replace(again, id=first.id)]


@pytest.mark.parametrize(
    "changes",
    [{"kind": "DockerAgent"}, {"name": "Agent"}, {"labels": ("prod",)}, {"labels": ("prod", "EU")}],
    ids=str,
)
async def test_what_makes_another_agent(database: Database, home: Home, changes: dict[str, Any]) -> None:
    key = await add_key(database, home)
    one = an_agent(home, key)
    other = an_agent(home, key, **changes)
    assert await add(database, one, other) == [one.id, other.id]


async def test_agents_of_other_holders_are_others(database: Database, home: Home) -> None:
    keys = [await add_key(database, home) for _ in range(2)]
    somebody = an_identity()
    async with database.write() as transaction:
        await transaction.identities.add(somebody)
    made = [an_agent(home, key) for key in (*keys, None)]
    made.append(an_agent(home, None, identity_id=somebody.id))
    assert await add(database, *made) == [one.id for one in made]
    assert await stored(database, home, key_id=keys[1].id) == [made[1]]
    assert await stored(database, home, identity_id=home.identity.id) == made[:3]
    assert await stored(database, home, identity_id=home.identity.id, key_id=keys[0].id) == [made[0]]
    assert await stored(database, home, key_id="none") == []


async def test_many_starts_at_once_are_one_agent(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    starts = await asyncio.gather(*(add(database, an_agent(home, key)) for _ in range(6)))
    assert len({one for start in starts for one in start}) == 1
    assert len(await stored(database, home)) == 1


async def test_a_list_goes_on_where_it_ended(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    made = [an_agent(home, key, name=f"agent {number}") for number in range(3)]
    await add(database, *made)
    async with database.read() as transaction:
        agents = transaction.agents(str(home.tenant_id))
        first = await agents.page(limit=2)
        assert (first.items, first.more) == (tuple(made[:2]), True)
        rest = await agents.page(limit=2, after=first.positions[-1])
        assert (rest.items, rest.more) == ((made[2],), False)


@pytest.mark.parametrize("by_key", [True, False], ids=["key", "session"])
async def test_of_too_many_the_one_seen_longest_ago_goes(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch, *, by_key: bool
) -> None:
    monkeypatch.setattr(module, "MAX_AGENTS", 3)
    key = await add_key(database, home)
    holder, other = (key, None) if by_key else (None, key)
    stays = an_agent(home, other)
    made = [
        an_agent(home, holder, name=f"agent {number}", last_seen_at=NOW - age * SECOND)
        for number, age in enumerate((2, 4, 3))
    ]
    await add(database, stays, *made)
    assert await stored(database, home) == [stays, *made]
    again = replace(made[1], id=new_id("agt"))
    await add(database, again)
    assert await stored(database, home) == [stays, *made]
    # However wrong the clock of the node that it came to: the one that has just come stays.
    late = an_agent(home, holder, name="late", last_seen_at=NOW - 9 * SECOND)
    await add(database, late)
    assert await stored(database, home) == [stays, made[0], made[2], late]


async def test_what_was_not_seen_for_long_is_forgotten(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    other = await add_home(database)
    old = [an_agent(one, None, last_seen_at=NOW - SECOND) for one in (home, other)]
    kept = an_agent(home, key, registered_at=NOW - 9 * SECOND)
    await add(database, *old, kept)
    async with database.write() as transaction:
        assert await transaction.all_agents.forget_before(NOW) == 2
    assert await stored(database, home) == [kept]


async def test_of_those_that_carry_a_key_the_last_seen_are_named(database: Database, home: Home) -> None:
    key, other, idle = [await add_key(database, home) for _ in range(3)]
    made = [
        an_agent(home, key, name=f"agent {number}", last_seen_at=NOW + number % 3 * SECOND)
        for number in range(5)
    ]
    lone = an_agent(home, other)
    await add(database, *made, lone, an_agent(home, None))
    latest = sorted(made, key=lambda one: (-one.last_seen_at.timestamp(), one.id))
    async with database.read() as transaction:
        agents = transaction.agents(str(home.tenant_id))
        assert await agents.carrying([key.id, other.id, idle.id], named=3) == {
            key.id: (tuple(latest[:3]), 5),
            other.id: ((lone,), 1),
            idle.id: ((), 0),
        }
        assert await agents.carrying([], named=3) == {}


async def test_a_deleted_key_is_still_known_here(database: Database, home: Home) -> None:
    key = await add_key(database, home)
    await add(database, an_agent(home, key))
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).delete([key.id], NOW)
        found = await transaction.agents(str(home.tenant_id)).keys([key.id])
    assert found == {key.id: replace(key, deleted_at=NOW, active=False)}
    assert len(await stored(database, home, key_id=key.id)) == 1


async def test_agents_go_with_their_tenant(database: Database, home: Home) -> None:
    other = await add_home(database)
    theirs = an_agent(other, None)
    await add(database, an_agent(home, None), theirs)
    async with database.write() as transaction:
        await transaction.tenants.delete(str(home.tenant_id), NOW)
    assert await stored(database, home) == []
    assert await stored(database, other) == [theirs]


# Two tenants


@dataclass(frozen=True, slots=True)
class Two:
    """Whoever acts, somebody else whose agent looks just alike, and a key that is good in both tenants."""

    database: Database
    mine: str
    my_home: Home
    keys: tuple[Key, Key, Key]
    my_agent: Agent
    their_agent: Agent


@pytest.fixture
async def two(database: Database) -> Two:
    mine, theirs, everywhere = (
        await add_home(database),
        await add_home(database),
        await add_installation(database),
    )
    keys = [await add_key(database, home, name="Deploy") for home in (mine, theirs, everywhere)]
    agents = [an_agent(home, keys[2], identity_id=everywhere.identity.id) for home in (mine, theirs)]
    assert await add(database, *agents) == [one.id for one in agents]
    return Two(database, str(mine.tenant_id), mine, (keys[0], keys[1], keys[2]), agents[0], agents[1])


async def agents_add(two: Two) -> None:
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.agents(two.mine).add(replace(two.their_agent, name="stray"))


async def agents_by_id(two: Two) -> None:
    async with two.database.read() as transaction:
        agents = transaction.agents(two.mine)
        assert await agents.by_id(two.my_agent.id) == two.my_agent
        assert await agents.by_id(two.their_agent.id) is None


async def agents_page(two: Two) -> None:
    which: list[dict[str, Any]] = [
        {},
        {"key_id": two.keys[2].id},
        {"identity_id": two.their_agent.identity_id},
        {"after": Position(None, "agt_0")},
    ]
    for one in which:
        assert await stored(two.database, two.my_home, **one) == [two.my_agent]
    assert await stored(two.database, two.my_home, after=Position(None, two.their_agent.id)) == []


async def agents_keys(two: Two) -> None:
    mine, _, everywhere = two.keys
    async with two.database.read() as transaction:
        found = await transaction.agents(two.mine).keys([key.id for key in two.keys])
    assert found == {mine.id: mine, everywhere.id: everywhere}


async def agents_carrying(two: Two) -> None:
    mine, _, everywhere = two.keys
    async with two.database.read() as transaction:
        found = await transaction.agents(two.mine).carrying([mine.id, everywhere.id], named=3)
    assert found == {mine.id: ((), 0), everywhere.id: ((two.my_agent,), 1)}


async def agents_seen(two: Two) -> None:
    async with two.database.write() as transaction:
        agents = transaction.agents(two.mine)
        for one in (two.their_agent, two.my_agent):
            await agents.seen(one.id, two.my_home.identity.id, NOW + SECOND, None)
        assert await agents.by_id(two.my_agent.id) == replace(
            two.my_agent,
            identity_id=two.my_home.identity.id,
            last_seen_at=NOW + SECOND,
            last_seen_ip=None,
        )


CASES: dict[str, Callable[[Two], Awaitable[None]]] = {
    "add": agents_add,
    "by_id": agents_by_id,
    "page": agents_page,
    "keys": agents_keys,
    "carrying": agents_carrying,
    "seen": agents_seen,
}
METHODS = [name for name, _ in inspect.getmembers(Agents, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
async def test_a_method_keeps_to_its_tenant(two: Two, name: str) -> None:
    assert name in CASES, f"Agents.{name} needs a case with two tenants"
    await CASES[name](two)
    async with two.database.read() as transaction:
        theirs = await transaction.agents(two.their_agent.tenant_id).page(limit=10)
    assert theirs.items == (two.their_agent,)


def test_every_case_has_its_method() -> None:
    assert set(CASES) == set(METHODS)


async def test_a_bound_is_each_tenant_s_own(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is good in two tenants: what comes in the one drives nothing out of the other."""
    monkeypatch.setattr(module, "MAX_AGENTS", 1)
    new = replace(two.my_agent, id=new_id("agt"), name="new")
    await add(two.database, new)
    assert await stored(two.database, two.my_home) == [new]
    async with two.database.read() as transaction:
        assert await transaction.agents(two.their_agent.tenant_id).by_id(two.their_agent.id) is not None
