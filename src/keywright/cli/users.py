"""`keywright users …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers
from keywright.cli.asking import confirmed
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.invitations import show_invited
from keywright.cli.output import Column, Output
from keywright.cli.paging import listing, paging_options
from keywright.cli.policies import roles_in_words
from keywright.cli.receipts import no_wait, waits
from keywright.cli.showing import show_deleted, show_one, show_page
from keywright.cli.times import Span, relative
from keywright.cli.uses import FORM, changed_limits, given_limits, limits_in_words
from keywright.cli.values import from_stdin, given_role

_HERE = "keywright.cli.users"
_PLACES = {
    "list": (f"{_HERE}:list_users", "List the people with a role in the tenant."),
    "show": (f"{_HERE}:show", "Show a person."),
    "invite": (f"{_HERE}:invite", "Invite somebody."),
    "create": (f"{_HERE}:create", "Make a person."),
    "update": (f"{_HERE}:update", "Change a person's name, address or limits, disable or enable them."),
    "log-in": (f"{_HERE}:log_in", "Log a person in who holds no more than you."),
    "reset": (f"{_HERE}:reset", "Make a link by which a person sets a new password."),
    "remove": (f"{_HERE}:remove", "Take a person out of the tenant."),
    "delete": (f"{_HERE}:delete", "Delete a person everywhere, for good."),
}
_COLUMNS: Final = (
    Column("LOGIN", shrink=24),
    Column("NAME", shrink=24),
    Column("ID"),
    Column("ROLES", goes=4),
    Column("STATE", goes=3),
    Column("2FA", goes=2),
    Column("CREATED", goes=1),
)
_OPTIONS: Final = {
    "login": "LOGIN",
    "name": "NAME",
    "email": "--email",
    "password": "--password",
    "memberships": "--role",
    "limits": "--limit",
    "expires_in_days": "--days",
    "idle_seconds": "--idle",
    "longest_seconds": "--longest",
    "tenant": "--tenant",
    "limit": "--limit",
    "cursor": "--cursor",
}
_NEVER: Final = "9999-"
"""In which year ends what has no end."""
_days = click.option("--days", type=int, metavar="N", help="How long the link stands, 1 to 30. [default: 7]")
_again = click.option(
    "--idempotency-key",
    metavar="TEXT",
    help="Makes one, however often it is repeated within 24 hours.",
)
_limit = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar=FORM,
    help="A limit for all uses of the person's keys together, such as burst=100/1s; repeatable.",
)
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_user = click.argument("user_id", metavar="ID", shell_complete=offers.users)


@click.command("users", cls=LazyGroup, places=_PLACES)
def users() -> None:
    """Invite, list, change and delete people.

    With --tenant '*' everybody of the whole installation is meant.
    """


@click.command("list", cls=Command)
@click.option(
    "--login",
    metavar="NAME",
    help="Only who has this login name or e-mail address.",
    shell_complete=offers.logins,
)
@click.option(
    "--search",
    metavar="TEXT",
    help="Only by the beginning of a name, login name or e-mail address, or by the id.",
)
@paging_options
def list_users(all_pages: bool, **filters: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List the people with a role in the tenant, or with --tenant '*' all. With --quiet only ids are printed."""
    with connected({**_OPTIONS, "login": "--login", "search": "--search"}) as client:
        page = listing(client.users.page, filters, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page,
        _COLUMNS,
        lambda it: [
            it["login"],
            it["name"],
            it["id"],
            roles_in_words(it["memberships"]),
            _state(it),
            "yes" if it["two_factor"] else "no",
            relative(it["created_at"], now),
        ],
        lambda it: str(it["id"]),
        "Nobody. Invite somebody with `keywright users invite NAME --role ROLE`.",
    )


@click.command("show", cls=Command)
@_user
def show(user_id: str) -> None:
    """Show a person, with the roles in the tenant."""
    with connected(_OPTIONS) as client:
        found = client.users.get(user_id)
    _show(found)


@click.command("invite", cls=Command)
@click.argument("name")
@click.option("--login", metavar="NAME", help="Login name. [default: the person chooses it]")
@click.option("--email", metavar="ADDRESS", help="Where the link is sent, if a mail server is set up.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[:VARIABLE=VALUE,...]",
    help="A role for the person, such as member or editor:language=cs,en; repeatable.",
    shell_complete=offers.roles,
)
@_days
@_again
def invite(
    name: str,
    login: str | None,
    email: str | None,
    roles: tuple[str, ...],
    days: int | None,
    idempotency_key: str | None,
) -> None:
    """Invite somebody to roles of which you hold everything yourself, and print the link this once.

    With --quiet the link alone is printed.
    """
    fields: dict[str, Any] = {"login": login, "email": email, "expires_in_days": days}
    fields = {key: value for key, value in fields.items() if value is not None}
    given = [given_role(one, "--role") for one in roles]
    with connected({**_OPTIONS, "login": "--login"}) as client:
        made = client.users.invite(name, memberships=given, idempotency_key=idempotency_key, **fields)
    show_invited(made)


def _only_stdin(_ctx: click.Context, _param: click.Parameter, value: str | None) -> bool:
    """Whether the password comes by standard input, which is all that may be said of it in an argument."""
    if value not in {None, "-"}:
        raise click.UsageError(
            "A password is never an argument, since others can see those. Use --password - to read it from "
            "standard input."
        )
    return value is not None


@click.command("create", cls=Command)
@click.argument("login")
@click.argument("name")
@click.option("--email", metavar="ADDRESS", help="An address to log in with, too.")
@click.option(
    "--password",
    "piped",
    metavar="-",
    callback=_only_stdin,
    help="Read the password from standard input; only - is taken.",
)
@_limit
@_again
def create(
    login: str,
    name: str,
    email: str | None,
    piped: bool,  # noqa: FBT001 - click passes by name
    limits: tuple[str, ...],
    idempotency_key: str | None,
) -> None:
    """Make a person, who holds no role yet. For scripts; people are better invited.

    Without a password the person comes in by a reset link, or by single sign-on.
    """
    password = from_stdin("--password") if piped else None
    with connected(_OPTIONS) as client:
        made = client.users.create(
            login,
            name,
            email=email,
            password=password,
            limits=given_limits(limits),
            idempotency_key=idempotency_key,
        )
    _show(made)


@click.command("update", cls=Command)
@_user
@click.option("--name", metavar="TEXT", help="Another name.")
@click.option("--email", metavar="ADDRESS", help="Another address; an empty text clears it.")
@click.option("--enable/--disable", "active", default=None, help="Let the person log in, or not.")
@_limit
@click.option("--clear", multiple=True, type=click.Choice(["limit"]), help="Take all limits away.")
@no_wait
def update(user_id: str, limits: tuple[str, ...], clear: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - click's own
    """Change a person's name, address or limits, disable or enable them; what is not given stays as it is."""
    given["limits"] = changed_limits(limits, cleared=bool(clear))
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to change.")
    if changes.get("email") == "":
        changes["email"] = None
    with connected({**_OPTIONS, "name": "--name"}) as client:
        changed = client.users.update(user_id, wait=waits(), **changes)
    _show(changed)


@click.command("reset", cls=Command)
@_user
@click.option("--factors", is_flag=True, help="Take the second factors away when the link is used.")
@_days
@_again
def reset(user_id: str, factors: bool, days: int | None, idempotency_key: str | None) -> None:  # noqa: FBT001 - click passes by name
    """Make a link by which a person sets a new password, and print it this once.

    Nothing changes before the link is used, and then all sessions of the person end. Earlier links are worth
    nothing any more. With --quiet the link alone is printed.
    """
    more = {} if days is None else {"expires_in_days": days}
    with connected(_OPTIONS) as client:
        made = client.users.reset(user_id, factors=factors, idempotency_key=idempotency_key, **more)
    show_invited(made)


def _until(ctx: click.Context, param: click.Parameter, value: str | None) -> int | str | None:
    """A span in seconds, or `never`."""
    return value if value in {None, "never"} else Span().convert(value, param, ctx)


@click.command("log-in", cls=Command)
@_user
@click.option(
    "--idle",
    "idle_seconds",
    metavar="SPAN|never",
    callback=_until,
    help="How long the session lives without use, such as 30m. [default: the server's]",
)
@click.option(
    "--longest",
    "longest_seconds",
    metavar="SPAN|never",
    callback=_until,
    help="How long it lives in any case, such as 30d. [default: the server's]",
)
def log_in(user_id: str, **spans: int | str | None) -> None:
    """Log a person in who holds no more than you.

    The person shows nothing for it. The session's token is printed this once, and alone with --quiet.
    """
    length: Any = {name: None if one == "never" else one for name, one in spans.items() if one is not None}
    with connected(_OPTIONS) as client:
        made = client.users.log_in(user_id, **length)
    output = Output()
    token = made.token.reveal()
    if output.as_json:
        output.json({"id": made.id, "token": token, "identity": made.identity, "expires_at": made.expires_at})
        return
    if output.quiet:
        click.echo(token)
        return
    endless = made.expires_at.startswith(_NEVER)
    ends = relative(None if endless else made.expires_at, datetime.now(UTC))
    output.facts([("name", made.identity["name"]), ("id", made.id), ("ends", ends), ("token", token)])
    output.line("")
    output.line("The token is shown this once. Pass it on where only that person can read it.")


@click.command("remove", cls=Command)
@_user
@_yes
@no_wait
def remove(user_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Take a person out of the tenant, with the roles and keys there; elsewhere they stay what they are."""
    question = f"Take {user_id} out of the tenant, with roles and keys?"
    if not confirmed(question, yes=yes, nothing="Nobody was removed."):
        return Exit.NO
    with connected(_OPTIONS) as client:
        receipt = client.users.remove(user_id, wait=waits())
    show_deleted(user_id, receipt=receipt, verb="removed")
    return Exit.OK


@click.command("delete", cls=Command)
@_user
@_yes
@no_wait
def delete(user_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Delete a person everywhere, for good, with all their keys."""
    if not confirmed(f"Delete {user_id} everywhere, with all their keys?", yes=yes):
        return Exit.NO
    with connected(_OPTIONS) as client:
        receipt = client.users.delete(user_id, wait=waits())
    show_deleted(user_id, receipt=receipt)
    return Exit.OK


def _state(user: dict[str, Any]) -> str:
    return "active" if user["active"] else "disabled"


def _show(user: dict[str, Any]) -> None:
    show_one(
        user,
        user["id"],
        [
            ("login", user["login"]),
            ("name", user["name"]),
            ("e-mail", user["email"]),
            ("id", user["id"]),
            ("roles", roles_in_words(user["memberships"])),
            ("limits", limits_in_words(user["limits"] or None)),
            ("state", _state(user)),
            ("two factors", "yes" if user["two_factor"] else "no"),
            ("password", "generated, to be changed" if user["password_change_due"] else None),
            ("created", relative(user["created_at"], datetime.now(UTC))),
        ],
    )
