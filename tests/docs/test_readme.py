"""The README's two minutes, executed as they stand: `make serve`, then every command, at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.servers import free_port, minimal_environment, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECONDS = 60


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks: language and content."""
    return re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)


def at_a_terminal(script: str, answers: dict[str, str], env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run a script in bash at a terminal, answering its prompts; gives the exit status and all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes bash
        os.chdir(cwd)
        os.execvpe("bash", ["bash", "-euo", "pipefail", "-c", script], env)
    shown = ""
    waiting = dict(answers)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:  # how Linux tells that the other side of a terminal is closed
            break
        if not read:
            break
        shown += read.decode()
        for prompt, answer in list(waiting.items()):
            if prompt in shown:
                os.write(terminal, f"{answer}\n".encode())
                del waiting[prompt]
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.replace("\r\n", "\n")


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
            pattern = ".*?".join(re.escape(part) for part in content.strip().split("…"))
            assert re.search(pattern, shown), (content, shown)
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
