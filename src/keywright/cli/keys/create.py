"""`keywright keys create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.exits import Exit, Failed
from keywright.cli.keys.fields import OPTIONS, field_options, given_fields
from keywright.cli.keys.show import facts
from keywright.cli.output import Output
from keywright.cli.values import given_role

if TYPE_CHECKING:
    from keywright.client import CreatedKey


@click.command("create", cls=Command)
@click.argument("name")
@field_options
@click.option(
    "--for",
    "identity_id",
    metavar="IDENTITY_ID",
    help="For whom it speaks, where that is not you.",
    shell_complete=offers.identities,
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[:VARIABLE=VALUE,...]",
    help="Have it speak for itself alone, with this role, such as editor:language=cs,en; repeatable.",
    shell_complete=offers.roles,
)
@click.option(
    "--template",
    metavar="NAME",
    help="A key template, which says what is not said here.",
    shell_complete=offers.templates,
)
@click.option("--prefix", metavar="WORD", help="The token's prefix; the tenant's unless given, else kw.")
@click.option(
    "--token-hash",
    metavar="HEX",
    help="The SHA-256 of a token of your own; then none is made, and none is shown.",
)
@click.option(
    "--idempotency-key",
    metavar="TEXT",
    help="Makes one key, however often the command is repeated within 24 hours; the first time gives its token.",
)
def create(
    name: str,
    identity_id: str | None,
    roles: tuple[str, ...],
    template: str | None,
    prefix: str | None,
    token_hash: str | None,
    idempotency_key: str | None,
    **given: Any,  # noqa: ANN401 - click's own
) -> None:
    """Make a key, and print its token this once.

    It speaks for you, for the identity that --for names, or with --role for itself alone. With --global it is
    of no tenant, and good in each one that its roles reach.

    With --quiet the token alone is printed, or the key's id where --token-hash was given.
    """
    output = Output()
    if identity_id is not None and roles:
        raise click.UsageError("Give either --for or --role.")
    fields = given_fields(given)
    more = {
        "identity_id": identity_id,
        "memberships": [given_role(one, "--role") for one in roles] or None,
        "template": template,
        "prefix": prefix,
        "token_hash": token_hash,
    }
    fields |= {name: value for name, value in more.items() if value is not None}
    with connected(OPTIONS) as client:
        made = client.keys.create(name, idempotency_key=idempotency_key, **fields)
    token = None if made.token is None else made.token.reveal()
    if output.as_json:
        output.json({"key": made.key, "token": token, "replayed": made.replayed, "note": made.note})
    # Without a key of the caller's own, the first answer was lost on its way, and with it the token; and a
    # script that reads the token must not take anything else for it.
    if made.replayed and token_hash is None and (idempotency_key is None or output.quiet):
        lost = idempotency_key is None
        raise Failed(
            f"The key {made.key['id']} was made, and its token was "
            f"{'lost with the connection' if lost else 'shown then'}.",
            Exit.NO_SERVER if lost else Exit.CONFLICT,
            f"Delete it with `keywright keys delete {made.key['id']}`, and make another.",
        )
    if output.quiet:
        click.echo(made.key["id"] if token is None else token)
    elif not output.as_json:
        _tell(output, made, token)


def _tell(output: Output, made: CreatedKey, token: str | None) -> None:
    known = {"description", "state", "hint", "last used", "created"}
    rows = [(title, value) for title, value in facts(made.key) if title not in known]
    output.facts([*rows, ("token", token)])
    output.line("")
    if token is None:
        output.line(made.note or "The server gave no token.")
    else:
        output.line(
            "The token is shown this once and cannot be had again. Keep it where only its user can read it."
        )
