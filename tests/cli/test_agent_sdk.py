"""The SDK beside an agent: without a key of its own, at a port and at a socket."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from keywright.client import AsyncClient, Client, ConnectionFailed, NotFound
from tests.cli.test_agent_start import SCOPE, a_key, call, listening, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.commands import Server
    from tests.support.servers import Process

WAYS = ["tcp", "unix"]


@contextmanager
def an_agent(home: Path, server: Server, way: str) -> Iterator[tuple[str, Process]]:
    """A running agent, and its address as the SDK takes it."""
    listen = "127.0.0.1:0" if way == "tcp" else f"unix:{home / 'agent.sock'}"
    variables = {"KEYWRIGHT_API_KEY": a_key(server, scope=SCOPE)["token"], "KEYWRIGHT_URL": server.url}
    with started(home, "--listen", listen, **variables) as process:
        yield listening(process), process


@pytest.mark.parametrize("way", WAYS)
def test_a_client_needs_no_key(home: Path, server: Server, way: str) -> None:
    key = a_key(server)
    with an_agent(home, server, way) as (url, process), Client(url) as client:
        client.alive()
        assert client.ready().ready
        for _ in range(5):
            verdict = client.verify(key["token"], action="article:read", resource="article:cs:42")
            assert verdict
            assert (verdict.key_id, verdict.tenant) == (key["key"]["id"], "default")
        with client.within("default") as inside, client.within("elsewhere") as outside:
            assert inside.verify(key["token"])
            with pytest.raises(NotFound):
                outside.verify(key["token"])
        codes = [one.code for one in client.verify_batch([{"token": key["token"]}, {"token": "kw_none"}])]
        assert codes == ["VALID", "NOT_FOUND"]
        with pytest.raises(NotFound):
            client.keys.get(key["key"]["id"])
        receipt = call(server, "DELETE", f"/v1/keys/{key['key']['id']}")["receipt"]
        assert receipt["complete"]
        assert (
            client.verify(key["token"], action="article:read", resource="article:cs:42").code == "NOT_FOUND"
        )
        assert process.stop() == 0
        with Client(url, tries=1) as late, pytest.raises(ConnectionFailed):
            late.verify(key["token"])


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_is_awaited_needs_none_either(home: Path, server: Server, way: str) -> None:
    key = a_key(server)

    async def ask(url: str) -> None:
        async with AsyncClient(url) as client:
            await client.alive()
            assert (await client.ready()).ready
            verdicts = await asyncio.gather(*(client.verify(key["token"]) for _ in range(40)))
            assert all(verdicts)
            for _ in range(5):
                assert (await client.verify(key["token"])).key_id == key["key"]["id"]
            assert [one.code for one in await client.verify_batch([{"token": "kw_none"}])] == ["NOT_FOUND"]
            call(server, "PATCH", f"/v1/keys/{key['key']['id']}", {"active": False})
            assert (await client.verify(key["token"])).code == "DISABLED"

    with an_agent(home, server, way) as (url, process):
        asyncio.run(ask(url))
        assert process.stop() == 0
    usage = call(server, "GET", f"/v1/keys/{key['key']['id']}/usage")
    assert usage["totals"] == {"VALID": 45, "DISABLED": 1}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_sees_that_an_agent_decides_nothing(home: Path, server: Server, way: str) -> None:
    """Its key is taken away while a program asks: from then on no answer is a yes."""
    own, key = a_key(server, scope=SCOPE), a_key(server)
    listen = "127.0.0.1:0" if way == "tcp" else f"unix:{home / 'agent.sock'}"
    variables = {"KEYWRIGHT_API_KEY": own["token"], "KEYWRIGHT_URL": server.url}
    with started(home, "--listen", listen, **variables) as process:
        with Client(listening(process), tries=1) as client:
            for _ in range(4):
                assert client.verify(key["token"])
            call(server, "DELETE", f"/v1/keys/{own['key']['id']}")
            with suppress(ConnectionFailed):  # it has ended already
                assert client.verify(key["token"]).code == "STALE"
        assert process.popen.wait(30) == 4
