"""How long it takes until a server answers, and until the command line has done nothing."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bench.figures import Bar, Plot, Row, Section, Table, figure
from bench.installation import COMMAND, new_root, scratch, settings
from bench.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.options import Options

_ABOUT = """\
From the start of the process to the first 200 of `/readyz`, with SQLite; on an empty folder with the schema, a tenant
and an administrator made first. For commands, to the end of the process, beside Python doing nothing. Elapsed time."""
_STEP = 0.002
_LONGEST = 60.0
FRESH, AGAIN = "server, on an empty data folder", "server, on an existing database"
NOTHING, VERSION, HELP = "python -c pass", "keywright --version", "keywright --help"


def run(options: Options) -> Section:
    """Each in turn."""
    found: dict[str, list[float]] = {name: [] for name in (FRESH, AGAIN, NOTHING, VERSION, HELP)}
    with scratch() as folder:
        for turn in range(max(2, 2 * options.rounds) if not options.quick else 2):
            place = folder / str(turn)
            place.mkdir()
            root = new_root()
            found[FRESH].append(_served(place, root))
            found[AGAIN].append(_served(place, root))
            found[NOTHING].append(_done([sys.executable, "-c", "pass"]))
            found[VERSION].append(_done([COMMAND, "--version"]))
            found[HELP].append(_done([COMMAND, "--help"]))
    figures = {name: figure(values, "ms") for name, values in found.items()}
    return Section(
        name="start",
        title="Starting",
        about=_ABOUT,
        tables=(
            Table(
                ("", "elapsed"),
                tuple(Row(name, (str(one),), ours=name != NOTHING) for name, one in figures.items()),
            ),
        ),
        plots=(
            Plot(
                "start",
                "Time to start",
                tuple(Bar(name, one, ours=name != NOTHING) for name, one in figures.items()),
            ),
        ),
    )


def _served(place: Path, root: str) -> float:
    """Milliseconds until a server is ready."""
    port = free_port()
    env = {"PATH": os.environ["PATH"], **settings(place, root, None), "KEYWRIGHT_PORT": str(port)}
    began = time.monotonic()
    process = subprocess.Popen(
        [COMMAND, "serve"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _ready(port):
            if process.poll() is not None or time.monotonic() - began > _LONGEST:
                sys.exit("keywright serve did not become ready.")
            time.sleep(_STEP)
        return (time.monotonic() - began) * 1000
    finally:
        process.terminate()
        process.wait(30)


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _done(command: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Milliseconds that a command takes."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    return (time.monotonic() - began) * 1000
