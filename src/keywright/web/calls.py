"""From an HTTP request to a call: who, for which tenant, from where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keywright.services.invitations import Visitor
from keywright.services.work import Call
from keywright.web.credentials import bearer

if TYPE_CHECKING:
    from keywright.services.decisions import Asker
    from keywright.services.service import Services
    from keywright.web.visit import Visit


async def call_of(visit: Visit, services: Services) -> Call:
    """Authenticate the request; raises `Unauthenticated`, `MalformedRequest` or `Unavailable`."""
    call = await call_with(bearer(visit), visit, services)
    return replace(
        call,
        tenant=visit.header(b"keywright-tenant"),
        idempotency_key=visit.header(b"idempotency-key"),
    )


async def call_with(token: str | None, visit: Visit, services: Services) -> Call:
    """The call of whoever sent this token, for no tenant in particular; raises as `Services.authenticate` does."""
    caller = await services.authenticate(token, visit.ip)
    return Call(caller=caller, ip=visit.ip_text, request_id=visit.request_id)


async def asker_of(visit: Visit, services: Services) -> Asker:
    """Who asks for decisions, in the tenant that the request names; raises as `call_of` and `PermissionDenied`."""
    caller = await services.authenticate(bearer(visit), visit.ip)
    return await services.decisions.enter(caller, visit.header(b"keywright-tenant"))


async def visitor_of(visit: Visit, services: Services) -> Visitor:
    """Whoever comes with an invitation: nobody yet where no credential was sent. Raises as `call_of` does."""
    token = bearer(visit)
    caller = None if token is None else await services.authenticate(token, visit.ip)
    return Visitor(caller=caller, ip=visit.ip_text, request_id=visit.request_id)
