"""What was decided about a key: one shape, whether a server was asked or the verifier in the same process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keywright.client.values import Json

STALE: Final = "STALE"
RATE_LIMITED: Final = "RATE_LIMITED"
CREDITS_EXHAUSTED: Final = "CREDITS_EXHAUSTED"


# These are named tuples, since each request makes some, and a frozen dataclass takes several times as long.
class Identity(NamedTuple):
    """Whoever a key speaks for; `kind` is `user`, `service_account` or `key`."""

    id: str
    kind: str
    name: str


class HeldRole(NamedTuple):
    """A role that counted, with the values of its variables."""

    role: str
    variables: Mapping[str, tuple[str, ...]]


class LimitState(NamedTuple):
    """Where a limit stands: uses left now, and seconds until all of them are back.

    `level` says whose limit it is: `key`, `identity` or `tenant`.
    """

    level: str
    name: str
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: float


class _Later:
    """What was decided in this process, until somebody asks for a part of the verdict that takes time to make."""

    __slots__ = ("_decision",)
    _decision: Any


@dataclass(frozen=True, slots=True)
class Verdict(_Later):
    """The answer to "may the holder of this token do this now?"; true where the answer is yes.

    `code` says why. Beside `code`, `key_id` and what is told of limits and credits, facts are there for a valid key
    alone. `scope` None is a key that is not narrowed. `retry_after_seconds` is when a use that a limit refused would
    be let through, None where waiting does not help. `answer` is the JSON object of the API as it came, empty where
    the decision was made in this process. What can be written into is a copy then, at each reading.
    """

    valid: bool
    code: str
    key_id: str | None = None
    name: str | None = None
    identity: Identity | None = None
    tenant: str | None = None
    roles: tuple[HeldRole, ...] = ()
    scope: tuple[Json, ...] | None = None
    expires_at: datetime | None = None
    metadata: Json = field(default_factory=dict)
    limits: tuple[LimitState, ...] = ()
    credits_left: int | None = None
    retry_after_seconds: int | None = None
    explanation: Json | None = None
    answer: Json = field(default_factory=dict, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.valid

    if not TYPE_CHECKING:  # or it would know every name

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the field has
            # Only a field that is not there yet comes here: each request makes a verdict, and few read all of it.
            if name not in _MADE_LATER:
                raise AttributeError(f"A verdict has no {name!r}.", name=name, obj=self)
            value = _told(self._decision, name)
            if name not in _OPEN:
                object.__setattr__(self, name, value)
            return value


_LIMIT: Final = ("level", "name", "limit", "window_seconds", "remaining", "reset_seconds")


def from_answer(answer: Json) -> Verdict:
    """A verdict from the JSON object of the API. Raises LookupError, TypeError or ValueError for what is none."""
    identity, expires, scope = answer.get("identity"), answer.get("expires_at"), answer.get("scope")
    return Verdict(
        # Anything but a plain yes is a no.
        valid=answer["valid"] is True,
        code=str(answer["code"]),
        key_id=answer.get("key_id"),
        name=answer.get("name"),
        identity=None if identity is None else Identity(identity["id"], identity["kind"], identity["name"]),
        tenant=answer.get("tenant"),
        roles=tuple(
            HeldRole(one["role"], {name: tuple(values) for name, values in one["variables"].items()})
            for one in answer.get("roles") or ()
        ),
        scope=None if scope is None else tuple(scope),
        expires_at=None if expires is None else datetime.fromisoformat(expires),
        metadata=answer.get("metadata") or {},
        limits=tuple(LimitState(*(one[name] for name in _LIMIT)) for one in answer.get("limits") or ()),
        credits_left=answer.get("credits_left"),
        retry_after_seconds=answer.get("retry_after_seconds"),
        explanation=answer.get("explanation"),
        answer=answer,
    )


def from_decision(decision: Any) -> Verdict:  # noqa: ANN401 - a `Decision` of the core, which the SDK stands apart from
    """A verdict from what `keywright.Verifier` decided, in the shape that the API gives it."""
    facts, code = decision.facts, decision.code.value
    if code == _VALID:
        found = _new(Verdict)
        _set_valid(found, True)  # noqa: FBT003 - a value, as for any field
        _set_code(found, code)
        _set_key_id(found, facts.key.id)
        _set_decision(found, decision)
        return found
    if facts is None:
        return Verdict(valid=False, code=code)
    limits, retry_after = _counted(decision.limits)
    return Verdict(
        valid=False,
        code=code,
        key_id=facts.key.id,
        limits=limits,
        credits_left=decision.credits_left,
        retry_after_seconds=retry_after,
    )


def _told(decision: Any, name: str) -> Any:  # noqa: ANN401, PLR0911 - as above, and one for each field
    """What a valid decision tells in a field of a verdict."""
    facts = decision.facts
    match name:
        case "identity":
            return Identity(facts.identity.id, facts.identity.kind.value, facts.identity.name)
        case "tenant":
            return None if decision.tenant is None else decision.tenant.slug
        case "name" | "expires_at":
            return getattr(facts.key, name)
        case "roles":
            return tuple([HeldRole(one.role, dict(one.variables)) for one in decision.roles])
        case "scope":
            scope = facts.key.scope
            return None if scope is None else tuple([_policy(one.to_plain()) for one in scope])
        case "metadata":
            return json.loads(facts.key.metadata)
        case "limits":
            return _counted(decision.limits)[0]
        case "credits_left":
            return decision.credits_left
        case "answer":
            return {}
        case _:  # when to come again, and an explanation, are told of refusals and by servers
            return None


_VALID: Final = "VALID"
_MADE_LATER: Final = frozenset(one.name for one in fields(Verdict)) - {"valid", "code", "key_id"}
_OPEN: Final = frozenset({"roles", "scope", "metadata", "answer"})
"""What somebody could write into: it is made anew each time, since requests may share a verdict."""


def _setter(of: type, name: str) -> Callable[[Verdict, object], None]:
    """What fills a slot, past a frozen class's refusal to be written to."""
    setter: Callable[[Verdict, object], None] = getattr(of, name).__set__
    return setter


_new = object.__new__
_set_valid, _set_code = _setter(Verdict, "valid"), _setter(Verdict, "code")
_set_key_id, _set_decision = _setter(Verdict, "key_id"), _setter(_Later, "_decision")


def _counted(taken: Any) -> tuple[tuple[LimitState, ...], int | None]:  # noqa: ANN401 - as above
    """The limits that were asked, and after how many seconds a refused use would be let through."""
    if taken is None:
        return (), None
    states = tuple(
        [
            LimitState(
                one.bucket.level.value,
                one.bucket.limit.name,
                one.bucket.limit.limit,
                one.bucket.limit.window_seconds,
                one.remaining,
                round(one.reset_seconds, 3),
            )
            for one in taken.states
        ]
    )
    waits = not taken.allowed and isfinite(taken.retry_after)
    return states, max(1, ceil(taken.retry_after)) if waits else None


def _policy(plain: Any) -> Json:  # noqa: ANN401 - as above
    return {"actions": list(plain["actions"]), "resources": plain.get("resources")}


def rate_limit_fields(verdict: Verdict) -> dict[str, str]:
    """`RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11) and `Retry-After`, where they apply.

    They are those that Keywright itself answers with.
    """
    if not verdict.limits:
        return {}
    fields = {
        "RateLimit": ", ".join(
            f'"{one.level}:{one.name}";r={one.remaining};t={_more_in(one)}' for one in verdict.limits
        ),
        "RateLimit-Policy": ", ".join(
            f'"{one.level}:{one.name}";q={one.limit};w={one.window_seconds}' for one in verdict.limits
        ),
    }
    if verdict.retry_after_seconds is not None:
        fields["Retry-After"] = str(verdict.retry_after_seconds)
    return fields


def _more_in(state: LimitState) -> int:
    """Whole seconds until there is one use more, since they come back one by one; 0 when none is missing."""
    missing = state.limit - state.remaining
    if missing <= 0:
        return 0
    return max(0, ceil(state.reset_seconds - (missing - 1) * state.window_seconds / state.limit))
