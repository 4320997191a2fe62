"""`keywright memberships …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers, values
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

_HERE = "keywright.cli.memberships"
_PLACES = {
    "list": (f"{_HERE}:list_memberships", "List who holds which role."),
    "show": (f"{_HERE}:show", "Show a membership."),
    "create": (f"{_HERE}:create", "Give an identity a role."),
    "update": (f"{_HERE}:update", "Give the variables of a membership other values."),
    "delete": (f"{_HERE}:delete", "Take a role away."),
}
_COLUMNS: Final = (
    Column("ID"),
    Column("WHO", shrink=24),
    Column("KIND", goes=2),
    Column("ROLE", shrink=30),
    Column("GIVEN", goes=1),
)
_OPTIONS: Final = {
    "identity_id": "IDENTITY_ID",
    "role": "ROLE",
    "variables": "--variable",
    "tenant": "--tenant",
    "limit": "--limit",
    "cursor": "--cursor",
}
_variables = click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="NAME=VALUE,...|JSON",
    help="Values for a variable of the role, such as language=cs,en; repeatable.",
)


@click.command("memberships", cls=LazyGroup, places=_PLACES)
def memberships() -> None:
    """Give roles, list who holds them, and take them.

    With --tenant '*' they are held over the whole installation.
    """


@click.command("list", cls=Command)
@click.option(
    "--identity",
    "identity_id",
    metavar="ID",
    help="Only those of this identity.",
    shell_complete=offers.identities,
)
@click.option("--role", metavar="NAME", help="Only those with this role.", shell_complete=offers.roles)
@paging_options
def list_memberships(all_pages: bool, **filters: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List who holds which role. With --quiet only ids are printed."""
    with connected(_OPTIONS) as client:
        page = listing(client.memberships.page, filters, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page,
        _COLUMNS,
        lambda it: [
            it["id"],
            it["identity"]["name"],
            it["identity"]["kind"],
            roles_in_words([it]),
            relative(it["created_at"], now),
        ],
        lambda it: str(it["id"]),
        "Nobody holds such a role.",
    )


@click.command("show", cls=Command)
@click.argument("membership_id", metavar="ID", shell_complete=offers.memberships)
def show(membership_id: str) -> None:
    """Show a membership."""
    with connected(_OPTIONS) as client:
        found = client.memberships.get(membership_id)
    _show(found)


@click.command("create", cls=Command)
@click.argument("identity_id", shell_complete=offers.identities)
@click.argument("role", shell_complete=offers.roles)
@_variables
@click.option(
    "--idempotency-key",
    metavar="TEXT",
    help="Gives it once, however often it is repeated within 24 hours.",
)
@no_wait
def create(identity_id: str, role: str, variables: tuple[str, ...], idempotency_key: str | None) -> None:
    """Give an identity a role, of which you hold everything yourself.

    IDENTITY_ID is the id of a user or a service account, and ROLE the name of a role.
    """
    given = values.given_variables(variables, "--variable")
    with connected(_OPTIONS) as client:
        made = client.memberships.create(
            identity_id, role, given, idempotency_key=idempotency_key, wait=waits()
        )
    _show(made)


@click.command("update", cls=Command)
@click.argument("membership_id", metavar="ID", shell_complete=offers.memberships)
@_variables
@no_wait
def update(membership_id: str, variables: tuple[str, ...]) -> None:
    """Give the variables of a membership other values, all of them."""
    given = values.given_variables(variables, "--variable")
    if not given:
        raise click.UsageError("Say what to change, with --variable.")
    with connected(_OPTIONS) as client:
        changed = client.memberships.update(membership_id, given, wait=waits())
    _show(changed)


@click.command("delete", cls=Command)
@click.argument("membership_id", metavar="ID", shell_complete=offers.memberships)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@no_wait
def delete(membership_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Take a role away. Every key of the identity is narrowed at once."""
    if not confirmed(f"Take away {membership_id}?", yes=yes, nothing="Nothing was taken away."):
        return Exit.NO
    with connected(_OPTIONS) as client:
        receipt = client.memberships.delete(membership_id, wait=waits())
    show_deleted(membership_id, receipt=receipt, done="In effect")
    return Exit.OK


def _show(membership: dict[str, Any]) -> None:
    who = membership["identity"]
    show_one(
        membership,
        membership["id"],
        [
            ("id", membership["id"]),
            ("identity", f"{who['name']} ({who['kind']}, {who['id']})"),
            ("role", roles_in_words([membership])),
            ("tenant", membership["tenant"] or "everywhere"),
            ("by sign-on", "yes" if membership["by_sign_on"] else None),
            ("given", relative(membership["created_at"], datetime.now(UTC))),
            ("given by", membership["created_by"]),
        ],
    )
