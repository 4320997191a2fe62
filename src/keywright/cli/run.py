"""`keywright run`: a command with a key of its own."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from keywright.cli import offers, values
from keywright.cli.child import run_child, signals_held
from keywright.cli.common import EVERYWHERE, Command
from keywright.cli.connection import connected, failure, open_client
from keywright.cli.exits import Exit, Failed
from keywright.cli.text import printable
from keywright.cli.times import Span
from keywright.client import ClientError

if TYPE_CHECKING:
    from keywright.client import Client, CreatedKey
    from keywright.client.resources import KeyFields

_API_KEY: Final = "KEYWRIGHT_API_KEY"
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS: Final = frozenset({"KEYWRIGHT_URL", "KEYWRIGHT_TENANT", "KEYWRIGHT_PROFILE"})
_IDENTITY: Final = re.compile(r"idn_[0-9a-f]{32}")
_PAGE: Final = 200
_LONGEST_NAME: Final = 200
_HOUR: Final = 3_600
_OPTIONS: Final = {
    "identity_id": "--service-account",
    "expires_at": "--for",
    "scope": "--scope or --action",
    "template": "--template",
    "tenant": "--tenant",
}


@click.command(
    "run",
    cls=Command,
    common=("url", "key", "profile", "tenant", "global", "quiet"),
    context_settings={"allow_interspersed_args": False},
)
@click.argument(
    "command",
    nargs=-1,
    required=True,
    metavar="-- COMMAND...",
    type=click.UNPROCESSED,
    shell_complete=offers.program,
)
@click.option(
    "--service-account",
    "account",
    metavar="NAME|ID",
    help="For whom the key speaks. [default: you]",
    shell_complete=offers.account_names,
)
@click.option(
    "--for",
    "seconds",
    type=Span(),
    default=_HOUR,
    metavar="SPAN",
    help="When the key ends at the latest, such as 15m. [default: 1h]",
)
@click.option(
    "--action",
    "actions",
    multiple=True,
    help="What it may do, such as article:read; repeatable.",
    shell_complete=offers.actions,
)
@click.option(
    "--resource", "resources", multiple=True, help="To what it may do so, such as article:cs:**; repeatable."
)
@click.option(
    "--scope",
    metavar="JSON|@FILE",
    help="All that it may do, as a list of policies.",
    shell_complete=offers.named_files,
)
@click.option(
    "--template",
    metavar="NAME",
    help="A key template, which says what is not said here.",
    shell_complete=offers.templates,
)
@click.option(
    "--env",
    "variable",
    default=_API_KEY,
    metavar="NAME",
    help=f"The variable that holds the token. [default: {_API_KEY}]",
)
def run(
    command: tuple[str, ...],
    account: str | None,
    seconds: int,
    actions: tuple[str, ...],
    resources: tuple[str, ...],
    scope: str | None,
    template: str | None,
    variable: str,
) -> int:
    """Run a command with a key of its own, which ends with it.

    The key is in the command's environment alone, and is revoked when the command ends. It expires by itself where
    that cannot be done.
    """
    if not _VARIABLE.fullmatch(variable) or variable in _OURS:
        raise click.UsageError("--env is the name of a variable, such as API_KEY.")
    if seconds < 1:
        raise click.UsageError("--for is at least a second.")
    program = shutil.which(command[0])
    if program is None:
        raise Failed(
            f"There is no program {printable(command[0])} to run.",
            Exit.NO_PROGRAM,
            "Name one that is on the PATH, or by its path; what stands behind -- is not read by a shell.",
        )
    fields: KeyFields = {"expires_at": datetime.now(UTC) + timedelta(seconds=seconds)}
    narrowed = values.scope(scope, actions, resources)
    if narrowed is not None:
        fields["scope"] = narrowed
    if template is not None:
        fields["template"] = template
    with connected(_OPTIONS) as client:
        if account is not None:
            fields["identity_id"] = _account(client, account)
        # Held from before there is a key: a signal in between could leave one that nobody revokes.
        with signals_held() as mask:
            made = client.keys.create(_name(program), **fields)
            try:
                return run_child(program, command, _environment(client.url, made, variable), mask)
            finally:
                _revoke(client.url, made)


def _name(program: str) -> str:
    """The name of the key. The arguments are not in it, since a secret may stand there."""
    return printable(f"keywright run {Path(program).name}")[:_LONGEST_NAME]


def _account(client: Client, named: str) -> str:
    """The id of a service account by its id or its name. Raises `Failed` for a name of none or of several."""
    if _IDENTITY.fullmatch(named):
        return named
    found = [one["id"] for one in client.service_accounts.list(limit=_PAGE) if one["name"] == named]
    if not found:
        raise Failed(
            f"There is no service account {printable(named)}.",
            Exit.NOT_FOUND,
            "`keywright service-accounts list` shows those there are.",
        )
    if len(found) > 1:
        raise Failed(
            f"{len(found)} service accounts are called {printable(named)}.",
            Exit.CONFLICT,
            f"Name one by its id: {', '.join(found)}.",
        )
    return str(found[0])


def _environment(url: str, made: CreatedKey, variable: str) -> dict[str, str]:
    """The command's environment: ours, with the new key in place of our own credential."""
    assert made.token is not None  # noqa: S101 - no hash was given
    inherited = {
        name: value for name, value in os.environ.items() if name not in {_API_KEY, "KEYWRIGHT_PROFILE"}
    }
    place = made.key["tenant"] or EVERYWHERE
    return {**inherited, "KEYWRIGHT_URL": url, "KEYWRIGHT_TENANT": place, variable: made.token.reveal()}


def _revoke(url: str, made: CreatedKey) -> None:
    """Revoke the key by showing it, whatever has become of our own credential since; say it where that fails."""
    assert made.token is not None  # noqa: S101 - no hash was given
    try:
        with open_client(url, None) as client:
            client.keys.revoke(made.token)
    except ClientError as error:
        click.echo(
            f"The key {made.key['id']} could not be revoked, and ends by itself at {made.key['expires_at']}: "
            f"{failure(error).message}",
            err=True,
        )
