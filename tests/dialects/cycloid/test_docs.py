"""docs/dialects/cycloid.md says what the code does, and its commands work as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from keywright.core.listing import MAX_PAGE
from keywright.core.own_actions import OWN_ACTIONS
from keywright.core.permissions import valid_name
from keywright.dialects.cycloid import DIALECT, bodies, errors, filters, rlike
from keywright.dialects.cycloid.asked import MAX_PAGES
from keywright.dialects.cycloid.door import ROUTES
from keywright.dialects.cycloid.setup import CATALOG
from keywright.web.setups import SetUp
from tests.dialects.cycloid.models import CODES, faults
from tests.support.keywright import KEYWRIGHT, ROOT

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

TOP = Path(__file__).parents[3]
PAGE = (TOP / "docs" / "dialects" / "cycloid.md").read_text("utf-8")
FOLDER = TOP / "src" / "keywright" / "dialects" / "cycloid"


def rows(head: str) -> list[list[str]]:
    lines = PAGE.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_every_call_is_told() -> None:
    told = [tuple(row) for row in rows("call | method and path | who may")]
    assert told == [(one.operation, f"{one.method} {one.template}", one.who.value) for one in ROUTES]


def test_every_status_is_told_with_its_code() -> None:
    told = {(int(row[0]), row[1]) for row in rows("status | code | when")}
    others = (errors.DEFECT, errors.NO_METHOD, errors.NO_MEDIA_TYPE, errors.NO_API_KEYS, errors.NOT_FOUND)
    kinds = {(kind[0], kind[1]) for kind in (*errors.KINDS.values(), *others)}
    assert told == kinds | {(411, "")}
    assert {code for _, code in kinds} == set(CODES)


def test_every_filter_is_told() -> None:
    assert [row[0] for row in rows("attribute | what it is")] == list(filters.ATTRIBUTES)
    assert [row[0] for row in rows("condition | what it means")] == list(filters.CONDITIONS)


def test_the_numbers_are_right() -> None:
    text = " ".join(PAGE.split())
    assert f"is {bodies.DEFAULT_SIZE} unless given and {bodies.MAX_SIZE} at most" in text
    assert f"more than {MAX_PAGES * MAX_PAGE:,} keys" in text
    assert f"at most {rlike.MAX_LENGTH} characters" in text
    assert f"has {filters.MAX_FILTERS} filters at most" in text


def test_the_catalog_is_sound_and_none_of_its_actions_is_our_own() -> None:
    for one in CATALOG["actions"]:
        assert valid_name(one["name"])
        policy = {"id": 1, "code": one["name"], "description": one["description"]}
        assert faults("Policy", policy, one["name"]) == []
        assert one["name"] not in OWN_ACTIONS


def test_the_readme_names_every_file() -> None:
    named = set(re.findall(r"`([a-z_]+\.py)`", (FOLDER / "README.md").read_text("utf-8")))
    assert named == {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}


def test_setting_up_prints_the_variables_of_cycloid_s_tools() -> None:
    made = SetUp(
        url="http://host/dialects/cycloid",
        tenant="org",
        tenant_id="",
        key_id="",
        identity_id="",
        token="x",
    )
    assert DIALECT.setup.lines(made).splitlines() == [
        "export CY_API_URL=http://host/dialects/cycloid",
        "export CY_ORG=org",
        "export CY_API_KEY=x",
    ]


def test_the_commands_work_as_they_stand(keywright: Keywright, tmp_path: Path) -> None:
    commands = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    environment = {
        "PATH": f"{KEYWRIGHT.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "KEYWRIGHT_URL": keywright.url,
        "KEYWRIGHT_API_KEY": ROOT,
    }
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", commands.replace("my-org", "docs-org")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"data":{"ok":true}}' in done.stdout
    (key,) = keywright.rest("GET", "/v1/keys", tenant="docs-org")["items"]
    assert (key["name"], key["handle"], key["scope"]) == ("Cycloid", "cycloid", None)
    assert keywright.rest("GET", "/v1/catalog", tenant="docs-org")["revision"] == 1
