"""Agents: they announce themselves, ask for work that is never there, and are seen with their key."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from keywright.core.errors import NotFound
from keywright.core.keys import State
from keywright.core.listing import MAX_PAGE
from keywright.dialects.prefect import mapping
from keywright.dialects.prefect.hasura import exactly, kept, ordered
from keywright.dialects.prefect.keys import shown as shown_key
from keywright.services.agents import AgentId, ListAgents, NewAgent, list_agents, register_agent, see_agent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.requests import Request
    from keywright.services.agents import AgentView


async def agent(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The agents of the tenant, or of the caller alone, each with the key whose revocation stops it."""
    asking = await request.asking()
    where = args.get("where")
    given = exactly(where, "api_key_id")
    key_id = None if given is None else mapping.id_of("key", given)
    views = await asking.every(
        list_agents, lambda cursor: ListAgents(key_id=key_id, limit=MAX_PAGE, cursor=cursor)
    )
    return ordered(kept([_shown(request, one) for one in views], where), args.get("order_by"))


async def agent_config(request: Request, _args: dict[str, Any]) -> list[dict[str, Any]]:
    """No configurations are kept here."""
    await request.asking()
    return []


async def register(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """Announce an agent that runs with the caller's key."""
    given = args["input"]
    asking = await request.asking()
    elsewhere = await request.elsewhere(given.get("tenant_id"))
    new = NewAgent(
        kind=given["type"],
        name=given.get("name") or "agent",
        labels=tuple(given.get("labels") or ()),
        version=request.visit.header(b"x-prefect-core-version") or None,
    )
    made = await asking.run(register_agent, new, tenant=elsewhere)
    return {"id": mapping.uuid_of(made.view.agent.id)}


async def get_runs_in_queue(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """No runs, for who may run an agent; the agent that asks was seen."""
    asking = await request.asking()
    elsewhere = await request.elsewhere(args["input"].get("tenant_id"))
    asks = request.visit.header(b"x-prefect-agent-id") or args["input"].get("agent_id") or mapping.NOTHING
    with suppress(NotFound):  # one that never announced itself, or is forgotten by now, has no work either
        await asking.run(see_agent, AgentId(mapping.id_of("agt", asks)), tenant=elsewhere)
    return {"flow_run_ids": []}


def _shown(request: Request, view: AgentView) -> dict[str, Any]:
    carried = view.carried
    key = None if carried is None or carried.state is State.DELETED else shown_key(request, carried.key)
    return mapping.plain_agent(view) | {"api_key": key}


QUERIES: Mapping[str, Field] = {"agent": agent, "agent_config": agent_config}
MUTATIONS: Mapping[str, Field] = {"register_agent": register, "get_runs_in_queue": get_runs_in_queue}
