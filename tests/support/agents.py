"""Agents beside a whole Keywright in this process, and the wire between, which tests cut and listen to."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from keywright.ops.metrics import Metrics
from keywright.services.deciding import Room
from keywright.services.decisions import Question
from keywright.services.relay import messages as m
from keywright.services.relay.link import PATH, Link
from keywright.services.relay.sidecar import Sidecar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from keywright.core.decision import Decision
    from tests.doors.rest.house import House

URL = "http://keywright.test"
ROOM = Room(entries=1_000, bytes=10_000_000)
MAY_RUN = [{"actions": ["nodes:run", "keys:verify"]}]


class Wire(httpx2.AsyncBaseTransport):
    """The way to a server in this process. What stands in the sets are messages by their `do`."""

    def __init__(self, app: Any) -> None:
        self.far = httpx2.ASGITransport(app=app)
        self.cut: set[str] = set()
        """These do not arrive; `*` stands for all."""
        self.lost: set[str] = set()
        """These arrive, and their answers do not."""
        self.answers: dict[str, httpx2.Response] = {}
        """These are answered so, and do not arrive."""
        self.held: dict[str, asyncio.Event] = {}
        """The answers to these wait until the event is set."""
        self.said: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        do = json.loads(request.content)["do"]
        self.said.append(do)
        if not self.cut.isdisjoint({do, "*"}):
            raise httpx2.ConnectError("The wire is cut.")
        if do in self.answers:
            return self.answers[do]
        answer = await self.far.handle_async_request(request)
        if do in self.held:
            await self.held[do].wait()
        if not self.lost.isdisjoint({do, "*"}):
            raise httpx2.ReadError("The answer is lost.")
        return answer


class Beside:
    """A running agent with its wire."""

    def __init__(self, sidecar: Sidecar, wire: Wire, metrics: Metrics) -> None:
        self.sidecar = sidecar
        self.wire = wire
        self.metrics = metrics

    async def decide(self, token: str, **question: Any) -> Decision:
        """What the agent decides for a program that asks. Raises `Unavailable` once it has ended."""
        return await self.sidecar.judge.answer(self.sidecar.asker(), Question(token=token, **question))

    async def code(self, token: str, **question: Any) -> str:
        """The code of that."""
        return str((await self.decide(token, **question)).code)

    @property
    def node_id(self) -> str:
        """The agent's own name for the node that it is, behind which stands its word."""
        return self.sidecar.deciding.node.id

    @property
    def word(self) -> str:
        """What it says to the server in place of its id."""
        return self.node_id.partition("_")[2]

    def metric(self, line: str) -> float:
        """A metric by its name and labels, as they stand in the text format."""
        found = [one for one in self.metrics.render()[0].decode().splitlines() if one.startswith(f"{line} ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0


@asynccontextmanager
async def beside(home: House, token: str, wire: Wire | None = None) -> AsyncIterator[Beside]:
    """Run an agent with a key."""
    wire = wire or Wire(home.app)
    link, metrics = Link(URL, token, transport=wire), Metrics()
    try:
        async with Sidecar(link, token, metrics, name="agent", room=ROOM) as sidecar:
            yield Beside(sidecar, wire, metrics)
    finally:
        await link.close()


async def a_key(home: House, tenant: str | None = "default", /, **fields: Any) -> Any:
    """A new key as its answer, `token` among it; an administrator's unless `memberships` say otherwise."""
    headers = {"Keywright-Tenant": tenant or "*"}
    if "identity_id" not in fields:
        fields = {"memberships": [{"role": "admin" if tenant else "super_admin"}], **fields}
    return await home.make(headers=headers, **fields)


async def an_agents_key(home: House, tenant: str | None = "default", /, **fields: Any) -> Any:
    """A new key that may run a node, as its answer."""
    return await a_key(home, tenant, **{"name": "agent", "scope": MAY_RUN, **fields})


def in_seconds(seconds: float) -> str:
    """A moment from now, as the doors take it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def change(home: House, method: str, path: str, tenant: str | None = "default", /, **body: Any) -> Any:
    """A call with the root key that makes a change, as its answer."""
    headers = {} if tenant is None else {"Keywright-Tenant": tenant}
    more: dict[str, Any] = {"json": body} if body else {}
    answer = await home.ask(method, path, headers=headers, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def say(
    home: House, token: str | None, message: Mapping[str, Any] | bytes, form: str | None = m.FORM
) -> httpx2.Response:
    """Send a message as anybody can."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    headers = {"Content-Type": "application/json"} | ({} if form is None else {m.FORM_HEADER: form})
    return await home.ask("POST", PATH, token=token, headers=headers, content=body)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits for what never comes is ended by its runner."""
    while not holds():  # noqa: ASYNC110 - some of it is told by nobody
        await asyncio.sleep(0.005)


async def counted(home: House, key_id: str) -> dict[str, int]:
    """How many decisions of each code were written down for a key of the tenant `default`."""
    found: dict[str, int] = (await change(home, "GET", f"/v1/keys/{key_id}/usage"))["totals"]
    return found


async def agents_of(home: House) -> dict[str, int]:
    """The agents among the nodes in the database, with the epoch that each has applied."""
    async with home.app.database.read() as transaction:
        return {row.id: row.applied for row in await transaction.nodes.all() if row.kind == "agent"}
