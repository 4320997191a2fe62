"""A real Chromium: the one of this machine, or where there is none and one may, that of Debian's packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What runs as root, in a container, can have no sandbox of its own.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


class NoBrowser(Exception):
    """There is no Chromium, and none can be installed; the text says what to do."""


def chromium() -> str:
    """The path of Chromium, which is installed first where that can be done. Raises `NoBrowser`.

    `KEYWRIGHT_TEST_CHROMIUM` names another than the first that is found.
    """
    named = os.environ.get("KEYWRIGHT_TEST_CHROMIUM")
    if named:
        return named
    with (Path(tempfile.gettempdir()) / "keywright-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _found() or _installed()


def _found() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def _installed() -> str:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NoBrowser(
            "The tests of the console need Chromium. Install it, or name one in KEYWRIGHT_TEST_CHROMIUM."
        )
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        done = subprocess.run([apt, *command], env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NoBrowser(f"Chromium cannot be installed: {done.stderr.strip()[-500:]}")
    found = _found()
    if found is None:
        raise NoBrowser("Debian's package brought no Chromium that is on the PATH.")
    return found
