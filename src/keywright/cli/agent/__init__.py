"""`keywright agent …`: a verifying node beside the programs of this host."""

from __future__ import annotations

import click

from keywright.cli.common import LazyGroup

_PLACES = {
    "start": (
        "keywright.cli.agent.start:start",
        "Decide about keys on this host, from memory.",
    ),
    "install": ("keywright.cli.agent.install:install", "Write a systemd unit that runs the agent."),
}


@click.group("agent", cls=LazyGroup, places=_PLACES)
def agent() -> None:
    """Run a node on this host that decides about keys from its own memory, for programs in any language."""
