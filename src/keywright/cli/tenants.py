"""`keywright tenants …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.times import relative

_HERE = "keywright.cli.tenants"
_PLACES = {
    "create": (f"{_HERE}:create", "Make a tenant."),
    "list": (f"{_HERE}:list_tenants", "List the tenants that you may see."),
    "show": (f"{_HERE}:show", "Show a tenant."),
}
_COLUMNS: Final = (
    Column("SLUG"),
    Column("NAME", shrink=24),
    Column("ID", goes=2),
    Column("STATE", goes=3),
    Column("CREATED", goes=1),
)


@click.command("tenants", cls=LazyGroup, places=_PLACES)
def tenants() -> None:
    """Make and list tenants."""


@click.command("create", cls=Command)
@click.argument("slug")
@click.option("--name", help="Its name for people. [default: the slug]")
def create(slug: str, name: str | None) -> None:
    """Make a tenant. SLUG is its name in headers and options: lower-case letters, digits, _ and -."""
    with connected({"slug": "SLUG", "name": "--name"}) as client:
        _print(client.tenants.create(slug, name))


@click.command("show", cls=Command)
@click.argument("slug")
def show(slug: str) -> None:
    """Show a tenant."""
    with connected() as client:
        _print(client.tenants.get(slug))


@click.command("list", cls=Command)
@paging_options
def list_tenants(all_pages: bool, **paging: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List the tenants that you may see. With --quiet only their slugs are printed."""
    output = Output()
    with connected({"limit": "--limit", "cursor": "--cursor"}) as client:
        page = listing(client.tenants.page, paging, all_pages=all_pages)
    if output.as_json:
        output.json({"items": page.items, "next_cursor": page.next_cursor})
        return
    if output.quiet:
        for tenant in page.items:
            output.line(tenant["slug"])
    elif page.items:
        now = datetime.now(UTC)
        output.table(_COLUMNS, [_row(tenant, now) for tenant in page.items])
    else:
        output.note("There is no tenant that you may see.")
    if page.next_cursor is not None:
        output.note(f"There are more. Add --all, or --cursor {page.next_cursor} for the next page.")


def _row(tenant: dict[str, Any], now: datetime) -> list[str]:
    return [tenant["slug"], tenant["name"], tenant["id"], _state(tenant), relative(tenant["created_at"], now)]


def _state(tenant: dict[str, Any]) -> str:
    return "active" if tenant["active"] else "disabled"


def _print(tenant: dict[str, Any]) -> None:
    output = Output()
    if output.as_json:
        output.json(tenant)
    elif output.quiet:
        output.line(tenant["slug"])
    else:
        output.facts(
            [
                ("slug", tenant["slug"]),
                ("name", tenant["name"]),
                ("id", tenant["id"]),
                ("state", _state(tenant)),
                ("created", relative(tenant["created_at"], datetime.now(UTC))),
            ]
        )
