"""docs/cli.md says all that there is to the command line, and the help texts agree with each other."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from keywright.cli.common import COMMON, LazyGroup
from keywright.cli.exits import MEANINGS
from keywright.cli.root import cli
from keywright.settings import SETTINGS

TEXT = (Path(__file__).parent.parent.parent / "docs" / "cli.md").read_text("utf-8")


def walk(command: click.Command, path: str, short: str) -> list[tuple[str, click.Command, str]]:
    """Each command below one, with its full name and the line that the list of commands has for it."""
    if not isinstance(command, LazyGroup):
        return [(path, command, short)]
    context = click.Context(command)
    found = []
    for name, (_, text) in command.places.items():
        child = command.get_command(context, name)
        assert child is not None
        assert child.name == name
        found += walk(child, f"{path} {name}", text)
    return found


ALL = walk(cli, "keywright", "")


def section(path: str) -> str:
    """What the page says of one command."""
    head = f"\n### `{path}"
    assert TEXT.count(f"{head}`\n") + TEXT.count(f"{head} ") == 1, path
    return TEXT.split(head)[1].split("\n### ")[0].split("\n## ")[0]


@pytest.mark.parametrize(("path", "command"), [(path, command) for path, command, _ in ALL])
def test_each_command_has_a_section_with_its_options(path: str, command: click.Command) -> None:
    about = section(path)
    of_settings = {setting.flag for setting in SETTINGS}
    for param in command.params:
        if isinstance(param, click.Option) and param.name not in COMMON:
            for word in (*param.opts, *param.secondary_opts):
                assert word in of_settings or f"`{word}" in about, word


@pytest.mark.parametrize(("path", "command", "short"), ALL)
def test_the_line_of_a_command_is_the_beginning_of_its_help(
    path: str, command: click.Command, short: str
) -> None:
    assert (command.help or "").startswith(short.rstrip(".")), path


def test_the_page_names_no_command_that_is_not_there() -> None:
    told = {line.split("`")[1] for line in TEXT.splitlines() if line.startswith("### `keywright")}
    known = {path for path, _, _ in ALL}
    assert {next((path for path in known if f"{one} ".startswith(f"{path} ")), one) for one in told} == known


def test_each_exit_code_stands_in_the_page_and_in_the_help() -> None:
    shown = " ".join(cli.get_help(click.Context(cli, info_name="keywright", terminal_width=200)).split())
    for code, meaning in MEANINGS.items():
        assert f"| {int(code)} | {meaning} |" in TEXT
        assert f"{int(code)} {meaning}" in shown


def test_each_shared_option_stands_in_the_page() -> None:
    for name in COMMON:
        assert f"| `--{name.replace('_', '-')}" in TEXT or f"`--{name.replace('_', '-')}`" in TEXT
