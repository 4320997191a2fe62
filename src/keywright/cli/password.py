"""`keywright password change`."""

from __future__ import annotations

from typing import Final

import click

from keywright.cli import proofs
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.sessions import show_ended
from keywright.cli.values import from_stdin

_PLACES = {"change": ("keywright.cli.password:change", "Change your password.")}
_OPTIONS: Final = {"old_password": "the old password", "new_password": "the new password"}


@click.group("password", cls=LazyGroup, places=_PLACES)
def password() -> None:
    """Change your password."""


@click.command("change", cls=Command)
@click.option(
    "--password",
    "piped",
    metavar="-",
    callback=proofs.only_stdin,
    help="Read the old and the new password from standard input, each on a line; only - is taken.",
)
def change(piped: bool) -> None:  # noqa: FBT001 - click passes by name
    """Change your password. All your other logins end."""
    with connected(_OPTIONS) as client:
        old, new = _asked(piped=piped)
        ended = client.sessions.change_password(old, new)
    show_ended(ended)


def _asked(*, piped: bool) -> tuple[str, str]:
    if piped:
        old, _, new = from_stdin("--password").partition("\n")
        return old.removesuffix("\r"), new
    proofs.require_terminal()
    old = click.prompt("Old password", hide_input=True, err=True)
    new = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return old, new
