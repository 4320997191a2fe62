"""`keywright keys update`, `disable`, `enable` and `delete`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected, stdin_is_terminal
from keywright.cli.exits import Exit, Failed
from keywright.cli.keys import show
from keywright.cli.keys.each import for_each, id_of
from keywright.cli.keys.fields import OPTIONS, field_options, given_fields
from keywright.cli.receipts import no_wait, waits
from keywright.cli.text import printable
from keywright.cli.times import relative
from keywright.client import ClientError, NotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keywright.cli.output import Output
    from keywright.client import Client

_CLEARED: Final = {
    "description": ("description", ""),
    "handle": ("handle", None),
    "expires": ("expires_at", None),
    "not-before": ("not_before", None),
    "scope": ("scope", None),
    "cidr": ("allowed_cidrs", None),
    "metadata": ("metadata", None),
    "limit": ("limits", None),
    "credits": ("credits", None),
}
_AGENTS: Final = 20
"""How many agents of one key are shown before it is deleted."""
_ids = click.argument("ids", nargs=-1, required=True, metavar="KEY...", shell_complete=offers.keys)


@click.command("update", cls=Command)
@_ids
@click.option("--name", help="Another name.")
@field_options
@click.option(
    "--clear", multiple=True, type=click.Choice(list(_CLEARED)), help="Empty this field; repeatable."
)
@no_wait
def update(ids: tuple[str, ...], name: str | None, clear: tuple[str, ...], **given: Any) -> int:  # noqa: ANN401 - click's own
    """Change keys; what is not given stays as it is.

    KEY is an id or a handle.
    """
    changes = given_fields(given)
    if name is not None:
        changes["name"] = name
    for word in clear:
        field, empty = _CLEARED[word]
        if field in changes:
            raise click.UsageError(f"--clear {word} goes against another option.")
        changes[field] = empty
    if not changes:
        raise click.UsageError("Say what to change.")

    def change(client: Client, key_id: str) -> dict[str, Any]:
        return client.keys.update(key_id, wait=waits(), **changes)

    return for_each(ids, change, show.tell, {**OPTIONS, "name": "--name"})


@click.command("disable", cls=Command)
@_ids
@no_wait
def disable(ids: tuple[str, ...]) -> int:
    """Have keys refused until they are enabled again.

    KEY is an id or a handle.
    """
    return _switch(ids, active=False)


@click.command("enable", cls=Command)
@_ids
@no_wait
def enable(ids: tuple[str, ...]) -> int:
    """Have disabled keys accepted again.

    KEY is an id or a handle.
    """
    return _switch(ids, active=True)


def _switch(ids: Sequence[str], *, active: bool) -> int:
    def change(client: Client, key_id: str) -> dict[str, Any]:
        return client.keys.update(key_id, wait=waits(), active=active)

    def tell(output: Output, key: dict[str, Any]) -> None:
        about = f"{'Enabled' if active else 'Disabled'} {key['name']} ({key['id']})."
        # One that is enabled may have expired all the same.
        output.line(f"{about} It is {key['state']}." if active and key["state"] != "active" else about)

    return for_each(ids, change, tell, done_word="In effect" if active else "Revoked")


@click.command("delete", cls=Command)
@_ids
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@no_wait
def delete(ids: tuple[str, ...], yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Delete keys for good. Whoever holds them is refused from then on.

    KEY is an id or a handle.
    """
    if not yes:
        if not stdin_is_terminal():
            raise Failed("There is no terminal to ask on whether to delete; add --yes.", Exit.USAGE)
        if not _confirmed(ids):
            click.echo("Nothing was deleted.", err=True)
            return Exit.NO

    def remove(client: Client, key_id: str) -> dict[str, Any]:
        receipt = client.keys.delete(key_id, wait=waits())
        return {"id": key_id, "deleted": True, "receipt": receipt}

    def tell(output: Output, gone: dict[str, Any]) -> None:
        output.line(f"Deleted {gone['id']}.")

    return for_each(ids, remove, tell, done_word="Revoked")


def _confirmed(ids: Sequence[str]) -> bool:
    """Show what would be deleted, and when it was last used, and ask."""
    click.echo("Whoever holds these keys will be refused:", err=True)
    with connected() as client:
        for named in dict.fromkeys(ids):
            for line in _described(client, named):
                click.echo(f"  {printable(line)}", err=True)
    return click.confirm(f"Delete {'this key' if len(ids) == 1 else f'these {len(ids)} keys'}?", err=True)


def _described(client: Client, named: str) -> Iterator[str]:
    """A key, and the agents that would stop."""
    key_id = id_of(client, named)
    now = datetime.now(UTC)
    try:
        key = client.keys.get(key_id)
    except (NotFound, PermissionDenied):  # deleting will say so, or may be allowed where reading is not
        yield named
    else:
        yield f"{key['name']} ({key['id']}), last used {relative(key['last_used_at'], now)}"
    for line in _carriers(client, key_id, now):
        yield f"  {line}"


def _carriers(client: Client, key_id: str, now: datetime) -> list[str]:
    """What runs with a key, as far as that can be read; who cannot read it may delete all the same."""
    try:
        page = client.agents.page(key_id=key_id, limit=_AGENTS)
    except ClientError:
        return []
    told = [
        f"carried by {one['kind']} {one['name']}, last seen {relative(one['last_seen_at'], now)}"
        for one in page.items
    ]
    return told if page.next_cursor is None else [*told, f"and by more: keywright agents list --key {key_id}"]
