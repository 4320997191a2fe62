"""Who may only read changes nothing, whatever the use case: `read_only` in a tenant, and `monitor` everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import KeywrightError, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, MONITOR, READ_ONLY
from keywright.services.work import Reach
from tests.services.asking import everything
from tests.support.cases import Place, all_cases, use_cases

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

CASES = all_cases()
USES = {name: use for name, use in sorted(use_cases().items()) if use.reach is not Reach.SELF}
CHANGING = [name for name, use in USES.items() if use.changes]
READING = [name for name, use in USES.items() if not use.changes]


async def prepared(home: House, name: str) -> tuple[Place, Any]:
    """A place with what the use case is done to."""
    tenant = await home.tenant("acme")
    identity = await home.identity(Grant(ADMIN, tenant.id))
    place = Place(tenant, await home.admin(tenant), await home.key(tenant, identity))
    prepare = CASES[name].prepare
    if prepare is not None:
        await prepare(home, place)
    return place, CASES[name].on(place)


async def readers(home: House, place: Place) -> dict[str, Caller]:
    """Everybody who may read and nothing else, by each sort of key."""
    own = await home.identity(Grant(READ_ONLY, place.tenant.id), name="Reader")
    everywhere = await home.identity(Grant(MONITOR), name="Monitor")
    return {
        "read_only": await home.caller(await home.key(place.tenant, own)),
        "read_only, global": await home.caller(await home.key(None, own)),
        "monitor": await home.caller(await home.key(place.tenant, everywhere)),
        "monitor, global": await home.caller(await home.key(None, everywhere)),
    }


def test_there_is_something_to_walk() -> None:
    assert len(CHANGING) > 10
    assert len(READING) > 5


@pytest.mark.parametrize("name", CHANGING)
async def test_who_may_only_read_changes_nothing(home: House, name: str) -> None:
    place, data = await prepared(home, name)
    callers = await readers(home, place)
    before = await everything(home)
    for who, caller in callers.items():
        for where in (None, place.tenant.slug, "*"):
            with pytest.raises(KeywrightError) as caught:
                await home.run(USES[name], caller, data, tenant=where)
            assert await everything(home) == before, who
            if where == place.tenant.slug and USES[name].reach is not Reach.INSTALLATION:
                assert type(caught.value) is PermissionDenied, who


@pytest.mark.parametrize("name", READING)
async def test_who_reads_everywhere_reads_it(home: House, name: str) -> None:
    place, data = await prepared(home, name)
    callers = await readers(home, place)
    in_tenant = USES[name].reach is not Reach.INSTALLATION
    before = await everything(home)
    for who in callers if in_tenant else ["monitor, global"]:
        await home.run(USES[name], callers[who], data, tenant=place.tenant.slug if in_tenant else None)
    assert await everything(home) == before


@pytest.mark.parametrize("name", [name for name in READING if USES[name].reach is not Reach.INSTALLATION])
async def test_who_reads_one_tenant_reads_no_other(home: House, name: str) -> None:
    place, data = await prepared(home, name)
    other = await home.tenant("other")
    stranger = await home.identity(Grant(READ_ONLY, other.id))
    caller = await home.caller(await home.key(None, stranger))
    with pytest.raises(NotFound):
        await home.run(USES[name], caller, data, tenant=place.tenant.slug)
