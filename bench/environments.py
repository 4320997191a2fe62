"""The peers' environments, each of its own and exactly as pinned, in a folder that git ignores."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".bench"
PEERS = Path(__file__).resolve().parent / "peers"


class Missing(Exception):
    """A peer cannot be measured here; the text says why, for the table's notes."""


def python(name: str) -> Path:
    """The interpreter of a Python peer's environment, filled from its `requirements.txt`. Raises `Missing`."""
    pins = PEERS / name / "requirements.txt"
    folder = CACHE / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    interpreter = folder / "bin" / "python"
    if not _is_filled(folder, pins):
        uv = _uv()
        _empty(folder)
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(
            *(uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(interpreter)),
            *("-r", str(pins)),
        )
        _fill(folder, pins)
    return interpreter


def node(name: str) -> Path:
    """The folder with a Node peer's program and its modules, as its lock says. Raises `Missing`."""
    lock = PEERS / name / "package-lock.json"
    folder = CACHE / name
    if not _is_filled(folder, lock):
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("npm is not installed")
        _empty(folder)
        folder.mkdir(parents=True)
        for source in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / name / source, folder)
        _run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
        _fill(folder, lock)
    for program in (PEERS / name).glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


def program(name: str) -> str:
    """The path of a program of the system. Raises `Missing`."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


def _uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise Missing("uv is not there; `make bench` brings it along")
    return found


def _is_filled(folder: Path, pins: Path) -> bool:
    stamp = folder / ".filled"
    return stamp.exists() and stamp.read_text() == _digest(pins)


def _fill(folder: Path, pins: Path) -> None:
    (folder / ".filled").write_text(_digest(pins))


def _digest(pins: Path) -> str:
    return hashlib.sha256(pins.read_bytes()).hexdigest()


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _run(*command: str, cwd: Path | None = None) -> None:
    print(f"  {Path(command[0]).name} {command[1]} …", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"its environment cannot be made: {lines[-1] if lines else done.returncode}")
