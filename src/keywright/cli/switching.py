"""`keywright switch-tenants`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keywright.cli.choice import chosen
from keywright.cli.common import EVERYWHERE, PRINTING, Command
from keywright.cli.config import keep_profile, other_server
from keywright.cli.connection import connected, stdin_is_terminal
from keywright.cli.exits import Exit, Failed
from keywright.cli.output import Column, Output
from keywright.cli.text import printable

if TYPE_CHECKING:
    from keywright.cli.choice import Choice

_COLUMNS = (Column(""), Column("SLUG"), Column("NAME", shrink=30))


@click.command("switch-tenants", cls=Command, common=("url", "key", "profile", *PRINTING))
@click.argument("tenant", required=False)
def switch_tenants(tenant: str | None) -> None:
    """Choose the tenant that calls are for, and keep it in the profile.

    Without a name it lists those that may be chosen, and asks at a terminal. `*` stands for the whole installation.
    """
    output, choice = Output(), chosen()
    named = choice.named
    if choice.url_steps[-1].place == "project":
        raise Failed(
            f"{printable(choice.url_steps[-1].where)} names the server here, and no profile does.",
            Exit.USAGE,
            "Choose a profile with --profile.",
        )
    if choice.applies is not named.profile:
        raise other_server(named.name, str(named.profile.url), choice.url)
    with connected() as client:
        offered = {one["slug"]: one["name"] for one in client.tenants.list()}
    wanted = tenant if tenant is not None else _asked(output, offered, choice.tenant())
    if wanted is None:
        return
    if wanted != EVERYWHERE and wanted not in offered:
        raise Failed(
            f"There is no tenant {printable(wanted)} that you may choose.",
            Exit.NOT_FOUND,
            "`keywright switch-tenants` lists those that you may.",
        )
    keep_profile(named.name, url=choice.url, tenant=wanted)
    if output.as_json:
        output.json({"profile": named.name, "url": choice.url, "tenant": wanted})
    elif not output.quiet:
        output.line(f"The profile {named.name} asks {choice.url} for {_in_words(wanted)}.")
    _tell_what_comes_before(choice)


def _asked(output: Output, offered: dict[str, str], current: str | None) -> str | None:
    """What the person chooses; None where they are listed for somebody who cannot be asked."""
    if output.as_json:
        items = [{"slug": slug, "name": name, "current": slug == current} for slug, name in offered.items()]
        output.json({"items": items})
        return None
    if output.quiet:
        for slug in offered:
            output.line(slug)
        return None
    if offered:
        rows = [["*" if slug == current else "", slug, name] for slug, name in offered.items()]
        output.table(_COLUMNS, rows)
    else:
        output.note("There is no tenant that you may choose.")
    if not offered or not stdin_is_terminal():
        return None
    wanted: str = click.prompt(
        "Tenant", default=current, type=click.Choice([*offered, EVERYWHERE]), show_choices=False, err=True
    )
    return wanted


def _in_words(tenant: str) -> str:
    return "the whole installation" if tenant == EVERYWHERE else f"the tenant {tenant}"


def _tell_what_comes_before(choice: Choice) -> None:
    """Say where another tenant stands that commands here go by before the profile's."""
    first = choice.tenant_steps()[-1]
    if first.place in {"environment", "project"}:
        click.echo(f"Here {printable(first.where)} comes before it.", err=True)
