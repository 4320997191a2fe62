"""`keywright profiles`: the profiles of the user's `config.toml`."""

from __future__ import annotations

import click

from keywright.cli.asking import confirmed
from keywright.cli.common import DEFAULT_URL, PRINTING, Command, LazyGroup, complete_profile
from keywright.cli.config import DEFAULT_PROFILE, Profile, read_config, remove_profile, use_profile
from keywright.cli.credentials import Credentials, place_of
from keywright.cli.exits import Exit, Failed
from keywright.cli.kept import end
from keywright.cli.output import Column, Output
from keywright.cli.text import printable

_COLUMNS = (
    Column("NAME"),
    Column("SERVER", shrink=30),
    Column("TENANT", goes=2),
    Column("CREDENTIAL", goes=1),
    Column("DEFAULT", goes=3),
)

_HERE = "keywright.cli.profiles"
_PLACES = {
    "list": (f"{_HERE}:list_profiles", "List the profiles."),
    "use": (f"{_HERE}:use", "Make a profile the default."),
    "remove": (f"{_HERE}:remove", "Forget a profile with a key that stands in it, and end its login."),
}


@click.group("profiles", cls=LazyGroup, places=_PLACES)
def profiles() -> None:
    """List profiles, choose the default, remove one.

    `keywright login --profile NAME --url URL` makes one.
    """


@click.command("list", cls=Command, common=PRINTING)
def list_profiles() -> None:
    """List the profiles. With --quiet only their names are printed."""
    output = Output()
    config = read_config()
    default = config.default or DEFAULT_PROFILE
    kept = Credentials()
    rows = []
    for profile in sorted({DEFAULT_PROFILE: Profile(DEFAULT_PROFILE), **config.profiles}.values(), key=_name):
        by = "key" if profile.key is not None else _login(kept, profile)
        rows.append((profile, by, profile.name == default))
    if output.as_json:
        output.json(
            {
                "items": [
                    {
                        "name": it.name,
                        "url": it.url,
                        "tenant": it.tenant,
                        "credential": by,
                        "default": used,
                    }
                    for it, by, used in rows
                ]
            }
        )
    elif output.quiet:
        for profile, _, _ in rows:
            output.line(profile.name)
    else:
        cells = [[it.name, it.url or "", it.tenant or "", by or "", "yes" if u else ""] for it, by, u in rows]
        output.table(_COLUMNS, cells)


@click.command("use", cls=Command, common=PRINTING)
@click.argument("name", shell_complete=complete_profile)
def use(name: str) -> None:
    """Make a profile the default. It is used where neither --profile, KEYWRIGHT_PROFILE nor a project names one."""
    read_config().profile(name, "NAME")
    use_profile(name)
    output = Output()
    if output.as_json:
        output.json({"name": name, "default": True})
    elif not output.quiet:
        output.line(f"{name} is the default profile.")


@click.command("remove", cls=Command, common=PRINTING)
@click.argument("name", shell_complete=complete_profile)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> Exit | None:  # noqa: FBT001 - click passes by name
    """Forget a profile with a key that stands in it, and end its login."""
    question = f"Forget the profile {name}, and a key that stands in it?"
    if not confirmed(question, yes=yes, nothing="Nothing was removed."):
        return Exit.NO
    output = Output()
    profile = read_config().profiles.get(name)
    if profile is None:
        raise Failed(
            f"There is no profile {printable(name)}.", Exit.NOT_FOUND, "`keywright profiles list` shows them."
        )
    url, kept = profile.url or DEFAULT_URL, Credentials()
    place = place_of(url, name)
    login = kept.entry(place)
    if login is not None:
        token = None if login.is_key else kept.token(place)
        kept.remove(place)
        if token is not None and not end(url, token):
            click.echo(f"{url} could not be told. The login ends by itself at {login.expires_at}.", err=True)
    remove_profile(name)
    if output.as_json:
        output.json({"name": name, "removed": True})
    elif not output.quiet:
        output.line(f"Removed {name}.")
    return None


def _login(kept: Credentials, profile: Profile) -> str | None:
    """Whether a login or a key was kept for a profile, as a word."""
    found = kept.entry(place_of(profile.url or DEFAULT_URL, profile.name))
    if found is None:
        return None
    return "kept key" if found.is_key else "login"


def _name(profile: Profile) -> str:
    return profile.name
