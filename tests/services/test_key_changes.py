"""Changing keys: what is left out stays, what is null is cleared, and no change hands out more than the caller has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Code
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant
from keywright.core.keys import State
from keywright.core.roles import ADMIN
from keywright.services.keys import KeyChanges, KeyIds, NewKey, create_key, delete_keys, update_key
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.core.keys import Key
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
FULL = NewKey(
    name="k",
    description="d",
    handle="h",
    scope=((("a:read",), ("b",)),),
    not_before=NOW - HOUR,
    expires_at=NOW + HOUR,
    allowed_cidrs=("10.0.0.0/8",),
    metadata={"a": 1},
)


async def made(home: House, caller: Caller, new: NewKey = FULL) -> Key:
    return (await home.run(create_key, caller, new)).view.key


async def change(home: House, caller: Caller, key: Key, **fields: Any) -> Key:
    view = await home.run(update_key, caller, KeyChanges(id=key.id, **fields))
    assert await home.stored(key.id) == view.key
    assert view.state is view.key.state(home.clock.now())
    return view.key


async def refused(home: House, caller: Caller, key: Key, **fields: Any) -> KeywrightError:
    before = await home.stored(key.id), await home.count_entries()
    with pytest.raises(KeywrightError) as caught:
        await home.run(update_key, caller, KeyChanges(id=key.id, **fields))
    assert (await home.stored(key.id), await home.count_entries()) == before
    return caught.value


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"name": " Other "}, {"name": Change("k", "Other")}),
        ({"description": ""}, {"description": Change("d", "")}),
        ({"handle": "H"}, {"handle": Change("h", "H")}),
        ({"handle": None}, {"handle": Change("h", None)}),
        (
            {"scope": ((("x",), None),)},
            {"scope": Change([{"actions": ["a:read"], "resources": ["b"]}], [{"actions": ["x"]}])},
        ),
        ({"scope": ()}, {"scope": Change([{"actions": ["a:read"], "resources": ["b"]}], [])}),
        ({"scope": None}, {"scope": Change([{"actions": ["a:read"], "resources": ["b"]}], None)}),
        ({"not_before": None}, {"not_before": Change("2026-11-03T11:00:00Z", None)}),
        ({"not_before": NOW}, {"not_before": Change("2026-11-03T11:00:00Z", "2026-11-03T12:00:00Z")}),
        ({"expires_at": None}, {"expires_at": Change("2026-11-03T13:00:00Z", None)}),
        ({"allowed_cidrs": ("::/0",)}, {"allowed_cidrs": Change(["10.0.0.0/8"], ["::/0"])}),
        ({"allowed_cidrs": None}, {"allowed_cidrs": Change(["10.0.0.0/8"], None)}),
        ({"metadata": {"b": None}}, {"metadata": Change('{"a":1}', '{"b":null}')}),
        ({"metadata": {}}, {"metadata": Change('{"a":1}', "{}")}),
        ({"metadata": None}, {"metadata": Change('{"a":1}', "{}")}),
        ({"name": "o", "active": False}, {"name": Change("k", "o"), "active": Change(True, False)}),
    ],
)
async def test_what_is_said_changes_and_all_else_stays(
    home: House, acme: Tenant, admin: Caller, fields: dict[str, Any], changes: dict[str, Change]
) -> None:
    before = await made(home, admin)
    after = await change(home, admin, before, **fields)
    assert replace(after, **{name: getattr(before, name) for name in changes}) == before
    entry, _ = await home.trail(acme)
    assert (entry.action, entry.target_id, entry.changes) == ("key.update", before.id, changes)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": " k "},
        {"description": "d"},
        {"handle": "h"},
        {"scope": ((("a:read",), ("b",)),)},
        {"not_before": NOW - HOUR},
        {"expires_at": NOW + HOUR},
        {"allowed_cidrs": ("10.0.0.0/8",)},
        {"metadata": {"a": 1}},
        {"active": True},
    ],
)
async def test_what_is_the_same_already_leaves_no_trace(
    home: House, admin: Caller, fields: dict[str, Any]
) -> None:
    before = await made(home, admin)
    entries = await home.count_entries()
    assert await change(home, admin, before, **fields) == before
    assert await home.count_entries() == entries


async def test_a_key_is_disabled_and_enabled(home: House, acme: Tenant, admin: Caller) -> None:
    created = await home.run(create_key, admin, FULL)
    assert created.token is not None
    key = created.view.key
    off = await change(home, admin, key, active=False)
    assert off == replace(key, active=False)
    assert (await home.verifier.verify(created.token.reveal())).code is Code.DISABLED
    await change(home, admin, key, active=False)
    assert await change(home, admin, key, active=True) == key
    assert [entry.action for entry in await home.trail(acme)] == ["key.enable", "key.disable", "key.create"]


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"name": ""}, errors.InvalidValue, "name"),
        ({"description": "\0"}, errors.InvalidValue, "description"),
        ({"handle": ""}, errors.InvalidValue, "handle"),
        ({"scope": (((), None),)}, errors.InvalidPolicy, "scope.0.actions"),
        ({"expires_at": NOW}, errors.ExpiryInPast, "expires_at"),
        ({"expires_at": NOW + HOUR, "not_before": NOW + HOUR}, errors.ExpiryBeforeStart, "expires_at"),
        ({"not_before": NOW + HOUR}, errors.ExpiryBeforeStart, "expires_at"),
        ({"allowed_cidrs": ("x",)}, errors.InvalidCidr, "allowed_cidrs.0"),
        ({"metadata": {"a": float("inf")}}, errors.InvalidValue, "metadata"),
        ({"name": "fine", "handle": "not fine"}, errors.InvalidValue, "handle"),
    ],
)
async def test_what_a_key_cannot_become_is_refused_by_its_field(
    home: House, admin: Caller, fields: dict[str, Any], error: type[KeywrightError], field: str
) -> None:
    refusal = await refused(home, admin, await made(home, admin), **fields)
    assert (type(refusal), refusal.field) == (error, field)


async def test_a_handle_that_another_key_has_is_refused(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    await made(home, admin)
    other = await made(home, admin, NewKey(name="o", handle="o"))
    refusal = await refused(home, admin, other, handle="h")
    assert (type(refusal), refusal.field) == (errors.HandleTaken, "handle")


async def test_an_expired_key_may_change_but_not_be_enabled_without_a_later_expiry(
    home: House, admin: Caller
) -> None:
    key = await made(home, admin, NewKey(name="k", expires_at=NOW + HOUR))
    home.clock.advance(hours=1)
    assert (await change(home, admin, key, name="over", expires_at=NOW + HOUR)).name == "over"
    refusal = await refused(home, admin, key, active=True)
    assert (type(refusal), refusal.field) == (errors.IllegalTransition, None)
    await change(home, admin, key, active=False)
    assert isinstance(await refused(home, admin, key, active=True), errors.IllegalTransition)
    assert isinstance(await refused(home, admin, key, expires_at=NOW), errors.ExpiryInPast)
    assert isinstance(await refused(home, admin, key, expires_at=NOW + HOUR / 2), errors.ExpiryInPast)
    again = await change(home, admin, key, active=True, expires_at=NOW + 2 * HOUR)
    assert again.state(home.clock.now()) is State.ACTIVE


async def test_a_key_that_is_not_valid_yet_may_be_disabled_and_enabled(home: House, admin: Caller) -> None:
    key = await made(home, admin, NewKey(name="k", not_before=NOW + HOUR))
    assert not (await change(home, admin, key, active=False)).active
    assert (await change(home, admin, key, active=True)).state(NOW) is State.NOT_YET_VALID


async def test_no_key_changes_or_deletes_itself(home: House, acme: Tenant, admin: Caller) -> None:
    assert admin.key is not None
    for fields in ({"active": False}, {"name": "x"}, {}, {"name": "\0"}):
        assert isinstance(await refused(home, admin, admin.key, **fields), errors.OwnKey)
    with pytest.raises(errors.OwnKey):
        await home.run(delete_keys, admin, KeyIds((admin.key.id,)))
    assert admin.key.id in await home.keys()
    sibling = await home.caller(await home.key(acme, admin.identity))
    assert (await change(home, sibling, admin.key, name="x")).name == "x"


async def test_of_two_changes_at_once_both_are_kept(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    key = await made(home, admin)
    fields: list[dict[str, Any]] = [
        {"name": "n"},
        {"description": "e"},
        {"handle": "i"},
        {"metadata": {"b": 2}},
        {"allowed_cidrs": None},
        {"expires_at": None},
    ]
    await asyncio.gather(*(home.run(update_key, admin, KeyChanges(id=key.id, **one)) for one in fields))
    after = await home.stored(key.id)
    assert after is not None
    assert (after.name, after.description, after.handle) == ("n", "e", "i")
    assert (after.metadata, after.allowed_cidrs, after.expires_at) == ('{"b":2}', None, None)


async def test_of_a_change_and_a_deletion_at_once_the_deletion_stands(each_home: House) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    for _ in range(5):
        key = await made(home, admin, NewKey(name="k"))
        outcome = await asyncio.gather(
            home.run(delete_keys, admin, KeyIds((key.id,))),
            home.run(update_key, admin, KeyChanges(id=key.id, name="n")),
            return_exceptions=True,
        )
        assert outcome[0] == (key.id,)
        assert isinstance(outcome[1], errors.NotFound) or not isinstance(outcome[1], BaseException)
        stored = await home.stored(key.id)
        assert stored is not None
        assert (stored.deleted_at, stored.active) == (NOW, False)
        assert key.id not in await home.keys()


# Own rights


async def narrow(home: House, tenant: Tenant, caller: Caller) -> Caller:
    """A key of the caller's that may change keys, and read articles."""
    scope = [(["keys:update", "keys:create"], None), (["article:read"], ["article:1"])]
    return await home.caller(await home.key(tenant, caller.identity, scope=scope))


GIVING: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"active": False}, {"active": True}, "active"),
    ({"expires_at": NOW + HOUR}, {"expires_at": NOW + 2 * HOUR}, "expires_at"),
    ({"expires_at": NOW + HOUR}, {"expires_at": None}, "expires_at"),
    ({"not_before": NOW + HOUR}, {"not_before": NOW}, "not_before"),
    ({"not_before": NOW + HOUR}, {"not_before": None}, "not_before"),
    ({"allowed_cidrs": "10.0.0.0/8"}, {"allowed_cidrs": None}, "allowed_cidrs"),
    ({"allowed_cidrs": "10.0.0.0/8"}, {"allowed_cidrs": ("0.0.0.0/0",)}, "allowed_cidrs"),
]


@pytest.mark.parametrize(("before", "fields", "field"), GIVING)
async def test_a_scoped_key_cannot_open_a_key_that_may_do_more(
    home: House, acme: Tenant, admin: Caller, before: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    state = {
        name: (ip_network(value),) if name == "allowed_cidrs" else value for name, value in before.items()
    }
    caller = await narrow(home, acme, admin)
    for scope in (None, [(["article:read"], None)], [(["article:read"], ["article:1"]), (["x"], None)]):
        wide = await home.key(acme, admin.identity, scope=scope, **state)
        refusal = await refused(home, caller, wide.key, **fields)
        assert (type(refusal), refusal.field) == (errors.BeyondOwnRights, field)
    own = await home.key(acme, admin.identity, scope=[(["article:read"], ["article:1"])], **state)
    await change(home, caller, own.key, **fields)


async def test_a_scoped_key_may_take_from_a_key_that_may_do_more(
    home: House, acme: Tenant, admin: Caller
) -> None:
    caller = await narrow(home, acme, admin)
    wide = (await home.key(acme, admin.identity)).key
    taking: list[dict[str, Any]] = [
        {"name": "n", "metadata": {"a": 1}, "description": "d", "handle": "h"},
        {"expires_at": NOW + HOUR, "not_before": NOW, "allowed_cidrs": ("10.0.0.0/8",)},
        {"expires_at": NOW + HOUR / 2, "allowed_cidrs": ("10.1.0.0/16",)},
        {"active": False},
    ]
    for fields in taking:
        await change(home, caller, wide, **fields)


async def test_a_scoped_key_gives_no_scope_wider_than_its_own(
    home: House, acme: Tenant, admin: Caller
) -> None:
    caller = await narrow(home, acme, admin)
    key = (await home.key(acme, admin.identity, scope=[(["article:read"], ["article:1"])])).key
    for scope, field in (
        (None, "scope"),
        (((("article:read",), None),), "scope.0"),
        (((("article:read",), ("article:1",)), (("article:read",), ("article:*",))), "scope.1"),
        (((("**",), None),), "scope.0"),
    ):
        refusal = await refused(home, caller, key, scope=scope)
        assert (type(refusal), refusal.field) == (errors.BeyondOwnRights, field)
    assert (await change(home, caller, key, scope=())).scope == ()


async def test_an_administrator_opens_the_keys_of_others(home: House, acme: Tenant, admin: Caller) -> None:
    colleague = await home.identity(Grant(ADMIN, acme.id), Grant("unheard-of", acme.id))
    key = (await home.key(acme, colleague, active=False)).key
    assert (await change(home, admin, key, active=True)).active
