"""`keywright serve`."""

from __future__ import annotations

from typing import Any

import click

from keywright.cli.common import Command
from keywright.cli.server_options import setting_options, settings_from


@click.command("serve", cls=Command, common=())
@setting_options
def serve(**flags: Any) -> None:  # noqa: ANN401 - click's own
    """Start the server.

    The first start on an empty database makes the tenant `default` and the user `admin`, and prints the
    server's address and a password, this once. SIGTERM and Ctrl+C let running requests finish; a second
    one ends the server at once. Of several workers, SIGHUP replaces one after the other, and the new ones read
    the settings anew.
    """
    settings = settings_from(flags)
    from keywright.cli.running import run  # noqa: PLC0415 - the server takes long to load, and its help should not

    run(settings, flags)
