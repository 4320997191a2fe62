"""Profiles, the file that they are in, and what `login` keeps for them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import PASSWORD, ROOT_TOKEN, Server, Shell
from tests.cli.own_files import config
from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profile.a]", "The nearest known name is profiles."),
        ('[profiles.a]\ntennant = "x"', "The nearest known name is tenant."),
        ('[profiles.a]\nkey = "kw_hidden"', "profiles.a.key says not for which server it is"),
        ("profiles = 1", "profiles holds tables"),
        ('[profiles."a b"]', "a b cannot be a profile's name"),
        ('keyring = "off"', "keyring is true or false"),
        ('default = "wrok"\n[profiles.work]\nurl = "http://h"', "The nearest known name is work."),
        ('default = "x"', "Make it with `keywright login --profile x --url URL`."),
    ],
    ids=["table", "name", "key alone", "no table", "profile", "keyring", "near default", "default"],
)
def test_what_is_wrong_in_the_user_s_file_is_told(plain: Shell, home: Path, text: str, message: str) -> None:
    path = config(home, text)
    result = plain.run("whoami")
    assert (result.code, result.out) == (2, "")
    assert str(path) in result.err
    assert message in result.err
    assert "kw_hidden" not in result.err
    assert path.read_text("utf-8") == text


def test_profiles_are_made_by_a_login_listed_chosen_and_removed(
    plain: Shell, home: Path, server: Server
) -> None:
    path = config(home, "# mine\nkeyring = false # none here\n")
    first = plain.run(
        "login", "--profile", "work", "--url", server.url, "--tenant", "default", "--password", "-",
        stdin=PASSWORD,
    )  # fmt: skip
    assert first.code == 0, first.err
    assert path.read_text("utf-8").startswith("# mine\nkeyring = false # none here\n")
    assert plain.run("whoami").code == 4
    assert plain.run("whoami", "--quiet", "--profile", "work").out == "admin\n"
    assert plain.run("profiles", "use", "wrok").err.endswith("The nearest known name is work.\n")
    assert plain.run("profiles", "use", "work").out == "work is the default profile.\n"
    told = plain.run("status", "--json").json
    assert (told["identity"]["name"], told["tenant"], told["profile"]) == ("admin", "default", "work")
    items = plain.run("profiles", "list", "--json").json["items"]
    work = {"name": "work", "url": server.url, "tenant": "default", "credential": "login", "default": True}
    assert items[1] == work
    assert plain.run("profiles", "list", "--quiet").out == "default\nwork\n"
    assert "work" in plain.run("profiles", "list").out
    # A profile keeps its server, so that no key of it goes elsewhere.
    moved = plain.run("login", "--profile", "work", "--url", "http://127.0.0.1:9", "--password", "-")
    assert (moved.code, f"The profile work is for {server.url}" in moved.err) == (2, True)
    assert plain.run("login", "--profile", "a b", "--url", server.url, "--password", "-").code == 2
    sessions = plain.run("sessions", "list", "--quiet").out.splitlines()
    assert plain.run("profiles", "remove", "work", "--yes").out == "Removed work.\n"
    assert plain.run("profiles", "remove", "work", "--yes").code == 6
    assert plain.run("profiles", "list", "--quiet").out == "default\n"
    assert "# mine" in path.read_text("utf-8")
    again = plain.run("login", "--url", server.url, "--password", "-", "--print-token", stdin=PASSWORD).token
    left = plain.run("sessions", "list", "--quiet", "--url", server.url, "--key", again).out.splitlines()
    assert len(set(sessions) & set(left)) == len(sessions) - 1


def test_a_key_is_kept_once_the_server_knows_it_and_forgotten_but_not_revoked(
    plain: Shell, home: Path, server: Server
) -> None:
    kept = home / ".config/keywright/credentials.toml"
    bad = plain.run("login", "--url", server.url, "--key", "-", stdin="kw_unknown\n")
    assert (bad.code, kept.exists()) == (4, False)
    assert "kw_unknown" not in bad.err
    assert plain.run("login", "--url", server.url, "--key", "-").code == 2
    assert plain.run("login", "--url", server.url, "--key", "x", "--user", "u").code == 2
    good = plain.run("login", "--url", server.url, "--key", "-", stdin=f"{ROOT_TOKEN}\n")
    assert (good.code, good.out.splitlines()[0]) == (0, f"Logged in to {server.url} as root.")
    assert "--profile NAME" in good.out
    assert kept.stat().st_mode & 0o777 == 0o600
    here = plain.with_(KEYWRIGHT_URL=server.url)
    assert here.run("whoami", "--quiet").out == "root\n"
    assert here.run("logout").code == 0
    assert here.run("whoami").code == 4
    assert here.run("whoami", "--quiet", "--key", ROOT_TOKEN).out == "root\n"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("keywright --profile ", ["default", "prod", "work"]),
        ("keywright whoami --profile w", ["work"]),
        ("keywright profiles use p", ["prod"]),
        ("keywright profiles remove x", []),
    ],
    ids=["all", "after the command", "use", "none"],
)
@pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])
def test_a_shell_can_complete_the_names_of_profiles(
    plain: Shell, home: Path, words: str, names: list[str], broken: bool
) -> None:
    config(home, '[profiles.work]\nurl = "http://a"\n[profiles.prod]\nurl = "http://b"\n' + "?" * broken)
    done = plain.with_(_KEYWRIGHT_COMPLETE="bash", _KEYWRIGHT_LINE=words).run()
    kind, *found = done.out.splitlines()
    assert kind == "words"
    assert [line.partition("\t")[0].strip() for line in found] == ([] if broken else names)
    assert done.err == ""


def test_a_login_at_a_terminal_is_told_where_it_goes(plain: Shell, server: Server) -> None:
    with terminal(plain, "login", "--profile", "work", "--url", server.url) as screen:
        screen.expect("User [admin]: ")
        screen.send("\n")
        screen.expect("Password: ")
        screen.send(f"{PASSWORD}\n")
        screen.expect(f"Logged in to {server.url} as admin.")
        assert screen.end() == 0
    assert plain.run("profiles", "list", "--quiet").out == "default\nwork\n"


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[profiles]\n",
        'profiles = { old = { url = "http://old" } } # mine\n',
        '# mine\nprofiles.old.url = "http://old" # mine\n',
        '# mine\n[profiles.old]\nurl = "http://old"\n\n[profiles."x.y"]\ntenant = "t" # mine\n',
    ],
    ids=["empty", "bare", "inline", "dotted", "tables"],
)
def test_a_profile_is_written_into_whatever_form_the_file_has(
    plain: Shell, home: Path, server: Server, before: str
) -> None:
    path = config(home, before)
    old = tomllib.loads(before).get("profiles", {})
    here = plain.with_(KEYWRIGHT_PROFILE="a.b")
    assert here.run("login", "--url", server.url, "--key", "-", stdin=ROOT_TOKEN).code == 0
    assert tomllib.loads(path.read_text("utf-8"))["profiles"] == {**old, "a.b": {"url": server.url}}
    assert here.run("profiles", "use", "a.b").code == 0
    assert here.run("switch-tenants", "default").code == 0
    assert tomllib.loads(path.read_text("utf-8")) == {
        "default": "a.b",
        "profiles": {**old, "a.b": {"url": server.url, "tenant": "default"}},
    }
    assert plain.run("whoami", "--quiet").out == "root\n"
    assert plain.run("profiles", "remove", "a.b", "--yes").code == 0
    after = tomllib.loads(path.read_text("utf-8"))
    assert (after.get("profiles", {}), "default" in after) == (old, False)
    assert path.read_text("utf-8").count("# mine") == before.count("# mine")
