"""Environments of other programs, exactly as pinned, in a folder that git ignores: made once, by whoever is first.

A Python environment is pinned by a `requirements.txt` with hashes, one of Node by a `package-lock.json`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent


class Missing(Exception):
    """An environment cannot be made here; the text says why."""


def python(source: Path, cache: Path, version: str | None = None) -> Path:
    """The interpreter of an environment filled from `requirements.txt` in a folder. Raises `Missing`.

    `version`, such as `3.9`, asks for another Python than the one that runs.
    """
    pins = source / "requirements.txt"
    folder = cache / f"{source.name}-{version or f'{sys.version_info.major}.{sys.version_info.minor}'}"
    interpreter = folder / "bin" / "python"
    with _alone(folder):
        if not _is_filled(folder, pins):
            uv = _uv()
            base = sys.executable if version is None else _interpreter(version)
            _empty(folder)
            _run(uv, "venv", "--quiet", "--no-python-downloads", "--python", base, str(folder))
            _run(
                *(uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(interpreter)),
                *("-r", str(pins)),
            )
            _fill(folder, pins)
    return interpreter


def node(source: Path, cache: Path) -> Path:
    """A folder with the modules that the lock in a folder names, and the programs beside it. Raises `Missing`."""
    lock = source / "package-lock.json"
    folder = cache / source.name
    with _alone(folder):
        if not _is_filled(folder, lock):
            npm = shutil.which("npm")
            if npm is None:
                raise Missing("npm is not installed")
            _empty(folder)
            folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder)
            _run(npm, "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=folder)
            _fill(folder, lock)
        for program in source.glob("*.mjs"):
            shutil.copy(program, folder)
    return folder


def _interpreter(version: str) -> str:
    """A Python of this version: on the path, or among those that pyenv keeps."""
    name = f"python{version}"
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [shutil.which(name), *sorted(map(str, kept.glob(f"{version}.*/bin/{name}")))]
    for one in found:
        # One of pyenv's shims is on the path also where it leads to nothing.
        if one is not None and subprocess.call([one, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return one
    raise Missing(f"there is no Python {version}")


def _uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise Missing("uv is not there; `make` brings it along")
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold other processes off from an environment while it is being made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
    sys.stderr.write(f"  {Path(command[0]).name} {command[1]} …\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"its environment cannot be made: {lines[-1] if lines else done.returncode}")
