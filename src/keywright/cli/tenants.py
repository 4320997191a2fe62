"""`keywright tenants …`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import click

from keywright.cli import offers
from keywright.cli.asking import confirmed
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Column
from keywright.cli.paging import listing, paging_options
from keywright.cli.receipts import no_wait, waits
from keywright.cli.showing import show_deleted, show_one, show_page
from keywright.cli.times import Span, in_words, relative
from keywright.cli.uses import FORM, given_limits, limits_in_words

_HERE = "keywright.cli.tenants"
_PLACES = {
    "create": (f"{_HERE}:create", "Make a tenant."),
    "list": (f"{_HERE}:list_tenants", "List the tenants that you may see."),
    "show": (f"{_HERE}:show", "Show a tenant."),
    "update": (f"{_HERE}:update", "Rename, set up, disable or enable a tenant."),
    "delete": (f"{_HERE}:delete", "Delete a tenant with everybody and everything in it."),
}
_COLUMNS: Final = (
    Column("SLUG"),
    Column("NAME", shrink=24),
    Column("ID", goes=2),
    Column("STATE", goes=3),
    Column("CREATED", goes=1),
)
_OPTIONS: Final = {
    "slug": "--slug",
    "name": "--name",
    "active": "--enable or --disable",
    "settings.key_prefix": "--key-prefix",
    "settings.max_key_lifetime_seconds": "--max-key-lifetime",
    "settings.default_limits": "--default-limit",
    "settings.limits": "--limit",
}
_CLEARED: Final[dict[str, tuple[str, Any]]] = {
    "key-prefix": ("key_prefix", None),
    "max-key-lifetime": ("max_key_lifetime_seconds", None),
    "default-limit": ("default_limits", []),
    "limit": ("limits", []),
}
_SPAN: Final = Span()


@click.command("tenants", cls=LazyGroup, places=_PLACES)
def tenants() -> None:
    """Make, list, change and delete tenants."""


@click.command("create", cls=Command)
@click.argument("slug")
@click.option("--name", help="Its name for people. [default: the slug]")
@no_wait
def create(slug: str, name: str | None) -> None:
    """Make a tenant. SLUG is its name in headers and options: lower-case letters, digits, _ and -."""
    with connected({"slug": "SLUG", "name": "--name"}) as client:
        made = client.tenants.create(slug, name, wait=waits())
    _show(made)


@click.command("show", cls=Command)
@click.argument("slug", shell_complete=offers.tenants)
def show(slug: str) -> None:
    """Show a tenant."""
    with connected() as client:
        found = client.tenants.get(slug)
    _show(found)


@click.command("list", cls=Command)
@paging_options
def list_tenants(all_pages: bool, **paging: Any) -> None:  # noqa: ANN401, FBT001 - click passes by name
    """List the tenants that you may see. With --quiet only their slugs are printed."""
    with connected({"limit": "--limit", "cursor": "--cursor"}) as client:
        page = listing(client.tenants.page, paging, all_pages=all_pages)
    now = datetime.now(UTC)
    show_page(
        page,
        _COLUMNS,
        lambda it: [it["slug"], it["name"], it["id"], _state(it), relative(it["created_at"], now)],
        lambda it: str(it["slug"]),
        "There is no tenant that you may see.",
    )


@click.command("update", cls=Command)
@click.argument("slug", shell_complete=offers.tenants)
@click.option("--slug", "new_slug", metavar="WORD", help="Another slug.")
@click.option("--name", metavar="TEXT", help="Another name.")
@click.option("--enable/--disable", "active", default=None, help="Open it, or close it to all its members.")
@click.option("--key-prefix", metavar="WORD", help="The prefix of new tokens.")
@click.option(
    "--max-key-lifetime",
    "max_key_lifetime_seconds",
    type=_SPAN,
    metavar="SPAN",
    help="The longest that a new key may live, such as 90d.",
)
@click.option(
    "--keys-must-expire/--keys-may-stay", default=None, help="Refuse keys without an end, or allow them."
)
@click.option(
    "--two-factor/--no-two-factor",
    "two_factor_required",
    default=None,
    help="Close it to logins without a second factor, or open it to them.",
)
@click.option(
    "--default-limit",
    "default_limits",
    multiple=True,
    metavar=FORM,
    help="A limit for each key that has none of its own, such as burst=100/1s; repeatable.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar=FORM,
    help="A limit for all uses in the tenant together, such as burst=1000/1s; repeatable.",
)
@click.option(
    "--clear", multiple=True, type=click.Choice(list(_CLEARED)), help="Empty this setting; repeatable."
)
@no_wait
def update(
    slug: str,
    new_slug: str | None,
    name: str | None,
    active: bool | None,  # noqa: FBT001 - click passes by name
    default_limits: tuple[str, ...],
    limits: tuple[str, ...],
    clear: tuple[str, ...],
    **given: Any,  # noqa: ANN401 - click's own
) -> None:
    """Rename, set up, disable or enable a tenant; what is not given stays as it is."""
    settings = {word: value for word, value in given.items() if value is not None}
    if default_limits:
        settings["default_limits"] = given_limits(default_limits, "--default-limit")
    if limits:
        settings["limits"] = given_limits(limits)
    for word in clear:
        field, empty = _CLEARED[word]
        if field in settings:
            raise click.UsageError(f"--clear {word} goes against another option.")
        settings[field] = empty
    fields: dict[str, Any] = {"slug": new_slug, "name": name, "active": active, "settings": settings or None}
    changes = {field: value for field, value in fields.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to change.")
    with connected(_OPTIONS) as client:
        changed = client.tenants.update(slug, wait=waits(), **changes)
    _show(changed)


@click.command("delete", cls=Command)
@click.argument("slug", shell_complete=offers.tenants)
@click.option("--force", is_flag=True, help="Delete its keys too.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@no_wait
def delete(slug: str, force: bool, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Delete a tenant with everybody and everything in it, for good. It is refused while it has keys."""
    keys = ", with all its keys" if force else ""
    if not confirmed(f"Delete the tenant {slug} with everything in it{keys}?", yes=yes):
        return Exit.NO
    with connected() as client:
        receipt = client.tenants.delete(slug, force=force, wait=waits())
    show_deleted(slug, "slug", receipt)
    return Exit.OK


def _state(tenant: dict[str, Any]) -> str:
    return "active" if tenant["active"] else "disabled"


def _show(tenant: dict[str, Any]) -> None:
    settings = tenant["settings"]
    longest = settings["max_key_lifetime_seconds"]
    show_one(
        tenant,
        tenant["slug"],
        [
            ("slug", tenant["slug"]),
            ("name", tenant["name"]),
            ("id", tenant["id"]),
            ("state", _state(tenant)),
            ("created", relative(tenant["created_at"], datetime.now(UTC))),
            ("key prefix", settings["key_prefix"]),
            ("keys live at most", None if longest is None else in_words(longest)),
            ("keys must expire", "yes" if settings["keys_must_expire"] else None),
            ("second factor", "required" if settings["two_factor_required"] else None),
            ("default limits", limits_in_words(settings["default_limits"] or None)),
            ("limits of all", limits_in_words(settings["limits"] or None)),
        ],
    )
