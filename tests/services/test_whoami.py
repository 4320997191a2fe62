"""Who the caller is, by each kind of credential."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.identities import Grant, HeldRole
from keywright.core.keys import State
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.services.keys import KeyView
from keywright.services.whoami import Holder, whoami

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_a_key_of_a_tenant_speaks_for_its_owner_there(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id), Grant(SUPER_ADMIN))
    made = await home.key(acme, owner, scope=[], expires_at=home.clock.now() + timedelta(hours=1))
    assert await home.run(whoami, await home.caller(made), None) == Holder(
        identity=owner,
        key=KeyView(made.key, State.ACTIVE, acme, owner),
        session=None,
        tenant=acme,
        roles=(HeldRole(ADMIN), HeldRole(SUPER_ADMIN)),
    )


async def test_a_global_key_is_of_no_tenant(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id), Grant(SUPER_ADMIN))
    made = await home.key(None, owner)
    assert await home.run(whoami, await home.caller(made), None, tenant="acme") == Holder(
        identity=owner,
        key=KeyView(made.key, State.ACTIVE, None, owner),
        session=None,
        tenant=None,
        roles=(HeldRole(SUPER_ADMIN),),
    )


async def test_a_session_speaks_for_its_person(home: House, acme: Tenant) -> None:
    anna = await home.person("anna", "correct horse", Grant(ADMIN, acme.id))
    caller = await home.logged_in("anna", "correct horse")
    found = await home.run(whoami, caller, None)
    assert found.user is not None
    assert (found.user.person.login, found.user.two_factor) == ("anna", False)
    assert replace(found, user=None) == Holder(
        identity=anna, key=None, session=caller.session, tenant=None, roles=()
    )
