"""What a person shows to prove who they are: a password, and a code where the server asks for one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import click

from keywright.cli.connection import stdin_is_terminal
from keywright.cli.exits import Exit, Failed
from keywright.cli.values import from_stdin
from keywright.client import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.client import SecondFactor

T = TypeVar("T")

CODE_HELP = "Code of your authenticator app, or a recovery code. [default: asked for, where one is needed]"
_is_app_code = re.compile(r"[0-9]{3}[\s-]?[0-9]{3}").fullmatch


def only_stdin(_ctx: click.Context, _param: click.Parameter, value: str | None) -> bool:
    """Whether the password comes by standard input, which is all that may be said of it in an argument."""
    if value not in {None, "-"}:
        raise click.UsageError(
            "A password is never an argument, since others can see those. Use --password - to read it from "
            "standard input, or leave --password out to be asked."
        )
    return value is not None


def password(*, piped: bool, prompt: str = "Password") -> str:
    """A password, from standard input or from the person at the terminal."""
    if piped:
        return from_stdin("--password")
    require_terminal()
    typed: str = click.prompt(prompt, hide_input=True, err=True)
    return typed


def require_terminal() -> None:
    """Raise `Failed` where nobody can be asked for a password."""
    if not stdin_is_terminal():
        raise Failed(
            "There is no terminal to ask for the password on; give it with --password - on standard input.",
            Exit.USAGE,
        )


def with_code(show: Callable[[SecondFactor], T], code: str | None) -> T:
    """Show a password, and with it the code that was given, or that the server asks for."""
    if code is not None:
        return show(_factor(code))
    try:
        return show({})
    except Unauthenticated as refused:
        wanted = set(refused.extras.get("factors", ()))
        if refused.code != "second_factor_required" or not wanted & {"totp", "recovery_code"}:
            raise
        if not stdin_is_terminal():
            raise
    typed = click.prompt("Code of your authenticator app, or a recovery code", err=True)
    return show(_factor(typed))


def _factor(code: str) -> SecondFactor:
    """What a code is: six digits come from an app, all else is a recovery code."""
    return {"code": code} if _is_app_code(code.strip()) else {"recovery_code": code}
