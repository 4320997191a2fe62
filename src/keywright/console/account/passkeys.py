"""Passkeys: added with a device, renamed, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.account.confirming import require_recent
from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.login.shown import credential_of
from keywright.console.routing import Open, page
from keywright.core.errors import FreshLoginRequired, KeywrightError, NotFound
from keywright.services.factors import (
    NewPasskey,
    PasskeyId,
    PasskeyName,
    add_passkey,
    begin_passkey,
    list_factors,
    remove_passkey,
    rename_passkey,
)
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.core.passkeys import Passkey
    from keywright.services.factors import Factors

_RENAME = """
mutation ($input: RenamePasskeyInput!) {
  renamePasskey(input: $input) { passkey { id name } }
}
"""
_REMOVE = """
mutation ($input: RemovePasskeyInput!) {
  removePasskey(input: $input) { removedId }
}
"""


@page("/account/passkeys/new", needs=Open.LOGGED_IN)
async def new(ask: Ask) -> Response:
    """The form, whose button has the browser ask a device."""
    require_recent(ask)
    return ask.dialog("account/add_passkey.html", errors=Errors(), name="")


@page("/account/passkeys/options", needs=Open.LOGGED_IN, methods=("POST",))
async def options(ask: Ask) -> Response:
    """The options for `navigator.credentials.create()`, or in `detail` why there are none."""
    try:
        begun = await ask.run(begin_passkey, None)
    except FreshLoginRequired:
        return ask.json({"detail": "Your login is not recent any more. Open this anew.", "anew": True}, 403)
    except KeywrightError as error:
        return ask.json({"detail": error.detail}, STATUS[type(error)])
    return ask.json(dict(begun.options))


@page("/account/passkeys/new", needs=Open.LOGGED_IN, methods=("POST",))
async def add(ask: Ask) -> Response:
    """Add what a device made."""
    name = ask.form.get("name")
    try:
        credential = credential_of(ask.form.get("passkey"))
        made = await ask.run(add_passkey, NewPasskey(name, credential))
    except KeywrightError as error:
        errors = ask.refused(error, "name")
        return ask.dialog("account/add_passkey.html", ask.status, errors=errors, name=name)
    return ask.done("/account", f"{made.name} is a passkey of yours: it logs you in by itself.")


@page("/account/passkeys/{passkey}/rename", needs=Open.LOGGED_IN)
async def rename_form(ask: Ask) -> Response:
    """Its name."""
    require_recent(ask)
    passkey, _ = await _own(ask)
    return _rename(ask, passkey, passkey.name, Errors())


@page("/account/passkeys/{passkey}/rename", needs=Open.LOGGED_IN, methods=("POST",))
async def rename(ask: Ask) -> Response:
    """Call it something else."""
    passkey, _ = await _own(ask)
    name = ask.form.get("name")
    try:
        renamed = await ask.run(rename_passkey, PasskeyName(passkey.id, name))
    except KeywrightError as error:
        return _rename(ask, passkey, name, ask.refused(error, "name"))
    return ask.done("/account", f"The passkey is called {renamed.name}.")


@page("/account/passkeys/{passkey}/remove", needs=Open.LOGGED_IN)
async def ask_to_remove(ask: Ask) -> Response:
    """What taking it away will do."""
    require_recent(ask)
    passkey, factors = await _own(ask)
    code = ask.code(
        rest=Rest("DELETE", f"/v1/factors/passkeys/{passkey.id}"),
        graph=Graph(_REMOVE, {"input": {"id": passkey.id}}),
        cli=["factors", "passkeys", "remove", passkey.id, "--yes"],
    )
    return ask.dialog("account/remove_passkey.html", passkey=passkey, factors=factors, code=code)


@page("/account/passkeys/{passkey}/remove", needs=Open.LOGGED_IN, methods=("POST",))
async def remove(ask: Ask) -> Response:
    """Take it away."""
    passkey, _ = await _own(ask)
    await ask.run(remove_passkey, PasskeyId(passkey.id))
    return ask.done("/account", f"The passkey {passkey.name} is taken away, and logs nobody in any more.")


def _rename(ask: Ask, passkey: Passkey, name: str, errors: Errors) -> Response:
    code = ask.code(
        rest=Rest("PATCH", f"/v1/factors/passkeys/{passkey.id}", {"name": name}),
        graph=Graph(_RENAME, {"input": {"id": passkey.id, "name": name}}),
        cli=["factors", "passkeys", "rename", passkey.id, name],
    )
    return ask.dialog(
        "account/rename_passkey.html", ask.status, passkey=passkey, name=name, errors=errors, code=code
    )


async def _own(ask: Ask) -> tuple[Passkey, Factors]:
    """The passkey of the path, and all that the reader has. Raises `NotFound`."""
    factors = await ask.run(list_factors, None)
    for one in factors.passkeys:
        if one.id == ask.variable("passkey"):
            return one, factors
    raise NotFound("You have no such passkey.")


PAGES = (new, options, add, rename_form, rename, ask_to_remove, remove)
