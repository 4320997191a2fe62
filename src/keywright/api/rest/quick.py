"""`/v1/verify` where all that it takes is in memory, ahead of the edge and everything else.

It answers what the door behind it would answer, byte for byte, and only what it is sure of: whatever is unusual about
a request, its caller or the key goes on to that door as if nobody had looked at it.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from keywright.api.rest.repeats import MAX_KEPT, PATH, QUESTION, Repeat, span
from keywright.api.rest.verify import VerifyIn, verdict
from keywright.core.checks import address
from keywright.core.decision import Asked, Code, decide
from keywright.core.errors import InvalidValue
from keywright.core.ids import uuid7
from keywright.core.limits import MAX_COST
from keywright.core.permissions import valid_name
from keywright.core.tokens import digest, is_reserved
from keywright.services.access import caller_with
from keywright.services.decisions import VERIFY
from keywright.services.places import EVERYWHERE
from keywright.web.errors import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.api.rest.repeats import Repeats
    from keywright.core.decision import Decision
    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.verify import Recall

_JSON: Final = (b"content-type", b"application/json")
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_REQUEST_ID: Final = b"x-request-id"
_TENANT: Final = b"keywright-tenant"
# A caller's own request id, address or second credential is for the door behind.
_USUAL: Final = frozenset(
    {
        *(b"authorization", b"host", b"content-length", b"content-type", b"user-agent", b"accept"),
        *(b"accept-encoding", b"accept-language", b"connection", b"traceparent", b"tracestate"),
        _TENANT,
    }
)
_BEARER: Final = b"Bearer "
_MAX_TOKEN: Final = 512

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_spaced = re.compile(r"\s").search
_read = msgspec.json.Decoder(VerifyIn).decode


class _Asking(NamedTuple):
    """The key that a request is made with, and the tenant that the request names."""

    token_digest: bytes
    facts: KeyFacts
    named: str | None


class _Rights:
    """Where a key may verify, as long as its span of validity lasts, from any address."""

    __slots__ = ("_caller", "_everywhere", "_places", "facts")

    def __init__(self, facts: KeyFacts) -> None:
        self.facts = facts
        is_good = facts.key.active and facts.identity.active and facts.key.allowed_cidrs is None
        self._caller = caller_with(facts) if is_good else None
        self._everywhere = facts.tenant is None and self._may(None)
        self._places: dict[tuple[str, bool], bool] = {}

    def reach(self, named: str | None, tenant: Tenant) -> bool:
        """Whether the caller of a request that names this tenant, or none, may verify a key of that one."""
        bound = self.facts.tenant
        enters = named is not None and named != EVERYWHERE
        if bound is not None:
            is_meant = bound.id == tenant.id and named in (None, bound.slug)
        else:
            is_meant = named == tenant.slug if enters else self._everywhere
        if not (is_meant and tenant.active):
            return False
        place = tenant.id, enters
        may = self._places.get(place)
        if may is None:
            may = self._may(tenant.id) and (not enters or self._sees(tenant.id))
            _keep(self._places, place, may)
        return may

    def _may(self, tenant_id: str | None) -> bool:
        return self._caller is not None and self._caller.may(tenant_id, VERIFY)

    def _sees(self, tenant_id: str) -> bool:
        """Whether the caller may enter a tenant by its name."""
        return self._caller is not None and self._caller.sees(tenant_id)


class _Found(NamedTuple):
    """An answer, and what it rests on."""

    body: bytes
    token_digest: bytes
    asked: Asked
    decision: Decision
    now_us: int


class QuickVerify:
    """An ASGI application in front of another. Where a request's scope has a `QUESTION`, its answer is kept."""

    def __init__(
        self,
        app: Callable[[Any, Any, Any], Awaitable[None]],
        recall: Recall,
        metrics: Metrics,
        repeats: Repeats,
    ) -> None:
        self._app = app
        self._recall = recall
        self._metrics = metrics
        self._repeats = repeats
        self._answers: dict[bytes, tuple[KeyFacts | None, bytes]] = {}
        self._callers: dict[bytes, _Rights] = {}
        self._peers: dict[str, Asked] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer, or let the application behind answer."""
        if (
            scope["type"] != "http"
            or scope["path"] != PATH
            or scope["method"] != "POST"
            or scope["query_string"]
        ):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        caller = self._caller(scope["headers"])
        if caller is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            use = self._use_at(scope.get("client"))
            found = None if use is None else self._found(caller, use, message["body"])
            if use is not None and found is not None:
                head = _head(found.body)
                await _send(send, head, found.body)
                self._metrics.request("POST", PATH, 200, time.perf_counter() - began)
                known = scope.get(QUESTION)
                if known is not None:
                    self._repeats.keep(known, _repeat(caller, use, found, head))
                return
        await self._app(scope, _again(message, receive), send)

    def _caller(self, headers: list[tuple[bytes, bytes]]) -> _Asking | None:
        """The key that a request is made with, if it is remembered and there is nothing else to look at."""
        token = named = None
        for name, value in headers:
            if name not in _USUAL:
                return None
            if name == _TENANT:
                if named is not None:
                    return None
                named = value.decode("latin-1")
            if name == b"authorization":
                if token is not None or not value.startswith(_BEARER) or len(value) > _MAX_TOKEN:
                    return None
                token = value[7:].decode("latin-1")
        if token is None or _spaced(token) or is_reserved(token):
            return None
        token_digest = digest(token)
        facts = self._recall.get(token_digest)
        return None if facts is None else _Asking(token_digest, facts, named)

    def _use_at(self, client: tuple[str, int] | None) -> Asked | None:
        """The use of the caller's key, from its address; None where it has none that can be read."""
        if client is None:
            return None
        use = self._peers.get(client[0])
        if use is None:
            try:
                use = Asked(ip=address(client[0]))
            except InvalidValue:
                return None
            _keep(self._peers, client[0], use)
        return use

    def _may(self, asking: _Asking, tenant: Tenant) -> bool:
        """Whether the caller may verify a key of this tenant."""
        known = self._callers.get(asking.token_digest)
        if known is None or known.facts is not asking.facts:
            known = _Rights(asking.facts)
            _keep(self._callers, asking.token_digest, known)
        return known.reach(asking.named, tenant)

    def _found(self, asking: _Asking, use: Asked, raw: bytes) -> _Found | None:
        """The answer to a question, if it is a plain one about a key of a tenant in which the caller asks."""
        asked = _question(raw)
        if asked is None:
            return None
        token_digest, question = asked
        facts = self._recall.get(token_digest)
        if (
            facts is None
            or facts.tenant is None
            or not facts.uncounted
            or not self._may(asking, facts.tenant)
        ):
            return None
        caller, now_us = asking.facts, self._recall.now_us()
        if not caller.starts_us <= now_us < caller.ends_us:
            return None
        decision = decide(facts, question, now_us, None)
        self._recall.note(caller, Code.VALID, use, now_us)
        self._recall.note(facts, decision.code, question, now_us)
        self._metrics.decision(decision.code, "rest")
        return _Found(self._written(token_digest, decision), token_digest, question, decision, now_us)

    def _written(self, token_digest: bytes, decision: Decision) -> bytes:
        """A decision as its answer. A key that may do what was asked has but one, which is kept."""
        if not decision.valid:
            return encode(verdict(decision))
        kept = self._answers.get(token_digest)
        if kept is not None and kept[0] is decision.facts:
            return kept[1]
        body = encode(verdict(decision))
        _keep(self._answers, token_digest, (decision.facts, body))
        return body


def _question(raw: bytes) -> tuple[bytes, Asked] | None:
    """The digest of the token that is asked about, and the question; None where it is not plain, or not sound."""
    try:
        asked = _read(raw)
        token, action, resource = asked.token, asked.action, asked.resource
        if (
            token is None
            or asked.token_hash is not None
            or asked.tenant is not None
            or asked.explain
            or not 0 <= asked.cost <= MAX_COST
            or is_reserved(token)
            or (action is None and resource is not None)
            or (action is not None and not valid_name(action))
            or (resource is not None and not valid_name(resource))
        ):
            return None
        ip = None if asked.ip is None else address(asked.ip)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidValue):
        return None
    return digest(token), Asked(action=action, resource=resource, ip=ip)


def _keep(among: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep something in a mapping that is emptied when it is full: what is used is soon in it again."""
    if len(among) >= MAX_KEPT:
        among.clear()
    among[key] = value


def _head(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a response, all but the request's id."""
    return [_JSON, (b"content-length", b"%d" % len(body)), *_ALWAYS]


async def _send(send: Any, head: list[tuple[bytes, bytes]], body: bytes) -> None:  # noqa: ANN401 - ASGI is untyped
    fields = [*head, (_REQUEST_ID, uuid7().encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _repeat(asking: _Asking, use: Asked, found: _Found, head: list[tuple[bytes, bytes]]) -> Repeat:
    """The answer as it can be given again, as the server writes it."""
    facts = found.decision.facts
    assert facts is not None  # noqa: S101 - a key that was not found is not answered here
    from_us, until_us = span(found.now_us, asking.facts, facts)
    return Repeat(
        caller=asking.facts,
        caller_digest=asking.token_digest,
        use=use,
        facts=facts,
        facts_digest=found.token_digest,
        asked=found.asked,
        code=found.decision.code,
        from_us=from_us,
        until_us=until_us,
        head=b"".join(b"%b: %b\r\n" % field for field in head) + b"%b: " % _REQUEST_ID,
        body=b"\r\n\r\n" + found.body,
    )


def _again(message: Any, receive: Any) -> Callable[[], Awaitable[Any]]:  # noqa: ANN401 - ASGI is untyped
    """A `receive` that gives a message which was received already, and then those that follow."""
    given = False

    async def replay() -> Any:  # noqa: ANN401 - ASGI is untyped
        nonlocal given
        if given:
            return await receive()
        given = True
        return message

    return replay
