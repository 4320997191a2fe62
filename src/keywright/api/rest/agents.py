"""`/v1/agents`."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from keywright.api.rest import mapping
from keywright.api.rest.models import IdentityOut, In, Moment, Out, PageFilters
from keywright.api.rest.routes import Door
from keywright.core.agents import MAX_KIND, MAX_LABEL, MAX_LABELS, MAX_VERSION
from keywright.services import agents
from keywright.services.agents import AgentId, AgentList, AgentView, ListAgents, NewAgent, RegisteredAgent

_TAG = "Agents"
_AN_AGENT = "agt_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
_A_KEY = "key_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
AgentPath = Annotated[str, Path(description="The agent's id.", examples=[_AN_AGENT])]


class AgentIn(In):
    """What a program says of itself. Its key is the one that the request comes with."""

    kind: str = Field(
        description="What sort of program it is.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_KIND, "examples": ["LocalAgent"]},
    )
    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 255, "examples": ["nightly"]})
    labels: list[str] = Field(
        [],
        description=f"Each of 1 to {MAX_LABEL} characters; one that is there twice counts once.",
        json_schema_extra={"maxItems": MAX_LABELS, "examples": [["prod", "eu-west"]]},
    )
    version: str | None = Field(
        None,
        description="The program's version.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_VERSION, "examples": ["1.4.1"]},
    )


class AgentKeyOut(Out):
    """The key that an agent runs with."""

    id: str
    name: str
    state: str = Field(description="active, disabled, expired, not_yet_valid or deleted.")


class AgentOut(Out):
    """A program that announced itself, and runs with a key."""

    id: str
    tenant: str = Field(description="The tenant's slug.")
    key: AgentKeyOut | None = Field(description="Null when it was announced with a person's login.")
    identity: IdentityOut = Field(description="For whom its key spoke when it was seen last.")
    kind: str
    name: str
    labels: list[str]
    version: str | None
    registered_at: Moment = Field(description="When it announced itself last.")
    last_seen_at: Moment
    last_seen_ip: str | None


class RegisteredAgentOut(AgentOut):
    """An agent that has announced itself."""

    created: bool = Field(description="False for one that was known before, and has started again.")


class AgentListOut(Out):
    """A page of agents."""

    items: list[AgentOut]
    next_cursor: str | None


class AgentFilters(PageFilters):
    """The query string of a list."""

    key_id: str | None = Query(None, description=f"Only those that run with this key, such as `{_A_KEY}`.")


def read_new(body: AgentIn) -> NewAgent:
    """An agent that announces itself."""
    return NewAgent(kind=body.kind, name=body.name, labels=tuple(body.labels), version=body.version)


def read_list(filters: Annotated[AgentFilters, Query()]) -> ListAgents:
    """A list's question from the query string."""
    return ListAgents(key_id=filters.key_id, limit=filters.limit, cursor=filters.cursor)


def read_one(id: AgentPath) -> AgentId:  # noqa: A002 - the name stands in the path
    """One agent's id from the path."""
    return AgentId(id)


def show(view: AgentView) -> AgentOut:
    """An agent."""
    it, carried = view.agent, view.carried
    key = None
    if carried is not None:
        key = AgentKeyOut(id=carried.key.id, name=carried.key.name, state=carried.state.value)
    return AgentOut(
        id=it.id,
        tenant=view.tenant.slug,
        key=key,
        identity=mapping.identity(view.identity),
        kind=it.kind,
        name=it.name,
        labels=list(it.labels),
        version=it.version,
        registered_at=it.registered_at,
        last_seen_at=it.last_seen_at,
        last_seen_ip=it.last_seen_ip,
    )


def _registered(registered: RegisteredAgent) -> RegisteredAgentOut:
    return RegisteredAgentOut(**dict(show(registered.view)), created=registered.created)


def _list(listed: AgentList) -> AgentListOut:
    return AgentListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of agents."""
    door.route(
        "POST",
        "/agents",
        agents.register_agent,
        read=read_new,
        show=_registered,
        model=RegisteredAgentOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/agents",
        agents.list_agents,
        read=read_list,
        show=_list,
        model=AgentListOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/agents/{id}/seen",
        agents.see_agent,
        read=read_one,
        show=_nothing,
        status=204,
        refusals=(404,),
        tag=_TAG,
    )
