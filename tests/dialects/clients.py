"""The other systems' own clients, as the registries carry them, in environments of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import environments
from tests.support.environments import ROOT, Missing

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = ROOT / ".clients"
HERE = Path(__file__).resolve().parent


def python_client(folder: str, version: str) -> Path:
    """The interpreter of the client whose `requirements.txt` is in a folder here, on a Python of this version."""
    return _or_skip(lambda: environments.python(HERE / folder, _cache(folder), version))


def node_client(folder: str) -> Path:
    """The folder of the client whose `package-lock.json` is in a folder here, with the `*.mjs` beside it."""
    return _or_skip(lambda: environments.node(HERE / folder, _cache(folder)))


def _cache(folder: str) -> Path:
    """Where the environment of a client is kept: apart for each dialect, since their folders are named alike."""
    return (CACHE / folder).parent


def _or_skip(make: Callable[[], Path]) -> Path:
    """Skip where a client cannot be had, and say why; in CI it has to be there."""
    try:
        return make()
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the client is not here: {missing}")
