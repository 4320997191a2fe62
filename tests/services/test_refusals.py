"""Why a credential is refused, and since when: for doors that tell it in words of their own."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest

from keywright.core.codes import Code
from keywright.core.decision import Decision
from keywright.core.errors import Unauthenticated
from keywright.core.identities import Grant
from keywright.core.listing import DEFAULT_PAGE
from keywright.core.roles import ADMIN
from keywright.core.tokens import mint
from keywright.services.access import caller_of
from keywright.services.keys import KeyChanges, KeyIds, delete_keys, update_key
from keywright.services.sessions import end_session
from tests.support.facts import NOW, some_facts
from tests.support.house import IDLE, LONGEST

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
GARBAGE = ["", "x", "kw_", "kw_x", "kws_", "kws_x", "\ud800", "a b", "é", "y" * 10_000, "kwi_" + "0" * 37]


async def reason(home: House, token: str | None) -> Code | None:
    with pytest.raises(Unauthenticated) as caught:
        await home.services.authenticate(token, ip_address("192.0.2.7"))
    assert caught.value.extras == {}
    return caught.value.reason


async def test_a_refusal_carries_its_reason(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    off = await home.identity(Grant(ADMIN, acme.id))
    closed = await home.tenant("closed", active=False)
    await home.disable(off.id)
    gone = await home.key(acme, owner)
    await home.run(delete_keys, await home.admin(acme), KeyIds((gone.id,)))
    made = {
        Code.DISABLED: await home.key(acme, owner, active=False),
        Code.EXPIRED: await home.key(acme, owner, expires_at=NOW),
        Code.NOT_YET_VALID: await home.key(acme, owner, not_before=NOW + timedelta(seconds=1)),
        Code.IDENTITY_DISABLED: await home.key(acme, off),
        Code.TENANT_DISABLED: await home.key(closed, owner),
        Code.IP_NOT_ALLOWED: await home.key(acme, owner, allowed_cidrs=(ip_network("10.0.0.0/8"),)),
        Code.NOT_FOUND: gone,
    }
    for expected, key in made.items():
        assert await reason(home, key.token) is expected
    assert await reason(home, None) is None
    for token in (*GARBAGE, mint().reveal()):
        assert await reason(home, token) is Code.NOT_FOUND


async def test_an_ended_session_is_told_from_a_malformed_token_and_not_from_an_unknown_one(
    home: House,
) -> None:
    await home.person("anna", PASSWORD)
    token = (await home.services.log_in("anna", PASSWORD, ip=None, request_id=None)).token.reveal()
    home.clock.advance(days=8)
    assert await reason(home, token) is Code.EXPIRED
    assert await reason(home, mint("kws").reveal()) is Code.EXPIRED
    assert await reason(home, mint("kws").reveal()[:-1]) is Code.NOT_FOUND


def test_a_decision_without_facts_is_of_an_unknown_key() -> None:
    for decision, expected in (
        (Decision(Code.VALID), Code.NOT_FOUND),
        (Decision(Code.TENANT_MISMATCH, some_facts()), Code.TENANT_MISMATCH),
    ):
        with pytest.raises(Unauthenticated) as caught:
            caller_of(decision)
        assert caught.value.reason is expected


# When a key was disabled


@pytest.fixture
async def made(home: House, acme: Tenant) -> Made:
    return await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))


async def change(home: House, admin: Caller, made: Made, **changes: object) -> None:
    home.clock.advance(minutes=1)
    await home.run(update_key, admin, KeyChanges(id=made.id, **changes))  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize("fields", [{}, {"name": "Other"}], ids=["alone", "with another change"])
async def test_when_a_key_was_disabled_is_in_the_trail(each_home: House, fields: dict[str, object]) -> None:
    home = each_home
    tenant = await home.tenant("acme")
    admin = await home.admin(tenant)
    made = await home.key(tenant, admin.identity)
    await change(home, admin, made, active=False)
    await change(home, admin, made, active=True)
    assert await home.services.disabled_at(made.token) is None
    await change(home, admin, made, active=False, **fields)
    then = home.clock.now()
    await change(home, admin, made, description="Still disabled")
    assert await home.services.disabled_at(made.token) == then
    home.clock.advance(days=1)
    # Of one that was disabled past the trail, and of a deleted one, nothing is told.
    other = await home.key(tenant, admin.identity)
    await home.disable(other.id)
    assert await home.services.disabled_at(other.token) is None
    await home.run(delete_keys, admin, KeyIds((made.id,)))
    assert await home.services.disabled_at(made.token) is None


async def test_it_is_found_behind_many_changes_of_other_kinds(home: House, admin: Caller, made: Made) -> None:
    await change(home, admin, made, active=False)
    then = home.clock.now()
    for number in range(DEFAULT_PAGE + 1):
        await change(home, admin, made, name=f"Name {number}")
    assert await home.services.disabled_at(made.token) == then


async def test_a_key_that_was_last_enabled_has_no_such_moment(home: House, admin: Caller, made: Made) -> None:
    await change(home, admin, made, active=False)
    await change(home, admin, made, active=True)
    await home.disable(made.id)
    assert await home.services.disabled_at(made.token) is None


async def test_a_global_key_s_moment_stands_in_the_trail_of_the_installation(home: House) -> None:
    await home.person("root", PASSWORD, Grant("super_admin"))
    root = await home.logged_in("root", PASSWORD)
    made = await home.key(None, root.identity)
    await home.run(update_key, root, KeyChanges(id=made.id, active=False), tenant="*")
    assert await home.services.disabled_at(made.token) == home.clock.now()


# When a credential expired


async def test_when_a_key_expired(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    end = NOW + timedelta(hours=1)
    made = await home.key(acme, owner, expires_at=end)
    endless = await home.key(acme, owner)
    assert await home.services.expired_at(made.token) is None
    home.clock.advance(hours=1)
    assert await home.services.expired_at(made.token) == end
    assert await home.services.expired_at(endless.token) is None


async def test_when_a_session_expired(home: House) -> None:
    await home.person("anna", PASSWORD)
    token = (await home.services.log_in("anna", PASSWORD, ip=None, request_id=None)).token.reveal()
    assert await home.services.expired_at(token) is None
    home.clock.advance(days=30)
    assert await home.services.expired_at(token) == NOW + min(IDLE, LONGEST)


async def test_a_session_that_was_ended_did_not_expire(home: House) -> None:
    await home.person("anna", PASSWORD)
    token = (await home.services.log_in("anna", PASSWORD, ip=None, request_id=None)).token.reveal()
    await home.run(end_session, await home.caller(token), None)
    home.clock.advance(days=30)
    assert await home.services.expired_at(token) is None


async def test_what_nobody_knows_has_no_moment(home: House) -> None:
    for token in (*GARBAGE, mint().reveal(), mint("kws").reveal(), mint("kwi").reveal()):
        assert await home.services.disabled_at(token) is None
        assert await home.services.expired_at(token) is None
