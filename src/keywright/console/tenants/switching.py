"""Closing a tenant for a while, and opening it again: for who may do so everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.routing import page
from keywright.console.tenants.counting import counted_keys
from keywright.services.tenants import TenantChanges, TenantSlug, get_tenant, update_tenant

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_SWITCH: Final = """
mutation ($input: UpdateTenantInput!) {
  updateTenant(input: $input) {
    tenant { slug active }
    receipt { complete waitedMs nodes { id outcome } }
  }
}
"""


@page("/tenants/{slug}/switch", needs="tenants:update")
async def ask_first(ask: Ask) -> Response:
    """What closing or opening the tenant does."""
    tenant = await ask.run(get_tenant, TenantSlug(ask.variable("slug")))
    option = "--disable" if tenant.active else "--enable"
    return ask.dialog(
        "tenants/switch.html",
        tenant=tenant,
        keys=await counted_keys(ask, tenant),
        code=ask.code(
            rest=Rest("PATCH", f"/v1/tenants/{tenant.slug}", {"active": not tenant.active}),
            graph=Graph(_SWITCH, {"input": {"tenant": tenant.slug, "active": not tenant.active}}),
            cli=["tenants", "update", tenant.slug, option],
        ),
    )


@page("/tenants/{slug}/switch", needs="tenants:update", methods=("POST",))
async def switch(ask: Ask) -> Response:
    """Close it (`active` is `no`) or open it."""
    slug = ask.variable("slug")
    active = ask.form.get("active") != "no"
    changed = await ask.change(update_tenant, TenantChanges(slug=slug, active=active), slug)
    name = changed.result.name
    if active:
        return ask.done(f"/t/{slug}/settings", f"{name} is open again.", changed.receipt, "Accepted")
    return ask.done(f"/t/{slug}/settings", f"{name} is closed.", changed.receipt)


PAGES = (ask_first, switch)
