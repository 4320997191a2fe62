"""Disabling, enabling and deleting a service account: each says first which keys stop, and who will notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.noticing import notices
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.service_accounts import (
    ServiceAccountChanges,
    ServiceAccountId,
    delete_service_account,
    get_service_account,
    update_service_account,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code

_SWITCH = """
mutation UpdateServiceAccount($input: UpdateServiceAccountInput!) {
  updateServiceAccount(input: $input) { serviceAccount { id active } receipt { complete } }
}
"""
_DELETE = """
mutation DeleteServiceAccount($input: DeleteServiceAccountInput!) {
  deleteServiceAccount(input: $input) { deletedId receipt { complete } }
}
"""


@page("/t/{tenant}/service-accounts/{id}/disable", needs="identities:update")
async def disable_dialog(ask: Ask) -> Response:
    """What disabling stops."""
    return await _dialog(ask, "disable", Errors())


@page("/t/{tenant}/service-accounts/{id}/disable", needs="identities:update", methods=("POST",))
async def disable(ask: Ask) -> Response:
    """Disable it."""
    return await _switch(ask, "disable")


@page("/t/{tenant}/service-accounts/{id}/enable", needs="identities:update")
async def enable_dialog(ask: Ask) -> Response:
    """What enabling opens again."""
    return await _dialog(ask, "enable", Errors())


@page("/t/{tenant}/service-accounts/{id}/enable", needs="identities:update", methods=("POST",))
async def enable(ask: Ask) -> Response:
    """Enable it."""
    return await _switch(ask, "enable")


@page("/t/{tenant}/service-accounts/{id}/delete", needs="identities:delete")
async def delete_dialog(ask: Ask) -> Response:
    """What is deleted with it."""
    return await _dialog(ask, "delete", Errors())


@page("/t/{tenant}/service-accounts/{id}/delete", needs="identities:delete", methods=("POST",))
async def delete(ask: Ask) -> Response:
    """Delete it and its keys."""
    account_id = ask.variable("id")
    account = (await ask.run(get_service_account, ServiceAccountId(account_id))).identity
    try:
        done = await ask.change(delete_service_account, ServiceAccountId(account_id))
    except KeywrightError as error:
        return await _dialog(ask, "delete", ask.refused(error))
    said = f"{account.name} and its keys are deleted."
    return ask.done(ask.at("service-accounts"), said, done.receipt)


async def _switch(ask: Ask, act: str) -> Response:
    account_id = ask.variable("id")
    wanted = ServiceAccountChanges(id=account_id, active=act == "enable")
    try:
        done = await ask.change(update_service_account, wanted)
    except KeywrightError as error:
        return await _dialog(ask, act, ask.refused(error))
    name = done.result.identity.name
    here = ask.at(f"service-accounts/{account_id}")
    if act == "enable":
        return ask.done(here, f"{name} is enabled, and its keys are accepted again.")
    return ask.done(here, f"{name} is disabled.", done.receipt, "Its keys are refused")


async def _dialog(ask: Ask, act: str, errors: Errors) -> Response:
    account = (await ask.run(get_service_account, ServiceAccountId(ask.variable("id")))).identity
    context: dict[str, Any] = {
        "account": account,
        "act": act,
        "errors": errors,
        "code": _code(ask, act, account.id),
    }
    return ask.dialog(
        "service_accounts/switch.html", ask.status, keys=await notices(ask, account.id), **context
    )


def _code(ask: Ask, act: str, account_id: str) -> Code:
    path = f"/v1/service-accounts/{account_id}"
    if act == "delete":
        return ask.code(
            rest=Rest("DELETE", path),
            graph=Graph(_DELETE, {"input": {"id": account_id}}),
            cli=["service-accounts", "delete", account_id, "--yes"],
        )
    active = act == "enable"
    return ask.code(
        rest=Rest("PATCH", path, {"active": active}),
        graph=Graph(_SWITCH, {"input": {"id": account_id, "active": active}}),
        cli=["service-accounts", "update", account_id, f"--{act}"],
    )


PAGES = (disable_dialog, disable, enable_dialog, enable, delete_dialog, delete)
