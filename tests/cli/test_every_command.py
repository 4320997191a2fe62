"""What holds for each command: its help, its options, its questions, and that it fits the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click
import pytest
from rich.cells import cell_len

from keywright.cli.common import COMMON, PRINTING, LazyGroup
from keywright.cli.output import Column, fitted
from keywright.cli.root import cli
from tests.cli.commands import PASSWORD
from tests.cli.terminal import terminal

if TYPE_CHECKING:
    from tests.cli.commands import Result, Shell

COLUMNS: Final = (40, 80, 200)
COLOR: Final = re.compile(r"\x1b\[[0-9;]*m")
NO_RESULTS: Final = {
    "keywright serve": "its log has settings of its own",
    "keywright agent start": "its log has settings of its own",
    "keywright run": "what it prints is the other command's",
    "keywright completion": "a shell reads the script, which has one form",
}
"""Commands that print no results, and why."""
KEEPS: Final = {
    "keywright sessions end": "one logs in again",
    "keywright sessions end-others": "one logs in again",
}
"""Commands whose names sound like the end of something that can be had back at once."""
DESTRUCTIVE: Final = re.compile(
    r"delete|remove|revoke|renew|end|end-others|apply|transfer|purge|clear|reset-all"
)
NEVER_EMPTY: Final = {
    "sessions",
    "factors",
    "tenants",
    "roles",
    "dialects",
    "nodes",
    "audit",
    "users",
    "memberships",
    "profiles",
}
LONG: Final = ("A name that is longer than any table has room for " * 3).strip()
WIDE: Final = "名前は長い" * 12
EMOJI: Final = "🔑🚀 " * 20


def every(command: click.Command, path: str = "keywright") -> list[tuple[str, click.Command]]:
    """Each command and each group, with its full name."""
    found = [(path, command)]
    if isinstance(command, LazyGroup):
        context = click.Context(command)
        for name in command.places:
            child = command.get_command(context, name)
            assert child is not None
            found += every(child, f"{path} {name}")
    return found


EVERY: Final = every(cli)
LEAVES: Final = [(path, command) for path, command in EVERY if not isinstance(command, LazyGroup)]
LISTS: Final = [
    path.split()[1:]
    for path, _ in LEAVES
    if path.split()[-1] == "list" or path.split()[-1] in {"usage", "doctor"}
]
ASKING: Final = [
    (path, command) for path, command in LEAVES if any("--yes" in param.opts for param in command.params)
]


def names(things: list[tuple[str, click.Command]]) -> list[str]:
    return [path for path, _ in things]


@pytest.mark.parametrize(("path", "command"), EVERY, ids=names(EVERY))
@pytest.mark.parametrize("columns", COLUMNS)
def test_help_begins_with_a_sentence_and_fits(
    path: str, command: click.Command, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with command.context_class(command, info_name=path) as context:
        lines = command.get_help(context).splitlines()
    assert max(map(cell_len, lines)) <= columns
    first = " ".join((command.help or "").split("\n\n")[0].split())
    assert re.fullmatch(r"[A-Z].*[a-z).]\.|[A-Z].*: .*\.", first), first


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=names(LEAVES))
def test_what_prints_results_prints_them_in_each_form(path: str, command: click.Command) -> None:
    common = getattr(command, "common", ())
    if path not in NO_RESULTS:
        assert set(PRINTING) <= set(common)
    taken = {word for param in command.params for word in (*param.opts, *param.secondary_opts)}
    for name in common:
        assert f"--{name.replace('_', '-')}" in taken
    assert set(common) <= set(COMMON)


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=names(LEAVES))
def test_what_destroys_has_yes(path: str, command: click.Command) -> None:
    if DESTRUCTIVE.fullmatch(path.rsplit(maxsplit=1)[-1]) and path not in KEEPS:
        assert any("--yes" in param.opts and "-y" in param.opts for param in command.params)


def dummies(command: click.Command) -> list[str]:
    """Something for each argument that must be given."""
    return ["thing" for param in command.params if isinstance(param, click.Argument) and param.required]


def asked(shell: Shell, path: str, command: click.Command) -> list[str]:
    """The words of a command that would destroy something."""
    words = path.split()[1:]
    if words == ["catalog", "apply"]:
        (shell.home / "catalog.yaml").write_text("actions:\n  - name: article:read\n", "utf-8")
        return [*words, "catalog.yaml"]
    if words == ["keys", "transfer"]:
        key = shell.run("keys", "create", "Moving", "--json").json["key"]["id"]
        robot = shell.run("service-accounts", "create", f"Robot of {key}", "--json").json["id"]
        return [*words, key, robot]
    return [*words, *dummies(command)]


@pytest.fixture
def own(shell: Shell) -> Shell:
    """A shell whose tenant is this module's."""
    if shell.run("tenants", "show", "every").code:
        assert shell.run("tenants", "create", "every").code == 0
    return shell.with_(KEYWRIGHT_TENANT="every")


@pytest.mark.parametrize(("path", "command"), ASKING, ids=names(ASKING))
def test_what_destroys_asks_at_a_terminal_and_is_refused_elsewhere(
    own: Shell, path: str, command: click.Command
) -> None:
    words = asked(own, path, command)
    refused: Result = own.run(*words)
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err.splitlines()[-1]
    with terminal(own, *words) as screen:
        screen.expect("[y/N]: ")
        screen.send("n\n")
        assert screen.end() == 1
    assert re.search(r"(Nothing|Nobody) was [a-z ]+\.\n$", screen.text)


@pytest.fixture(scope="module")
def furnished() -> list[str]:
    """Whether the things below were made already: one entry when they were."""
    return []


@pytest.fixture
def full(shell: Shell, furnished: list[str]) -> Shell:
    """A shell in a tenant in which each list has something long, something wide and something with emoji."""
    there = shell.with_(KEYWRIGHT_TENANT="full")
    if furnished:
        return there
    assert shell.run("tenants", "create", "full", "--name", LONG).code == 0
    for number, name in enumerate((LONG, WIDE, EMOJI)):
        assert (
            shell.run("tenants", "create", f"a-slug-that-is-rather-long-{number}", "--name", name[:60]).code
            == 0
        )
        robot = there.run("service-accounts", "create", name[:100], "--role", "member", "--json").json["id"]
        person = ("users", "create", f"login-that-is-long-{number}", name[:60], "--password", "-", "--json")
        user = there.run(*person, stdin="a long enough password\n").json["id"]
        for args in (
            ("memberships", "create", user, "member"),
            ("keys", "create", name[:100], "--for", robot, "--expires", "9d"),
            ("users", "invite", name[:60], "--role", "member"),
            (
                "roles",
                "create",
                f"role-that-is-long-{number}",
                "--description",
                name,
                "--policy",
                "actions=article:*",
            ),
        ):
            assert there.run(*args).code == 0, args
        token = there.run("keys", "create", f"Agent {number}", "--quiet").token
        announced = there.with_(KEYWRIGHT_API_KEY=token)
        assert announced.run("agents", "register", "Kind", name[:60], "--label", name[:60]).code == 0
        assert there.run("verify", "-", "--quiet", stdin=token).code == 0
    furnished.append("full")
    return there


def shown(shell: Shell, columns: int, *args: str) -> tuple[list[str], str]:
    """The lines that stand on a terminal of so many columns, without colours, and all that was written."""
    with terminal(shell, *args, columns=columns) as screen:
        assert screen.end() == 0, screen.text
    return COLOR.sub("", screen.text).splitlines(), screen.text


def called(shell: Shell, words: list[str]) -> tuple[Shell, list[str]]:
    """Who can call a list, and how: keys have no logins and no factors of their own."""
    if words == ["keys", "usage"]:
        return shell, [*words, *shell.run("keys", "list", "--quiet").out.split()[:1]]
    if words[0] in {"sessions", "factors"}:
        login = ("login", "--user", "admin", "--password", "-", "--print-token")
        return shell.with_(KEYWRIGHT_API_KEY=shell.run(*login, stdin=f"{PASSWORD}\n").token), words
    return shell, words


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
@pytest.mark.parametrize("columns", COLUMNS)
def test_a_table_is_no_wider_than_the_terminal(full: Shell, words: list[str], columns: int) -> None:
    own, words = called(full, words)
    lines, _ = shown(own, columns, *words)
    # What stands above the table of a usage are facts, which are as long as they are.
    facts = len(lines) if "usage" in words else 0
    begin = next((at for at, line in enumerate(lines) if line.startswith(("FROM ", "ACTION "))), facts)
    assert lines
    assert max(map(cell_len, lines[begin:]), default=0) <= columns


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_nothing_is_cut_or_coloured_in_a_pipe(full: Shell, words: list[str]) -> None:
    own, words = called(full, words)
    done = own.with_(COLUMNS="40").run(*words)
    assert done.code == 0
    assert "…" not in done.out
    assert "\x1b" not in done.out + done.err
    if words == ["keys", "list"]:
        assert LONG[:100].rstrip() in done.out


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_colours_are_left_out_where_nobody_wants_them(full: Shell, words: list[str]) -> None:
    own, words = called(full, words)
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in shown(own.with_(**variables), 120, *words)[1]
    assert "\x1b" not in shown(own, 120, *words, "--no-color")[1]


@pytest.mark.parametrize("words", [words for words in LISTS if words[-1] == "list"], ids=" ".join)
def test_an_empty_list_is_a_sentence_beside_the_results(shell: Shell, words: list[str]) -> None:
    if shell.run("tenants", "show", "void").code:
        assert shell.run("tenants", "create", "void").code == 0
    own, _ = called(shell.with_(KEYWRIGHT_TENANT="void"), words)
    found = own.run(*words, "--json").json
    if isinstance(found, dict) and found.get("items") == []:
        done = own.run(*words)
        assert (done.code, done.out) == (0, "")
        assert re.fullmatch(r"[A-Z].+\.\n", done.err)
        assert own.run(*words, "--quiet").err == ""
    else:
        assert words[0] in NEVER_EMPTY


def test_what_is_too_wide_goes_from_the_right_and_the_last_stays_whole() -> None:
    columns = (Column("ID"), Column("ONE"), Column("TWO"))
    assert fitted(columns, [10, 10, 10], 34) == [10, 10, 10]
    assert fitted(columns, [10, 10, 10], 33) == [10, 10, 9]
    assert fitted(columns, [10, 10, 10], 30) == [10, 10, 0]
    assert fitted(columns, [10, 10, 10], 12) == [10, 0, 0]
    assert fitted(columns, [10, 10, 10], 5) == [10, 0, 0]
    assert fitted((Column("ID"), Column("TEXT", wrap=True)), [10, 90], 40) == [10, 28]
