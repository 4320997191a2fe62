"""docs/dialects/contember.md: its commands run as they stand, and its tables are what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keywright.dialects.contember import errors, mapping
from keywright.dialects.contember.schema import build_schema
from tests.dialects.server import ROOT
from tests.support.servers import minimal_environment

if TYPE_CHECKING:
    from tests.dialects.server import Keywright

PAGE = (Path(__file__).parents[3] / "docs" / "dialects" / "contember.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of a column."""
    table = PAGE.split(f"\n| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def words(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_commands_run_as_they_stand(keywright: Keywright, tmp_path: Path) -> None:
    script = "\n".join(content for language, content in BLOCKS if language == "sh")
    home = tmp_path / "home"
    home.mkdir()
    env = minimal_environment(home)
    path = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**env, "PATH": path, "KEYWRIGHT_URL": keywright.url, "KEYWRIGHT_API_KEY": ROOT},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for language, content in BLOCKS:
        if language == "json":
            for line in content.splitlines():
                assert line in done.stdout
    assert "Authorization failure: API key was disabled at 20" in done.stdout
    assert not re.search(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr)


def test_the_table_of_fields_is_the_schema() -> None:
    schema = build_schema()
    roots = (schema.query_type, schema.mutation_type)
    fields = [name for root in roots if root is not None for name in root.fields]
    told = [word for first, _ in rows("field") for word in words(first)]
    assert sorted(told) == sorted(fields)


def test_the_table_of_roles_is_the_map() -> None:
    told = {word: words(ours) for first, ours in rows("Contember's global role") for word in words(first)}
    assert all(mapping.is_global_role(word) for word in told)
    stored = {word: ours[0] for word, ours in told.items() if ours}
    assert {word: mapping.global_role(word) for word in stored} == stored
    assert all(mapping.global_role(word) is None for word in told.keys() - stored.keys())
    assert set(mapping.role_words(stored.values())) == stored.keys()


def test_the_sentences_of_refused_credentials_are_told() -> None:
    told = {word for row in rows("question") for word in words(row[1])}
    for sentence in errors.REASONS.values():
        assert sentence in told
