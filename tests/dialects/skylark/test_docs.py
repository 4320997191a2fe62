"""docs/dialects/skylark.md: its commands run as they stand, and its tables are what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keywright.dialects.skylark import errors
from keywright.dialects.skylark.permissions import ACTIONS, ROLES
from keywright.dialects.skylark.schema import build_schema
from keywright.dialects.skylark.setup import ROLE_PREFIX
from tests.dialects.server import ROOT
from tests.support.servers import minimal_environment

if TYPE_CHECKING:
    from tests.dialects.server import Keywright

PAGE = (Path(__file__).parents[3] / "docs" / "dialects" / "skylark.md").read_text("utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of a column."""
    table = PAGE.split(f"\n| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def words(text: str) -> list[str]:
    return [one.partition("(")[0] for one in re.findall(r"`([^`]+)`", text)]


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
    assert '{"data":{"updateApiKey":{"name":"my_app","active":false}}}' in done.stdout
    assert not re.search(r"kw_[0-9A-Za-z]{37}", done.stdout + done.stderr)


def test_the_table_of_operations_is_the_schema() -> None:
    schema = build_schema()
    roots = (schema.query_type, schema.mutation_type)
    operations = {name for root in roots if root is not None for name in root.fields}
    assert {word for first, *_ in rows("operation") for word in words(first)} == operations


def test_the_table_of_permissions_is_the_map() -> None:
    told = {words(name)[0]: tuple(sorted(words(actions))) for name, actions in rows("permission")}
    assert told == dict(ACTIONS)


def test_the_table_of_roles_is_the_catalog() -> None:
    told = {words(name)[0]: tuple(has.split(", ")) for name, has in rows("role")}
    assert told == {f"{ROLE_PREFIX}{name.lower()}": has for name, has in ROLES.items()}


def test_the_table_of_errors_has_every_type() -> None:
    used = {*errors.ERROR_TYPES.values(), errors.METHOD, errors.VALIDATION, errors.INTERNAL}
    assert {words(name)[0] for name, _ in rows("`errorType`")} == used
