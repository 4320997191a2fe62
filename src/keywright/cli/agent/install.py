"""`keywright agent install`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

import click

from keywright.cli.agent.start import DEFAULT_LISTEN
from keywright.cli.common import Command
from keywright.cli.connection import chosen_url
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output

_SYSTEM: Final = Path("/etc/systemd/system")
_UNIT: Final = """\
[Unit]
Description=Keywright agent: decides about API keys on this host
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
LoadCredential=key:{key_file}
{identity}
Restart=on-failure
RestartSec=2
# Its key is no good any more: it has to be started with a new one.
RestartPreventExitStatus=4 5
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=read-only
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy={target}
"""


@click.command("install", cls=Command, common=("url", "json", "quiet", "no_color"))
@click.option(
    "--key-file", metavar="PATH", required=True, help="The file with the agent's key, for its owner alone."
)
@click.option(
    "--listen", metavar="ADDRESS", default=DEFAULT_LISTEN, show_default=True, help="As for `agent start`."
)
@click.option("--user", is_flag=True, help="For your own login, in place of the whole machine.")
@click.option(
    "--name", "unit", metavar="NAME", default="keywright-agent", show_default=True, help="The unit's name."
)
@click.option("--print", "shown", is_flag=True, help="Print the unit, and write nothing.")
def install(key_file: str, listen: str, user: bool, unit: str, shown: bool) -> None:  # noqa: FBT001 - click passes by name
    """Write a systemd unit that runs the agent, and say how to start it.

    The key stays in its file, which systemd gives to the agent alone; it stands neither in the unit nor in the list of
    processes.
    """
    path = Path(key_file).absolute()
    if not path.is_file():
        raise Failed(
            f"There is no file {path}.", Exit.USAGE, "Put the agent's key into it first, and chmod 600 it."
        )
    text = _unit(path, listen, user=user)
    output = Output()
    if shown:
        output.line(text.rstrip())
        return
    folder = (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"
        if user
        else _SYSTEM
    )
    target = folder / f"{unit}.service"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    except OSError as error:
        hint = "Run it as root, or with --user."
        raise Failed(f"{target} cannot be written: {error.strerror}.", Exit.DENIED, hint) from None
    scope = " --user" if user else ""
    start = [f"systemctl{scope} daemon-reload", f"systemctl{scope} enable --now {unit}"]
    if output.as_json:
        output.json({"unit": str(target), "start": start})
    elif output.quiet:
        output.line(str(target))
    else:
        output.line(f"Written to {target}. Start it with:")
        for line in start:
            output.line(f"  {line}")


def _unit(key_file: Path, listen: str, *, user: bool) -> str:
    command = [str(Path(sys.argv[0]).absolute()), "agent", "start", "--url", chosen_url(), "--listen", listen]
    return _UNIT.format(
        # %d is the folder in which systemd puts the credential, readable for this service alone.
        command=f"{shlex.join(command).replace('%', '%%')} --key-file %d/key",
        key_file=str(key_file).replace("%", "%%"),
        identity="RuntimeDirectory=keywright" if user else "DynamicUser=yes\nRuntimeDirectory=keywright",
        target="default.target" if user else "multi-user.target",
    )
