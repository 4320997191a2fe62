"""`keywright migrate`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from keywright.cli.common import PRINTING, Command
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output
from keywright.cli.server_options import setting_options, settings_from


@click.command("migrate", cls=Command, common=PRINTING)
@setting_options
def migrate(**flags: Any) -> None:  # noqa: ANN401 - click's own
    """Bring the database to this version's schema.

    Run it before the new version's servers start. On SQLite `keywright serve` does it by itself.
    """
    settings = settings_from(flags)
    output = Output()
    from keywright import app  # noqa: PLC0415 - it takes long to load, and the help should not

    try:
        before, after = asyncio.run(app.migrate(settings))
    except app.StartError as error:
        raise Failed(str(error), Exit.NO_SERVER) from None
    if output.as_json:
        output.json({"before": before, "after": after})
    elif not output.quiet:
        output.line(_told(before, after))


def _told(before: str | None, after: str) -> str:
    if before is None:
        return f"The database was empty; its schema is at {after} now."
    if before == after:
        return f"The schema is at {after} already."
    return f"The schema was at {before}; it is at {after} now."
