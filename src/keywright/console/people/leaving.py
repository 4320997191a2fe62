"""Taking a person out of a tenant, and deleting one everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.people.noticing import notices, notices_everywhere
from keywright.console.people.rules import only_everywhere, only_in_tenant, somebody
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.users import UserId, delete_user, remove_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_REMOVE: Final = """
mutation RemoveUser($input: RemoveUserInput!) {
  removeUser(input: $input) { removedId receipt { complete } }
}
"""
_DELETE: Final = """
mutation DeleteUser($input: DeleteUserInput!) {
  deleteUser(input: $input) { deletedId receipt { complete } }
}
"""


@page("/t/{tenant}/people/{id}/remove", needs="identities:delete")
async def remove_dialog(ask: Ask) -> Response:
    """What they lose in the tenant."""
    return await _remove(ask, Errors())


@page("/t/{tenant}/people/{id}/remove", needs="identities:delete", methods=("POST",))
async def remove(ask: Ask) -> Response:
    """Take them out."""
    only_in_tenant(ask)
    who = await somebody(ask)
    try:
        done = await ask.change(remove_user, UserId(who.identity.id))
    except KeywrightError as error:
        return await _remove(ask, ask.refused(error))
    place = "" if ask.place is None else ask.place.name
    said = f"{who.identity.name} is out of {place}, with all keys that they had here."
    # Who took themselves out has no page here any more.
    own = who.identity.id == ask.caller.identity.id and not ask.may_everywhere("identities:read")
    return ask.done("/" if own else ask.at("people"), said, done.receipt)


@page("/t/{tenant}/people/{id}/delete", needs="identities:delete")
async def delete_dialog(ask: Ask) -> Response:
    """What they lose everywhere."""
    return await _delete(ask, Errors())


@page("/t/{tenant}/people/{id}/delete", needs="identities:delete", methods=("POST",))
async def delete(ask: Ask) -> Response:
    """Delete them."""
    only_everywhere(ask)
    who = await somebody(ask)
    try:
        done = await ask.change(delete_user, UserId(who.identity.id))
    except KeywrightError as error:
        return await _delete(ask, ask.refused(error))
    said = f"{who.identity.name} is deleted, with roles, keys and sessions everywhere."
    return ask.done(ask.at("people"), said, done.receipt)


async def _remove(ask: Ask, errors: Errors) -> Response:
    only_in_tenant(ask)
    who = await somebody(ask)
    id_ = who.identity.id
    code = ask.code(
        rest=Rest("POST", f"/v1/users/{id_}/remove", {}),
        graph=Graph(_REMOVE, {"input": {"id": id_}}),
        cli=["users", "remove", id_, "--yes"],
    )
    context: dict[str, Any] = {
        "identity": who.identity,
        "held": held(who.view.memberships, await choices(ask)),
        "keys": await notices(ask, id_),
        "errors": errors,
        "code": code,
    }
    return ask.dialog("people/remove.html", ask.status, **context)


async def _delete(ask: Ask, errors: Errors) -> Response:
    only_everywhere(ask)
    who = await somebody(ask)
    id_ = who.identity.id
    code = ask.code(
        rest=Rest("DELETE", f"/v1/users/{id_}"),
        graph=Graph(_DELETE, {"input": {"id": id_}}),
        cli=["users", "delete", id_, "--yes"],
    )
    tenants = sorted({one.tenant.name for one in who.anywhere or () if one.tenant is not None})
    context: dict[str, Any] = {
        "identity": who.identity,
        "person": who.view.person,
        "tenants": tenants,
        "keys": await notices_everywhere(ask, id_, who.anywhere or ()),
        "errors": errors,
        "code": code,
    }
    return ask.dialog("people/delete.html", ask.status, **context)


PAGES = (remove_dialog, remove, delete_dialog, delete)
