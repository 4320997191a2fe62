"""docs/dialects/cloudtower.md says what the code does, and its commands run as they stand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from keywright.dialects.cloudtower.errors import ANSWERS, DEFECT, METHOD_NOT_ALLOWED, NO_SUCH_OPERATION
from keywright.dialects.cloudtower.filters import MAX_SECRETS
from keywright.dialects.cloudtower.graphql import INVALID
from keywright.dialects.cloudtower.lists import ARGUMENTS, MAX_LISTED
from keywright.dialects.cloudtower.login import FOR_EVER
from keywright.dialects.cloudtower.mapping import ACTIONS, PRESETS
from keywright.dialects.cloudtower.rest import OPEN, OPERATIONS, VERSION
from keywright.dialects.cloudtower.schema import build_schema
from tests.support.keywright import KEYWRIGHT, PASSWORD, ROOT
from tests.support.servers import minimal_environment

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

HERE = Path(__file__).parents[3]
PAGE = (HERE / "docs" / "dialects" / "cloudtower.md").read_text("utf-8")
FOLDER = HERE / "src" / "keywright" / "dialects" / "cloudtower"


def rows(head: str) -> list[list[str]]:
    lines = PAGE.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_call_is_in_the_table() -> None:
    told: dict[str, list[str]] = {"REST": [], "GraphQL": []}
    for calls, where, _ in rows("call | where | what it does here"):
        told[where] += names(calls)
    assert sorted(told["REST"]) == sorted([*OPERATIONS, *OPEN])
    schema = build_schema()
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert sorted(told["GraphQL"]) == sorted([*schema.query_type.fields, *schema.mutation_type.fields])


def test_every_code_is_in_the_table() -> None:
    told = {
        (code, status)
        for codes, statuses, _ in rows("code | status | when")
        for code in names(codes)
        for status in map(int, statuses.split(","))
    }
    known = {*ANSWERS.values(), DEFECT, METHOD_NOT_ALLOWED, NO_SUCH_OPERATION, INVALID}
    assert {(code, status) for status, code in known} <= told
    assert {code for code, _ in told} == {code for _, code in known}


def test_every_preset_is_in_the_table() -> None:
    assert {names(role)[0]: names(preset)[0] for preset, role in rows("preset | role")} == PRESETS
    assert all(f"`{action}`" in PAGE for action in ACTIONS)


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"Up to {MAX_LISTED:,} things" in PAGE
    assert f"up to {MAX_SECRETS} keys at a time" in PAGE
    assert f'`"{VERSION}"`' in PAGE
    assert FOR_EVER.idle is FOR_EVER.longest is None
    assert all(f"`{one}`" in PAGE for one in ARGUMENTS)


def test_the_readme_names_every_file() -> None:
    told = set(names((FOLDER / "README.md").read_text("utf-8").split("|---|---|")[1].split("\n\n")[0]))
    there = {path.name for path in FOLDER.iterdir() if path.suffix in {".py", ".graphql"}}
    assert there - {"__init__.py"} <= told


def test_the_commands_lead_from_nothing_to_a_revoked_key(keywright: Keywright, tmp_path: Path) -> None:
    section = PAGE.split("## From nothing to a revoked key\n")[1].split("\n## ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={
            **minimal_environment(tmp_path),
            "PATH": f"{KEYWRIGHT.parent}:{minimal_environment(tmp_path)['PATH']}",
            "KEYWRIGHT_URL": keywright.url,
            "KEYWRIGHT_API_KEY": ROOT,
            "PASSWORD": PASSWORD,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    machines, users, deleted, refused = re.split(r"(?<=[\]}])(?=[\[{])", done.stdout)
    assert machines == "[]"
    assert '"username":"admin"' in users
    assert re.fullmatch(r'\{"data":\{"deleteApiKey":\{"id":"c[0-9a-z]{24}"\}\}\}', deleted)
    (told,) = re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)
    assert refused == told


def test_what_is_printed_for_another_tenant_says_how_the_server_is_started(
    keywright: Keywright, tmp_path: Path
) -> None:
    done = subprocess.run(
        [KEYWRIGHT, "dialects", "setup", "cloudtower", "my-company"],
        env={
            **minimal_environment(tmp_path),
            "KEYWRIGHT_URL": keywright.url,
            "KEYWRIGHT_API_KEY": ROOT,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[0].endswith("KEYWRIGHT_DIALECTS=cloudtower=my-company keywright serve")
    assert f"CLOUDTOWER_HOST={keywright.at('cloudtower')}/v2/api" in lines
    (token,) = [line.partition("=")[2] for line in lines if line.startswith("CLOUDTOWER_TOKEN=")]
    assert keywright.verdict(token, tenant="my-company") == "VALID"
