"""Callers: what each may, sees and is called, and that nobody hands out more than they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keywright.core import checks
from keywright.core.audit import Actor, ActorKind
from keywright.core.decision import Asked
from keywright.core.errors import BeyondOwnRights
from keywright.core.identities import Grant
from keywright.core.permissions import Policy
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.sessions import Session
from keywright.services.callers import Caller
from keywright.services.keys import KeyChanges, NewKey, create_key, update_key
from tests.support.facts import ACME, NOW, OTHER, SOMEBODY, a_key
from tests.support.house import Made

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from tests.support.house import House, Scope

pytestmark = pytest.mark.anyio

LOGIN = Session(
    id="ses_one",
    identity_id=SOMEBODY.id,
    created_at=NOW,
    seen_at=NOW,
    idle_at=NOW,
    ends_at=NOW,
    created_ip=None,
    proved_at=NOW,
)


def with_key(
    *grants: Grant, bound: Tenant | None = ACME, scope: Scope | None = None, **fields: Any
) -> Caller:
    key = a_key(scope=None if scope is None else checks.scope(scope), **fields)
    return Caller(identity=SOMEBODY, grants=grants, key=key, bound=bound)


def with_session(*grants: Grant) -> Caller:
    return Caller(identity=SOMEBODY, grants=grants, session=LOGIN)


def test_a_caller_is_called_by_its_credential() -> None:
    assert with_key().credential_id == "key_one"
    assert with_key().actor == Actor(kind=ActorKind.KEY, identity_id=SOMEBODY.id, key_id="key_one")
    assert with_session().credential_id == "ses_one"
    assert with_session().actor == Actor(
        kind=ActorKind.SESSION, identity_id=SOMEBODY.id, session_id="ses_one"
    )


HERE = Grant(ADMIN, ACME.id)
THERE = Grant(ADMIN, OTHER.id)
EVERYWHERE = Grant(SUPER_ADMIN)


@pytest.mark.parametrize(
    ("caller", "here", "there", "installation"),
    [
        (with_key(HERE), True, False, False),
        (with_key(HERE, THERE, EVERYWHERE), True, False, False),
        (with_key(THERE), False, False, False),
        (with_key(HERE, bound=None), True, False, False),
        (with_key(HERE, THERE, bound=None), True, True, False),
        (with_key(EVERYWHERE, bound=None), True, True, True),
        (with_key(bound=None), False, False, False),
        (with_session(HERE), True, False, False),
        (with_session(EVERYWHERE), True, True, True),
        (with_session(), False, False, False),
    ],
)
def test_a_caller_may_and_sees_where_it_holds_a_role_and_its_credential_reaches(
    caller: Caller, here: bool, there: bool, installation: bool
) -> None:
    places = (ACME.id, OTHER.id, None)
    assert tuple(caller.may(place, "keys:read") for place in places) == (here, there, installation)
    assert bool(caller.roles_everywhere) is installation
    if caller.bound is None:
        assert (caller.sees(ACME.id), caller.sees(OTHER.id)) == (here, there)


def test_a_confined_caller_sees_its_own_tenant_whatever_its_roles() -> None:
    for caller in (with_key(), with_key(THERE, EVERYWHERE)):
        assert (caller.sees(ACME.id), caller.sees(OTHER.id)) == (True, False)


def test_a_scope_narrows_what_the_roles_allow_and_gives_nothing() -> None:
    scope: Scope = [(["keys:read"], ["key:1"]), (["keys:list"], None)]
    caller = with_key(HERE, scope=scope)
    assert caller.may(ACME.id, "keys:read", "key:1")
    assert caller.may(ACME.id, "keys:list")
    assert not caller.may(ACME.id, "keys:read")
    assert not caller.may(ACME.id, "keys:read", "key:2")
    assert not caller.may(OTHER.id, "keys:list")
    assert not with_key(scope=scope).may(ACME.id, "keys:list")
    assert not with_key(HERE, scope=[]).may(ACME.id, "keys:list")


# What is handed out


ANYTHING = checks.scope([(["**"], None)])
READ = checks.scope([(["a:read"], None)])


def test_a_confined_caller_has_nothing_to_hand_out_elsewhere() -> None:
    caller = with_key(Grant(SUPER_ADMIN))
    policies = (Policy.parse(["keys:read"]),)
    caller.require_holds(ACME.id, policies, "role")
    for elsewhere in (OTHER.id, None):
        with pytest.raises(BeyondOwnRights) as refused:
            caller.require_holds(elsewhere, policies, "role")
        assert (refused.value.field, refused.value.policy) == ("role", policies[0])


def covers(caller: Caller, grants: tuple[Grant, ...], scope: Any, field: str = "scope") -> str | None:
    """None, or the field at which it is refused."""
    try:
        caller.require_covers(ACME.id, grants, scope, field)
    except BeyondOwnRights as refused:
        return refused.field
    return None


@pytest.mark.parametrize(
    ("caller", "grants", "scope", "refused_at"),
    [
        (with_key(HERE), (HERE,), None, None),
        (with_key(HERE), (HERE, EVERYWHERE), ANYTHING, None),
        (with_session(EVERYWHERE), (HERE,), None, None),
        (with_key(HERE, scope=[(["a:*"], None)]), (HERE,), READ, None),
        (with_key(HERE, scope=[(["a:*"], None)]), (HERE,), (), None),
        (with_key(HERE, scope=[(["a:*"], None)]), (HERE,), None, "scope"),
        (with_key(HERE, scope=[(["a:*"], None)]), (), None, "scope"),
        (with_key(HERE, scope=[(["a:*"], None)]), (HERE,), (*READ, *ANYTHING), "scope.1"),
        (with_key(HERE, scope=[(["a:*"], ["b"])]), (HERE,), READ, "scope.0"),
        (with_key(HERE, scope=[]), (HERE,), READ, "scope.0"),
        (with_key(HERE, scope=[]), (HERE,), (), None),
        (with_key(), (HERE,), None, "scope"),
        (with_key(), (HERE,), READ, "scope.0"),
        (with_key(), (HERE,), (), None),
        (with_key(), (), None, None),
        (with_key(), (Grant("unheard-of", ACME.id),), ANYTHING, None),
        (with_session(THERE), (HERE,), READ, "scope.0"),
    ],
)
def test_the_roles_and_the_scope_of_the_caller_bound_what_a_key_may(
    caller: Caller, grants: tuple[Grant, ...], scope: Any, refused_at: str | None
) -> None:
    assert covers(caller, grants, scope) == refused_at
    assert covers(caller, grants, scope, "active") == (None if refused_at is None else "active")


async def test_a_scoped_key_makes_no_key_without_a_scope_nor_with_a_wider_one(
    home: House, acme: Tenant
) -> None:
    maker = await home.admin(acme, scope=[(["keys:create"], None), (["article:*"], ["article:1:**"])])
    for scope, field in (
        (None, "scope"),
        (((("**",), None),), "scope.0"),
        (((("article:read",), None),), "scope.0"),
        (((("article:read",), ("article:1",)), (("article:read",), ("article:2",))), "scope.1"),
        (((("keys:update",), None),), "scope.0"),
    ):
        entries = await home.count_entries()
        with pytest.raises(BeyondOwnRights) as caught:
            await home.run(create_key, maker, NewKey(name="k", scope=scope))
        assert caught.value.field == field
        assert await home.count_entries() == entries
    for narrow in ((), ((("article:read", "keys:create"), ("article:1:2",)),), ((("keys:create",), None),)):
        await home.run(create_key, maker, NewKey(name="k", scope=narrow))


PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "a*", "**"]), min_size=1, max_size=2).map(":".join)
SCOPES = st.none() | st.lists(
    st.tuples(
        st.lists(PATTERNS, min_size=1, max_size=2).map(tuple),
        st.none() | st.lists(PATTERNS, min_size=1, max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
QUESTIONS = [
    Asked(action=action, resource=resource)
    for action in ("a", "b", "ab", "a:a", "a:b", "b:a", "a:a:a", "keys:create")
    for resource in (None, "a", "b", "a:b", "ab:a", "b:b:b")
]
MAKING = (("keys:create", "keys:update"), None)


async def allowed(home: House, token: str) -> set[Asked]:
    return {asked for asked in QUESTIONS if (await home.verifier.verify(token, asked)).valid}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SCOPES, min_size=2, max_size=5), SCOPES)
async def test_whatever_a_made_key_is_allowed_its_maker_is_allowed(
    home: House, scopes: list[Any], changed: Any
) -> None:
    """A chain of keys, each made by the one before; then the first changes the last one's scope."""
    tenant = await home.tenant(f"t-{home.clock.now_us()}")
    home.clock.advance(seconds=1)
    first, *others = [None if scope is None else (*scope, MAKING) for scope in scopes]
    owner = await home.identity(Grant(ADMIN, tenant.id))
    maker = top = await home.key(tenant, owner, scope=first)
    for scope in others:
        try:
            made = await home.run(create_key, await home.caller(maker), NewKey(name="k", scope=scope))
        except BeyondOwnRights:
            continue
        assert made.token is not None
        key = Made(made.view.key, made.token.reveal())
        assert await allowed(home, key.token) <= await allowed(home, maker.token)
        assert maker.key.scope is None or key.key.scope is not None
        maker = key
    if maker is not top:
        try:
            await home.run(update_key, await home.caller(top), KeyChanges(id=maker.id, scope=changed))
        except BeyondOwnRights:
            return
        assert await allowed(home, maker.token) <= await allowed(home, top.token)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCOPES)
async def test_whatever_a_key_holds_it_may_hand_on(home: House, scope: Any) -> None:
    tenant = await home.tenant(f"t-{home.clock.now_us()}")
    home.clock.advance(seconds=1)
    held = None if scope is None else (*scope, MAKING)
    maker = await home.admin(tenant, scope=held)
    made = await home.run(create_key, maker, NewKey(name="k", scope=held))
    assert maker.key is not None
    assert made.view.key.scope == maker.key.scope


async def test_rights_that_the_owner_loses_are_lost_to_its_keys_at_once(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    key = await home.key(acme, owner, scope=[(["a"], None), (["keys:create"], None)])
    assert (await home.caller(key)).may(acme.id, "keys:create")
    assert await allowed(home, key.token) != set()
    await home.take_roles(owner.id)
    assert await allowed(home, key.token) == set()
    assert not (await home.caller(key)).may(acme.id, "keys:create")
