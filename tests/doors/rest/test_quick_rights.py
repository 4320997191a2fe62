"""Who gets an answer from memory: nobody whom the way through the door would not let ask, or not see the key."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from keywright.api.rest.callers import Rights
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant, Tenant
from keywright.core.permissions import Policy
from keywright.core.roles import ADMIN, PolicyTemplate, Role
from keywright.services.access import caller_with
from keywright.services.decisions import VERIFY, Decisions
from tests.support.facts import ACME, OTHER, SOMEBODY, some_facts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keywright.core.ports import KeyFacts

CLOSED = replace(ACME, id="ten_closed", slug="closed", active=False)
TENANTS = {one.slug: one for one in (ACME, OTHER, CLOSED)}
ROLES = {
    name: Role(name, policies=(PolicyTemplate(actions),))
    for name, actions in {
        "verifier": (VERIFY,),
        "reader": (VERIFY, "tenants:read"),
        "other": ("article:read",),
    }.items()
}


def a_grant(name: str, tenant_id: str | None) -> Grant:
    return Grant(ADMIN, tenant_id) if name == ADMIN else Grant(name, tenant_id, defined=ROLES[name])


places = st.sampled_from([None, *(one.id for one in TENANTS.values())])
grants = st.lists(st.builds(a_grant, st.sampled_from([*ROLES, ADMIN]), places), max_size=3)
scopes = st.sampled_from(
    [None, None, (), (Policy.parse([VERIFY]),), (Policy.parse(["article:read"]),), (Policy.parse(["**"]),)]
)
ranges = st.sampled_from([None, None, None, (ip_network("192.0.2.0/24"),)])
callers = st.builds(
    some_facts,
    tenant=st.sampled_from([None, None, ACME, OTHER]),
    identity=st.sampled_from([SOMEBODY, SOMEBODY, SOMEBODY, replace(SOMEBODY, active=False)]),
    grants=grants,
    scope=scopes,
    allowed_cidrs=ranges,
    active=st.sampled_from([True, True, True, False]),
)


class Database:
    """One that is asked only for what a caller means who names no tenant, which the quick way never answers."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async def nothing(_of: str) -> None:
            return None

        yield SimpleNamespace(tenants=SimpleNamespace(by_slug=nothing, by_id=nothing))


class Verifier:
    """What it knows of tenants."""

    async def tenant(self, slug: str) -> Tenant | None:
        return TENANTS.get(slug)


async def lets_see(facts: KeyFacts, named: str | None, tenant: Tenant) -> bool:
    """Whether the door behind takes a question of this caller, and answers it as to one who may see the key."""
    decisions = Decisions(Verifier(), Database())  # type: ignore[arg-type] # as much of them as is used
    if not (facts.key.active and facts.identity.active):
        return False
    try:
        asker = await decisions.enter(caller_with(facts), named)
    except KeywrightError:
        return False
    return asker.sees(tenant) and (asker.tenant is None or asker.tenant.slug == tenant.slug)


@settings(max_examples=600)
@given(
    facts=callers,
    named=st.sampled_from([None, "*", *TENANTS, "nowhere"]),
    tenant=st.sampled_from([*TENANTS.values()]),
)
def test_who_is_answered_quickly_may_ask(facts: KeyFacts, named: str | None, tenant: Tenant) -> None:
    rights = Rights(facts)
    quickly = rights.reach(named, tenant)
    event(f"answered: {quickly}")
    assert rights.reach(named, tenant) == quickly  # also when it is asked again
    slowly = asyncio.run(lets_see(facts, named, tenant))
    assert slowly or not quickly
    if facts.key.allowed_cidrs is None and tenant.active and (named is not None or facts.tenant is not None):
        assert quickly == slowly


@pytest.mark.parametrize(
    ("named", "tenant", "expected"),
    [
        (None, ACME, True),
        ("*", OTHER, True),
        ("acme", ACME, True),
        ("acme", OTHER, False),
        ("closed", CLOSED, False),
        (None, CLOSED, False),
    ],
    ids=range(6),
)
def test_one_who_may_verify_everywhere_names_any_tenant_or_none(
    named: str | None, tenant: Tenant, expected: bool
) -> None:
    facts = some_facts(tenant=None, grants=[a_grant("reader", None)])
    assert Rights(facts).reach(named, tenant) is expected
