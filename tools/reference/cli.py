"""The reference of the command line, from click's own tree of commands."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import click

from keywright.cli.common import COMMON, LazyGroup
from keywright.cli.root import cli
from keywright.settings import SETTINGS
from tools.reference.text import code, marked, table

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = """\
# All commands

Every command with its arguments and options, as `--help` tells them.
[The command line](../cli.md) says what they are for, which credential they use, and what the exit codes mean.
"""
OF_SETTINGS = {setting.flag for setting in SETTINGS}
WRITTEN_AS_CODE = re.compile(r"(?<![\w`/])(--[a-z][a-z-]*)")


def text() -> str:
    """Return the page."""
    lines = [INTRODUCTION, "## Options that commands share", ""]
    shared = {param.name: param for param in cli.params if param.name in COMMON}
    lines += options(click.Context(cli), list(shared.values()))
    for name, command in cli_groups():
        lines += section(name, command)
    return "\n".join(lines).rstrip() + "\n"


def cli_groups() -> Iterator[tuple[str, click.Command]]:
    """Yield each command that does something, with its full name, in the order of the help."""
    yield from below(cli, "keywright")


def below(group: LazyGroup, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of a group, those of the groups within it too."""
    for name in group.places:
        command = group.get_command(click.Context(group), name)
        if isinstance(command, LazyGroup):
            yield from below(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}", command


def section(name: str, command: click.Command) -> list[str]:
    """Return what the page says of one command."""
    context = click.Context(command, info_name=name)
    own = [param for param in command.params if param.name not in COMMON]
    asked = [param for param in own if not OF_SETTINGS.intersection(param.opts)]
    usage = " ".join(word for part in command.collect_usage_pieces(context) for word in part.split())
    lines = [f"## {name}", "", *paragraphs(command.help or ""), code(f"{name} {usage}"), ""]
    lines += options(context, asked)
    if len(asked) < len(own):
        lines += ["A flag for each [setting](../settings.md), too.", ""]
    taken = [f"`--{one.replace('_', '-')}`" for one in getattr(command, "common", COMMON)]
    if taken:
        lines += [f"Of the options that commands share it takes {', '.join(taken)}.", ""]
    return lines


def paragraphs(written: str) -> Iterator[str]:
    """Yield the paragraphs of a help text, those that click is told to leave alone as blocks."""
    for part in re.split(r"\n\s*\n", inspect.cleandoc(written)):
        if part.startswith("\b"):
            yield from ("```text", *part.removeprefix("\b").strip("\n").splitlines(), "```", "")
        else:
            yield from (marked(WRITTEN_AS_CODE.sub(r"`\1`", part)), "")


def options(context: click.Context, params: list[click.Parameter]) -> list[str]:
    """Return the table of options."""
    rows = []
    for param in params:
        record = param.get_help_record(context)
        if isinstance(param, click.Option) and record is not None:
            rows.append((code(record[0]), marked(WRITTEN_AS_CODE.sub(r"`\1`", record[1]))))
    return table(("option", "what it does"), rows)
