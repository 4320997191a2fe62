"""From an HTTP request to a call: who, for which tenant, from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.services.invitations import Visitor
from keywright.services.work import Call
from keywright.web.credentials import bearer

if TYPE_CHECKING:
    from keywright.services.service import Services
    from keywright.web.visit import Visit


async def call_of(visit: Visit, services: Services) -> Call:
    """Authenticate the request; raises `Unauthenticated`, `MalformedRequest` or `Unavailable`."""
    caller = await services.authenticate(bearer(visit), visit.ip)
    return Call(
        caller=caller,
        tenant=visit.header(b"keywright-tenant"),
        ip=visit.ip_text,
        request_id=visit.request_id,
        idempotency_key=visit.header(b"idempotency-key"),
    )


async def visitor_of(visit: Visit, services: Services) -> Visitor:
    """Whoever comes with an invitation: nobody yet where no credential was sent. Raises as `call_of` does."""
    token = bearer(visit)
    caller = None if token is None else await services.authenticate(token, visit.ip)
    return Visitor(caller=caller, ip=visit.ip_text, request_id=visit.request_id)
