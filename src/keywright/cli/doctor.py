"""`keywright doctor`."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import click

from keywright.cli.common import Command, given
from keywright.cli.connection import chosen_credential, chosen_url, open_client
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Column, Output
from keywright.cli.server_options import setting_options, settings_from
from keywright.client import Client, ClientError

_COLUMNS: Final = (Column("CHECK"), Column("STATE"), Column("DETAIL", wrap=True))


class Check(NamedTuple):
    """What was looked at, whether it is well, and a sentence about it."""

    name: str
    ok: bool
    detail: str


@click.command("doctor", cls=Command)
@setting_options
def doctor(**flags: Any) -> int:  # noqa: ANN401 - click's own
    """Find what keeps a server from working, changing nothing.

    Without --url it looks at what a server would meet on this machine: settings, data folder, database,
    schema, clock. With --url it asks a running server instead: whether it is alive, whether it can decide,
    its version, and whether it accepts your credential. The exit code is 1 when something is wrong.
    """
    output = Output()
    if given("url") and any(value is not None for value in flags.values()):
        raise click.UsageError("Give either --url or settings of this machine.")
    checks = _of_server() if given("url") else _of_machine(flags)
    well = all(check.ok for check in checks)
    if output.as_json:
        output.json({"ok": well, "findings": [check._asdict() for check in checks]})
    elif not output.quiet:
        rows = [[check.name, "ok" if check.ok else "fails", check.detail] for check in checks]
        output.table(_COLUMNS, rows)
    return Exit.OK if well else Exit.NO


def _of_machine(flags: dict[str, Any]) -> list[Check]:
    """What a server with these settings would meet here."""
    try:
        settings = settings_from(flags)
    except Failed as failed:
        return [Check("settings", ok=False, detail=failed.message)]
    from keywright.app import diagnose  # noqa: PLC0415 - it takes long to load, and the help should not

    found = asyncio.run(diagnose(settings))
    return [
        Check("settings", ok=True, detail="They can be used."),
        *(Check(one.name, one.ok, one.detail) for one in found),
    ]


def _of_server() -> list[Check]:
    """What a running server says of itself."""
    url = chosen_url()
    credential = chosen_credential()
    with open_client(url, credential) as client:
        try:
            client.alive()
        except ClientError as error:
            return [Check("alive", ok=False, detail=str(error))]
        checks = [Check("alive", ok=True, detail=f"{url} answers."), *_answers(client)]
        if credential is None:
            return checks
        try:
            name = client.whoami()["identity"]["name"]
            return [*checks, Check("credential", ok=True, detail=f"It is accepted, as {name}.")]
        except ClientError as error:
            return [*checks, Check("credential", ok=False, detail=str(error))]


def _answers(client: Client) -> list[Check]:
    try:
        ready = client.ready()
        detail = "It can decide." if ready.ready else f"It cannot decide: {ready.status}."
        return [
            Check("ready", ready.ready, detail),
            Check("version", ok=True, detail=f"It runs Keywright {client.version()}."),
        ]
    except ClientError as error:
        return [Check("version", ok=False, detail=str(error))]
