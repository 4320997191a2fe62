"""Real gateways for tests, each with the configuration of its folder in `examples/gateways`."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from tests.support.environments import ROOT, Missing, python
from tests.support.nginx import nginx
from tests.support.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES = Path(__file__).parents[2] / "examples" / "gateways"
KEYWRIGHT, SERVICE, FRONT = "127.0.0.1:8300", "127.0.0.1:9000", "127.0.0.1:8080"
TESTED = ("nginx", "haproxy", "caddy", "traefik", "envoy")
PROGRAMS = Path(__file__).parents[1] / "gateways" / "programs"
"""Those that Debian does not have, as packages of PyPI."""
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class NoGateway(Exception):
    """The program is not there and cannot be installed; the text says what to do."""


def program(name: str) -> str:
    """The path of a gateway's program, which is installed from the packages of Debian or PyPI where that can be done.

    `KEYWRIGHT_TEST_HAPROXY`, `KEYWRIGHT_TEST_CADDY` and so on name others. Raises `NoGateway`.
    """
    variable = f"KEYWRIGHT_TEST_{name.upper()}"
    if named := os.environ.get(variable):
        return named
    if name in _PACKAGED:
        return _packaged(name, variable)
    with (Path(tempfile.gettempdir()) / f"keywright-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shutil.which(name, path=PLACES) or _installed(name)
    if found is None:
        raise NoGateway(f"There is no {name}: install it, or name it in {variable}.")
    return found


_PACKAGED = {"traefik": "bin/traefik", "envoy": "lib/python*/site-packages/envoy/_bin/envoy"}


def _packaged(name: str, variable: str) -> str:
    try:
        environment = python(PROGRAMS, ROOT / ".clients").parents[1]
    except Missing as error:
        raise NoGateway(f"There is no {name}: {error}. Install it, and name it in {variable}.") from None
    (found,) = environment.glob(_PACKAGED[name])
    return str(found)


def _installed(name: str) -> str | None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", name]):
        done = subprocess.run([apt, *command], env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NoGateway(f"{name} cannot be installed: {done.stderr.strip()[-500:]}")
    return shutil.which(name, path=PLACES)


def example(name: str, file: str, places: Mapping[str, str], missing: tuple[str, ...] = ()) -> str:
    """A file of an example with other addresses, each of which stands in it once but those that are `missing`."""
    text = (EXAMPLES / name / file).read_text("utf-8")
    for address, ours in places.items():
        assert text.count(address) == (0 if address in missing else 1), address
        text = text.replace(address, ours)
    return text


@contextmanager
def gateway(name: str, *, keywright: int, service: int, front: int) -> Iterator[None]:
    """Run a gateway at the port `front`, before a service, with a Keywright to ask. Raises `NoGateway`."""
    places = {
        KEYWRIGHT: f"127.0.0.1:{keywright}",
        SERVICE: f"127.0.0.1:{service}",
        FRONT: f"127.0.0.1:{front}",
    }
    ready = f"http://127.0.0.1:{front}/"
    if name == "nginx":
        with nginx(example("nginx", "keywright.conf", places), ready):
            yield
        return
    with tempfile.TemporaryDirectory(prefix=f"keywright-{name}-") as temporary:
        folder = Path(temporary)
        argv = [program(name), *_prepared(name, folder, places)]
        with running(argv, cwd=folder, ready_url=ready):
            if name == "traefik":
                _await_routes(ready)
            yield


def _await_routes(url: str) -> None:
    """Wait until Traefik has read its routes: before that, everything is 404."""
    ends = time.monotonic() + 30
    while httpx2.get(url).status_code == 404:
        if time.monotonic() > ends:
            raise NoGateway("Traefik has not read its routes within 30 seconds.")
        time.sleep(0.05)


def _flags(name: str) -> list[str]:
    """The arguments of the command in an example's README, but for where it listens."""
    (line,) = re.findall(rf"^{name} (.+)$", (EXAMPLES / name / "README.md").read_text("utf-8"), re.MULTILINE)
    return [one for one in shlex.split(line) if FRONT not in one]


def _prepared(name: str, folder: Path, places: Mapping[str, str]) -> list[str]:
    """Write a gateway's configuration into a folder, and give the arguments to start it with there."""

    def write(file: str, text: str) -> None:
        (folder / file).write_text(text, "utf-8")

    match name:
        case "haproxy":
            write("haproxy.cfg", example(name, "haproxy.cfg", places, (KEYWRIGHT,)))
            write("keywright.lua", example(name, "keywright.lua", places, (SERVICE, FRONT)))
            return ["-db", "-f", "haproxy.cfg"]
        case "caddy":
            # Its second port is the same for every Caddy of a machine, and of no use here.
            write("Caddyfile", "{\n\tadmin off\n}\n" + example(name, "Caddyfile", places))
            return ["run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        case "traefik":
            # Where it listens is told on its command line.
            names = {**places, "api.example.com": "127.0.0.1"}
            write("dynamic.yaml", example(name, "dynamic.yaml", names, (FRONT,)))
            return [*_flags(name), f"--entrypoints.web.address={places[FRONT]}"]
        case _:
            ports = {
                f"port_value: {one.partition(':')[2]}": other.partition(":")[2]
                for one, other in places.items()
            }
            ours = {port: f"port_value: {other}" for port, other in ports.items()}
            write("envoy.yaml", example(name, "envoy.yaml", {**ours, KEYWRIGHT: places[KEYWRIGHT]}))
            # What it shares with the one that takes its place would be shared with every Envoy of the machine.
            return [
                "-c",
                "envoy.yaml",
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "--log-level",
                "warning",
            ]
