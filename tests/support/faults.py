"""What goes wrong in a run: one fault after the other, each healed before the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from tests.support.mortal_postgres import FAST, IMMEDIATE, KILL
from tests.support.proxy import DOWN, UP

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable
    from signal import Signals

    from tests.support.cluster import Agent, Node
    from tests.support.load import Load
    from tests.support.proxy import Proxy

Fault: TypeAlias = "Callable[[Load], Awaitable[None]]"
HOUR = 3_600.0


def _any(load: Load) -> Node:
    return load.chance.choice(load.cluster.nodes)


def _wire(node: Node) -> Proxy:
    assert node.proxy is not None
    return node.proxy


async def _frozen(load: Load, nodes: list[Node], leases: float) -> None:
    names = ", ".join(node.name for node in nodes)
    load.note(f"{names} stand still for {leases} leases")
    for node in nodes:
        node.freeze()
    await asyncio.sleep(leases * load.cluster.lease)
    load.note(f"{names} go on")
    for node in nodes:
        node.thaw()


async def short_freeze(load: Load) -> None:
    """A node stands still for less than its lease, several times."""
    node = _any(load)
    for _ in range(3):
        await _frozen(load, [node], load.chance.uniform(0.2, 0.9))
        await asyncio.sleep(load.chance.uniform(0.0, 0.3) * load.cluster.lease)


async def long_freeze(load: Load) -> None:
    """A node stands still for longer than its lease."""
    await _frozen(load, [_any(load)], load.chance.uniform(1.3, 2.5))


async def freeze_all_but_one(load: Load) -> None:
    """All nodes but one stand still for longer than their leases."""
    left = _any(load)
    await _frozen(load, [node for node in load.cluster.nodes if node is not left], 1.5)


async def kill(load: Load) -> None:
    """A node is killed, and started again at once."""
    node = _any(load)
    load.note(f"{node.name} is killed")
    await node.stop(KILL)
    await node.start()
    load.note(f"{node.name} is there again")


async def restart(load: Load) -> None:
    """A node is told to stop, and started again."""
    node = _any(load)
    load.note(f"{node.name} is told to stop")
    await node.stop()
    await node.start()
    load.note(f"{node.name} is there again")


async def postgres_restarts(load: Load) -> None:
    """PostgreSQL is restarted as an administrator does."""
    await _postgres_ends(load, FAST, 0.0)


async def postgres_crashes(load: Load) -> None:
    """PostgreSQL is ended without a shutdown, and comes back before the leases have run out."""
    await _postgres_ends(load, IMMEDIATE, 0.0)


async def postgres_is_killed(load: Load) -> None:
    """PostgreSQL's first process is killed, and comes back after the leases have run out."""
    await _postgres_ends(load, KILL, 1.5 * load.cluster.lease)


async def _postgres_ends(load: Load, how: Signals, pause: float) -> None:
    load.note(f"PostgreSQL is ended by {how!r}")
    await load.cluster.restart_postgres(how, pause)
    load.note("PostgreSQL is there again")


async def _cut(load: Load, node: Node, what: str, cut: Callable[[Proxy], None], leases: float) -> None:
    load.note(f"the wire of {node.name} {what}, for {leases} leases")
    cut(_wire(node))
    await asyncio.sleep(leases * load.cluster.lease)
    _wire(node).heal()
    load.note(f"the wire of {node.name} is sound again")


async def refused(load: Load) -> None:
    """A node's connections break, and it gets no new ones."""
    await _cut(load, _any(load), "is cut", lambda wire: wire.refuse(), load.chance.uniform(0.3, 2.0))


async def silent(load: Load) -> None:
    """Nothing passes between a node and the database; what was sent arrives later."""
    await _cut(load, _any(load), "is silent", lambda wire: wire.hold(UP, DOWN), load.chance.uniform(0.5, 2.5))


async def long_silence(load: Load) -> None:
    """As `silent`, for so long that whoever waits for the node's lease to end is done well before."""
    await _cut(load, _any(load), "is silent", lambda wire: wire.hold(UP, DOWN), 3.0)


async def answers_lost(load: Load) -> None:
    """The database hears a node, which does not hear the database."""
    await _cut(load, _any(load), "lets no answer through", lambda wire: wire.hold(DOWN), 1.5)


async def questions_lost(load: Load) -> None:
    """The database does not hear a node, and later hears all of it at once."""
    await _cut(load, _any(load), "lets no question through", lambda wire: wire.hold(UP), 1.5)


async def slow(load: Load) -> None:
    """Each piece on its way takes a good part of a lease."""

    def delay(wire: Proxy) -> None:
        wire.delay = load.chance.uniform(0.05, 0.25) * load.cluster.lease

    await _cut(load, _any(load), "is slow", delay, 2.5)


async def half_closed(load: Load) -> None:
    """One side of every connection hears that the other one sends nothing more; then the other way round."""
    node = _any(load)
    await _cut(load, node, "is closed upwards", lambda wire: wire.half_close(UP), 0.4)
    await _cut(load, node, "is closed downwards", lambda wire: wire.half_close(DOWN), 0.4)


async def severed(load: Load) -> None:
    """The connections of all nodes break again and again, and each may connect anew at once."""
    load.note("every wire breaks, five times")
    for _ in range(5):
        for node in load.cluster.nodes:
            _wire(node).sever()
        await asyncio.sleep(load.chance.uniform(0.0, 0.3) * load.cluster.lease)


async def clocks_shift(load: Load) -> None:
    """Wall clocks jump, each its own way, while one node stands still for longer than its lease."""
    for node in load.cluster.nodes:
        offset = load.chance.uniform(-2 * HOUR, 2 * HOUR)
        node.shift(offset)
        load.note(f"the clock of {node.name} is off by {offset:.0f} s")
    await _frozen(load, [_any(load)], 1.4)
    for node in load.cluster.nodes:
        node.shift(0)


def _an_agent(load: Load) -> Agent:
    return load.chance.choice(load.cluster.agents)


async def agent_freezes_briefly(load: Load) -> None:
    """An agent stands still for less than its lease, several times."""
    agent = _an_agent(load)
    for _ in range(3):
        await _frozen(load, [agent], load.chance.uniform(0.2, 0.9))
        await asyncio.sleep(load.chance.uniform(0.0, 0.3) * load.cluster.lease)


async def agent_freezes(load: Load) -> None:
    """An agent stands still for longer than its lease."""
    await _frozen(load, [_an_agent(load)], load.chance.uniform(1.3, 2.5))


async def agent_is_killed(load: Load) -> None:
    """An agent is killed, and started again at once."""
    agent = _an_agent(load)
    load.note(f"{agent.name} is killed")
    await agent.stop(KILL)
    await agent.start()
    load.note(f"{agent.name} is there again")


async def server_of_agents_is_killed(load: Load) -> None:
    """A server is killed, and the agents that asked it ask another one by the same address."""
    node = _any(load)
    load.note(f"{node.name} is killed, and its agents ask others")
    await node.stop(KILL)
    load.cluster.follow()
    await asyncio.sleep(load.chance.uniform(0.0, 1.5) * load.cluster.lease)
    await node.start()
    load.cluster.follow()
    load.note(f"{node.name} is there again")


async def server_of_agents_freezes(load: Load) -> None:
    """A server stands still with what it was doing for agents, which go to another one, and finishes it later."""
    agent = _an_agent(load)
    ports = {node.port: node for node in load.cluster.nodes}
    node = ports[_wire(agent).far_port]
    load.note(f"{node.name} stands still, and {agent.name} goes to another")
    node.freeze()
    load.cluster.point(agent, next(one for one in load.cluster.nodes if one is not node))
    await asyncio.sleep(load.chance.uniform(0.5, 1.8) * load.cluster.lease)
    node.thaw()
    load.note(f"{node.name} goes on")


def _on_an_agents_wire(what: str, cut: Callable[[Proxy], None], leases: float) -> Fault:
    async def fault(load: Load) -> None:
        await _cut(load, _an_agent(load), what, cut, leases)

    fault.__name__ = f"agents_wire_{what.replace(' ', '_')}"
    return fault


def _slow_wire(wire: Proxy) -> None:
    wire.delay = 0.1


long_silence_of_an_agent = _on_an_agents_wire("is silent for long", lambda wire: wire.hold(UP, DOWN), 3.0)
ON_AGENTS: tuple[Fault, ...] = (
    agent_freezes_briefly,
    agent_freezes,
    agent_is_killed,
    server_of_agents_is_killed,
    server_of_agents_freezes,
    _on_an_agents_wire("is cut", lambda wire: wire.refuse(), 1.5),
    _on_an_agents_wire("is silent", lambda wire: wire.hold(UP, DOWN), 2.0),
    _on_an_agents_wire("lets no answer through", lambda wire: wire.hold(DOWN), 1.5),
    _on_an_agents_wire("lets no question through", lambda wire: wire.hold(UP), 1.5),
    _on_an_agents_wire("is slow", _slow_wire, 2.5),
    _on_an_agents_wire("is closed upwards", lambda wire: wire.half_close(UP), 1.5),
    _on_an_agents_wire("is closed downwards", lambda wire: wire.half_close(DOWN), 1.5),
)
ON_NODES: tuple[Fault, ...] = (short_freeze, long_freeze, freeze_all_but_one, kill, restart)
ON_POSTGRES: tuple[Fault, ...] = (postgres_restarts, postgres_crashes, postgres_is_killed)
ON_WIRES: tuple[Fault, ...] = (
    refused,
    silent,
    answers_lost,
    questions_lost,
    slow,
    half_closed,
    severed,
)
ON_CLOCKS: tuple[Fault, ...] = (clocks_shift,)


def shuffled(faults: tuple[Fault, ...], chance: random.Random, rounds: int) -> list[Fault]:
    """Each fault once a round, in any order."""
    return [fault for _ in range(rounds) for fault in chance.sample(faults, len(faults))]
