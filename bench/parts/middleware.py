"""What a key costs an application: the guard in front of a hello, a verification by the SDK, and importing it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench import hello
from bench.figures import Bar, Figure, Plot, Row, Section, Table, Target, figure
from bench.installation import Keywright, keywright, new_key, scratch
from bench.parts.contenders import ACTION, UVICORN
from bench.servers import Request, Server, free_port, load, script_of, serving
from keywright.client import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.options import Options

_ABOUT = """\
A hello in each framework, open to all and for keys that may read an article, deciding in process with a `Verifier` on
SQLite. FastAPI, Starlette and Litestar run on uvicorn and are loaded by wrk; the others are called without a server,
which would be most of what is measured. Processor time of the whole process a request. Below it a verification by the
SDK over localhost, one after another on one connection, as elapsed time, and importing the SDK."""
_LOOPS, _CALLS, _IMPORTS = 2_000, 2_000, 10


def run(options: Options) -> Section:
    """All of it, each framework in turn."""
    with scratch() as folder, ExitStack() as stack:
        server = stack.enter_context(keywright(folder))
        token = new_key(server.client(), name="Reader", scope=[{"actions": [ACTION]}])[1]
        url = f"sqlite:///{folder / 'data' / 'keywright.db'}"
        found = {**_loaded(options, folder, url, token), **_called(options, url, token)}
        sdk = _sdk(options, server, token)
    costs = {name: figure([b - a for a, b in rounds], "µs") for name, rounds in found.items()}
    bare = {name: figure([a for a, _ in rounds], "µs") for name, rounds in found.items()}
    share = figure([(b - a) / a for a, b in found[hello.WAYS["fastapi"]["keyed"]]], "")
    return Section(
        name="middleware",
        title="A key in front of an application, and the SDK",
        about=_ABOUT,
        tables=(_frameworks(bare, costs), _table(sdk)),
        targets=(
            Target("What the guard adds to a hello of FastAPI, of the hello", share, 0.1),
            Target("SDK, waiting: a verification over localhost", sdk["verify, waiting"], 250),
            Target("SDK, awaited: a verification over localhost", sdk["verify, awaited"], 250),
        ),
        plots=(
            Plot(
                "middleware",
                "What a key adds to a request, deciding in process",
                tuple(Bar(name, one, ours=True) for name, one in costs.items()),
            ),
        ),
    )


def _frameworks(bare: dict[str, Figure], costs: dict[str, Figure]) -> Table:
    rows = [
        Row(name, (str(bare[name]), str(one), f"{one.value / bare[name].value:.0%}"), ours=True)
        for name, one in costs.items()
    ]
    return Table(("a hello", "open to all", "a key adds", "of it"), tuple(rows))


def _table(found: dict[str, Figure]) -> Table:
    return Table(
        ("the SDK", "elapsed"), tuple(Row(name, (str(one),), ours=True) for name, one in found.items())
    )


def _loaded(options: Options, folder: Path, url: str, token: str) -> dict[str, list[tuple[float, float]]]:
    """Processor time of a request without and with a key, in each round, of what runs on uvicorn."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    scripts = {
        kind: script_of(
            [Request("GET", f"/{kind}/42", {"Authorization": f"Bearer {token}"})],
            folder / f"{kind}.lua",
            varied="path" if kind == "varied" else None,
        )
        for kind in ("open", *(kind for name in hello.FAST for kind in hello.WAYS[name]))
    }
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_serving(name, folder, url)) for name in hello.FAST}
        for turn in range(options.rounds + 1):
            for name, server in servers.items():
                rounds = {
                    kind: load(
                        server, scripts[kind], connections=options.connections, seconds=options.seconds
                    )
                    for kind in ("open", *hello.WAYS[name])
                }
                if any(one.failures for one in rounds.values()):
                    raise SystemExit(f"{name} refused the key.")
                for kind, called in hello.WAYS[name].items() if turn else ():
                    found[called].append((rounds["open"].cpu_us, rounds[kind].cpu_us))
    return found


@contextmanager
def _serving(name: str, folder: Path, url: str) -> Iterator[Server]:
    """One hello on uvicorn."""
    port = free_port()
    command = [sys.executable, *UVICORN, "--factory", f"bench.hello:{name}", "--port", str(port)]
    env = {"HELLO_DATABASE_URL": url}
    with serving(command, env, port, "/open/42", folder / f"{name}.log") as server:
        yield server


def _called(options: Options, url: str, token: str) -> dict[str, list[tuple[float, float]]]:
    """The same of what is called without a server."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(max(3, options.rounds)):
        for name in hello.SYNC:
            command = [sys.executable, "-m", "bench.wsgi", name, token, str(options.few(_LOOPS))]
            done = subprocess.run(
                command, env={"HELLO_DATABASE_URL": url}, check=True, capture_output=True, text=True
            )
            bare, keyed = map(float, done.stdout.split())
            found[hello.WAYS[name]["keyed"]].append((bare, keyed))
    return found


def _sdk(options: Options, server: Keywright, token: str) -> dict[str, Figure]:
    """Elapsed time of a verification in microseconds, and what importing takes."""
    url, calls = f"http://127.0.0.1:{server.server.port}", options.few(_CALLS)
    waiting, awaited = [], []
    for _ in range(max(3, options.rounds)):
        with Client(url, server.root, "default") as client:
            client.verify(token)
            began = time.perf_counter()
            for _ in range(calls):
                client.verify(token, action=ACTION)
            waiting.append((time.perf_counter() - began) / calls * 1e6)
        awaited.append(asyncio.run(_awaited(url, server.root, token, calls)))
    return {
        "verify, waiting": figure(waiting, "µs"),
        "verify, awaited": figure(awaited, "µs"),
        "import keywright.client": figure([_import_ms() for _ in range(options.few(_IMPORTS))], "ms"),
    }


async def _awaited(url: str, root: str, token: str, calls: int) -> float:
    async with AsyncClient(url, root, "default") as client:
        await client.verify(token)
        began = time.perf_counter()
        for _ in range(calls):
            await client.verify(token, action=ACTION)
        return (time.perf_counter() - began) / calls * 1e6


def _import_ms() -> float:
    """Milliseconds of importing the SDK, as Python itself counts them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import keywright.client"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"\|\s+(\d+) \| keywright\.client$", done.stderr, re.MULTILINE)
    if found is None:
        raise SystemExit("Python did not say how long importing took.")
    return int(found[1]) / 1000
