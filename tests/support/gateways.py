"""Real gateways for tests, each with the configuration of its folder in `examples/gateways`."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.nginx import nginx
from tests.support.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES = Path(__file__).parents[2] / "examples" / "gateways"
KEYWRIGHT, SERVICE, FRONT = "127.0.0.1:8300", "127.0.0.1:9000", "127.0.0.1:8080"
TESTED = ("nginx", "haproxy", "caddy")
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class NoGateway(Exception):
    """The program is not there and cannot be installed; the text says what to do."""


def program(name: str) -> str:
    """The path of a gateway's program, which is installed from Debian's packages where that can be done.

    `KEYWRIGHT_TEST_HAPROXY` and `KEYWRIGHT_TEST_CADDY` name others. Raises `NoGateway`.
    """
    variable = f"KEYWRIGHT_TEST_{name.upper()}"
    if named := os.environ.get(variable):
        return named
    with (Path(tempfile.gettempdir()) / f"keywright-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shutil.which(name, path=PLACES) or _installed(name)
    if found is None:
        raise NoGateway(f"There is no {name}: install it, or name it in {variable}.")
    return found


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
    binary = program(name)
    with tempfile.TemporaryDirectory(prefix=f"keywright-{name}-") as temporary:
        folder = Path(temporary)
        if name == "haproxy":
            configuration = example("haproxy", "haproxy.cfg", places, (KEYWRIGHT,))
            (folder / "haproxy.cfg").write_text(configuration, "utf-8")
            (folder / "keywright.lua").write_text(
                example("haproxy", "keywright.lua", places, (SERVICE, FRONT)), "utf-8"
            )
            argv = [binary, "-db", "-f", "haproxy.cfg"]
        else:
            # Its second port is the same for every Caddy of a machine, and of no use here.
            configuration = "{\n\tadmin off\n}\n" + example("caddy", "Caddyfile", places)
            (folder / "Caddyfile").write_text(configuration, "utf-8")
            argv = [binary, "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        with running(argv, cwd=folder, ready_url=ready):
            yield
