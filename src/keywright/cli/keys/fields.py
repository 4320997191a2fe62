"""The options that say what a key is to be like, for `create` and `update` alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers, uses, values
from keywright.cli.times import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPTIONS: Final = {
    "name": "NAME",
    "description": "--description",
    "handle": "--handle",
    "expires_at": "--expires",
    "not_before": "--not-before",
    "scope": "--scope or --action",
    "allowed_cidrs": "--cidr",
    "metadata": "--metadata",
    "limits": "--limit",
    "credits": "--credits",
    "credits.refill": "--refill",
    "prefix": "--prefix",
    "token_hash": "--token-hash",
    "tenant": "--tenant",
    "identity_id": "--for",
    "memberships": "--role",
    "template": "--template",
}
"""By which option each field of a request was given."""

_DECLARED: Final = (
    click.option("--description", metavar="TEXT", help="What it is for."),
    click.option("--handle", metavar="WORD", help="A name for programs, unique in the tenant."),
    click.option(
        "--expires",
        "expires_at",
        type=Moment(),
        metavar="TIME",
        help="When it ends: RFC 3339, or from now such as 90d, 12h, 2w.",
    ),
    click.option("--not-before", type=Moment(), metavar="TIME", help="When it begins; as --expires."),
    click.option(
        "--action",
        "actions",
        multiple=True,
        help="What it may do, such as article:read; repeatable.",
        shell_complete=offers.actions,
    ),
    click.option(
        "--resource",
        "resources",
        multiple=True,
        help="To what it may do so, such as article:cs:**; repeatable.",
    ),
    click.option(
        "--scope",
        metavar="JSON|@FILE",
        help="All that it may do, as a list of policies, instead of --action.",
        shell_complete=offers.named_files,
    ),
    click.option(
        "--cidr", "cidrs", multiple=True, metavar="RANGE", help="From where it may be used; repeatable."
    ),
    click.option(
        "--metadata",
        multiple=True,
        metavar="JSON|@FILE|KEY=VALUE",
        help="Facts of your own; repeatable.",
        shell_complete=offers.named_files,
    ),
    click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar=uses.FORM,
        help="How often it may be used, such as burst=100/1s; repeatable.",
    ),
    click.option("--no-limits", is_flag=True, help="Take away the tenant's limits for such keys, too."),
    click.option("--credits", "remaining", type=int, metavar="NUMBER", help="How many uses it has left."),
    click.option(
        "--refill",
        metavar=uses.REFILL_FORM,
        help="Credits that it has anew every hour, day, week or month, such as 1000/day.",
    ),
)


def field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a key's fields."""
    for option in reversed(_DECLARED):
        command = option(command)
    return command


def given_fields(given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a request from the options of `field_options`, without those that were not given."""
    fields = {
        "description": given["description"],
        "handle": given["handle"],
        "expires_at": given["expires_at"],
        "not_before": given["not_before"],
        "scope": values.scope(given["scope"], given["actions"], given["resources"]),
        "allowed_cidrs": list(given["cidrs"]) or None,
        "metadata": values.metadata(given["metadata"]),
        "limits": _limits(given["limits"], none=given["no_limits"]),
        "credits": uses.given_credits(given["remaining"], given["refill"]),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _limits(texts: Sequence[str], *, none: bool) -> list[dict[str, Any]] | None:
    if none and texts:
        raise click.UsageError("Give either --limit or --no-limits.")
    return uses.given_limits(texts) if texts or none else None
