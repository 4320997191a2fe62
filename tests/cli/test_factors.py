"""`sessions`, `password` and `factors`, and a login with a second factor."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
import pytest

from keywright.client import Client
from tests.cli.commands import ROOT_TOKEN, Result, Server, Shell
from tests.cli.terminal import terminal
from tests.support.authenticator import Authenticator

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "a long way to Tipperary"
NEW = "it is a long way to go"


@dataclass(frozen=True)
class Ada:
    """Somebody of a test's own, in a shell without a credential."""

    shell: Shell
    name: str

    def log_in(self, *args: str) -> Result:
        return self.shell.run("login", "--user", self.name, "--password", "-", *args, stdin=PASSWORD)


@pytest.fixture
def ada(anyone: Shell, server: Server) -> Ada:
    name = f"ada-{secrets.token_hex(4)}"
    with Client(server.url, ROOT_TOKEN) as client:
        client.users.create(login=name, name="Ada", password=PASSWORD)
    return Ada(anyone, name)


def code_of(secret: str, *, steps: int = 0) -> str:
    totp = pyotp.TOTP(secret)
    return totp.generate_otp(totp.timecode(time.time()) + steps)


def with_app(ada: Ada) -> tuple[str, list[str]]:
    """Log in and turn an app on; gives its secret and the recovery codes."""
    assert ada.log_in().code == 0
    secret = ada.shell.run("factors", "totp", "begin", "--quiet").token
    confirmed = ada.shell.run("factors", "totp", "confirm", code_of(secret), "--quiet")
    assert (confirmed.code, confirmed.err) == (0, "")
    return secret, confirmed.out.splitlines()


def test_an_app_is_set_up_by_a_picture_or_by_typing(ada: Ada) -> None:
    assert ada.log_in().code == 0
    begun = ada.shell.run("factors", "totp", "begin")
    *picture, blank, line = begun.out.splitlines()
    assert (blank, len({len(row) for row in picture})) == ("", 1)
    assert set("".join(picture)) <= set(" ▀▄█")
    secret = line.rpartition(" ")[2]
    assert begun.err == "Then turn it on with what it shows: keywright factors totp confirm CODE\n"
    confirmed = ada.shell.run("factors", "totp", "confirm", code_of(secret))
    assert len(confirmed.out.splitlines()) == 10
    assert confirmed.err.startswith("The authenticator app is on.\nKeep these recovery codes")
    listed = ada.shell.run("factors", "list").out
    assert "authenticator app  on since 20" in listed
    assert "recovery codes     10 left" in listed
    assert ada.shell.run("factors", "list", "--quiet").out == "totp\nrecovery_code\n"


def test_without_a_terminal_the_code_must_come_with_the_password(ada: Ada) -> None:
    secret, codes = with_app(ada)
    refused = ada.log_in()
    assert refused.code == 4
    assert "(second_factor_required, request " in refused.err
    assert "Add --code with a code of your authenticator app, or with a recovery code." in refused.err
    assert ada.log_in("--code", "000000x").code == 4
    assert ada.log_in("--code", code_of(secret, steps=1)).code == 0
    assert ada.log_in("--code", codes[0].upper()).code == 0
    reused = ada.log_in("--code", codes[0])
    assert (reused.code, "(code_reused" in reused.err) == (4, True)
    assert ada.shell.run("login", "--sso", "--code", "1").code == 2


def test_at_a_terminal_the_code_is_asked_for(ada: Ada) -> None:
    _, codes = with_app(ada)
    with terminal(ada.shell, "login", "--user", ada.name) as screen:
        screen.expect("Password: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect("Code of your authenticator app, or a recovery code: ")
        screen.send(f"{codes[1]}\n")
        screen.expect("Logged in to ")
        assert screen.end() == 0
    with terminal(ada.shell, "sessions", "confirm") as screen:
        screen.expect("Password: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect("Code of your authenticator app, or a recovery code: ")
        screen.send(f"{codes[2]}\n")
        screen.expect("Confirmed. What needs a recent login is open for ten minutes.")
        assert screen.end() == 0


def test_who_has_a_passkey_alone_is_told_to_use_a_browser(ada: Ada, server: Server) -> None:
    assert ada.log_in().code == 0
    options = ada.shell.run("factors", "passkeys", "options").json
    credential = json.dumps(Authenticator(server.url).create(options["options"]))
    (ada.shell.home / "made.json").write_text(credential, "utf-8")
    passkey = ada.shell.run("factors", "passkeys", "add", "Laptop", "@made.json", "--quiet").token
    refused = ada.log_in()
    assert refused.code == 4
    assert "Your passkey works in a browser alone." in refused.err
    assert f"passkey            Laptop ({passkey}), used never" in ada.shell.run("factors", "list").out
    assert "Desk" in ada.shell.run("factors", "passkeys", "rename", passkey, "Desk").out
    assert ada.shell.run("factors", "passkeys", "remove", "--yes", passkey).out == f"Deleted {passkey}.\n"
    assert ada.shell.run("factors", "list").out == "authenticator app  none\nrecovery codes     0 left\n"
    assert ada.shell.run("factors", "passkeys", "add", "Laptop", "[]").code == 2
    assert ada.log_in().code == 0


def test_ones_logins_are_listed_and_ended(ada: Ada) -> None:
    token = ada.log_in("--print-token").token
    other = ada.shell.with_(KEYWRIGHT_API_KEY=token)
    assert ada.log_in().code == 0
    table = ada.shell.run("sessions", "list").out.splitlines()
    assert table[0].split() == ["ID", "THIS", "ONE", "LOGGED", "IN", "LAST", "USED", "FROM", "SHOWN"]
    assert (len(table), table[1].endswith("password")) == (3, True)
    mine, theirs = ada.shell.run("sessions", "list", "--quiet", "--all").out.splitlines()
    assert ada.shell.run("sessions", "end", theirs).out == f"Ended {theirs}.\n"
    assert other.run("whoami").code == 4
    assert ada.shell.run("sessions", "end-others").out == "Ended 0 other logins.\n"
    assert ada.shell.run("sessions", "end", mine).code == 0
    assert ada.shell.run("whoami").code == 4


def test_a_password_is_changed_by_standard_input_or_at_a_terminal(ada: Ada) -> None:
    assert ada.log_in().code == 0
    changed = ada.shell.run("password", "change", "--password", "-", stdin=f"{PASSWORD}\n{NEW}\n")
    assert (changed.code, changed.out) == (0, "Ended 0 other logins.\n")
    weak = ada.shell.run("password", "change", "--password", "-", stdin=f"{NEW}\nshort\n")
    assert (weak.code, weak.err.startswith("Error: the new password: ")) == (8, True)
    with terminal(ada.shell, "password", "change") as screen:
        for asked, typed in (
            ("Old password: ", NEW),
            ("New password: ", PASSWORD),
            ("confirmation: ", PASSWORD),
        ):
            screen.expect(asked)
            screen.send(f"{typed}\n")
        screen.expect("Ended 0 other logins.")
        assert screen.end() == 0
    assert PASSWORD not in screen.text
    assert ada.log_in().code == 0
    unasked = ada.shell.run("password", "change")
    assert (unasked.code, "no terminal" in unasked.err) == (2, True)


REFUSED: list[tuple[str, Callable[[Shell], Result]]] = [
    ("sessions", lambda shell: shell.run("sessions", "list")),
    ("password", lambda shell: shell.run("password", "change", "--password", "-", stdin="a\nb")),
    ("factors", lambda shell: shell.run("factors", "totp", "begin")),
]


@pytest.mark.parametrize(("name", "act"), REFUSED, ids=[name for name, _ in REFUSED])
def test_a_key_has_neither_logins_nor_factors(
    shell: Shell, name: str, act: Callable[[Shell], Result]
) -> None:
    result = act(shell)
    assert (name, result.code) == (name, 5)
    assert "(permission_denied, request " in result.err
