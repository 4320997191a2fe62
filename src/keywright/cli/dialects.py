"""`keywright dialects …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.catalog.files import opened
from keywright.cli.common import PRINTING, Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Column, Output
from keywright.client import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.client import Client, CreatedKey
    from keywright.web.mounts import Dialect
    from keywright.web.setups import SetUp, Setup

_HERE = "keywright.cli.dialects"
_PLACES = {
    "list": (f"{_HERE}:list_dialects", "List the systems whose calls are answered."),
    "setup": (f"{_HERE}:setup", "Make what the clients of a dialect need, and show it."),
}
_COLUMNS: Final = (
    Column("NAME"),
    Column("SYSTEM", shrink=24),
    Column("PATH", goes=2),
    Column("A TENANT IS ITS", goes=1),
)


@click.command("dialects", cls=LazyGroup, places=_PLACES)
def dialects() -> None:
    """Answer other systems' API-key calls: list them, set one up, so that their clients work unchanged."""


def _known() -> dict[str, Dialect]:
    from keywright.app.dialects import DIALECTS  # noqa: PLC0415 - all doors take long to load

    return {one.name: one for one in DIALECTS}


@click.command("list", cls=Command, common=PRINTING)
def list_dialects() -> None:
    """List the systems whose calls are answered. A server answers those that its setting DIALECTS names."""
    output = Output()
    found = _known().values()
    if output.as_json:
        output.json([{"name": one.name, "title": one.title, "path": one.path} for one in found])
    elif output.quiet:
        for one in found:
            output.line(one.name)
    else:
        output.table(_COLUMNS, [[one.name, one.title, one.path, one.setup.noun] for one in found])


@click.command("setup", cls=Command)
@click.argument("name", shell_complete=offers.dialects)
@click.argument("slug", metavar="TENANT", shell_complete=offers.tenants)
@click.option("--title", metavar="TEXT", help="The tenant's name for people. [default: TENANT]")
@click.option(
    "--catalog",
    "file",
    metavar="FILE",
    help="A catalog to apply in place of the dialect's own, as YAML or JSON.",
    shell_complete=offers.files,
)
def setup(name: str, slug: str, title: str | None, file: str | None) -> None:
    """Make what the clients of a dialect need, and show it as it goes into their configuration.

    TENANT is the slug of a tenant. It is made unless it is there; then it gets the dialect's catalog where it has
    none, and a service account with a key, whose token is shown this once.
    """
    known = _known()
    if name not in known:
        raise Failed(f"There is no dialect of this name. There are: {', '.join(known)}.", Exit.USAGE)
    dialect = known[name]
    catalog = dialect.setup.catalog if file is None else opened(file).plain
    with connected({"slug": "TENANT", "name": "--title"}) as client:
        made = _set_up(client, dialect, slug, title, catalog)
    output = Output()
    lines = dialect.setup.lines(made)
    if output.as_json:
        output.json(_plain(made, lines))
    else:
        click.echo(made.token if output.quiet else lines)


def _set_up(
    client: Client, dialect: Dialect, slug: str, title: str | None, catalog: Mapping[str, Any] | None
) -> SetUp:
    from keywright.web.setups import SetUp  # noqa: PLC0415 - only this command needs it

    tenant = _tenant(client, slug, title)
    with client.within(slug) as inside:
        if catalog is not None and not inside.catalog.get()["revision"]:
            inside.catalog.apply({**catalog, "tenant": slug}, expected_revision=0)
        made = _key(inside, dialect.setup)
    if made.token is None:
        raise Failed("The key was made, and its token was not shown.", Exit.UNAVAILABLE)
    return SetUp(
        url=f"{client.url}{dialect.path}",
        tenant=slug,
        tenant_id=tenant["id"],
        key_id=made.key["id"],
        identity_id=made.key["identity"]["id"],
        token=made.token.reveal(),
    )


def _tenant(client: Client, slug: str, title: str | None) -> dict[str, Any]:
    try:
        return client.tenants.get(slug)
    except NotFound:
        return client.tenants.create(slug, title)


def _key(inside: Client, wanted: Setup) -> CreatedKey:
    """A key of a service account that is made for it."""
    account = inside.service_accounts.create(wanted.key_name, memberships=[{"role": wanted.role}])
    scope = None
    if wanted.scope is not None:
        scope = [
            {"actions": list(actions)} | ({} if resources is None else {"resources": list(resources)})
            for actions, resources in wanted.scope
        ]
    number = 1
    while True:
        handle = wanted.key_handle if number == 1 else f"{wanted.key_handle}-{number}"
        try:
            return inside.keys.create(wanted.key_name, handle=handle, scope=scope, identity_id=account["id"])
        except Conflict as conflict:
            if conflict.code != "handle_taken":
                raise
            number += 1  # it was set up before


def _plain(made: SetUp, lines: str) -> dict[str, object]:
    return {
        "url": made.url,
        "tenant": {"id": made.tenant_id, "slug": made.tenant},
        "key_id": made.key_id,
        "identity_id": made.identity_id,
        "token": made.token,
        "configuration": lines,
    }
