"""Make `.venv` from uv.lock with nothing but Python 3.11 or newer and a way to PyPI.

uv installs what the lock names. uv itself lives in `.uv`, apart from `.venv`, because a sync removes from an
environment whatever the lock does not name. It is one pinned version, and its wheel is checked by SHA-256.

Only the standard library is used, and the file parses on Pythons much older than it accepts, so that they can
say what is missing.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import venv
from pathlib import Path

OLDEST = (3, 11)
NEWER_NAMES = ("python3", "python3.13", "python3.12", "python3.11")
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
UV_HOME = ROOT / ".uv"
UV_PIN = ROOT / "tools" / "uv-requirements.txt"

# Debian and others ship Python without ensurepip; then this pip is fetched and run from its wheel.
PIP_URL = (
    "https://files.pythonhosted.org/packages/07/25/"
    "ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-26.3-py3-none-any.whl"
)
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def succeeds(*command: str) -> bool:
    """Run a command without showing what it prints, and say whether it exits with 0."""
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def too_old(*version: int) -> str:
    """Return what to say to this version of Python, or an empty string when it is new enough."""
    if version[:2] >= OLDEST:
        return ""
    found = ".".join(str(part) for part in version)
    sentence = f"Keywright needs Python 3.11 or newer, and {sys.executable} is {found}."
    is_old = f"import sys; sys.exit(sys.version_info < {OLDEST!r})"
    for name in NEWER_NAMES:
        if shutil.which(name) and succeeds(name, "-c", is_old):
            return f"{sentence} {name} is new enough: add PYTHON={name} to the make command."
    return f"{sentence} Install one and name it: make serve PYTHON=python3.12"


def checked(wheel: bytes) -> bytes:
    """Return the bytes given when they are the pinned pip, and stop otherwise."""
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        sys.exit(f"What {PIP_URL} answers is not the pip that tools/bootstrap.py pins: its SHA-256 differs.")
    return wheel


def fetch_pip(folder: Path) -> Path:
    """Put the pinned pip wheel into the folder and return its path."""
    print("This Python has no ensurepip: fetching pip from PyPI", flush=True)
    try:
        with urllib.request.urlopen(PIP_URL, timeout=120) as answer:
            wheel = checked(answer.read())
    except (urllib.error.URLError, TimeoutError) as error:
        sys.exit(
            f"{PIP_URL} cannot be fetched ({error}). With Python's own ensurepip it is not needed:"
            " on Debian and Ubuntu, apt-get install python3-venv."
        )
    path = folder / PIP_URL.rpartition("/")[2]
    path.write_bytes(wheel)
    return path


def install_uv(*, ensurepip: bool) -> None:
    """Make `.uv` and install the pinned uv there, unless that very pin is installed already."""
    installed = UV_HOME / UV_PIN.name
    if installed.is_file() and installed.read_bytes() == UV_PIN.read_bytes():
        return
    print("Installing uv into .uv", flush=True)
    venv.EnvBuilder(symlinks=True, clear=True).create(UV_HOME)
    python = str(UV_HOME / "bin" / "python")
    with tempfile.TemporaryDirectory() as folder:
        has_pip = ensurepip and succeeds(python, "-m", "ensurepip")
        pip = [python, "-m", "pip"] if has_pip else [python, f"{fetch_pip(Path(folder))}/pip"]
        options = ["--quiet", "--no-input", "--disable-pip-version-check"]
        exact = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(UV_PIN)]
        subprocess.run([*pip, "install", *options, *exact], check=True)
    shutil.copyfile(UV_PIN, installed)


def sync(*, dev: bool) -> None:
    """Make `.venv` hold what uv.lock names, with the developers' tools when asked for."""
    print("Installing the locked dependencies into .venv", flush=True)
    environ = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environ |= {"UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}
    # Without the tools the sync is inexact: it leaves those that an earlier `--dev` installed.
    groups = ["--group=dev"] if dev else ["--no-dev", "--inexact"]
    command = [str(UV_HOME / "bin" / "uv"), "sync", "--locked", "--python", sys.executable, *groups]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


def main() -> None:
    """Read the command line and make the environment."""
    refusal = too_old(*sys.version_info[:3])
    if refusal:
        sys.exit(refusal)
    parser = argparse.ArgumentParser(description="Make .venv from uv.lock.")
    parser.add_argument("--dev", action="store_true", help="install the developers' tools too")
    parser.add_argument(
        "--without-ensurepip", action="store_true", help="do as on a system whose Python has no ensurepip"
    )
    options = parser.parse_args()
    try:
        install_uv(ensurepip=not options.without_ensurepip)
        sync(dev=options.dev)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} failed with exit status {error.returncode}: see above.")


if __name__ == "__main__":
    main()
