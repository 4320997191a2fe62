"""`keywright agent install`: a unit for systemd."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import KEYWRIGHT, Shell

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://keys.example.com:8300"


@pytest.fixture
def user(home: Path) -> Shell:
    """A shell whose configuration is in its own home."""
    (home / "agent 100%.key").write_text("kw_secret", "utf-8")
    return Shell(home, {"KEYWRIGHT_URL": URL, "XDG_CONFIG_HOME": str(home / "config")})


def directives(unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))


def verify_by_systemd(unit: str, folder: Path) -> None:
    """Have systemd read it, where it is installed."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    file = folder / "keywright-agent.service"
    file.write_text(unit, "utf-8")
    done = subprocess.run(
        [analyze, "verify", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert "keywright-agent.service:" not in done.stderr, done.stderr


def test_a_unit_is_shown_and_nothing_is_written(user: Shell) -> None:
    shown = user.run("agent", "install", "--key-file", "agent 100%.key", "--print")
    assert shown.code == 0, shown.err
    found = directives(shown.out)
    assert found["ExecStart"] == (
        f"{KEYWRIGHT} agent start --url {URL} --listen 127.0.0.1:8301 --key-file %d/key"
    )
    # A percent sign in a path stands for itself.
    assert found["LoadCredential"] == f"key:{user.home}/agent 100%%.key"
    assert found["DynamicUser"] == "yes"
    assert found["RestartPreventExitStatus"] == "4 5"
    assert found["WantedBy"] == "multi-user.target"
    assert "kw_secret" not in shown.out
    assert not (user.home / "config").exists()
    verify_by_systemd(shown.out, user.home)


def test_a_unit_of_ones_own_is_written_and_how_to_start_it_is_told(user: Shell) -> None:
    options = (
        "--key-file",
        "agent 100%.key",
        "--user",
        "--name",
        "shop",
        "--listen",
        "unix:/run/$a/x y.sock",
    )
    written = user.run("agent", "install", *options)
    assert written.code == 0, written.err
    assert "systemctl --user enable --now shop" in written.out
    file = user.home / "config/systemd/user/shop.service"
    found = directives(file.read_text("utf-8"))
    assert "--listen 'unix:/run/$$a/x y.sock'" in found["ExecStart"]
    assert "DynamicUser" not in found
    assert found["WantedBy"] == "default.target"
    assert user.run("agent", "install", *options, "--quiet").out == f"{file}\n"
    told = user.run("agent", "install", *options, "--json").json
    assert told["unit"] == str(file)
    assert told["start"][0] == "systemctl --user daemon-reload"


def test_a_group_may_use_its_socket(user: Shell) -> None:
    options = ("--key-file", "agent 100%.key", "--listen", "unix:/run/keywright/agent.sock", "--print")
    assert (
        directives(user.run("agent", "install", *options, "--group", "www-data").out)["Group"] == "www-data"
    )
    assert user.run("agent", "install", *options, "--group", "a b").code == 2
    assert user.run("agent", "install", *options, "--group", "a", "--user").code == 2


@pytest.mark.parametrize("name", ["../x", "a b", "", "a\nb"])
def test_what_is_no_name_of_a_unit_is_refused(user: Shell, name: str) -> None:
    done = user.run("agent", "install", "--key-file", "agent 100%.key", "--user", "--name", name)
    assert (done.code, "no name of a unit" in done.err) == (2, True)


def test_what_cannot_be_written_or_read_is_told(user: Shell) -> None:
    none = user.run("agent", "install", "--key-file", "none", "--print")
    assert (none.code, "There is no file" in none.err) == (2, True)
    odd = user.run(
        "agent", "install", "--key-file", "agent 100%.key", "--print", "--listen", "a\nExecStart=b"
    )
    assert odd.code == 2
    (user.home / "config").write_text("in the way", "utf-8")
    refused = user.run("agent", "install", "--key-file", "agent 100%.key", "--user")
    assert (refused.code, "cannot be written" in refused.err) == (5, True)
