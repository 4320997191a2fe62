"""The tenants that one may see, and making another."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError, NotFound
from keywright.core.listing import DEFAULT_PAGE, MAX_PAGE, fold
from keywright.services.tenants import (
    ListTenants,
    NewTenant,
    TenantSlug,
    create_tenant,
    get_tenant,
    list_tenants,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.core.identities import Tenant

_FEW: Final = 10
_PAGES: Final = 5
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
    """The list, of which a use case says what the reader may see; with `?q` those with a text in name or slug."""
    cursor = ask.query.get("cursor") or None
    search = ask.query.get("q")
    found = await ask.run(list_tenants, ListTenants(cursor=cursor))
    items, more = await _called(ask, search) if search else (found.items, False)
    after = None if search else found.next_cursor
    context: dict[str, Any] = {
        "tenants": items,
        "more": more,
        "search": search,
        "searches": bool(search or cursor or after or len(items) >= _FEW),
        "opens": {one.id: _opens(ask, one.id) for one in items},
        "first": "/tenants" if cursor and not search else None,
        "next": None if after is None else ask.at("tenants", cursor=after),
        "code": ask.code(
            rest=Rest("GET", "/v1/tenants"), graph=Graph(_LIST, {"after": cursor}), cli=["tenants", "list"]
        ),
    }
    if ask.wants_part and ask.target == "tenants-found":
        return ask.part("tenants/found.html", **context)
    return ask.page("tenants/list.html", **context)


async def _called(ask: Ask, search: str) -> tuple[tuple[Tenant, ...], bool]:
    """The first tenants that hold a text in their name or slug, of the first thousand; and whether there are more.

    The one of just this slug comes first, however many there are.
    """
    wanted = fold(search)
    found: dict[str, Tenant] = {}
    with suppress(NotFound):
        exact = await ask.run(get_tenant, TenantSlug(search))
        found[exact.id] = exact
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await ask.run(list_tenants, ListTenants(limit=MAX_PAGE, cursor=cursor))
        found |= {one.id: one for one in page.items if wanted in fold(one.name) or wanted in fold(one.slug)}
        cursor = page.next_cursor
        if cursor is None or len(found) > DEFAULT_PAGE:
            break
    items = tuple(found.values())
    return items[:DEFAULT_PAGE], cursor is not None or len(items) > DEFAULT_PAGE


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
