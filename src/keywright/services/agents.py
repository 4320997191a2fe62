"""Agents: programs announce themselves with their key, and people see what a revocation will stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.agents import MAX_KIND, MAX_VERSION, SEEN_EVERY, Agent
from keywright.core.audit import Change
from keywright.core.errors import NotFound
from keywright.core.ids import is_id, new_id
from keywright.core.listing import DEFAULT_PAGE
from keywright.services import cursors
from keywright.services.cursors import Listed
from keywright.services.work import use_case

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.core.keys import Key, State
    from keywright.services.work import Work

_ORDER = "agents.id"
_NOBODY = "none"
"""What no key and no identity has as its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """What a program says of itself; with what key it runs, the call says."""

    kind: str
    name: str
    labels: tuple[str, ...] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True)
class AgentId:
    """The id of one agent."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAgents:
    """Which agents to list: all of the tenant, or those that run with one key."""

    key_id: str | None = None
    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AgentKey:
    """The key that an agent runs with, and its state; it may have been deleted since."""

    key: Key
    state: State


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent with its tenant, its key (None: a session announced it), and its identity, be it deleted or not."""

    agent: Agent
    tenant: Tenant
    carried: AgentKey | None
    identity: Identity


@dataclass(frozen=True, slots=True)
class RegisteredAgent:
    """An agent, and whether it announced itself for the first time."""

    view: AgentView
    created: bool


AgentList = Listed[AgentView]
"""A page of agents."""


@use_case("agents.register", permission="agents:register", changes=True)
async def register_agent(work: Work, new: NewAgent) -> RegisteredAgent:
    """Announce a program that runs with the caller's credential.

    One that announces itself again, with the same credential, kind, name and labels, is the same agent.
    """
    key = work.caller.key
    agent = Agent(
        id=new_id("agt"),
        tenant_id=work.tenant.id,
        key_id=None if key is None else key.id,
        identity_id=work.caller.identity.id,
        kind=checks.short_line(new.kind, MAX_KIND, "kind"),
        name=checks.name(new.name),
        labels=checks.labels(new.labels),
        version=None if new.version is None else checks.short_line(new.version, MAX_VERSION, "version"),
        registered_at=work.now,
        last_seen_at=work.now,
        last_seen_ip=work.call.ip,
    )
    stored = await work.transaction.agents(work.tenant.id).add(agent)
    created = stored == agent.id
    if created:
        work.record("agent.register", "agent", agent.id, _announced(agent))
    work.nothing_changed = not created
    return RegisteredAgent((await _views(work, (replace(agent, id=stored),)))[0], created)


@use_case("agents.seen", permission="agents:register", changes=True)
async def see_agent(work: Work, wanted: AgentId) -> None:
    """Note that an agent of the caller's own credential still runs; once a minute at most, and in no trail."""
    agents = work.transaction.agents(work.tenant.id)
    found = await agents.by_id(wanted.id) if is_id(wanted.id, "agt") else None
    key, identity = work.caller.key, work.caller.identity
    if found is None or not found.is_held_by(None if key is None else key.id, identity.id):
        raise NotFound("No such agent.")
    work.nothing_changed = True
    if work.now - found.last_seen_at >= SEEN_EVERY:
        await agents.seen(found.id, identity.id, work.now, work.call.ip)


@use_case("agents.list", permission="agents:read", own="agents:own:read")
async def list_agents(work: Work, wanted: ListAgents) -> AgentList:
    """A page of agents, in the order in which they announced themselves first; of all, or of one key."""
    cursors.sound_limit(wanted.limit)
    key_id = wanted.key_id
    page = await work.transaction.agents(work.tenant.id).page(
        key_id=key_id if key_id is None or is_id(key_id, "key") else _NOBODY,
        identity_id=work.caller.identity.id if work.own_only else None,
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, type(None)),
    )
    return cursors.listed(_ORDER, page, await _views(work, page.items))


async def _views(work: Work, agents: tuple[Agent, ...]) -> tuple[AgentView, ...]:
    """Agents with what a reader wants beside them, in two queries for all."""
    ids = {one.key_id for one in agents if one.key_id is not None}
    keys = await work.transaction.agents(work.tenant.id).keys(ids)
    identities = await work.transaction.identities.named({one.identity_id for one in agents})
    carried = {key.id: AgentKey(key, key.state(work.now)) for key in keys.values()}
    return tuple(
        AgentView(
            one,
            work.tenant,
            None if one.key_id is None else carried[one.key_id],
            identities[one.identity_id],
        )
        for one in agents
    )


def _announced(agent: Agent) -> dict[str, Change]:
    labels = Change(None, list(agent.labels))
    told = {"kind": agent.kind, "name": agent.name, "version": agent.version, "key_id": agent.key_id}
    return {name: Change(None, value) for name, value in told.items() if value is not None} | {
        "labels": labels
    }
