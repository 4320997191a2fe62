"""Which server is asked, for which tenant and as whom; and that a project file leads no secret astray."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import PASSWORD, ROOT_TOKEN, Server, Shell
from tests.cli.own_files import config, project, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Listener:
    """A server of somebody else's: `heard` is all that was sent to it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard = b""
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            line, _ = self._socket.accept()
            with line, suppress(OSError):
                line.settimeout(5)
                some = line.recv(65536)
                if some == b"end":
                    return
                self.heard += some or b"a connection"
                line.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(self._socket.getsockname()) as line:
            line.sendall(b"end")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def gives(shell: Shell, *args: str) -> dict[str, str | None]:
    """Which place gave the address, the tenant and the credential."""
    steps = json.loads(shell.run("status", "--verbose", "--json", *args).out)["steps"]
    found: dict[str, str | None] = dict.fromkeys(("url", "tenant", "credential"))
    return found | {step["what"]: step["place"] for step in steps if step["used"]}


def test_each_place_comes_before_those_after_it(
    plain: Shell, home: Path, repository: Path, server: Server
) -> None:
    # Built up from the last place to the first, so that each one has to outdo all those below it.
    assert gives(plain) == {"url": "default", "tenant": None, "credential": None}
    login = plain.run("login", "--profile", "work", "--url", server.url, "--key", "-", stdin=ROOT_TOKEN)
    assert login.code == 0, login.err
    assert plain.run("profiles", "use", "work").code == 0
    assert gives(plain) == {"url": "profile", "tenant": None, "credential": "login"}
    profile = f'[profiles.work]\nurl = "{server.url}"\ntenant = "default"\nkey = "{ROOT_TOKEN}"\n'
    config(home, f'default = "work"\n{profile}')
    assert gives(plain) == dict.fromkeys(("url", "tenant", "credential"), "profile")
    project(repository, f'url = "{server.url}"\ntenant = "default"\nkey = "{ROOT_TOKEN}"\n', 0o600)
    assert gives(plain) == dict.fromkeys(("url", "tenant", "credential"), "project")
    assert gives(plain, "--profile", "work") == dict.fromkeys(("url", "tenant", "credential"), "profile")
    assert gives(plain.with_(KEYWRIGHT_PROFILE="work"))["url"] == "profile"
    around = plain.with_(KEYWRIGHT_URL=server.url, KEYWRIGHT_TENANT="default", KEYWRIGHT_API_KEY=ROOT_TOKEN)
    assert gives(around) == dict.fromkeys(("url", "tenant", "credential"), "environment")
    flags = ("--url", server.url, "--tenant", "default", "--key", ROOT_TOKEN)
    assert gives(around, *flags) == dict.fromkeys(("url", "tenant", "credential"), "flag")


def test_a_project_file_holds_in_all_folders_below_it_up_to_the_home_folder(
    plain: Shell, home: Path, repository: Path, tmp_path: Path
) -> None:
    write(tmp_path / ".keywright.toml", "not = 'looked at'\n")  # above the home folder
    assert gives(plain)["tenant"] is None
    write(home / ".keywright.toml", 'tenant = "outer"\n')
    assert json.loads(plain.run("status", "--json").out)["tenant"] == "outer"
    project(repository, 'tenant = "inner"\n')
    assert json.loads(plain.run("status", "--json").out)["tenant"] == "inner"
    assert gives(plain.with_(KEYWRIGHT_PROJECT_FILE="off"))["tenant"] is None
    assert plain.with_(KEYWRIGHT_PROJECT_FILE="no").run("status").code == 2


@pytest.mark.parametrize(
    ("args", "typed"),
    [
        (("whoami", "--key", "secret-of-mine"), ""),
        (("whoami", "--key", "-"), "secret-of-mine"),
        (("login", "--password", "-"), "secret-of-mine"),
        (("login", "--key", "-"), "secret-of-mine"),
        (("login", "--sso", "--no-browser"), ""),
        (("verify", "-"), "secret-of-mine"),
        (("invitations", "accept", "--stdin"), "secret-of-mine\nsecret-of-mine"),
        (("keys", "list"), ""),
        (("status",), ""),
        (("run", "--", "true"), ""),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "typed",
)
@pytest.mark.parametrize("with_key", [False, True], ids=["plain", "with its own key"])
def test_a_project_file_that_names_a_server_of_somebody_else_is_refused_and_nothing_is_sent_there(
    plain: Shell, repository: Path, elsewhere: Listener, args: tuple[str, ...], typed: str, with_key: bool
) -> None:
    path = project(
        repository, f'url = "{elsewhere.url}"\n' + ('key = "kw_theirs"\n' if with_key else ""), 0o600
    )
    result = plain.with_(KEYWRIGHT_API_KEY="secret-of-mine").run(*args, stdin=typed)
    assert result.code == 2
    assert f"{path} names a server that is none of yours: {elsewhere.url}." in result.err
    assert "secret-of-mine" not in result.out + result.err
    assert elsewhere.heard == b""


@pytest.mark.parametrize(
    "args",
    [
        ("whoami",),
        ("login", "--password", "-"),
        ("login", "--key", "-"),
        ("invitations", "accept", "--stdin"),
    ],
    ids=["environment", "password", "key", "invitation"],
)
@pytest.mark.parametrize("by", ["url", "profile"])
def test_secrets_of_the_line_and_the_environment_do_not_go_where_a_project_file_leads(
    plain: Shell, home: Path, repository: Path, elsewhere: Listener, args: tuple[str, ...], by: str
) -> None:
    config(home, f'[profiles.other]\nurl = "{elsewhere.url}"\n')
    path = project(repository, f'url = "{elsewhere.url}"\n' if by == "url" else 'profile = "other"\n')
    shell = plain.with_(KEYWRIGHT_API_KEY="secret-of-mine")
    result = shell.run(*args, stdin="secret-of-mine\nsecret-of-mine")
    assert result.code == 2
    assert f"is not sent to {elsewhere.url}, which {path} names." in result.err
    assert elsewhere.heard == b""
    # Who names the server himself sends it there.
    assert shell.run("whoami", "--profile", "other").code == 3
    assert b"secret-of-mine" in elsewhere.heard


def test_where_a_project_file_leads_nowhere_else_the_environment_s_key_is_used(
    plain: Shell, home: Path, repository: Path, server: Server
) -> None:
    config(home, f'default = "work"\n[profiles.work]\nurl = "{server.url}"\n')
    project(repository, f'url = "{server.url}/"\n')
    assert plain.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN).run("whoami", "--quiet").out == "root\n"


def test_a_login_is_used_where_a_project_file_leads_and_only_at_its_own_server(
    plain: Shell, home: Path, repository: Path, server: Server, elsewhere: Listener
) -> None:
    assert plain.run("login", "--url", server.url, "--password", "-", stdin=PASSWORD).code == 0
    project(repository, f'url = "{server.url}"\n')
    assert plain.run("whoami", "--quiet").out == "admin\n"
    config(home, f'[profiles.other]\nurl = "{elsewhere.url}"\n')
    project(repository, 'profile = "other"\n')
    result = plain.run("whoami")
    assert (result.code, result.err.splitlines()[0]) == (
        4,
        f"Error: There is no credential for {elsewhere.url}.",
    )
    assert elsewhere.heard == b""


def test_the_key_of_a_profile_or_a_project_goes_to_its_own_server_alone(
    plain: Shell, home: Path, repository: Path, server: Server, elsewhere: Listener
) -> None:
    config(home, f'default = "a"\n[profiles.a]\nurl = "{server.url}"\nkey = "{ROOT_TOKEN}"\ntenant = "t"\n')
    assert plain.run("whoami", "--quiet", "--tenant", "default").out == "root\n"
    away = plain.run("whoami", "--url", elsewhere.url)
    assert (away.code, elsewhere.heard) == (4, b"")
    told = json.loads(plain.run("status", "-v", "--json", "--url", elsewhere.url).out)
    assert (told["tenant"], told["credential"], told["profile"]) == (None, None, "default")
    assert {step["why_not"] for step in told["steps"] if step["place"] == "profile"} == {
        f"it is for {server.url}",
        f"its key is for {server.url}",
    }
    assert ROOT_TOKEN.encode() not in elsewhere.heard
    project(repository, f'url = "{server.url}"\nkey = "{ROOT_TOKEN}"\ntenant = "p"\n', 0o600)
    steps = json.loads(plain.run("status", "-v", "--json", "--url", elsewhere.url).out)["steps"]
    assert {step["why_not"] for step in steps if step["place"] == "project"} == {
        f"it is for {server.url}",
        f"its key is for {server.url}",
    }
    both = plain.run("whoami", "--url", elsewhere.url, "--profile", "a")
    assert (both.code, "The profile a is for " in both.err) == (2, True)
    assert ROOT_TOKEN.encode() not in elsewhere.heard


@pytest.mark.parametrize("place", ["project", "config"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_with_a_key_that_others_can_read_is_refused_with_what_mends_it(
    plain: Shell, home: Path, repository: Path, place: str, mode: int
) -> None:
    if place == "project":
        path = project(repository, 'url = "http://127.0.0.1:8300"\nkey = "kw_hidden"\n', mode)
    else:
        path = config(home, '[profiles.a]\nurl = "http://127.0.0.1:9"\nkey = "kw_hidden"\n', mode)
    result = plain.run("whoami")
    assert (result.code, result.out) == (2, "")
    assert f"{path} can be read or changed by others (mode 0{mode:o}), so it is not used." in result.err
    assert f"chmod 600 {path}" in result.err
    assert "kw_hidden" not in result.err


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('ulr = "x"', "ulr is no name that it may hold", "The nearest known name is url."),
        ('[zzz]\nq = "x"', "zzz is no name that it may hold", "Known are key, profile, tenant, url."),
        ('key = "kw_hidden"', "it holds a key and says not for which server", "Write the server's url"),
        ("url = 1", "url is not a text, or an empty one", ""),
        ('tenant = ""', "tenant is not a text, or an empty one", ""),
        ('url = "ftp://x"', "url: A server's address begins with http:// or https://", ""),
        ('url = "kw_hidden', "it is not TOML (at", ""),
        ("a = " + "[" * 5_000, "it is not TOML (", ""),
    ],
    ids=["near", "far", "key alone", "number", "empty", "address", "broken", "deep"],
)
def test_what_is_wrong_in_a_project_file_is_told_without_what_stands_there(
    plain: Shell, repository: Path, text: str, message: str, hint: str
) -> None:
    path = project(repository, text, 0o600)
    result = plain.run("whoami")
    assert (result.code, result.out) == (2, "")
    assert f"{path} cannot be used: {message}" in result.err
    assert hint in result.err
    assert "kw_hidden" not in result.err
    assert "Traceback" not in result.err


def test_a_project_file_that_everybody_can_change_or_that_is_no_file_is_refused(
    plain: Shell, repository: Path
) -> None:
    path = project(repository, 'tenant = "a"\n', 0o666)
    assert f"chmod o-w {path}" in plain.run("whoami").err
    path.unlink()
    path.mkdir()
    assert plain.run("whoami").code == 2
    path.rmdir()
    os.mkfifo(path)
    result = plain.run("whoami", timeout=20)
    assert (result.code, result.err) == (2, f"Error: {path} is not a file.\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_project_file_of_another_user_is_refused(plain: Shell, repository: Path) -> None:
    path = project(repository, 'tenant = "theirs"\n')
    os.chown(path, 54321, 54321)
    result = plain.run("whoami")
    assert (result.code, result.out) == (2, "")
    assert f"{path} belongs to another user, so it is not used." in result.err
    assert "KEYWRIGHT_PROJECT_FILE=off" in result.err
    assert plain.with_(KEYWRIGHT_PROJECT_FILE="off").run("whoami").code == 4


def test_an_agent_reads_no_project_file(plain: Shell, home: Path, repository: Path) -> None:
    config(home, '[profiles.other]\nurl = "https://other.example"\n')
    project(repository, 'profile = "other"\n')
    key = write(home / "agent.key", "kw_agent")
    install = ("agent", "install", "--print", "--key-file", str(key))
    assert "--url http://127.0.0.1:8300 " in plain.run(*install).out
    assert "--url https://other.example " in plain.run(*install, "--profile", "other").out


def test_a_command_that_is_run_asks_as_its_key_and_not_by_our_profile(
    plain: Shell, home: Path, server: Server
) -> None:
    config(home, f'[profiles.work]\nurl = "{server.url}"\nkey = "{ROOT_TOKEN}"\ntenant = "default"\n')
    child = 'test -z "$KEYWRIGHT_PROFILE" && echo "$KEYWRIGHT_URL $KEYWRIGHT_TENANT"'
    shown = plain.with_(KEYWRIGHT_PROFILE="work").run("run", "--", "sh", "-c", child)
    assert (shown.code, shown.out) == (0, f"{server.url} default\n"), shown.err
