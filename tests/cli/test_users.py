"""`keywright users` and `keywright invitations`: what is printed, and what is asked for."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from keywright.cli.exits import Exit
from keywright.core.tokens import Form, form_of
from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from tests.cli.commands import Result, Shell

PASSWORD = "a long way to Tipperary"


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A shell with the root key and a tenant of its own."""
    slug = f"t-{secrets.token_hex(4)}"
    shell.run("tenants", "create", slug)
    return shell.with_(KEYWRIGHT_TENANT=slug)


@pytest.fixture
def login() -> str:
    return f"ada-{secrets.token_hex(4)}"


def refused(result: Result, code: int, *words: str) -> None:
    assert result.code == code, result.err
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_inviting_prints_the_link_this_once(own: Shell, login: str) -> None:
    done = own.run(
        "users", "invite", "Ada", "--login", login, "--role", "member", "--email", "ada@example.com"
    )
    assert done.code == 0, done.err
    assert "/invitations/accept#kwi_" in done.out
    assert "no: no mail server is set up" in done.out
    assert "The link is shown this once" in done.out
    for shown in (login, "ada@example.com", "member"):
        assert shown in done.out
    listed = own.run("invitations", "list")
    assert "Ada" in listed.out
    assert "kwi_" not in listed.out


def test_quiet_prints_the_link_alone_and_never_something_else(own: Shell) -> None:
    again = ("--idempotency-key", "one")
    link = own.run("users", "invite", "Ada", "--role", "member", "--quiet", *again).token
    assert "#kwi_" in link
    done = own.run("users", "invite", "Ada", "--role", "member", "--quiet", *again)
    refused(
        done,
        Exit.CONFLICT,
        "was made before, and its link cannot be shown again",
        "keywright invitations revoke inv_",
    )


def test_the_link_and_the_password_are_asked_for(own: Shell, anyone: Shell, login: str) -> None:
    link = own.run("users", "invite", "Ada", "--role", "member", "--quiet").token
    with terminal(anyone, "invitations", "accept", "--login", login, "--name", "Countess") as screen:
        screen.expect("Link: ")
        screen.send(f"{link}\n")
        screen.expect("New password: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect("Repeat for confirmation: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect(f"keywright login --user {login}")
        assert screen.end() == 0
    assert PASSWORD not in screen.text
    assert "kwi_" not in screen.text
    assert anyone.run("login", "--user", login, "--password", "-", stdin=PASSWORD).code == 0
    assert anyone.run("whoami", "--quiet").out == "Countess\n"


def test_joining_asks_for_the_link_alone(own: Shell, anyone: Shell, login: str) -> None:
    first, second = (own.run("users", "invite", "Ada", "--role", "member", "--quiet").token for _ in "12")
    given = ("invitations", "accept", "--stdin")
    assert anyone.run(*given, "--login", login, "--quiet", stdin=f"{first}\n{PASSWORD}").out == f"{login}\n"
    refused(anyone.run(*given, "--join", stdin=second), Exit.NOT_AUTHENTICATED, "There is no credential")
    assert anyone.run("login", "--user", login, "--password", "-", stdin=PASSWORD).code == 0
    with terminal(anyone, "invitations", "accept", "--join") as screen:
        screen.expect("Link: ")
        screen.send(f"{second}\n")
        screen.expect("held before")
        assert screen.end() == 0


def test_what_is_no_acceptance(own: Shell, anyone: Shell, login: str) -> None:
    token = own.run("users", "invite", "Ada", "--role", "member", "--json").json["token"]
    given = ("invitations", "accept", "--stdin")
    refused(anyone.run("invitations", "accept"), Exit.USAGE, "There is no terminal")
    refused(anyone.run(*given, "--join", "--login", "x", stdin=token), Exit.USAGE, "With --join")
    refused(anyone.run(*given, stdin=f"{token}\n{PASSWORD}"), Exit.REFUSED, "--login", "missing_field")
    refused(anyone.run(*given, "--login", login, stdin=f"{token}\nqwertyuiop"), Exit.REFUSED, "weak_password")
    refused(anyone.run(*given, stdin=f"{token}x\n{PASSWORD}"), Exit.NOT_FOUND, "not_found")
    assert anyone.run(*given, "--login", login, stdin=f"{token}\n{PASSWORD}").code == 0
    done = anyone.run(*given, "--login", login, stdin=f"{token}\n{PASSWORD}")
    refused(done, Exit.CONFLICT, "invitation_used")
    assert token not in done.err
    assert PASSWORD not in done.err


def test_a_password_is_no_argument(own: Shell, login: str) -> None:
    done = own.run("users", "create", login, "Ada", "--password", PASSWORD)
    refused(done, Exit.USAGE, "never an argument")
    assert PASSWORD not in done.err


def test_people_are_shown_and_changed(own: Shell, login: str) -> None:
    made = own.run("users", "create", login, "Ada", "--password", "-", "--json", stdin=PASSWORD).json
    user_id = made["id"]
    everywhere = own.with_(KEYWRIGHT_TENANT="*")
    shown = everywhere.run("users", "show", user_id)
    assert [word in shown.out for word in (login, "Ada", user_id, "active", "two factors")] == [True] * 5
    assert login in everywhere.run("users", "list", "--all").out
    refused(own.run("users", "update", user_id), Exit.USAGE, "Say what to change")
    changed = own.run("users", "update", user_id, "--disable", "--email", "a@example.com", "--json").json
    assert (changed["active"], changed["email"]) == (False, "a@example.com")
    assert own.run("users", "update", user_id, "--email", "", "--enable", "--json").json["email"] is None
    link = own.run("users", "reset", user_id, "--factors", "--days", "1", "--quiet").token
    assert "#kwi_" in link
    assert "new password" in everywhere.run("invitations", "list").out
    refused(own.run("users", "reset", user_id, "--days", "99"), Exit.REFUSED, "--days")
    assert own.run("users", "delete", user_id, "--yes").out == f"Deleted {user_id}.\n"
    refused(everywhere.run("users", "show", user_id), Exit.NOT_FOUND, "not_found")


def test_nobody_is_removed_without_being_asked(own: Shell, anyone: Shell, login: str) -> None:
    for other in (login, f"{login}-2"):
        link = own.run("users", "invite", "Ada", "--role", "admin", "--quiet", "--login", other).token
        anyone.run("invitations", "accept", "--stdin", stdin=f"{link}\n{PASSWORD}")
    user_id = own.run("users", "list", "--json").json["items"][0]["id"]
    for command in (("users", "remove", user_id), ("users", "delete", user_id)):
        refused(own.run(*command), Exit.USAGE, "add --yes")
        with terminal(own, *command) as screen:
            screen.expect("[y/N]: ")
            screen.send("n\n")
            assert screen.end() == Exit.NO
    removed = own.run("users", "remove", user_id, "--yes", "--json").json
    assert removed.pop("receipt")["complete"]
    assert removed == {"id": user_id, "removed": True}
    other = own.run("users", "list", "--quiet").token
    assert own.run("users", "remove", other, "--yes").code == Exit.CONFLICT


def test_an_invitation_is_taken_back(own: Shell) -> None:
    invitation = own.run("users", "invite", "Ada", "--role", "member", "--json").json["invitation"]
    refused(own.run("invitations", "revoke", invitation["id"]), Exit.USAGE, "add --yes")
    with terminal(own, "invitations", "revoke", invitation["id"]) as screen:
        screen.expect("[y/N]: ")
        screen.send("n\n")
        screen.expect("Nothing was taken back.")
        assert screen.end() == Exit.NO
    assert (
        own.run("invitations", "revoke", invitation["id"], "--yes").out == f"Took back {invitation['id']}.\n"
    )
    assert "revoked" in own.run("invitations", "list").out
    assert own.run("invitations", "list", "--quiet").token == invitation["id"]
    assert own.run("users", "list").out == ""
    assert "Nobody" in own.run("users", "list").err


def test_a_mail_server_is_looked_at(home_shell: Shell) -> None:
    mail = {"KEYWRIGHT_SMTP_URL": "smtp://kw:hunter22@127.0.0.1:1", "KEYWRIGHT_MAIL_FROM": "kw@example.com"}
    done = home_shell.with_(**mail).run("doctor")
    assert done.code == Exit.NO
    assert "No mail can be sent: the server of smtp_url does not answer." in done.out + done.err
    assert "hunter22" not in done.out + done.err
    assert "\nmail " not in home_shell.run("doctor").out


@pytest.fixture
def home_shell(shell: Shell) -> Shell:
    return shell.without("KEYWRIGHT_URL", "KEYWRIGHT_API_KEY")


def test_logging_somebody_in_prints_the_token_this_once(own: Shell, login: str) -> None:
    made = json.loads(own.run("--json", "users", "create", login, "Ada").out)
    done = own.run("users", "log-in", made["id"], "--idle", "30m", "--longest", "never")
    assert done.code == 0, done.err
    assert "kws_" in done.out
    assert "never" in done.out
    alone = own.run("--quiet", "users", "log-in", made["id"], "--longest", "90d")
    assert form_of(alone.out.strip()) is Form.CHECKED
    refused(own.run("users", "log-in", made["id"], "--idle", "soon"), Exit.USAGE, "span")
    refused(own.run("users", "log-in", made["id"], "--idle", "0"), Exit.REFUSED, "--idle", "invalid_value")
