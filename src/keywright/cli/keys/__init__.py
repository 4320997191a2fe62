"""`keywright keys …`."""

import click

from keywright.cli.common import LazyGroup

_PLACES = {
    "create": (
        "keywright.cli.keys.create:create",
        "Make a key, and print its token this once.",
    ),
    "list": ("keywright.cli.keys.list:list_keys", "List keys."),
    "show": ("keywright.cli.keys.show:show", "Show keys."),
    "usage": (
        "keywright.cli.keys.usage:usage",
        "Show how keys were used, and what of their scope was not needed.",
    ),
    "import": (
        "keywright.cli.keys.bring:import_keys",
        "Make keys of a file of names and token hashes.",
    ),
    "export": ("keywright.cli.keys.export:export", "Write keys to a file."),
    "update": ("keywright.cli.keys.change:update", "Change keys."),
    "disable": ("keywright.cli.keys.change:disable", "Have keys refused until they are enabled again."),
    "enable": ("keywright.cli.keys.change:enable", "Have disabled keys accepted again."),
    "transfer": ("keywright.cli.keys.transfer:transfer", "Make a key speak for another identity."),
    "delete": ("keywright.cli.keys.change:delete", "Delete keys for good."),
}


@click.command("keys", cls=LazyGroup, places=_PLACES)
def keys() -> None:
    """Make, list, change and delete API keys."""
