"""`keywright factors …`."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from keywright.cli import offers, values
from keywright.cli.asking import confirmed
from keywright.cli.common import Command, LazyGroup
from keywright.cli.connection import connected
from keywright.cli.exits import Exit
from keywright.cli.output import Output
from keywright.cli.showing import show_deleted, show_one
from keywright.cli.times import relative

if TYPE_CHECKING:
    from keywright.client import Token

_HERE = "keywright.cli.factors"
_PLACES = {
    "list": (f"{_HERE}:list_factors", "Show your second factors."),
    "totp": (f"{_HERE}:totp", "Set up an authenticator app, or take it away."),
    "recovery-codes": (f"{_HERE}:recovery_codes", "Make new recovery codes."),
    "passkeys": (f"{_HERE}:passkeys", "Add, rename and remove passkeys."),
}
_TOTP = {
    "begin": (f"{_HERE}:begin", "Set up an authenticator app."),
    "confirm": (f"{_HERE}:confirm", "Turn the authenticator app on with a code that it shows."),
    "remove": (f"{_HERE}:remove", "Take the authenticator app away."),
}
_PASSKEYS = {
    "options": (f"{_HERE}:options", "Ask for a passkey."),
    "add": (f"{_HERE}:add", "Add the passkey that a browser made."),
    "rename": (f"{_HERE}:rename", "Call a passkey something else."),
    "remove": (f"{_HERE}:remove_passkey", "Take a passkey away."),
}
_OPTIONS: Final = {"code": "CODE", "name": "NAME", "credential": "CREDENTIAL"}
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.group("factors", cls=LazyGroup, places=_PLACES)
def factors() -> None:
    """Set up second factors: an app, recovery codes, passkeys."""


@click.group("totp", cls=LazyGroup, places=_TOTP)
def totp() -> None:
    """Set up an authenticator app, or take it away."""


@click.group(
    "recovery-codes", cls=LazyGroup, places={"renew": (f"{_HERE}:renew", "Make ten new recovery codes.")}
)
def recovery_codes() -> None:
    """Make new recovery codes, for when the device is lost."""


@click.group("passkeys", cls=LazyGroup, places=_PASSKEYS)
def passkeys() -> None:
    """Add, rename and remove passkeys. A browser makes them; `keywright factors list` shows them."""


@click.command("list", cls=Command)
def list_factors() -> None:
    """Show your second factors. With --quiet only their kinds are printed."""
    with connected() as client:
        found = client.factors.get()
    output = Output()
    now = datetime.now(UTC)
    if output.as_json:
        output.json(found)
    elif output.quiet:
        for word in _kinds(found):
            output.line(word)
    else:
        since = found["totp_since"]
        output.facts(
            [
                ("authenticator app", "none" if since is None else f"on since {since}"),
                ("recovery codes", f"{found['recovery_codes_left']} left"),
                *(
                    (
                        "passkey",
                        f"{one['name']} ({one['id']}), used {relative(one['last_used_at'], now) or 'never'}",
                    )
                    for one in found["passkeys"]
                ),
            ]
        )


@click.command("begin", cls=Command)
def begin() -> None:
    """Set up an authenticator app: shows what to put into it. It counts once you confirmed it with a code."""
    with connected() as client:
        made = client.factors.begin_totp()
    output = Output()
    if output.as_json:
        parts = {"secret": made.secret, "uri": made.uri, "qr_code": made.qr_code}
        output.json({name: one.reveal() for name, one in parts.items()})
    elif output.quiet:
        click.echo(made.secret.reveal())
    else:
        click.echo(_qr_code(made.uri))
        click.echo(f"Scan this with your authenticator app, or type: {made.secret.reveal()}")
        output.note("Then turn it on with what it shows: keywright factors totp confirm CODE")


@click.command("confirm", cls=Command)
@click.argument("code")
def confirm(code: str) -> None:
    """Turn the authenticator app on with a code that it shows. Gives recovery codes to who has none."""
    with connected(_OPTIONS) as client:
        made = client.factors.confirm_totp(code)
    _show_codes(made, "The authenticator app is on.")


@click.command("remove", cls=Command)
@_yes
def remove(yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Take the authenticator app away. With the last second factor go the recovery codes."""
    if not confirmed("Take the authenticator app away?", yes=yes, nothing="Nothing was taken away."):
        return Exit.NO
    with connected() as client:
        client.factors.remove_totp()
    show_deleted("totp", "factor")
    return Exit.OK


@click.command("renew", cls=Command)
@_yes
def renew(yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Make ten new recovery codes. Those made before are good for nothing from then on."""
    if not confirmed(
        "Make the recovery codes worthless that there are?", yes=yes, nothing="Nothing was made."
    ):
        return Exit.NO
    with connected() as client:
        made = client.factors.renew_recovery_codes()
    _show_codes(made, "These replace the codes that you had.")
    return Exit.OK


@click.command("options", cls=Command, common=("url", "key", "profile", "no_color", "json", "quiet"))
def options() -> None:
    """Ask for a passkey: prints, as JSON, what a browser is to ask of a device within five minutes."""
    with connected() as client:
        found = client.factors.begin_passkey()
    Output().json(found)


@click.command("add", cls=Command)
@click.argument("name")
@click.argument("credential", metavar="JSON|@FILE", shell_complete=offers.named_files)
def add(name: str, credential: str) -> None:
    """Add the passkey that a browser made: NAME is what you call the device."""
    given = values.json_object(credential, "The credential")
    with connected(_OPTIONS) as client:
        added = client.factors.add_passkey(name, given)
    _show(added)


@click.command("rename", cls=Command)
@click.argument("passkey_id", metavar="ID", shell_complete=offers.passkeys)
@click.argument("name")
def rename(passkey_id: str, name: str) -> None:
    """Call a passkey something else."""
    with connected(_OPTIONS) as client:
        renamed = client.factors.rename_passkey(passkey_id, name)
    _show(renamed)


@click.command("remove", cls=Command)
@click.argument("passkey_id", metavar="ID", shell_complete=offers.passkeys)
@_yes
def remove_passkey(passkey_id: str, yes: bool) -> int:  # noqa: FBT001 - click passes by name
    """Take a passkey away. With the last second factor go the recovery codes."""
    if not confirmed(f"Take the passkey {passkey_id} away?", yes=yes, nothing="Nothing was taken away."):
        return Exit.NO
    with connected() as client:
        client.factors.remove_passkey(passkey_id)
    show_deleted(passkey_id)
    return Exit.OK


def _show(passkey: dict[str, Any]) -> None:
    show_one(passkey, passkey["id"], [("id", passkey["id"]), ("name", passkey["name"])])


def _show_codes(made: tuple[Token, ...], sentence: str) -> None:
    output = Output()
    codes = [one.reveal() for one in made]
    if output.as_json:
        output.json({"recovery_codes": codes})
        return
    output.note(sentence)
    if codes:
        output.note("Keep these recovery codes where you find them without the device; each is good once.")
    for code in codes:
        click.echo(code)


def _kinds(found: dict[str, Any]) -> list[str]:
    there = {
        "totp": found["totp_since"],
        "recovery_code": found["recovery_codes_left"],
        "passkey": found["passkeys"],
    }
    return [word for word, one in there.items() if one]


def _qr_code(text: Token) -> str:
    """A QR code of a text in blocks, as a terminal can show it."""
    import segno  # noqa: PLC0415 - it takes long to load

    drawn = io.StringIO()
    segno.make(text.reveal(), error="m", micro=False).terminal(drawn, border=2, compact=True)
    return drawn.getvalue()
