"""`keywright roles …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers, values
from keywright.cli.asking import confirmed
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Column
from keywright.cli.policies import in_words
from keywright.cli.receipts import no_wait, waits
from keywright.cli.showing import show_deleted, show_one, show_page
from keywright.cli.times import relative

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = "keywright.cli.roles"
_PLACES = {
    "list": (f"{_HERE}:list_roles", "List the roles that can be given."),
    "show": (f"{_HERE}:show", "Show a role."),
    "create": (f"{_HERE}:create", "Define a role."),
    "update": (f"{_HERE}:update", "Change a role, and what everybody may do who holds it."),
    "delete": (f"{_HERE}:delete", "Delete a role that nobody holds."),
}
_COLUMNS: Final = (
    Column("NAME"),
    Column("KIND", goes=2),
    Column("VARIABLES", goes=3),
    Column("ALLOWS", shrink=40),
    Column("DESCRIPTION", goes=1, shrink=30),
)
_OPTIONS: Final = {
    "name": "NAME",
    "description": "--description",
    "variables": "--variable",
    "policies": "--policy",
    "tenant": "--tenant",
}
_CLEARED: Final[dict[str, Any]] = {"description": "", "variables": {}, "policies": []}
_DECLARED: Final = (
    click.option("--description", metavar="TEXT", help="What it is for."),
    click.option(
        "--variable",
        "variables",
        multiple=True,
        metavar="NAME[=ENTITY]|JSON",
        help="A variable, free or with ids of a type of entity as values; repeatable.",
    ),
    click.option(
        "--policy",
        "policies",
        multiple=True,
        metavar="POLICY|JSON|@FILE",
        help="What it allows: 'actions=article:*;resources=article:${language}:**'; repeatable.",
        shell_complete=offers.named_files,
    ),
)


def _fields(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_DECLARED):
        command = option(command)
    return command


def _given(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request, without those that were not given."""
    found: dict[str, Any] = {}
    if given["description"] is not None:
        found["description"] = given["description"]
    if given["variables"]:
        found["variables"] = values.declared_variables(given["variables"], "--variable")
    if given["policies"]:
        found["policies"] = values.policies(given["policies"], "--policy")
    return found


@click.command("roles", cls=LazyGroup, places=_PLACES)
def roles() -> None:
    """Define, list, change and delete roles."""


@click.command("list", cls=Command)
def list_roles() -> None:
    """List the roles that can be given. With --quiet only their names are printed."""
    with connected({"tenant": "--tenant"}) as client:
        page = client.roles.page()
    show_page(page, _COLUMNS, _row, lambda it: str(it["name"]), "There are no roles.")


@click.command("show", cls=Command)
@click.argument("name", shell_complete=offers.roles)
def show(name: str) -> None:
    """Show a role."""
    with connected(_OPTIONS) as client:
        found = client.roles.get(name)
    _show(found)


@click.command("create", cls=Command)
@click.argument("name")
@_fields
@click.option(
    "--idempotency-key", metavar="TEXT", help="Makes one role, however often it is repeated within 24 hours."
)
def create(name: str, idempotency_key: str | None, **given: Any) -> None:  # noqa: ANN401 - click's own
    """Define a role, of which you hold everything yourself."""
    fields = _given(given)
    with connected(_OPTIONS) as client:
        made = client.roles.create(name, idempotency_key=idempotency_key, **fields)
    _show(made)


@click.command("update", cls=Command)
@click.argument("name", shell_complete=offers.own_roles)
@_fields
@click.option("--clear", multiple=True, type=click.Choice(list(_CLEARED)), help="Empty this; repeatable.")
@no_wait
def update(name: str, clear: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - click's own
    """Change a role, and what everybody may do who holds it; what is not given stays as it is."""
    changes = _given(given)
    for word in clear:
        if word in changes:
            raise click.UsageError(f"--clear {word} goes against another option.")
        changes[word] = _CLEARED[word]
    if not changes:
        raise click.UsageError("Say what to change.")
    with connected(_OPTIONS) as client:
        changed = client.roles.update(name, wait=waits(), **changes)
    _show(changed)


@click.command("delete", cls=Command)
@click.argument("name", shell_complete=offers.own_roles)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Delete a role that nobody holds."""
    if not confirmed(f"Delete the role {name}?", yes=yes):
        return Exit.NO
    with connected(_OPTIONS) as client:
        client.roles.delete(name)
    show_deleted(name, "name")
    return Exit.OK


def _kind(role: dict[str, Any]) -> str:
    if role["built_in"]:
        return "built in"
    return "catalog" if role["by_catalog"] else "own"


def _row(role: dict[str, Any]) -> list[str]:
    return [
        role["name"],
        _kind(role),
        ", ".join(role["variables"]),
        in_words(role["policies"]),
        role["description"],
    ]


def _variable(name: str, variable: dict[str, Any]) -> str:
    return name if variable["entity"] is None else f"{name} ({variable['entity']})"


def _show(role: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    variables = ", ".join(_variable(name, one) for name, one in role["variables"].items())
    show_one(
        role,
        role["name"],
        [
            ("name", role["name"]),
            ("kind", _kind(role)),
            ("description", role["description"] or None),
            ("variables", variables or None),
            ("allows", in_words(role["policies"])),
            ("created", None if role["created_at"] is None else relative(role["created_at"], now)),
            ("changed", None if role["updated_at"] is None else relative(role["updated_at"], now)),
        ],
    )
