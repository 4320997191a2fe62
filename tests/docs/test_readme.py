"""The README's two minutes, executed as they stand: `make serve`, then every command, at a terminal."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import free_port, minimal_environment, running
from tests.support.terminal import at_a_terminal, shows

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks: language and content."""
    return re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_two_minutes(tmp_path: Path) -> None:
    found = blocks(section("Two minutes"))
    assert found[0] == ("sh", "make serve\n")
    port = free_port()
    env = {"KEYWRIGHT_PORT": str(port), "KEYWRIGHT_DATA": str(tmp_path / "data")}
    here = f"127.0.0.1:{port}"
    with running(
        ["make", "serve"], env=env, cwd=ROOT, ready_url=f"http://{here}/readyz", timeout=300
    ) as server:
        printed = server.output()
        assert printed.count(here) >= 1
        password = re.search(r"password\s+(\S{16,})", printed)
        assert password is not None, printed
        script = "\n".join(content for language, content in found[1:] if language == "sh")
        home = tmp_path / "home"
        home.mkdir()
        terminal = minimal_environment(home) | {
            "KEYWRIGHT_URL": f"http://{here}",
            "TERM": "xterm",
            "COLUMNS": "100",
        }
        status, shown = at_a_terminal(
            script.replace("127.0.0.1:8300", here), {"User": "", "assword": password[1]}, terminal, ROOT
        )
        logged = server.errors()
    assert status == 0, shown
    for language, content in found:
        if language == "json":
            assert shows(shown, content), (content, shown)
    assert "INSUFFICIENT_PERMISSIONS" in shown
    assert "refused" in shown
    assert password[1] not in shown
    assert not re.search(r"kw_[0-9A-Za-z]{37}", shown), "a token was shown"
    assert not re.search(r"kws?_[0-9A-Za-z]{37}", logged), "a token was logged"


def test_every_linked_document_exists() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link.partition("#")[0]).exists()]
    assert missing == []


def test_commands_are_commands() -> None:
    """Every `make` target and `keywright` command that the README names is one."""
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name for _, block in blocks(README) for name in re.findall(r"^make ([a-z]+)", block, re.MULTILINE)
    }
    assert named <= targets
    words = {
        tuple(one.split())
        for _, block in blocks(README)
        for one in re.findall(r"keywright ((?:keys )?[a-z]+)", block)
    }
    for command in words:
        keywright = Path(sys.executable).with_name("keywright")
        assert (
            subprocess.run([keywright, *command, "--help"], capture_output=True, check=False).returncode == 0
        ), command
