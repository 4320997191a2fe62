"""What the client sends for agents."""

from __future__ import annotations

from typing import Any

import pytest

from keywright.client import UnexpectedAnswer
from tests.unit.client.scripted import Answer, scripted

AGENT = {"id": "agt_1", "created": True}


@pytest.mark.parametrize(
    ("labels", "more"), [((), {}), (("a", "b"), {"version": "1.4.1"})], ids=["plain", "full"]
)
def test_an_agent_is_announced(labels: tuple[str, ...], more: dict[str, Any]) -> None:
    with scripted(Answer(body=AGENT)) as server, server.client() as client:
        assert client.agents.register("LocalAgent", "agent", labels, **more) == AGENT
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("POST", "/v1/agents")
    body = {"kind": "LocalAgent", "name": "agent", "labels": list(labels), "version": None}
    assert sent.body == body | more


def test_an_announcement_is_repeated_after_a_broken_connection() -> None:
    with scripted(Answer(hang_up=True), Answer(body=AGENT)) as server, server.client() as client:
        assert client.agents.register("LocalAgent", "agent") == AGENT
    assert len(server.requests) == 2


def test_an_agent_is_seen() -> None:
    with scripted(Answer(204)) as server, server.client() as client:
        client.agents.seen("agt.1")
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.body) == ("POST", "/v1/agents/agt%2E1/seen", None)


def test_agents_are_gone_through() -> None:
    first = Answer(body={"items": [{"id": "a"}], "next_cursor": "c1"})
    last = Answer(body={"items": [{"id": "b"}], "next_cursor": None})
    with scripted(first, last) as server, server.client() as client:
        assert list(client.agents.list(key_id="key_1")) == [{"id": "a"}, {"id": "b"}]
        assert client.agents.page(limit=3).items == ({"id": "b"},)
    assert [sent.path for sent in server.requests] == [
        "/v1/agents?key_id=key_1",
        "/v1/agents?key_id=key_1&cursor=c1",
        "/v1/agents?limit=3",
    ]


def test_an_answer_without_its_part_is_none_of_keywright() -> None:
    with (
        scripted(Answer(body={"id": "agt_1"})) as server,
        server.client() as client,
        pytest.raises(UnexpectedAnswer),
    ):
        client.agents.register("LocalAgent", "agent")
