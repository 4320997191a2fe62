"""`keywright catalog route`: what a request asks for by a catalog's routes."""

from __future__ import annotations

import click

from keywright.cli import offers
from keywright.cli.catalog.files import opened
from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Output
from keywright.core.catalog import parse
from keywright.core.routes import RouteTable


@click.command("route", cls=Command)
@click.argument(
    "method", shell_complete=offers.words("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
)
@click.argument("path")
@click.option(
    "--file", metavar="FILE", help="Look in this catalog file, without a server.", shell_complete=offers.files
)
def route(method: str, path: str, file: str | None) -> int:
    """Say what a request asks for by the catalog's routes, as a gateway is answered.

    PATH is as a client sends it. The answer is no where no route fits.
    """
    output = Output()
    if file is None:
        with connected({"tenant": "--tenant"}) as client:
            catalog = parse(client.catalog.get()["document"])
    else:
        catalog = opened(file).parsed()
    decided = RouteTable.compile(catalog.routes).find(method.upper(), path)
    if output.as_json:
        output.json(
            {"match": None, "action": None, "resource": None}
            if decided is None
            else {"match": decided[0].match, "action": decided[1][0], "resource": decided[1][1]}
        )
    elif decided is None:
        if not output.quiet:
            output.line("No route fits, so that the request is refused.")
    else:
        asked = " ".join(part for part in decided[1] if part is not None)
        output.line(asked if output.quiet else f"{asked} ({decided[0].match})")
    return Exit.NO if decided is None else Exit.OK
