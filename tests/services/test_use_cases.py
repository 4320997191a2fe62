"""What holds for every use case there is: who may, what it leaves in the trail, and what another tenant sees of it.

A new use case fails here until it has its case in `tests/services/cases`.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.audit import ActorKind
from keywright.core.errors import KeywrightError, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import digest, find_tokens
from keywright.services.keys import KeyChanges, KeyId, KeyIds, NewKey
from keywright.services.work import Reach
from tests.support.cases import Place, all_cases, use_cases

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Scope

pytestmark = pytest.mark.anyio


CASES = all_cases()
ALL = use_cases()
GUARDED = sorted(name for name, use in ALL.items() if use.permission is not None)
IN_TENANT = sorted(name for name, use in ALL.items() if use.reach in (Reach.TENANT, Reach.EITHER))
EVERYTHING_ELSE: Scope = [(["something:else", "keys:rotate", "keys"], None)]


async def a_place(home: House, slug: str) -> Place:
    tenant = await home.tenant(slug)
    identity = await home.identity(Grant(ADMIN, tenant.id))
    return Place(tenant, await home.admin(tenant), await home.key(tenant, identity))


async def data_for(home: House, place: Place, name: str) -> Any:
    """The input of a use case on what it needs in a place."""
    prepare = CASES[name].prepare
    if prepare is not None:
        await prepare(home, place)
    return CASES[name].on(place)


async def who_may(home: House, place: Place, name: str, scope: Scope | None = None) -> Caller:
    """Somebody who may do it, with a key of this scope where a key can do it."""
    return await adopting(home, place, name, await able(home, place, name, scope))


async def adopting(home: House, place: Place, name: str, caller: Caller) -> Caller:
    """A caller to whom belongs what only its owner may do this to."""
    adopt = CASES[name].adopt
    if adopt is not None:
        await adopt(home, place, caller)
    return caller


async def able(home: House, place: Place, name: str, scope: Scope | None) -> Caller:
    """Somebody with the right credential and roles."""
    who = CASES[name].who
    if who is not None:
        return await who(home, place)
    if ALL[name].reach is Reach.INSTALLATION:
        root = await home.identity(Grant(SUPER_ADMIN))
        return await home.caller(await home.key(None, root, scope=scope))
    if CASES[name].unbound:
        admin = await home.identity(Grant(ADMIN, place.tenant.id))
        return await home.caller(await home.key(None, admin, scope=scope))
    return await home.admin(place.tenant, scope=scope)


async def everything(home: House) -> tuple[Any, ...]:
    """All keys and the number of entries: what must be the same after a refusal."""
    return [await home.stored(key_id) for key_id in await home.keys()], await home.count_entries()


async def refusal(home: House, name: str, caller: Caller, data: Any, **call: Any) -> tuple[Any, ...]:
    """How it is refused; nothing may have changed."""
    before = await everything(home)
    with pytest.raises(KeywrightError) as caught:
        await home.run(ALL[name], caller, data, **call)
    assert await everything(home) == before
    return type(caught.value), caught.value.detail, caught.value.field


def test_every_use_case_has_its_case_here() -> None:
    assert ALL.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
async def test_what_changes_something_leaves_one_entry_and_what_reads_leaves_none(
    home: House, name: str
) -> None:
    place = await a_place(home, "acme")
    data = await data_for(home, place, name)
    caller = await who_may(home, place, name)
    before = await home.count_entries()
    await home.run(ALL[name], caller, data, ip="192.0.2.7", request_id="r" * 32)
    entries = [
        entry
        for entry in (*await home.trail(place.tenant), *await home.trail(None))
        if entry.request_id is not None
    ]
    assert ALL[name].changes is (CASES[name].quiet or bool(CASES[name].entries))
    assert tuple(entry.action for entry in entries) == CASES[name].entries
    assert await home.count_entries() == before + len(entries)
    for entry in entries:
        assert entry.actor == caller.actor
        assert (entry.ip, entry.request_id, entry.at) == ("192.0.2.7", "r" * 32, home.clock.now())
        in_tenant = ALL[name].reach in (Reach.TENANT, Reach.EITHER) and not CASES[name].everywhere
        assert entry.tenant_id == (place.tenant.id if in_tenant else None)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.entries])
async def test_the_trail_holds_no_token_and_no_digest(home: House, name: str) -> None:
    place = await a_place(home, "acme")
    data = await data_for(home, place, name)
    caller = await who_may(home, place, name)
    result = await home.run(ALL[name], caller, data)
    secrets = [place.target.token, *CASES[name].secrets(result)]
    for trail in (place.tenant, None):
        text = repr(await home.trail(trail))
        assert find_tokens(text) == []
        for secret in secrets:
            assert secret not in text
            assert digest(secret).hex() not in text
            assert repr(digest(secret)) not in text


@pytest.mark.parametrize("name", GUARDED)
async def test_the_permission_is_needed_and_is_enough(home: House, name: str) -> None:
    place = await a_place(home, "acme")
    data = await data_for(home, place, name)
    permission = ALL[name].permission
    assert permission is not None

    without = await who_may(home, place, name, EVERYTHING_ELSE)
    kind, detail, _ = await refusal(home, name, without, data)
    assert (kind, detail) == (PermissionDenied, f"This needs the permission {permission}.")

    nobody = await home.identity(Grant("unheard-of", place.tenant.id), Grant("unheard-of"))
    for tenant in (place.tenant, None):
        powerless = await home.caller(await home.key(tenant, nobody))
        kind, _, _ = await refusal(home, name, powerless, data, tenant=place.tenant.slug)
        assert kind is PermissionDenied

    just = await who_may(home, place, name, [([permission], None)])
    await home.run(ALL[name], just, data)


@pytest.mark.parametrize("name", sorted(CASES.keys() - set(GUARDED)))
async def test_what_concerns_the_caller_alone_needs_no_permission(home: House, name: str) -> None:
    assert ALL[name].reach is Reach.SELF
    place = await a_place(home, "acme")
    data = await data_for(home, place, name)
    if CASES[name].who is not None:
        caller = await who_may(home, place, name)
    else:
        await home.person("berta", "correct horse", Grant("unheard-of", place.tenant.id))
        caller = await home.logged_in("berta", "correct horse")
    if name == "tenants.get":
        assert (await refusal(home, name, caller, data))[0] is NotFound
    else:
        await home.run(ALL[name], caller, data)


async def test_what_concerns_the_installation_is_closed_to_whoever_is_confined_to_a_tenant(
    home: House,
) -> None:
    place = await a_place(home, "acme")
    root = await home.identity(Grant(SUPER_ADMIN))
    confined = await home.caller(await home.key(place.tenant, root))
    for name in CASES:
        if ALL[name].reach is Reach.INSTALLATION:
            data = await data_for(home, place, name)
            for caller in (confined, place.admin):
                assert (await refusal(home, name, caller, data))[0] is PermissionDenied


ON_ONE_KEY = ["keys.get", "keys.update", "keys.delete"]


@pytest.mark.parametrize("name", ON_ONE_KEY)
async def test_a_scope_on_one_key_opens_that_key_alone(home: House, name: str) -> None:
    place = await a_place(home, "acme")
    permission = ALL[name].permission
    assert permission is not None
    scope: Scope = [([permission], [f"key:{place.target.id}"])]
    caller = await who_may(home, place, name, scope)
    other = Place(place.tenant, place.admin, await home.key(place.tenant, caller.identity))
    on_other = await refusal(home, name, caller, CASES[name].on(other))
    assert on_other[0] is PermissionDenied
    assert await refusal(home, name, caller, CASES[name].on_nothing()) == on_other
    await home.run(ALL[name], caller, CASES[name].on(place))


NO_IDS = ["", "key", "key_", "KEY_0", "key:*", "**", "key_\0", "\ud800", "a b", "x" * 9_999]


@pytest.mark.parametrize("name", ON_ONE_KEY)
async def test_an_id_in_no_form_of_ours_is_missing_like_any_other(each_home: House, name: str) -> None:
    home = each_home
    place = await a_place(home, "acme")
    permission = ALL[name].permission
    assert permission is not None
    scoped = await home.admin(place.tenant, scope=[([permission], [f"key:{place.target.id}"])])
    missing = await refusal(home, name, place.admin, CASES[name].on_nothing())
    denied = await refusal(home, name, scoped, CASES[name].on_nothing())
    assert (missing[0], denied[0]) == (NotFound, PermissionDenied)
    before = await everything(home)
    for key_id in NO_IDS:
        data = {
            "keys.get": KeyId(key_id),
            "keys.update": KeyChanges(id=key_id),
            "keys.delete": KeyIds((key_id,)),
        }
        for caller, expected in ((place.admin, missing), (scoped, denied)):
            found = await attempt(home, name, caller, data[name])
            assert (type(found), found.detail, found.field) == expected
    assert await everything(home) == before


def test_every_use_case_with_resources_is_looked_at_one_by_one() -> None:
    on_keys = [*ON_ONE_KEY, "keys.allowed", "keys.impact", "keys.transfer", "keys.explain", "usage.key"]
    everything_else = {use.resources(None) for name, use in ALL.items() if name not in on_keys}
    assert everything_else == {(None,)}


# Another tenant


@pytest.mark.parametrize("kind", ["key", "scoped key", "session", "global key"])
async def test_what_belongs_to_another_tenant_looks_like_what_is_not_there(
    each_home: House, kind: str
) -> None:
    home = each_home
    theirs = await a_place(home, "acme")
    intruder = await an_intruder(home, await home.tenant("other"), kind)
    for name, case in CASES.items():
        data = await data_for(home, theirs, name)
        trail = await home.trail(theirs.tenant)
        outcome = await attempt(home, name, intruder, data)
        assert await home.trail(theirs.tenant) == trail, name
        if isinstance(outcome, KeywrightError):
            expected = await attempt(home, name, intruder, case.on_nothing())
            assert (type(outcome), outcome.detail, outcome.field) == (
                type(expected),
                expected.detail,
                expected.field,
            ), name
        else:
            assert case.yields, name
            assert theirs.target.id not in repr(outcome), name
            assert theirs.tenant.id not in repr(outcome), name
    assert await home.stored(theirs.target.id) == theirs.target.key


@pytest.mark.parametrize("kind", ["key", "scoped key", "session", "global key"])
async def test_naming_another_tenant_is_like_naming_none_that_exists(each_home: House, kind: str) -> None:
    home = each_home
    theirs = await a_place(home, "acme")
    intruder = await an_intruder(home, await home.tenant("other"), kind)
    for name in IN_TENANT:
        data = NewKey(name="New") if name == "keys.create" else await data_for(home, theirs, name)
        if ALL[name].tenant(data) is not None:
            continue  # it names a tenant itself, and that the two differ is what is wrong then
        trail = await home.trail(theirs.tenant)
        for slug in ("nowhere", "acme", "", "\0", "\ud800", "ACME"):
            found = await attempt(home, name, intruder, data, tenant=slug)
            assert (type(found), found.detail, found.field) == (NotFound, "No such tenant.", "tenant")
        assert await home.trail(theirs.tenant) == trail


async def an_intruder(home: House, mine: Tenant, kind: str) -> Caller:
    if kind == "session":
        await home.person("carla", "correct horse", Grant(ADMIN, mine.id))
        return await home.logged_in("carla", "correct horse")
    if kind == "global key":
        identity = await home.identity(Grant(ADMIN, mine.id))
        return await home.caller(await home.key(None, identity))
    return await home.admin(mine, scope=[(["**"], None)] if kind == "scoped key" else None)


async def attempt(home: House, name: str, caller: Caller, data: Any, **call: Any) -> Any:
    try:
        return await home.run(ALL[name], caller, data, **call)
    except KeywrightError as refused:
        return refused


async def test_whoever_is_confined_to_no_tenant_names_one(home: House) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    other = await a_place(home, "other")
    for number, name in enumerate(IN_TENANT):
        place = await a_place(home, f"acme-{number}")
        data = NewKey(name="New") if name == "keys.create" else await data_for(home, place, name)
        if name in ON_ONE_KEY:
            assert (await refusal(home, name, root, data, tenant=other.tenant.slug))[0] is NotFound
        await adopting(home, place, name, root)
        await home.run(ALL[name], root, data, tenant=place.tenant.slug)
    assert await home.trail(other.tenant) == ()


async def test_every_use_case_says_what_it_does() -> None:
    for name, use in ALL.items():
        assert (inspect.getdoc(use.run) or "").endswith("."), name
        assert use.changes or use.permission is None or use.permission.endswith(":read")


async def test_the_actor_of_a_session_is_the_session(home: House) -> None:
    place = await a_place(home, "acme")
    await home.person("dora", "correct horse", Grant(ADMIN, place.tenant.id))
    caller = await home.logged_in("dora", "correct horse")
    await home.run(ALL["keys.delete"], caller, KeyIds((place.target.id,)))
    (entry,) = await home.trail(place.tenant)
    assert caller.session is not None
    assert (entry.actor.kind, entry.actor.session_id, entry.actor.key_id) == (
        ActorKind.SESSION,
        caller.session.id,
        None,
    )
    assert entry.actor.identity_id == caller.identity.id
