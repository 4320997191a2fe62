"""`keywright keys transfer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected, stdin_is_terminal
from keywright.cli.exits import Exit, Failed
from keywright.cli.keys.each import id_of
from keywright.cli.output import Output
from keywright.cli.policies import in_words
from keywright.cli.receipts import no_wait, tell_receipt, waits
from keywright.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

_OPTIONS: Final = {"id": "KEY", "identity_id": "IDENTITY_ID", "tenant": "--tenant"}


@click.command("transfer", cls=Command)
@click.argument("named", metavar="KEY", shell_complete=offers.keys)
@click.argument("identity_id", metavar="IDENTITY_ID", shell_complete=offers.identities)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what it would gain and lose, and change nothing.")
@no_wait
def transfer(named: str, identity_id: str, yes: bool, dry_run: bool) -> int:  # noqa: FBT001 - click passes by name
    """Make a key speak for another identity. What it may do follows that one's roles from then on.

    KEY is an id or a handle. What the key would gain and lose is shown before you are asked.
    """
    if yes and dry_run:
        raise click.UsageError("Give either --yes or --dry-run.")
    if not (yes or dry_run or stdin_is_terminal()):
        raise Failed("There is no terminal to ask on whether to change the owner; add --yes.", Exit.USAGE)
    output = Output()
    with connected(_OPTIONS) as client:
        key_id = id_of(client, named)
        if not yes:
            preview = client.keys.transfer(key_id, identity_id)
            if dry_run:
                _print(output, preview)
                return Exit.OK
            _tell(preview, lambda text: click.echo(printable(text), err=True))
            if not click.confirm("Change the owner?", err=True):
                click.echo("Nothing was changed.", err=True)
                return Exit.NO
        done = client.keys.transfer(key_id, identity_id, confirm=True, wait=waits())
    _print(output, done)
    return Exit.OK


def _print(output: Output, result: dict[str, Any]) -> None:
    if output.as_json:
        output.json(result)
    elif not output.quiet:
        _tell(result, output.line)
        if result["confirmed"]:
            tell_receipt(output, result["receipt"])


def _tell(result: dict[str, Any], line: Callable[[str], None]) -> None:
    """What a change of owner does, or would do, in words."""
    key, done = result["key"], result["confirmed"]
    owner = key["identity"]
    name = key["identity_id"] if owner is None else f"{owner['name']} ({owner['kind']})"
    line(f"{key['name']} ({key['id']}) {'speaks' if done else 'would speak'} for {name}.")
    for title, policies in (
        ("It gains" if done else "It would gain", result["gained"]),
        ("It loses" if done else "It would lose", result["lost"]),
    ):
        line(f"{title} {in_words(policies)}.")
