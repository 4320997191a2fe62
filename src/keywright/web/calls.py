"""From an HTTP request to a call: who, for which tenant, from where."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
