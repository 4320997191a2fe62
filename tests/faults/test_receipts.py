"""What a receipt says of each node, whatever has become of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE
from tests.support.cluster import LONG_SECONDS, postgres_cluster, sqlite_cluster
from tests.support.mortal_postgres import KILL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cluster import Cluster, Node
    from tests.support.mortal_postgres import MortalPostgres

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-2")]

SOUND = ("acknowledged", "acknowledged", "acknowledged")
ONE_OVER = ("acknowledged", "acknowledged", "expired")


class Away(Exception):
    """The database cannot be written."""


async def switched(cluster: Cluster, node: Node, path: str) -> dict[str, str]:
    """Disable and enable a key: the outcome of each node by its id, from the receipt of the first."""
    answer = await cluster.call(node, "PATCH", path, {"active": False})
    if answer.status == 503:
        raise Away
    assert answer.status == 200, answer.body
    await cluster.call(node, "PATCH", path, {"active": True})
    receipt = answer.json()["receipt"]
    assert receipt["complete"] is True
    assert receipt["effective_by"] is None
    return {one["id"]: one["outcome"] for one in receipt["nodes"]}


async def until(cluster: Cluster, node: Node, path: str, *outcomes: str) -> dict[str, str]:
    """Do so until the receipt has these outcomes: on a busy machine a sound node too may be late with its lease."""
    async with asyncio.timeout(LONG_SECONDS):
        while True:
            found = await switched(cluster, node, path)
            if sorted(found.values()) == sorted(outcomes):
                return found


async def made_key(cluster: Cluster) -> str:
    """The path of a new key."""
    made = await cluster.make(cluster.nodes[0], "/v1/keys", {"name": "one"})
    return f"/v1/keys/{made['key']['id']}"


async def with_frozen(cluster: Cluster, node: Node, path: str) -> dict[str, str]:
    """The outcomes while a node stands still, as the first node has them.

    One that stands still in the middle of writing to a SQLite file keeps all others from it, and is tried again.
    """
    while True:
        node.freeze()
        try:
            return await until(cluster, cluster.nodes[0], path, *ONE_OVER)
        except Away:
            continue
        finally:
            node.thaw()
            await node.until_ready()


async def outcomes_follow_the_nodes(cluster: Cluster) -> None:
    first, second, third = cluster.nodes
    path = await made_key(cluster)
    sound = await until(cluster, first, path, *SOUND)
    assert (await until(cluster, second, path, *SOUND)).keys() == sound.keys()

    frozen = await with_frozen(cluster, third, path)
    assert frozen.keys() == sound.keys()
    # It was not forgotten, and is the node that it was.
    assert (await until(cluster, third, path, *SOUND)).keys() == sound.keys()

    await third.stop(KILL)
    killed = await until(cluster, second, path, *ONE_OVER)
    assert killed == frozen
    await third.start()
    again = await until(cluster, second, path, *SOUND, "expired")
    assert {one for one, outcome in again.items() if outcome == "expired"} == {
        one for one, outcome in frozen.items() if outcome == "expired"
    }

    await second.stop()
    left = await until(cluster, first, path, *ONE_OVER)
    assert left.keys() < again.keys()


async def a_node_that_is_cut_off_is_waited_out_and_found_again(cluster: Cluster) -> None:
    first, _, third = cluster.nodes
    path = await made_key(cluster)
    sound = await until(cluster, first, path, *SOUND)
    assert third.proxy is not None
    third.proxy.refuse()
    assert (await until(cluster, first, path, *ONE_OVER)).keys() == sound.keys()
    third.proxy.heal()
    await third.until_ready()
    assert (await until(cluster, third, path, *SOUND)).keys() == sound.keys()


async def test_on_postgres(tmp_path: Path, mortal: MortalPostgres) -> None:
    async with postgres_cluster(tmp_path, mortal, size=3, lease=LEASE) as cluster:
        await a_node_that_is_cut_off_is_waited_out_and_found_again(cluster)
        await outcomes_follow_the_nodes(cluster)


async def test_on_sqlite(tmp_path: Path) -> None:
    async with sqlite_cluster(tmp_path, size=3, lease=LEASE) as cluster:
        await outcomes_follow_the_nodes(cluster)
