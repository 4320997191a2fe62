"""Where a credential stands in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors import MalformedRequest

if TYPE_CHECKING:
    from keywright.web.visit import Visit


def bearer(visit: Visit) -> str | None:
    """The token from `Authorization: Bearer …` or `X-Api-Key`, or None when neither is there.

    Raises `MalformedRequest` when both are there or one is there twice, since it would be a guess which one
    is meant, and for another scheme than Bearer.
    """
    authorization = visit.header(b"authorization")
    api_key = visit.header(b"x-api-key")
    if authorization is None:
        return api_key
    if api_key is not None:
        raise MalformedRequest("Send the credential either in Authorization or in X-Api-Key, not in both.")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MalformedRequest(
            "The Authorization header has the form `Bearer <token>`.", field="Authorization"
        )
    return token
