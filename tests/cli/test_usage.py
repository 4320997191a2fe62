"""`keywright usage` and `keywright keys usage` as people use them."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from keywright.client import Client
from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN
from tests.cli.test_keys import client_of, make, own
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.commands import Shell

__all__ = ["own"]

SCOPE = [{"actions": ["article:read", "article:publish"]}]


def words(text: str) -> list[str]:
    """The lines of a text with one space between words."""
    return [" ".join(line.split()) for line in text.splitlines()]


def use(shell: Shell) -> str:
    """Make a key, have it accepted three times and refused once, and wait until that is written down."""
    with client_of(shell) as client:
        made = client.keys.create("Export", handle="export", scope=SCOPE)
        for action in ("article:read", "article:read", "article:read", "user:read"):
            client.verify(made.token, action=action, ip="192.0.2.7")
        deadline = time.monotonic() + 60
        while client.usage.of_key(made.key["id"])["total"] < 4:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    return str(made.key["id"])


def test_usage_is_shown(own: Shell) -> None:
    key_id = use(own)
    shown = own.run("keys", "usage", "export")
    assert (shown.code, shown.err) == (0, "")
    lines = words(shown.out)
    today = datetime.now(UTC).date().isoformat()
    assert lines[:2] == ["name Export", f"id {key_id}"]
    assert lines[2].startswith("span 20")
    assert lines[3] == "decisions 4 (INSUFFICIENT_PERMISSIONS 1, VALID 3)"
    assert lines[4].startswith("last used ")
    assert lines[4].endswith(" from 192.0.2.7")
    assert lines[5:8] == ["not needed article:publish on everything", "", "FROM DECISIONS VALID REFUSED"]
    assert lines[8] in {f"{today} 4 3 1 {'#' * 20}", f"{lines[8][:10]} 4 3 1 {'#' * 20}"}
    assert lines[9:11] == ["", "ACTION TIMES LAST"]
    assert lines[11].startswith("article:read 3 ")
    hourly = words(own.run("keys", "usage", key_id, "--by", "hour", "--since", "1h").out)
    assert any(line.endswith(f":00 4 3 1 {'#' * 20}") for line in hourly)
    assert own.run("keys", "usage", key_id, "--json").json["key_id"] == key_id
    both = own.run("keys", "usage", key_id, make(own, "Idle"), "--json").json
    assert [one["total"] for one in both["items"]] == [4, 0]

    listed = own.run("usage")
    assert (listed.code, listed.err) == (0, "")
    lines = words(listed.out)
    assert lines[0] == f"tenant {own.variables['KEYWRIGHT_TENANT']}"
    assert "FROM DECISIONS VALID REFUSED" in lines
    assert lines[-2:] == ["KEY ID DECISIONS VALID", f"Export {key_id} 4 3"]
    assert own.run("usage", "--quiet").out.split() == [key_id]
    assert own.run("usage", "--json", "--top", "0").json["keys"] == []
    own.run("keys", "delete", "--yes", key_id)
    assert words(own.run("usage").out)[-1] == f"(deleted) {key_id} 4 3"


def test_nothing_was_used(own: Shell) -> None:
    key_id = make(own, "Idle", scope=SCOPE)
    lines = words(own.run("keys", "usage", key_id).out)
    assert lines[3:] == [
        "decisions none",
        "last used never",
        "not needed article:read, article:publish on everything",
        "",
    ]
    lines = words(own.run("usage").out)
    assert lines[2:] == ["decisions none"]


def test_a_server_that_stops_writes_down_what_was_used(home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "KEYWRIGHT_DATA": str(home / "data"),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
        "KEYWRIGHT_USAGE_FLUSH_SECONDS": "3600",
    }
    with running([KEYWRIGHT, "serve"], env=variables, ready_url=f"{url}/readyz") as process:
        with Client(url, ROOT_TOKEN, "default") as client:
            made = client.keys.create("Export", scope=SCOPE)
            for action in ("article:read", "article:read", "user:read"):
                client.verify(made.token, action=action)
            assert client.usage.of_key(made.key["id"])["total"] == 0
        assert process.stop() == 0
    with closing(sqlite3.connect(home / "data" / "keywright.db")) as database:
        asked = (made.key["id"],)
        counts = database.execute("SELECT code, count FROM usage WHERE key_id = ? ORDER BY code", asked)
        assert counts.fetchall() == [("INSUFFICIENT_PERMISSIONS", 1), ("VALID", 2)]
        actions = database.execute("SELECT action, count FROM exercised WHERE key_id = ?", asked)
        assert actions.fetchall() == [("article:read", 2)]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--since", "1d", "--until", "2d"), "--since"),
        (("--since", "40d", "--by", "hour"), "--since"),
        (("--until", "yesterday"), "--until"),
        (("--by", "week"), "--by"),
    ],
)
def test_what_is_wrong_is_told_by_the_option(own: Shell, args: tuple[str, ...], told: str) -> None:
    key_id = make(own, "Idle")
    for command in (("usage",), ("keys", "usage", key_id)):
        done = own.run(*command, *args)
        assert done.code != 0
        assert told in done.err
    assert "--top" in own.run("usage", "--top", "101").err
