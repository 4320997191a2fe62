"""Which limits count a key's uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keywright.core.identities import TenantSettings
from keywright.core.limits import Bucket, Level, Limit
from keywright.verify.limits import buckets_of
from tests.support.facts import ACME, OTHER, SOMEBODY, some_facts

OWN, DEFAULT, SHARED, ALL, ELSEWHERE = (
    Limit(name, 5, 60) for name in ("own", "default", "shared", "all", "elsewhere")
)
HOME = replace(ACME, settings=TenantSettings(default_limits=(DEFAULT,), limits=(ALL,)))
AWAY = replace(OTHER, settings=TenantSettings(default_limits=(DEFAULT,), limits=(ELSEWHERE,)))
SPEAKER = replace(SOMEBODY, limits=(SHARED,))


@pytest.mark.parametrize(
    ("own", "counted"), [(None, (DEFAULT,)), ((), ()), ((OWN,), (OWN,)), ((OWN, DEFAULT), (OWN, DEFAULT))]
)
def test_a_key_has_its_own_limits_or_its_tenants_for_such_keys(
    own: tuple[Limit, ...] | None, counted: tuple[Limit, ...]
) -> None:
    assert buckets_of(some_facts(tenant=HOME, identity=SPEAKER, limits=own)) == (
        *(Bucket(Level.KEY, "key_one", limit) for limit in counted),
        Bucket(Level.IDENTITY, SPEAKER.id, SHARED),
        Bucket(Level.TENANT, HOME.id, ALL),
    )


def test_a_global_key_has_limits_of_a_tenant_only_where_it_is_used_in_one() -> None:
    facts = some_facts(tenant=None, identity=SPEAKER)
    mine = (Bucket(Level.IDENTITY, SPEAKER.id, SHARED),)
    assert buckets_of(facts) == mine
    assert buckets_of(facts, AWAY) == (*mine, Bucket(Level.TENANT, AWAY.id, ELSEWHERE))
    assert buckets_of(some_facts(tenant=HOME), AWAY)[-1] == Bucket(Level.TENANT, HOME.id, ALL)


def test_where_nobody_set_a_limit_nothing_is_counted() -> None:
    assert buckets_of(some_facts()) == ()
