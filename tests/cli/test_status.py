"""`status`, and `switch-tenants`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import PASSWORD, ROOT_TOKEN, Result, Server, Shell
from tests.cli.terminal import terminal
from tests.support.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tenants(server: Server, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Tenants beside the first one."""
    shell = Shell(tmp_path_factory.mktemp("home"), {"KEYWRIGHT_API_KEY": ROOT_TOKEN})
    for slug in ("acme", "blog"):
        assert shell.run("tenants", "create", slug, "--url", server.url).code == 0
    return ["acme", "blog", "default"]


@pytest.fixture
def logged_in(anyone: Shell) -> Shell:
    assert anyone.run("login", "--password", "-", stdin=PASSWORD).code == 0
    return anyone


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".config/keywright/config.toml"


def test_status_says_server_person_credential_and_end(logged_in: Shell, server: Server) -> None:
    shown = logged_in.run("status", "--tenant", "default")
    version = logged_in.run("version", "--quiet").out.strip()
    assert (shown.code, shown.err) == (0, "")
    assert [line.split(maxsplit=1) for line in shown.out.splitlines()] == [
        ["server", server.url],
        ["state", f"runs Keywright {version}"],
        ["profile", "default, by the default"],
        ["you", "admin (user)"],
        ["credential", "`keywright login`"],
        ["tenant", "default"],
        ["expires", "in 7 days"],
    ]
    told = logged_in.run("status", "--json").json
    assert (told["url"], told["reachable"], told["version"]) == (server.url, True, version)
    assert (told["identity"]["name"], told["credential"], told["profile"]) == ("admin", "login", "default")
    assert "steps" not in told
    assert logged_in.run("status", "--quiet") == Result(0, "", "")


def test_status_without_a_credential_or_with_a_wrong_one_ends_with_4(anyone: Shell) -> None:
    shown = anyone.run("status")
    assert shown.code == 4
    assert "nobody: log in with `keywright login`" in shown.out
    wrong = anyone.with_(KEYWRIGHT_API_KEY="kw_wrong")
    shown = wrong.run("status", "--verbose")
    assert shown.code == 4
    assert "The credential came from KEYWRIGHT_API_KEY." in shown.err
    assert "kw_wrong" not in shown.out + shown.err
    assert wrong.run("status", "--quiet") == Result(4, "", "")
    refused = wrong.run("status", "--json")
    assert (refused.code, '"reachable": true' in refused.out) == (4, True)


def test_status_of_a_server_that_is_away_ends_with_3(logged_in: Shell) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    shown = logged_in.run("status", "--url", away)
    assert shown.code == 3
    assert "cannot be asked" in shown.out
    assert f"Cannot reach {away}" in shown.err
    refused = logged_in.run("status", "--url", away, "--json")
    assert (refused.code, '"reachable": false' in refused.out) == (3, True)
    assert logged_in.run("status", "--url", away, "--quiet") == Result(3, "", "")


def test_status_verbose_says_what_was_looked_at_and_never_the_secret(logged_in: Shell, home: Path) -> None:
    (home / ".keywright.toml").write_text('tenant = "default"\n', "utf-8")
    shown = logged_in.run("status", "-v")
    assert shown.code == 0
    rows = [line.split() for line in shown.out.split("\n\n")[1].splitlines()[1:]]
    assert [(row[0], row[1], "used:" in row) for row in rows] == [
        ("url", "flag", False),
        ("url", "environment", True),
        ("tenant", "flag", False),
        ("tenant", "environment", False),
        ("tenant", "project", True),
        ("credential", "flag", False),
        ("credential", "environment", False),
        ("credential", "project", False),
        ("credential", "profile", False),
        ("credential", "keyring", False),
        ("credential", "login", True),
    ]
    (session,) = tomllib.loads((home / ".config/keywright/credentials.toml").read_text("utf-8"))[
        "sessions"
    ].values()
    assert session["token"] not in shown.out + logged_in.run("status", "-v", "--json").out


def test_switching_keeps_the_tenant_in_the_profile(
    logged_in: Shell, server: Server, config: Path, tenants: list[str]
) -> None:
    switched = logged_in.run("switch-tenants", "acme")
    assert switched == Result(0, f"The profile default asks {server.url} for the tenant acme.\n", "")
    assert tomllib.loads(config.read_text("utf-8")) == {
        "profiles": {"default": {"url": server.url, "tenant": "acme"}}
    }
    assert config.stat().st_mode & 0o777 == 0o600
    bare = logged_in.without("KEYWRIGHT_URL")
    assert bare.run("status", "--json").json["tenant"] == "acme"
    assert bare.run("switch-tenants", "*", "--json").json["tenant"] == "*"
    assert bare.run("status", "--json").json["tenant"] == "*"
    assert bare.run("switch-tenants", "--quiet").out.split() == tenants
    listed = bare.run("switch-tenants", "--json").json["items"]
    assert [item["slug"] for item in listed if not item["current"]] == tenants


def test_a_tenant_that_may_not_be_chosen_is_refused_and_one_that_is_gone_can_be_left(
    logged_in: Shell, config: Path, tenants: list[str]
) -> None:
    assert logged_in.run("switch-tenants", "acem").code == 6
    assert not config.exists()
    assert logged_in.run("switch-tenants", tenants[0]).code == 0
    text = config.read_text("utf-8").replace('"acme"', '"gone"')
    config.write_text(text, "utf-8")
    assert logged_in.run("switch-tenants", "blog").code == 0
    assert logged_in.run("status", "--json").json["tenant"] == "blog"


def test_switching_says_where_another_tenant_comes_first_and_refuses_another_server(
    logged_in: Shell, home: Path, config: Path, server: Server, tenants: list[str]
) -> None:
    around = logged_in.with_(KEYWRIGHT_TENANT=tenants[0])
    assert around.run("switch-tenants", "blog").err == "Here KEYWRIGHT_TENANT comes before it.\n"
    (home / ".keywright.toml").write_text('tenant = "default"\n', "utf-8")
    told = logged_in.run("switch-tenants", "blog").err
    assert told == f"Here {home / '.keywright.toml'} comes before it.\n"
    config.write_text('[profiles.default]\nurl = "http://127.0.0.1:9"\n', "utf-8")
    assert logged_in.run("switch-tenants", "blog").code == 2
    (home / ".keywright.toml").write_text(f'url = "{server.url}"\n', "utf-8")
    refused = logged_in.without("KEYWRIGHT_URL").run("switch-tenants", "blog")
    assert (refused.code, "no profile does" in refused.err) == (2, True)


def test_at_a_terminal_the_tenant_is_asked_for(logged_in: Shell, config: Path, tenants: list[str]) -> None:
    with terminal(logged_in, "switch-tenants") as screen:
        screen.expect("Tenant: ")
        screen.send("nothing\n")
        screen.expect("'nothing' is not one of")
        screen.send(f"{tenants[1]}\n")
        assert screen.end() == 0
    assert tomllib.loads(config.read_text("utf-8"))["profiles"]["default"]["tenant"] == "blog"
