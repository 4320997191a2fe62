"""The edge: the first and last code of every request, whichever door it is for.

It gives the request an id, finds the address it comes from, bounds and reads its body, adds the headers
that every answer carries, counts and logs it, and turns whatever escapes a door into an answer that says
nothing of the inside.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any

from keywright.core.errors import BodyTooLarge, KeywrightError, MalformedRequest
from keywright.core.ids import uuid7
from keywright.ops.logging import bind_request, clear_request, get_logger
from keywright.web.errors import defect_problem, problem_of, send_problem
from keywright.web.peer import client_address
from keywright.web.visit import Visit, attach

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from keywright.ops.metrics import Metrics
    from keywright.web.mounts import Answer

    Refuse = Callable[[KeywrightError | None, Visit], Answer]

MAX_BODY = 1024 * 1024
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Only an id in the form of a UUID is taken over: a header can hold anything, a secret too, and ids are logged.
_REQUEST_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)

_is_number = re.compile(r"[0-9]+").fullmatch

Scope = Any

log = get_logger("keywright.http")


class ClientGone(Exception):
    """The client closed the connection before its request was complete; nobody is there to answer."""


class Edge:
    """ASGI middleware around the whole application.

    `quiet` are paths whose access lines are written at debug level, because they are called by machines
    all day. `routes` are the paths that metrics and logs may name besides those of `scope["route"]`; any
    other path is `unmatched`, since a path can hold anything that a client writes. `refusal` finds how errors are
    answered at a path where that is not by problem details.
    """

    def __init__(
        self,
        app: Callable[[Any, Any, Any], Awaitable[None]],
        metrics: Metrics,
        trusted_proxies: Sequence[IPv4Network | IPv6Network],
        *,
        routes: frozenset[str],
        quiet: frozenset[str],
        refusal: Callable[[str], Refuse | None] = lambda _path: None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._trusted = trusted_proxies
        self._routes = routes
        self._quiet = quiet
        self._refusal = refusal

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Serve one request. There are no web sockets here; one that is asked for is refused."""
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close"})
            return
        began = time.perf_counter()
        visit = self._visit(scope)
        attach(scope, visit)
        answer = _Answer(send, visit.request_id)
        bind_request(visit.request_id)
        try:
            await self._serve(scope, receive, answer, visit)
        except ClientGone:
            log.debug("client_gone")
        finally:
            self._finish(scope, answer.status, time.perf_counter() - began)
            clear_request()

    def _visit(self, scope: Scope) -> Visit:
        visit = Visit(uuid7(), None, scope["headers"])
        given = visit.listed(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            visit.request_id = given.lower()
        peer = scope.get("client")
        visit.ip = client_address(
            None if peer is None else peer[0], visit.listed(b"x-forwarded-for"), self._trusted
        )
        return visit

    async def _serve(self, scope: Scope, receive: Any, answer: _Answer, visit: Visit) -> None:  # noqa: ANN401 - ASGI
        try:
            if scope["method"] in _WITH_BODY:
                visit.body = await _read(receive, visit)
                receive = _again(visit.body, receive)
            await self._app(scope, receive, answer)
        except ClientGone:
            raise
        except Exception as error:
            begun = answer.status is not None
            expected = error if isinstance(error, KeywrightError) and not begun else None
            if expected is None:
                log.exception("unexpected_error", exc_info=error)
            if not begun:  # else the server sees an answer without an end, and closes the connection
                await self._refuse(scope, answer, expected, visit)

    async def _refuse(
        self, scope: Scope, answer: _Answer, error: KeywrightError | None, visit: Visit
    ) -> None:
        """Answer an error, or (None) a defect, in the form that is used at this path."""
        refuse = self._refusal(scope["path"])
        if refuse is not None:
            await refuse(error, visit).send(answer)
        elif error is not None:
            await send_problem(answer, *problem_of(error, visit.request_id))
        else:
            await send_problem(answer, defect_problem(visit.request_id))

    def _finish(self, scope: Scope, status: int | None, seconds: float) -> None:
        route = self._route(scope)
        self._metrics.request(scope["method"], route, status or 499, seconds)
        quiet = route in self._quiet
        if quiet and not log.isEnabledFor(logging.DEBUG):
            return  # to find that out by writing the line takes as long as a decision
        line = log.debug if quiet else log.info
        line("request", method=_method(scope), route=route, status=status or 499, ms=round(seconds * 1000, 1))

    def _route(self, scope: Scope) -> str:
        path: str = scope["path"]
        if path in self._routes:
            return path
        return getattr(scope.get("route"), "path", None) or "unmatched"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    """The method, or `other`: a client can write anything there."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


class _Answer:
    """`send`, with the headers that every answer carries; remembers the status."""

    __slots__ = ("_request_id", "_send", "status")

    def __init__(self, send: Callable[[Any], Awaitable[None]], request_id: str) -> None:
        self._send = send
        self._request_id = request_id.encode()
        self.status: int | None = None

    async def __call__(self, message: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            if b"x-content-type-options" not in names:
                headers.append((b"x-content-type-options", b"nosniff"))
            headers.append((b"x-request-id", self._request_id))
            message = {**message, "headers": headers}
        await self._send(message)


async def _read(receive: Any, visit: Visit) -> bytes:  # noqa: ANN401 - ASGI is untyped
    """The whole body. Raises `BodyTooLarge` as soon as it is known, `MalformedRequest`, and `ClientGone`."""
    if (visit.listed(b"content-encoding") or "identity").strip().lower() != "identity":
        raise MalformedRequest(
            "Send the body as it is, without a content encoding.", field="Content-Encoding"
        )
    length = visit.listed(b"content-length") or ""
    if _is_number(length) and int(length[:18]) > MAX_BODY:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"A request has at most {MAX_BODY} bytes.")


def _again(body: bytes, receive: Any) -> Callable[[], Awaitable[Any]]:  # noqa: ANN401 - ASGI is untyped
    """A `receive` that hands the body over as if it had just come in."""
    handed_over = False

    async def replay() -> Any:  # noqa: ANN401 - ASGI is untyped
        nonlocal handed_over
        if handed_over:
            return await receive()
        handed_over = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
