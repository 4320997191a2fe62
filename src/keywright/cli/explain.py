"""`keywright explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.keys.each import id_of
from keywright.cli.output import Output
from keywright.cli.verify import facts
from keywright.core.tokens import find_tokens

if TYPE_CHECKING:
    from keywright.client import KeyQuestion

_OPTIONS: Final = {
    "id": "--key",
    "action": "--action",
    "resource": "--resource",
    "ip": "--ip",
    "tenant": "--tenant or --where",
}


@click.command("explain", cls=Command)
@click.option(
    "--key",
    "named",
    required=True,
    metavar="ID",
    help="The id or handle of the key; never its token.",
    shell_complete=offers.keys,
)
@click.option(
    "--action", help="Ask whether it may do this, such as article:read.", shell_complete=offers.actions
)
@click.option("--resource", help="Ask whether it may do so to this, such as article:42.")
@click.option("--ip", metavar="ADDRESS", help="The address from which it is used.")
@click.option(
    "--where", metavar="SLUG", help="The tenant in which a global key is used.", shell_complete=offers.tenants
)
def explain(named: str, action: str | None, resource: str | None, ip: str | None, where: str | None) -> int:
    """Say why a key may or may not do something: by which policy of which role, or what is missing.

    A credential of your own stands before the command's name here (`keywright --key KEY explain …`), or in
    KEYWRIGHT_API_KEY. The exit code is 0 when the key may, and 1 when it may not.
    """
    if find_tokens(named):
        raise click.UsageError("--key names a key by its id or handle here. Ask about a token with `verify`.")
    output = Output()
    question: KeyQuestion = {"action": action, "resource": resource, "ip": ip, "tenant": where}
    with connected(_OPTIONS) as client:
        verdict = client.keys.explain(id_of(client, named), **question)
    if output.as_json:
        output.json(verdict)
    elif not output.quiet:
        output.facts(facts(verdict))
    return Exit.OK if verdict["valid"] else Exit.NO
