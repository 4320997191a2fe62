"""ASGI: a middleware for Starlette, and for whatever else speaks ASGI.

    guard = Protection(Verifier("postgresql://…"))
    app = Starlette(
        lifespan=guard.lifespan,
        routes=[
            Route(
                "/articles/{article_id}",
                read,
                middleware=[
                    Middleware(KeyRequired, guard, action="article:read", resource="article:{article_id}")
                ],
            )
        ],
    )

The endpoint finds the verdict in `request.state.keywright`, and who it is in `request.user`.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final

from keywright.client.guard import Resource, Rule
from keywright.client.people import Admitted, admitted
from keywright.client.protection import Protection, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.client.bearers import Credential
    from keywright.client.guard import Refusal

__all__ = ["KeyRequired", "Protection"]


class KeyRequired:
    """Lets requests and WebSockets through to an application, or a route of it, that show a key which may do this.

    A template for the resource is filled from the parameters of the path, which are there on a route alone: around a
    whole application it raises, and nothing is let through. Functions get the ASGI scope.
    """

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - ASGI is untyped
        protection: Protection,
        *,
        action: str | None = None,
        resource: Resource = None,
        cost: int = 1,
    ) -> None:
        self._app = app
        self._protection = protection
        self._rule = Rule(action, resource, cost)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one request, or let the application answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            found, credential = known(self._protection, self._rule, scope, scope)
            if found is None:
                found = await admit(self._protection, self._rule, scope, scope, credential)
        except Refused as refused:
            await _refuse(scope, send, refused.refusal)
            return
        let_in(scope, found)
        await self._app(scope, receive, send)


def known(
    protection: Protection,
    rule: Rule,
    scope: Any,  # noqa: ANN401 - ASGI is untyped
    request: object,
) -> tuple[Admitted | None, Credential | None]:
    """Whoever is known by what a request shows, if they may pass, and that; None for what there is not.

    Raises `Refused`.
    """
    if not protection.recognizes:
        return None, None
    listed = scope["headers"]
    headers = dict(listed)
    if len(headers) != len(listed) and any(sum(name == one for name, _ in listed) > 1 for one in _READ):
        return None, None
    text, key = headers.get(b"authorization"), headers.get(b"x-api-key")
    shown = key if text is None else text
    if shown is None or (text is not None and key is not None):
        return None, None
    client = scope.get("client")
    credential = (
        blake2s(shown).digest(),
        text is None,
        None if client is None else client[0],
        headers.get(b"x-forwarded-for") if protection.trusts_proxies else None,
    )
    return protection.known(rule, credential, scope.get("path_params") or {}, request), credential


async def admit(
    protection: Protection,
    rule: Rule,
    scope: Any,  # noqa: ANN401 - as above
    request: object,
    credential: Credential | None,
) -> Admitted:
    """Whoever is not `known`, if they may pass. Raises `Refused`."""
    client = scope.get("client")
    verdict = await protection.admit(
        rule,
        header_of(scope["headers"]),
        None if client is None else client[0],
        scope.get("path_params") or {},
        request,
        credential,
    )
    return admitted(verdict, rule.action)


def let_in(scope: Any, found: Admitted) -> None:  # noqa: ANN401 - as above
    """Leave the verdict where an endpoint looks for it, and who it is about."""
    verdict, scope["user"], scope["auth"] = found
    scope.setdefault("state", {})["keywright"] = verdict


_READ: Final = {name.encode(): name for name in ("authorization", "x-api-key", "x-forwarded-for")}


def header_of(headers: Any) -> Callable[[str], str | None]:  # noqa: ANN401 - ASGI is untyped
    """Looks up the headers that a guard reads, in the form in which ASGI has them."""
    found: dict[str, str] = {}
    for key, value in headers:
        if key in _READ:
            name, text = _READ[key], value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found.get


async def _refuse(scope: Any, send: Any, refusal: Refusal) -> None:  # noqa: ANN401 - ASGI is untyped
    start = "http.response.start"
    body = "http.response.body"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            # Before it is accepted this is a plain 403; 1008 is "policy violation" (RFC 6455, section 7.4.1).
            await send({"type": "websocket.close", "code": 1008})
            return
        start, body = f"websocket.{start}", f"websocket.{body}"
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.all_headers.items()]
    await send({"type": start, "status": refusal.status, "headers": headers})
    await send({"type": body, "body": refusal.body})
