"""The guides, each executed as it stands on an installation of its own."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.support.keywright import KEYWRIGHT, served
from tests.support.servers import minimal_environment

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
NAMES = sorted(path.stem for path in GUIDES.glob("*.md"))
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"[Ss]ave this as `([\w.-]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
SHOWN = {
    "import": ["VALID"],
    "leaked-key": ["It is refused.", "key.revoke", "key.delete"],
    "narrow": ["It may not publish.", "article:read"],
    "programs": ["Its scope leaves that out.", "Both are refused."],
    "rotate": ["The old one is refused."],
}


def test_each_guide_is_run() -> None:
    assert sorted(SHOWN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_guide(name: str, tmp_path: Path) -> None:
    text = (GUIDES / f"{name}.md").read_text("utf-8")
    for file, content in SAVED.findall(text):
        (tmp_path / file).write_text(content, "utf-8")
    blocks = [textwrap.dedent(content) for _, content in BLOCK.findall(text)]
    assert blocks
    with served(KEYWRIGHT_DATA=str(tmp_path / "data")) as keywright:
        env = minimal_environment(tmp_path)
        env |= {
            "KEYWRIGHT_URL": keywright.url,
            "KEYWRIGHT_API_KEY": keywright.session(),
            "PATH": f"{KEYWRIGHT.parent}:{env['PATH']}",
        }
        script = "\n".join(["set -euo pipefail", *blocks])
        done = subprocess.run(
            ["bash", "-c", script],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in SHOWN[name]:
        assert words in done.stdout
    assert not re.search(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr), "a token was shown"
