"""Questions that are put to every node all the time, and what was answered, for the checker."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.cluster import ROOT_TOKEN
from tests.support.history import VALID, Asked, Event, History
from tests.support.wire import Broken, request_bytes

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Iterable

    from tests.support.cluster import Cluster, Node
    from tests.support.wire import Answer, Connection

CONNECTIONS = 2
PACE_SECONDS = 0.008
WARM = 16
"""So many of the questions whose gates were changed last get half of the load."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it stands on the wire, and the gate on which its answer rests."""

    gate: str
    request: bytes = field(repr=False)
    decides: bool = True
    """Whether it asks about a key, and not whether a token is a credential for Keywright itself."""


def may(
    gate: str,
    token: str,
    action: str | None = None,
    tenant: str | None = None,
    *,
    caller: str = ROOT_TOKEN,
) -> Question:
    """Whether the holder of a token may do something, asked with the root key or another."""
    asked = {"token": token, "action": action, "tenant": tenant}
    body = json.dumps({name: value for name, value in asked.items() if value is not None}).encode()
    headers = {"Authorization": f"Bearer {caller}"}
    return Question(gate, request_bytes("POST", "/v1/verify", headers, body))


def let_in(gate: str, token: str) -> Question:
    """Whether a token is a credential for Keywright itself."""
    return Question(
        gate, request_bytes("GET", "/v1/whoami", {"Authorization": f"Bearer {token}"}), decides=False
    )


def code_of(answer: Answer) -> str | None:
    """The verdict of an answer; None where it says nothing about the key."""
    if answer.status == 401:
        return "UNAUTHENTICATED"
    if answer.status == 503:
        return "STALE"
    if answer.status != 200:
        return None
    return str(answer.json().get("code", VALID))


class Load:
    """Puts questions to the nodes of a cluster, and keeps the history of a run."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self.cluster = cluster
        self.chance = chance
        self.history = History()
        self.verdicts: Counter[tuple[str, str | None]] = Counter()
        """How often each node gave each verdict."""
        self._questions: list[Question] = []
        self._warm: deque[Question] = deque(maxlen=WARM)
        self._probes: set[asyncio.Task[None]] = set()

    def add(self, questions: Iterable[Question]) -> None:
        """Ask these from now on."""
        self._questions += questions

    def remove(self, questions: Iterable[Question]) -> None:
        """Do not ask these any more; those that are on their way are answered still."""
        gone = set(questions)
        self._questions = [one for one in self._questions if one not in gone]

    def note(self, what: str) -> None:
        """Note what was done to the servers."""
        self.history.events.append(Event(time.monotonic(), what))

    def probe(self, questions: Iterable[Question]) -> None:
        """Ask each node at once, whatever else it is asked, and often for the next while."""
        for question in questions:
            self._warm.append(question)
            for node in self._asked_of(question):
                task = asyncio.create_task(self._probe(node, question))
                self._probes.add(task)
                task.add_done_callback(self._probes.discard)

    async def on_every_node(self, question: Question, code: str) -> None:
        """Ask each node until it gives this verdict. Waits without end; whoever calls knows what is too long."""

        async def ask(node: Node) -> None:
            while True:
                try:
                    if code_of(await node.ask(question.request)) == code:
                        return
                except Broken:
                    pass
                await asyncio.sleep(0.02)

        await asyncio.gather(*(ask(node) for node in self._asked_of(question)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask for as long as the block."""
        tasks = [
            asyncio.create_task(self._keep_asking(node))
            for node in self.cluster.deciding
            for _ in range(CONNECTIONS)
        ]
        try:
            yield
        finally:
            every = [*tasks, *self._probes]
            for task in every:
                task.cancel()
            ended = await asyncio.gather(*every, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _keep_asking(self, node: Node) -> None:
        while True:
            try:
                connection = await node.connect()
                while True:
                    question = self._choose()
                    if node in self._asked_of(question):
                        await self._put(node, connection, question)
                    await asyncio.sleep(self.chance.random() * 2 * PACE_SECONDS)
            except Broken:
                await asyncio.sleep(0.02)

    def _asked_of(self, question: Question) -> list[Node]:
        """Who answers a question: an agent takes credentials for nothing."""
        return self.cluster.deciding if question.decides else list(self.cluster.nodes)

    def _choose(self) -> Question:
        if self._warm and self.chance.random() < 0.5:
            return self.chance.choice(self._warm)
        return self.chance.choice(self._questions)

    async def _put(self, node: Node, connection: Connection, question: Question) -> None:
        sent = time.monotonic()
        answer = await connection.ask(question.request)
        code = code_of(answer)
        self.history.asked.append(Asked(question.gate, sent, time.monotonic(), code, node.name))
        self.verdicts[node.name, code] += 1

    async def _probe(self, node: Node, question: Question) -> None:
        sent = time.monotonic()
        try:
            code = code_of(await node.ask(question.request))
        except Broken:
            return
        self.history.asked.append(Asked(question.gate, sent, time.monotonic(), code, node.name))
        self.verdicts[node.name, code] += 1
