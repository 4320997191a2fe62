"""Reading the audit trail: by actor, target, action and time, page by page, and of one's own tenant alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, SUPER_ADMIN
from keywright.services.keys import KeyChanges, KeyIds, NewKey, create_key, delete_keys, update_key
from keywright.services.memberships import NewMembership, create_membership
from keywright.services.service_accounts import NewServiceAccount, create_service_account
from keywright.services.tenants import NewTenant, create_tenant
from keywright.services.trail import MAX_ACTION, ListEntries, list_entries
from tests.services.asking import refused, with_session
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


async def actions(home: House, caller: Caller, tenant: str | None = None, **wanted: Any) -> list[str]:
    """The actions of the entries, from the oldest on, walked in pages of three."""
    found: list[str] = []
    cursor = None
    while True:
        page = await home.run(
            list_entries, caller, ListEntries(limit=3, cursor=cursor, **wanted), tenant=tenant
        )
        assert len(page.items) <= 3
        found += [one.entry.action for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found[::-1]


@dataclass
class Story:
    """What was done in a tenant, an hour apart, by a key, a session and a member."""

    tenant: Tenant
    by_key: Caller
    by_session: Caller
    first_key: str
    account: str


async def a_story(home: House, slug: str) -> Story:
    tenant = await home.tenant(slug)
    admin = await home.admin(tenant)
    person = await home.identity(Grant(ADMIN, tenant.id), kind=IdentityKind.USER, name="Berta")
    session = with_session(home, person, Grant(ADMIN, tenant.id), proofs=("password",))
    first = (await home.run(create_key, admin, NewKey(name="k"))).view.key.id
    account = (await home.run(create_service_account, session, NewServiceAccount(name="a"))).view.identity.id
    home.clock.advance(hours=1)
    await home.run(update_key, admin, KeyChanges(id=first, active=False))
    await home.run(create_membership, admin, NewMembership(identity_id=account, role=MEMBER), ip="192.0.2.1")
    home.clock.advance(hours=1)
    await home.run(delete_keys, admin, KeyIds((first,)))
    return Story(tenant, admin, session, first, account)


EVERYTHING = ["key.create", "service_account.create", "key.disable", "membership.create", "key.delete"]


async def test_entries_are_found_by_whatever_is_known_of_them(each_home: House) -> None:
    home = each_home
    await a_story(home, "other")
    home.clock.us -= timedelta(hours=2) // timedelta(microseconds=1)
    story = await a_story(home, "acme")
    admin, person = story.by_key, story.by_session
    assert admin.key is not None
    assert person.session is not None
    of_admin = ["key.create", "key.disable", "membership.create", "key.delete"]
    second = NOW + timedelta(hours=1)
    questions: list[tuple[dict[str, Any], list[str]]] = [
        ({}, EVERYTHING),
        ({"actor": admin.identity.id}, of_admin),
        ({"actor": admin.key.id}, of_admin),
        ({"actor": person.identity.id}, ["service_account.create"]),
        ({"actor": person.session.id}, ["service_account.create"]),
        ({"actor": new_id("idn")}, []),
        # What acts and what it is done to are not the same.
        ({"actor": story.first_key}, []),
        ({"actor": story.tenant.id}, []),
        ({"actor": ""}, []),
        ({"actor": "\ud800"}, []),
        ({"target": story.first_key}, ["key.create", "key.disable", "key.delete"]),
        ({"target": story.account}, ["service_account.create"]),
        ({"target": admin.key.id}, []),
        ({"target": "\0"}, []),
        ({"action": "key.create"}, ["key.create"]),
        ({"action": "key.*"}, ["key.create", "key.disable", "key.delete"]),
        ({"action": "key"}, []),
        ({"action": "key*"}, []),
        ({"action": "k.*"}, []),
        ({"action": "*"}, []),
        ({"action": ".*"}, []),
        ({"action": "KEY.*"}, []),
        ({"action": "service_account.*"}, ["service_account.create"]),
        ({"action": "service%"}, []),
        ({"since": second}, ["key.disable", "membership.create", "key.delete"]),
        ({"until": second}, ["key.create", "service_account.create"]),
        ({"since": second, "until": second + timedelta(hours=1)}, ["key.disable", "membership.create"]),
        ({"since": second, "until": second}, []),
        ({"since": second, "until": NOW}, []),
        ({"since": second.astimezone(timezone(timedelta(hours=5)))}, EVERYTHING[2:]),
        (
            {"actor": admin.key.id, "target": story.first_key, "action": "key.*", "since": second},
            ["key.disable", "key.delete"],
        ),
    ]
    for wanted, expected in questions:
        assert sorted(await actions(home, admin, **wanted)) == sorted(expected), wanted
    assert (await actions(home, admin))[-1] == "key.delete"


async def test_entries_come_newest_first_with_who_acted_and_where(home: House) -> None:
    story = await a_story(home, "acme")
    page = await home.run(list_entries, story.by_key, ListEntries())
    assert [one.entry.at for one in page.items] == sorted((one.entry.at for one in page.items), reverse=True)
    assert {one.tenant for one in page.items} == {story.tenant}
    assert {one.identity for one in page.items} == {story.by_key.identity, story.by_session.identity}
    assert [one.entry.ip for one in page.items if one.entry.action == "membership.create"] == ["192.0.2.1"]


async def test_what_keywright_does_of_itself_is_nobody_s(home: House, acme: Tenant, admin: Caller) -> None:
    await home.key(acme, admin.identity, expires_at=NOW - timedelta(days=31))
    await home.upkeep.sweep(timedelta(hours=1))
    (one,) = (await home.run(list_entries, admin, ListEntries())).items
    assert (one.entry.action, one.identity, one.tenant) == ("key.delete", None, acme)


async def test_who_acted_is_told_after_they_have_gone(home: House) -> None:
    story = await a_story(home, "acme")
    async with home.database.write() as transaction:
        await transaction.identities.delete(story.by_session.identity.id, home.clock.now())
    (one,) = (await home.run(list_entries, story.by_key, ListEntries(action="service_account.create"))).items
    assert one.identity is not None
    assert one.identity.name == "Berta"


async def test_nobody_reads_another_trail(each_home: House) -> None:
    home = each_home
    acme, other = await a_story(home, "acme"), await a_story(home, "other")
    boss = await root(home)
    await home.run(create_tenant, boss, NewTenant("third"))
    for wanted in (
        {"actor": other.by_key.identity.id},
        {"target": other.first_key},
        {"actor": boss.identity.id},
        {"action": "tenant.*"},
    ):
        fields: Any = wanted
        assert await actions(home, acme.by_key, **fields) == []
    assert await actions(home, boss, "*") == ["tenant.create"]
    assert sorted(await actions(home, boss, "acme")) == sorted(EVERYTHING)
    # A cursor says where to go on, and not in which trail.
    page = await home.run(list_entries, other.by_key, ListEntries(limit=1))
    rest = await home.run(list_entries, acme.by_key, ListEntries(cursor=page.next_cursor))
    assert {one.entry.tenant_id for one in rest.items} <= {acme.tenant.id}
    await refused(home, errors.NotFound, list_entries, acme.by_key, ListEntries(), tenant="other")
    await refused(home, errors.PermissionDenied, list_entries, acme.by_key, ListEntries(), tenant="*")


async def test_a_trail_is_read_by_those_who_may(home: House, acme: Tenant) -> None:
    watching = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    await home.run(list_entries, watching, ListEntries(), tenant="acme")
    await home.run(list_entries, watching, ListEntries(), tenant="*")
    member = await home.caller(await home.key(acme, await home.identity(Grant(MEMBER, acme.id))))
    refusal = await refused(home, errors.PermissionDenied, list_entries, member, ListEntries())
    assert refusal.detail == "This needs the permission audit:read."


@pytest.mark.parametrize(
    ("wanted", "error", "field"),
    [
        (ListEntries(limit=0), errors.InvalidValue, "limit"),
        (ListEntries(limit=201), errors.InvalidValue, "limit"),
        (ListEntries(cursor="xx"), errors.InvalidCursor, "cursor"),
        (ListEntries(action=""), errors.InvalidValue, "action"),
        (ListEntries(action="a" * (MAX_ACTION + 1)), errors.InvalidValue, "action"),
        (ListEntries(action="key.\0"), errors.InvalidValue, "action"),
        (ListEntries(action="ключ"), errors.InvalidValue, "action"),
        (ListEntries(action="\ud800"), errors.InvalidValue, "action"),
        (ListEntries(since=datetime(2026, 1, 1)), errors.InvalidValue, "since"),  # noqa: DTZ001 - without a zone
        (ListEntries(until=datetime(2026, 1, 1)), errors.InvalidValue, "until"),  # noqa: DTZ001 - without a zone
        (
            ListEntries(since=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
            errors.InvalidValue,
            "since",
        ),
    ],
)
async def test_a_question_that_is_none_is_refused_by_its_field(
    home: House,
    acme: Tenant,
    admin: Caller,
    wanted: ListEntries,
    error: type[errors.KeywrightError],
    field: str,
) -> None:
    assert (await refused(home, error, list_entries, admin, wanted)).field == field
