"""`keywright keys list`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command
from keywright.cli.connection import connected
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.times import Moment, relative

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMNS: Final = (
    Column("NAME", shrink=24),
    Column("ID"),
    Column("HINT", goes=2),
    Column("OWNER", goes=1),
    Column("STATE", goes=5),
    Column("EXPIRES", goes=4),
    Column("LAST USED", goes=3),
)
OPTIONS: Final = {
    "state": "--state",
    "identity_id": "--identity",
    "handle": "--handle",
    "name_prefix": "--name-prefix",
    "search": "--search",
    "created_since": "--created-since",
    "created_until": "--created-until",
    "expires_since": "--expires-since",
    "expires_until": "--expires-until",
    "last_used_since": "--last-used-since",
    "last_used_until": "--last-used-until",
    "limit": "--limit",
    "cursor": "--cursor",
    "tenant": "--tenant",
}
"""By which option each filter was given."""
_PAST = Moment(past=True)
_COMING = Moment()


_FILTERS: Final = (
    click.option(
        "--state",
        multiple=True,
        type=click.Choice(["active", "disabled", "expired", "not_yet_valid"]),
        help="Only keys in this state; repeatable.",
    ),
    click.option(
        "--identity",
        "identity_id",
        metavar="ID",
        help="Only keys that speak for this identity.",
        shell_complete=offers.identities,
    ),
    click.option("--handle", metavar="WORD", help="Only the key with this handle."),
    click.option("--name-prefix", metavar="TEXT", help="Only keys whose name begins so."),
    click.option("--search", metavar="TEXT", help="Only by the name's beginning, or the id, handle or hint."),
    click.option(
        "--created-since", type=_PAST, metavar="TIME", help="Made since: RFC 3339, or ago such as 7d."
    ),
    click.option("--created-until", type=_PAST, metavar="TIME", help="Made until; as above."),
    click.option(
        "--expires-since", type=_COMING, metavar="TIME", help="Ends since: RFC 3339, or from now such as 14d."
    ),
    click.option("--expires-until", type=_COMING, metavar="TIME", help="Ends until; as above."),
    click.option("--ends/--never-ends", "ends", default=None, help="Only keys that expire, or never."),
    click.option(
        "--last-used-since", type=_PAST, metavar="TIME", help="Used since: RFC 3339, or ago such as 7d."
    ),
    click.option("--last-used-until", type=_PAST, metavar="TIME", help="Last used until; as above."),
    click.option("--used/--never-used", "used", default=None, help="Only keys that were used, or never."),
    click.option(
        "--sort",
        type=click.Choice(["created_at", "name", "expires_at", "last_used_at"]),
        help="Sort by this. [default: created_at]",
    ),
    click.option("--order", type=click.Choice(["asc", "desc"]), help="[default: newest first, else upwards]"),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which keys, and in which order."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.command("list", cls=Command)
@filter_options
@paging_options
def list_keys(all_pages: bool, **filters: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List keys. With --quiet only their ids are printed."""
    output = Output()
    with connected(OPTIONS) as client:
        page = listing(client.keys.page, filters, all_pages=all_pages)
    if output.as_json:
        output.json({"items": page.items, "next_cursor": page.next_cursor})
        return
    if output.quiet:
        for key in page.items:
            output.line(key["id"])
    elif page.items:
        now = datetime.now(UTC)
        output.table(_COLUMNS, [_row(key, now) for key in page.items])
    else:
        output.note("No keys. Make one with `keywright keys create NAME`, or ask for others.")
    if page.next_cursor is not None:
        output.note(f"There are more. Add --all, or --cursor {page.next_cursor} for the next page.")


def _row(key: dict[str, Any], now: datetime) -> list[str]:
    owner = key["identity"]
    return [
        key["name"],
        key["id"],
        key["hint"] or "",
        key["identity_id"] if owner is None else owner["name"],
        key["state"],
        relative(key["expires_at"], now),
        relative(key["last_used_at"], now),
    ]
