"""`/v1/authorize`, as plain ASGI ahead of all routing: the sub-request by which a gateway asks about each request.

It judges the credential of the request that the gateway holds back, and needs none of the gateway's own. What that
request is follows from the `action` and `resource` of the query, which the gateway's configuration fixes, or from
the catalog's routes by its method and path. These are believed to a trusted proxy alone, and where they are told in
two ways that differ, since a client may have written one of them, nothing is let through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote

from keywright.core.decision import Code
from keywright.core.errors import InvalidType, InvalidValue, KeywrightError, MalformedRequest, UnknownField
from keywright.services.decisions import Shown
from keywright.web.credentials import bearer
from keywright.web.errors import encode, problem_of, send_problem
from keywright.web.peer import is_trusted
from keywright.web.rate_limit_fields import rate_limit_fields
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from keywright.core.decision import Decision
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.decisions import Judge
    from keywright.web.visit import Visit

PATH: Final = "/v1/authorize"
UNKNOWN_REQUEST: Final = ("", "")
"""In place of a request that nobody could be believed: no route fits it."""
_TOLD: Final = (
    (b"x-original-method", b"x-original-uri"),
    (b"x-forwarded-method", b"x-forwarded-uri"),
)
"""The headers in which proxies name the request's method and path: nginx by our example, then Traefik and Caddy."""
_FORBIDDEN, _USED_UP = 403, 429
_STATUS: Final = {
    Code.VALID: 204,
    Code.TENANT_MISMATCH: _FORBIDDEN,
    Code.IP_NOT_ALLOWED: _FORBIDDEN,
    Code.INSUFFICIENT_PERMISSIONS: _FORBIDDEN,
    Code.RATE_LIMITED: _USED_UP,
    Code.CREDITS_EXHAUSTED: _USED_UP,
    Code.STALE: 503,
}
"""The status of a decision; for all others the credential is no good, which is 401."""
_ENVOYS: Final = 200
"""In place of 204 where the request is told as Envoy tells it: to Envoy any other status is a refusal."""
_CHALLENGES: Final = {401: "invalid_token", _FORBIDDEN: "insufficient_scope"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the gateway's configuration says of every request that it asks about."""

    tenant: str | None = None
    action: str | None = None
    resource: str | None = None
    cost: int = 1
    limit_status: int = _USED_UP


class _Label:
    """In place of a route, for what metrics and logs name."""

    path = PATH


class AuthorizeDoor:
    """The path, and all below it, as one ASGI application."""

    def __init__(
        self,
        judge: Judge,
        metrics: Metrics,
        trusted_proxies: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._judge = judge
        self._metrics = metrics
        self._trusted = trusted_proxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one call of any method: 204 (200 for Envoy), or a status by which the gateway refuses."""
        scope["route"] = _Label
        visit = visit_of(scope)
        try:
            below = _below(scope)
            peer = scope.get("client")
            trusted = is_trusted(None if peer is None else peer[0], self._trusted)
            options = _read(scope["query_string"]) if below is None else Options()
            if below is not None and trusted:
                options = Options(tenant=visit.header(b"keywright-tenant"))
            token = _token(visit)
            if token is None:
                self._metrics.decision(Code.NOT_FOUND, "authorize")
                await _refuse(send, 401, Code.NOT_FOUND, {"WWW-Authenticate": 'Bearer realm="keywright"'})
                return
            shown = Shown(
                token=token,
                tenant=options.tenant,
                action=options.action,
                resource=options.resource,
                request=_request(scope, visit, below) if trusted else UNKNOWN_REQUEST,
                ip=_address(visit, trusted=trusted),
                cost=options.cost,
            )
            decision = await self._judge.judge(shown)
            self._metrics.decision(decision.code, "authorize")
            await _send(send, decision, options, _STATUS[Code.VALID] if below is None else _ENVOYS)
        except KeywrightError as refused:
            await send_problem(send, *problem_of(refused, visit.request_id))


def _below(scope: Any) -> str | None:  # noqa: ANN401 - ASGI is untyped
    """What stands below our path as it was sent, with its slash; None where nothing does.

    Envoy puts the path of the original request there, and its query behind it.
    """
    if scope["path"] == PATH:
        return None
    raw: str = scope["raw_path"].decode("latin-1")
    return raw.removeprefix(PATH) if raw.startswith(PATH) else ""


def _request(scope: Any, visit: Visit, below: str | None) -> tuple[str, str]:  # noqa: ANN401 - ASGI is untyped
    """Method and path of the original request, if it is told in one way, or in the same words each time."""
    told = {
        (visit.header(method) or "", visit.header(uri) or "")
        for method, uri in _TOLD
        if visit.header(method) or visit.header(uri)
    }
    if below is not None:
        told.add((scope["method"], below))
    return told.pop() if len(told) == 1 else UNKNOWN_REQUEST


def _address(visit: Visit, *, trusted: bool) -> IPv4Address | IPv6Address | None:
    """Where the original request comes from: not from the proxy that does not say."""
    return None if trusted and not visit.listed(b"x-forwarded-for") else visit.ip


def _token(visit: Visit) -> str | None:
    """The credential; None for none, and for what leaves open which one is meant."""
    try:
        return bearer(visit)
    except MalformedRequest:
        return None


@lru_cache(maxsize=256)
def _read(query: bytes) -> Options:
    """The options in a query, which is the same in every call of one configuration. Raises what is wrong with it."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="strict")
    except ValueError:
        raise MalformedRequest("The query cannot be read.") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidValue("A parameter stands there twice.")
    if not found.keys() <= {"tenant", "action", "resource", "cost", "limit_status"}:
        raise UnknownField("The query has a parameter that is not known here.")
    limit_status = found.get("limit_status", str(_USED_UP))
    if limit_status not in (str(_FORBIDDEN), str(_USED_UP)):
        raise InvalidValue("This is 403 or 429.", field="limit_status")
    cost = found.get("cost", "1")
    if not (cost.isascii() and cost.isdecimal() and len(cost) <= 10):
        raise InvalidType("This is a whole number.", field="cost")
    return Options(
        tenant=found.get("tenant"),
        action=found.get("action"),
        resource=found.get("resource"),
        cost=int(cost),
        limit_status=int(limit_status),
    )


async def _send(send: Any, decision: Decision, options: Options, allowed: int) -> None:  # noqa: ANN401 - ASGI is untyped
    headers = rate_limit_fields(decision)
    status = _STATUS.get(decision.code, 401)
    if decision.valid and decision.facts is not None:
        headers |= dict(_facts(decision, decision.facts, routed=options.action is None))
        if allowed == _ENVOYS:
            headers["Content-Length"] = "0"
        await _start(send, allowed, headers)
        await send({"type": "http.response.body", "body": b""})
        return
    if status == _USED_UP:
        status = options.limit_status
    if decision.code is Code.STALE:
        headers["Retry-After"] = "1"
    error = _CHALLENGES.get(_STATUS.get(decision.code, 401))
    if error is not None:
        headers["WWW-Authenticate"] = f'Bearer realm="keywright", error="{error}"'
    await _refuse(send, status, decision.code, headers)


async def _refuse(send: Any, status: int, code: Code, headers: dict[str, str]) -> None:  # noqa: ANN401 - ASGI is untyped
    body = encode({"valid": False, "code": code})
    about = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Keywright-Code": code.value,
    }
    await _start(send, status, headers | about)
    await send({"type": "http.response.body", "body": body})


async def _start(send: Any, status: int, headers: dict[str, str]) -> None:  # noqa: ANN401 - ASGI is untyped
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def _facts(decision: Decision, facts: KeyFacts, *, routed: bool) -> Iterator[tuple[str, str]]:
    """Who it is, as headers. Each is always there, so that a gateway that copies them overwrites what a client sent.

    What people name is percent-encoded UTF-8; what there is not is empty. What the gateway has named itself is not
    told back to it.
    """
    yield "X-Keywright-Code", decision.code.value
    yield "X-Keywright-Key-Id", facts.key.id
    yield "X-Keywright-Key-Name", quote(facts.key.name, safe="")
    yield "X-Keywright-Identity-Id", facts.identity.id
    yield "X-Keywright-Identity-Kind", facts.identity.kind.value
    yield "X-Keywright-Identity-Name", quote(facts.identity.name, safe="")
    yield "X-Keywright-Tenant", "" if decision.tenant is None else decision.tenant.slug
    yield "X-Keywright-Roles", ",".join(dict.fromkeys(one.role for one in decision.roles))
    yield "X-Keywright-Action", quote((routed and decision.action) or "", safe=":")
    yield "X-Keywright-Resource", quote((routed and decision.resource) or "", safe=":")
