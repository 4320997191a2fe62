"""`docs/graphql.md`, executed as it stands, and held against the code."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keywright.api.graphql
import keywright.web.graphql
from keywright.core.errors import concrete_errors
from tests.support.servers import free_port, running

TEXT = (Path(__file__).parents[3] / "docs" / "graphql.md").read_text("utf-8")
KEYWRIGHT = Path(sys.executable).with_name("keywright")
SOURCES = Path(keywright.api.graphql.__file__).parent
SHARED = Path(keywright.web.graphql.__file__).parent


def test_the_two_minutes_work(tmp_path: Path) -> None:
    root, port = "root-token-of-the-documents", free_port()
    settings = {
        "KEYWRIGHT_DATA": str(tmp_path),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(root.encode()).hexdigest(),
    }
    url = f"http://127.0.0.1:{port}"
    env = {"KEYWRIGHT_URL": url, "KEYWRIGHT_API_KEY": root, "PATH": "/usr/bin:/bin"}
    create, find, verify, delete = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)

    def run(script: str) -> Any:
        done = subprocess.run(
            ["bash", "-eu", "-c", script], env=env, capture_output=True, timeout=60, check=True
        )
        answer = json.loads(done.stdout)
        assert "errors" not in answer
        (value,) = answer["data"].values()
        return value

    with running([KEYWRIGHT, "serve"], env=settings, ready_url=f"{url}/readyz"):
        made = run(create)
        assert made["apiKey"]["state"] == "ACTIVE"
        env |= {"KEY_ID": made["apiKey"]["id"], "TOKEN": made["token"]}
        assert [node["name"] for node in run(find)["nodes"]] == ["Nightly export"]
        verdict = run(verify)
        assert (verdict["valid"], verdict["keyId"]) == (True, made["apiKey"]["id"])
        assert run(delete) == {"deletedIds": [made["apiKey"]["id"]]}
        assert run(verify)["code"] == "NOT_FOUND"


def test_every_code_of_this_door_is_told() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE))
    used = set()
    for source in (*SOURCES.glob("*.py"), *SHARED.glob("*.py")):
        used |= set(
            re.findall(
                r'"(graphql_\w+_failed|query_\w+|internal_error|method_not_allowed)"', source.read_text()
            )
        )
    assert told == used
    assert not told & {error.code for error in concrete_errors()}
