"""People, the roles they hold, tenants, and the audit trail of what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import Actor, ActorKind, AuditEntry, Change
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.storage.people import Person
from tests.contract.storage.making import NOW, Home, a_tenant, an_identity

if TYPE_CHECKING:
    from keywright.core.listing import Position
    from keywright.storage import Database

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
                page = await trail.page(target_id=target, limit=limit)
                found += page.items
                while page.more:
                    page = await trail.page(target_id=target, limit=limit, after=page.positions[-1])
                    found += page.items
                assert found == expected
