"""cloudtower-sdk, the system's own client for Python, against a running server."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.clients import HERE, python_client
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.dialects.cloudtower.calls import Tower

PROGRAM = HERE / "cloudtower" / "client" / "calls.py"


@pytest.fixture(scope="module")
def found(tower: Tower, ada: str) -> Any:
    """What the program saw."""
    interpreter = python_client("cloudtower/client", "3.11")
    key = tower.key(ada, "sdk")["key"]
    host = f"{tower.keywright.at('cloudtower')}/v2/api"
    done = subprocess.run(
        [interpreter, PROGRAM],
        input=json.dumps([host, "ada", PASSWORD, key]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["token", "ldap", "key"])
def test_a_login_and_a_key_do_alike(found: Any, way: str) -> None:
    assert found[way] == {
        "users": ["rita", "ada"],
        "first": ["ada"],
        "roles": ["read_only"],
        "count": 2,
        "vms": [],
        "me": "ada",
        "presets": [["admin", "ADMIN", ["*"]]],
    }


def test_refusals_are_the_exceptions_that_scripts_wait_for(found: Any) -> None:
    assert found["wrong key"] == ["UnauthorizedException", 401, "Unauthorized"]
    assert found["no key"] == ["UnauthorizedException", 401, "Unauthorized"]
    assert found["wrong password"] == ["UnauthorizedException", 401, "LoginFailed"]
    assert found["bad filter"] == ["ApiException", 400, "UnknownField"]
    assert found["no such call"] == ["NotFoundException", 404, "NoSuchOperation"]


def test_a_pair_of_servers_is_found_by_its_health(found: Any) -> None:
    assert found["pair"] == []


def test_the_version_is_that_of_the_calls(found: Any) -> None:
    assert found["version"] == "4.6.0"
