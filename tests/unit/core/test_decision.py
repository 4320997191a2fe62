"""Decisions: which check comes first, what each answers, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keywright.core import checks
from keywright.core.decision import Asked, Code, Decision, Explanation, decide, explain_code
from keywright.core.identities import Grant, HeldRole, Identity, Tenant
from keywright.core.instants import to_us
from keywright.core.permissions import Policy
from keywright.core.roles import (
    ADMIN,
    MONITOR,
    READ_ONLY,
    SUPER_ADMIN,
    PolicyTemplate,
    Role,
    values_of,
)
from keywright.core.routes import Route, RouteTable
from tests.support.facts import ACME, NOW, OTHER, SOMEBODY, some_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.core.ports import KeyFacts

TICK = timedelta(microseconds=1)
HERE = ip_address("192.0.2.7")
ELSEWHERE = ip_network("10.0.0.0/8")
ADMIN_HERE = (Grant(ADMIN, ACME.id),)


# The order of the checks


@dataclass
class Failing:
    """What to make of a key and a question so that one check refuses."""

    code: Code
    key: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    tenant: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    check: str = "state"


IN_ORDER = [
    Failing(Code.NOT_FOUND, key={"deleted_at": NOW}, check="token"),
    Failing(Code.DISABLED, key={"active": False}),
    Failing(Code.EXPIRED, key={"expires_at": NOW}),
    Failing(Code.NOT_YET_VALID, key={"not_before": NOW + TICK}),
    Failing(Code.IDENTITY_DISABLED, identity={"active": False}, check="identity"),
    Failing(Code.TENANT_DISABLED, tenant={"active": False}, check="tenant"),
    Failing(Code.TENANT_MISMATCH, asked={"tenant": OTHER.slug}, check="tenant"),
    Failing(Code.IP_NOT_ALLOWED, key={"allowed_cidrs": (ELSEWHERE,)}, check="address"),
    Failing(Code.INSUFFICIENT_PERMISSIONS, key={"scope": ()}, asked={"action": "a"}, check="scope"),
]


def judged(*failing: Failing, explain: bool = False) -> Decision:
    key: dict[str, Any] = {}
    asked: dict[str, Any] = {"tenant": ACME.slug, "ip": HERE, "action": "b", "explain": explain}
    identity, tenant = SOMEBODY, ACME
    for one in failing:
        key |= one.key
        asked |= one.asked
        identity = replace(identity, **one.identity)
        tenant = replace(tenant, **one.tenant)
    facts = some_facts(tenant=tenant, identity=identity, grants=ADMIN_HERE, **key)
    return decide(facts, Asked(**asked), to_us(NOW), None)


def test_a_key_that_nothing_speaks_against_is_valid() -> None:
    decision = judged()
    assert (decision.code, decision.valid) == (Code.VALID, True)
    assert decision.tenant == ACME
    assert decision.roles == (HeldRole(ADMIN),)
    assert decision.facts is not None
    assert decision.explanation is None


@pytest.mark.parametrize("failing", IN_ORDER, ids=lambda one: one.code)
def test_each_check_answers_with_its_code_and_its_explanation(failing: Failing) -> None:
    decision = judged(failing)
    assert (decision.code, decision.valid, decision.explanation) == (failing.code, False, None)
    assert decision.facts is not None
    explained = judged(failing, explain=True)
    assert (explained.code, explained.facts, explained.roles) == (
        failing.code,
        decision.facts,
        decision.roles,
    )
    assert explained.explanation is not None
    assert explained.explanation.check == failing.check
    assert explained.explanation.sentence.endswith(".")


@pytest.mark.parametrize(
    ("first", "second"), list(combinations(IN_ORDER, 2)), ids=lambda one: one.code if one else ""
)
def test_of_two_checks_that_refuse_the_earlier_gives_the_code(first: Failing, second: Failing) -> None:
    assert judged(first, second).code is first.code
    assert judged(*IN_ORDER[IN_ORDER.index(first) :]).code is first.code


COUNTED = {Code.RATE_LIMITED, Code.CREDITS_EXHAUSTED}
"""Given by whoever counts, after everything that is judged here."""


def test_every_code_but_those_without_a_key_is_in_the_order() -> None:
    assert {one.code for one in IN_ORDER} == set(Code) - {Code.VALID, Code.STALE, *COUNTED}


def test_every_refusal_before_the_permissions_has_an_explanation_of_its_own() -> None:
    codes = set(Code) - {Code.VALID, Code.INSUFFICIENT_PERMISSIONS}
    explained = {code: explain_code(code) for code in codes}
    assert len({one.sentence for one in explained.values()}) == len(codes)
    assert all(one.policy is None and one.source is None for one in explained.values())
    assert {code: one.check for code, one in explained.items()} == {
        Code.RATE_LIMITED: "limits",
        Code.CREDITS_EXHAUSTED: "credits",
        Code.NOT_FOUND: "token",
        Code.DISABLED: "state",
        Code.EXPIRED: "state",
        Code.NOT_YET_VALID: "state",
        Code.IDENTITY_DISABLED: "identity",
        Code.TENANT_DISABLED: "tenant",
        Code.TENANT_MISMATCH: "tenant",
        Code.IP_NOT_ALLOWED: "address",
        Code.STALE: "database",
    }


# Addresses


@pytest.mark.parametrize(
    ("ranges", "ip", "code"),
    [
        (None, None, Code.VALID),
        (None, HERE, Code.VALID),
        (("192.0.2.0/24",), HERE, Code.VALID),
        (("10.0.0.0/8", "192.0.2.7/32"), HERE, Code.VALID),
        (("192.0.2.0/24",), None, Code.IP_NOT_ALLOWED),
        (("192.0.2.0/29",), ip_address("192.0.2.8"), Code.IP_NOT_ALLOWED),
        (("0.0.0.0/0",), ip_address("2001:db8::1"), Code.IP_NOT_ALLOWED),
        (("::/0",), HERE, Code.IP_NOT_ALLOWED),
        (("2001:db8::/32",), ip_address("2001:db8::1"), Code.VALID),
    ],
)
def test_an_address_must_be_known_and_in_a_range(
    ranges: tuple[str, ...] | None, ip: IPv4Address | IPv6Address | None, code: Code
) -> None:
    cidrs = None if ranges is None else tuple(map(ip_network, ranges))
    assert decide(some_facts(allowed_cidrs=cidrs), Asked(ip=ip), to_us(NOW), None).code is code


# Places


@pytest.mark.parametrize(
    ("asked", "place", "code", "roles"),
    [
        (None, None, Code.VALID, (SUPER_ADMIN,)),
        (ACME.slug, ACME, Code.VALID, (ADMIN, SUPER_ADMIN)),
        (OTHER.slug, OTHER, Code.VALID, (SUPER_ADMIN,)),
        ("nowhere", None, Code.TENANT_MISMATCH, (SUPER_ADMIN,)),
        (ACME.slug, replace(ACME, active=False), Code.TENANT_DISABLED, (ADMIN, SUPER_ADMIN)),
    ],
)
def test_a_global_key_is_used_in_the_place_that_was_asked_about(
    asked: str | None, place: Tenant | None, code: Code, roles: tuple[str, ...]
) -> None:
    facts = some_facts(tenant=None, grants=(*ADMIN_HERE, Grant(SUPER_ADMIN)))
    decision = decide(facts, Asked(tenant=asked), to_us(NOW), place)
    assert (decision.code, decision.tenant) == (code, place)
    assert decision.roles == tuple(map(HeldRole, roles))


def test_a_key_of_a_tenant_is_used_in_its_own_whatever_the_place() -> None:
    facts = some_facts(grants=(*ADMIN_HERE, Grant(SUPER_ADMIN, OTHER.id)))
    decision = decide(facts, Asked(action="a"), to_us(NOW), OTHER)
    assert (decision.code, decision.tenant, decision.roles) == (Code.VALID, ACME, (HeldRole(ADMIN),))


def test_a_global_key_has_only_the_roles_held_everywhere_where_no_place_is_named() -> None:
    facts = some_facts(tenant=None, grants=ADMIN_HERE)
    assert decide(facts, Asked(action="a"), to_us(NOW), None).code is Code.INSUFFICIENT_PERMISSIONS
    assert decide(facts, Asked(action="a", tenant=ACME.slug), to_us(NOW), ACME).code is Code.VALID
    other = decide(facts, Asked(action="a", tenant=OTHER.slug), to_us(NOW), OTHER)
    assert (other.code, other.roles) == (Code.INSUFFICIENT_PERMISSIONS, ())


# Explanations


READ = Policy.parse(["article:read"], ["article:1"])
LIST = Policy.parse(["image:list"])


def explained(asked: Asked, *grants: Grant, **key: Any) -> Explanation:
    decision = decide(some_facts(grants=grants, **key), replace(asked, explain=True), to_us(NOW), None)
    assert decision.explanation is not None
    return decision.explanation


def test_a_role_that_allows_is_named() -> None:
    found = explained(Asked(action="article:read"), *ADMIN_HERE)
    assert found == Explanation("permission", "Role admin allows this.", Policy.parse(["**"]), "role:admin")


def test_a_scope_that_keeps_what_a_role_allows_is_mentioned() -> None:
    found = explained(Asked(action="article:read", resource="article:1"), *ADMIN_HERE, scope=(LIST, READ))
    assert found == Explanation(
        "permission",
        "Role admin allows this, and the key's scope keeps it.",
        Policy.parse(["**"]),
        "role:admin",
    )


@pytest.mark.parametrize(
    ("asked", "policy", "source"),
    [
        (Asked(action="article:read", resource="article:2"), READ, "scope"),
        (Asked(action="article:write"), READ, "scope"),
        (Asked(action="user:read"), None, None),
    ],
)
def test_a_scope_that_leaves_something_out_shows_its_nearest_policy(
    asked: Asked, policy: Policy | None, source: str | None
) -> None:
    found = explained(asked, *ADMIN_HERE, scope=(LIST, READ))
    assert found == Explanation(
        "scope", "The identity may do this, and the key's scope leaves it out.", policy, source
    )


def test_an_identity_without_a_role_that_allows_is_told_so_whatever_the_scope() -> None:
    for scope in (None, (), (READ,)):
        found = explained(Asked(action="article:read"), Grant("unheard-of", ACME.id), scope=scope)
        assert found == Explanation(
            "identity", "No role of the identity allows this action on this resource.", None, None
        )


EDITOR = Role(
    "editor",
    policies=(
        PolicyTemplate.of(["image:list"]),
        PolicyTemplate.of(["article:*"], ["article:${language}:${section}:**"]),
    ),
)


def as_editor(**values: tuple[str, ...]) -> Grant:
    return Grant("editor", ACME.id, values_of(values), EDITOR)


def test_a_role_with_variables_allows_what_its_values_say() -> None:
    held = as_editor(language=("cs", "en"), section=("news",))
    found = explained(Asked(action="article:read", resource="article:en:news:7"), held)
    assert found == Explanation(
        "permission",
        "Role editor allows this.",
        Policy.parse(["article:*"], ["article:cs:news:**", "article:en:news:**"]),
        "role:editor",
    )
    decision = decide(some_facts(grants=[held]), Asked(), to_us(NOW), None)
    assert decision.roles == (HeldRole("editor", (("language", ("cs", "en")), ("section", ("news",)))),)


@pytest.mark.parametrize(
    ("values", "policy"),
    [
        ({"language": ("cs",), "section": ("news",)}, Policy.parse(["article:*"], ["article:cs:news:**"])),
        ({"language": ("cs",)}, None),
        ({}, None),
    ],
)
def test_a_value_that_a_membership_lacks_is_explained_by_its_variable(
    values: dict[str, tuple[str, ...]], policy: Policy | None
) -> None:
    asked = Asked(action="article:read", resource="article:de:news:7")
    found = explained(asked, Grant("unheard-of", ACME.id), as_editor(**values), scope=(READ,))
    assert found == Explanation(
        "variable",
        "Role editor would allow this with another value of its variable language and section.",
        policy,
        "role:editor",
    )


@pytest.mark.parametrize(
    ("asked", "policy"),
    [
        (Asked(action="article:read", resource="page:cs:news:7"), "article"),
        (Asked(action="article:read"), "article"),
        (Asked(action="image:read"), "image"),
    ],
)
def test_what_no_value_would_allow_is_explained_by_the_nearest_policy(asked: Asked, policy: str) -> None:
    found = explained(asked, as_editor(language=("cs",), section=("news",)))
    assert found.policy is not None
    assert (found.check, found.source) == ("identity", "role:editor")
    assert found.policy.actions[0].text.startswith(policy)


def test_an_ill_formed_action_is_allowed_to_nobody() -> None:
    for asked in (Asked(action=""), Asked(action="a b"), Asked(action="a", resource="*")):
        decision = decide(some_facts(grants=ADMIN_HERE), asked, to_us(NOW), None)
        assert decision.code is Code.INSUFFICIENT_PERMISSIONS


def test_a_key_that_is_valid_without_an_action_explains_that() -> None:
    found = explained(Asked())
    assert (found.check, found.policy, found.source) == ("state", None, None)
    assert found.sentence == "The key is valid; no action was asked about."


# Against a reference


Chosen = dict[str, str]
Given = dict[str, list[str]]


def readings(segment: str, text: str, given: Given, chosen: Chosen) -> Iterator[Chosen]:
    """The choices of values by which a segment of a pattern reads as a text, character by character."""
    if not segment:
        if not text:
            yield chosen
    elif segment[0] == "*":
        for count in range(len(text) + 1):
            yield from readings(segment[1:], text[count:], given, chosen)
    elif segment[0] == "$":
        name, rest = segment[2:].split("}", 1)
        for value in [chosen[name]] if name in chosen else given.get(name, []):
            if text.startswith(value):
                yield from readings(rest, text[len(value) :], given, {**chosen, name: value})
    elif text[:1] == segment[0]:
        yield from readings(segment[1:], text[1:], given, chosen)


def slow_match(pattern: list[str], name: list[str], given: Given, chosen: Chosen) -> bool:
    """Whether a pattern matches a name, by trying everything; a variable has one value all through it."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        return any(slow_match(pattern[1:], name[count:], given, chosen) for count in range(len(name) + 1))
    return bool(name) and any(
        slow_match(pattern[1:], name[1:], given, choice)
        for choice in readings(pattern[0], name[0], given, chosen)
    )


def slow_allows(
    policy: tuple[list[str], list[str] | None], action: str, resource: str | None, given: Given
) -> bool:
    actions, resources = policy
    if not any(slow_match(one.split(":"), action.split(":"), given, {}) for one in actions):
        return False
    if resources is None:
        return True
    name = [] if resource is None else resource.split(":")
    return any(slow_match(one.split(":"), name, given, {}) for one in resources)


@dataclass
class Holding:
    """A role held in a tenant or everywhere, told twice: to the code as a grant, to the reference in plain texts."""

    grant: Grant
    policies: list[tuple[list[str], list[str] | None]]
    given: Given


EVERYTHING: list[tuple[list[str], list[str] | None]] = [(["**"], None)]
READING: list[tuple[list[str], list[str] | None]] = [(["**:read"], None)]
BUILT_IN = {
    (ADMIN, True): EVERYTHING,
    (SUPER_ADMIN, False): EVERYTHING,
    (READ_ONLY, True): READING,
    (MONITOR, False): READING,
}


def slow_valid(
    facts: KeyFacts,
    holdings: list[Holding],
    scope: Any,
    asked: Asked,
    now: datetime,
    place: Tenant | None,
) -> bool:
    """Whether a key is valid, by the definition of each word, in no order."""
    key = facts.key
    tenant = facts.tenant or place
    here = [
        one
        for one in holdings
        if one.grant.tenant_id is None or (tenant is not None and one.grant.tenant_id == tenant.id)
    ]
    return all(
        [
            key.deleted_at is None,
            key.active,
            key.not_before is None or key.not_before <= now,
            key.expires_at is None or key.expires_at > now,
            facts.identity.active,
            tenant is None or tenant.active,
            asked.tenant is None or (tenant is not None and tenant.slug == asked.tenant),
            key.allowed_cidrs is None
            or (asked.ip is not None and any(asked.ip in one for one in key.allowed_cidrs)),
            asked.action is None
            or (
                any(
                    slow_allows(policy, asked.action, asked.resource, one.given)
                    for one in here
                    for policy in one.policies
                )
                and (
                    scope is None or any(slow_allows(one, asked.action, asked.resource, {}) for one in scope)
                )
            ),
        ]
    )


NAMES = st.lists(st.sampled_from(["a", "b", "ab", "read"]), min_size=1, max_size=3).map(":".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "a*", "**"]), min_size=1, max_size=3).map(":".join)
SCOPES = st.none() | st.lists(
    st.tuples(
        st.lists(PATTERNS, min_size=1, max_size=2),
        st.none() | st.lists(PATTERNS, min_size=1, max_size=2),
    ),
    max_size=2,
)
MOSTLY = st.sampled_from([True, True, True, True, True, False])
MOMENTS = st.sampled_from([None, None, None, NOW - TICK, NOW, NOW + TICK])
TENANTS = st.builds(replace, st.sampled_from([ACME, OTHER]), active=MOSTLY)
ADDRESSES = st.sampled_from([None, HERE, ip_address("10.1.2.3"), ip_address("2001:db8::1")])
RANGES = st.none() | st.lists(
    st.sampled_from([ELSEWHERE, ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]),
    min_size=1,
    max_size=2,
).map(tuple)
VARIABLES = ["a", "b", "*", "**", "${v}", "${v}", "${w}", "a${v}", "${v}${w}", "${v}${v}", "*${w}"]
TEMPLATES = (
    st.lists(st.sampled_from(VARIABLES), min_size=1, max_size=3)
    .map(":".join)
    .filter(lambda text: text.count("$") <= 5)  # more might make a pattern too long
)
DEFINITIONS = st.lists(
    st.tuples(
        st.lists(TEMPLATES, min_size=1, max_size=2),
        st.none() | st.lists(TEMPLATES, min_size=1, max_size=2),
    ),
    max_size=2,
)
GIVEN = st.dictionaries(
    st.sampled_from(["v", "w"]), st.lists(st.sampled_from(["a", "b", "ab", "aa"]), max_size=2)
)
PLACES = st.sampled_from([None, ACME.id, OTHER.id])


def built_in_holding(role: str, tenant_id: str | None) -> Holding:
    return Holding(Grant(role, tenant_id), BUILT_IN.get((role, tenant_id is not None), []), {})


def defined_holding(
    role: str, tenant_id: str, policies: list[tuple[list[str], list[str] | None]], given: Given
) -> Holding:
    defined = Role(role, policies=tuple(PolicyTemplate.of(*one) for one in policies))
    return Holding(Grant(role, tenant_id, values_of(given), defined), policies, given)


HOLDINGS = st.lists(
    st.builds(
        built_in_holding,
        st.sampled_from([ADMIN, SUPER_ADMIN, READ_ONLY, MONITOR, "unheard-of"]),
        PLACES,
    )
    | st.builds(
        defined_holding,
        st.sampled_from(["editor", "writer"]),
        st.sampled_from([ACME.id, OTHER.id]),
        DEFINITIONS,
        GIVEN,
    ),
    max_size=3,
    unique_by=lambda one: (one.grant.role, one.grant.tenant_id),
)


@settings(max_examples=1000)
@given(st.data())
def test_a_decision_is_valid_exactly_when_the_reference_says_so(data: st.DataObject) -> None:
    scope = data.draw(SCOPES)
    home = data.draw(st.none() | TENANTS)
    place = data.draw(st.none() | TENANTS) if home is None else None
    identity: Identity = replace(SOMEBODY, active=data.draw(MOSTLY))
    holdings = data.draw(HOLDINGS)
    facts = some_facts(
        tenant=home,
        identity=identity,
        grants=[one.grant for one in holdings],
        deleted_at=data.draw(st.sampled_from([None, None, None, NOW])),
        active=data.draw(MOSTLY),
        not_before=data.draw(MOMENTS),
        expires_at=data.draw(MOMENTS),
        allowed_cidrs=data.draw(RANGES),
        scope=None if scope is None else checks.scope(scope),
    )
    asked = Asked(
        tenant=data.draw(st.sampled_from([None, None, ACME.slug, OTHER.slug])),
        action=data.draw(st.none() | NAMES),
        resource=data.draw(st.none() | NAMES),
        ip=data.draw(ADDRESSES),
        explain=data.draw(st.booleans()),
    )
    decision = decide(facts, asked, to_us(NOW), place)
    assert decision.valid is slow_valid(facts, holdings, scope, asked, NOW, place)
    assert decision.valid is (decision.code is Code.VALID)
    assert (decision.explanation is not None) is asked.explain
    assert decide(facts, replace(asked, explain=not asked.explain), to_us(NOW), place).code is decision.code


TABLE = RouteTable.compile(
    [Route("GET /a/{x}", "article:read", "article:{x}"), Route("* /b/**", "article:write")]
)


def routed(request: tuple[str, str] | None, tenant: Tenant | None = ACME, **asked: Any) -> Decision:
    facts = replace(some_facts(tenant=tenant, grants=ADMIN_HERE, scope=READS_ONE), routes=TABLE)
    return decide(facts, Asked(request=request, **asked), to_us(NOW), None)


READS_ONE = (Policy.parse(["article:read"], ["article:1"]),)


def test_routes_tell_what_a_request_asks_for() -> None:
    allowed = routed(("GET", "/a/1"))
    assert (allowed.code, allowed.action, allowed.resource) == (Code.VALID, "article:read", "article:1")
    for request in (("GET", "/a/2"), ("PUT", "/b"), ("PUT", "/a/1"), ("GET", "/elsewhere"), ("", "")):
        assert routed(request).code is Code.INSUFFICIENT_PERMISSIONS
    assert routed(("PUT", "/b")).action == "article:write"
    assert routed(("PUT", "/elsewhere")).action is None


def test_an_action_that_is_named_stands_before_the_routes() -> None:
    named = routed(("PUT", "/b"), action="article:read", resource="article:1")
    assert (named.code, named.action, named.resource) == (Code.VALID, "article:read", "article:1")
    assert routed(None).code is Code.VALID


def test_without_routes_a_key_of_a_tenant_has_to_be_valid_alone() -> None:
    facts = some_facts(grants=ADMIN_HERE, scope=())
    assert decide(facts, Asked(request=("GET", "/")), to_us(NOW), None).code is Code.VALID
    off = some_facts(grants=ADMIN_HERE, active=False)
    assert decide(off, Asked(request=("GET", "/")), to_us(NOW), None).code is Code.DISABLED


def test_a_global_key_has_no_routes() -> None:
    facts = some_facts(tenant=None, grants=ADMIN_HERE)
    for place in (None, ACME):
        decision = decide(facts, Asked(request=("GET", "/")), to_us(NOW), place)
        assert decision.code is Code.INSUFFICIENT_PERMISSIONS


def test_that_no_route_fits_is_explained() -> None:
    explained = routed(("GET", "/elsewhere"), explain=True).explanation
    assert explained is not None
    assert explained.check == "route"
    kept = routed(("GET", "/a/1"), explain=True).explanation
    assert kept is not None
    assert kept.check == "permission"
