"""The tenants that one may see, and making another."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError
from keywright.services.tenants import ListTenants, NewTenant, create_tenant, list_tenants

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code

_LIST: Final = """
query ($after: String) {
  tenants(first: 50, after: $after) {
    nodes { slug name active createdAt }
    pageInfo { hasNextPage endCursor }
  }
}
"""
_CREATE: Final = """
mutation ($input: CreateTenantInput!) {
  createTenant(input: $input) { tenant { id slug name } receipt { complete } }
}
"""


@page("/tenants", needs=Open.LOGGED_IN)
async def tenants(ask: Ask) -> Response:
    """The list, of which a use case says what the reader may see."""
    cursor = ask.query.get("cursor") or None
    found = await ask.run(list_tenants, ListTenants(cursor=cursor))
    after = found.next_cursor
    return ask.page(
        "tenants/list.html",
        tenants=found,
        opens={one.id: _opens(ask, one.id) for one in found.items},
        first="/tenants" if cursor else None,
        next=None if after is None else ask.at("tenants", cursor=after),
        code=ask.code(
            rest=Rest("GET", "/v1/tenants"), graph=Graph(_LIST, {"after": cursor}), cli=["tenants", "list"]
        ),
    )


def _opens(ask: Ask, tenant_id: str) -> str:
    """The page with which a tenant is opened: its keys, or for who may not see them its settings."""
    may = ask.caller.may
    keys = may(tenant_id, "keys:read") or may(tenant_id, "keys:own:read")
    return "keys" if keys else "settings"


@page("/tenants/new", needs="tenants:create")
async def new(ask: Ask) -> Response:
    """The form for another tenant."""
    return _form(ask, Errors(), secrets.token_urlsafe(16))


@page("/tenants/new", needs="tenants:create", methods=("POST",))
async def create(ask: Ask) -> Response:
    """Make it, and go on to it."""
    form = ask.form
    once = form.get("once") or None
    try:
        made = await ask.change(
            create_tenant, NewTenant(form.get("slug"), form.get("name") or None), once=once
        )
    except KeywrightError as error:
        return _form(ask, ask.refused(error, "slug", "name"), once)
    tenant = made.result.tenant
    # Whoever made it may be its administrator from now on, which this request does not know yet.
    return ask.done("/tenants", f"{tenant.name} was made. Open it to put keys and people in it.")


def _form(ask: Ask, errors: Errors, once: str | None) -> Response:
    form = ask.form
    return ask.dialog(
        "tenants/new.html",
        ask.status,
        errors=errors,
        slug=form.get("slug"),
        name=form.get("name"),
        once=once or "",
        code=_code(ask, form.get("slug") or "my-blog", form.get("name")),
    )


def _code(ask: Ask, slug: str, name: str) -> Code:
    body = {"slug": slug, **({"name": name} if name else {})}
    return ask.code(
        rest=Rest("POST", "/v1/tenants", body),
        graph=Graph(_CREATE, {"input": body}),
        cli=["tenants", "create", slug, *(["--name", name] if name else [])],
    )


PAGES = (tenants, new, create)
