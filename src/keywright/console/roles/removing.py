"""Deleting a role of the tenant's own, which nobody may hold by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.grants import choices
from keywright.console.people.wording import rights_in
from keywright.console.roles.details import holders_of
from keywright.console.roles.listing import kind_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError, NotFound
from keywright.services.roles import RoleName, delete_role, get_role

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_DELETE = """
mutation DeleteRole($input: DeleteRoleInput!) {
  deleteRole(input: $input) { deletedName }
}
"""


@page("/t/{tenant}/roles/{name}/delete", needs="roles:delete")
async def delete_dialog(ask: Ask) -> Response:
    """Who holds it, and what they would lose."""
    return await _dialog(ask, Errors())


@page("/t/{tenant}/roles/{name}/delete", needs="roles:delete", methods=("POST",))
async def delete(ask: Ask) -> Response:
    """Delete it."""
    name = ask.variable("name")
    try:
        await ask.run(delete_role, RoleName(name))
    except KeywrightError as error:
        return await _dialog(ask, ask.refused(error))
    return ask.done(ask.at("roles"), f"The role {name} is deleted.")


async def _dialog(ask: Ask, errors: Errors) -> Response:
    view = await ask.run(get_role, RoleName(ask.variable("name")))
    if kind_of(view) != "own":
        raise NotFound("This role is not the tenant's own.")
    name = view.role.name
    known = await choices(ask)
    code = ask.code(
        rest=Rest("DELETE", f"/v1/roles/{name}"),
        graph=Graph(_DELETE, {"input": {"name": name}}),
        cli=["roles", "delete", name, "--yes"],
    )
    context: dict[str, Any] = {
        "role": view.role,
        "rights": rights_in(view.role, known.lexicon),
        "holders": await holders_of(ask, name, limit=20),
        "values": known.held,
        "errors": errors,
        "code": code,
    }
    return ask.dialog("roles/delete.html", ask.status, **context)


PAGES = (delete_dialog, delete)
