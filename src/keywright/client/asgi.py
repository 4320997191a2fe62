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

from typing import TYPE_CHECKING, Any, Final

from keywright.client.bearers import digest_of
from keywright.client.guard import Resource, Rule
from keywright.client.people import Grants, KeyUser
from keywright.client.protection import Protection, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.client.bearers import Credential
    from keywright.client.guard import Refusal
    from keywright.client.verdict import Verdict

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
            verdict = known(self._protection, self._rule, scope, scope)
            if verdict is None:
                verdict = await admit(self._protection, self._rule, scope, scope)
        except Refused as refused:
            await _refuse(scope, send, refused.refusal)
            return
        let_in(scope, verdict, self._rule)
        await self._app(scope, receive, send)


def known(protection: Protection, rule: Rule, scope: Any, request: object) -> Verdict | None:  # noqa: ANN401 - ASGI is untyped
    """The verdict about a request of whoever is known by what it shows; None for `admit` to tell. Raises `Refused`."""
    credential = _credential(protection, scope)
    if credential is None:
        return None
    return protection.known(rule, credential, scope.get("path_params") or {}, request)


async def admit(protection: Protection, rule: Rule, scope: Any, request: object) -> Verdict:  # noqa: ANN401 - as above
    """The verdict about a request. Raises `Refused`."""
    return await protection.admit(
        rule,
        header_of(scope["headers"]),
        _peer(scope),
        scope.get("path_params") or {},
        request,
        _credential(protection, scope),
    )


def let_in(scope: Any, verdict: Verdict, rule: Rule) -> None:  # noqa: ANN401 - as above
    """Leave the verdict where an endpoint looks for it, and who it is about."""
    scope.setdefault("state", {})["keywright"] = verdict
    scope["user"] = KeyUser(verdict)
    scope["auth"] = Grants(verdict, rule)


def _peer(scope: Any) -> str | None:  # noqa: ANN401 - as above
    client = scope.get("client")
    return None if client is None else client[0]


def _credential(protection: Protection, scope: Any) -> Credential | None:  # noqa: ANN401 - as above
    """What a request shows; None where that is nothing, or more than one."""
    if not protection.recognizes:
        return None
    trusts = protection.guard.trusts_proxies
    header = text = chain = None
    for name, value in scope["headers"]:
        if name == b"authorization" or name == b"x-api-key":  # noqa: PLR1714 - a set would need the hash of each name
            if header is not None:
                return None
            header, text = name, value
        elif trusts and name == b"x-forwarded-for":
            chain = value if chain is None else chain + b"," + value
    return None if text is None else (digest_of(text).digest(), header, _peer(scope), chain)


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
