"""From a token to a caller, and from a slug to the tenant that a call concerns."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keywright.core.decision import NOT_FOUND, Code, Decision
from keywright.core.errors import (
    InvalidValue,
    NotFound,
    PermissionDenied,
    TenantRequired,
    Unauthenticated,
    Unavailable,
)
from keywright.core.identities import Grant
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.access import Gate, caller_of
from keywright.services.keys import KeyIds, ListKeys, NewKey, create_key, delete_keys, list_keys
from keywright.services.places import one_tenant, require
from keywright.storage import Database
from tests.support.facts import NOW, some_facts, used
from tests.support.house import House

if TYPE_CHECKING:
    from pathlib import Path

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller

pytestmark = pytest.mark.anyio

UNKNOWN = "The credential is not known. Send an API key or a session token that is still in use."
LIST = ListKeys(query=KeyQuery())


# Authentication


async def refused(home: House, token: str | None, **kwargs: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await home.services.authenticate(token, kwargs.get("ip"))
    assert caught.value.field is None
    return caught.value.detail


async def test_a_key_s_holder_is_its_identity_confined_to_the_key_s_tenant(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    owner = await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id), Grant(SUPER_ADMIN))
    made = await home.key(acme, owner)
    caller = await home.caller(made, ip_address("192.0.2.7"))
    assert (caller.identity, caller.key, caller.bound, caller.session) == (owner, used(made.key), acme, None)
    assert sorted(grant.role for grant in caller.grants) == [ADMIN, SUPER_ADMIN]
    assert [(one.key_id, one.use().ip) for one in home.uses.take()] == [(made.id, "192.0.2.7")]


async def test_a_global_key_is_confined_to_no_tenant(home: House, acme: Tenant) -> None:
    caller = await home.caller(await home.key(None, await home.identity(Grant(ADMIN, acme.id))))
    assert caller.bound is None
    assert caller.tenant_ids == {acme.id}


async def test_each_refusal_says_why_and_no_more(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    off = await home.identity(Grant(ADMIN, acme.id))
    closed = await home.tenant("closed", active=False)
    await home.disable(off.id)
    deleted = await home.key(acme, owner)
    await home.run(delete_keys, await home.admin(acme), KeyIds((deleted.id,)))
    cases = [
        (await home.key(acme, owner, active=False), "The API key is disabled."),
        (await home.key(acme, owner, expires_at=NOW), "The API key has expired."),
        (await home.key(acme, owner, not_before=NOW + timedelta(seconds=1)), "The API key is not valid yet."),
        (await home.key(acme, off), "The identity that the API key speaks for is disabled."),
        (await home.key(closed, owner), "The tenant of the API key is disabled."),
        (
            await home.key(acme, owner, allowed_cidrs=(ip_network("10.0.0.0/8"),)),
            "The API key may not be used from this address.",
        ),
        (deleted, UNKNOWN),
    ]
    home.uses.take()
    for made, sentence in cases:
        assert await refused(home, made.token, ip=ip_address("192.0.2.7")) == sentence
    noted = [one.use() for one in home.uses.take()]
    assert [use.key_id for use in noted] == [made.id for made, _ in cases if made is not deleted]
    assert {use.at_us for use in noted} == {None}, "to be refused is not to be used"
    assert await refused(home, None) == "Send an API key or a session token as `Authorization: Bearer …`."
    for token in ("", "x", mint().reveal(), "kw_x", "kws_x", mint("kws").reveal()[:-1]):
        assert await refused(home, token) == UNKNOWN
    assert await refused(home, mint("kws").reveal()) == "The session has ended. Log in again."


async def test_a_session_token_that_somebody_registered_as_a_key_opens_nothing(
    home: House, admin: Caller
) -> None:
    token = mint("kws").reveal()
    hashed = hashlib.sha256(token.encode()).hexdigest()
    await home.run(create_key, admin, NewKey(name="k", token_hash=hashed))
    assert await refused(home, token) == "The session has ended. Log in again."


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec=None)), st.sampled_from(["", "kw_", "kws_", "sk_"]))
async def test_no_text_is_a_credential_by_accident(home: House, text: str, start: str) -> None:
    assert await refused(home, start + text) == UNKNOWN


async def test_without_the_database_nobody_can_be_known(home: House, tmp_path: Path) -> None:
    away = Database.connect(f"sqlite:///{tmp_path / 'nowhere' / 'house.db'}")
    lost = House(away, home.clock)
    gate = Gate(lost.verifier, home.sessions)
    try:
        with pytest.raises(Unavailable):
            await gate.authenticate(mint().reveal(), None)
        with pytest.raises(Unauthenticated):
            await gate.authenticate("kw_malformed", None)
    finally:
        await away.close()


def test_only_a_valid_decision_is_a_caller() -> None:
    for code in set(Code) - {Code.VALID, Code.STALE}:
        with pytest.raises(Unauthenticated):
            caller_of(Decision(code, some_facts()))
    for decision in (NOT_FOUND, Decision(Code.VALID)):
        with pytest.raises(Unauthenticated):
            caller_of(decision)


# Places


@pytest.mark.parametrize(
    ("called", "named", "slug"),
    [(None, None, None), ("a", None, "a"), (None, "a", "a"), ("a", "a", "a"), ("", None, ""), (None, "", "")],
)
def test_a_tenant_is_named_by_the_call_the_input_or_both_alike(
    called: str | None, named: str | None, slug: str | None
) -> None:
    assert one_tenant(called, named) == slug


@pytest.mark.parametrize(("called", "named"), [("a", "b"), ("a", ""), ("", "a"), ("a", "A")])
def test_two_different_names_are_refused(called: str, named: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        one_tenant(called, named)
    assert caught.value.field == "tenant"


def test_what_is_missing_is_named() -> None:
    caller = caller_of(Decision(Code.VALID, some_facts(grants=[Grant(ADMIN, "ten_acme")])))
    require(caller, "ten_acme", "keys:read", "key:1")
    with pytest.raises(PermissionDenied, match=r"This needs the permission keys:read\.") as caught:
        require(caller, "ten_other", "keys:read")
    assert caught.value.field is None


async def place(home: House, caller: Caller, tenant: str | None = None) -> str:
    """The tenant in which the caller makes a key."""
    made = await home.run(create_key, caller, NewKey(name="k"), tenant=tenant)
    assert made.view.tenant is not None
    return made.view.tenant.slug


async def test_a_confined_key_is_used_in_its_tenant_whatever_else_its_owner_may(home: House) -> None:
    one, two = await home.tenant("one"), await home.tenant("two")
    owner = await home.identity(Grant(ADMIN, one.id), Grant(ADMIN, two.id), Grant(SUPER_ADMIN))
    bound = await home.caller(await home.key(two, owner))
    assert await place(home, bound) == "two"
    assert await place(home, bound, "two") == "two"
    with pytest.raises(NotFound):
        await place(home, bound, "one")


@pytest.mark.parametrize("kind", ["global key", "session"])
async def test_a_call_concerns_the_tenant_that_follows_or_is_named(home: House, kind: str) -> None:
    _, one, two = [await home.tenant(slug) for slug in ("default", "one", "two")]
    here, there, everywhere = Grant(ADMIN, one.id), Grant(ADMIN, two.id), Grant(SUPER_ADMIN)

    async def caller(*grants: Grant) -> Caller:
        if kind == "global key":
            return await home.caller(await home.key(None, await home.identity(*grants)))
        login = "/".join(["person", *(f"{grant.role} {grant.tenant_id}" for grant in grants)]).casefold()
        await home.person(login, "correct horse", *grants)
        return await home.logged_in(login, "correct horse")

    of_one = await caller(here)
    assert await place(home, of_one) == "one"
    assert await place(home, of_one, "one") == "one"

    of_both = await caller(here, there)
    assert await place(home, of_both, "two") == "two"
    with pytest.raises(TenantRequired) as caught:
        await place(home, of_both)
    assert caught.value.field == "tenant"

    of_all = await caller(everywhere)
    assert await place(home, of_all) == "default"
    assert await place(home, of_all, "two") == "two"
    assert await place(home, await caller(here, everywhere)) == "one"
    assert await place(home, await caller(here, there, everywhere)) == "default"

    of_none = await caller()
    with pytest.raises(TenantRequired):
        await place(home, of_none)
    with pytest.raises(NotFound):
        await place(home, of_none, "one")


async def test_without_a_default_tenant_one_has_to_be_named(home: House, acme: Tenant) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    with pytest.raises(TenantRequired):
        await place(home, root)
    assert await place(home, root, acme.slug) == acme.slug


async def test_a_disabled_tenant_is_closed_to_its_members_and_open_to_who_runs_the_installation(
    home: House,
) -> None:
    closed = await home.tenant("closed")
    member = await home.identity(Grant(ADMIN, closed.id))
    with_key = await home.caller(await home.key(closed, member))
    with_global_key = await home.caller(await home.key(None, member))
    await home.person("anna", "correct horse", Grant(ADMIN, closed.id))
    with_session = await home.logged_in("anna", "correct horse")
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    await home.disable(closed.id)
    for caller in (with_global_key, with_session):
        for tenant in (None, "closed"):
            with pytest.raises(PermissionDenied, match=r"The tenant is disabled\.") as caught:
                await home.run(list_keys, caller, LIST, tenant=tenant)
            assert caught.value.field == "tenant"
    assert with_key.key is not None
    assert len((await home.run(list_keys, root, LIST, tenant="closed")).items) == 1

    stranger = await home.admin(await home.tenant("other"))
    with pytest.raises(NotFound):
        await home.run(list_keys, stranger, LIST, tenant="closed")
