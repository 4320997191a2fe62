"""Agents over GraphQL: what is left out or null is the usual, and a key may be none or deleted."""

from __future__ import annotations

from typing import Any

import pytest

from keywright.api.graphql.agents import agent, agent_page, asked, new_agent, registered_agent
from keywright.core.agents import Agent
from keywright.core.keys import State
from keywright.core.listing import DEFAULT_PAGE
from keywright.services.agents import AgentKey, AgentView, ListAgents, NewAgent, RegisteredAgent
from keywright.services.cursors import Listed
from tests.support.facts import ACME, KEY, NOW, SOMEBODY

AGENT = Agent(
    id="agt_1",
    tenant_id=ACME.id,
    key_id=KEY.id,
    identity_id=SOMEBODY.id,
    kind="LocalAgent",
    name="agent",
    labels=("a", "b"),
    version=None,
    registered_at=NOW,
    last_seen_at=NOW,
    last_seen_ip="192.0.2.1",
)
VIEW = AgentView(AGENT, ACME, AgentKey(KEY, State.DELETED), SOMEBODY)


@pytest.mark.parametrize("args", [{}, {"filter": None, "first": None}, {"filter": {"keyId": None}}], ids=str)
def test_the_usual_list(args: dict[str, Any]) -> None:
    assert asked(args) == ListAgents(key_id=None, limit=DEFAULT_PAGE, cursor=None)


def test_a_list_of_one_key() -> None:
    found = asked({"filter": {"keyId": "key_1"}, "first": 3, "after": "x"})
    assert found == ListAgents(key_id="key_1", limit=3, cursor="x")


@pytest.mark.parametrize("more", [{}, {"labels": None, "version": None}, {"labels": []}], ids=str)
def test_an_announcement(more: dict[str, Any]) -> None:
    given = {"input": {"kind": "LocalAgent", "name": "agent", **more}}
    assert new_agent(given) == NewAgent(kind="LocalAgent", name="agent")


def test_a_full_announcement() -> None:
    given = {"kind": "LocalAgent", "name": "agent", "labels": ["a"], "version": "1"}
    assert new_agent({"input": given}) == NewAgent(
        kind="LocalAgent", name="agent", labels=("a",), version="1"
    )


def test_an_agent_is_shown() -> None:
    shown = agent(VIEW)
    assert shown["key"] == {"id": KEY.id, "name": KEY.name, "state": State.DELETED}
    assert (shown["labels"], shown["tenant"]["slug"]) == (["a", "b"], ACME.slug)
    assert (shown["registeredAt"], shown["lastSeenAt"], shown["lastSeenIp"]) == (NOW, NOW, "192.0.2.1")
    assert agent(AgentView(AGENT, ACME, None, SOMEBODY)) == {**shown, "key": None}
    assert registered_agent(RegisteredAgent(VIEW, created=True)) == {"agent": shown, "created": True}
    page = agent_page(Listed((VIEW,), ("c",), more=True), ListAgents())
    assert page["edges"] == [{"cursor": "c", "node": shown}]
    assert page["pageInfo"]["hasNextPage"] is True
