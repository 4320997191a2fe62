"""Several `keywright serve` on one database, each a process that tests freeze, kill, cut off and start again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import struct
import sys
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.support import launch
from tests.support.proxy import Proxy
from tests.support.servers import running
from tests.support.wire import Answer, Broken, Connection, request_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.support.mortal_postgres import MortalPostgres
    from tests.support.servers import Process

ROOT_TOKEN = "root-token-of-the-faults"
PASSWORD = "correct horse battery"
TENANT = "default"
LONG_SECONDS = 90.0
"""What takes longer than this is taken for a deadlock; nothing comes near it on a busy machine."""
KEPT_SECONDS = 2.0


class Refused(Exception):
    """An answer with another status than the call can have when it is done."""


class Node:
    """One server process at a time, and the way to it."""

    def __init__(self, name: str, folder: Path, database_url: str, lease: float, without: str) -> None:
        self.name = name
        self.folder = folder
        self.frozen = False
        self.proxy: Proxy | None = None
        """The wire to its database, where that is not a file."""
        self.port: int | None = None
        """Where it listens; None while it does not run."""
        self._clock = folder / "clock"
        self._environment = {
            "KEYWRIGHT_DATA": str(folder),
            "KEYWRIGHT_DATABASE_URL": database_url,
            "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
            "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
            "KEYWRIGHT_LEASE_SECONDS": str(lease),
            "KEYWRIGHT_LOG_FORMAT": "json",
        }
        self._without = without
        self._running: ExitStack | None = None
        self._process: Process | None = None
        self._idle: list[tuple[float, Connection]] = []
        self._clock.write_bytes(bytes(8))

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises `AssertionError` when it ends or takes too long."""
        command = [sys.executable, "-P", launch.__file__, str(self._clock), self._without, *self._command()]
        self._running = ExitStack()
        self._process = self._running.enter_context(running(command, env=self._environment, cwd=self.folder))
        self.port = await self._listening()
        await self.until_ready()

    def _command(self) -> tuple[str, ...]:
        return ("serve", "--port", "0")

    def _port_in(self, line: str) -> int | None:
        """The port in a line of the log, if that is where it stands."""
        return int(json.loads(line)["port"]) if '"event": "listening"' in line else None

    async def _listening(self) -> int:
        deadline = time.monotonic() + LONG_SECONDS
        while True:
            assert self._process is not None
            errors = self._process.errors()
            assert self._process.popen.poll() is None, f"{self.name} ended:\n{errors}"
            assert time.monotonic() < deadline, f"{self.name} does not start:\n{errors}"
            for line in errors.splitlines():
                port = self._port_in(line) if line.endswith("}") else None
                if port is not None:
                    return port
            await asyncio.sleep(0.02)

    async def until_ready(self) -> None:
        """Wait until `/readyz` answers 200. Raises `AssertionError` when that takes too long."""
        deadline = time.monotonic() + LONG_SECONDS
        seen: object = None
        while time.monotonic() < deadline:
            try:
                async with asyncio.timeout(LONG_SECONDS):
                    answer = await self.ask(request_bytes("GET", "/readyz", {}))
                if answer.status == 200:
                    return
                seen = answer.body
            except (Broken, TimeoutError) as error:
                seen = error
            assert self._process is None or self._process.popen.poll() is None, self.log()
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.name} is not ready ({seen!r}):\n{self.log()}")

    async def ask(self, request: bytes) -> Answer:
        """Send a request on a connection that nobody uses now. Raises `Broken`."""
        connection = self._kept() or await self.connect()
        try:
            answer = await connection.ask(request)
        except Broken:
            connection.close()
            raise
        self._idle.append((time.monotonic(), connection))
        return answer

    def _kept(self) -> Connection | None:
        """A connection that was used so lately that the server is not about to close it."""
        while self._idle:
            used, connection = self._idle.pop()
            if time.monotonic() - used < KEPT_SECONDS and not connection.lost:
                return connection
            connection.close()
        return None

    async def connect(self) -> Connection:
        """A new connection. Raises `Broken`."""
        if self.port is None:
            raise Broken(f"{self.name} does not run.")
        return await Connection.open(self.port)

    def freeze(self) -> None:
        """Stop the process in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        self.frozen = False

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process by a signal and wait until it is gone."""
        self.port = None
        if self._process is None or self._running is None:
            return
        process, stack = self._process, self._running
        self._process = self._running = None
        for sent in (how, signal.SIGCONT):  # a frozen one hears of the first when it goes on
            process.popen.send_signal(sent)
        self.frozen = False
        await asyncio.to_thread(process.popen.wait, LONG_SECONDS)
        await asyncio.to_thread(stack.close)
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    def shift(self, seconds: float) -> None:
        """Set its wall clock off by so much, from now on."""
        with self._clock.open("r+b") as opened:  # in place: the process looks at it at any moment
            opened.write(struct.pack("q", int(seconds * 1e9)))

    def log(self) -> str:
        """The end of what it has logged."""
        if self._process is None:
            return f"{self.name} does not run."
        lines = self._process.errors().splitlines()[-30:]
        return "\n".join([f"{self.name}, status {self._process.popen.poll()}:", *lines])

    def _signal(self, sent: signal.Signals) -> None:
        assert self._process is not None
        self._process.popen.send_signal(sent)


class Agent(Node):
    """An agent process beside the servers, which asks one of them by a wire of its own."""

    def __init__(self, name: str, folder: Path, server: Proxy, lease: float, without: str) -> None:
        super().__init__(name, folder, "", lease, without)
        self.proxy = server
        self._environment = {
            "HOME": str(folder),
            "KEYWRIGHT_URL": f"http://127.0.0.1:{server.port}",
            "KEYWRIGHT_API_KEY": ROOT_TOKEN,
        }

    def _command(self) -> tuple[str, ...]:
        return ("agent", "start", "--listen", "127.0.0.1:0", "--log-format", "json", "--name", self.name)

    def _port_in(self, line: str) -> int | None:
        if '"event": "agent_listening"' not in line:
            return None
        at: str = json.loads(line)["at"]
        return int(at.rpartition(":")[2])


class Cluster:
    """Nodes on one database. Calls are made with the root key."""

    def __init__(self, nodes: Sequence[Node], lease: float, postgres: MortalPostgres | None) -> None:
        self.nodes = nodes
        self.agents: list[Agent] = []
        """What decides as the nodes do, and takes no calls."""
        self.lease = lease
        self.postgres = postgres
        self.caller = ROOT_TOKEN
        """Who asks about keys of the tenant."""

    async def call(
        self, node: Node, method: str, path: str, body: object = None, tenant: str | None = TENANT
    ) -> Answer:
        """One call of the REST door, for a tenant if one is named.

        Raises `Broken` without an answer, and `AssertionError` after too long.
        """
        headers = {"Authorization": f"Bearer {ROOT_TOKEN}"}
        if tenant is not None:
            headers["Keywright-Tenant"] = tenant
        sent = b"" if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(LONG_SECONDS):
                return await node.ask(request_bytes(method, path, headers, sent))
        except TimeoutError:
            raise AssertionError(f"{method} {path} hangs on {node.name}:\n{node.log()}") from None

    async def make(self, node: Node, path: str, body: object, tenant: str | None = TENANT) -> Any:
        """Create something and return what the call answers. Raises `Broken`, or `Refused`."""
        answer = await self.call(node, "POST", path, body, tenant)
        if answer.status != 201:
            raise Refused(f"POST {path} answered {answer.status}: {answer.body.decode()[:300]}")
        return answer.json()

    @property
    def deciding(self) -> list[Node]:
        """Whatever answers questions about keys: the nodes and the agents."""
        return [*self.nodes, *self.agents]

    async def make_caller(self, node: Node) -> str:
        """The token of a new key of the tenant that may ask about others."""
        made = await self.make(node, "/v1/keys", {"name": "caller", "scope": [{"actions": ["keys:verify"]}]})
        token: str = made["token"]
        return token

    async def until_ready(self) -> None:
        """Wait until every node and every agent is ready."""
        await asyncio.gather(*(node.until_ready() for node in self.deciding))

    def point(self, agent: Agent, node: Node) -> None:
        """Have an agent's connections go to this node from now on, as a balancer does; those that there are break."""
        assert agent.proxy is not None
        assert node.port is not None
        agent.proxy.far_port = node.port
        agent.proxy.sever()

    def follow(self) -> None:
        """Have each agent's wire end at a node that runs: those start again at another port."""
        for number, agent in enumerate(self.agents):
            running = [node for node in self.nodes if node.port is not None]
            self.point(agent, running[number % len(running)])

    async def restart_postgres(self, how: signal.Signals, pause: float = 0.0) -> None:
        """End PostgreSQL by a signal, leave it away for so many seconds, and start it again."""
        assert self.postgres is not None
        await asyncio.to_thread(self.postgres.stop, how)
        await asyncio.sleep(pause)
        await asyncio.to_thread(self.postgres.start)
        for node in self.nodes:
            assert node.proxy is not None
            node.proxy.far_port = self.postgres.port


@asynccontextmanager
async def postgres_cluster(
    folder: Path, postgres: MortalPostgres, *, size: int, lease: float, without: str = "nothing"
) -> AsyncIterator[Cluster]:
    """Running nodes on a new database, each with its own wire to it."""
    name = await asyncio.to_thread(postgres.create_database)
    await _migrate(postgres.url_of(name))
    async with AsyncExitStack() as stack:
        nodes = []
        for number in range(1, size + 1):
            proxy = await stack.enter_async_context(Proxy(postgres.port))
            node = _node(folder, number, proxy.url(postgres.url_of(name)), lease, without)
            node.proxy = proxy
            nodes.append(node)
        yield await _started(stack, Cluster(nodes, lease, postgres))


@asynccontextmanager
async def sqlite_cluster(
    folder: Path, *, size: int, lease: float, without: str = "nothing"
) -> AsyncIterator[Cluster]:
    """Running nodes on a new SQLite file."""
    url = f"sqlite:///{folder / 'keywright.db'}"
    async with AsyncExitStack() as stack:
        nodes = [_node(folder, number, url, lease, without) for number in range(1, size + 1)]
        yield await _started(stack, Cluster(nodes, lease, None))


@asynccontextmanager
async def agents_beside(
    cluster: Cluster, folder: Path, *, count: int, without: str = "nothing"
) -> AsyncIterator[Cluster]:
    """Agents that run beside the nodes of a cluster, each with a wire to one of them."""
    async with AsyncExitStack() as stack:
        for number in range(1, count + 1):
            server = cluster.nodes[number % len(cluster.nodes)]
            assert server.port is not None
            wire = await stack.enter_async_context(Proxy(server.port))
            own = folder / f"agent-{number}"
            own.mkdir(parents=True)
            agent = Agent(own.name, own, wire, cluster.lease, without)
            stack.push_async_callback(agent.stop, signal.SIGKILL)
            await agent.start()
            cluster.agents.append(agent)
        try:
            yield cluster
        finally:
            cluster.agents.clear()


def _node(folder: Path, number: int, url: str, lease: float, without: str) -> Node:
    own = folder / f"node-{number}"
    own.mkdir(parents=True)
    return Node(own.name, own, url, lease, without)


async def _started(stack: AsyncExitStack, cluster: Cluster) -> Cluster:
    async def end() -> None:
        await asyncio.gather(*(node.stop(signal.SIGKILL) for node in cluster.nodes))

    stack.push_async_callback(end)
    # The first one makes the tenant and the root key.
    await cluster.nodes[0].start()
    await asyncio.gather(*(node.start() for node in cluster.nodes[1:]))
    return cluster


async def _migrate(url: str) -> None:
    from keywright.storage import Database  # noqa: PLC0415 - loaded by those alone who need it
    from keywright.storage.migrate import upgrade  # noqa: PLC0415 - as above

    database = Database.connect(url)
    try:
        await upgrade(database)
    finally:
        await database.close()
