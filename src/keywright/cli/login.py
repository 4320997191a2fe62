"""`keywright login`, `logout` and `whoami`."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import proofs
from keywright.cli.common import PRINTING, Command
from keywright.cli.connection import (
    Credential,
    chosen_url,
    open_client,
    required_credential,
    told,
)
from keywright.cli.credentials import Credentials, SavedSession
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Output
from keywright.cli.policies import roles_in_words
from keywright.cli.times import relative
from keywright.client import ClientError, Unauthenticated

if TYPE_CHECKING:
    from keywright.client import LoggedIn

_FOUND = {
    "flag": "--key",
    "environment": "KEYWRIGHT_API_KEY",
    "login": "`keywright login`",
}


@click.command("login", cls=Command, common=("url", *PRINTING))
@click.option("--user", metavar="NAME", help="Name to log in as. [default: asked for, or admin]")
@click.option(
    "--password",
    "piped",
    metavar="-",
    callback=proofs.only_stdin,
    help="Read the password from standard input; only - is taken.",
)
@click.option("--code", metavar="CODE", help=proofs.CODE_HELP)
@click.option("--print-token", is_flag=True, help="Print the session token alone, and save nothing.")
@click.option("--sso", is_flag=True, help="Log in through the server's identity provider, in a browser.")
@click.option("--no-browser", is_flag=True, help="With --sso, show the address to open, and open nothing.")
def login(
    user: str | None,
    piped: bool,  # noqa: FBT001 - click passes by name
    code: str | None,
    print_token: bool,  # noqa: FBT001 - as above
    sso: bool,  # noqa: FBT001 - as above
    no_browser: bool,  # noqa: FBT001 - as above
) -> None:
    """Log in to a server, and stay so.

    The session is saved for the server's address, in a file that only you can read, and used by the other
    commands until it ends or `keywright logout` ends it.
    """
    output = Output()
    if print_token and output.as_json:
        raise click.UsageError("Give either --print-token or --json.")
    if no_browser and not sso:
        raise click.UsageError("--no-browser goes with --sso.")
    if sso and (user is not None or piped or code is not None):
        raise click.UsageError("With --sso, the identity provider asks for name and password.")
    url = chosen_url()
    if sso:
        from keywright.cli.sso import sign_on  # noqa: PLC0415 - its server takes long to load

        made = sign_on(url, browser=not no_browser)
        name = made.identity["name"]
    else:
        name, secret = _asked(user, piped=piped)
        with open_client(url, None) as client, told():
            made = proofs.with_code(lambda factor: client.log_in(name, secret, **factor), code)
    if print_token:
        click.echo(made.token.reveal())
        return
    _save(url, name, made)
    if output.as_json:
        output.json({"url": url, "identity": made.identity, "expires_at": made.expires_at})
    elif not output.quiet:
        ends = relative(made.expires_at, datetime.now(UTC))
        output.line(f"Logged in to {url} as {made.identity['name']}. The login ends {ends} at the latest.")


def _asked(user: str | None, *, piped: bool) -> tuple[str, str]:
    """Name and password, from the options or from the person at the terminal."""
    if piped:
        return user or "admin", proofs.password(piped=True)
    proofs.require_terminal()
    name = user or click.prompt("User", default="admin", err=True)
    return name, proofs.password(piped=False)


def _save(url: str, name: str, made: LoggedIn) -> None:
    """Save a session, and end the one that it replaces."""
    try:
        before = Credentials().put(url, SavedSession(made.token, name, made.expires_at))
    except Failed:
        _end(url, Credential(made.token, "login"))
        raise
    if before is not None:
        _end(url, Credential(before.token, "login"))


def _end(url: str, credential: Credential) -> None:
    """End a session that nobody will use; where that does not work, it ends by itself."""
    with contextlib.suppress(ClientError), open_client(url, credential) as client:
        client.log_out()


@click.command("logout", cls=Command, common=("url", *PRINTING))
def logout() -> None:
    """End the login, on the server and in the file."""
    output = Output()
    url = chosen_url()
    kept = Credentials()
    saved = kept.get(url)
    if saved is None:
        raise Failed(f"You are not logged in to {url}.", Exit.NOT_AUTHENTICATED)
    with (
        open_client(url, Credential(saved.token, "login")) as client,
        told(),
        contextlib.suppress(Unauthenticated),
    ):
        client.log_out()  # refused where the session has ended already
    kept.remove(url)
    if output.as_json:
        output.json({"url": url})
    elif not output.quiet:
        output.line(f"Logged out of {url}.")


@click.command("whoami", cls=Command)
def whoami() -> None:
    """Show who the server takes you for."""
    output = Output()
    url = chosen_url()
    credential = required_credential(url)
    with open_client(url, credential) as client, told(credential):
        holder = client.whoami()
    if output.as_json:
        output.json(holder)
    elif output.quiet:
        output.line(holder["identity"]["name"])
    else:
        output.facts(_facts(holder, url, credential))


def _facts(holder: dict[str, Any], url: str, credential: Credential) -> list[tuple[str, str | None]]:
    key = holder["key"]
    return [
        ("name", holder["identity"]["name"]),
        ("kind", holder["identity"]["kind"]),
        ("id", holder["identity"]["id"]),
        ("server", url),
        ("credential", f"{holder['credential']}, from {_FOUND[credential.found]}"),
        ("key", None if key is None else f"{key['name']} ({key['id']})"),
        ("tenant", holder["tenant"]),
        ("roles", roles_in_words(holder["roles"])),
        ("expires", relative(holder["expires_at"], datetime.now(UTC))),
    ]
