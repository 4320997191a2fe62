"""`/v1/verify` where all that it takes is in memory, ahead of the edge and everything else.

It answers what the door behind it would answer, byte for byte, and only what it is sure of: whatever is unusual about
a request, its caller or the key goes on to that door as if nobody had looked at it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from keywright.api.rest.callers import keep
from keywright.api.rest.repeats import PATH, QUESTION, Repeat, span
from keywright.api.rest.verify import VerifyIn, answer_of, verdict
from keywright.core.checks import address
from keywright.core.decision import Asked, Code, decide
from keywright.core.errors import InvalidValue
from keywright.core.ids import uuid7
from keywright.core.limits import MAX_COST
from keywright.core.permissions import valid_name
from keywright.core.tokens import digest, is_reserved
from keywright.web.errors import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.api.rest.callers import Asking, Callers
    from keywright.api.rest.repeats import Repeats
    from keywright.core.decision import Decision
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.verify import Recall, Verifier

_JSON: Final = (b"content-type", b"application/json")
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_REQUEST_ID: Final = b"x-request-id"

_read = msgspec.json.Decoder(VerifyIn).decode


class _Known(NamedTuple):
    """A question about a key that is remembered, at some moment."""

    token_digest: bytes
    facts: KeyFacts
    question: Asked
    now_us: int


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
        verifier: Verifier,
        recall: Recall,
        metrics: Metrics,
        callers: Callers,
        repeats: Repeats,
    ) -> None:
        self._app = app
        self._verify = verifier.verify_digest
        self._recall = recall
        self._metrics = metrics
        self._repeats = repeats
        self._asking = callers.asking
        self._stays = callers.stays
        self._answers: dict[bytes, tuple[KeyFacts | None, bytes]] = {}

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
        asking = self._asking(scope)
        if asking is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            asked = self._known(asking, message["body"])
            if asked is not None:
                if asked.facts.uncounted:
                    found = self._found(asked)
                    head = _head(found.body)
                    await _send(send, 200, head, found.body)
                    status, known = 200, scope.get(QUESTION)
                    if known is not None:
                        self._repeats.keep(known, _repeat(asking, found, head))
                else:
                    status = await self._counted(asked, send)
                self._metrics.request("POST", PATH, status, time.perf_counter() - began)
                return
        await self._app(scope, _again(message, receive), send)

    def _known(self, asking: Asking, raw: bytes) -> _Known | None:
        """A question, if it is a plain one about a key of a tenant in which the caller asks; then the caller did."""
        asked = _question(raw)
        if asked is None:
            return None
        token_digest, question = asked
        facts = self._recall.get(token_digest)
        if (
            facts is None
            or facts.tenant is None
            or not asking.rights.reach(asking.named, facts.tenant)
            # The body may have come long after the head.
            or not self._stays(asking)
        ):
            return None
        caller, now_us = asking.rights.facts, self._recall.now_us()
        if not caller.starts_us <= now_us < caller.ends_us:
            return None
        if asking.use is not None:
            self._recall.note(caller, Code.VALID, asking.use, now_us)
        return _Known(token_digest, facts, question, now_us)

    def _found(self, asked: _Known) -> _Found:
        """The answer to a question about a key whose uses nobody counts."""
        decision = decide(asked.facts, asked.question, asked.now_us, None)
        self._recall.note(asked.facts, decision.code, asked.question, asked.now_us)
        self._metrics.decision(decision.code, "rest")
        return _Found(
            self._written(asked.token_digest, decision),
            asked.token_digest,
            asked.question,
            decision,
            asked.now_us,
        )

    async def _counted(self, asked: _Known, send: Any) -> int:  # noqa: ANN401 - ASGI is untyped
        """Answer a question about a key whose uses are counted; gives the status."""
        decision = await self._verify(asked.token_digest, asked.question)
        self._metrics.decision(decision.code, "rest")
        status, fields = answer_of(decision)
        body = encode(verdict(decision))
        more = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
        await _send(send, status, [*_head(body), *more], body)
        return status

    def _written(self, token_digest: bytes, decision: Decision) -> bytes:
        """A decision as its answer. A key that may do what was asked has but one, which is kept."""
        if not decision.valid:
            return encode(verdict(decision))
        kept = self._answers.get(token_digest)
        if kept is not None and kept[0] is decision.facts:
            return kept[1]
        body = encode(verdict(decision))
        keep(self._answers, token_digest, (decision.facts, body))
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
    return digest(token), Asked(action=action, resource=resource, ip=ip, cost=asked.cost)


def _head(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a response, all but the request's id."""
    return [_JSON, (b"content-length", b"%d" % len(body)), *_ALWAYS]


async def _send(send: Any, status: int, head: list[tuple[bytes, bytes]], body: bytes) -> None:  # noqa: ANN401 - ASGI is untyped
    fields = [*head, (_REQUEST_ID, uuid7().encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def _repeat(asking: Asking, found: _Found, head: list[tuple[bytes, bytes]]) -> Repeat:
    """The answer as it can be given again, as the server writes it."""
    facts = found.decision.facts
    assert facts is not None  # noqa: S101 - a key that was not found is not answered here
    caller = asking.rights.facts
    from_us, until_us = span(found.now_us, caller, facts)
    return Repeat(
        caller=caller,
        caller_digest=asking.token_digest,
        use=asking.use,
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
