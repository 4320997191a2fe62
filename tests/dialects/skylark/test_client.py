"""graphql-request, which Skylark's own programs are written with, against a running server."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.clients import HERE, node_client
from tests.dialects.skylark.speaker import PERMISSIONS, Speaker

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

LOCK = HERE / "skylark" / "client" / "package-lock.json"


@pytest.fixture(scope="module")
def speaker(keywright: Keywright) -> Speaker:
    made = Speaker(keywright, "from-node")
    made.prepare()
    return made


@pytest.fixture(scope="module")
def found(speaker: Speaker) -> Any:
    """What the program saw."""
    folder = node_client("skylark/client")
    done = subprocess.run(
        ["node", "keys.mjs", speaker.url],
        cwd=folder,
        env={**os.environ, "SKYLARK_API_KEY": speaker.token},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_connects(found: Any) -> None:
    assert found["connected"] == {"__type": {"possibleTypes": []}}
    user = {"account": "from-node", "role": "ADMIN", "permissions": list(PERMISSIONS)}
    config = {"default_language": None}
    account = {"account_id": "from-node", "skylark_version": "latest", "config": config}
    assert found["user"] == {"getUser": user, "getAccount": account}


def test_it_reads_the_permissions_from_the_schema(found: Any) -> None:
    kind = found["permissions"]["__type"]
    assert kind == {"kind": "ENUM", "enumValues": [{"name": name} for name in PERMISSIONS]}


def test_it_makes_lists_updates_and_deletes_a_key(found: Any) -> None:
    made = found["made"]
    created = made.pop("created")
    known = {
        "active": True,
        "expires": "2091-05-04T10:20:00Z",
        "name": "from_node",
        "permissions": ["READ", "WRITE"],
    }
    assert made == {"__typename": "APIKey", "api_key": "string", **known}
    assert found["holder"] == {"account": "from-node", "role": "READ_WRITE", "permissions": ["READ", "WRITE"]}
    assert found["listed"] == [{"api_key": None, "created": created, **known}]
    changed = {"active": False, "expires": None, "permissions": ["READ"]}
    assert found["updated"] == {"api_key": None, "created": created, **known, **changed}
    assert found["deleted"] == "from_node"


@pytest.mark.parametrize(
    ("what", "status", "error_type", "begins", "path"),
    [
        ("disabled", 401, "UnauthorizedException", "You are not authorized", None),
        ("gone", 401, "UnauthorizedException", "You are not authorized", None),
        ("denied", 200, "Forbidden", "Forbidden: requires KEY_MANAGEMENT permissions", ["listApiKeys"]),
        ("taken", 200, "InvalidInput", "An API key with this name exists already.", ["createApiKey"]),
        ("wrong", 200, "InvalidInput", 'Variable "$apiKey" got invalid value', None),
        ("missing", 200, "NotFound", "There is no API key with this name.", ["deleteApiKey"]),
    ],
)
def test_it_sees_why_it_is_refused(
    found: Any, what: str, status: int, error_type: str, begins: str, path: Any
) -> None:
    refused = found[what]
    assert (refused["status"], refused["errorType"], refused["path"]) == (status, error_type, path)
    assert refused["message"].startswith(begins)


def test_its_lock_names_the_public_registry_alone() -> None:
    packages = json.loads(LOCK.read_text("utf-8"))["packages"]
    for name, package in packages.items():
        if name:
            assert package["resolved"].startswith("https://registry.npmjs.org/")
            assert package["integrity"].startswith("sha512-")
