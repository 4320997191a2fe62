"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import click

from keywright.cli.connection import stdin_is_terminal
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable


def confirmed(question: str, *, yes: bool, nothing: str = "Nothing was deleted.") -> bool:
    """Whether to go on: with `yes` without asking, else as somebody at a terminal answers.

    Raises `Failed` where nobody can be asked; an answer of no is told as `nothing`.
    """
    if yes:
        return True
    if not stdin_is_terminal():
        raise Failed("There is no terminal to ask on; add --yes.", Exit.USAGE)
    agreed = click.confirm(printable(question), err=True)
    if not agreed:
        click.echo(nothing, err=True)
    return agreed
