"""Who is asking, and in which tenant: the one that there is at this door."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from keywright.core.codes import Code
from keywright.core.errors import InvalidValue, NotFound, Unauthenticated
from keywright.dialects.cloudtower.directory import Directory
from keywright.dialects.cloudtower.errors import UNKNOWN_CREDENTIAL
from keywright.services.tenants import TenantSlug, enter_tenant
from keywright.web.asking import Asking
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.service import Services
    from keywright.services.work import Call
    from keywright.web.visit import Visit

MAX_HANDED: Final = 20_000
"""How many related things one answer may hold: who holds which role, and the other way round, goes on for ever."""


@dataclass(slots=True)
class Request:
    """A request of somebody who is known, and may be in the tenant."""

    asking: Asking
    tenant: Tenant
    directory: Directory = field(init=False)
    _left: int = MAX_HANDED

    def __post_init__(self) -> None:
        self.directory = Directory(self.asking, self.tenant)

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.asking.call.caller

    def hand(self, things: int) -> None:
        """Note that an answer gets so many things more; raises `InvalidValue` where that is too many."""
        self._left -= things
        if self._left < 0:
            raise InvalidValue("This asks for too many related things at once. Ask for less.")


def credential(visit: Visit) -> str | None:
    """The token from `Authorization`, where it stands as it is or after `Bearer`. Raises `MalformedRequest`."""
    value = (visit.header(b"authorization") or "").strip()
    scheme, _, token = value.partition(" ")
    return (token.strip() if scheme.lower() == "bearer" and token else value) or None


async def entered(visit: Visit, services: Services, slug: str) -> Request:
    """The request of whoever sent it; raises `Unauthenticated` for somebody who is unknown, or unknown here."""
    call = await call_with(credential(visit), visit, services)
    tenant = await entry(call, services, slug)
    return Request(Asking(services, replace(call, tenant=slug)), tenant)


async def entry(call: Call, services: Services, slug: str) -> Tenant:
    """The tenant, if the caller may be in it; to anybody else it is told no more than to a stranger.

    A key of the tenant is let in from memory.
    """
    bound = call.caller.bound
    if bound is not None and bound.slug == slug:
        return bound
    try:
        if bound is None:
            return await services.run(enter_tenant, call, TenantSlug(slug))
    except NotFound:
        pass
    raise Unauthenticated(UNKNOWN_CREDENTIAL, reason=Code.NOT_FOUND)
