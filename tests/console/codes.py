"""What "Show as code" shows, run as somebody would who pastes it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from playwright.sync_api import Locator


@dataclass(frozen=True, slots=True)
class Codes:
    """The three forms of an action, and where and as whom to run them."""

    url: str
    token: str
    curl: str
    graphql: str
    variables: str
    cli: str

    def run_curl(self) -> Any:
        """What curl prints, as JSON; None where it prints nothing."""
        text = self.run_shell(self.curl.replace("curl ", "curl -sS --fail-with-body ", 1))
        return json.loads(text) if text.strip() else None

    def run_graphql(self) -> Any:
        """The data of the answer; there must be no errors in it."""
        body = {"query": self.graphql, "variables": json.loads(self.variables)}
        headers = {"Authorization": f"Bearer {self.token}", **self._tenant}
        answer = httpx2.post(f"{self.url}/graphql", json=body, headers=headers, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def run_cli(self) -> str:
        """What the command line prints."""
        return self.run_shell(self.cli)

    @property
    def _tenant(self) -> dict[str, str]:
        """The header for the tenant that the command line names, which GraphQL is sent beside the document."""
        words = shlex.split(self.cli)
        return {"Keywright-Tenant": words[words.index("--tenant") + 1]} if "--tenant" in words else {}

    def run_shell(self, command: str) -> str:
        """What a command prints where the address and the credential are in the environment."""
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": "/nonexistent",
            "KEYWRIGHT_URL": self.url,
            "KEYWRIGHT_API_KEY": self.token,
        }
        done = subprocess.run(
            ["bash", "-c", command],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


def codes_in(box: Locator, url: str, token: str) -> Codes:
    """The three forms in an element that holds "Show as code", which is opened for it."""
    summary = box.locator("details.code > summary")
    if summary.count() and summary.first.is_visible():
        summary.first.click()
    body = box.locator(".code-body").first
    curl, graphql, variables, cli = (one.strip() for one in body.locator("pre code").all_text_contents())
    return Codes(url, token, curl, graphql, variables, cli)
