"""People, the roles they hold, tenants, and the audit trail of what was done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.audit import Actor, ActorKind, AuditEntry, Change
from keywright.core.errors import SlugTaken
from keywright.core.identities import Grant, IdentityKind, TenantSettings
from keywright.core.ids import new_id
from keywright.core.limits import Limit
from keywright.core.listing import AuditQuery, Page
from keywright.storage.people import Person
from tests.contract.storage.making import (
    EXAMPLES,
    NASTY,
    NOW,
    Home,
    a_role,
    a_tenant,
    add_home,
    an_identity,
    execute,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.listing import Position
    from keywright.storage import Database
    from keywright.storage.tenants import Tenants

pytestmark = pytest.mark.anyio


async def test_people_and_their_roles(database: Database, home: Home) -> None:
    ada = an_identity(kind=IdentityKind.USER, active=False)
    grants = (Grant("super_admin"), Grant("admin", home.tenant_id), Grant("member", home.tenant_id))
    async with database.write() as transaction:
        await transaction.people.add(Person(ada, "ada", "hash"))
        for grant in grants:
            await transaction.all_memberships.add(ada.id, grant, NOW)
    async with database.read() as transaction:
        identities = transaction.identities
        person = await transaction.people.by_login("ada")
        assert person == Person(ada, "ada", "hash")
        assert "hash" not in repr(person)
        assert await transaction.people.by_login("bob") is None
        assert await identities.by_id(ada.id) == ada
        assert await identities.by_id("idn_absent") is None
        assert await transaction.all_memberships.grants(ada.id) == grants
        assert await transaction.all_memberships.grants("idn_absent") == ()
        asked = {ada.id, home.identity.id, "idn_absent"}
        assert await identities.named(asked) == {ada.id: ada, home.identity.id: home.identity}
        assert await identities.named(set()) == {}


async def test_tenants_are_listed_by_slug(database: Database) -> None:
    async with database.read() as transaction:
        assert not await transaction.tenants.any()
    tenants = [a_tenant(slug, active=slug != "b") for slug in ("b", "a", "c-1", "c_1", "c", "0")]
    async with database.write() as transaction:
        for tenant in tenants:
            await transaction.tenants.add(tenant)
    ordered = sorted(tenants, key=lambda tenant: tenant.slug)
    some = {tenant.id for tenant in ordered[1:4]}
    async with database.read() as transaction:
        assert await transaction.tenants.any()
        for among, expected in ((None, ordered), (some, ordered[1:4]), (set(), [])):
            for limit in (1, 2, 3, 10):
                assert await listed(database, among, limit) == expected
        assert await transaction.tenants.by_id("ten_absent") is None
        assert await transaction.tenants.by_slug("absent") is None


SETTINGS = st.builds(
    TenantSettings,
    key_prefix=st.none() | st.just("acme_live"),
    max_key_lifetime_seconds=st.none() | st.integers(1, 2**53),
    keys_must_expire=st.booleans(),
    two_factor_required=st.booleans(),
    default_limits=st.lists(
        st.builds(Limit, st.sampled_from(NASTY), st.integers(1, 2**53), st.integers(1, 86_400)),
        max_size=2,
    ).map(tuple),
)


@EXAMPLES
@given(settings=SETTINGS, other=SETTINGS, active=st.booleans(), name=st.sampled_from(NASTY))
async def test_a_tenant_comes_back_with_its_settings(
    database: Database, settings: TenantSettings, other: TenantSettings, active: bool, name: str
) -> None:
    made = a_tenant(settings=settings, name=name)
    changed = replace(made, slug=f"{made.slug}-new", name="Other", active=active, settings=other)
    async with database.write() as transaction:
        tenants = transaction.tenants
        await tenants.add(made)
        assert await tenants.by_id(made.id) == made
        await tenants.change(changed)
        assert await tenants.by_id(made.id, lock=True) == changed
        assert await tenants.by_slug(changed.slug) == changed
        assert await tenants.by_slug(made.slug) is None


async def test_settings_that_a_row_does_not_name_ask_nothing(
    database: Database, home: Home, url: str
) -> None:
    """As rows have them that were written before there was such a setting."""
    await execute(url, "UPDATE tenant SET settings = '{\"keys_must_expire\": true}'")
    async with database.read() as transaction:
        found = await transaction.tenants.by_id(str(home.tenant_id))
    assert found is not None
    assert found.settings == TenantSettings(keys_must_expire=True)


async def test_a_slug_is_taken_while_its_tenant_lives(database: Database) -> None:
    first, second = a_tenant("acme"), a_tenant("shop")
    async with database.write() as transaction:
        for tenant in (first, second):
            await transaction.tenants.add(tenant)

    async def run(act: Callable[[Tenants], Awaitable[None]]) -> None:
        async with database.write() as transaction:
            await act(transaction.tenants)

    for act in (
        lambda tenants: tenants.add(a_tenant("acme")),
        lambda tenants: tenants.change(replace(second, slug="acme")),
    ):
        with pytest.raises(SlugTaken) as taken:
            await run(act)
        assert taken.value.field == "slug"
    await run(lambda tenants: tenants.change(replace(second, slug="Acme")))
    await run(lambda tenants: tenants.delete(first.id, NOW))
    again = a_tenant("acme")
    await run(lambda tenants: tenants.add(again))
    async with database.read() as transaction:
        assert await transaction.tenants.by_slug("acme") == again


async def test_a_deleted_tenant_is_found_by_nobody(database: Database) -> None:
    home, kept = await add_home(database, "acme"), await add_home(database, "shop")
    assert home.tenant is not None
    tenant, guest = home.tenant, an_identity()
    async with database.write() as transaction:
        await transaction.identities.add(guest)
        for where in (tenant.id, kept.tenant_id, None):
            await transaction.all_memberships.add(guest.id, Grant("editor", where), NOW)
        for where in (kept.tenant_id, None):
            await transaction.all_memberships.add(home.identity.id, Grant("writer", where), NOW)
        await transaction.roles(tenant.id).add(a_role(tenant.id, "editor"))
        await transaction.tenants.delete(tenant.id, NOW)
        # Nor does deleting it again, or a change, bring it back.
        await transaction.tenants.delete(tenant.id, NOW)
        await transaction.tenants.change(tenant)
    async with database.write() as transaction:
        tenants = transaction.tenants
        for lock in (False, True):
            assert await tenants.by_id(tenant.id, lock=lock) is None
        assert await tenants.by_slug("acme") is None
        assert await tenants.by_slug(f"deleted:{tenant.id}") is None
        for among in (None, {tenant.id, str(kept.tenant_id)}):
            assert (await tenants.page(among=among, limit=10, after=None)).items == (kept.tenant,)
        # What it owned is gone with it, and who was a guest there is one elsewhere still.
        assert await transaction.identities.by_id(home.identity.id) is None
        assert await transaction.all_memberships.grants(home.identity.id) == ()
        assert await transaction.identities.by_id(guest.id) == guest
        assert await transaction.all_memberships.grants(guest.id) == (
            Grant("editor", kept.tenant_id),
            Grant("editor"),
        )
        assert await transaction.memberships(tenant.id).page(limit=10) == Page((), (), more=False)
        assert await transaction.identities.by_id(kept.identity.id) == kept.identity


async def listed(database: Database, among: set[str] | None, limit: int) -> list[object]:
    """All tenants, page by page."""
    found: list[object] = []
    after: Position | None = None
    more = True
    while more:
        async with database.read() as transaction:
            page = await transaction.tenants.page(among=among, limit=limit, after=after)
        found += page.items
        more, after = page.more, page.positions[-1] if page.positions else None
    return found


async def test_an_audit_trail_is_read_from_its_end(database: Database, home: Home) -> None:
    actors = [
        Actor(kind=ActorKind.KEY, identity_id="idn_1", key_id="key_1"),
        Actor(kind=ActorKind.SESSION, identity_id="idn_1", session_id="ses_1"),
        Actor(kind=ActorKind.SYSTEM),
    ]
    entries = [
        AuditEntry(
            id=new_id("aud"),
            at=NOW,
            tenant_id=home.tenant_id,
            actor=actor,
            action="key.update",
            target_type="key",
            target_id=target,
            ip="192.0.2.1",
            request_id="request",
            changes={"name": Change("old", "new"), "scope": Change(None, [{"actions": ["a"]}])},
        )
        for target in ("key_1", "key_2")
        for actor in actors
    ]
    async with database.write() as transaction:
        for entry in entries:
            await transaction.audit(home.tenant_id).add(entry)
    async with database.read() as transaction:
        trail = transaction.audit(home.tenant_id)
        for target in (None, "key_1", "key_2", "key_absent"):
            expected = [one for one in reversed(entries) if target in (None, one.target_id)]
            for limit in (1, 2, 10):
                found: list[AuditEntry] = []
                page = await trail.page(AuditQuery(target_id=target), limit=limit)
                found += page.items
                while page.more:
                    page = await trail.page(
                        AuditQuery(target_id=target), limit=limit, after=page.positions[-1]
                    )
                    found += page.items
                assert found == expected
