"""`keywright catalog …`: one module for the files, one for what is asked of routes, one for the other commands."""

from __future__ import annotations

import click

from keywright.cli.common import LazyGroup

_HERE = "keywright.cli.catalog.commands"
_PLACES = {
    "validate": (f"{_HERE}:validate", "Look for faults in a catalog file."),
    "diff": (f"{_HERE}:diff", "Show what applying a catalog file would change."),
    "apply": (f"{_HERE}:apply", "Apply a catalog file."),
    "export": (f"{_HERE}:export", "Write the catalog as it stands."),
    "route": ("keywright.cli.catalog.routes:route", "Say what a request asks for by the catalog's routes."),
}


@click.command("catalog", cls=LazyGroup, places=_PLACES)
def catalog() -> None:
    """Look at, compare and apply a tenant's catalog: its actions, entities, roles, key templates and routes."""
