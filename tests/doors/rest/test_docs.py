"""`docs/rest.md`, executed as it stands, and held against the document of OpenAPI."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.doors.rest.test_openapi import OPERATIONS
from tests.support.servers import free_port, running

TEXT = (Path(__file__).parents[3] / "docs" / "rest.md").read_text("utf-8")
KEYWRIGHT = Path(sys.executable).with_name("keywright")
ROW = re.compile(r"^\| `(\w+) (/v1/\S+)` \| .+ \| (?:`(\S+)` )?\|$", re.MULTILINE)


def test_the_two_minutes_work(tmp_path: Path) -> None:
    root, port = "root-token-of-the-documents", free_port()
    settings = {
        "KEYWRIGHT_DATA": str(tmp_path / "data"),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(root.encode()).hexdigest(),
    }
    url = f"http://127.0.0.1:{port}"
    env = {"KEYWRIGHT_URL": url, "KEYWRIGHT_API_KEY": root, "PATH": "/usr/bin:/bin"}
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    script = "\necho; echo ----\n".join(["set -o pipefail", *blocks])
    with running([KEYWRIGHT, "serve"], env=settings, ready_url=f"{url}/readyz"):
        done = subprocess.run(
            ["bash", "-eu", "-c", script], env=env, cwd=tmp_path, capture_output=True, timeout=60, check=True
        )
    answers = [part.strip() for part in done.stdout.decode().split("----")]
    _, who, created, nothing, verdict, disabled, deleted, role, account = answers
    assert json.loads(who)["key"]["name"] == "Root"
    key = json.loads(created)["key"]
    assert nothing == ""
    assert json.loads(verdict)["valid"] is True
    assert json.loads(verdict)["key_id"] == key["id"]
    changed, listed = (json.loads(line) for line in disabled.replace("}{", "}\n{", 1).splitlines())
    assert (changed["id"], changed["state"]) == (key["id"], "disabled")
    assert [item["id"] for item in listed["items"]] == [key["id"]]
    for receipt in (changed["receipt"], json.loads(deleted)["receipt"]):
        assert (receipt["complete"], len(receipt["nodes"])) == (True, 1)
    assert json.loads(role)["variables"] == {"language": {"entity": None, "description": ""}}
    (held,) = json.loads(account)["memberships"]
    assert (held["role"], held["variables"]) == ("editor", {"language": ["cs"]})


def test_every_call_is_listed_with_its_permission() -> None:
    listed = {(method, path): permission or None for method, path, permission in ROW.findall(TEXT)}
    assert listed == {place: operation["x-permission"] for place, operation in OPERATIONS.items()}
