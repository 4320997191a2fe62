"""What a person sees and types at a terminal: questions, widths and colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from tests.cli.commands import PASSWORD, Shell
from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

COLOR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A shell whose tenant is this module's."""
    shell.run("tenants", "create", "terminal")
    return shell.with_(KEYWRIGHT_TENANT="terminal")


def table(shell: Shell, columns: int, *args: str) -> list[str]:
    with terminal(shell, "keys", "list", "--sort", "name", *args, columns=columns) as screen:
        assert screen.end() == 0
    return COLOR.sub("", screen.text).splitlines()


def test_login_asks_for_user_and_password_and_shows_no_password(anyone: Shell, home: Path) -> None:
    with terminal(anyone, "login") as screen:
        screen.expect("User [admin]: ")
        screen.send("\n")
        screen.expect("Password: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect("Logged in to ")
        assert screen.end() == 0
    assert PASSWORD not in screen.text
    assert (home / ".config/keywright/credentials.toml").exists()
    assert anyone.run("whoami", "--quiet").out == "admin\n"


def test_login_with_a_user_asks_for_the_password_alone(anyone: Shell) -> None:
    with terminal(anyone, "login", "--user", "admin", "--print-token") as screen:
        screen.expect("Password: ")
        screen.send(f"{PASSWORD}\n")
        assert screen.end() == 0
    assert "User" not in screen.text
    assert re.search(r"kws_[0-9A-Za-z]{37}", screen.text)


def test_ctrl_c_at_a_question_ends_with_130(anyone: Shell) -> None:
    with terminal(anyone, "login") as screen:
        screen.expect("User [admin]: ")
        assert screen.interrupt() == 130
    assert "Traceback" not in screen.text


def test_verify_asks_for_the_token_and_does_not_show_it(own: Shell) -> None:
    token = own.run("keys", "create", "Asked", "--quiet").token
    with terminal(own, "verify") as screen:
        screen.expect("Token: ")
        screen.send(f"{token}\n")
        screen.expect("VALID")
        assert screen.end() == 0
    assert token not in screen.text
    assert "\x1b[32mVALID\x1b[0m" in screen.text


def test_delete_shows_what_would_go_and_asks(own: Shell) -> None:
    key = own.run("keys", "create", "Doomed", "--json").json["key"]
    with terminal(own, "keys", "delete", key["id"]) as screen:
        screen.expect(f"Doomed ({key['id']}), last used never")
        screen.expect("Delete this key? [y/N]: ")
        screen.send("n\n")
        screen.expect("Nothing was deleted.")
        assert screen.end() == 1
    assert own.run("keys", "show", key["id"]).code == 0
    with terminal(own, "keys", "delete", key["id"], "key_none") as screen:
        screen.expect("  key_none\n")
        screen.expect("Delete these 2 keys? [y/N]: ")
        screen.send("y\n")
        screen.expect(f"Deleted {key['id']}.")
        screen.expect("Error: key_none: No such key.")
        assert screen.end() == 6
    assert own.run("keys", "show", key["id"]).code == 6


def test_a_table_fits_the_width_and_ids_stay_whole(shell: Shell) -> None:
    assert shell.run("tenants", "create", "widths").code == 0
    own = shell.with_(KEYWRIGHT_TENANT="widths")
    names = ["A name that is rather long, longer than most", "名前" * 20, "Short"]
    ids = [own.run("keys", "create", name, "--json", "--expires", "90d").json["key"]["id"] for name in names]
    wide = table(own, 160)
    assert wide[0].split() == ["NAME", "ID", "HINT", "OWNER", "STATE", "EXPIRES", "LAST", "USED"]
    assert wide[1].split("  ")[0] == names[0]
    middle = table(own, 80)
    assert middle[0].split()[:2] == ["NAME", "ID"]
    assert "OWNER" not in middle[0]
    narrow = table(own, 50)
    assert narrow[0].split() == ["NAME", "ID"]
    assert table(own, 40)[0].split() == ["ID"]
    for columns, lines in ((80, middle), (50, narrow), (40, table(own, 40)), (160, wide)):
        assert {key_id for line in lines for key_id in re.findall(r"key_[0-9a-f]{32}", line)} == set(ids)
        assert max(map(cell_len, lines)) <= columns
    assert any("…" in line for line in narrow)


def test_colours_are_for_terminals_that_want_them(own: Shell) -> None:
    own.run("keys", "create", "Colour", "--quiet")
    with terminal(own, "keys", "list") as screen:
        assert screen.end() == 0
    assert "\x1b[32mactive" in screen.text
    for shell, args in (
        (own, ["--no-color"]),
        (own.with_(NO_COLOR="1"), []),
        (own.with_(TERM="dumb"), []),
    ):
        with terminal(shell, "keys", "list", *args) as screen:
            assert screen.end() == 0
        assert "Colour" in screen.text
        assert "\x1b" not in screen.text
    with terminal(own.with_(NO_COLOR=""), "keys", "list") as screen:
        assert screen.end() == 0
    assert "\x1b[32mactive" in screen.text


def test_text_from_elsewhere_cannot_steer_the_terminal(own: Shell) -> None:
    evil = "\x1b]0;owned\x07\u202e\x9b31m"
    key = own.run("keys", "create", "Harmless", "--json", "--metadata", f"note={evil}").json["key"]
    assert key["metadata"] == {"note": evil}
    with terminal(own, "keys", "show", key["id"], "--no-color") as screen:
        assert screen.end() == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", screen.text)
    with terminal(own, "keys", "show", key["id"], "--json") as screen:
        assert screen.end() == 0
    assert "\\u001b]0;owned\\u0007\\u202e\\u009b31m" in screen.text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", screen.text)


def test_the_token_is_on_one_line_of_a_narrow_terminal(own: Shell) -> None:
    with terminal(own, "keys", "create", "Narrow", columns=30) as screen:
        assert screen.end() == 0
    assert re.search(r"kw_[0-9A-Za-z]{37}\n", screen.text)
