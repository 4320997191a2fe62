"""The fields of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists, runs
from keywright.services import agents
from keywright.services.agents import AgentId, ListAgents, NewAgent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.agents import AgentKey, AgentList, AgentView, RegisteredAgent


def asked(args: Args) -> ListAgents:
    """A question for a list of agents; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    return ListAgents(key_id=wanted.get("keyId"), limit=mapping.page_size(args), cursor=args.get("after"))


def new_agent(args: Args) -> NewAgent:
    """An agent that announces itself."""
    given = args["input"]
    return NewAgent(
        kind=given["kind"],
        name=given["name"],
        labels=tuple(given.get("labels") or ()),
        version=given.get("version"),
    )


def _one(args: Args) -> AgentId:
    return AgentId(args["input"]["id"])


def agent(view: AgentView) -> Shape:
    """An agent."""
    it = view.agent
    return {
        "id": it.id,
        "tenant": mapping.tenant(view.tenant),
        "key": None if view.carried is None else _key(view.carried),
        "identity": mapping.identity(view.identity),
        "kind": it.kind,
        "name": it.name,
        "labels": list(it.labels),
        "version": it.version,
        "registeredAt": it.registered_at,
        "lastSeenAt": it.last_seen_at,
        "lastSeenIp": it.last_seen_ip,
    }


def _key(carried: AgentKey) -> Shape:
    return {"id": carried.key.id, "name": carried.key.name, "state": carried.state}


def registered_agent(registered: RegisteredAgent) -> Shape:
    """An agent that has announced itself."""
    return {"agent": agent(registered.view), "created": registered.created}


def agent_page(page: AgentList, wanted: ListAgents) -> Shape:
    """A page of agents."""
    nodes = [agent(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def seen_agent(_result: None, wanted: AgentId) -> Shape:
    """An agent that still runs."""
    return {"seenId": wanted.id}


QUERIES: Final[Mapping[str, RootField]] = {"agents": lists(agents.list_agents, asked, agent_page)}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "registerAgent": runs(agents.register_agent, new_agent, registered_agent),
    "seeAgent": lists(agents.see_agent, _one, seen_agent),
}
