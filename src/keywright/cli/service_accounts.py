"""`keywright service-accounts …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers
from keywright.cli.asking import confirmed
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Column
from keywright.cli.paging import listing, paging_options
from keywright.cli.policies import roles_in_words
from keywright.cli.receipts import no_wait, waits
from keywright.cli.showing import show_deleted, show_one, show_page
from keywright.cli.times import relative
from keywright.cli.uses import FORM, changed_limits, given_limits, limits_in_words
from keywright.cli.values import given_role

_HERE = "keywright.cli.service_accounts"
_PLACES = {
    "list": (f"{_HERE}:list_accounts", "List the tenant's service accounts."),
    "show": (f"{_HERE}:show", "Show a service account."),
    "create": (f"{_HERE}:create", "Make a service account."),
    "update": (f"{_HERE}:update", "Rename, describe, limit, disable or enable a service account."),
    "delete": (f"{_HERE}:delete", "Delete a service account, and its keys with it."),
}
_COLUMNS: Final = (
    Column("NAME", shrink=24),
    Column("ID"),
    Column("ROLES", goes=3),
    Column("STATE", goes=2),
    Column("CREATED", goes=1),
)
_OPTIONS: Final = {
    "name": "NAME",
    "description": "--description",
    "memberships": "--role",
    "limits": "--limit",
    "search": "--search",
    "tenant": "--tenant",
    "limit": "--limit",
    "cursor": "--cursor",
}


_limit = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar=FORM,
    help="A limit for all uses of its keys together, such as burst=100/1s; repeatable.",
)


@click.command("service-accounts", cls=LazyGroup, places=_PLACES)
def service_accounts() -> None:
    """Make, list, change and delete service accounts."""


@click.command("list", cls=Command)
@click.option("--search", metavar="TEXT", help="Only by the beginning of the name, or by the id.")
@paging_options
def list_accounts(all_pages: bool, **filters: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List the tenant's service accounts. With --quiet only their ids are printed."""
    with connected(_OPTIONS) as client:
        page = listing(client.service_accounts.page, filters, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page,
        _COLUMNS,
        lambda it: [
            it["name"],
            it["id"],
            roles_in_words(it["memberships"]),
            _state(it),
            relative(it["created_at"], now),
        ],
        lambda it: str(it["id"]),
        "No service accounts. Make one with `keywright service-accounts create NAME`.",
    )


@click.command("show", cls=Command)
@click.argument("account_id", metavar="ID", shell_complete=offers.accounts)
def show(account_id: str) -> None:
    """Show a service account."""
    with connected(_OPTIONS) as client:
        found = client.service_accounts.get(account_id)
    _show(found)


@click.command("create", cls=Command)
@click.argument("name")
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[:VARIABLE=VALUE,...]",
    help="A role for it, such as member or editor:language=cs,en; repeatable.",
    shell_complete=offers.roles,
)
@_limit
@click.option(
    "--idempotency-key",
    metavar="TEXT",
    help="Makes one, however often it is repeated within 24 hours.",
)
def create(
    name: str,
    description: str | None,
    roles: tuple[str, ...],
    limits: tuple[str, ...],
    idempotency_key: str | None,
) -> None:
    """Make a service account, with roles of which you hold everything yourself."""
    given = [given_role(one, "--role") for one in roles]
    with connected(_OPTIONS) as client:
        made = client.service_accounts.create(
            name,
            description=description or "",
            memberships=given,
            limits=given_limits(limits),
            idempotency_key=idempotency_key,
        )
    _show(made)


@click.command("update", cls=Command)
@click.argument("account_id", metavar="ID", shell_complete=offers.accounts)
@click.option("--name", metavar="TEXT", help="Another name.")
@click.option("--description", metavar="TEXT", help="What it is for; an empty text clears it.")
@click.option("--enable/--disable", "active", default=None, help="Have its keys accepted, or refused.")
@_limit
@click.option("--clear", multiple=True, type=click.Choice(["limit"]), help="Take all of its limits away.")
@no_wait
def update(account_id: str, limits: tuple[str, ...], clear: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - click's own
    """Rename, describe, limit, disable or enable a service account; what is not given stays as it is."""
    given["limits"] = changed_limits(limits, cleared=bool(clear))
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to change.")
    with connected({**_OPTIONS, "name": "--name"}) as client:
        changed = client.service_accounts.update(account_id, wait=waits(), **changes)
    _show(changed)


@click.command("delete", cls=Command)
@click.argument("account_id", metavar="ID", shell_complete=offers.accounts)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@no_wait
def delete(account_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Delete a service account, and its keys with it, for good."""
    if not confirmed(f"Delete the service account {account_id} and its keys?", yes=yes):
        return Exit.NO
    with connected(_OPTIONS) as client:
        receipt = client.service_accounts.delete(account_id, wait=waits())
    show_deleted(account_id, receipt=receipt)
    return Exit.OK


def _state(account: dict[str, Any]) -> str:
    return "active" if account["active"] else "disabled"


def _show(account: dict[str, Any]) -> None:
    show_one(
        account,
        account["id"],
        [
            ("name", account["name"]),
            ("id", account["id"]),
            ("description", account["description"] or None),
            ("roles", roles_in_words(account["memberships"])),
            ("limits", limits_in_words(account["limits"] or None)),
            ("state", _state(account)),
            ("created", relative(account["created_at"], datetime.now(UTC))),
        ],
    )
