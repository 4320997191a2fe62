"""`login`, `logout`, and the file that keeps sessions."""

from __future__ import annotations

import stat
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from keywright.client import Client, TooManyAttempts, Unauthenticated
from tests.cli.commands import KEYWRIGHT, PASSWORD, ROOT_TOKEN, Result, Server, Shell
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kept(home: Path) -> Path:
    """The file that keeps sessions."""
    return home / ".config/keywright/credentials.toml"


def log_in(shell: Shell, *args: str) -> Result:
    return shell.run("login", "--password", "-", *args, stdin=f"{PASSWORD}\n")


def saved(kept: Path) -> dict[str, dict[str, str]]:
    sessions: dict[str, dict[str, str]] = tomllib.loads(kept.read_text("utf-8"))["sessions"]
    return sessions


def test_login_keeps_the_session_for_this_server_in_a_file_of_ones_own(
    anyone: Shell, server: Server, kept: Path
) -> None:
    result = log_in(anyone)
    assert result.code == 0
    assert result.out == f"Logged in to {server.url} as admin. The login ends in 7 days at the latest.\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert [one.name for one in kept.parent.iterdir()] == [kept.name]
    session = saved(kept)[server.url]
    assert set(session) == {"token", "login", "expires_at"}
    assert session["token"] not in result.out + result.err
    shown = anyone.run("whoami")
    assert "session, from `keywright login`" in shown.out
    assert anyone.run("whoami", "--quiet").out == "admin\n"


def test_a_session_is_for_its_server_alone(anyone: Shell, kept: Path) -> None:
    log_in(anyone)
    other = anyone.run("whoami", "--url", f"http://127.0.0.1:{free_port()}")
    assert other.code == 4
    assert other.err.startswith("Error: There is no credential for http://127.0.0.1:")
    same = anyone.run("whoami", "--quiet", "--url", anyone.variables["KEYWRIGHT_URL"] + "/")
    assert same.out == "admin\n"


def test_flag_and_variable_come_before_the_session(anyone: Shell) -> None:
    log_in(anyone)
    assert anyone.run("whoami", "--quiet", "--key", ROOT_TOKEN).out == "root\n"
    assert anyone.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN).run("whoami", "--quiet").out == "root\n"
    assert anyone.with_(KEYWRIGHT_API_KEY="").run("whoami", "--quiet").out == "admin\n"


def test_logout_ends_the_session_on_the_server_and_removes_it(
    anyone: Shell, server: Server, kept: Path
) -> None:
    log_in(anyone)
    token = saved(kept)[server.url]["token"]
    assert anyone.run("whoami", "--key", token).code == 0
    assert anyone.run("logout").out == f"Logged out of {server.url}.\n"
    assert "sessions" not in tomllib.loads(kept.read_text("utf-8"))
    assert anyone.run("whoami", "--key", token).code == 4
    again = anyone.run("logout")
    assert (again.code, again.err) == (4, f"Error: You are not logged in to {server.url}.\n")


def test_logout_of_a_session_that_has_ended_removes_it_too(anyone: Shell, server: Server, kept: Path) -> None:
    log_in(anyone)
    before = kept.read_bytes()
    assert anyone.run("logout", "--quiet") == Result(0, "", "")
    kept.write_bytes(before)
    refused = anyone.run("keys", "list")
    assert refused.code == 4
    assert refused.err.endswith("Log in with `keywright login`, or set KEYWRIGHT_API_KEY.\n")
    assert anyone.run("logout", "--json").json == {"url": server.url}


def test_logout_keeps_the_session_when_the_server_cannot_be_told(
    anyone: Shell, server: Server, kept: Path
) -> None:
    log_in(anyone)
    away = f"http://127.0.0.1:{free_port()}"
    kept.write_text(kept.read_text("utf-8").replace(server.url, away), "utf-8")
    assert anyone.run("logout", "--url", away).code == 3
    assert set(saved(kept)) == {away}


def test_a_new_login_ends_the_old_one_and_leaves_those_elsewhere_alone(
    anyone: Shell, server: Server, kept: Path
) -> None:
    log_in(anyone)
    first = saved(kept)[server.url]["token"]
    elsewhere = (
        '\n[sessions."https://else.example"]\ntoken = "t\\"\\u007f"\nlogin = "né"\nexpires_at = "2030"\n'
    )
    with kept.open("a", encoding="utf-8") as file:
        file.write(elsewhere)
    log_in(anyone)
    sessions = saved(kept)
    assert sessions["https://else.example"] == {"token": 't"\x7f', "login": "né", "expires_at": "2030"}
    assert sessions[server.url]["token"] != first
    assert anyone.run("whoami", "--key", first).code == 4
    assert anyone.run("whoami", "--quiet").out == "admin\n"


def test_print_token_prints_the_token_alone_and_saves_nothing(anyone: Shell, kept: Path) -> None:
    token = log_in(anyone, "--print-token").token
    assert token.startswith("kws_")
    assert not kept.exists()
    assert anyone.run("whoami", "--quiet", "--key", token).out == "admin\n"
    assert log_in(anyone, "--print-token", "--json").code == 2


def test_login_in_other_forms(anyone: Shell, server: Server) -> None:
    told = log_in(anyone, "--json").json
    assert told["url"] == server.url
    assert told["identity"]["name"] == "admin"
    assert set(told) == {"url", "identity", "expires_at"}
    assert log_in(anyone, "--quiet", "--user", "admin") == Result(0, "", "")


def test_a_wrong_password_ends_with_4_and_saves_nothing(anyone: Shell, kept: Path) -> None:
    result = anyone.run("login", "--password", "-", stdin="wrong horse battery")
    assert (result.code, result.out) == (4, "")
    assert "(invalid_credentials, request " in result.err
    assert "wrong horse" not in result.err
    assert not kept.exists()


def test_too_many_attempts_end_with_9_and_say_when_to_try_again(home: Path) -> None:
    # A server of its own, since other tests log in from the same address.
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([KEYWRIGHT, "serve", "--port", str(port)], cwd=home, ready_url=f"{url}/readyz"):
        with Client(url) as client:
            for _ in range(6):
                with suppress(Unauthenticated, TooManyAttempts):
                    client.log_in("admin", "wrong horse battery")
        result = Shell(home, {}).run("login", "--password", "-", "--url", url, stdin="wrong horse battery")
        while result.code == 4:  # a slow machine is let in again
            result = Shell(home, {}).run(
                "login", "--password", "-", "--url", url, stdin="wrong horse battery"
            )
    assert result.code == 9
    assert "(too_many_attempts, request " in result.err
    assert "\nTry again in " in result.err


def test_a_password_is_never_an_argument(anyone: Shell) -> None:
    result = anyone.run("login", "--password", PASSWORD)
    assert result.code == 2
    assert "A password is never an argument" in result.err
    assert PASSWORD not in result.err


def test_without_a_terminal_the_password_must_come_by_standard_input(anyone: Shell) -> None:
    result = anyone.run("login", stdin=f"{PASSWORD}\n")
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert "--password - on standard input" in result.err


def test_a_password_that_is_no_utf8_is_wrong_usage(anyone: Shell) -> None:
    result = anyone.run("login", "--password", "-", stdin=b"\xff\xfe")
    assert result.code == 2
    assert "--password on standard input is not UTF-8." in result.err


def test_a_key_before_the_command_s_name_is_the_same(anyone: Shell, kept: Path) -> None:
    assert anyone.run("--key", "x", "login").code == 4
    assert not kept.exists()
    assert anyone.run("--key", ROOT_TOKEN, "login", "--quiet") == Result(0, "", "")
    assert anyone.run("whoami", "--quiet").out == "root\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_file_open_to_others_is_not_used_and_the_command_that_mends_it_is_told(
    anyone: Shell, kept: Path, mode: int
) -> None:
    log_in(anyone)
    kept.chmod(mode)
    before = kept.read_bytes()
    for command in ("whoami",), ("logout",), ("login", "--password", "-"):
        result = anyone.run(*command, stdin=PASSWORD)
        assert (result.code, result.out) == (2, "")
        assert f"can be read or changed by others (mode 0{mode:o})" in result.err
        assert f"chmod 600 {kept}" in result.err
    assert kept.read_bytes() == before
    # Another credential needs no file.
    assert anyone.run("whoami", "--quiet", "--key", ROOT_TOKEN).code == 0
    kept.chmod(0o600)
    assert anyone.run("whoami", "--quiet").out == "admin\n"


@pytest.mark.parametrize(
    "content", [b"sessions = 1", b"[sessions.x]\n", b"not toml", b"\xff", b"[sessions.x]\ntoken = 1\n"]
)
def test_a_file_that_is_not_ours_is_told_and_left_alone(anyone: Shell, kept: Path, content: bytes) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    kept.chmod(0o600)
    result = anyone.run("whoami")
    assert (result.code, result.out) == (2, "")
    assert f"{kept} is not a file that `keywright login` wrote." in result.err
    assert log_in(anyone).code == 2
    assert kept.read_bytes() == content


def test_a_link_to_the_file_stays_a_link(anyone: Shell, kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.toml"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(target)
    assert log_in(anyone).code == 0
    assert kept.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert anyone.run("whoami", "--quiet").out == "admin\n"


def test_a_folder_that_cannot_be_made_leaves_no_session_behind(anyone: Shell, home: Path) -> None:
    (home / ".config").write_text("", "utf-8")
    result = log_in(anyone)
    assert result.code == 2
    assert "cannot be written" in result.err or "cannot be read" in result.err
    assert "Traceback" not in result.err
