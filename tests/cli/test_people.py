"""`keywright tenants`, `roles`, `memberships`, `service-accounts` and `audit` as people use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keywright.client import Client
from tests.cli.commands import ROOT_TOKEN, Shell
from tests.cli.terminal import terminal
from tests.cli.test_keys import client_of, own

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["own"]

EDITOR = (
    "roles",
    "create",
    "editor",
    *("--variable", "language", "--policy", "actions=article:*;resources=article:${language}:**"),
)


def words(text: str) -> list[str]:
    """The lines of a text with one space between words."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_role_is_defined_shown_and_listed(own: Shell) -> None:
    made = own.run(*EDITOR, "--description", "Writes")
    assert (made.code, made.err) == (0, "")
    assert words(made.out)[:5] == [
        "name editor",
        "kind own",
        "description Writes",
        "variables language",
        "allows article:* on article:${language}:**",
    ]
    assert own.run("roles", "show", "editor").out.startswith("name ")
    listed = words(own.run("roles", "list").out)
    assert listed[0] == "NAME KIND VARIABLES ALLOWS DESCRIPTION"
    assert listed[1].startswith("admin built in ** on everything")
    assert listed[-1] == "editor own language article:* on article:${language}:** Writes"
    assert own.run("roles", "list", "--quiet").out.split() == ["admin", "member", "read_only", "editor"]
    typed = own.run("roles", "update", "editor", "--variable", "language=locale", "--clear", "policies")
    assert "variables language (locale)" in words(typed.out)
    assert "allows nothing" in words(typed.out)


def test_policies_come_as_words_json_and_files(own: Shell, home: Path) -> None:
    (home / "policies.json").write_text(
        '[{"actions": ["c"]}, {"actions": ["d"], "resources": ["e"]}]', "utf-8"
    )
    given = ("--policy", "actions=a,b", "--policy", '{"actions": ["x"]}', "--policy", "@policies.json")
    role = own.run("roles", "create", "many", "--json", *given).json
    assert role["policies"] == [
        {"actions": ["a", "b"], "resources": None},
        {"actions": ["x"], "resources": None},
        {"actions": ["c"], "resources": None},
        {"actions": ["d"], "resources": ["e"]},
    ]
    as_json = own.run("roles", "update", "many", "--json", "--variable", '{"v": {"description": "V"}}').json
    assert as_json["variables"] == {"v": {"entity": None, "description": "V"}}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("roles", "create", "a", "--policy", "resources=b"), "--policy is a policy"),
        (("roles", "create", "a", "--policy", "actions=a;actions=b"), "--policy is a policy"),
        (("roles", "create", "a", "--policy", "actions=a;other=b"), "--policy is a policy"),
        (("roles", "create", "a", "--policy", "{"), "--policy is not valid JSON"),
        (("roles", "create", "a", "--variable", "=b"), "--variable is a variable's name"),
        (("roles", "create", "a", "--variable", "b="), "--variable is a variable's name"),
        (("roles", "update", "a"), "Say what to change."),
        (("roles", "update", "a", "--clear", "policies", "--policy", "actions=a"), "goes against"),
        (("memberships", "update", "mem_1"), "Say what to change"),
        (("memberships", "create", "idn_1", "a", "--variable", "b"), "--variable is a variable"),
        (("service-accounts", "update", "idn_1"), "Say what to change."),
        (("service-accounts", "create", "a", "--role", "b:c"), "--role is a role"),
        (("tenants", "update", "a"), "Say what to change."),
        (("tenants", "update", "a", "--default-limit", "burst"), "--default-limit is a name"),
        (("tenants", "update", "a", "--max-key-lifetime", "soon"), "this is no span"),
        (("tenants", "update", "a", "--key-prefix", "b", "--clear", "key-prefix"), "goes against"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(own: Shell, args: tuple[str, ...], told: str) -> None:
    result = own.run(*args)
    assert result.code == 2
    assert told in result.err


def test_a_membership_is_given_shown_and_listed(own: Shell) -> None:
    assert own.run(*EDITOR).code == 0
    account = own.run("service-accounts", "create", "Robot", "--quiet").token
    made = own.run("memberships", "create", account, "editor", "--variable", "language=cs,en")
    assert "role editor (language: cs, en)" in words(made.out)
    assert f"identity Robot (service_account, {account})" in words(made.out)
    membership = own.run("memberships", "list", "--identity", account, "--quiet").token
    rows = words(own.run("memberships", "list").out)
    assert rows[0] == "ID WHO KIND ROLE GIVEN"
    assert rows[1].startswith(f"{membership} Robot service_account editor (language: cs, en) ")
    given = ("--variable", '{"language": ["a,b"]}', "--variable", "language=c")
    changed = own.run("memberships", "update", membership, "--json", *given).json
    assert changed["variables"] == {"language": ["a,b", "c"]}
    assert own.run("memberships", "show", membership, "--quiet").token == membership
    nobody = own.run("memberships", "list", "--role", "admin")
    assert (nobody.out, nobody.err) == ("", "Nobody holds such a role.\n")


def test_a_service_account_is_made_and_changed(own: Shell) -> None:
    made = own.run("service-accounts", "create", "Robot", "--description", "Works", "--role", "member")
    lines = words(made.out)
    assert lines[0] == "name Robot"
    assert lines[2:5] == ["description Works", "roles member", "state active"]
    account = own.run("service-accounts", "list", "--quiet").token
    changed = own.run(
        "service-accounts", "update", account, "--name", "Robby", "--disable", "--description", ""
    )
    assert words(changed.out)[0] == "name Robby"
    assert "state disabled" in words(changed.out)
    rows = words(own.run("service-accounts", "list").out)
    assert rows[0] == "NAME ID ROLES STATE CREATED"
    assert rows[1].startswith(f"Robby {account} member disabled ")


def test_a_tenant_is_set_up(shell: Shell, own: Shell) -> None:
    slug = own.variables["KEYWRIGHT_TENANT"]
    given = ("--key-prefix", "acme", "--max-key-lifetime", "90d", "--keys-must-expire")
    limits = ("--default-limit", "burst=100/1s", "--default-limit", "day=5000/1d")
    shown = words(shell.run("tenants", "update", slug, "--name", "Mine", *given, *limits).out)
    assert shown[1] == "name Mine"
    assert shown[-4:] == [
        "key prefix acme",
        "keys live at most 90 days",
        "keys must expire yes",
        "default limits burst: 100 in 1 second; day: 5000 in 1 day",
    ]
    cleared = ("--clear", "key-prefix", "--clear", "max-key-lifetime", "--clear", "default-limit")
    emptied = shell.run("tenants", "update", slug, "--json", "--keys-may-stay", *cleared).json
    assert set(map(str, emptied["settings"].values())) == {"None", "False", "[]"}


def test_errors_name_the_option_and_the_policy_that_is_not_held(own: Shell) -> None:
    with client_of(own) as client:
        less = client.keys.create("Less", scope=[{"actions": ["roles:*"]}])
    assert less.token is not None
    narrow = own.with_(KEYWRIGHT_API_KEY=less.token.reveal())
    refused = narrow.run(*EDITOR)
    assert refused.code == 5
    assert refused.err.startswith("Error: --policy: ")
    assert refused.err.splitlines()[1] == "Not held: article:* on article:*:**."
    slug = own.variables["KEYWRIGHT_TENANT"]
    wrong = own.run("tenants", "update", slug, "--max-key-lifetime", "1s")
    assert (wrong.code, wrong.err.startswith("Error: --max-key-lifetime: ")) == (8, True)
    limit = own.run("tenants", "update", slug, "--default-limit", "a=0/1s")
    assert limit.err.startswith("Error: --default-limit: ")


def test_what_is_missing_and_what_is_hidden_are_told_alike(own: Shell, shell: Shell) -> None:
    other = "t" + "0" * 16
    with Client(own.variables["KEYWRIGHT_URL"], ROOT_TOKEN) as client:
        client.tenants.create(other)
    theirs = shell.with_(KEYWRIGHT_TENANT=other).run("service-accounts", "create", "Theirs", "--quiet").token
    nobody = theirs[:-6] + "000000"
    for command in ("show", "delete"):
        told = [
            own.run("service-accounts", command, *(["--yes"] if command == "delete" else []), one)
            for one in (theirs, nobody)
        ]
        assert [one.code for one in told] == [6, 6]
        assert len({one.err.partition(", request")[0] for one in told}) == 1


DELETIONS = (
    ("tenants", "delete", "a"),
    ("roles", "delete", "a"),
    ("memberships", "delete", "mem_1"),
    ("service-accounts", "delete", "idn_1"),
)


@pytest.mark.parametrize("command", DELETIONS, ids=" ".join)
def test_deletions_are_not_done_where_nobody_can_be_asked(own: Shell, command: tuple[str, ...]) -> None:
    result = own.run(*command)
    assert result.code == 2
    assert "add --yes" in result.err


def test_deletions_ask_at_a_terminal(own: Shell) -> None:
    assert own.run(*EDITOR).code == 0
    with terminal(own, "roles", "delete", "editor") as screen:
        screen.expect("Delete the role editor? [y/N]:")
        screen.send("n\n")
        screen.expect("Nothing was deleted.")
        assert screen.end() == 1
    assert own.run("roles", "show", "editor").code == 0
    with terminal(own, "roles", "delete", "editor") as screen:
        screen.expect("[y/N]:")
        screen.send("y\n")
        screen.expect("Deleted editor.")
        assert screen.end() == 0
    assert own.run("roles", "show", "editor").code == 6


@pytest.mark.parametrize("command", DELETIONS[1:], ids=" ".join)
def test_no_is_an_answer_to_every_deletion(own: Shell, command: tuple[str, ...]) -> None:
    with terminal(own, *command) as screen:
        screen.expect("[y/N]:")
        screen.send("\n")
        screen.expect("Nothing was")
        assert screen.end() == 1


def test_a_tenant_is_deleted(own: Shell, shell: Shell) -> None:
    slug = own.variables["KEYWRIGHT_TENANT"]
    with terminal(shell, "tenants", "delete", slug, "--force") as screen:
        screen.expect(f"Delete the tenant {slug} with everything in it, with all its keys? [y/N]:")
        screen.send("n\n")
        assert screen.end() == 1
    assert own.run("keys", "create", "One").code == 0
    assert shell.run("tenants", "delete", slug, "--yes").code == 7
    deleted = shell.run("tenants", "delete", slug, "--force", "--yes", "--json").json
    assert deleted.pop("receipt")["complete"]
    assert deleted == {"slug": slug, "deleted": True}
    assert shell.run("tenants", "show", slug).code == 6


def test_the_audit_trail_is_listed(own: Shell) -> None:
    account = own.run("service-accounts", "create", "Robot", "--quiet").token
    rows = words(own.run("audit", "list", "--target", account).out)
    assert rows[0] == "AT WHO ACTION TARGET CHANGED FROM"
    assert rows[1].endswith(
        f"service_account.create identity {account} name, description, memberships 127.0.0.1"
    )
    assert len(own.run("audit", "list", "--action", "service_account.*", "--quiet").out.split()) == 1
    nothing = own.run("audit", "list", "--until", "1d")
    assert (nothing.out, nothing.err) == ("", "Nothing such was done.\n")
    of_all = own.run("audit", "list", "--tenant", "*", "--json", "--action", "tenant.*").json["items"]
    assert {entry["tenant"] for entry in of_all} <= {None}


def test_the_audit_trail_is_exported(own: Shell, home: Path) -> None:
    for number in range(3):
        assert own.run("service-accounts", "create", f"No {number}").code == 0
    listed = own.run("audit", "list", "--json", "--all").json["items"]
    exported = own.run("audit", "export")
    assert (exported.code, exported.err) == (0, "")
    assert [json.loads(line) for line in exported.out.splitlines()] == listed
    done = own.run("audit", "export", "-o", "trail.ndjson", "--action", "service_account.create")
    assert (done.code, done.out) == (0, "")
    lines = (home / "trail.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["service_account.create"] * 3


def test_an_export_that_fails_leaves_no_file(own: Shell, home: Path) -> None:
    before = sorted(home.iterdir())
    refused = own.run("audit", "export", "--output", "trail.ndjson", "--since", "soon")
    assert refused.code == 8
    assert refused.err.startswith("Error: --since: ")
    assert sorted(home.iterdir()) == before
    nowhere = own.run("audit", "export", "-o", "no/such/folder/trail.ndjson")
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True)
    (home / "folder").mkdir()
    taken = own.run("audit", "export", "-o", "folder")
    assert (taken.code, "cannot be written" in taken.err) == (2, True)
    assert sorted(one.name for one in home.iterdir()) == sorted([*(one.name for one in before), "folder"])
