"""`keywright nodes …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.output import Column
from keywright.cli.showing import show_page
from keywright.cli.times import relative

_PLACES = {"list": ("keywright.cli.nodes:list_nodes", "List the processes that decide from memory.")}
_COLUMNS: Final = (
    Column("ID", goes=4),
    Column("NAME", shrink=24),
    Column("KIND", goes=2),
    Column("VERSION", goes=1),
    Column("STATE"),
    Column("EPOCH", goes=5),
    Column("LAG", goes=7),
    Column("LEASE AGE", goes=6),
    Column("STARTED", goes=3),
)


@click.command("nodes", cls=LazyGroup, places=_PLACES)
def nodes() -> None:
    """See the processes that decide from memory."""


@click.command("list", cls=Command)
def list_nodes() -> None:
    """List the processes that decide from memory, and for which changes wait.

    EPOCH is the newest change that each has applied, LAG how many it has yet to apply, and LEASE AGE how long ago it
    renewed its lease, of what length that is.
    """
    with connected() as client:
        page = client.nodes.page()
    now = datetime.now(UTC)
    show_page(page, _COLUMNS, lambda it: _row(it, now), lambda it: str(it["id"]), "There is no node.")


def _row(node: dict[str, Any], now: datetime) -> list[str]:
    length = node["lease_seconds"] + node["stale_grace_seconds"]
    return [
        node["id"],
        node["name"],
        node["kind"],
        node["version"],
        node["state"],
        str(node["applied"]),
        str(node["lag"]),
        f"{node['lease_age_seconds']:.1f} of {length:g} s",
        relative(node["started_at"], now),
    ]
