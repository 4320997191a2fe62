"""Waiting for nodes on the command line, what it says of them, and the list of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from keywright.cli.receipts import in_words
from tests.cli.test_docs import ALL
from tests.support.cases import FOR_DIALECTS, use_cases

if TYPE_CHECKING:
    from tests.cli.commands import Shell

BY = "2030-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("outcomes", "more", "told"),
    [
        (["acknowledged"], {}, "Revoked on the only node after 12 ms (epoch 42)."),
        (["acknowledged"] * 3, {}, "Revoked on all 3 nodes after 12 ms (epoch 42)."),
        ([], {}, "Revoked on all 0 nodes after 12 ms (epoch 42)."),
        (
            ["acknowledged", "expired", "acknowledged"],
            {},
            "Revoked on all 3 nodes after 12 ms (epoch 42). 1 did not answer, and its lease has run out.",
        ),
        (
            ["expired", "expired"],
            {},
            "Revoked on all 2 nodes after 12 ms (epoch 42). 2 did not answer, and their leases have run out.",
        ),
        (
            ["acknowledged", "pending", "expired"],
            {"complete": False, "effective_by": BY},
            f"Revoked on 2 of 3 nodes, and on all by {BY} (epoch 42).",
        ),
        (
            ["pending"],
            {"complete": False, "effective_by": BY},
            f"Revoked on 0 of 1 node, and on all by {BY} (epoch 42).",
        ),
    ],
)
def test_a_receipt_in_words(outcomes: list[str], more: dict[str, Any], told: str) -> None:
    receipt = {
        "epoch": 42,
        "complete": True,
        "waited_ms": 12,
        "effective_by": None,
        "nodes": [{"id": f"nod_{number}", "outcome": one} for number, one in enumerate(outcomes)],
    }
    assert in_words({**receipt, **more}, "Revoked") == told


def test_whatever_waits_need_not() -> None:
    taking = {
        path.removeprefix("keywright ")
        for path, command, _ in ALL
        if any("--no-wait" in param.opts for param in command.params)
    }
    touching = {
        name.replace(".", " ").replace("_", "-")
        for name, use in use_cases().items()
        if use.touches and name not in FOR_DIALECTS
    }
    # Who holds a token revokes it over HTTP alone, and a switch has commands of its own.
    assert taking == touching - {"keys revoke"} | {"keys enable", "keys disable"}


def told(shell: Shell, *args: str) -> str:
    """The last line that a command tells beside its result."""
    result = shell.run(*args)
    assert result.code == 0, result.err
    return result.err.splitlines()[-1]


def test_a_change_says_where_it_is_true(shell: Shell) -> None:
    key_id = shell.run("keys", "create", "Leaked", "--json").json["key"]["id"]
    on_all = r"on the only node after \d+ ms \(epoch \d+\)\."
    assert re.fullmatch(f"In effect {on_all}", told(shell, "keys", "update", key_id, "--name", "Other"))
    assert re.fullmatch(f"Revoked {on_all}", told(shell, "keys", "disable", key_id))
    assert re.fullmatch(f"In effect {on_all}", told(shell, "keys", "enable", key_id))
    quiet = shell.run("keys", "disable", key_id, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    gone = shell.run("keys", "delete", key_id, "--yes", "--json")
    assert (gone.json["deleted"], gone.json["receipt"]["complete"], gone.err) == (True, True, "")


def test_other_changes_say_so_too(shell: Shell) -> None:
    made = shell.run("service-accounts", "create", "Importer", "--tenant", "default", "--json").json
    here = ("--tenant", "default")
    held = shell.run("memberships", "create", made["id"], "member", *here, "--json").json
    assert held["receipt"]["complete"] is True
    assert told(shell, "memberships", "delete", held["id"], "--yes", *here).startswith("In effect on")
    assert told(shell, "service-accounts", "update", made["id"], "--disable", *here).startswith(
        "In effect on"
    )
    assert told(shell, "service-accounts", "delete", made["id"], "--yes", *here).startswith("Revoked on")
    assert shell.run("service-accounts", "show", made["id"], *here).code == 6


def test_a_look_at_another_owner_has_changed_nothing(shell: Shell) -> None:
    here = ("--tenant", "default")
    heir = shell.run("service-accounts", "create", "Heir", *here, "--json").json["id"]
    key_id = shell.run("keys", "create", "Inherited", *here, "--json").json["key"]["id"]
    look = shell.run("keys", "transfer", key_id, heir, "--dry-run", *here)
    assert (look.code, look.err) == (0, "")
    assert told(shell, "keys", "transfer", key_id, heir, "--yes", "--no-wait", *here).startswith(
        "In effect on"
    )


def test_nodes_are_listed(shell: Shell) -> None:
    (node,) = shell.run("nodes", "list", "--json").json["items"]
    head, row = shell.run("nodes", "list").out.splitlines()
    assert head.split("  ")[0] == "ID"
    assert row.startswith(node["id"])
    assert re.search(r"  server  .*  serving  +\d+  +0  +\d\.\d of 3 s  ", row)
    assert shell.run("nodes", "list", "--quiet").out == f"{node['id']}\n"
