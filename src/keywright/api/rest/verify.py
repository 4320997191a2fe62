"""`/v1/verify` and `/v1/verify/batch`, as plain ASGI ahead of all routing: this is the path that must be fast."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keywright.core.decision import STALE, Code
from keywright.core.errors import (
    InvalidType,
    InvalidValue,
    KeywrightError,
    MalformedRequest,
    MissingField,
    Unavailable,
    UnknownField,
)
from keywright.core.instants import rfc3339
from keywright.core.limits import MAX_COST
from keywright.services.decisions import MAX_BATCH, Question
from keywright.web.errors import (
    METHOD_NOT_ALLOWED,
    other_problem,
    problem_of,
    send_json,
    send_problem,
)
from keywright.web.rate_limit_fields import rate_limit_fields, retry_after
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.decision import Decision, Explanation
    from keywright.core.limits import LimitState, Taken
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.decisions import Asker, Judge
    from keywright.web.visit import Visit

_LATER: Final = {"Retry-After": "1"}
"""Beside what nobody can know now."""


class VerifyIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A question about one token. Exactly one of `token` and `token_hash` is given."""

    token: Annotated[str | None, Meta(description="The token to decide about.")] = None
    token_hash: Annotated[
        str | None,
        Meta(
            description="Its SHA-256 in hex, instead of the token.",
            extra_json_schema={"pattern": "^[0-9a-f]{64}$"},
        ),
    ] = None
    tenant: Annotated[
        str | None,
        Meta(description="The slug of the tenant where the token is used; the caller's unless given."),
    ] = None
    action: Annotated[
        str | None,
        Meta(
            description="What its holder wants to do.",
            extra_json_schema={"minLength": 1, "maxLength": 512, "examples": ["article:read"]},
        ),
    ] = None
    resource: Annotated[
        str | None,
        Meta(
            description="What that is done to; goes with an action.",
            extra_json_schema={"minLength": 1, "maxLength": 512, "examples": ["article:cs:42"]},
        ),
    ] = None
    ip: Annotated[
        str | None,
        Meta(
            description="The address that the token came from; asked for by keys with address ranges.",
            extra_json_schema={"examples": ["192.0.2.7"]},
        ),
    ] = None
    explain: Annotated[bool, Meta(description="Say why; needs the permission `keys:read`.")] = False
    cost: Annotated[
        int,
        Meta(
            description="What the use takes of limits and credits; 0 only looks whether there is room.",
            extra_json_schema={"minimum": 0, "maximum": MAX_COST},
        ),
    ] = 1

    def __repr__(self) -> str:
        """Without the token."""
        return "VerifyIn(…)"


class BatchIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Up to 1,000 questions."""

    items: list[VerifyIn]


class IdentityOut(msgspec.Struct, frozen=True):
    """Whoever the key speaks for."""

    id: str
    kind: str
    name: str


class RoleOut(msgspec.Struct, frozen=True):
    """A role that counted, with the values of its variables."""

    role: str
    variables: dict[str, list[str]]


class PolicyOut(msgspec.Struct, frozen=True):
    """One policy; `resources` null means everything."""

    actions: list[str]
    resources: list[str] | None


class ExplanationOut(msgspec.Struct, frozen=True):
    """Why: the check that decided, in a sentence, and the policy that allowed or came nearest."""

    check: str
    detail: str
    policy: PolicyOut | None
    source: str | None


class LimitStateOut(msgspec.Struct, frozen=True):
    """Where a limit stands: uses left now, and seconds until all of them are back.

    `level` says whose limit it is: `key`, or `identity` or `tenant`, whose uses all count together.
    """

    level: str
    name: str
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: float


class LimitNameOut(msgspec.Struct, frozen=True):
    """Which limit."""

    level: str
    name: str


class VerdictOut(msgspec.Struct, frozen=True):
    """A decision. When it is not valid, only `code` and, where the key was found, `key_id` are there, and the limits.

    `limits` are there where some were asked, and `credits_left` where the key has credits and they were asked.
    `limits_local` is there, and true, when the node counted alone, since it could not reach the shared counters.
    """

    valid: bool
    code: Code
    key_id: str | None = None
    name: str | None = None
    identity: IdentityOut | None = None
    tenant: str | None = None
    roles: list[RoleOut] | None = None
    scope: list[PolicyOut] | None = None
    expires_at: str | None = None
    metadata: msgspec.Raw | dict[str, Any] | None = None
    limits: list[LimitStateOut] | UnsetType = UNSET
    credits_left: int | UnsetType = UNSET
    refused_by: LimitNameOut | UnsetType = UNSET
    retry_after_seconds: int | UnsetType = UNSET
    limits_local: bool | UnsetType = UNSET
    explanation: ExplanationOut | UnsetType = UNSET


class BatchOut(msgspec.Struct, frozen=True):
    """Decisions, in the order of the questions."""

    items: list[VerdictOut]


_read_one = msgspec.json.Decoder(VerifyIn).decode
_read_batch = msgspec.json.Decoder(BatchIn).decode
_read_any = msgspec.json.Decoder().decode


class VerifyDoor:
    """The two paths as one ASGI application. `asker` says who asks; it raises `Unavailable` where nobody can know."""

    def __init__(self, judge: Judge, asker: Callable[[Visit], Awaitable[Asker]], metrics: Metrics) -> None:
        self._judge = judge
        self._ask = asker
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one call: 200 whatever the verdict is, 503 with the same body when nobody can know."""
        visit = visit_of(scope)
        try:
            if scope["method"] != "POST":
                found = other_problem(METHOD_NOT_ALLOWED, "This path takes POST.", visit.request_id)
                await send_problem(send, found, {"Allow": "POST"})
                return
            if scope["query_string"]:
                raise UnknownField("This path takes no query parameters; the question stands in the body.")
            if scope["path"].endswith("/batch"):
                await self._batch(visit, send)
            else:
                await self._one(visit, send)
        except KeywrightError as refused:
            await send_problem(send, *problem_of(refused, visit.request_id))

    async def _one(self, visit: Visit, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        asker = await self._asker(visit)
        decision = await self._answer(asker, _parse(_read_one, visit.body), "")
        status, fields = answer_of(decision)
        await send_json(send, status, verdict(decision), fields)

    async def _batch(self, visit: Visit, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        asker = await self._asker(visit)
        items = _parse(_read_batch, visit.body).items
        if not 1 <= len(items) <= MAX_BATCH:
            raise InvalidValue(f"A batch has 1 to {MAX_BATCH} items.", field="items")
        decisions = [await self._answer(asker, item, f"items.{index}.") for index, item in enumerate(items)]
        answer = BatchOut([verdict(decision) for decision in decisions])
        if any(decision.code is Code.STALE for decision in decisions):
            await send_json(send, 503, answer, _LATER)
        else:
            await send_json(send, 200, answer)

    async def _asker(self, visit: Visit) -> Asker | None:
        """Who asks; None when the database is away, so that nobody can be known: then each verdict is `STALE`."""
        try:
            return await self._ask(visit)
        except Unavailable:
            return None

    async def _answer(self, asker: Asker | None, item: VerifyIn, at: str) -> Decision:
        decision = STALE if asker is None else await self._decide(asker, item, at)
        self._metrics.decision(decision.code, "rest")
        return decision

    async def _decide(self, asker: Asker, item: VerifyIn, at: str) -> Decision:
        question = Question(
            token=item.token,
            token_hash=item.token_hash,
            tenant=item.tenant,
            action=item.action,
            resource=item.resource,
            ip=item.ip,
            explain=item.explain,
            cost=item.cost,
        )
        return await self._judge.answer(asker, question, at)


def answer_of(decision: Decision) -> tuple[int, dict[str, str]]:
    """The status of the answer to one question, and the fields beside: they describe the key that was asked about."""
    return (503, _LATER) if decision.code is Code.STALE else (200, rate_limit_fields(decision))


def verdict(decision: Decision) -> VerdictOut:
    """A decision as its answer."""
    explanation = UNSET if decision.explanation is None else _explanation(decision.explanation)
    facts = decision.facts
    if facts is None:
        return VerdictOut(valid=False, code=decision.code, explanation=explanation)
    if decision.valid:
        return _valid(decision, facts, explanation)
    taken = decision.limits
    refused = None if taken is None else taken.refused
    return VerdictOut(
        valid=False,
        code=decision.code,
        key_id=facts.key.id,
        limits=UNSET if taken is None else _limits(taken),
        credits_left=_or_unset(decision.credits_left),
        refused_by=UNSET if refused is None else _named(refused),
        retry_after_seconds=UNSET if taken is None else _or_unset(retry_after(taken)),
        limits_local=UNSET if taken is None or not taken.local else True,
        explanation=explanation,
    )


def _valid(decision: Decision, facts: KeyFacts, explanation: ExplanationOut | UnsetType) -> VerdictOut:
    key, identity, taken = facts.key, facts.identity, decision.limits
    return VerdictOut(
        valid=True,
        code=decision.code,
        key_id=key.id,
        name=key.name,
        identity=IdentityOut(identity.id, identity.kind.value, identity.name),
        tenant=None if decision.tenant is None else decision.tenant.slug,
        roles=[
            RoleOut(one.role, {name: list(values) for name, values in one.variables})
            for one in decision.roles
        ],
        scope=None if key.scope is None else [_policy(one.to_plain()) for one in key.scope],
        expires_at=None if key.expires_at is None else rfc3339(key.expires_at),
        metadata=msgspec.Raw(key.metadata.encode()),
        limits=UNSET if taken is None else _limits(taken),
        credits_left=_or_unset(decision.credits_left),
        limits_local=UNSET if taken is None or not taken.local else True,
        explanation=explanation,
    )


def _limits(taken: Taken) -> list[LimitStateOut]:
    return [
        LimitStateOut(
            one.bucket.level.value,
            one.bucket.limit.name,
            one.bucket.limit.limit,
            one.bucket.limit.window_seconds,
            one.remaining,
            round(one.reset_seconds, 3),
        )
        for one in taken.states
    ]


def _named(state: LimitState) -> LimitNameOut:
    return LimitNameOut(state.bucket.level.value, state.bucket.limit.name)


def _or_unset(value: int | None) -> int | UnsetType:
    return UNSET if value is None else value


def _explanation(found: Explanation) -> ExplanationOut:
    policy = None if found.policy is None else _policy(found.policy.to_plain())
    return ExplanationOut(found.check, found.sentence, policy, found.source)


def _policy(plain: Any) -> PolicyOut:  # noqa: ANN401 - a policy's plain form
    return PolicyOut(plain["actions"], plain.get("resources"))


def _parse(read: Any, body: bytes) -> Any:  # noqa: ANN401 - one decoder or the other
    """The question, or the error that says what is wrong with it, without repeating a value."""
    try:
        return read(body)
    except msgspec.ValidationError as wrong:
        raise _invalid(str(wrong)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedRequest("The body is not valid JSON.") from None


# Our own names only: msgspec's messages tell the place last, behind a name that the caller may have made up.
_place = re.compile(r" - at `\$((?:\.items)?(?:\[[0-9]{1,6}\])?(?:\.[a-z_]+)?)`\Z").search
_item = re.compile(r" - at `\$(\.items\[[0-9]{1,6}\])`\Z").search


def _invalid(message: str) -> KeywrightError:
    """Msgspec's message names types and places; a field's name that the caller made up is left out."""
    if message.startswith("Object contains unknown field"):
        return UnknownField("The request has a field that is not known here.", field=_field(_item(message)))
    if message.startswith("Object missing required field"):
        return MissingField("A required field is missing: items.", field="items")
    return InvalidType("A field has a value of the wrong type.", field=_field(_place(message)))


def _field(place: re.Match[str] | None) -> str | None:
    """`.items[0].token` as `items.0.token`."""
    return None if place is None else place[1].replace("[", ".").replace("]", "").lstrip(".") or None
