"""`keywright audit …`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.files import opened
from keywright.cli.output import Column
from keywright.cli.paging import listing, paging_options
from keywright.cli.progress import Progress
from keywright.cli.showing import show_page
from keywright.cli.times import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = "keywright.cli.audit"
_PLACES = {
    "list": (f"{_HERE}:list_entries", "List who did what, the newest first."),
    "export": (f"{_HERE}:export", "Write all entries as JSON lines."),
}
_COLUMNS: Final = (
    Column("AT"),
    Column("WHO", shrink=20),
    Column("ACTION", shrink=24),
    Column("TARGET", goes=3),
    Column("CHANGED", goes=2, shrink=24),
    Column("FROM", goes=1),
)
_OPTIONS: Final = {
    "actor": "--actor",
    "target": "--target",
    "action": "--action",
    "since": "--since",
    "until": "--until",
    "limit": "--limit",
    "cursor": "--cursor",
    "tenant": "--tenant",
}
_PAST = Moment(past=True)
_FILTERS: Final = (
    click.option(
        "--actor",
        metavar="ID",
        help="Only what this identity, key or session did.",
        shell_complete=offers.targets,
    ),
    click.option("--target", metavar="ID", help="Only what was done to this.", shell_complete=offers.targets),
    click.option(
        "--action",
        metavar="ACTION",
        help="Only this, such as key.create; key.* stands for all that begin so.",
    ),
    click.option("--since", type=_PAST, metavar="TIME", help="From then on: RFC 3339, or ago such as 7d."),
    click.option("--until", type=_PAST, metavar="TIME", help="Before then; as above."),
)


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.command("audit", cls=LazyGroup, places=_PLACES)
def audit() -> None:
    """Read the audit trail.

    With --tenant '*' it is that of the installation.
    """


@click.command("list", cls=Command)
@_filters
@paging_options
def list_entries(all_pages: bool, **filters: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List who did what, the newest first. With --quiet only ids are printed."""
    with connected(_OPTIONS) as client:
        page = listing(client.audit.page, filters, all_pages=all_pages)
    show_page(page, _COLUMNS, _row, lambda it: str(it["id"]), "Nothing such was done.")


def _row(entry: dict[str, Any]) -> list[str]:
    target = entry["target"]
    return [
        entry["at"],
        _who(entry["actor"]),
        entry["action"],
        f"{target['type']} {target['id']}",
        ", ".join(entry["changes"]),
        entry["ip"] or "",
    ]


def _who(actor: dict[str, Any]) -> str:
    return str(actor["kind"] if actor["identity"] is None else actor["identity"]["name"])


@click.command("export", cls=Command)
@_filters
@click.option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    help="Write to this file instead of standard output.",
    shell_complete=offers.files,
)
def export(path: str | None, **filters: Any) -> None:  # noqa: ANN401 - click's own
    """Write all entries as JSON lines, the newest first.

    A file appears only when it is whole; what goes to standard output may break off, and then it ends with an error.
    """
    with connected(_OPTIONS) as client, opened(path) as out, Progress(beside=out is None) as progress:
        for count, entry in enumerate(client.audit.export(**filters), 1):
            click.echo(json.dumps(entry, ensure_ascii=True), file=out)
            progress.show(count, f"{count:,} entries written.")
