"""`keywright agent start`."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from keywright.cli import offers
from keywright.cli.choice import choose
from keywright.cli.common import Command, in_environment
from keywright.cli.exits import Exit, Failed
from keywright.cli.values import from_stdin

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_LISTEN: Final = "127.0.0.1:8301"
_NO_KEY: Final = "The agent needs a key with the permissions nodes:run and keys:verify."
_HOW: Final = "Give it by --key-file, by KEYWRIGHT_API_KEY, or with `-t -` on standard input."


@click.command("start", cls=Command, common=("url", "profile"))
@click.option(
    "-t", "--token", metavar="KEY", help="Its key; - reads it from standard input. [KEYWRIGHT_API_KEY]"
)
@click.option(
    "--key-file",
    metavar="PATH",
    help="A file with its key, which nobody else may read.",
    shell_complete=offers.files,
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    default=DEFAULT_LISTEN,
    show_default=True,
    help="HOST:PORT, or unix:PATH for a socket that only its owner and group can use.",
)
@click.option("--name", metavar="TEXT", help="What it is called among the nodes. [default: the host's name]")
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="CIDR",
    help="A gateway whose word counts for where a request comes from and what it asks; repeatable.",
)
@click.option(
    "--cache-entries", type=click.IntRange(1), default=100_000, show_default=True, help="Keys it remembers."
)
@click.option(
    "--cache-megabytes", type=click.IntRange(1), default=256, show_default=True, help="Memory for them."
)
@click.option(
    "--log-format", type=click.Choice(["auto", "console", "json"]), default="auto", show_default=True
)
def start(
    token: str | None,
    key_file: str | None,
    listen: str,
    name: str | None,
    proxies: Sequence[str],
    cache_entries: int,
    cache_megabytes: int,
    log_format: str,
) -> None:
    """Decide about keys on this host, from memory.

    It follows what changes at the server, and answers `POST /v1/verify` and `/v1/authorize` as the server does, to
    whoever can reach it, and asks them for no credential of their own. It is a node like the server's own: once a
    revocation has returned, it refuses the key. When its own key is revoked, it decides nothing any more and exits with
    code 4; it has to be started with a new one.
    """
    # It stays when the folder is left, and its key is for no server that a project names.
    url = choose(project=False).url
    key = _key(token, key_file)
    from keywright.app.agent import AgentSettings  # noqa: PLC0415 - the server takes long to load
    from keywright.cli.agent.running import serve  # noqa: PLC0415 - as above

    settings = AgentSettings(
        url=url,
        token=key,
        name=name or socket.gethostname(),
        trusted_proxies=[_network(one) for one in proxies],
        cache_entries=cache_entries,
        cache_megabytes=cache_megabytes,
    )
    serve(settings, listen, log_format)


def _key(token: str | None, key_file: str | None) -> str:
    if token is not None and key_file is not None:
        raise Failed("Give either --token or --key-file.", Exit.USAGE)
    if token is not None:
        dash = token
        return from_stdin("--token") if dash == "-" else token
    if key_file is not None:
        return _from_file(Path(key_file))
    found = in_environment("KEYWRIGHT_API_KEY")
    if found is None:
        raise Failed(_NO_KEY, Exit.NOT_AUTHENTICATED, _HOW)
    return found


def _from_file(path: Path) -> str:
    """The key in a file; one that others may read is refused, as it is one no longer.

    For one that systemd has put down for this service alone it shows a group, which stands for an access list.
    """
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        if path.stat().st_mode & 0o077 and (given is None or path.parent != Path(given)):
            raise Failed(f"Others may read {path}.", Exit.USAGE, f"Keep it to yourself: chmod 600 {path}")
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Failed(f"The key cannot be read from {path}: {reason}.", Exit.USAGE) from None
    if not text:
        raise Failed(f"There is no key in {path}.", Exit.USAGE)
    return text


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise Failed(f"--trusted-proxy: {text} is no network, such as 10.0.0.0/8.", Exit.USAGE) from None
