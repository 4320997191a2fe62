"""Places: which tenant a call concerns, and which tenants there are for whom."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.identities import Grant, IdentityKind, TenantSettings
from keywright.core.roles import ADMIN, MEMBER, MONITOR, PROJECT_CREATOR, SUPER_ADMIN
from keywright.core.sessions import PASSKEY, PASSWORD, RECOVERY_CODE, SIGN_ON, SIGN_ON_MFA, TOTP
from keywright.services.places import EVERYWHERE, find_tenant, one_tenant
from tests.services.asking import with_session

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def found(home: House, caller: Caller, slug: str | None) -> str:
    """The slug of the tenant, or the code of the refusal."""
    async with home.database.read() as transaction:
        try:
            return (await find_tenant(transaction, caller, slug)).slug
        except errors.KeywrightError as refused:
            return refused.code if refused.field == "tenant" else "without its field"


@pytest.mark.parametrize(
    ("called", "named", "expected"),
    [(None, None, None), ("a", None, "a"), (None, "a", "a"), ("a", "a", "a"), ("*", "*", "*")],
)
def test_what_the_call_and_its_input_name_is_one_tenant(
    called: str | None, named: str | None, expected: str | None
) -> None:
    assert one_tenant(called, named) == expected


@pytest.mark.parametrize(("called", "named"), [("a", "b"), ("*", "a"), ("a", "*"), ("", "a"), ("a", "")])
def test_two_tenants_are_not_one(called: str, named: str) -> None:
    with pytest.raises(errors.InvalidValue) as caught:
        one_tenant(called, named, "at")
    assert caught.value.field == "at"


async def test_a_tenant_is_implied_where_there_is_no_doubt(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")

    async def implied(*grants: Grant, tenant: Any = None) -> str:
        return await found(
            home, await home.caller(await home.key(tenant, await home.identity(*grants))), None
        )

    for default in (False, True):
        if default:
            await home.tenant("default")
        assert await implied(tenant=acme) == "acme"
        assert await implied(Grant(ADMIN, other.id), tenant=acme) == "acme"
        assert await implied(Grant(MEMBER, other.id), Grant(ADMIN, other.id)) == "other"
        assert await implied() == "tenant_required"
        assert await implied(Grant(MEMBER, acme.id), Grant(MEMBER, other.id)) == "tenant_required"
        assert await implied(Grant(PROJECT_CREATOR)) == "tenant_required"
        for everywhere in (SUPER_ADMIN, MONITOR):
            assert await implied(Grant(everywhere)) == ("default" if default else "tenant_required")
        assert await implied(Grant(MONITOR), Grant(MEMBER, other.id)) == "other"


async def test_a_tenant_that_one_may_not_see_is_missing(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.tenant("other")
    callers = {
        "bound": await home.caller(await home.key(acme, await home.identity(Grant(SUPER_ADMIN)))),
        "member": await home.caller(await home.key(None, await home.identity(Grant(MEMBER, acme.id)))),
        "maker": await home.caller(
            await home.key(None, await home.identity(Grant(PROJECT_CREATOR), Grant(MEMBER, acme.id)))
        ),
        "session": with_session(
            home, await home.identity(kind=IdentityKind.USER), Grant(MEMBER, acme.id), proofs=(PASSWORD,)
        ),
    }
    for caller in callers.values():
        assert await found(home, caller, "acme") == "acme"
        for slug in ("other", "nowhere", "", EVERYWHERE, "\0", "\ud800", "ACME", f"deleted:{acme.id}"):
            assert await found(home, caller, slug) == "not_found"
    for role in (SUPER_ADMIN, MONITOR):
        # A scope narrows what may be done there, not where.
        watching = await home.caller(await home.key(None, await home.identity(Grant(role)), scope=[]))
        assert [await found(home, watching, slug) for slug in ("acme", "other")] == ["acme", "other"]
        assert await found(home, watching, "nowhere") == "not_found"


async def test_a_disabled_tenant_is_closed_to_its_own(home: House) -> None:
    acme = await home.tenant("acme", active=False)

    async def entered(*grants: Grant) -> str:
        return await found(
            home, await home.caller(await home.key(None, await home.identity(*grants))), "acme"
        )

    assert await entered(Grant(ADMIN, acme.id)) == "permission_denied"
    assert await entered(Grant(PROJECT_CREATOR), Grant(ADMIN, acme.id)) == "permission_denied"
    assert await entered(Grant(PROJECT_CREATOR)) == "not_found"
    assert await entered(Grant(MONITOR)) == "acme"


async def test_two_factors_are_asked_of_sessions_alone(home: House) -> None:
    acme = await home.tenant("acme")
    async with home.database.write() as transaction:
        await transaction.tenants.change(replace(acme, settings=TenantSettings(two_factor_required=True)))
    person = await home.identity(Grant(ADMIN, acme.id), kind=IdentityKind.USER)
    two = {(PASSKEY,), (SIGN_ON_MFA,)}
    for proofs in [
        *product((PASSWORD, PASSKEY, SIGN_ON, SIGN_ON_MFA)),
        *product((PASSWORD, SIGN_ON), (TOTP, RECOVERY_CODE)),
    ]:
        session = with_session(home, person, Grant(ADMIN, acme.id), proofs=proofs)
        enough = len(proofs) > 1 or proofs in two
        assert await found(home, session, "acme") == ("acme" if enough else "two_factor_required")
        assert await found(home, session, None) == ("acme" if enough else "two_factor_required")
    for key in (await home.key(acme, person), await home.key(None, person)):
        assert await found(home, await home.caller(key), "acme") == "acme"
    stranger = with_session(home, person, proofs=(PASSWORD,))
    assert await found(home, stranger, "acme") == "not_found"
    for role in (SUPER_ADMIN, MONITOR):
        everywhere = with_session(home, person, Grant(role), proofs=(PASSWORD,))
        assert await found(home, everywhere, "acme") == "two_factor_required"
