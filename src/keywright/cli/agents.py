"""`keywright agents …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.keys.each import id_of
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.showing import show_one, show_page
from keywright.cli.times import relative

_HERE = "keywright.cli.agents"
_PLACES = {
    "list": (f"{_HERE}:list_agents", "List the programs that run with keys."),
    "register": (f"{_HERE}:register", "Announce a program that runs with your key."),
    "seen": (f"{_HERE}:seen", "Say that an agent still runs."),
}
_COLUMNS: Final = (
    Column("ID", goes=3),
    Column("NAME", shrink=24),
    Column("KIND", goes=5),
    Column("LABELS", goes=1, shrink=24),
    Column("KEY", shrink=24),
    Column("KEY STATE", goes=4),
    Column("OF", goes=2),
    Column("LAST SEEN", goes=6),
    Column("FROM", goes=0),
)
_OPTIONS: Final = {
    "key_id": "--key",
    "kind": "KIND",
    "name": "NAME",
    "labels": "--label",
    "version": "--version",
    "limit": "--limit",
    "cursor": "--cursor",
}


@click.group("agents", cls=LazyGroup, places=_PLACES)
def agents() -> None:
    """See the programs that run with keys and said so, and announce one."""


@click.command("list", cls=Command)
@click.option(
    "--key",
    "key_id",
    metavar="KEY",
    help="Only those that run with this key, an id or a handle.",
    shell_complete=offers.keys,
)
@paging_options
def list_agents(all_pages: bool, key_id: str | None, **paging: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List the programs that run with keys and said so: what a revocation will stop.

    With --quiet only their ids are printed. Without the permission to see all of them, your own are listed.
    """
    with connected(_OPTIONS) as client:
        which = {"key_id": None if key_id is None else id_of(client, key_id)}
        page = listing(client.agents.page, {**which, **paging}, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page, _COLUMNS, lambda it: _row(it, now), lambda it: str(it["id"]), "No such agent announced itself."
    )


@click.command("register", cls=Command)
@click.argument("kind")
@click.argument("name")
@click.option("--label", "labels", multiple=True, metavar="TEXT", help="A label; repeatable.")
@click.option("--version", metavar="TEXT", help="The program's version.")
def register(kind: str, name: str, labels: tuple[str, ...], version: str | None) -> None:
    """Announce a program that runs with your key. One that starts again is the same agent.

    KIND is what sort of program it is, in its own words, such as LocalAgent. With --quiet only its id is printed.
    """
    with connected(_OPTIONS) as client:
        made = client.agents.register(kind, name, labels, version=version)
    key = made["key"]
    show_one(
        made,
        made["id"],
        [
            ("id", made["id"]),
            ("name", made["name"]),
            ("kind", made["kind"]),
            ("labels", ", ".join(made["labels"]) or None),
            ("version", made["version"]),
            ("key", key and f"{key['name']} ({key['id']})"),
            ("identity", f"{made['identity']['name']} ({made['identity']['id']})"),
            ("known before", None if made["created"] else "yes"),
        ],
    )


@click.command("seen", cls=Command)
@click.argument("agent_id", metavar="ID", shell_complete=offers.agents)
def seen(agent_id: str) -> None:
    """Say that an agent still runs, with the key that announced it."""
    with connected(_OPTIONS) as client:
        client.agents.seen(agent_id)
    output = Output()
    if output.as_json:
        output.json({"id": agent_id, "seen": True})
    elif not output.quiet:
        output.line(f"Seen {agent_id}.")


def _row(agent: dict[str, Any], now: datetime) -> list[str]:
    key = agent["key"]
    return [
        agent["id"],
        agent["name"],
        agent["kind"],
        ", ".join(agent["labels"]),
        key["name"] if key else "",
        key["state"] if key else "",
        agent["identity"]["name"],
        relative(agent["last_seen_at"], now),
        agent["last_seen_ip"] or "",
    ]
