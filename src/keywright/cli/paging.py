"""Lists that come in pages: the options, and going through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli.progress import Progress
from keywright.client import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LARGEST: Final = 200
_PATIENCE: Final = 0.5  # seconds for which nobody asks how far it is

_DECLARED: Final = (
    click.option(
        "--limit", type=int, metavar="N", help="How many to list, 1 to 200. [default: the server's]"
    ),
    click.option("--cursor", metavar="TEXT", help="Go on where a page ended."),
    click.option("--all", "all_pages", is_flag=True, help="List all of them."),
)


def paging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a list: `limit`, `cursor` and `all_pages`."""
    for option in reversed(_DECLARED):
        command = option(command)
    return command


def listing(ask: Callable[..., Page], filters: Mapping[str, Any], *, all_pages: bool) -> Page:
    """One page of a list, or all that is left of it as one."""
    if not all_pages:
        return ask(**filters)
    if filters["limit"] is not None:
        raise click.UsageError("Give either --limit or --all.")
    page = ask(**{**filters, "limit": _LARGEST})
    items = list(page.items)
    with Progress(after=_PATIENCE) as progress:
        while page.next_cursor is not None:
            progress.show(len(items), f"{len(items):,} read.")
            page = ask(**{**filters, "limit": _LARGEST, "cursor": page.next_cursor})
            items += page.items
    return Page(tuple(items), None)
