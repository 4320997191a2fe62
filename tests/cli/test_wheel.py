"""Keywright from its wheel, in an environment that knows nothing of this folder."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import PASSWORD, ROOT_TOKEN, Shell
from tests.cli.terminal import terminal
from tests.support.servers import free_port, minimal_environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".uv" / "bin" / "uv"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment into which the wheel alone was installed.

    What Keywright depends on is the tests' own, put behind the new environment's packages by a path, which does
    not bring the source folder with it: nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("wheel")
    environ = minimal_environment(folder) | {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_CACHE_DIR": str(folder / "cache"),
    }

    def uv(*words: str | Path) -> None:
        command = [UV, *words, "--offline", "--quiet"]
        done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    uv("build", "--wheel", "--out-dir", folder / "dist", "--python", sys.executable)
    (wheel,) = (folder / "dist").glob("*.whl")
    fresh = folder / "environment"
    venv.EnvBuilder(symlinks=True, with_pip=False).create(fresh)
    uv("pip", "install", "--python", fresh / "bin" / "python", "--no-index", "--no-deps", wheel)
    (packages,) = fresh.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    return fresh / "bin" / "keywright"


@pytest.fixture(scope="module")
def house(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell with the root key of a server that runs from the wheel."""
    folder = tmp_path_factory.mktemp("house")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
    }
    with running([program, "serve"], env=variables, cwd=folder, ready_url=f"{url}/readyz"):
        yield Shell(
            folder, {"KEYWRIGHT_URL": url, "KEYWRIGHT_API_KEY": ROOT_TOKEN, "KEYWRIGHT_TENANT": "default"}
        )


def shown(shell: Shell, program: Path, *args: str) -> str:
    """What a command that goes well shows at a terminal."""
    with terminal(shell, *args, program=program) as screen:
        assert screen.end() == 0, screen.text
    assert ROOT_TOKEN not in screen.text
    return screen.text


def test_the_code_is_that_of_the_wheel(program: Path) -> None:
    code = (
        "import keywright, importlib.metadata as m; print(keywright.__file__); print(m.version('keywright'))"
    )
    found = subprocess.run(
        [program.parent / "python", "-c", code],
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    file, told = found.stdout.splitlines()
    assert Path(file).is_relative_to(program.parents[1])
    assert told == version("keywright")
    missing = {
        path.relative_to(ROOT / "src")
        for path in (ROOT / "src" / "keywright").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    } - {path.relative_to(Path(file).parents[1]) for path in Path(file).parent.rglob("*")}
    assert missing == set()


def test_a_server_of_the_wheel_has_its_console(house: Shell) -> None:
    with urllib.request.urlopen(f"{house.variables['KEYWRIGHT_URL']}/login", timeout=20) as page:
        assert page.status == 200
        assert "<form" in page.read().decode()


def test_commands_say_how_things_are(house: Shell, program: Path) -> None:
    assert shown(house, program, "version") == f"keywright {version('keywright')}\n"
    assert "root" in shown(house, program, "whoami")
    checks = shown(house, program, "doctor", "--url", house.variables["KEYWRIGHT_URL"])
    assert "It can decide." in checks
    assert "serving" in shown(house, program, "nodes", "list")


def test_keys_are_imported_and_exported(house: Shell, program: Path) -> None:
    rows = [
        {"name": f"Brought {number}", "token_hash": hashlib.sha256(f"brought-{number}".encode()).hexdigest()}
        for number in range(30)
    ]
    (house.home / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    told = shown(house, program, "keys", "import", "rows.jsonl", "--batch", "10")
    assert "100 %  30 keys: 30 made" in told
    assert told.endswith("30 keys: 30 made, 0 there already, 0 refused.\n")
    shown(house, program, "keys", "export", "--name-prefix", "Brought", "-o", "out.csv")
    assert len((house.home / "out.csv").read_text("utf-8").splitlines()) == 31
    assert shown(house, program, "verify", "brought-7", "--quiet") == ""


def test_a_command_runs_with_a_key_of_its_own(house: Shell, program: Path) -> None:
    script = 'case "$KEYWRIGHT_API_KEY" in kw_*) echo "a key of its own";; esac'
    assert "a key of its own\n" in shown(house, program, "run", "--for", "5m", "--", "sh", "-c", script)


def test_an_agent_is_installed_as_a_unit_of_this_environment(house: Shell, program: Path) -> None:
    key = house.home / "agent.key"
    key.write_text("kw_an-agent's\n", "utf-8")
    key.chmod(0o600)
    unit = shown(house, program, "agent", "install", "--print", "--key-file", str(key))
    assert "[Service]" in unit
    assert str(program.parent) in unit


def test_bash_completes_with_it(house: Shell, program: Path) -> None:
    away = house.with_(PATH=f"{program.parent}:/usr/bin:/bin", TERM="xterm")
    assert "complete -o nosort -F _keywright keywright" in shown(away, program, "completion", "bash")
    with terminal(away, "--norc", "--noprofile", "-i", program="/bin/bash") as screen:
        screen.send("eval \"$(keywright completion bash)\"; echo re''ady\n")
        screen.expect("ready\n")
        screen.send("keywright tenants show def\t")
        screen.expect("ault ")
        screen.send("\x15exit\n")
        screen.end()
