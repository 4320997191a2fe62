"""`keywright agent install`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import Final

import click

from keywright.cli import offers
from keywright.cli.agent.start import DEFAULT_LISTEN
from keywright.cli.choice import choose
from keywright.cli.common import PRINTING, Command
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output

_UNIT_NAME: Final = re.compile(r"[A-Za-z0-9_.@-]{1,100}")
_GROUP_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")
_SYSTEM: Final = Path("/etc/systemd/system")
_UNIT: Final = """\
[Unit]
Description=Keywright agent: decides about API keys on this host
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
LoadCredential=key:{key_file}
{identity}RuntimeDirectory=keywright
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


@click.command("install", cls=Command, common=("url", "profile", *PRINTING))
@click.option(
    "--key-file",
    metavar="PATH",
    required=True,
    help="The file with the agent's key, for its owner alone.",
    shell_complete=offers.files,
)
@click.option(
    "--listen", metavar="ADDRESS", default=DEFAULT_LISTEN, show_default=True, help="As for `agent start`."
)
@click.option("--user", is_flag=True, help="For your own login, in place of the whole machine.")
@click.option(
    "--group", metavar="NAME", help="The group that may use the socket of --listen unix:PATH, besides root."
)
@click.option(
    "--name", "unit", metavar="NAME", default="keywright-agent", show_default=True, help="The unit's name."
)
@click.option("--print", "shown", is_flag=True, help="Print the unit, and write nothing.")
def install(
    key_file: str,
    listen: str,
    user: bool,  # noqa: FBT001 - click passes by name
    group: str | None,
    unit: str,
    shown: bool,  # noqa: FBT001 - as above
) -> None:
    """Write a systemd unit that runs the agent, and say how to start it.

    The key stays in its file, which systemd gives to the agent alone; it stands neither in the unit nor in the list of
    processes.
    """
    _require_names(unit, group, user=user)
    path = Path(key_file).absolute()
    if not path.is_file():
        raise Failed(
            f"There is no file {path}.", Exit.USAGE, "Put the agent's key into it first, and chmod 600 it."
        )
    text = _unit(path, listen, user=user, group=group)
    output = Output()
    if shown:
        for line in text.splitlines():
            output.line(line)
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


def _require_names(unit: str, group: str | None, *, user: bool) -> None:
    """Raise `Failed` for what cannot be the name of a unit, or of the group that its socket is for."""
    if not _UNIT_NAME.fullmatch(unit):
        raise Failed(f"--name: {unit} is no name of a unit.", Exit.USAGE)
    if group is not None and (user or not _GROUP_NAME.fullmatch(group)):
        reason = "goes without --user" if user else "is the name of a group"
        raise Failed(f"--group {reason}.", Exit.USAGE)


def _unit(key_file: Path, listen: str, *, user: bool, group: str | None) -> str:
    identity = "" if user else "DynamicUser=yes\n"
    if group is not None:
        identity += f"Group={group}\n"
    url = choose(project=False).url  # the unit has no working folder
    command = [str(Path(sys.argv[0]).absolute()), "agent", "start", "--url", url, "--listen", listen]
    return _UNIT.format(
        # %d is the folder in which systemd puts the credential, readable for this service alone.
        command=f"{_plain(shlex.join(command)).replace('$', '$$')} --key-file %d/key",
        key_file=_plain(str(key_file)),
        identity=identity,
        target="default.target" if user else "multi-user.target",
    )


def _plain(text: str) -> str:
    """A text in which systemd puts nothing in the place of anything, and that ends with its line."""
    if not text.isprintable():
        raise Failed("A path or an address holds a character that cannot stand in a unit.", Exit.USAGE)
    return text.replace("%", "%%")
