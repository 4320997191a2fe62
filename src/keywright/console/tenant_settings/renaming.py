"""Another slug for a tenant, and so other addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.console.tenant_settings.settings import UPDATE, tenant_of
from keywright.core.errors import KeywrightError
from keywright.services.tenants import TenantChanges, update_tenant

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/settings/slug", needs="tenants:update")
async def ask_first(ask: Ask) -> Response:
    """What another slug changes."""
    return _form(ask, Errors())


@page("/t/{tenant}/settings/slug", needs="tenants:update", methods=("POST",))
async def rename(ask: Ask) -> Response:
    """Give it another slug."""
    tenant = tenant_of(ask)
    try:
        changed = await ask.change(
            update_tenant, TenantChanges(slug=tenant.slug, new_slug=ask.form.get("slug"))
        )
    except KeywrightError as error:
        return _form(ask, ask.refused(error, "slug"))
    slug = changed.result.slug
    done = f"The slug is {slug}. Who named the tenant {tenant.slug} has to be told."
    return ask.done(f"/t/{slug}/settings", done, changed.receipt, "In force")


def _form(ask: Ask, errors: Errors) -> Response:
    tenant = tenant_of(ask)
    typed = ask.form.get("slug") if "slug" in ask.form else tenant.slug
    return ask.dialog(
        "settings/slug.html",
        ask.status,
        tenant=tenant,
        errors=errors,
        slug=typed,
        code=ask.code(
            rest=Rest("PATCH", f"/v1/tenants/{tenant.slug}", {"slug": typed}),
            graph=Graph(UPDATE, {"input": {"tenant": tenant.slug, "slug": typed}}),
            cli=["tenants", "update", tenant.slug, "--slug", typed],
        ),
    )


PAGES = (ask_first, rename)
