"""The look-up past SQLAlchemy: the same facts as the repositories give, on both engines."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.identities import Grant, IdentityKind, TenantSettings
from keywright.core.instants import EPOCH, LATEST
from keywright.core.permissions import Policy
from keywright.core.ports import KeyFacts
from keywright.core.roles import PolicyTemplate, Variable, values_of
from tests.contract.storage.making import (
    EXAMPLES,
    NASTY,
    NOW,
    SECOND,
    Home,
    a_digest,
    a_key,
    a_role,
    a_tenant,
    add_home,
    add_installation,
    add_key,
    an_identity,
    as_json,
    fetch,
)
from tests.support.facts import used

if TYPE_CHECKING:
    from keywright.core.roles import Values
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

TEXTS = st.sampled_from(NASTY)
MOMENTS = st.none() | st.sampled_from([EPOCH + SECOND, NOW, NOW + SECOND, LATEST])
SCOPES = st.none() | st.lists(
    st.builds(
        Policy.parse,
        st.lists(st.sampled_from(["a", "a:*", "**"]), min_size=1, max_size=2),
        st.none() | st.lists(st.sampled_from(["r:1", "r:**"]), min_size=1, max_size=2),
    ),
    max_size=2,
).map(tuple)
RANGES = st.none() | st.lists(
    st.sampled_from([ipaddress.ip_network(text) for text in ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32")]),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
KEYS = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "description": TEXTS,
        "handle": st.none() | TEXTS,
        "hint": st.none() | st.just("kw_abcd"),
        "last_seven": st.none() | st.just("1234567"),
        "not_before": MOMENTS,
        "expires_at": MOMENTS,
        "active": st.booleans(),
        "scope": SCOPES,
        "allowed_cidrs": RANGES,
        "metadata": st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=2).map(as_json),
        "last_used_at": MOMENTS,
        "last_used_ip": st.none() | st.just("2001:db8::1"),
    }
)
PEOPLE = st.fixed_dictionaries(
    {"name": TEXTS, "active": st.booleans(), "kind": st.sampled_from(IdentityKind)}
)
# Where a role is held, in the key's own tenant, in another one, or everywhere, and with which values.
VALUES = st.dictionaries(st.sampled_from(["v", "w"]), st.lists(TEXTS, max_size=2), max_size=2).map(values_of)
ROLE_NAMES = st.sampled_from(["admin", "editor", "İ"])
HELD = st.dictionaries(st.tuples(ROLE_NAMES, st.sampled_from(["own", "other", None])), VALUES, max_size=5)
# What the two tenants define, by the same names or others.
DEFINED = st.dictionaries(
    st.tuples(ROLE_NAMES, st.sampled_from(["own", "other"])),
    st.builds(
        dict,
        description=TEXTS,
        variables=st.lists(st.builds(Variable, st.just("v"), st.none() | TEXTS, TEXTS), max_size=1).map(
            tuple
        ),
        policies=st.lists(
            st.sampled_from(
                [
                    PolicyTemplate.of(["a:${v}"]),
                    PolicyTemplate.of(["**"], ["b:${v}-${w}:**", "日本"]),
                    PolicyTemplate.of(["c"]),
                ]
            ),
            max_size=2,
        ).map(tuple),
    ),
    max_size=4,
)


async def facts_of(database: Database, digest: bytes) -> KeyFacts | None:
    """What a verification rests on, from the repositories, statement by statement."""
    async with database.read() as transaction:
        key = await transaction.all_keys.by_digest(digest)
        if key is None or key.deleted_at is not None:
            return None
        identity = await transaction.identities.by_id(key.identity_id)
        assert identity is not None
        tenant = None if key.tenant_id is None else await transaction.tenants.by_id(key.tenant_id)
        held = await transaction.all_memberships.grants(identity.id)
    counting = [grant for grant in held if key.tenant_id is None or grant.tenant_id in (None, key.tenant_id)]
    return KeyFacts(used(key), identity, tenant, tuple(counting))


def alike(one: KeyFacts | None, other: KeyFacts | None) -> bool:
    """Whether two facts are the same; grants stand in no order."""
    if one is None or other is None:
        return one is other

    def parts(facts: KeyFacts) -> tuple[Any, ...]:
        return facts.key, facts.identity, facts.tenant, sorted(facts.grants, key=repr)

    return parts(one) == parts(other)


@EXAMPLES
@given(
    fields=KEYS,
    person=PEOPLE,
    tenant=st.fixed_dictionaries({"name": TEXTS, "active": st.booleans()}),
    held=HELD,
    defined=DEFINED,
    everywhere=st.booleans(),
    deleted=st.sampled_from([False, False, False, True]),
)
async def test_the_facts_are_those_of_the_repositories(
    database: Database,
    fields: dict[str, Any],
    person: dict[str, Any],
    tenant: dict[str, Any],
    held: dict[tuple[str, str | None], Values],
    defined: dict[tuple[str, str], dict[str, Any]],
    everywhere: bool,
    deleted: bool,
) -> None:
    own, other = a_tenant(**tenant), a_tenant()
    who = an_identity(tenant_id=None if everywhere else own.id, **person)
    home = Home(None if everywhere else own, who)
    digest = a_digest()
    places = {"own": own.id, "other": other.id, None: None}
    key = a_key(home, **{**fields, "handle": None if everywhere else fields["handle"]})
    async with database.write() as transaction:
        await transaction.tenants.add(own)
        await transaction.tenants.add(other)
        await transaction.identities.add(who)
        for (name, place), texts in defined.items():
            tenant_id = str(places[place])
            await transaction.roles(tenant_id).add(a_role(tenant_id, name, **texts))
        for (name, place), values in held.items():
            await transaction.all_memberships.add(who.id, Grant(name, places[place], values), NOW)
        await transaction.keys(home.tenant_id).add(key, digest)
        if deleted:
            await transaction.keys(home.tenant_id).delete([key.id], NOW)
    found = await database.lookup.by_digest(digest)
    assert (found is None) is deleted
    assert alike(found, await facts_of(database, digest))
    assert await database.lookup.tenant(own.slug) == (own, 0)
    if found is not None:
        assert {(one.role, one.tenant_id): one.variables for one in found.grants} == {
            (name, places[place]): values
            for (name, place), values in held.items()
            if everywhere or place != "other"
        }
        by_tenant = {(name, places[place]): texts["policies"] for (name, place), texts in defined.items()}
        for one in found.grants:
            assert (None if one.defined is None else one.defined.policies) == by_tenant.get(
                (one.role, one.tenant_id)
            )


async def test_the_settings_of_a_tenant_come_with_its_key(database: Database) -> None:
    settings = TenantSettings(key_prefix="acme", keys_must_expire=True)
    tenant, who = a_tenant(settings=settings), an_identity()
    digest = a_digest()
    async with database.write() as transaction:
        await transaction.tenants.add(tenant)
        await transaction.identities.add(who)
    await add_key(database, Home(tenant, who), digest)
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert facts.tenant == tenant
    assert await database.lookup.tenant(tenant.slug) == (tenant, 0)


async def test_a_deleted_tenant_is_not_found_and_its_keys_are_off(database: Database, home: Home) -> None:
    """Neither by the slug that it had, nor by what stands in its place."""
    digest = a_digest()
    await add_key(database, home, digest)
    assert home.tenant is not None
    async with database.write() as transaction:
        await transaction.tenants.delete(home.tenant.id, NOW)
    for slug in (home.tenant.slug, *(row[0] for row in await fetch(database, "SELECT slug FROM tenant"))):
        assert await database.lookup.tenant(slug) is None
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert facts.tenant is not None
    assert (facts.tenant.active, facts.identity.active, facts.grants) == (False, False, ())


async def test_a_global_key_has_the_roles_of_every_tenant(database: Database) -> None:
    homes = [await add_home(database) for _ in range(3)]
    installation = await add_installation(database)
    grants = [Grant("admin", home.tenant_id) for home in homes]
    async with database.write() as transaction:
        for grant in grants:
            await transaction.all_memberships.add(installation.identity.id, grant, NOW)
    digest = a_digest()
    key = await add_key(database, installation, digest)
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert (facts.key, facts.identity, facts.tenant) == (used(key), installation.identity, None)
    assert sorted(facts.grants, key=repr) == sorted([Grant("super_admin"), *grants], key=repr)


async def test_a_tenants_key_has_its_own_roles_and_those_everywhere(database: Database) -> None:
    home, other = await add_home(database), await add_home(database)
    async with database.write() as transaction:
        for grant in (Grant("monitor"), Grant("admin", other.tenant_id)):
            await transaction.all_memberships.add(home.identity.id, grant, NOW)
    digest = a_digest()
    await add_key(database, home, digest)
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert facts.tenant == home.tenant
    assert sorted(facts.grants, key=repr) == sorted(
        [Grant("admin", home.tenant_id), Grant("monitor")], key=repr
    )


async def test_who_holds_no_role_is_found_as_well(database: Database, home: Home) -> None:
    who = an_identity()
    async with database.write() as transaction:
        await transaction.identities.add(who)
    digest = a_digest()
    await add_key(database, Home(home.tenant, who), digest)
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert facts.grants == ()


async def test_what_is_not_there_is_not_found(database: Database, home: Home) -> None:
    digest = a_digest()
    await add_key(database, home, digest)
    for other in (a_digest(), digest[:-1], digest + b"\0", b""):
        assert await database.lookup.by_digest(other) is None
    assert await database.lookup.tenant("absent") is None
    assert await database.lookup.tenant("") is None


async def test_a_change_is_seen_by_the_next_look_up(database: Database, home: Home) -> None:
    """A revocation that has returned is a revocation."""
    digest = a_digest()
    key = await add_key(database, home, digest)
    for _ in range(2):
        facts = await database.lookup.by_digest(digest)
        assert facts is not None
        assert facts.key == used(key)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).delete([key.id], NOW)
    assert await database.lookup.by_digest(digest) is None
