"""Usage as callers read it: what is counted over which span, what of a scope was not needed, and who may know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.decision import Asked, Code
from keywright.core.errors import InvalidValue, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.instants import EPOCH, LATEST
from keywright.core.ports import KeyFacts
from keywright.core.roles import ADMIN, MEMBER, MONITOR, READ_ONLY, SUPER_ADMIN
from keywright.core.usage import OTHER_ACTIONS, By, Exercised
from keywright.services.keys import KeyIds, delete_keys
from keywright.services.usage import (
    MAX_TOP,
    BusyKey,
    KeyUsage,
    KeyUsageQuestion,
    TenantUsage,
    TenantUsageQuestion,
    key_usage,
    tenant_usage,
)
from tests.support.facts import NOW, SOMEBODY

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)


async def used(home: House, made: Made, *uses: tuple[Code, str | None, timedelta]) -> None:
    """Have a key used as the uses say, some time before now, and write it down with nothing else."""
    home.uses.take()
    known = KeyFacts(made.key, SOMEBODY, None, ())
    for code, action, before in uses:
        moment = NOW - before
        home.uses.note(known, code, Asked(action=action), (moment - EPOCH) // timedelta(microseconds=1))
    await home.upkeep.flush()


async def of_key(home: House, caller: Caller, made: Made, **asked: Any) -> KeyUsage:
    call = {"tenant": asked.pop("tenant")} if "tenant" in asked else {}
    return await home.run(key_usage, caller, KeyUsageQuestion(id=made.id, **asked), **call)


async def of_all(home: House, caller: Caller, **asked: Any) -> TenantUsage:
    call = {"tenant": asked.pop("tenant")} if "tenant" in asked else {}
    return await home.run(tenant_usage, caller, TenantUsageQuestion(**asked), **call)


VALID, DENIED = Code.VALID, Code.INSUFFICIENT_PERMISSIONS


async def test_the_usage_of_a_key(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    made = await home.key(
        acme,
        await home.identity(),
        scope=[(["article:read", "article:publish"], ["article:cs:**"]), (["comment:*"], None)],
    )
    await used(
        home,
        made,
        (VALID, "article:read", timedelta()),
        (VALID, "article:read", HOUR),
        (DENIED, "article:delete", HOUR),
        (VALID, None, 2 * DAY),
        (VALID, None, 40 * DAY),
    )
    found = await of_key(home, admin, made)
    counts = found.counts
    assert found.key.id == made.id
    assert found.key.last_used_at == NOW
    assert (counts.since, counts.until, counts.by) == (MIDNIGHT - 29 * DAY, MIDNIGHT + DAY, By.DAY)
    assert (counts.total, counts.totals) == (4, {"INSUFFICIENT_PERMISSIONS": 1, "VALID": 3})
    assert [(one.at, one.counts) for one in counts.buckets] == [
        (MIDNIGHT - 2 * DAY, {"VALID": 1}),
        (MIDNIGHT, {"INSUFFICIENT_PERMISSIONS": 1, "VALID": 2}),
    ]
    assert found.exercised == (Exercised("article:read", 2, NOW),)
    assert found.unexercised is not None
    assert [one.to_plain() for one in found.unexercised] == [
        {"actions": ["article:publish"], "resources": ["article:cs:**"]},
        {"actions": ["comment:*"]},
    ]
    hourly = (await of_key(home, admin, made, by=By.HOUR)).counts
    assert (hourly.since, hourly.until) == (NOW - DAY, NOW)
    assert [(one.at, one.counts) for one in hourly.buckets] == [
        (NOW - HOUR, {"INSUFFICIENT_PERMISSIONS": 1, "VALID": 1})
    ]
    everything = (await of_key(home, admin, made, since=NOW - 50 * DAY)).counts
    assert everything.total == 5


async def test_a_span_becomes_whole_hours_or_days(home: House, acme: Tenant, admin: Caller) -> None:
    made = await home.key(acme, await home.identity())
    east = timezone(timedelta(hours=5, minutes=30))
    since = datetime(2026, 11, 1, 5, 45, tzinfo=east)  # 00:15 in UTC
    until = datetime(2026, 11, 2, 10, 0, 0, 1, tzinfo=UTC)
    midnight = datetime(2026, 11, 1, tzinfo=UTC)
    for by, begin, end in (
        (By.HOUR, midnight, midnight + 35 * HOUR),
        (By.DAY, midnight, midnight + 2 * DAY),
    ):
        counts = (await of_key(home, admin, made, since=since, until=until, by=by)).counts
        assert (counts.since, counts.until) == (begin, end)
        exact = (await of_key(home, admin, made, since=begin, until=end, by=by)).counts
        assert (exact.since, exact.until) == (begin, end)
    long_ago = (await of_key(home, admin, made, until=EPOCH)).counts
    assert (long_ago.since, long_ago.until, long_ago.buckets) == (EPOCH - 30 * DAY, EPOCH, ())
    assert (await of_key(home, admin, made, until=LATEST)).counts.until == LATEST


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": NOW + DAY}, "since"),
        ({"since": NOW, "until": NOW - DAY}, "since"),
        ({"since": NOW, "until": NOW, "by": By.HOUR}, "since"),
        ({"since": NOW - 366 * DAY}, "since"),
        ({"since": NOW - 31 * DAY - HOUR, "by": By.HOUR}, "since"),
        ({"since": NOW.replace(tzinfo=None)}, "since"),
        ({"until": NOW.replace(tzinfo=None)}, "until"),
        ({"until": NOW.replace(year=9999)}, "until"),
    ],
)
async def test_what_is_no_span_is_refused(
    home: House, acme: Tenant, admin: Caller, asked: dict[str, Any], field: str
) -> None:
    made = await home.key(acme, await home.identity())
    for ask in (lambda: of_key(home, admin, made, **asked), lambda: of_all(home, admin, **asked)):
        with pytest.raises(InvalidValue) as caught:
            await ask()
        assert caught.value.field == field
    longest = {By.HOUR: 31 * DAY, By.DAY: 365 * DAY}
    for by, span in longest.items():
        assert (await of_all(home, admin, since=NOW - span, by=by)).counts.total == 0


async def test_what_of_a_scope_was_not_needed_is_said_where_it_is_known(
    home: House, acme: Tenant, admin: Caller
) -> None:
    owner = await home.identity()
    unbound = await home.key(acme, owner)
    read = [(["article:read"], None)]
    unused, needed, too_many = [await home.key(acme, owner, scope=read) for _ in range(3)]
    for made in (unbound, needed):
        await used(home, made, (VALID, "article:read", timedelta()))
    await used(home, too_many, (VALID, "not an action", timedelta()))
    assert (await of_key(home, admin, unbound)).unexercised is None
    assert (await of_key(home, admin, unused)).unexercised == unused.key.scope
    assert (await of_key(home, admin, needed)).unexercised == ()
    found = await of_key(home, admin, too_many)
    assert found.unexercised is None
    assert found.exercised == (Exercised(OTHER_ACTIONS, 1, NOW),)


async def test_the_usage_of_a_tenant(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, owner = await home.admin(acme), await home.identity()
    keys = [await home.key(acme, owner, name=f"Key {number}") for number in range(3)]
    theirs, everywhere = await home.key(other, owner), await home.key(None, owner)
    for number, made in enumerate((*keys, theirs, everywhere)):
        await used(home, made, *[(VALID, None, timedelta())] * (number + 1), (DENIED, None, HOUR))
    await home.run(delete_keys, admin, KeyIds((keys[1].id,)))
    found = await of_all(home, admin)
    assert found.tenant == acme
    assert (found.counts.total, found.counts.totals) == (9, {"INSUFFICIENT_PERMISSIONS": 3, "VALID": 6})
    assert [(one.at, one.counts["VALID"]) for one in found.counts.buckets] == [(MIDNIGHT, 6)]
    assert found.keys == (
        BusyKey(keys[2].id, "Key 2", 4, 3),
        BusyKey(keys[1].id, None, 3, 2),
        BusyKey(keys[0].id, "Key 0", 2, 1),
    )
    assert (await of_all(home, admin, top=1)).keys == found.keys[:1]
    assert (await of_all(home, admin, top=0)).keys == ()
    recent = await of_all(home, admin, since=NOW, until=NOW + HOUR, by=By.HOUR)
    assert recent.counts.totals == {"VALID": 6}
    assert [one.count for one in recent.keys] == [3, 2, 1]
    for top in (-1, MAX_TOP + 1):
        with pytest.raises(InvalidValue) as caught:
            await of_all(home, admin, top=top)
        assert caught.value.field == "top"
    with pytest.raises(NotFound):
        await of_key(home, admin, keys[1])
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    installation = await of_all(home, root, tenant="*")
    assert installation.tenant is None
    assert [(one.id, one.count) for one in installation.keys] == [(everywhere.id, 6)]
    assert (await of_key(home, root, everywhere, tenant="*")).counts.total == 6
    assert (await of_all(home, root, tenant="other")).counts.total == 5


async def test_who_may_know(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(MEMBER, acme.id))
    own = await home.key(acme, person)
    other = await home.key(acme, await home.identity())
    member = await home.caller(own)
    for role in (ADMIN, READ_ONLY):
        caller = await home.caller(await home.key(acme, await home.identity(Grant(role, acme.id))))
        assert (await of_key(home, caller, other)).key == replace(other.key)
        assert (await of_all(home, caller)).tenant == acme
    monitor = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    assert (await of_all(home, monitor, tenant="acme")).tenant == acme
    assert (await of_all(home, monitor, tenant="*")).tenant is None
    assert (await of_key(home, member, own)).key.id == own.id
    with pytest.raises(NotFound):
        await of_key(home, member, other)
    with pytest.raises(PermissionDenied):
        await of_all(home, member)
    one = await home.admin(acme, scope=[(["usage:read"], [f"key:{own.id}"])])
    assert (await of_key(home, one, own)).key.id == own.id
    for ask in (lambda: of_key(home, one, other), lambda: of_all(home, one)):
        with pytest.raises(PermissionDenied):
            await ask()
