"""`keywright keys …` against a running server."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.client import Client
from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN, Shell

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from keywright.client import KeyFields

TOKEN = re.compile(r"kw_[0-9A-Za-z]{37}")
NOTICE = "The token is shown this once and cannot be had again."


@pytest.fixture
def own(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """A shell whose tenant no other test uses."""
    slug = "t" + hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    with Client(shell.variables["KEYWRIGHT_URL"], ROOT_TOKEN) as client:
        client.tenants.create(slug)
    return shell.with_(KEYWRIGHT_TENANT=slug)


def client_of(shell: Shell) -> Client:
    """A client that says the same as the shell's commands, for what a test only needs to be there."""
    given = shell.variables
    return Client(given["KEYWRIGHT_URL"], given["KEYWRIGHT_API_KEY"], given["KEYWRIGHT_TENANT"])


def make(shell: Shell, name: str, **fields: Unpack[KeyFields]) -> str:
    """Make a key and give its id."""
    with client_of(shell) as client:
        key_id = client.keys.create(name, **fields).key["id"]
    assert isinstance(key_id, str)
    return key_id


def near(moment: str, **span: int) -> bool:
    return abs(datetime.fromisoformat(moment) - datetime.now(UTC) - timedelta(**span)) < timedelta(minutes=2)


def test_create_shows_the_key_and_its_token_with_the_notice(own: Shell) -> None:
    made = own.run("keys", "create", "Nightly export", "--expires", "90d", "--action", "article:read")
    assert made.code == 0
    assert made.err == ""
    (token,) = TOKEN.findall(made.out)
    lines = [" ".join(line.split()) for line in made.out.splitlines()]
    assert lines[0] == "name Nightly export"
    assert f"token {token}" in lines
    assert "scope article:read on everything" in lines
    assert any(line.startswith("expires in 90 days (") for line in lines)
    assert lines[-1].startswith(NOTICE)
    assert own.run("verify", "-", stdin=token).code == 0


def test_create_quiet_prints_the_token_alone(own: Shell) -> None:
    made = own.run("keys", "create", "Quiet", "--quiet")
    assert TOKEN.fullmatch(made.token)
    assert made.err == ""


def test_create_with_a_hash_shows_no_token(own: Shell) -> None:
    brought = "brought-from-elsewhere-0123456789"
    digest = hashlib.sha256(brought.encode()).hexdigest()
    made = own.run("keys", "create", "Brought", "--token-hash", digest, "--quiet")
    assert made.token.startswith("key_")
    other = own.run("keys", "create", "Other", "--token-hash", hashlib.sha256(b"x" * 40).hexdigest())
    assert other.code == 0
    assert NOTICE not in other.out
    assert "there is no token to show" in other.out
    assert own.run("verify", "-", "--quiet", stdin=brought).code == 0


def test_create_takes_every_field(own: Shell, home: Path) -> None:
    (home / "scope.json").write_text('[{"actions": ["a:*"], "resources": ["r:1"]}]', "utf-8")
    (home / "facts.json").write_text('{"team": "search", "n": 1}', "utf-8")
    answer = own.run(
        *("keys", "create", "Full", "--json", "--description", "What it is for", "--handle", "full"),
        *("--expires", "2w", "--not-before", "12h", "--scope", "@scope.json", "--prefix", "acme"),
        *("--cidr", "10.0.0.0/8", "--cidr", "2001:db8::/32"),
        *("--metadata", "@facts.json", "--metadata", '{"n": [2]}', "--metadata", "stage=live=yes"),
    ).json
    key = answer["key"]
    assert set(answer) == {"key", "token", "replayed", "note"}
    assert answer["token"].startswith("acme_")
    assert (key["description"], key["handle"], key["prefix"]) == ("What it is for", "full", "acme")
    assert key["scope"] == [{"actions": ["a:*"], "resources": ["r:1"]}]
    assert key["allowed_cidrs"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert key["metadata"] == {"team": "search", "n": [2], "stage": "live=yes"}
    assert near(key["expires_at"], days=14)
    assert near(key["not_before"], hours=12)
    assert key["state"] == "not_yet_valid"


def test_actions_and_resources_together_are_one_policy(own: Shell) -> None:
    given = ("--action", "a:1", "--action", "a:2", "--resource", "r:1", "--resource", "r:2")
    answer = own.run("keys", "create", "Policy", "--json", *given).json
    assert answer["key"]["scope"] == [{"actions": ["a:1", "a:2"], "resources": ["r:1", "r:2"]}]


def test_scope_and_metadata_may_come_from_standard_input(own: Shell) -> None:
    made = own.run("keys", "create", "Piped", "--json", "--scope", "@-", stdin='[{"actions": ["a:b"]}]')
    assert made.json["key"]["scope"] == [{"actions": ["a:b"], "resources": None}]
    both = own.run("keys", "create", "Piped", "--scope", "@-", "--metadata", "@-", stdin="[]")
    assert both.code == 2
    assert "Only one of --scope and --metadata can be read from standard input." in both.err


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--resource", "r:1"], "--resource narrows an --action, and none is given."),
        (["--scope", "[]", "--action", "a:b"], "Give either --scope, or --action and --resource."),
        (["--scope", "{}"], "--scope is a JSON list of policies"),
        (["--scope", "[{"], "--scope is not valid JSON: line 1, column 3."),
        (["--scope", "@none.json"], "The file that --scope names cannot be read: No such file or directory."),
        (["--metadata", "[1]"], "--metadata is a JSON object, @file or key=value."),
        (["--metadata", "=1"], "--metadata is a JSON object, @file or key=value."),
        (["--metadata", '{"a": NaN}'], "--metadata holds a number or a depth that JSON does not have."),
        (
            ["--metadata", '{"a":' + "[" * 100_000],
            "--metadata holds a number or a depth that JSON does not have.",
        ),
        (["--expires", "999999999w"], "this span reaches beyond the calendar."),
        (["--json", "--quiet"], "Give either --json or --quiet."),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage_and_makes_nothing(
    own: Shell, args: list[str], sentence: str
) -> None:
    result = own.run("keys", "create", "Wrong", *args)
    assert result.code == 2
    assert sentence in result.err
    assert result.out == ""
    with client_of(own) as client:
        assert client.keys.page().items == ()


@pytest.mark.parametrize(
    ("args", "place", "code"),
    [
        (["--expires", "-1d"], "--expires", "expiry_in_past"),
        (["--expires", "soon"], "--expires", "invalid_value"),
        (["--cidr", "10.0.0.0/33"], "--cidr", "invalid_cidr"),
        (["--action", "a b"], "--scope or --action", "invalid_policy"),
        (["--handle", "no spaces"], "--handle", "invalid_value"),
        (["--token-hash", "AB"], "--token-hash", "invalid_token_hash"),
        (["--metadata", '{"a": "\\ud800"}'], "--metadata", None),
    ],
)
def test_refused_input_names_the_option_and_ends_with_8(
    own: Shell, args: list[str], place: str, code: str | None
) -> None:
    result = own.run("keys", "create", "Refused", *args)
    assert result.code == 8
    assert result.out == ""
    assert code is None or (result.err.startswith(f"Error: {place}: ") and f"({code}, request " in result.err)


def test_conflicts_end_with_7(own: Shell) -> None:
    make(own, "One", handle="same")
    result = own.run("keys", "create", "Two", "--handle", "same")
    assert result.code == 7
    assert result.err.startswith("Error: --handle: ")
    assert "(handle_taken, request " in result.err


def test_names_may_look_like_anything(own: Shell) -> None:
    for name in ("[bold red]x[/]", "--", "名前" * 40, "a\u200bb"):
        made = own.run("keys", "create", "--json", "--", name).json["key"]
        assert made["name"] == name
        assert name in own.run("keys", "list", "--name-prefix", name).out


def test_an_argument_that_is_no_utf8_is_wrong_usage(own: Shell) -> None:
    done = subprocess.run(
        [KEYWRIGHT, "keys", "create", b"\xff"], capture_output=True, env=own.environment, check=False
    )
    assert done.returncode == 2
    assert done.stderr == b"Error: An argument is not valid UTF-8.\n"


def test_list_shows_whole_ids_in_a_table_and_nothing_is_cut_outside_of_a_terminal(own: Shell) -> None:
    long = "A name " * 30 + "end"
    ids = [make(own, name) for name in ("First", long)]
    lines = own.run("keys", "list").out.splitlines()
    assert lines[0].split() == ["NAME", "ID", "HINT", "OWNER", "STATE", "EXPIRES", "LAST", "USED"]
    assert lines[1].startswith(f"{long}  {ids[1]}  kw_")
    assert lines[2].startswith("First ")
    assert ids[0] in lines[2]
    assert not any(line.endswith(" ") or "\x1b" in line for line in lines)


def test_list_quiet_prints_ids_and_json_the_answer_of_the_api(own: Shell) -> None:
    ids = [make(own, name) for name in ("First", "Second")]
    assert own.run("keys", "list", "--quiet").out.splitlines() == ids[::-1]
    answer = own.run("keys", "list", "--json").json
    assert set(answer) == {"items", "next_cursor"}
    assert [key["id"] for key in answer["items"]] == ids[::-1]
    assert answer["next_cursor"] is None


def test_an_empty_list_prints_nothing_on_standard_output(own: Shell) -> None:
    result = own.run("keys", "list")
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("No keys.")
    assert own.run("keys", "list", "--quiet") == type(result)(0, "", "")


def test_list_pages_by_cursor_and_all_goes_through_them(own: Shell) -> None:
    ids = [make(own, f"Key {number}") for number in range(5)]
    first = own.run("keys", "list", "--limit", "2", "--sort", "name", "--json").json
    assert [key["id"] for key in first["items"]] == ids[:2]
    told = own.run("keys", "list", "--limit", "2", "--sort", "name")
    assert f"There are more. Add --all, or --cursor {first['next_cursor']} for the next page." in told.err
    assert "--cursor" not in told.out
    rest = own.run("keys", "list", "--sort", "name", "--all", "--cursor", first["next_cursor"], "--quiet")
    assert rest.out.splitlines() == ids[2:]
    whole = own.run("keys", "list", "--all", "--sort", "name", "--order", "desc", "--json").json
    assert [key["id"] for key in whole["items"]] == ids[::-1]
    assert whole["next_cursor"] is None
    assert own.run("keys", "list", "--all", "--limit", "2").code == 2


def test_list_filters(own: Shell) -> None:
    old = make(own, "Old", expires_at=datetime.now(UTC) + timedelta(days=10), handle="old")
    new = make(own, "New")
    off = make(own, "Off")
    used = own.run("keys", "create", "Used", "--json").json
    assert own.run("keys", "disable", off, "--quiet").code == 0
    owner = used["key"]["identity_id"]

    def found(*args: str) -> set[str]:
        result = own.run("keys", "list", "--quiet", *args)
        assert result.code == 0, result.err
        return set(result.out.split())

    everything = {old, new, off, used["key"]["id"]}
    assert found() == everything
    assert found("--state", "disabled") == {off}
    assert found("--state", "disabled", "--state", "active") == everything
    assert found("--name-prefix", "ne") == {new}
    assert found("--handle", "old") == {old}
    assert found("--search", "old") == {old}
    assert found("--ends") == {old}
    assert found("--never-ends") == everything - {old}
    assert found("--identity", owner) == everything
    assert found("--identity", "idn_00000000000000000000000000000000") == set()
    assert found("--expires-until", "14d") == {old}
    assert found("--expires-since", "14d") == set()
    assert found("--created-since", "1h") == everything
    assert found("--created-until", "1h") == set()
    assert found("--created-since", "2999-01-01T00:00:00Z") == set()
    assert found("--never-used") == everything
    assert found("--used") == set()
    assert found("--last-used-since", "1d", "--last-used-until", "0s") == set()
    assert own.run("keys", "list", "--created-since", "yesterday").code == 8
    assert own.run("keys", "list", "--state", "gone").code == 2
    assert own.run("keys", "list", "--limit", "0").code == 8


def test_show_one_and_several(own: Shell) -> None:
    one, two = make(own, "One", description="First of two"), make(own, "Two")
    shown = own.run("keys", "show", one)
    assert shown.code == 0
    assert "First of two" in shown.out
    assert own.run("keys", "show", one, "--json").json["id"] == one
    assert [key["id"] for key in own.run("keys", "show", two, one, one, "--json").json["items"]] == [two, one]
    assert own.run("keys", "show", one, "--quiet").out == ""


def test_one_missing_key_does_not_keep_the_others_from_being_shown(own: Shell) -> None:
    one = make(own, "One")
    missing = "key_00000000000000000000000000000000"
    result = own.run("keys", "show", missing, one, "--json")
    assert result.code == 6
    assert [key["id"] for key in json.loads(result.out)["items"]] == [one]
    assert result.err.startswith(f"Error: {missing}: No such key. (not_found, request ")
    alone = own.run("keys", "show", missing)
    assert (alone.code, alone.out) == (6, "")
    assert alone.err.startswith("Error: No such key. (not_found, request ")


@pytest.mark.parametrize("key_id", ["..", ".", "../tenants", "a/b", "a b", "%2e", "é", "?x", ""])
def test_an_id_that_is_none_is_missing(own: Shell, key_id: str) -> None:
    result = own.run("keys", "show", key_id)
    assert (result.code, result.out) == (6, "")


def test_update_changes_what_is_given_and_clears_what_is_named(own: Shell) -> None:
    key_id = make(
        own,
        "Before",
        handle="before",
        expires_at=datetime.now(UTC) + timedelta(days=1),
        scope=[{"actions": ["a:b"]}],
        metadata={"a": "b"},
    )
    changed = own.run("keys", "update", key_id, "--name", "After", "--expires", "30d", "--json").json
    assert changed["name"] == "After"
    assert near(changed["expires_at"], days=30)
    assert (changed["handle"], changed["metadata"]) == ("before", {"a": "b"})
    words = ("handle", "expires", "scope", "metadata", "cidr", "not-before", "description")
    cleared = own.run(
        "keys", "update", key_id, "--json", *(part for word in words for part in ("--clear", word))
    )
    gone = {
        name: cleared.json[name] for name in ("handle", "expires_at", "scope", "allowed_cidrs", "not_before")
    }
    assert gone == dict.fromkeys(gone)
    assert cleared.json["metadata"] == {}
    assert cleared.json["name"] == "After"
    shown = own.run("keys", "update", key_id, "--name", "Told")
    assert shown.out.startswith("name     ")


def test_keys_go_by_their_handles_too(own: Shell) -> None:
    key_id = make(own, "Named", handle="nightly")
    assert own.run("keys", "show", "nightly", "--json").json["id"] == key_id
    both = own.run("keys", "show", "nightly", key_id, "Nightly", "--json")
    assert both.code == 6
    assert [key["id"] for key in json.loads(both.out)["items"]] == [key_id]
    assert both.err.startswith("Error: Nightly: No such key.")
    assert own.run("keys", "update", "nightly", "--name", "Renamed", "--json").json["name"] == "Renamed"
    assert own.run("keys", "disable", "nightly").out == f"Disabled Renamed ({key_id}).\n"
    assert own.run("keys", "delete", "nightly", "--yes").out == f"Deleted {key_id}.\n"
    assert own.run("keys", "show", "nightly").code == 6


def test_a_creation_repeated_under_a_key_of_ones_own_makes_one_key(own: Shell) -> None:
    once = ("keys", "create", "Once", "--idempotency-key", "deployment-7")
    made = own.run(*once, "--json").json
    again = own.run(*once, "--json").json
    assert again["key"]["id"] == made["key"]["id"]
    assert (again["token"], again["replayed"]) == (None, True)
    shown = own.run(*once)
    assert shown.code == 0
    assert again["note"] in shown.out
    quiet = own.run(*once, "--quiet")
    assert (quiet.code, quiet.out) == (7, "")
    assert quiet.err.startswith(f"Error: The key {made['key']['id']} was made, and its token was shown then.")
    other = own.run("keys", "create", "Other", "--idempotency-key", "deployment-7")
    assert other.code == 7
    assert "(idempotency_key_reused, request " in other.err


def test_update_several_at_once(own: Shell) -> None:
    ids = [make(own, "A"), make(own, "B")]
    result = own.run("keys", "update", *ids, "--cidr", "10.0.0.0/8", "--json").json
    assert [key["allowed_cidrs"] for key in result["items"]] == [["10.0.0.0/8"]] * 2


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 2),
        (["--clear", "name"], 2),
        (["--clear", "handle", "--handle", "x"], 2),
        (["--name", ""], 8),
        (["--expires", "-1d"], 8),
    ],
)
def test_update_refuses(own: Shell, args: list[str], code: int) -> None:
    key_id = make(own, "Same")
    assert own.run("keys", "update", key_id, *args).code == code
    with client_of(own) as client:
        assert client.keys.get(key_id)["name"] == "Same"


def test_disable_and_enable(own: Shell) -> None:
    made = own.run("keys", "create", "Switch", "--json").json
    key_id, other = made["key"]["id"], make(own, "Other")
    off = own.run("keys", "disable", key_id, other)
    assert off.out.splitlines() == [f"Disabled Switch ({key_id}).", f"Disabled Other ({other})."]
    assert own.run("verify", "-", "--quiet", stdin=made["token"]).code == 1
    assert own.run("keys", "enable", key_id).out == f"Enabled Switch ({key_id}).\n"
    assert own.run("verify", "-", "--quiet", stdin=made["token"]).code == 0
    assert own.run("keys", "enable", key_id, "--json").json["state"] == "active"
    assert own.run("keys", "disable", key_id, "--quiet").out == ""


def test_delete_needs_yes_where_nobody_can_be_asked(own: Shell) -> None:
    made = own.run("keys", "create", "Doomed", "--json").json
    key_id, other = made["key"]["id"], make(own, "Other")
    refused = own.run("keys", "delete", key_id)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "Error: There is no terminal to ask on whether to delete; add --yes.\n"
    assert own.run("keys", "show", key_id).code == 0
    gone = own.run("keys", "delete", key_id, other, "--yes")
    assert gone.out.splitlines() == [f"Deleted {key_id}.", f"Deleted {other}."]
    assert own.run("verify", "-", "--quiet", stdin=made["token"]).code == 1
    assert own.run("keys", "delete", key_id, "--yes").code == 6
    third = make(own, "Third")
    deleted = own.run("keys", "delete", third, "-y", "--json").json
    assert deleted.pop("receipt")["complete"]
    assert deleted == {"id": third, "deleted": True}


def test_a_key_of_another_tenant_is_missing(own: Shell) -> None:
    key_id = make(own, "Mine")
    elsewhere = own.with_(KEYWRIGHT_TENANT="default")
    for action in (["show"], ["update", "--name", "x"], ["disable"], ["delete", "--yes"]):
        assert elsewhere.run("keys", *action, key_id).code == 6
    assert own.run("keys", "show", key_id, "--json").json["name"] == "Mine"


def test_the_tenant_comes_from_the_flag_before_the_variable(own: Shell) -> None:
    key_id = make(own, "Mine")
    slug = own.variables["KEYWRIGHT_TENANT"]
    elsewhere = own.with_(KEYWRIGHT_TENANT="default")
    assert elsewhere.run("keys", "show", key_id, "--tenant", slug, "--quiet").code == 0
    assert elsewhere.run("--tenant", slug, "keys", "show", key_id, "--quiet").code == 0
    assert elsewhere.run("keys", "--tenant", slug, "show", key_id, "--quiet").code == 0
    assert elsewhere.run("--tenant", "nowhere", "keys", "show", key_id, "--tenant", slug, "--quiet").code == 0
