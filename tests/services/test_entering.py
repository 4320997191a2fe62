"""Whether somebody may be in a tenant at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import KeywrightError, NotFound
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, LOGIN, MONITOR
from keywright.services.tenants import TenantSlug, enter_tenant

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_whoever_holds_any_role_there_may_enter(home: House) -> None:
    acme = await home.tenant("acme")
    nobody_defines_it = Grant("proofreader", acme.id)
    for grant in (nobody_defines_it, Grant(MONITOR)):
        caller = await home.caller(await home.key(None, await home.identity(grant)))
        assert await home.run(enter_tenant, caller, TenantSlug("acme")) == acme


async def test_to_anybody_else_it_is_not_there(home: House) -> None:
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.identity(Grant(ADMIN, other.id))
    strangers = (
        await home.key(other, admin),
        await home.key(None, admin),
        await home.key(None, await home.identity(Grant(LOGIN))),
    )
    for made in strangers:
        caller = await home.caller(made)
        told = []
        for slug in (acme.slug, "nowhere", "no slug"):
            with pytest.raises(KeywrightError) as caught:
                await home.run(enter_tenant, caller, TenantSlug(slug))
            told.append((type(caught.value), caught.value.detail, caught.value.field))
        assert told == [(NotFound, "No such tenant.", "tenant")] * 3
