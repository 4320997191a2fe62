"""`keywright sessions …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers, proofs
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.showing import show_page
from keywright.cli.times import relative

_HERE = "keywright.cli.sessions"
_PLACES = {
    "list": (f"{_HERE}:list_sessions", "List your logins."),
    "end": (f"{_HERE}:end", "End one of your logins."),
    "end-others": (f"{_HERE}:end_others", "End all your logins but this one."),
    "confirm": (f"{_HERE}:confirm", "Show again who you are, for what needs a recent login."),
}
_COLUMNS: Final = (
    Column("ID"),
    Column("THIS ONE", goes=3),
    Column("LOGGED IN", goes=5),
    Column("LAST USED", goes=2),
    Column("FROM", goes=1),
    Column("SHOWN", goes=4),
)
_OPTIONS: Final = {"limit": "--limit", "cursor": "--cursor", "password": "--password", "code": "--code"}


@click.group("sessions", cls=LazyGroup, places=_PLACES)
def sessions() -> None:
    """See, end and confirm your logins."""


@click.command("list", cls=Command)
@paging_options
def list_sessions(all_pages: bool, **given: Any) -> None:  # noqa: ANN401, FBT001 - click's own, passed by name
    """List your logins, the newest first. With --quiet only their ids are printed."""
    with connected(_OPTIONS) as client:
        page = listing(client.sessions.page, given, all_pages=all_pages)
    show_page(page, _COLUMNS, _row, lambda it: str(it["id"]), "There are no logins.")


@click.command("end", cls=Command)
@click.argument("session_id", metavar="ID", shell_complete=offers.sessions)
def end(session_id: str) -> None:
    """End one of your logins."""
    with connected(_OPTIONS) as client:
        client.sessions.end(session_id)
    output = Output()
    if output.as_json:
        output.json({"id": session_id, "ended": True})
    elif not output.quiet:
        output.line(f"Ended {session_id}.")


@click.command("end-others", cls=Command)
def end_others() -> None:
    """End all your logins but this one."""
    with connected(_OPTIONS) as client:
        ended = client.sessions.end_others()
    show_ended(ended)


@click.command("confirm", cls=Command)
@click.option(
    "--password",
    "piped",
    metavar="-",
    callback=proofs.only_stdin,
    help="Read the password from standard input; only - is taken.",
)
@click.option("--code", metavar="CODE", help=proofs.CODE_HELP)
def confirm(piped: bool, code: str | None) -> None:  # noqa: FBT001 - click passes by name
    """Show again who you are, for what needs a recent login. It is open for ten minutes then."""
    with connected(_OPTIONS) as client:
        secret = proofs.password(piped=piped)
        session = proofs.with_code(lambda factor: client.sessions.confirm(secret, **factor), code)
    output = Output()
    if output.as_json:
        output.json(session)
    elif not output.quiet:
        output.line("Confirmed. What needs a recent login is open for ten minutes.")


def show_ended(ended: int) -> None:
    """Say how many logins ended."""
    output = Output()
    if output.as_json:
        output.json({"ended": ended})
    elif not output.quiet:
        output.line(f"Ended {ended} other {'login' if ended == 1 else 'logins'}.")


def _row(session: dict[str, Any]) -> list[str]:
    now = datetime.now(UTC)
    return [
        session["id"],
        "yes" if session["current"] else "",
        relative(session["created_at"], now) or "",
        relative(session["seen_at"], now) or "",
        session["created_ip"] or "",
        ", ".join(session["proofs"]),
    ]
