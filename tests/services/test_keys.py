"""Making, reading and deleting keys."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.audit import Change
from keywright.core.decision import Code
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant
from keywright.core.ids import is_id, new_id
from keywright.core.keys import State
from keywright.core.listing import Between, KeyQuery, KeySort
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import Form, form_of, hint, last_seven, mint
from keywright.services.keys import (
    MAX_AT_ONCE,
    KeyId,
    KeyIds,
    ListKeys,
    NewKey,
    create_key,
    delete_keys,
    get_key,
    list_keys,
)
from tests.support.facts import NOW, used

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


async def refused(home: House, use: Any, caller: Caller, data: Any, **call: Any) -> KeywrightError:
    before = await home.keys(), await home.count_entries()
    with pytest.raises(KeywrightError) as caught:
        await home.run(use, caller, data, **call)
    assert (await home.keys(), await home.count_entries()) == before
    return caught.value


# Creation


async def test_a_key_is_made_with_all_that_was_said_of_it(home: House, acme: Tenant, admin: Caller) -> None:
    made = await home.run(
        create_key,
        admin,
        NewKey(
            name="  Nightly export ",
            description="Reads articles\nand writes nothing.",
            handle="export-1",
            scope=((("article:read",), ("article:1", "article:2:*")), (("image:*",), None)),
            not_before=NOW + HOUR,
            expires_at=NOW + 2 * HOUR,
            allowed_cidrs=("10.0.0.0/8", "192.0.2.7"),
            metadata={"plan": "pro", "seats": 3},
            prefix="my_app",
        ),
    )
    key = made.view.key
    assert made.token is not None
    token = made.token.reveal()
    assert form_of(token) is Form.CHECKED
    assert token.startswith("my_app_")
    assert not made.replayed
    assert (made.view.state, made.view.tenant, made.view.owner) == (
        State.NOT_YET_VALID,
        acme,
        admin.identity,
    )
    assert is_id(key.id, "key")
    assert (key.name, key.handle, key.prefix) == ("Nightly export", "export-1", "my_app")
    assert key.description == "Reads articles\nand writes nothing."
    assert (key.hint, key.last_seven) == (hint(token), last_seven(token))
    assert (key.tenant_id, key.identity_id, key.created_by) == (
        acme.id,
        admin.identity.id,
        admin.identity.id,
    )
    assert (key.created_at, key.not_before, key.expires_at) == (NOW, NOW + HOUR, NOW + 2 * HOUR)
    assert (key.active, key.deleted_at, key.last_used_at, key.last_used_ip) == (True, None, None, None)
    assert key.scope is not None
    assert [policy.to_plain() for policy in key.scope] == [
        {"actions": ["article:read"], "resources": ["article:1", "article:2:*"]},
        {"actions": ["image:*"]},
    ]
    assert key.allowed_cidrs == (ip_network("10.0.0.0/8"), ip_network("192.0.2.7/32"))
    assert key.metadata == '{"plan":"pro","seats":3}'
    assert await home.stored(key.id) == key
    assert (await home.verifier.verify(token)).code is Code.NOT_YET_VALID


async def test_a_key_of_which_only_a_name_was_said_may_do_all_that_its_maker_may(
    home: House, acme: Tenant, admin: Caller
) -> None:
    made = await home.run(create_key, admin, NewKey(name="k"))
    key = made.view.key
    assert (key.scope, key.allowed_cidrs, key.not_before, key.expires_at) == (None, None, None, None)
    assert (key.description, key.handle, key.metadata, key.prefix) == ("", None, "{}", "kw")
    assert made.view.state is State.ACTIVE
    assert made.token is not None
    decision = await home.verifier.verify(made.token.reveal())
    assert decision.facts is not None
    assert (decision.code, decision.facts.key, decision.tenant) == (Code.VALID, used(key), acme)


async def test_the_trail_says_what_was_made(home: House, acme: Tenant, admin: Caller) -> None:
    made = await home.run(
        create_key,
        admin,
        NewKey(
            name="k",
            handle="h",
            scope=((("a",), None),),
            expires_at=NOW + HOUR,
            allowed_cidrs=("10.0.0.0/8",),
            metadata={"a": 1},
        ),
    )
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.target_type, entry.target_id) == ("key.create", "key", made.view.key.id)
    assert entry.changes == {
        "name": Change(None, "k"),
        "handle": Change(None, "h"),
        "description": Change(None, ""),
        "prefix": Change(None, "kw"),
        "identity_id": Change(None, admin.identity.id),
        "expires_at": Change(None, "2026-11-03T13:00:00Z"),
        "active": Change(None, True),
        "scope": Change(None, [{"actions": ["a"]}]),
        "allowed_cidrs": Change(None, ["10.0.0.0/8"]),
        "metadata": Change(None, '{"a":1}'),
    }


async def test_a_key_whose_token_was_made_elsewhere_shows_none(
    home: House, acme: Tenant, admin: Caller
) -> None:
    token = "sk_live_51_made_elsewhere"
    hashed = hashlib.sha256(token.encode()).hexdigest()
    made = await home.run(create_key, admin, NewKey(name="k", token_hash=hashed))
    assert made.token is None
    assert not made.replayed
    assert (made.view.key.hint, made.view.key.last_seven) == (None, None)
    assert (await home.verifier.verify(token)).valid
    assert hashed not in f"{made} {await home.trail(acme)}"


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"name": " "}, errors.InvalidValue, "name"),
        ({"name": mint().reveal()}, errors.SecretInText, "name"),
        ({"description": "x" * 2_001}, errors.InvalidValue, "description"),
        ({"description": f"see {mint().reveal()}"}, errors.SecretInText, "description"),
        ({"handle": "a b"}, errors.InvalidValue, "handle"),
        ({"handle": mint().reveal()}, errors.SecretInText, "handle"),
        ({"scope": ((("a b",), None),)}, errors.InvalidPolicy, "scope.0.actions.0"),
        ({"scope": ((("a",), ()),)}, errors.InvalidPolicy, "scope.0.resources"),
        ({"scope": (((mint().reveal(),), None),)}, errors.SecretInText, "scope.0.actions.0"),
        ({"not_before": datetime(2027, 1, 1)}, errors.InvalidValue, "not_before"),  # noqa: DTZ001 - naive
        ({"expires_at": datetime(2027, 1, 1)}, errors.InvalidValue, "expires_at"),  # noqa: DTZ001 - naive
        ({"expires_at": datetime(1969, 1, 1, tzinfo=UTC)}, errors.InvalidValue, "expires_at"),
        ({"expires_at": NOW}, errors.ExpiryInPast, "expires_at"),
        ({"expires_at": NOW + HOUR, "not_before": NOW + HOUR}, errors.ExpiryBeforeStart, "expires_at"),
        ({"allowed_cidrs": ()}, errors.InvalidCidr, "allowed_cidrs"),
        ({"allowed_cidrs": ("10.0.0.0/8", "x")}, errors.InvalidCidr, "allowed_cidrs.1"),
        ({"metadata": {"a": float("nan")}}, errors.InvalidValue, "metadata"),
        ({"metadata": {"a": mint().reveal()}}, errors.SecretInText, "metadata"),
        ({"prefix": "kws"}, errors.InvalidValue, "prefix"),
        ({"prefix": "K"}, errors.InvalidValue, "prefix"),
        ({"token_hash": "0" * 63}, errors.InvalidTokenHash, "token_hash"),
        ({"token_hash": mint().reveal()}, errors.InvalidTokenHash, "token_hash"),
        ({"tenant": "nowhere"}, errors.NotFound, "tenant"),
    ],
)
async def test_what_cannot_be_made_is_refused_by_its_field(
    home: House, admin: Caller, fields: dict[str, Any], error: type[KeywrightError], field: str
) -> None:
    refusal = await refused(home, create_key, admin, NewKey(**{"name": "k", **fields}))
    assert (type(refusal), refusal.field) == (error, field)


async def test_an_expiry_a_moment_ahead_is_taken(home: House, admin: Caller) -> None:
    made = await home.run(create_key, admin, NewKey(name="k", expires_at=NOW + TICK, not_before=NOW))
    assert made.view.state is State.ACTIVE


async def test_a_handle_is_unique_in_its_tenant_until_its_key_is_deleted(
    each_home: House,
) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, stranger = await home.admin(acme), await home.admin(other)
    first = await home.run(create_key, admin, NewKey(name="k", handle="h"))
    refusal = await refused(home, create_key, admin, NewKey(name="k", handle="h"))
    assert (type(refusal), refusal.field) == (errors.HandleTaken, "handle")
    await home.run(create_key, admin, NewKey(name="k", handle="H"))
    await home.run(create_key, stranger, NewKey(name="k", handle="h"))
    await home.run(delete_keys, admin, KeyIds((first.view.key.id,)))
    await home.run(create_key, admin, NewKey(name="k", handle="h"))


async def test_a_token_hash_is_unique_for_ever_and_everywhere(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, stranger = await home.admin(acme), await home.admin(other)
    hashed = hashlib.sha256(b"x").hexdigest()
    first = await home.run(create_key, admin, NewKey(name="k", token_hash=hashed))
    for _ in range(2):
        for caller in (admin, stranger):
            refusal = await refused(home, create_key, caller, NewKey(name="k", token_hash=hashed))
            assert (type(refusal), refusal.field) == (errors.TokenHashTaken, "token_hash")
        if first.view.key.id in await home.keys():
            await home.run(delete_keys, admin, KeyIds((first.view.key.id,)))


async def test_the_tenant_of_the_call_and_of_the_input_must_be_one(home: House, acme: Tenant) -> None:
    await home.tenant("other")
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    refusal = await refused(home, create_key, root, NewKey(name="k", tenant="other"), tenant="acme")
    assert (type(refusal), refusal.field) == (errors.InvalidValue, "tenant")
    made = await home.run(create_key, root, NewKey(name="k", tenant="acme"), tenant="acme")
    assert made.view.tenant == acme
    assert made.view.key.identity_id == root.identity.id


# Reading


async def test_a_key_is_read_with_its_state_at_this_moment(home: House, acme: Tenant, admin: Caller) -> None:
    made = await home.run(create_key, admin, NewKey(name="k", expires_at=NOW + HOUR))
    read = await home.run(get_key, admin, KeyId(made.view.key.id))
    assert read == made.view
    home.clock.advance(hours=1)
    assert (await home.run(get_key, admin, KeyId(made.view.key.id))).state is State.EXPIRED


async def test_a_deleted_key_is_missing(home: House, admin: Caller) -> None:
    made = await home.run(create_key, admin, NewKey(name="k"))
    await home.run(delete_keys, admin, KeyIds((made.view.key.id,)))
    refusal = await refused(home, get_key, admin, KeyId(made.view.key.id))
    assert (type(refusal), refusal.detail, refusal.field) == (errors.NotFound, "No such key.", None)


async def names(home: House, caller: Caller, cursor: str | None = None, **query: Any) -> list[str]:
    page = await home.run(list_keys, caller, ListKeys(query=KeyQuery(**query), cursor=cursor))
    return [view.key.name for view in page.items]


async def test_a_list_is_walked_page_by_page_in_every_order(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    for number in range(5):
        await home.run(
            create_key,
            admin,
            NewKey(
                name=f"key {number % 3}",
                expires_at=None if number % 2 else NOW + (number + 1) * HOUR,
            ),
        )
    whole = await home.run(list_keys, admin, ListKeys(query=KeyQuery()))
    assert len(whole.items) == 6
    assert whole.next_cursor is None
    for sort in KeySort:
        for descending in (True, False):
            query = KeyQuery(sort=sort, descending=descending, limit=2)
            seen: list[str] = []
            cursor = None
            while True:
                page = await home.run(list_keys, admin, ListKeys(query=query, cursor=cursor))
                seen += [view.key.id for view in page.items]
                assert len(page.cursors) == len(page.items)
                assert all(view.owner == admin.identity for view in page.items)
                cursor = page.next_cursor
                if cursor is None:
                    break
                assert cursor == page.cursors[-1]
            assert sorted(seen) == sorted(view.key.id for view in whole.items)
            forwards = await home.run(
                list_keys, admin, ListKeys(query=KeyQuery(sort=sort, descending=descending))
            )
            assert seen == [view.key.id for view in forwards.items]


async def test_a_list_shows_the_tenant_s_keys_that_are_asked_for(
    home: House, acme: Tenant, admin: Caller
) -> None:
    other = await home.identity(Grant(ADMIN, acme.id), name="Other")
    hinted = await home.key(acme, other, name="active")
    await home.key(acme, other, name="Off", active=False, handle="off")
    await home.key(acme, other, name="over", expires_at=NOW)
    await home.key(acme, other, name="not yet", not_before=NOW + HOUR)
    await home.key(acme, other, name="used", last_used_at=NOW - HOUR)
    await home.key(await home.tenant("elsewhere"), other, name="elsewhere")
    mine: dict[str, Any] = {"sort": KeySort.NAME, "descending": False, "identity_id": other.id}
    assert await names(home, admin, **mine) == ["active", "not yet", "Off", "over", "used"]
    assert await names(home, admin, **mine, states=frozenset({State.DISABLED})) == ["Off"]
    assert await names(home, admin, **mine, states=frozenset({State.EXPIRED, State.NOT_YET_VALID})) == [
        "not yet",
        "over",
    ]
    assert await names(home, admin, **mine, states=frozenset({State.DELETED})) == []
    assert await names(home, admin, **mine, name_prefix="OVE") == ["over"]
    assert await names(home, admin, **mine, handle="off") == ["Off"]
    assert await names(home, admin, **mine, search=" OVE ") == ["over"]
    assert await names(home, admin, **mine, search="off") == ["Off"]
    assert await names(home, admin, **mine, search=f"{hinted.key.hint}…") == ["active"]
    assert await names(home, admin, **mine, search=hinted.id) == ["active"]
    assert await names(home, admin, **mine, search="elsewhere") == []
    assert await names(home, admin, **mine, ends=True) == ["over"]
    assert await names(home, admin, **mine, ends=False) == ["active", "not yet", "Off", "used"]
    assert await names(home, admin, **mine, used=True) == ["used"]
    assert await names(home, admin, **mine, last_used=Between(NOW - HOUR, NOW)) == ["used"]
    assert await names(home, admin, **mine, expires=Between(None, NOW + TICK)) == ["over"]
    assert await names(home, admin, **mine, created=Between(NOW + TICK, None)) == []


@pytest.mark.parametrize(
    "owner", ["", "idn_0", "\0", "\ud800", "x" * 9_999, new_id("key"), new_id("idn")], ids=range(7)
)
async def test_an_owner_that_is_nobody_has_no_keys(each_home: House, owner: str) -> None:
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    assert await names(home, admin, identity_id=owner) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": -(2**80)}, "limit"),
        ({"name_prefix": "\0"}, "name_prefix"),
        ({"name_prefix": "x" * 256}, "name_prefix"),
        ({"search": "\0"}, "search"),
        ({"search": "x" * 256}, "search"),
        ({"handle": "a b"}, "handle"),
        ({"handle": "\ud800"}, "handle"),
        ({"created": Between(datetime(2026, 1, 1), None)}, "created_since"),  # noqa: DTZ001 - naive
        ({"expires": Between(None, datetime(1, 1, 1, tzinfo=UTC))}, "expires_until"),
        ({"last_used": Between(datetime(9999, 12, 31, tzinfo=UTC), None)}, "last_used_since"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_its_field(
    home: House, admin: Caller, query: dict[str, Any], field: str
) -> None:
    refusal = await refused(home, list_keys, admin, ListKeys(query=KeyQuery(**query)))
    assert (type(refusal), refusal.field) == (errors.InvalidValue, field)


@pytest.mark.parametrize("limit", [1, 200])
async def test_the_bounds_of_a_page_are_taken(home: House, admin: Caller, limit: int) -> None:
    assert len(await names(home, admin, limit=limit)) == 1


async def test_a_cursor_is_good_for_its_own_order_alone(home: House, admin: Caller) -> None:
    page = await home.run(list_keys, admin, ListKeys(query=KeyQuery()))
    for query in (KeyQuery(descending=False), KeyQuery(sort=KeySort.NAME)):
        refusal = await refused(home, list_keys, admin, ListKeys(query=query, cursor=page.cursors[0]))
        assert (type(refusal), refusal.field) == (errors.InvalidCursor, "cursor")


# Deletion


async def test_keys_are_deleted_together_and_answered_in_the_order_asked_for(
    home: House, acme: Tenant, admin: Caller
) -> None:
    made = [await home.key(acme, admin.identity, active=active) for active in (True, False, True)]
    ids = (made[2].id, made[0].id, made[1].id, made[0].id)
    assert await home.run(delete_keys, admin, KeyIds(ids)) == ids[:3]
    for one in made:
        stored = await home.stored(one.id)
        assert stored is not None
        assert (stored.deleted_at, stored.active) == (NOW, False)
        assert (await home.verifier.verify(one.token)).code is Code.NOT_FOUND
    assert {(entry.target_id, entry.changes["state"]) for entry in await home.trail(acme)} == {
        (made[0].id, Change("active", "deleted")),
        (made[1].id, Change("disabled", "deleted")),
        (made[2].id, Change("active", "deleted")),
    }
    assert len(await home.trail(acme)) == 3


async def test_if_one_of_many_cannot_be_deleted_none_is(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    assert admin.key is not None
    good = await home.key(acme, admin.identity)
    gone = await home.key(acme, admin.identity)
    foreign = await home.key(other, await home.identity(Grant(ADMIN, other.id)))
    await home.run(delete_keys, admin, KeyIds((gone.id,)))
    for bad, error in (
        (new_id("key"), errors.NotFound),
        (gone.id, errors.NotFound),
        (foreign.id, errors.NotFound),
        ("key_\0", errors.NotFound),
        (admin.key.id, errors.OwnKey),
    ):
        refusal = await refused(home, delete_keys, admin, KeyIds((good.id, bad)))
        assert isinstance(refusal, error)
        assert refusal.field == ("ids.1" if error is errors.NotFound else None)
        alone = await refused(home, delete_keys, admin, KeyIds((bad,)))
        assert (type(alone), alone.field) == (error, None)
    assert good.id in await home.keys()


async def test_neither_none_nor_too_many_keys_are_deleted_at_once(
    home: House, acme: Tenant, admin: Caller
) -> None:
    for ids in ((), tuple(new_id("key") for _ in range(MAX_AT_ONCE + 1))):
        refusal = await refused(home, delete_keys, admin, KeyIds(ids))
        assert (type(refusal), refusal.field) == (errors.InvalidValue, "ids")
    made = await home.key(acme, admin.identity)
    assert await home.run(delete_keys, admin, KeyIds((made.id,) * (MAX_AT_ONCE + 1))) == (made.id,)


async def test_to_delete_nothing_needs_the_permission_too(home: House, acme: Tenant) -> None:
    reader = await home.admin(acme, scope=[(["keys:read"], None)])
    assert isinstance(await refused(home, delete_keys, reader, KeyIds(())), errors.PermissionDenied)


async def test_a_session_may_delete_the_keys_of_its_own_person(home: House, acme: Tenant) -> None:
    person = await home.person("anna", "correct horse", Grant(ADMIN, acme.id))
    own = await home.key(acme, person)
    caller = await home.logged_in("anna", "correct horse")
    await home.run(delete_keys, caller, KeyIds((own.id,)))
    assert own.id not in await home.keys()
