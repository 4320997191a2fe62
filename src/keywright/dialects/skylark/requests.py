"""One request: what stands in its body, and who sent it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from keywright.core.errors import MalformedRequest, Unauthenticated
from keywright.web.asking import Asking
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.core.ports import Clock
    from keywright.services.callers import Caller
    from keywright.services.service import Services
    from keywright.web.visit import Visit


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a request; what else stands in it has no effect."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    def __repr__(self) -> str:
        """Without anything that was sent."""
        return "Body(…)"


_decode = msgspec.json.Decoder(Body).decode


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody's request, in the account that its key belongs to."""

    asking: Asking
    account: Tenant
    clock: Clock

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.asking.call.caller


def read(body: bytes) -> Body:
    """The request in a body. Raises `MalformedRequest`."""
    try:
        return _decode(body)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedRequest(
            "The body is a JSON object with a query, and perhaps with variables."
        ) from None


async def request_of(visit: Visit, services: Services, clock: Clock) -> Request:
    """The request of whoever sent its API key as the whole `Authorization` header.

    Raises `Unauthenticated` also for a credential that belongs to no one account, `MalformedRequest` and `Unavailable`.
    """
    token = (visit.header(b"authorization") or "").strip()
    call = await call_with(token or None, visit, services)
    if call.caller.bound is None:
        raise Unauthenticated("The credential is not an API key of one tenant.")
    return Request(Asking(services, call), call.caller.bound, clock)
