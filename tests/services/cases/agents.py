"""The use cases of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from keywright.core.ids import new_id
from keywright.services.agents import AgentId, ListAgents, NewAgent, register_agent
from keywright.storage import schema
from tests.support.cases import Case, Place

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House


async def an_agent(home: House, place: Place) -> None:
    """An agent that runs with the administrator's key."""
    found = await home.run(register_agent, place.admin, NewAgent(kind="LocalAgent", name="agent"))
    place.things["agent"] = found.view.agent


async def its_own(home: House, place: Place, caller: Caller) -> None:
    """Let the agent run with a caller's key."""
    assert caller.key is not None
    async with home.database.writer.begin() as connection:
        await connection.execute(
            update(schema.agent)
            .where(schema.agent.c.id == place.things["agent"].id)
            .values(key_id=caller.key.id, identity_id=caller.identity.id)
        )


CASES = {
    "agents.register": Case(
        lambda _: NewAgent(kind="LocalAgent", name="agent", labels=("prod",), version="1.4.1"),
        lambda: NewAgent(kind="", name="agent"),
        ("agent.register",),
        yields=True,
    ),
    "agents.seen": Case(
        lambda place: AgentId(place.things["agent"].id),
        lambda: AgentId(new_id("agt")),
        prepare=an_agent,
        quiet=True,
        adopt=its_own,
    ),
    "agents.list": Case(lambda _: ListAgents(), ListAgents, prepare=an_agent, yields=True),
}
