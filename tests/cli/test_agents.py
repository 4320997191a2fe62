"""`keywright agents`, and what `keys delete` shows of them, as people use them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.terminal import terminal
from tests.cli.test_keys import own
from tests.cli.test_people import words
from tests.unit.client.scripted import Answer, problem, scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.commands import Shell

__all__ = ["own"]

KEY_ID = "key_" + "0" * 32
KEY = {"id": KEY_ID, "name": "Doomed", "last_used_at": None}


def runner(own: Shell, name: str = "Runner", role: str = "member") -> tuple[str, Shell]:
    """The id of a service account's key, and a shell that has it."""
    account = own.run("service-accounts", "create", name, "--role", role, "--quiet").token
    made = own.run("keys", "create", name, "--for", account, "--handle", name.lower(), "--json").json
    return made["key"]["id"], own.with_(KEYWRIGHT_API_KEY=made["token"])


def test_an_agent_is_announced_listed_and_seen(own: Shell) -> None:
    key_id, shell = runner(own)
    made = shell.run(
        "agents", "register", "LocalAgent", "nightly", "--label", "eu", "--label=prod", "--version", "1.4.1"
    )
    assert (made.code, made.err) == (0, "")
    lines = words(made.out)
    agent_id = lines[0].removeprefix("id ")
    assert lines[1:6] == [
        "name nightly",
        "kind LocalAgent",
        "labels eu, prod",
        "version 1.4.1",
        f"key Runner ({key_id})",
    ]
    assert lines[6].startswith("identity Runner (idn_")
    again = shell.run(
        "agents", "register", "LocalAgent", "nightly", "--label", "prod", "--label", "eu", "--json"
    )
    assert (again.json["id"], again.json["created"], again.json["version"]) == (agent_id, False, None)
    assert "known before yes" in words(
        shell.run("agents", "register", "LocalAgent", "nightly", "--label=eu", "--label=prod").out
    )
    bare = shell.run("agents", "register", "Cron", "cron", "--quiet").token

    assert shell.run("agents", "seen", agent_id).out == f"Seen {agent_id}.\n"
    assert shell.run("agents", "seen", agent_id, "--quiet").out == ""
    assert shell.run("agents", "seen", agent_id, "--json").json == {"id": agent_id, "seen": True}
    assert own.run("agents", "seen", agent_id).code == 6

    rows = words(own.run("agents", "list").out)
    assert rows[0] == "ID NAME KIND LABELS KEY KEY STATE OF LAST SEEN FROM"
    assert rows[1].startswith(f"{agent_id} nightly LocalAgent eu, prod Runner active Runner ")
    assert rows[2].startswith(f"{bare} cron Cron Runner active Runner ")
    for named in (key_id, "runner"):
        assert own.run("agents", "list", "--key", named, "--quiet").out.split() == [agent_id, bare]
    assert own.run("agents", "list", "--key", KEY_ID).err == "No such agent announced itself.\n"
    first = own.run("agents", "list", "--limit", "1")
    assert "There are more." in first.err
    assert len(own.run("agents", "list", "--all", "--json").json["items"]) == 2


def test_what_an_agent_is_not_is_told_by_its_option(own: Shell) -> None:
    for args, told in (
        (("", "a"), "KIND: "),
        (("a", " "), "NAME: "),
        (("a", "a", "--label", ""), "--label: "),
        (("a", "a", "--version", ""), "--version: "),
    ):
        found = own.run("agents", "register", *args)
        assert (found.code, found.err.startswith(f"Error: {told}")) == (8, True), found.err
    own.run("agents", "register", "a", "a")
    found = own.run("agents", "list", "--limit", "0")
    assert (found.code, found.err.startswith("Error: --limit: ")) == (8, True)


def test_delete_says_what_it_will_stop(own: Shell) -> None:
    key_id, shell = runner(own)
    for name in ("one", "two"):
        assert shell.run("agents", "register", "LocalAgent", name).code == 0
    other, _ = runner(own, "Idle")
    with terminal(own, "keys", "delete", "runner", other) as screen:
        screen.expect(f"  Runner ({key_id}), last used ")
        screen.expect("    carried by LocalAgent one, last seen ")
        screen.expect("    carried by LocalAgent two, last seen ")
        screen.expect(f"  Idle ({other}), last used never\n")
        screen.expect("Delete these 2 keys? [y/N]: ")
        screen.send("y\n")
        screen.expect(f"Deleted {key_id}.")
        assert screen.end() == 0
    assert [one["key"]["state"] for one in own.run("agents", "list", "--json").json["items"]] == [
        "deleted"
    ] * 2


@contextmanager
def asked(home_shell: Shell, agents: Answer) -> Iterator[str]:
    """What is shown of a key before its deletion, by a server that answers the question for agents so."""
    with scripted(Answer(body=KEY), agents) as server:
        shell = home_shell.with_(KEYWRIGHT_URL=server.url, KEYWRIGHT_API_KEY="kw_0")
        with terminal(shell, "keys", "delete", KEY_ID) as screen:
            screen.expect("Delete this key? [y/N]: ")
            screen.send("n\n")
            assert screen.end() == 1
        yield screen.text
    assert [one.path for one in server.requests] == [
        f"/v1/keys/{KEY_ID}",
        f"/v1/agents?key_id={KEY_ID}&limit=20",
    ]


@pytest.mark.parametrize(
    "answer",
    [
        problem(403, "permission_denied"),
        problem(404, "not_found"),
        Answer(404, "<h1>Not here</h1>", {"Content-Type": "text/html"}),
        Answer(body={"nodes": []}),
        Answer(body={"items": [], "next_cursor": None}),
    ],
    ids=["denied", "global", "no such page", "other answer", "none"],
)
def test_a_key_is_deleted_whether_its_agents_can_be_seen_or_not(own: Shell, answer: Answer) -> None:
    with asked(own, answer) as text:
        assert f"Doomed ({KEY_ID}), last used never" in text
        assert "carried" not in text
        assert "Nothing was deleted." in text


def test_of_many_agents_some_are_shown(own: Shell) -> None:
    agent = {"kind": "LocalAgent", "name": "a\x1b[31mb", "last_seen_at": "2026-01-01T00:00:00Z"}
    with asked(own, Answer(body={"items": [agent] * 20, "next_cursor": "more"})) as text:
        assert text.count("carried by LocalAgent a") == 20
        assert f"    and by more: keywright agents list --key {KEY_ID}" in text
        assert "\x1b[31mb" not in text
