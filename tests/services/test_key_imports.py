"""Many keys at once: each judged by itself, as one that is created, and all in one transaction with one entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.audit import Change
from keywright.core.errors import (
    InvalidValue,
    KeywrightError,
    PermissionDenied,
    TokenHashTaken,
    Unavailable,
)
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, MEMBER, SUPER_ADMIN
from keywright.core.tokens import digest, mint
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.keys import (
    KeyId,
    KeyIds,
    KeyImport,
    NewKey,
    Outcome,
    create_key,
    delete_keys,
    get_key,
    import_keys,
)
from keywright.services.limits import LimitInput
from keywright.services.memberships import RoleInput
from keywright.storage.identities import Identities
from keywright.storage.keys import AllKeys

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.services.keys import KeyImported
    from tests.support.house import House

pytestmark = pytest.mark.anyio


def a_hash(text: str) -> str:
    return digest(text).hex()


def new(name: str, **fields: Any) -> NewKey:
    return NewKey(**{"name": name, "token_hash": a_hash(name), **fields})


async def imported(
    home: House, caller: Caller, *items: NewKey, dry_run: bool = False, **call: Any
) -> KeyImported:
    return await home.run(import_keys, caller, KeyImport(items, dry_run), **call)


def told(result: KeyImported) -> list[str]:
    """What became of each: the outcome, or the code of the refusal."""
    return [one.outcome.value if one.refusal is None else one.refusal.code for one in result.keys]


@pytest.fixture
async def acme(each_home: House) -> Tenant:
    return await each_home.tenant("acme")


async def test_keys_are_made_and_found_by_their_tokens(each_home: House, acme: Tenant) -> None:
    home = each_home
    admin = await home.admin(acme)
    ends = home.clock.now() + timedelta(days=3)
    result = await imported(
        home,
        admin,
        new("One", handle="one", expires_at=ends, metadata={"a": 1}, scope=((("a:read",), None),)),
        new("Two", description="Second"),
    )
    assert told(result) == ["created", "created"]
    assert [result.count(one) for one in Outcome] == [2, 0, 0]
    first, second = [(await home.run(get_key, admin, KeyId(str(one.id)))).key for one in result.keys]
    assert (first.name, first.handle, first.expires_at, first.metadata) == ("One", "one", ends, '{"a":1}')
    assert (first.hint, first.last_seven, first.prefix) == (None, None, "kw")
    assert (second.name, second.description, second.identity_id) == ("Two", "Second", admin.identity.id)
    (entry,) = [one for one in await home.trail(acme) if one.action == "key.import"]
    assert (entry.target_type, entry.target_id) == ("tenant", acme.id)
    assert entry.changes == {"keys": Change(None, [first.id, second.id])}


async def test_importing_again_changes_nothing(each_home: House, acme: Tenant) -> None:
    home = each_home
    admin = await home.admin(acme)
    first = await imported(home, admin, new("One"), new("Two"))
    entries = await home.count_entries()
    again = await imported(home, admin, new("One"), new("Two"))
    assert told(again) == ["present", "present"]
    assert [one.id for one in again.keys] == [one.id for one in first.keys]
    assert await home.count_entries() == entries
    more = await imported(home, admin, new("Two"), new("Three"))
    assert told(more) == ["present", "created"]


async def test_a_hash_of_another_key_is_taken_whoever_has_it(each_home: House, acme: Tenant) -> None:
    home = each_home
    other = await home.tenant("other")
    admin, theirs = await home.admin(acme), await home.admin(other)
    await imported(home, theirs, new("Theirs"))
    gone = (await imported(home, admin, new("Gone"))).keys[0].id
    await home.run(delete_keys, admin, KeyIds((str(gone),)))
    await imported(home, admin, new("Mine"))
    result = await imported(
        home,
        admin,
        new("Theirs"),
        new("Gone"),
        new("Renamed", token_hash=a_hash("Mine")),
        new("Fresh"),
    )
    assert told(result) == ["token_hash_taken"] * 3 + ["created"]
    assert [one.id for one in result.keys[:3]] == [None] * 3


async def test_what_stands_twice_in_one_import(each_home: House, acme: Tenant) -> None:
    home = each_home
    admin = await home.admin(acme)
    result = await imported(
        home,
        admin,
        new("One", handle="one"),
        new("One", handle="one"),
        new("Two", token_hash=a_hash("One")),
        new("Three", handle="one"),
        new("Four", handle="four"),
    )
    assert told(result) == ["created", "present", "token_hash_taken", "handle_taken", "created"]
    assert result.keys[1].id == result.keys[0].id
    assert told(await imported(home, admin, new("Five", handle="four"))) == ["handle_taken"]


async def test_each_row_is_refused_as_creating_it_would_be(home: House) -> None:
    acme = await home.tenant("acme")
    admin = await home.admin(acme, scope=[(["keys:create", "a:**"], None)])
    owner = await home.identity(Grant(ADMIN, acme.id))
    inside: Any = ((("a:read",), None),)
    rows = [
        new("", scope=inside),
        new("x", scope=inside, token_hash="A" * 64),
        NewKey(name="No hash", scope=inside),
        new("Past", scope=inside, expires_at=home.clock.now() - timedelta(days=1)),
        new("Beyond"),
        new("Beyond in the scope", scope=((("b:read",), None),)),
        new("Nobody", scope=inside, identity_id="idn_none"),
        new("Both", scope=inside, identity_id=owner.id, memberships=(RoleInput(MEMBER),)),
        new("No role", scope=inside, memberships=(RoleInput("unheard-of"),)),
        new("Twice", scope=inside, memberships=(RoleInput(MEMBER), RoleInput(MEMBER))),
        new("No template", scope=inside, template="none"),
    ]
    before = await home.keys()
    for dry_run in (True, False):
        result = await imported(home, admin, *rows, new("Right", scope=inside), dry_run=dry_run)
        assert told(result)[-1] == "created"
        for row, one in zip(rows, result.keys, strict=False):
            assert one.outcome is Outcome.REFUSED
            assert one.refusal is not None
            if row.token_hash is None:
                assert (one.refusal.code, one.refusal.field) == ("invalid_token_hash", "token_hash")
                continue
            with pytest.raises(KeywrightError) as caught:
                await home.run(create_key, admin, row)
            assert (type(one.refusal), one.refusal.detail, one.refusal.field) == (
                type(caught.value),
                caught.value.detail,
                caught.value.field,
            )
    assert len(await home.keys()) == len(before) + 1


async def test_a_dry_run_writes_nothing(each_home: House, acme: Tenant) -> None:
    home = each_home
    admin = await home.admin(acme)
    await imported(home, admin, new("There"))
    before, entries = await home.keys(), await home.count_entries()
    result = await imported(
        home,
        admin,
        new("There"),
        new("New", memberships=(RoleInput(MEMBER),)),
        new(""),
        dry_run=True,
    )
    assert told(result) == ["present", "created", "invalid_value"]
    assert result.keys[0].id is not None
    assert result.keys[1].id is None
    assert result.dry_run
    assert (await home.keys(), await home.count_entries()) == (before, entries)


async def test_keys_speak_for_others_and_for_themselves(each_home: House, acme: Tenant) -> None:
    home = each_home
    admin = await home.admin(acme)
    owner = await home.identity(Grant(MEMBER, acme.id))
    result = await imported(
        home,
        admin,
        new("First", identity_id=owner.id),
        new("Second", identity_id=owner.id),
        new("Alone", memberships=(RoleInput(MEMBER),)),
    )
    assert told(result) == ["created"] * 3
    views = [await home.run(get_key, admin, KeyId(str(one.id))) for one in result.keys]
    assert [view.key.identity_id for view in views[:2]] == [owner.id] * 2
    alone = views[2].owner
    assert alone is not None
    assert (alone.name, alone.kind.value, alone.tenant_id) == ("Alone", "key", acme.id)
    (entry,) = [one for one in await home.trail(acme) if one.action == "key.import"]
    given = entry.changes["memberships"].after
    assert isinstance(given, dict)
    assert list(given) == [views[2].key.id]
    assert given[views[2].key.id][0]["role"] == MEMBER


async def test_who_makes_its_own_keys_imports_its_own(home: House) -> None:
    acme = await home.tenant("acme")
    member = await home.caller(await home.key(acme, await home.identity(Grant(MEMBER, acme.id))))
    admin = await home.admin(acme)
    await imported(home, admin, new("The admin's"))
    result = await imported(
        home,
        member,
        new("Mine"),
        new("For another", identity_id=admin.identity.id),
        new("For itself", memberships=(RoleInput(MEMBER),)),
        new("More", limits=(LimitInput("burst", 10, 1),)),
        new("The admin's"),
    )
    assert told(result) == [
        "created",
        "permission_denied",
        "permission_denied",
        "created",
        "token_hash_taken",
    ]
    again = await imported(home, member, new("Mine"))
    assert told(again) == ["present"]


CATALOG = NewCatalog(
    {
        "strict": True,
        "actions": [{"name": "article:read"}],
        "key_templates": {"reader": {"scope": [{"actions": ["article:read"]}], "description": "Reads"}},
    }
)


async def test_a_strict_catalog_and_its_templates_count(home: House) -> None:
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    await home.run(apply_catalog, admin, CATALOG)
    result = await imported(
        home, admin, new("Unknown", scope=((("article:burn",), None),)), new("Reader", template="reader")
    )
    assert told(result) == ["unknown_action", "created"]
    made = (await home.run(get_key, admin, KeyId(str(result.keys[1].id)))).key
    assert made.description == "Reads"
    assert made.scope is not None


async def test_global_keys_are_imported_over_the_installation(home: House) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    result = await imported(home, root, new("Global"), tenant="*")
    assert told(result) == ["created"]
    (entry,) = [one for one in await home.trail(None) if one.action == "key.import"]
    assert entry.target_id == "*"


@pytest.mark.parametrize("count", [0, 1_001])
async def test_only_so_many_are_imported_at_once(home: House, count: int) -> None:
    admin = await home.admin(await home.tenant("acme"))
    with pytest.raises(InvalidValue) as caught:
        await imported(home, admin, *[new("One")] * count)
    assert caught.value.field == "items"


async def test_a_thousand_are_imported_at_once(each_home: House, acme: Tenant) -> None:
    admin = await each_home.admin(acme)
    before = len(await each_home.keys())
    result = await imported(each_home, admin, *(new(f"Key {number}") for number in range(1_000)))
    assert result.count(Outcome.CREATED) == 1_000
    assert len(await each_home.keys()) == before + 1_000


async def test_when_a_hash_is_taken_at_this_moment_nothing_is_made(
    each_home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at what is there comes too early, as it does for two calls at one time."""
    home = each_home
    admin = await home.admin(acme)
    await imported(home, admin, new("Taken"))
    before, entries = await home.keys(), await home.count_entries()

    async def nothing(_self: AllKeys, _digests: object) -> dict[bytes, Any]:
        return {}

    monkeypatch.setattr(AllKeys, "by_digests", nothing)
    with pytest.raises(TokenHashTaken):
        await imported(home, admin, new("Fresh", memberships=(RoleInput(MEMBER),)), new("Taken"))
    assert (await home.keys(), await home.count_entries()) == (before, entries)


async def test_an_outage_is_no_refusal_of_a_row(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    owner = await home.identity(Grant(MEMBER, acme.id))

    async def away(*_args: object) -> None:
        raise Unavailable("The database cannot be reached.")

    monkeypatch.setattr(Identities, "in_tenant", away)
    with pytest.raises(Unavailable):
        await imported(home, admin, new("For another", identity_id=owner.id))


async def test_nobody_imports_without_the_permission(home: House) -> None:
    acme = await home.tenant("acme")
    reader = await home.admin(acme, scope=[(["keys:read"], None)])
    with pytest.raises(PermissionDenied):
        await imported(home, reader, new("One"))


async def test_a_token_is_accepted_once_its_hash_is_imported(each_home: House, acme: Tenant) -> None:
    home = each_home
    token = mint().reveal()
    admin = await home.admin(acme)
    await imported(home, admin, replace(new("Mine"), token_hash=a_hash(token)))
    caller = await home.gate.authenticate(token, None)
    assert caller.identity.id == admin.identity.id
