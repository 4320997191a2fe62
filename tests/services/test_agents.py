"""Agents: they announce themselves, stay one through restarts, are seen, and show what a revocation stops."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.agents import KEPT_FOR, SEEN_EVERY
from keywright.core.audit import Change
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.keys import State
from keywright.core.roles import ADMIN, MEMBER, MONITOR, READ_ONLY
from keywright.core.tokens import mint
from keywright.services.agents import (
    AgentId,
    AgentKey,
    ListAgents,
    NewAgent,
    list_agents,
    register_agent,
    see_agent,
)
from keywright.services.keys import KeyChanges, KeyIds, KeyTransfer, delete_keys, transfer_key, update_key
from keywright.services.tenants import TenantDeletion, delete_tenant
from tests.services.asking import everything, refused

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.agents import AgentView
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

LOCAL = NewAgent(kind="LocalAgent", name="agent", labels=("prod", "eu"), version="1.4.1")
EVERY = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


async def a_member(home: House, tenant: Tenant, name: str = "Member") -> tuple[Made, Caller]:
    """A member's key, and the caller with it."""
    made = await home.key(tenant, await home.identity(Grant(MEMBER, tenant.id), name=name), name=f"{name}'s")
    return made, await home.caller(made)


async def shown(home: House, caller: Caller, **asked: Any) -> list[AgentView]:
    return list((await home.run(list_agents, caller, ListAgents(**asked))).items)


async def ids(home: House, caller: Caller, **asked: Any) -> list[str]:
    return [one.agent.id for one in await shown(home, caller, **asked)]


async def test_an_agent_announces_itself_in_one_entry(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    made, member = await a_member(home, acme)
    new = NewAgent(kind=" LocalAgent ", name=" agent ", labels=("prod", " eu ", "prod"), version=" 1.4.1 ")
    found = await home.run(register_agent, member, new, ip="192.0.2.7")
    agent = found.view.agent
    assert found.created
    assert (agent.kind, agent.name, agent.labels, agent.version) == (
        "LocalAgent",
        "agent",
        ("prod", "eu"),
        "1.4.1",
    )
    assert (agent.tenant_id, agent.key_id, agent.identity_id) == (acme.id, made.id, member.identity.id)
    assert (agent.registered_at, agent.last_seen_at, agent.last_seen_ip) == (
        home.clock.now(),
        home.clock.now(),
        "192.0.2.7",
    )
    assert (found.view.carried, found.view.tenant) == (AgentKey(made.key, State.ACTIVE), acme)
    assert found.view.identity == member.identity
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == ("agent.register", "agent", agent.id)
    assert entry.changes == {
        "kind": Change(None, "LocalAgent"),
        "name": Change(None, "agent"),
        "labels": Change(None, ["prod", "eu"]),
        "version": Change(None, "1.4.1"),
        "key_id": Change(None, made.id),
    }
    assert await shown(home, await home.admin(acme)) == [found.view]


async def test_a_restart_is_no_new_agent_and_leaves_no_entry(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    _, member = await a_member(home, acme)
    first = await home.run(register_agent, member, LOCAL)
    home.clock.advance(hours=1)
    labels = NewAgent(kind="LocalAgent", name="agent", labels=("eu", "prod"), version="2.0")
    again = await home.run(register_agent, member, labels)
    assert not again.created
    assert again.view.agent.id == first.view.agent.id
    assert again.view.agent.registered_at == again.view.agent.last_seen_at == home.clock.now()
    assert await shown(home, member) == [again.view]
    assert again.view.agent.version == "2.0"
    assert len(await home.trail(acme)) == 1


async def test_a_session_announces_an_agent_without_a_key(home: House, acme: Tenant) -> None:
    await home.person("ada", "correct horse", Grant(MEMBER, acme.id))
    ada = await home.logged_in("ada", "correct horse")
    found = await home.run(register_agent, ada, NewAgent(kind="Shell", name="laptop"))
    assert (found.view.agent.key_id, found.view.carried) == (None, None)
    (entry,) = await home.trail(acme)
    assert entry.changes == {
        "kind": Change(None, "Shell"),
        "name": Change(None, "laptop"),
        "labels": Change(None, []),
    }
    # Another login of the same person is the same holder.
    later = await home.logged_in("ada", "correct horse")
    assert not (await home.run(register_agent, later, NewAgent(kind="Shell", name="laptop"))).created
    home.clock.advance(minutes=1)
    await home.run(see_agent, later, AgentId(found.view.agent.id))
    assert (await shown(home, ada))[0].agent.last_seen_at == home.clock.now()


async def test_a_global_key_announces_an_agent_in_the_tenant_that_it_names(home: House, acme: Tenant) -> None:
    made = await home.key(None, await home.identity(Grant(ADMIN, acme.id)), name="Everywhere")
    caller = await home.caller(made)
    found = await home.run(register_agent, caller, LOCAL, tenant="acme")
    assert await shown(home, await home.admin(acme)) == [found.view]
    assert found.view.carried == AgentKey(made.key, State.ACTIVE)


TOKEN = mint(random=Random(1).randrange).reveal()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": ""}, "kind"),
        ({"kind": "x" * 101}, "kind"),
        ({"kind": "a\nb"}, "kind"),
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"labels": ("a", "")}, "labels.1"),
        ({"labels": ("x" * 101,)}, "labels.0"),
        ({"labels": ("\ud800",)}, "labels.0"),
        ({"labels": tuple(map(str, range(51)))}, "labels"),
        ({"version": ""}, "version"),
        ({"version": "x" * 101}, "version"),
    ],
    ids=str,
)
async def test_what_no_agent_is_is_refused(
    home: House, admin: Caller, changes: dict[str, Any], field: str
) -> None:
    new = NewAgent(**{"kind": "LocalAgent", "name": "agent", **changes})
    assert (await refused(home, errors.InvalidValue, register_agent, admin, new)).field == field


@pytest.mark.parametrize("field", ["kind", "name", "version", "labels.0"])
async def test_no_token_is_kept_in_what_it_says(home: House, admin: Caller, field: str) -> None:
    name = field.partition(".")[0]
    given: Any = (TOKEN,) if name == "labels" else TOKEN
    new = NewAgent(**{"kind": "LocalAgent", "name": "agent", name: given})
    assert (await refused(home, errors.SecretInText, register_agent, admin, new)).field == field


# Seen again


async def test_it_is_written_down_once_a_minute_that_it_was_seen(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    _, member = await a_member(home, acme)
    agent = (await home.run(register_agent, member, LOCAL, ip="192.0.2.7")).view.agent
    wanted = AgentId(agent.id)
    before = await everything(home)
    home.clock.us += (SEEN_EVERY - TICK) // TICK
    await home.run(see_agent, member, wanted, ip="192.0.2.8")
    assert await everything(home) == before
    home.clock.us += 1
    await home.run(see_agent, member, wanted, ip="192.0.2.8")
    (found,) = await shown(home, member)
    assert (found.agent.last_seen_at, found.agent.last_seen_ip) == (home.clock.now(), "192.0.2.8")
    assert found.agent.registered_at == agent.registered_at
    assert len(await home.trail(acme)) == 1


async def test_only_its_own_credential_sees_it(home: House, acme: Tenant, admin: Caller) -> None:
    made, member = await a_member(home, acme)
    wanted = AgentId((await home.run(register_agent, member, LOCAL)).view.agent.id)
    second = await home.caller(await home.key(acme, member.identity))
    await home.person("ada", "correct horse", Grant(MEMBER, acme.id))
    ada = await home.logged_in("ada", "correct horse")
    hers = AgentId((await home.run(register_agent, ada, LOCAL)).view.agent.id)
    await home.person("bob", "correct horse", Grant(MEMBER, acme.id))
    bob = await home.logged_in("bob", "correct horse")
    home.clock.advance(hours=1)
    missing = await refused(home, errors.NotFound, see_agent, admin, AgentId(new_id("agt")))
    for caller, what in (
        *((one, wanted) for one in (admin, second, ada)),
        *((one, hers) for one in (admin, second, member, bob)),
    ):
        found = await refused(home, errors.NotFound, see_agent, caller, what)
        assert (found.detail, found.field) == (missing.detail, missing.field)
    for nothing in ("", "agt_", made.id, "\ud800", "x" * 9_999):
        assert (await refused(home, errors.NotFound, see_agent, member, AgentId(nothing))).detail == (
            missing.detail
        )
    await home.run(see_agent, member, wanted)


async def test_an_agent_follows_its_key_to_another_owner(home: House, acme: Tenant, admin: Caller) -> None:
    made, member = await a_member(home, acme)
    _, heir = await a_member(home, acme, "Heir")
    agent = (await home.run(register_agent, member, LOCAL)).view.agent
    await home.run(transfer_key, admin, KeyTransfer(made.id, heir.identity.id, confirm=True))
    home.clock.advance(minutes=1)
    await home.run(see_agent, await home.caller(made), AgentId(agent.id))
    assert await shown(home, member) == []
    (found,) = await shown(home, heir)
    assert (found.agent.id, found.identity) == (agent.id, heir.identity)


# Lists


async def test_agents_are_listed_by_page_and_by_key(home: House, acme: Tenant, admin: Caller) -> None:
    one, other = await a_member(home, acme, "One"), await a_member(home, acme, "Other")
    made = [
        (await home.run(register_agent, caller, NewAgent(kind="LocalAgent", name=name))).view.agent.id
        for caller, name in ((one[1], "a"), (other[1], "a"), (one[1], "b"))
    ]
    assert await ids(home, admin) == made
    assert await ids(home, admin, key_id=one[0].id) == [made[0], made[2]]
    for nothing in (new_id("key"), "", "key", "\0", "\ud800"):
        assert await ids(home, admin, key_id=nothing) == []
    page = await home.run(list_agents, admin, ListAgents(limit=2))
    assert (len(page.items), page.more) == (2, True)
    assert await ids(home, admin, limit=2, cursor=page.next_cursor) == made[2:]
    refusal = await refused(home, errors.InvalidValue, list_agents, admin, ListAgents(limit=0))
    assert refusal.field == "limit"
    await refused(home, errors.InvalidCursor, list_agents, admin, ListAgents(cursor="x"))


async def test_a_member_sees_its_own_and_a_reader_sees_all(home: House, acme: Tenant, admin: Caller) -> None:
    (key, member), (their_key, other) = await a_member(home, acme), await a_member(home, acme, "Other")
    mine, theirs = [(await home.run(register_agent, one, LOCAL)).view.agent.id for one in (member, other)]
    assert await ids(home, member) == [mine]
    assert await ids(home, member, key_id=key.id) == [mine]
    assert await ids(home, member, key_id=their_key.id) == await ids(home, member, key_id=new_id("key")) == []
    reader = await home.caller(await home.key(acme, await home.identity(Grant(READ_ONLY, acme.id))))
    monitor = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    assert await ids(home, reader) == await ids(home, admin) == [mine, theirs]
    found = await home.run(list_agents, monitor, ListAgents(), tenant="acme")
    assert [one.agent.id for one in found.items] == [mine, theirs]
    for caller in (reader, monitor):
        for use, data in ((register_agent, LOCAL), (see_agent, AgentId(mine))):
            await refused(home, errors.PermissionDenied, use, caller, data, tenant="acme")  # type: ignore[arg-type]


async def test_an_agent_shows_what_became_of_its_key(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    made, member = await a_member(home, acme)
    await home.run(register_agent, member, LOCAL)
    await home.run(update_key, admin, KeyChanges(id=made.id, active=False))
    assert [one.carried and one.carried.state for one in await shown(home, admin)] == [State.DISABLED]
    await home.run(delete_keys, admin, KeyIds((made.id,)))
    (found,) = await shown(home, admin, key_id=made.id)
    assert found.carried is not None
    assert (found.carried.key.name, found.carried.state) == ("Member's", State.DELETED)
    assert found.identity.name == "Member"
    home.clock.us += KEPT_FOR // TICK
    await home.upkeep.sweep(EVERY)
    assert len(await shown(home, admin)) == 1
    home.clock.us += EVERY // TICK
    await home.upkeep.sweep(EVERY)
    assert await shown(home, admin) == []


async def test_agents_go_with_their_tenant(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    _, member = await a_member(home, acme)
    _, neighbour = await a_member(home, other)
    for caller in (member, neighbour):
        await home.run(register_agent, caller, LOCAL)
    boss = await home.caller(await home.key(None, await home.identity(Grant("super_admin"))))
    await home.run(delete_tenant, boss, TenantDeletion("acme", force=True))
    assert len(await shown(home, neighbour)) == 1
    rows = (await everything(home))[6]
    assert len(rows) == 1
