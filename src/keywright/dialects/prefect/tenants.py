"""Tenants, and what a key says of itself and its tenant. With a tenant's key all of it is known from memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import Unauthenticated
from keywright.core.identities import grants_in
from keywright.core.listing import MAX_PAGE
from keywright.core.roles import is_built_in
from keywright.dialects.prefect import mapping
from keywright.dialects.prefect.fields import later
from keywright.dialects.prefect.hasura import kept, ordered
from keywright.dialects.prefect.requests import bearer
from keywright.services.tenants import ListTenants, list_tenants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.requests import Request
    from keywright.services.callers import Caller

_FAR: Final = datetime(2099, 1, 1, tzinfo=UTC)
"""When the token of a key ends that never expires: clients want to read a moment there."""


async def hello(_request: Request, _args: dict[str, Any]) -> str:
    """Whether anybody is there; nobody has to say who asks."""
    return "👋"


async def auth_info(request: Request, _args: dict[str, Any]) -> dict[str, Any]:
    """Who the caller is, and where."""
    caller = await request.caller()
    tenant_id = None if request.tenant is None else request.tenant.id
    may = {name: caller.may(tenant_id, action) for name, action in mapping.PERMISSIONS.items()}
    return {
        "tenant_id": None if tenant_id is None else mapping.uuid_of(tenant_id),
        "user_id": mapping.uuid_of(caller.identity.id),
        "role_id": later(lambda: _role_id(request, caller)),
        "permissions": [name for name, allowed in may.items() if allowed],
        "license": None,
        "api_token_scope": mapping.RUNNER if caller.may(tenant_id, mapping.RUN_AGENTS) else mapping.USER,
    }


async def tenants(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The tenants that the caller can name: with a tenant's key that one alone."""
    caller = await request.caller()
    if caller.bound is not None:
        found = [caller.bound]
    else:
        found = await (await request.asking()).every(
            list_tenants, lambda cursor: ListTenants(limit=MAX_PAGE, cursor=cursor)
        )
    rows = [mapping.plain_tenant(one) for one in found]
    return ordered(kept(rows, args.get("where")), args.get("order_by"))


async def tenant_by_pk(request: Request, args: dict[str, Any]) -> dict[str, Any] | None:
    """One of the tenants that the caller can name."""
    found = await tenants(request, {"where": {"id": {"_eq": args["id"]}}})
    return found[0] if found else None


async def switch_tenant(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """The token for a tenant: a key is good for its own, so that it is the very one that was sent."""
    caller = await request.caller()
    if request.tenant is None or request.tenant.id != mapping.id_of("ten", args["input"]["tenant_id"]):
        raise Unauthenticated("The credential is not valid for that tenant.")
    return _token(request, caller)


async def refresh_token(request: Request, _args: dict[str, Any]) -> dict[str, Any]:
    """The token that was sent: it ends when its key does, and not before."""
    return _token(request, await request.caller())


def _token(request: Request, caller: Caller) -> dict[str, Any]:
    end = caller.key.expires_at if caller.session is None and caller.key is not None else None
    if caller.session is not None:
        end = min(caller.session.idle_at, caller.session.ends_at)
    sent = bearer(request.visit)
    return {"access_token": sent, "refresh_token": sent, "expires_at": mapping.moment(end or _FAR)}


async def _role_id(request: Request, caller: Caller) -> str | None:
    held = grants_in(caller.grants, None if request.tenant is None else request.tenant.id)
    if not held:
        return None
    if is_built_in(held[0].role):
        return mapping.built_in_id(held[0].role)
    defined = [one.defined for one in await request.roles() if one.role.name == held[0].role]
    return mapping.uuid_of(defined[0].id) if defined and defined[0] is not None else None


QUERIES: Mapping[str, Field] = {
    "hello": hello,
    "auth_info": auth_info,
    "tenant": tenants,
    "tenant_by_pk": tenant_by_pk,
}
MUTATIONS: Mapping[str, Field] = {"switch_tenant": switch_tenant, "refresh_token": refresh_token}
