"""The pages of dialects in `docs/dialects`: what stands in their tables, and their commands, run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.keywright import ROOT
from tests.support.servers import minimal_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright

PAGES = Path(__file__).parents[2] / "docs" / "dialects"
SECONDS = 120


class Page:
    """The page of one dialect."""

    def __init__(self, name: str) -> None:
        self.text = (PAGES / f"{name}.md").read_text("utf-8")

    def blocks(self, language: str) -> Iterator[str]:
        """The contents of its blocks in a language."""
        for found, content in re.findall(r"```(\w+)\n(.*?)```", self.text, re.DOTALL):
            if found == language:
                yield content

    def rows(self, heading: str) -> list[list[str]]:
        """The rows of the table whose first column has this heading."""
        table = self.text.split(f"\n| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]

    def run(
        self, keywright: Keywright, folder: Path, *programs: Path, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run its commands with the root key against a server, as one script, on the condition that it goes well.

        What it tells in its blocks of JSON is what they print, line by line. `programs` are folders of further
        commands.
        """
        home = folder / "home"
        home.mkdir()
        env = minimal_environment(home)
        own = {
            "PATH": ":".join(map(str, [*programs, Path(sys.executable).parent, env["PATH"]])),
            "KEYWRIGHT_URL": keywright.url,
            "KEYWRIGHT_API_KEY": ROOT,
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(self.blocks("sh"))],
            env={**env, **own, **variables},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        for content in self.blocks("json"):
            for line in content.splitlines():
                assert line in done.stdout
        return done
