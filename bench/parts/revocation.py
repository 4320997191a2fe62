"""How long a revocation takes until it is true on each of three servers, with one of them frozen too."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.figures import Bar, Plot, Row, Section, Table, Target, exactly, percentile
from bench.installation import (
    Keywright,
    keywright,
    migrate,
    new_key,
    new_root,
    postgres,
    scratch,
    settings,
    verification,
)
from bench.servers import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.options import Options
    from bench.servers import Request

NODES = 3
LEASE = 3.0
# What a frozen node may cost on top of its lease: the drift margin, and the pauses between two looks.
MARGIN = 1.0
REVOCATIONS, FROZEN = 300, 5
RATE = 200
_ABOUT = """\
`DELETE /v1/keys/{{id}}` from {nodes} servers on one PostgreSQL, all on this host and each knowing the key, from
sending it to its answer with a complete receipt. The lease is {lease:g} s. After each answer all nodes are asked about
the key again; the last column counts those that still took it."""
_ACTION = "article:read"


@dataclass(slots=True)
class Loaded:
    """What the load saw while it ran: how many verifications it made, and how long each took in milliseconds."""

    milliseconds: list[float] = field(default_factory=list)
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Revoked:
    """What some revocations took and how much of that they waited for nodes, in milliseconds.

    `violations` counts the nodes on which a revoked key was still taken as valid.
    """

    milliseconds: list[float]
    waited: list[float]
    violations: int
    load: list[Loaded]


def run(options: Options) -> Section:
    """Revoke at rest, under load, and with a node that does not move."""
    count = options.few(REVOCATIONS)
    with scratch() as folder, postgres(folder) as server, ExitStack() as stack:
        url, root = server.create_database(), new_root()
        migrate(settings(folder, root, url))
        nodes = [_node(stack, folder, number, root, url) for number in range(NODES)]
        asker = new_key(nodes[0].client(), name="gateway", scope=[{"actions": ["keys:verify"]}])[1]
        known = new_key(nodes[0].client(), name="known", scope=[{"actions": [_ACTION]}])[1]
        request = verification(asker, known, action=_ACTION)
        rest = _revoked(nodes, asker, count)
        with _loading(nodes, request) as load:
            loaded = _revoked(nodes, asker, count, load)
        frozen = _with_one_frozen(nodes, asker, FROZEN)
    return section(rest, loaded, frozen)


def _node(stack: ExitStack, folder: Path, number: int, root: str, url: str) -> Keywright:
    place = folder / f"node-{number}"
    place.mkdir()
    everywhere = os.sched_getaffinity(0)
    return stack.enter_context(
        keywright(
            place, root=root, database_url=url, processors=everywhere, KEYWRIGHT_LEASE_SECONDS=str(LEASE)
        )
    )


def _revoked(nodes: list[Keywright], asker: str, count: int, load: list[Loaded] | None = None) -> Revoked:
    """Make a key, let every node remember it, delete it on one node in turn, and ask all of them again."""
    clients = [node.client() for node in nodes]
    took: list[tuple[float, float]] = []
    violations = 0
    for number in range(count):
        key_id, token = new_key(clients[0], name=f"key {number}", scope=[{"actions": [_ACTION]}])
        question = verification(asker, token, action=_ACTION)
        for client in clients:
            if client.send(question)[1].get("code") != "VALID":
                raise SystemExit("A new key was not valid on every node.")
        took.append(_deleted(clients[number % len(clients)], key_id))
        violations += sum(client.send(question)[1].get("code") == "VALID" for client in clients)
    for client in clients:
        client.close()
    return _taken(took, violations, load or [])


def _taken(took: list[tuple[float, float]], violations: int, load: list[Loaded]) -> Revoked:
    return Revoked([whole for whole, _ in took], [waited for _, waited in took], violations, load)


def _deleted(client: Client, key_id: str) -> tuple[float, float]:
    """Milliseconds until the answer, and those of them that the receipt says it waited."""
    began = time.monotonic()
    status, answer = client.call("DELETE", f"/v1/keys/{key_id}")
    if status != 200 or not answer["receipt"]["complete"]:
        raise SystemExit(f"A key could not be deleted: {status} {answer}")
    return (time.monotonic() - began) * 1000, answer["receipt"]["waited_ms"]


def _with_one_frozen(nodes: list[Keywright], asker: str, count: int) -> Revoked:
    """Stop the last node after it has remembered a key, delete that on another, and let it go on."""
    clients = [node.client() for node in nodes]
    took: list[tuple[float, float]] = []
    violations = 0
    for number in range(count):
        key_id, token = new_key(clients[0], name=f"frozen {number}", scope=[{"actions": [_ACTION]}])
        question = verification(asker, token, action=_ACTION)
        for client in clients:
            client.send(question)
        with _frozen(nodes[-1]):
            took.append(_deleted(clients[0], key_id))
        violations += sum(client.send(question)[1].get("code") == "VALID" for client in clients)
        time.sleep(LEASE)  # so that all of them hold a lease when the next one begins
    for client in clients:
        client.close()
    return _taken(took, violations, [])


@contextmanager
def _frozen(node: Keywright) -> Iterator[None]:
    os.kill(node.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.server.pid, signal.SIGCONT)


@contextmanager
def _loading(nodes: list[Keywright], request: Request) -> Iterator[list[Loaded]]:
    """Verifications at a steady rate on each node, from a thread for each."""
    ended = threading.Event()
    found = [Loaded() for _ in nodes]
    threads = [
        threading.Thread(target=_load, args=(node.server.port, request, seen, ended))
        for node, seen in zip(nodes, found, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _load(port: int, request: Request, seen: Loaded, ended: threading.Event) -> None:
    client = Client(port)
    due = time.monotonic()
    while not ended.is_set():
        began = time.monotonic()
        status, answer = client.send(request)
        seen.milliseconds.append((time.monotonic() - began) * 1000)
        seen.failures += status != 200 or answer.get("code") != "VALID"
        due = max(due + 1 / RATE, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))
    client.close()


def section(rest: Revoked, loaded: Revoked, frozen: Revoked) -> Section:
    """The table, targets and plot of what was measured."""
    kinds = {
        f"{NODES} nodes at rest": rest,
        f"{NODES} nodes, {RATE} verifications a second on each": loaded,
        "one node frozen": frozen,
    }
    rows, bars = [], []
    for name, one in kinds.items():
        median, high = (exactly(percentile(one.milliseconds, share), "ms") for share in (50, 99))
        cells = (
            str(len(one.milliseconds)),
            str(median),
            str(high),
            str(exactly(max(one.milliseconds), "ms")),
            str(exactly(percentile(one.waited, 50), "ms")),
            str(one.violations),
        )
        rows.append(Row(name, cells, ours=True))
        bars += [Bar(f"{name}, median", median, ours=True), Bar(f"{name}, p99", high)]
    median, high = (exactly(percentile(loaded.milliseconds, share), "ms") for share in (50, 99))
    violations = sum(one.violations for one in kinds.values())
    return Section(
        name="revocation",
        title="A revocation, until it is true on every node",
        about=_ABOUT.format(nodes=NODES, lease=LEASE),
        tables=(
            Table(
                ("", "revocations", "median", "p99", "longest", "waiting, median", "still valid"), tuple(rows)
            ),
        ),
        targets=(
            Target("Revocation under load, median", median, 50),
            Target("Revocation under load, p99", high, 250),
            Target(
                f"Revocation with one node frozen: lease and {MARGIN:g} s",
                exactly(max(frozen.milliseconds), "ms"),
                (LEASE + MARGIN) * 1000,
            ),
            Target("Nodes that still took a revoked key", exactly(violations, ""), 0),
        ),
        plots=(Plot("revocation", "Time until a revocation is true on every node", tuple(bars[:4])),),
        notes=tuple(_notes(loaded)),
    )


def _notes(loaded: Revoked) -> list[str]:
    times = [one for seen in loaded.load for one in seen.milliseconds]
    failures = sum(seen.failures for seen in loaded.load)
    if not times:
        return []
    return [
        f"The load: {len(times):,} verifications, median {percentile(times, 50):.1f} ms, "
        f"p99 {percentile(times, 99):.1f} ms, {failures} of them not answered as valid."
    ]
