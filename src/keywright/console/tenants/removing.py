"""Deleting a tenant for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.console.tenants.counting import counted_keys
from keywright.core.errors import KeywrightError, NotFound, TenantNotEmpty
from keywright.services.tenants import TenantDeletion, delete_tenant

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.core.identities import Tenant

_DELETE: Final = """
mutation ($input: DeleteTenantInput!) {
  deleteTenant(input: $input) {
    deletedSlug
    receipt { complete waitedMs nodes { id outcome } }
  }
}
"""


@page("/t/{tenant}/delete", needs="tenants:delete")
async def ask_first(ask: Ask) -> Response:
    """What goes with the tenant."""
    return await _form(ask, Errors())


@page("/t/{tenant}/delete", needs="tenants:delete", methods=("POST",))
async def delete(ask: Ask) -> Response:
    """Delete it, where its slug was typed."""
    tenant = _tenant(ask)
    if ask.form.get("slug") != tenant.slug:
        ask.status = 422
        return await _form(ask, Errors(fields={"slug": f"Type {tenant.slug} to say that it is this tenant."}))
    try:
        deleted = await ask.change(delete_tenant, TenantDeletion(tenant.slug, ask.form.ticked("force")))
    except TenantNotEmpty as error:
        ask.refused(error)
        return await _form(
            ask,
            Errors(fields={"force": "It has keys. Tick this to delete them with it, or delete them first."}),
        )
    except KeywrightError as error:
        return await _form(ask, ask.refused(error, "slug", "force"))
    return ask.done("/tenants", f"{tenant.name} was deleted with everything in it.", deleted.receipt)


def _tenant(ask: Ask) -> Tenant:
    if ask.place is None or ask.place.tenant is None:
        raise NotFound("The installation is not deleted here.")
    return ask.place.tenant


async def _form(ask: Ask, errors: Errors) -> Response:
    tenant = _tenant(ask)
    keys = await counted_keys(ask, tenant)
    force = keys != "no keys"
    return ask.dialog(
        "tenants/delete.html",
        ask.status,
        tenant=tenant,
        keys=keys,
        errors=errors,
        slug=ask.form.get("slug"),
        ticked=ask.form.ticked("force"),
        code=ask.code(
            rest=Rest("DELETE", f"/v1/tenants/{tenant.slug}{'?force=true' if force else ''}"),
            graph=Graph(_DELETE, {"input": {"tenant": tenant.slug, "force": force}}),
            cli=["tenants", "delete", tenant.slug, *(["--force"] if force else []), "--yes"],
        ),
    )


PAGES = (ask_first, delete)
