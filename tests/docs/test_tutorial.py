"""The tutorial, executed as it stands: its files, its commands at terminals, and what it says is shown."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.servers import free_port, minimal_environment, running
from tests.support.terminal import at_a_terminal, shows

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
SAVED = re.compile(r"[Ss]ave this as `([\w.]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
SERVER = "keywright serve"
APPLICATION = "uvicorn app:app --port 8400"


def scripts() -> list[str]:
    """The shell blocks in their order."""
    return [content for language, content in BLOCK.findall(TEXT) if language == "sh"]


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_the_tutorial(tmp_path: Path) -> None:
    install, serve, *others = scripts()
    assert serve.strip() == SERVER
    (start,) = [script for script in others if APPLICATION in script]
    login, apply, *later = [script for script in others if script != start]
    entered = login.removesuffix("keywright login\n")
    assert entered != login
    home, keywright, application = tmp_path / "home", free_port(), free_port()
    home.mkdir()
    env = {"HOME": str(home), "KEYWRIGHT_PORT": str(keywright)}

    def here(script: str) -> str:
        return script.replace("8400", str(application))

    terminal = minimal_environment(home) | {
        "KEYWRIGHT_URL": f"http://127.0.0.1:{keywright}",
        "TERM": "xterm",
        "COLUMNS": "100",
    }
    assert at_a_terminal(install, {}, terminal, ROOT)[0] == 0
    for name, content in SAVED.findall(TEXT):
        (home / "articles" / name).write_text(content, "utf-8")
    ready = f"http://127.0.0.1:{keywright}/readyz"
    found = env | {"PATH": f"{ROOT}/.venv/bin:{terminal['PATH']}"}
    with running(shlex.split(serve), env=found, cwd=home / "articles", ready_url=ready) as server:
        password = re.search(r"password\s+(\S{16,})", server.output())
        assert password is not None
        answers = {"User": "", "assword": password[1]}
        status, shown = at_a_terminal(login + apply, answers, terminal, ROOT)
        assert status == 0, shown
        with running(
            ["bash", "-c", here(start)],
            cwd=ROOT,
            env=env,
            ready_url=f"http://127.0.0.1:{application}/docs",
        ):
            status, shown = at_a_terminal(here(entered + "".join(later)), {}, terminal, ROOT)
    assert status == 0, shown
    for language, content in BLOCK.findall(TEXT):
        if language == "json":
            assert shows(shown, content), (content, shown)
            shown = shown.split(content.split("…")[0].strip(), 1)[1]


def test_every_file_is_saved_before_it_is_used() -> None:
    assert [name for name, _ in SAVED.findall(TEXT)] == ["catalog.yaml", "app.py"]
