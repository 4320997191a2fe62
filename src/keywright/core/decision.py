"""Decisions, which answer: may the holder of this token do this now.

A decision is a value. The checks run in a fixed order, and the first that fails gives the code: token,
state, tenant, address, permission, limits, credits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from keywright.core.codes import Code
from keywright.core.instants import from_us
from keywright.core.keys import State
from keywright.core.permissions import valid_name
from keywright.core.ranges import among

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.identities import Grant, HeldRole, RoleSet, Tenant
    from keywright.core.limits import Taken
    from keywright.core.permissions import Policies, Policy
    from keywright.core.ports import KeyFacts

__all__ = [
    "NOT_FOUND",
    "STALE",
    "Asked",
    "Code",
    "Decision",
    "Explanation",
    "decide",
    "explain_code",
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about a token, beyond whether it is valid. `tenant` is a slug.

    `cost` is what the use takes of limits and credits; 0 only looks whether there is room. `request` is the method
    and path of an HTTP request, for which the routes of the key's tenant tell the action and resource if no action is
    named; where the tenant has no routes at all, nothing but the key's validity is asked then.
    """

    tenant: str | None = None
    action: str | None = None
    resource: str | None = None
    ip: IPv4Address | IPv6Address | None = None
    explain: bool = False
    cost: int = 1
    request: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why: the check that decided, in a sentence, and the policy that allowed or came nearest.

    `check` is one of `token`, `state`, `identity`, `tenant`, `address`, `route`, `scope`, `variable`, `limits`,
    `credits` and `database`, or `permission` where an action is allowed. `source` says where the policy stands:
    `role:admin` or `scope`.
    """

    check: str
    sentence: str
    policy: Policy | None = None
    source: str | None = None


class Decision(NamedTuple):
    """The answer. `facts` are there whenever the key was found, and `tenant` is where it was used.

    Doors show them only to callers who may see the key's tenant, and beyond the key's id only when valid.
    `action` and `resource` are what a request was judged by, as it named them or its route did. `limits` and
    `credits_left` are there where limits were asked and credits spent, whatever the outcome.
    """

    code: Code
    facts: KeyFacts | None = None
    tenant: Tenant | None = None
    roles: tuple[HeldRole, ...] = ()
    explanation: Explanation | None = None
    limits: Taken | None = None
    credits_left: int | None = None
    action: str | None = None
    resource: str | None = None

    @property
    def valid(self) -> bool:
        """Whether the holder may do what was asked."""
        return self.code is Code.VALID


NOT_FOUND = Decision(Code.NOT_FOUND)
STALE = Decision(Code.STALE)

_REFUSED_STATES = {
    State.DELETED: Code.NOT_FOUND,
    State.DISABLED: Code.DISABLED,
    State.EXPIRED: Code.EXPIRED,
    State.NOT_YET_VALID: Code.NOT_YET_VALID,
}
_SENTENCES = {
    Code.NOT_FOUND: "No key has this token.",
    Code.DISABLED: "The key is disabled.",
    Code.EXPIRED: "The key has expired.",
    Code.NOT_YET_VALID: "The key is not valid yet.",
    Code.IDENTITY_DISABLED: "The identity that the key speaks for is disabled.",
    Code.TENANT_DISABLED: "The tenant is disabled.",
    Code.TENANT_MISMATCH: "The key belongs to another tenant than the one asked about.",
    Code.IP_NOT_ALLOWED: "The address is not in the ranges from which the key may be used.",
    Code.INSUFFICIENT_PERMISSIONS: "No route of the tenant tells what this request asks for.",
    Code.RATE_LIMITED: "The key was used as often as a limit lets it be, for now.",
    Code.CREDITS_EXHAUSTED: "The key has no credits left for this.",
    Code.STALE: "The database cannot be reached, so the answer is not known.",
}
_CHECKS = {
    Code.NOT_FOUND: "token",
    Code.IDENTITY_DISABLED: "identity",
    Code.TENANT_DISABLED: "tenant",
    Code.TENANT_MISMATCH: "tenant",
    Code.IP_NOT_ALLOWED: "address",
    Code.INSUFFICIENT_PERMISSIONS: "route",
    Code.RATE_LIMITED: "limits",
    Code.CREDITS_EXHAUSTED: "credits",
    Code.STALE: "database",
}


def decide(facts: KeyFacts, asked: Asked, now_us: int, place: Tenant | None) -> Decision:
    """Judge a key that was found, at a moment in microseconds since the epoch.

    `place` is the tenant in which a global key is used, when the question names one that exists; a key
    of a tenant is used in its own. The caller of this function has looked it up.
    """
    tenant = facts.tenant if facts.tenant is not None else place
    held = facts.held(None if tenant is None else tenant.id)
    code = _before_permission(facts, asked, now_us, tenant)
    explanation = None
    if code is None and asked.request is not None and asked.action is None:
        code, asked = _routed(facts, asked, asked.request)
    if code is None:
        code, explanation = _permission(facts.narrowed, held, asked)
    elif asked.explain:
        explanation = explain_code(code)
    return Decision(code, facts, tenant, held.roles, explanation, None, None, asked.action, asked.resource)


def explain_code(code: Code) -> Explanation:
    """The explanation of a refusal that no policy had a part in."""
    return Explanation(_CHECKS.get(code, "state"), _SENTENCES[code])


def _before_permission(facts: KeyFacts, asked: Asked, now_us: int, tenant: Tenant | None) -> Code | None:
    key = facts.key
    if not (key.active and facts.starts_us <= now_us < facts.ends_us and key.deleted_at is None):
        return _REFUSED_STATES[key.state(from_us(now_us))]
    if not facts.identity.active:
        return Code.IDENTITY_DISABLED
    if tenant is not None and not tenant.active:
        return Code.TENANT_DISABLED
    if asked.tenant is not None and (tenant is None or tenant.slug != asked.tenant):
        return Code.TENANT_MISMATCH
    ranges = facts.ranges
    if ranges is not None and (asked.ip is None or not among(asked.ip, ranges)):
        return Code.IP_NOT_ALLOWED
    return None


def _routed(facts: KeyFacts, asked: Asked, request: tuple[str, str]) -> tuple[Code | None, Asked]:
    """The question with the action that a route tells; a refusal where none does.

    A global key belongs to no tenant whose routes could tell.
    """
    if facts.routes is None:
        return (Code.INSUFFICIENT_PERMISSIONS if facts.tenant is None else None), asked
    found = facts.routes.match(*request)
    if found is None:
        return Code.INSUFFICIENT_PERMISSIONS, asked
    return None, replace(asked, action=found[0], resource=found[1])


def _permission(narrowed: Policies | None, held: RoleSet, asked: Asked) -> tuple[Code, Explanation | None]:
    """An action must be allowed by the identity's roles and, where the key has a scope, by the scope too."""
    if asked.action is None:
        return Code.VALID, Explanation(
            "state", "The key is valid; no action was asked about."
        ) if asked.explain else None
    sound = asked.resource is None or valid_name(asked.resource)
    may = sound and held.policies.allows_named(asked.action, asked.resource)
    kept = narrowed is None or (sound and narrowed.allows_named(asked.action, asked.resource))
    code = Code.VALID if may and kept else Code.INSUFFICIENT_PERMISSIONS
    if not asked.explain:
        return code, None
    return code, _explain_kept(asked, held, narrowed) if may else _explain_missing(asked, held)


def _explain_kept(asked: Asked, held: RoleSet, narrowed: Policies | None) -> Explanation:
    """What the identity may do: which role allows it, and whether the scope keeps it."""
    assert asked.action is not None  # noqa: S101 - the caller has asked about an action
    if narrowed is not None:
        by_scope = narrowed.explain(asked.action, asked.resource)
        if not by_scope.allowed:
            return Explanation(
                "scope",
                "The identity may do this, and the key's scope leaves it out.",
                by_scope.policy,
                None if by_scope.index is None else "scope",
            )
    by_role = held.policies.explain(asked.action, asked.resource)
    assert by_role.index is not None  # noqa: S101 - what is held is held by one of the policies
    role = held.sources[by_role.index].role
    kept = "" if narrowed is None else ", and the key's scope keeps it"
    return Explanation("permission", f"Role {role} allows this{kept}.", by_role.policy, f"role:{role}")


def _explain_missing(asked: Asked, held: RoleSet) -> Explanation:
    """What the identity may not do: for which variable, or by which policy it comes nearest."""
    assert asked.action is not None  # noqa: S101 - the caller has asked about an action
    for grant in held.grants:
        missing = _missing_values(grant, asked.action, asked.resource)
        if missing is not None:
            names, nearest = missing
            return Explanation(
                "variable",
                f"Role {grant.role} would allow this with another value of its variable {' and '.join(names)}.",
                nearest,
                f"role:{grant.role}",
            )
    by_role = held.policies.explain(asked.action, asked.resource)
    source = None if by_role.index is None else f"role:{held.sources[by_role.index].role}"
    return Explanation(
        "identity", "No role of the identity allows this action on this resource.", by_role.policy, source
    )


def _missing_values(
    grant: Grant, action: str, resource: str | None
) -> tuple[tuple[str, ...], Policy | None] | None:
    """The variables by whose values alone a role does not allow something, with the policy as it stands."""
    role = grant.definition
    for template in () if role is None else role.policies:
        if template.variables and template.widest().allows(action, resource):
            nearest = template.expand(dict(grant.variables))
            return tuple(sorted(template.variables)), nearest[0] if nearest else None
    return None
