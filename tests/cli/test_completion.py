"""Completion as the shells do it: in a real bash, zsh and fish, at a terminal."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import CompletionItem

from keywright.cli.completion import names
from keywright.client import Client
from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN, Shell
from tests.cli.terminal import Terminal, terminal
from tests.cli.test_docs import ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click

    from keywright.cli.completion.names import Named

BREAKS = " \t\n\"'@><=;|&(:"
SHELLS = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-f", "-i"),
    "fish": ("--no-config", "-i"),
}
READY = {
    "bash": 'PS1=">> "; bind "set bell-style none"; eval "$(keywright completion bash)"\n',
    "zsh": 'PS1=">> "; unsetopt prompt_sp zle_bracketed_paste; setopt no_beep; autoload -U compinit; compinit -u -D; '
    'eval "$(keywright completion zsh)"\n',
    "fish": 'function fish_prompt; echo -n ">> "; end; keywright completion fish | source\n',
}
STEERING = re.compile(r"\x1b(\[[0-9;?>=]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])|\x07")


def lines(shell: Shell, line: str, **more: str) -> list[str]:
    """What is answered to a shell's script, which is bash's unless told otherwise."""
    asked = {"_KEYWRIGHT_COMPLETE": "bash", "_KEYWRIGHT_LINE": line, "_KEYWRIGHT_BREAKS": BREAKS, **more}
    done = subprocess.run(
        [KEYWRIGHT],
        env=shell.environment | asked,
        cwd=shell.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def words(shell: Shell, line: str, **more: str) -> list[str]:
    """The candidates alone."""
    kind, *found = lines(shell, line, **more)
    assert kind == "words"
    return [one.partition("\t")[0] for one in found]


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A shell whose tenant is this module's, with a key that has a name, one that has a handle, and an account."""
    if shell.run("tenants", "show", "tabs").code:
        shell.run("tenants", "create", "tabs", "--name", "For the Tab key")
        there = shell.with_(KEYWRIGHT_TENANT="tabs")
        for args in (
            ("keys", "create", "Nightly export"),
            ("keys", "create", "Nightly import"),
            ("keys", "create", "Deploy", "--handle", "deploy-bot"),
            ("keys", "create", "$(touch owned) `x` \"y\" 'z'"),
            ("service-accounts", "create", "Build robot"),
            ("roles", "create", "translator", "--policy", "actions=article:read"),
        ):
            assert there.run(*args, "--quiet").code == 0
    return shell.with_(
        KEYWRIGHT_TENANT="tabs",
        PATH=f"{KEYWRIGHT.parent}:/usr/bin:/bin",
        TERM="xterm",
        LC_ALL="C.UTF-8",
    )


def key_named(shell: Shell, name: str) -> str:
    items = shell.run("keys", "list", "--all", "--json").json["items"]
    return next(str(one["id"]) for one in items if one["name"] == name)


@contextmanager
def at(shell: Shell, kind: str, columns: int = 120) -> Iterator[Terminal]:
    """A shell at a terminal, which completes our commands."""
    program = shutil.which(kind)
    if program is None:
        pytest.skip(f"{kind} is not installed")
    with terminal(shell, *SHELLS[kind], program=program, columns=columns) as screen:
        screen.send(READY[kind])
        screen.send("echo re''ady\n")
        until(screen, "ready")
        yield screen


def until(screen: Terminal, wanted: str, since: int = 0) -> str:
    """Wait for a text, and give all that is shown since a place, without what moves the cursor and colours."""
    deadline = time.monotonic() + 30
    while wanted not in (found := STEERING.sub("", screen.text[since:])):
        assert time.monotonic() < deadline, f"no {wanted!r} in {screen.text[since:]!r}"
        assert screen.look(), f"ended without {wanted!r}"
    return found


def tab(screen: Terminal, typed: str, wanted: str) -> str:
    """Type, press the Tab key, and wait for what it adds or lists; gives all that was shown for it."""
    before = len(screen.text)
    screen.send(f"{typed}\t")
    return until(screen, wanted, before)


@pytest.mark.parametrize("kind", sorted(SHELLS))
def test_a_shell_completes_commands_options_choices_files_and_names(own: Shell, kind: str) -> None:
    (own.home / "rows-to-import.csv").write_text("name\n", "utf-8")
    nightly = key_named(own, "Nightly export")
    with at(own, kind) as screen:
        tab(screen, "keywright ser", "serv")
        screen.send("\x15")
        tab(screen, "keywright keys disa", "disable ")
        tab(screen, "--no-w", "--no-wait ")
        screen.send("\x15")
        tab(screen, "keywright keys list --state dis", "disabled ")
        screen.send("\x15")
        tab(screen, "keywright keys import rows", "rows-to-import.csv")
        screen.send("\x15")
        tab(screen, f"keywright keys show {nightly[:30]}", f"{nightly} ")
        screen.send("\x15")
        tab(screen, "keywright keys show dep", "deploy-bot ")
        screen.send("\x15")
        tab(screen, "keywright keys list --tenant=ta", "--tenant=tabs ")
        screen.send("\x15")
        tab(screen, "keywright verify --action keys:ver", "keys:verify ")
        screen.send("\x15")
        found = tab(screen, "keywright run --service-account Bui", "robot")
        assert re.search(r"Build\\ robot|'Build robot'|\"Build robot\"", found)
        screen.send("\x15exit\n")
        screen.end()
    assert "Traceback" not in screen.text
    assert ROOT_TOKEN not in screen.text


def test_bash_lists_what_is_known_of_each_and_completes_by_name(own: Shell) -> None:
    export, other = key_named(own, "Nightly export"), key_named(own, "Nightly import")
    with at(own, "bash", columns=70) as screen:
        tab(screen, "keywright keys show nightl", "Nightly\\ ")
        # The first Tab key added something; two more list what there is.
        screen.send("\t\t")
        until(screen, f"Nightly\\ export  ({export})")
        until(screen, f"Nightly\\ import  ({other})")
        tab(screen, "e", f"{export} ")
        screen.send("\x15")
        listed = tab(screen, "keywright se\t", "service-accounts  (")
        assert max(map(len, listed.splitlines())) <= 70
        screen.send("\x15exit\n")
        screen.end()


def test_a_name_runs_nothing_when_it_is_completed(own: Shell) -> None:
    evil = key_named(own, "$(touch owned) `x` \"y\" 'z'")
    with at(own, "bash") as screen:
        tab(screen, "keywright keys show \\$", f"{evil} ")
        screen.send("\x15exit\n")
        screen.end()
    assert not (own.home / "owned").exists()
    assert words(own, 'keywright keys show "\\$(tou') == [evil]


def test_bash_completes_another_program_behind_run(own: Shell) -> None:
    with at(own, "bash") as screen:
        tab(screen, "keywright run -- sha256su", "sha256sum ")
        screen.send("\x15exit\n")
        screen.end()


def test_zsh_takes_the_script_as_a_file_too(own: Shell) -> None:
    folder = own.home / "functions"
    folder.mkdir()
    (folder / "_keywright").write_text(own.run("completion", "zsh").out, "utf-8")
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    with terminal(own, *SHELLS["zsh"], program=shutil.which("zsh") or "") as screen:
        screen.send(
            f'PS1=">> "; fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; echo re""ady\n'
        )
        until(screen, "ready")
        tab(screen, "keywright keys disa", "disable ")
        screen.send("\x15exit\n")
        screen.end()


def test_a_word_is_completed_as_the_line_writes_it(own: Shell) -> None:
    assert words(own, "keywright run --service-account 'Bui") == ["Build robot"]
    assert words(own, 'keywright run --service-account "Bui') == ["Build robot"]
    assert words(own, "keywright run --service-account Build\\ r") == ["Build\\ robot"]
    # Bash counts what stands before the colon or the equals sign to words of its own.
    assert words(own, "keywright verify --action keys:ver") == ["verify"]
    assert words(own, "keywright verify --action keys:ver", _KEYWRIGHT_BREAKS=" ") == ["keys:verify"]
    assert words(own, "keywright keys list --state=dis") == ["disabled"]
    assert words(own, "keywright keys list --state=dis", _KEYWRIGHT_BREAKS=" ") == ["--state=disabled"]
    zsh = {"_KEYWRIGHT_COMPLETE": "zsh"}
    assert words(own, "keywright keys list ", _KEYWRIGHT_WORD="--state=dis", **zsh) == ["--state=disabled"]
    assert words(own, "keywright run --service-account ", _KEYWRIGHT_WORD="Bui", **zsh) == ["Build robot"]


def test_files_and_programs_are_left_to_the_shell(own: Shell) -> None:
    assert lines(own, "keywright keys import ro") == ["files\t"]
    assert lines(own, "keywright keys export --output=ro") == ["files\t--output="]
    assert lines(own, "keywright keys create x --metadata @ro") == ["files\t@"]
    assert words(own, "keywright keys create x --metadata k") == []
    assert lines(own, "keywright run --for 1h npm r") == ["program\t4"]
    assert lines(own, "keywright run -- npm r") == ["program\t3"]


def test_what_was_named_is_not_offered_again(own: Shell) -> None:
    everything = words(own, "keywright keys delete ")
    assert "deploy-bot" in everything
    assert sorted(words(own, "keywright keys delete deploy-bot ")) == sorted({*everything} - {"deploy-bot"})


def test_names_come_from_where_the_line_says(own: Shell) -> None:
    assert words(own, "keywright --tenant default roles update ") == []
    assert words(own, "keywright roles update ") == ["translator"]
    assert "admin" in words(own, "keywright roles show ")
    assert words(own.with_(KEYWRIGHT_TENANT="*"), "keywright --tenant tabs roles delete t") == ["translator"]


def test_whoever_stands_beyond_the_first_that_are_listed_is_found_by_name(
    own: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "_MOST", 1)
    for name in ("Aardvark", "Idle robot", "Zebra"):
        own.run("service-accounts", "create", name, "--quiet")
    person = own.run("users", "create", "zoe.tabs", "Zoe", "--quiet").out.strip()
    assert own.run("memberships", "create", person, "admin").code == 0
    with Client(own.variables["KEYWRIGHT_URL"], ROOT_TOKEN, "tabs") as client:

        def found(source: Callable[[Client, str], Iterator[Named]], incomplete: str) -> set[str]:
            return {one.name for one in source(client, incomplete)}

        assert len(found(names._accounts, "")) == len(found(names._accounts, "idn_")) == 1
        assert found(names._accounts, "Zeb") == {"Zebra"}
        assert "Idle robot" in found(names._accounts, "I")
        assert found(names._account_names, "Aard") == {"Aardvark"}
        assert found(names._users, "zoe") == {"zoe.tabs"}
        assert {one.word for one in names._logins(client, "zo")} == {"zoe.tabs"}
        assert "Nightly import" in found(names._keys, "Nightly i")


@pytest.mark.parametrize(
    ("line", "variables"),
    [
        ("keywright keys show ", {"KEYWRIGHT_API_KEY": "wrong-token"}),
        ("keywright keys show ", {"KEYWRIGHT_API_KEY": ""}),
        ("keywright keys show ", {"KEYWRIGHT_TENANT": "nowhere"}),
        ("keywright keys show ", {"KEYWRIGHT_URL": "http://127.0.0.1:1"}),
        ("keywright keys show ", {"KEYWRIGHT_URL": "ftp://nothing"}),
        ("keywright keys show --key - ", {}),
        ("keywright nothing ", {}),
        ("keywright keys nothing --x ", {}),
        ('keywright "', {}),
    ],
    ids=[
        "wrong key",
        "no key",
        "no tenant",
        "no server",
        "no address",
        "standard input",
        "no command",
        "no",
        "quote",
    ],
)
def test_what_cannot_be_known_is_not_told(own: Shell, line: str, variables: dict[str, str]) -> None:
    found = lines(own.with_(**variables), line)
    assert found in ([], ["words"]) or line.endswith('"')


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_a_second(own: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = own.with_(KEYWRIGHT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert lines(own, "keywright version --") != []
        plain = time.monotonic() - began
        began = time.monotonic()
        assert lines(away, "keywright keys show ") == ["words"]
        # The rest is for a busy machine, on which Python itself is slow to start.
        assert time.monotonic() - began < 1.0 + 3 * plain + 1.0


def test_an_answer_to_a_plain_command_loads_no_other_and_no_library() -> None:
    code = (
        "import os, sys; os.environ.update(_KEYWRIGHT_COMPLETE='bash', _KEYWRIGHT_LINE='keywright ke');"
        "from keywright.cli.root import cli; from keywright.cli.completion.answering import lines;"
        "print(*lines(cli, os.environ)); print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answer, modules = done.stdout.splitlines()
    assert answer.startswith("words keys\t")
    loaded = set(modules.split())
    assert loaded.isdisjoint({"httpx2", "sqlalchemy", "rich", "keywright.client", "keywright.cli.keys"})


MEANT = {
    *("ID", "KEY", "KEY...", "SLUG", "TENANT", "IDENTITY_ID", "NAME|ID"),
    *("FILE", "PATH", "ROLE[:VARIABLE=VALUE,...]"),
}
"""What the help calls a thing of the server, or a file."""
NEW = {"keywright tenants create slug", "keywright catalog route path"}
"""Arguments that name what is not there yet, or the path of a request."""
CREDENTIALS = {"keywright agent start token", "keywright login key"}


@pytest.mark.parametrize(("path", "command"), [one[:2] for one in ALL], ids=[one[0] for one in ALL])
def test_each_argument_and_option_that_means_a_thing_or_a_file_is_completed(
    path: str, command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keywright.cli.completion.names.offered", lambda *_: [CompletionItem("something")])
    with command.context_class(command, info_name=path) as context:
        for param in command.params:
            name = f"{path} {param.name}"
            # The option --key of all commands is a credential, and that of some the name of a key.
            secret = name in CREDENTIALS or (param.name == "key" and not param.expose_value)
            offered = param.shell_complete(context, "")
            if secret:
                assert offered == []
            elif param.make_metavar(context) in MEANT and name not in NEW:
                assert offered, name
