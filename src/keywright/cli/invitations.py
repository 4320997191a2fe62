"""`keywright invitations …`, and how an invitation is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers
from keywright.cli.asking import confirmed
from keywright.cli.choice import chosen
from keywright.cli.common import PRINTING, Command, LazyGroup
from keywright.cli.connection import chosen_url, connected, open_client, stdin_is_terminal, told
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.policies import roles_in_words
from keywright.cli.showing import show_page
from keywright.cli.times import relative
from keywright.cli.values import from_stdin
from keywright.client import Token

if TYPE_CHECKING:
    from keywright.client import Invited

_HERE = "keywright.cli.invitations"
_PLACES = {
    "list": (f"{_HERE}:list_invitations", "List invitations, the newest first."),
    "revoke": (f"{_HERE}:revoke", "Take an invitation back."),
    "accept": (f"{_HERE}:accept", "Accept an invitation, or set a new password by a link."),
}
_COLUMNS: Final = (
    Column("NAME", shrink=24),
    Column("ID"),
    Column("FOR", goes=3, shrink=24),
    Column("STATE", goes=4),
    Column("ROLES", goes=2),
    Column("EXPIRES", goes=1),
)
_OPTIONS: Final = {
    "token": "LINK",
    "login": "--login",
    "name": "--name",
    "password": "the password",
    "tenant": "--tenant",
    "limit": "--limit",
    "cursor": "--cursor",
}
_MAIL_PROBLEMS: Final = {
    "not_set_up": "no mail server is set up",
    "no_address": "no address is known",
    "unreachable": "the mail server did not answer in time",
    "not_secure": "the mail server's encryption is not to be trusted",
    "login_refused": "the mail server refused the server's login",
    "refused": "the mail server did not take it",
}


@click.command("invitations", cls=LazyGroup, places=_PLACES)
def invitations() -> None:
    """List invitations, take them back, and accept one. `keywright users invite` makes them.

    With --tenant '*' those to the whole installation are meant, and links for a new password.
    """


@click.command("list", cls=Command)
@paging_options
def list_invitations(all_pages: bool, **paging: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List invitations, the newest first. With --quiet only ids are printed."""
    with connected(_OPTIONS) as client:
        page = listing(client.invitations.page, paging, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page,
        _COLUMNS,
        lambda it: [
            it["name"],
            it["id"],
            it["email"] or it["login"] or "",
            it["state"],
            roles_in_words(it["memberships"]) if it["identity_id"] is None else "new password",
            relative(it["expires_at"], now),
        ],
        lambda it: str(it["id"]),
        "No invitations. Make one with `keywright users invite NAME`.",
    )


@click.command("revoke", cls=Command)
@click.argument("invitation_id", metavar="ID", shell_complete=offers.invitations)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def revoke(invitation_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Take an invitation back; its link is worth nothing from then on."""
    if not confirmed(f"Take back {invitation_id}?", yes=yes, nothing="Nothing was taken back."):
        return Exit.NO
    with connected(_OPTIONS) as client:
        client.invitations.revoke(invitation_id)
    output = Output()
    if output.as_json:
        output.json({"id": invitation_id, "revoked": True})
    elif not output.quiet:
        output.line(f"Took back {invitation_id}.")
    return Exit.OK


@click.command("accept", cls=Command, common=("url", "key", "profile", *PRINTING))
@click.option("--login", metavar="NAME", help="Login name to choose, where the invitation has none.")
@click.option("--name", metavar="TEXT", help="Name to be called by, in place of the invitation's.")
@click.option("--join", is_flag=True, help="Accept as who you are logged in as, with no new password.")
@click.option(
    "--stdin",
    "piped",
    is_flag=True,
    help="Read the link, or its token, and on a line of its own the password from standard input.",
)
def accept(login: str | None, name: str | None, join: bool, piped: bool) -> None:  # noqa: FBT001 - click passes by name
    """Accept an invitation, or set a new password by a link.

    The link and the password are asked for at the terminal; neither can be an argument, since others can see
    those. Nobody is logged in by it: go on with `keywright login`.
    """
    if join and (login is not None or name is not None):
        raise click.UsageError("With --join you stay who you are; leave --login and --name out.")
    chosen().keep_from_project("An invitation")
    token, password = _asked(piped=piped, join=join)
    if join:
        with connected(_OPTIONS) as client:
            accepted = client.invitations.join(token)
    else:
        with open_client(chosen_url(), None) as client, told(options=_OPTIONS):
            accepted = client.invitations.accept(token, password, login=login, name=name)
    _show_accepted(accepted)


def show_invited(made: Invited) -> None:
    """Show an invitation that was just made, with its link this once; with --quiet the link alone."""
    output = Output()
    if output.as_json:
        output.json(
            {
                "invitation": made.invitation,
                "token": None if made.token is None else made.token.reveal(),
                "link": made.link,
                "mailed": made.mailed,
                "mail_problem": made.mail_problem,
                "replayed": made.replayed,
            }
        )
        return
    if made.link is None:
        raise Failed(
            f"The invitation {made.invitation['id']} was made before, and its link cannot be shown again.",
            Exit.CONFLICT,
            f"Take it back with `keywright invitations revoke {made.invitation['id']}`, and make another.",
        )
    if output.quiet:
        click.echo(made.link)
        return
    it = made.invitation
    output.facts(
        [
            ("name", it["name"]),
            ("id", it["id"]),
            ("login", it["login"] or "to be chosen"),
            ("e-mail", it["email"]),
            ("tenant", it["tenant"] or "everywhere"),
            ("roles", roles_in_words(it["memberships"]) if it["memberships"] else None),
            ("expires", relative(it["expires_at"], datetime.now(UTC))),
            ("mailed", "yes" if made.mailed else f"no: {_why(made.mail_problem)}"),
            ("link", made.link),
        ]
    )
    output.line("")
    output.line("The link is shown this once and works once. Pass it on where only that person can read it.")


def _why(problem: str | None) -> str:
    return _MAIL_PROBLEMS.get(problem or "", problem or "unknown")


def _asked(*, piped: bool, join: bool) -> tuple[Token, str]:
    """Token and password, from standard input or from the person at the terminal."""
    if piped:
        first, _, rest = from_stdin("--stdin").partition("\n")
        return _token(first), rest
    if not stdin_is_terminal():
        raise Failed("There is no terminal to ask on; give link and password with --stdin.", Exit.USAGE)
    token = _token(click.prompt("Link", hide_input=True, err=True))
    if join:
        return token, ""
    return token, click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)


def _token(link: str) -> Token:
    """The token of a link, which stands after its `#`, or the token itself."""
    return Token(link.strip().rpartition("#")[2])


def _show_accepted(accepted: dict[str, Any]) -> None:
    output = Output()
    if output.as_json:
        output.json(accepted)
    elif output.quiet:
        output.line(accepted["login"])
    else:
        output.facts(
            [
                ("name", accepted["identity"]["name"]),
                ("login", accepted["login"]),
                ("id", accepted["identity"]["id"]),
                ("tenant", accepted["tenant"]),
                ("roles", roles_in_words(accepted["memberships"]) if accepted["memberships"] else None),
                ("held before", ", ".join(accepted["already_held"]) or None),
                ("not there any more", ", ".join(accepted["skipped"]) or None),
            ]
        )
        output.line("")
        output.line(f"Log in with `keywright login --user {accepted['login']}`.")
